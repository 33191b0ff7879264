/** A campaign as the builder's fields hold it (yuan and percent), and as `/v1` takes it (fen and basis points). */

import type { Benefit, Funding, Kind, NewCampaign, Terms } from "../types";

export interface Fields {
  name?: string;
  kind: "discount" | "rebate" | "coupon";
  wait_days?: number;
  coupons_most?: number;
  coupons_per_user?: number;
  coupons_days?: number;
  coupons_how: "sent" | "claimed" | "code" | "earned";
  coupons_code?: string;
  coupons_after?: number;
  benefit: "fixed" | "percent" | "random" | "tiers";
  fixed?: number;
  percent?: number;
  cap?: number;
  least?: number;
  most?: number;
  mean?: number;
  tiers?: { spend?: number; get?: number }[];
  funding: "platform" | "merchant" | "shared" | "outside";
  funder?: string;
  platform_percent?: number;
  budget?: number;
  from?: string;
  until?: string;
  minimum?: number;
  per_day?: number;
  per_payment?: number;
  times?: number;
  times_a_day?: number;
  per_user_amount?: number;
  by_person?: boolean;
  users?: number;
  brand_id?: string;
  merchant_ids?: string[];
  rule?: string;
  group?: number;
  holdout_percent?: number;
  tell?: boolean;
}

export const EMPTY: Fields = { kind: "discount", coupons_how: "claimed", benefit: "fixed", funding: "platform", tiers: [{}, {}] };

const fen = (yuan?: number) => Math.round((yuan ?? 0) * 100);
const maybe = (yuan?: number) => (yuan === undefined || yuan === null ? undefined : fen(yuan));
const given = (number?: number | null) => number ?? undefined;

function kindOf(fields: Fields): Kind {
  if (fields.kind === "discount") return "discount";
  if (fields.kind === "rebate") return { rebate: { wait_days: fields.wait_days ?? 0 } };
  const how = fields.coupons_how;
  return {
    coupon: {
      most: fields.coupons_most ?? 0,
      per_user: fields.coupons_per_user ?? 1,
      days: given(fields.coupons_days),
      claimed: how === "claimed" || undefined,
      code: how === "code" ? fields.coupons_code : undefined,
      after: how === "earned" ? maybe(fields.coupons_after) : undefined,
    },
  };
}

function benefitOf(fields: Fields): Benefit {
  switch (fields.benefit) {
    case "fixed": return { fixed: fen(fields.fixed) };
    case "percent": return { percent: { bps: fen(fields.percent), cap: fen(fields.cap) } };
    case "random": return { random: { least: fen(fields.least), most: fen(fields.most), mean: fen(fields.mean) } };
    case "tiers": return { tiers: (fields.tiers ?? []).map((tier) => ({ spend: fen(tier.spend), get: fen(tier.get) })) };
  }
}

function fundingOf(fields: Fields): Funding {
  switch (fields.funding) {
    case "platform": return "platform";
    case "merchant": return { merchant: fields.funder ?? "" };
    case "outside": return { outside: fields.funder ?? "" };
    case "shared": return { shared: { merchant_id: fields.funder ?? "", platform_bps: fen(fields.platform_percent) } };
  }
}

export function campaignOf(fields: Fields): NewCampaign {
  const perUser = {
    times: given(fields.times), times_a_day: given(fields.times_a_day), amount: maybe(fields.per_user_amount),
    by_person: fields.by_person || undefined,
  };
  const terms: Terms = {
    name: fields.name?.trim() ?? "",
    kind: kindOf(fields),
    benefit: benefitOf(fields),
    funding: fundingOf(fields),
    from: fields.from ?? "",
    until: fields.until ?? "",
    minimum: maybe(fields.minimum),
    per_day: maybe(fields.per_day),
    per_payment: maybe(fields.per_payment),
    per_user: Object.values(perUser).some((value) => value !== undefined) ? perUser : undefined,
    users: given(fields.users),
    brand_id: fields.brand_id || undefined,
    merchant_ids: fields.merchant_ids?.length ? fields.merchant_ids : undefined,
    rule: fields.rule?.trim() || undefined,
    group: given(fields.group),
    holdout_bps: fields.holdout_percent ? fen(fields.holdout_percent) : undefined,
    when_spent: fields.tell ? "tell" : undefined,
  };
  return { budget: fen(fields.budget), terms };
}

/** What must still be written before the server can take it. */
export function missingOf(fields: Fields): (keyof Fields)[] {
  const needed: (keyof Fields)[] = ["name", "budget", "from", "until"];
  if (fields.benefit === "fixed") needed.push("fixed");
  if (fields.benefit === "percent") needed.push("percent", "cap");
  if (fields.benefit === "random") needed.push("least", "most", "mean");
  if (fields.funding !== "platform") needed.push("funder");
  if (fields.funding === "shared") needed.push("platform_percent");
  if (fields.kind === "coupon") needed.push("coupons_most");
  if (fields.kind === "coupon" && fields.coupons_how === "code") needed.push("coupons_code");
  if (fields.kind === "coupon" && fields.coupons_how === "earned") needed.push("coupons_after");
  const missing = needed.filter((name) => fields[name] === undefined || fields[name] === null || fields[name] === "");
  const tiersMissing = fields.benefit === "tiers" && (fields.tiers ?? []).some((tier) => !tier.spend || !tier.get);
  return tiersMissing ? [...missing, "tiers"] : missing;
}

const DAY_MS = 86_400_000;

/** The draft with something plain where nothing is written yet, so that its rule can be judged already. */
export function standIn(fields: Fields): NewCampaign {
  const plain: Fields = {
    ...EMPTY, name: "–", budget: 1, fixed: 0.01, rule: fields.rule,
    from: new Date(Date.now() + DAY_MS).toISOString(), until: new Date(Date.now() + 2 * DAY_MS).toISOString(),
  };
  return campaignOf(missingOf(fields).length > 0 ? plain : fields);
}

const yuan = (amount?: number | null) => (amount === undefined || amount === null ? undefined : amount / 100);

/** Another campaign's terms as a beginning for a new one. */
export function fieldsOf({ budget, terms }: NewCampaign): Fields {
  const fields: Fields = {
    ...EMPTY,
    name: terms.name, budget: yuan(budget), from: terms.from, until: terms.until, minimum: yuan(terms.minimum), per_day: yuan(terms.per_day),
    per_payment: yuan(terms.per_payment), times: given(terms.per_user?.times), times_a_day: given(terms.per_user?.times_a_day),
    per_user_amount: yuan(terms.per_user?.amount), by_person: terms.per_user?.by_person, users: given(terms.users), brand_id: terms.brand_id,
    merchant_ids: terms.merchant_ids, rule: terms.rule, group: given(terms.group), holdout_percent: yuan(terms.holdout_bps || undefined),
    tell: terms.when_spent === "tell",
  };
  const { kind, benefit, funding } = terms;
  if (kind !== "discount" && "rebate" in kind) Object.assign(fields, { kind: "rebate", wait_days: kind.rebate.wait_days });
  if (kind !== "discount" && "coupon" in kind) {
    const { most, per_user, days, claimed, code, after } = kind.coupon;
    const how: Fields["coupons_how"] = claimed ? "claimed" : code ? "code" : after ? "earned" : "sent";
    Object.assign(fields, {
      kind: "coupon", coupons_most: most, coupons_per_user: per_user, coupons_days: days, coupons_how: how, coupons_code: code,
      coupons_after: yuan(after),
    });
  }
  if ("fixed" in benefit) Object.assign(fields, { benefit: "fixed", fixed: yuan(benefit.fixed) });
  if ("percent" in benefit) Object.assign(fields, { benefit: "percent", percent: benefit.percent.bps / 100, cap: yuan(benefit.percent.cap) });
  if ("random" in benefit) {
    const { least, most, mean } = benefit.random;
    Object.assign(fields, { benefit: "random", least: yuan(least), most: yuan(most), mean: yuan(mean) });
  }
  if ("tiers" in benefit) {
    Object.assign(fields, { benefit: "tiers", tiers: benefit.tiers.map(({ spend, get }) => ({ spend: yuan(spend), get: yuan(get) })) });
  }
  if (funding !== "platform") {
    if ("merchant" in funding) Object.assign(fields, { funding: "merchant", funder: funding.merchant });
    if ("outside" in funding) Object.assign(fields, { funding: "outside", funder: funding.outside });
    if ("shared" in funding) {
      Object.assign(fields, { funding: "shared", funder: funding.shared.merchant_id, platform_percent: funding.shared.platform_bps / 100 });
    }
  }
  return fields;
}

/** The field that a part of the request (`terms.benefit.percent.cap`) was made of; undefined if it is not plain. */
export function fieldAt(param: string | undefined): keyof Fields | undefined {
  if (!param) return undefined;
  const path = param.replace(/^terms\./, "");
  const known: [RegExp, keyof Fields][] = [
    [/^budget/, "budget"], [/^name/, "name"], [/^from/, "from"], [/^until/, "until"], [/^rule/, "rule"], [/^minimum/, "minimum"],
    [/^per_day/, "per_day"], [/^per_payment/, "per_payment"], [/^per_user\.times_a_day/, "times_a_day"], [/^per_user\.times/, "times"],
    [/^per_user/, "per_user_amount"], [/^users/, "users"], [/^brand/, "brand_id"], [/^merchant_ids/, "merchant_ids"], [/^group/, "group"],
    [/^holdout/, "holdout_percent"], [/^funding/, "funder"], [/^kind\.rebate|wait_days/, "wait_days"], [/code$/, "coupons_code"],
    [/^kind\.coupon\.days/, "coupons_days"], [/^kind\.coupon\.after/, "coupons_after"], [/^kind/, "coupons_most"], [/bps$/, "percent"],
    [/cap$/, "cap"], [/least$/, "least"], [/mean$/, "mean"], [/most$/, "most"], [/^benefit\.fixed/, "fixed"], [/^benefit/, "benefit"],
  ];
  return known.find(([pattern]) => pattern.test(path))?.[1];
}
