/** What a refusal means at a till, and what to do. Codes that are not here speak for themselves. */

import type { Say } from "../desk/say";
import type { Failure } from "../desk/server";

export function words(failure: Failure, say: Say): string {
  if (failure.status === 0) return say("The server could not be reached. Check the network and try again.", "无法连接服务器，请检查网络后重试。");
  if (failure.status === 429) return say("Too many tries. Wait a moment.", "操作过于频繁，请稍后再试。");
  const known: Record<string, string> = {
    balance_short: say("The shopper's balance is too small. Ask for another way to pay.", "顾客余额不足，请更换支付方式。"),
    pay_code_invalid: say("This is no pay code, or it is too old. Ask the shopper to show it again.", "付款码无效或已过期，请顾客刷新后重试。"),
    auth_code_invalid: say("This is no pay code, or it is too old. Ask the shopper to show it again.", "付款码无效或已过期，请顾客刷新后重试。"),
    pay_code_spent: say("This code was used already. Ask the shopper for a new one.", "付款码已被使用，请顾客刷新后重试。"),
    user_frozen: say("This shopper cannot pay now.", "该顾客暂时无法支付。"),
    merchant_paused: say("This shop is paused. Ask the platform.", "本店已暂停收款，请联系平台。"),
    owner_required: say("An owner has to agree.", "需要店主授权。"),
  };
  return known[failure.code] ?? failure.message;
}
