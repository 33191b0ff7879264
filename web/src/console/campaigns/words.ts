/** What a campaign's terms mean, in a sentence or two. */

import type { Say } from "../../desk/say";
import { percent, yuan } from "../format";
import type { Benefit, Campaign, Funding, Kind, Terms } from "../types";

export function kindWord(kind: Kind, say: Say): string {
  if (kind === "discount") return say("Discount", "立减");
  return "rebate" in kind ? say("Rebate", "返现") : say("Coupon", "优惠券");
}

export function benefitWords(benefit: Benefit, say: Say): string {
  if ("fixed" in benefit) return say(`${yuan(benefit.fixed)} off`, `减 ${yuan(benefit.fixed)}`);
  if ("percent" in benefit) {
    const { bps, cap } = benefit.percent;
    return say(`${percent(bps)} off, at most ${yuan(cap)}`, `减 ${percent(bps)}，最多 ${yuan(cap)}`);
  }
  if ("random" in benefit) {
    const { least, most, mean } = benefit.random;
    return say(`${yuan(least)} to ${yuan(most)} by chance, ${yuan(mean)} on average`, `随机 ${yuan(least)}–${yuan(most)}，平均 ${yuan(mean)}`);
  }
  const steps = benefit.tiers.map(({ spend, get }) => say(`${yuan(get)} from ${yuan(spend)}`, `满 ${yuan(spend)} 减 ${yuan(get)}`));
  return steps.join(say("; ", "；"));
}

export function fundingWords(funding: Funding, nameOf: (merchant: string) => string, say: Say): string {
  if (funding === "platform") return say("The platform pays", "平台出资");
  if ("merchant" in funding) return say(`${nameOf(funding.merchant)} pays in advance`, `${nameOf(funding.merchant)} 预付出资`);
  if ("outside" in funding) return say(`${nameOf(funding.outside)} honours it at its own till`, `${nameOf(funding.outside)} 线下核销`);
  const { merchant_id, platform_bps } = funding.shared;
  return say(
    `The platform pays ${percent(platform_bps)}, ${nameOf(merchant_id)} the rest`,
    `平台承担 ${percent(platform_bps)}，其余由 ${nameOf(merchant_id)} 承担`,
  );
}

/** Everything that limits it. */
export function limitWords(terms: Terms, nameOf: (id: string) => string, say: Say): string[] {
  const per = terms.per_user;
  return [
    terms.minimum && say(`from ${yuan(terms.minimum)} on`, `满 ${yuan(terms.minimum)} 起`),
    terms.per_payment && say(`at most ${yuan(terms.per_payment)} a payment`, `每笔最多 ${yuan(terms.per_payment)}`),
    terms.per_day && say(`at most ${yuan(terms.per_day)} a day in all`, `每日总额最多 ${yuan(terms.per_day)}`),
    per?.times && say(`${per.times}× for each payer`, `每人 ${per.times} 次`),
    per?.times_a_day && say(`${per.times_a_day}× a day for each payer`, `每人每日 ${per.times_a_day} 次`),
    per?.amount && say(`at most ${yuan(per.amount)} for each payer`, `每人最多 ${yuan(per.amount)}`),
    per?.by_person && say("all accounts of a person count as one", "同一人的多个账户合并计算"),
    terms.users && say(`${terms.users} payers at most`, `最多 ${terms.users} 人`),
    terms.brand_id && say(`payers of ${nameOf(terms.brand_id)}`, `限 ${nameOf(terms.brand_id)} 用户`),
    terms.merchant_ids?.length && say(`at ${terms.merchant_ids.map(nameOf).join(", ")}`, `限商户：${terms.merchant_ids.map(nameOf).join("、")}`),
    terms.holdout_bps && say(`${percent(terms.holdout_bps)} never get it (control group)`, `${percent(terms.holdout_bps)} 为对照组`),
    terms.when_spent === "tell" && say("payers are told when the budget is spent", "预算用尽时告知用户"),
  ].filter((word): word is string => Boolean(word));
}

/** What its operator may do with it next. */
export function steps(campaign: Campaign): ("approve" | "start" | "pause" | "resume" | "end")[] {
  switch (campaign.status) {
    case "draft": return ["approve", "end"];
    case "approved": return ["start", "end"];
    case "running": return ["pause", "end"];
    case "paused": return ["resume", "end"];
    case "ended": return [];
  }
}
