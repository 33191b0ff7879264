/** The cashier: what an order costs, why, and one tap to pay it. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { CashierOrder, Quote, Receipt } from "../shared/api";
import { useHolder } from "./App";
import { yuan } from "./format";
import { Answer, Done, Failed, Loading, Page } from "./parts";
import { useCommand } from "./server";

export default function Cashier() {
  const say = useSay();
  const [, token = ""] = useRoute();
  const { news } = useHolder();
  const order = useAsk<CashierOrder>(`/app/wallet/orders/${encodeURIComponent(token)}`, [news]);
  const pay = useCommand<Receipt>();
  const [paid, setPaid] = useState<number>();
  const it = order.data;
  if (!it) return <Page title={say("Pay", "付款")}>{order.failure ? <Failed failure={order.failure} again={order.again} /> : <Loading />}</Page>;
  const toPay = it.quote?.to_pay ?? it.amount;
  async function confirm() {
    const receipt = await pay.run(`/app/wallet/orders/${encodeURIComponent(token)}/pay`, { at_most: toPay });
    if (receipt) setPaid(toPay);
    else order.again();
  }
  if (paid !== undefined) return <Page title={say("Paid", "已支付")}><Done title={say("Paid", "支付成功")} amount={yuan(paid)}><p>{it.shop.name}</p></Done></Page>;
  return (
    <Page title={say("Pay", "付款")}>
      <Price shop={it.shop.name} description={it.description} amount={it.amount} quote={it.quote} />
      {it.status === "open" ? (
        <>
          <p className="funding"><span>{say("From", "付款方式")}</span><span>{say(`Balance ${yuan(it.balance)}`, `余额 ${yuan(it.balance)}`)}</span></p>
          <Answer command={pay} />
          <Button block color="primary" size="large" loading={pay.busy} onClick={() => void confirm()}>{say(`Pay ${yuan(toPay)}`, `确认付款 ${yuan(toPay)}`)}</Button>
        </>
      ) : <Ended status={it.status} />}
    </Page>
  );
}

function Ended({ status }: { status: CashierOrder["status"] }) {
  const say = useSay();
  const texts = { paid: say("This order is paid.", "该订单已支付。"), closed: say("The shop closed this order.", "商家已关闭该订单。"), expired: say("This order's time is over.", "订单已过期。"), reversed: say("This order was undone; what was paid came back.", "订单已撤销，款项已退回。"), open: "" };
  return <p role="status" className="quiet">{texts[status]}</p>;
}

/** An amount with its discounts and why. */
export function Price({ shop, description, amount, quote }: { shop: string; description: string; amount: number; quote?: Quote }) {
  const say = useSay();
  return (
    <section className="card price">
      <p>{shop}</p>
      <output data-testid="to-pay">{yuan(quote?.to_pay ?? amount)}</output>
      {quote && quote.discount > 0 && <s>{yuan(amount)}</s>}
      <small>{description}</small>
      {quote && quote.parts.length + quote.not_applied.length > 0 && (
        <dl>
          {quote.parts.map((part) => <div key={`${part.campaign}${part.kind}`}><dt>{part.campaign}{part.words && <small>{part.words}</small>}</dt><dd className="in">{part.kind === "rebate" ? say(`${yuan(part.amount)} back later`, `返 ${yuan(part.amount)}`) : yuan(-part.amount)}</dd></div>)}
          {quote.not_applied.map((part) => <div key={part.campaign} className="quiet"><dt>{part.campaign}</dt><dd>{part.why}</dd></div>)}
        </dl>
      )}
    </section>
  );
}
