/** What a refusal means for a person's money, and what to do. Codes that are not here speak for themselves. */

import type { Say } from "../desk/say";
import type { Failure } from "../desk/server";
import { yuan } from "./format";

export function words(failure: Failure, say: Say): string {
  if (failure.status === 0) return say("No connection. Nothing is lost: try again, it will not happen twice.", "网络不可用。请重试，不会重复扣款。");
  if (failure.status === 429) return say("Too many tries. Wait a moment.", "操作过于频繁，请稍后再试。");
  const frozen = say("Your account is frozen: it pays and sends nothing. Ask the operator why.", "您的账户已被冻结，无法付款和转账，请联系客服。");
  const known: Record<string, string> = {
    payer_not_active: frozen, user_not_active: frozen,
    fee_above: say("The fee is another now. Look at it again.", "手续费已变化，请重新确认。"),
    balance_short: say("Your balance is too small. Top up first.", "余额不足，请先充值。"),
    price_changed: say("The price changed. Look at it again.", "价格有变化，请重新确认。"),
    pin_locked: say("The PIN is locked after five wrong tries. Unlock it in Settings.", "支付密码已锁定，请在设置中解锁。"),
    pin_not_set: say("Set a payment PIN first, in Settings.", "请先在设置中设置支付密码。"),
    code_wrong: say("The code is wrong.", "验证码错误。"),
    already_paid: say("This order is paid already.", "该订单已支付。"),
    order_expired: say("This order's time is over.", "订单已过期。"),
    order_closed: say("The shop closed this order.", "商家已关闭该订单。"),
    passkey_bad: say("This passkey is not known here, or not any more.", "该通行密钥无效或已移除。"),
    packet_empty: say("All shares are gone.", "手慢了，红包派完了。"),
    payee_not_found: say("Nobody was found.", "未找到该用户。"),
  };
  return known[failure.code] ?? failure.message;
}

/** What the PIN pad says after a wrong one. */
export const pinWords = (failure: Failure | undefined, say: Say) =>
  failure ? say(`Wrong PIN. ${failure.message}`, `支付密码错误。${failure.message}`) : say("Enter your payment PIN", "请输入支付密码");

export const atMost = (fen: number, say: Say) => say(`up to ${yuan(fen)}`, `不超过 ${yuan(fen)}`);
