import type { TillOrder } from "../shared/api";
import { useSay } from "../desk/say";

/** Where an order stands, in a word. */
export function OrderStatus({ order }: { order: TillOrder }) {
  const say = useSay();
  const refunded = order.status === "paid" && order.refunded > 0;
  const words: Record<TillOrder["status"], string> = {
    open: say("Open", "待支付"), awaiting_shopper: say("Confirming", "待确认"), paid: say("Paid", "已支付"), closed: say("Cancelled", "已取消"),
    expired: say("Expired", "已超时"), reversed: say("Taken back", "已撤销"),
  };
  return <span className={`state ${refunded ? "refunded" : order.status}`}>{refunded ? say("Refunded", "有退款") : words[order.status]}</span>;
}
