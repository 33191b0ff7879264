/** The shop's orders, newest first, and what can still be done with one. */

import { Button, Popup } from "antd-mobile";
import { useState } from "react";
import type { Staff, TillOrder } from "../shared/api";
import { go, href, useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk, usePages, useSend } from "../desk/server";
import { instant, hourMinute, yuan } from "./format";
import { OrderStatus } from "./OrderStatus";
import { Failed, Shown, Title } from "./parts";
import { Refund } from "./Refund";

export default function Orders({ me }: { me: Staff }) {
  const say = useSay();
  const [, id] = useRoute();
  const orders = usePages<TillOrder>("/app/till/orders?limit=30");
  let day = "";
  return (
    <div className="page">
      <Title actions={<Button size="small" loading={orders.loading} onClick={orders.again}>{say("Refresh", "刷新")}</Button>}>{say("Orders", "订单")}</Title>
      <Shown asked={orders}>{() => orders.rows?.length === 0 ? <p className="nothing-here">{say("No order yet. The first one appears here.", "暂无订单。")}</p> : (
        <>
          <ul className="rows">
            {orders.rows?.map((order) => {
              const own = instant(order.created_at).slice(0, 10);
              const head = own !== day;
              day = own;
              return (
                <li key={order.id}>
                  {head && <h2 className="day">{own}</h2>}
                  <a href={href("orders", order.id)} aria-current={order.id === id ? "true" : undefined}>
                    <span><strong>{yuan(order.amount)}</strong><small>{order.description || order.number}</small></span>
                    <span className="right"><OrderStatus order={order} /><small>{hourMinute(order.created_at)}</small></span>
                  </a>
                </li>
              );
            })}
          </ul>
          {orders.hasMore && <Button block loading={orders.loadingMore} onClick={() => void orders.more()}>{say("More", "更多")}</Button>}
        </>
      )}</Shown>
      <Popup visible={Boolean(id)} onMaskClick={() => go("orders")} onClose={() => go("orders")} showCloseButton destroyOnClose bodyClassName="sheet">
        {id && <Detail id={id} me={me} onChange={orders.again} />}
      </Popup>
    </div>
  );
}

function Detail({ id, me, onChange }: { id: string; me: Staff; onChange: () => void }) {
  const say = useSay();
  const asked = useAsk<TillOrder>(`/app/till/orders/${id}`);
  return <Shown asked={asked}>{(order) => <Facts order={order} me={me} onChange={() => { asked.again(); onChange(); }} say={say} />}</Shown>;
}

function Facts({ order, me, onChange, say }: { order: TillOrder; me: Staff; onChange: () => void; say: ReturnType<typeof useSay> }) {
  const [refunding, setRefunding] = useState(false);
  const acting = useSend<TillOrder>();
  const left = order.amount - order.refunded;
  const action = order.status === "open" ? "close" : order.status === "awaiting_shopper" ? "reverse" : undefined;

  const facts: [string, string | undefined][] = [
    [say("For", "商品"), order.description],
    [say("Shopper paid", "顾客实付"), order.paid === undefined ? undefined : yuan(order.paid)],
    [say("Discount", "优惠"), order.discount ? yuan(order.discount) : undefined],
    [say("Fee", "手续费"), order.fee === undefined ? undefined : yuan(order.fee)],
    [say("Refunded", "已退款"), order.refunded ? yuan(order.refunded) : undefined],
    [say("Payer", "付款人"), order.payer_masked],
    [say("Made", "创建时间"), instant(order.created_at)],
    [say("Paid", "支付时间"), order.paid_at && instant(order.paid_at)],
    [say("Number", "单号"), order.number],
  ];
  return (
    <div className="order">
      <header><span className="order-amount">{yuan(order.amount)}</span><OrderStatus order={order} /></header>
      <dl className="facts">{facts.filter(([, text]) => text).map(([label, text]) => <div key={label}><dt>{label}</dt><dd>{text}</dd></div>)}</dl>
      {acting.failure && <Failed failure={acting.failure} />}
      {action && (
        <Button block size="large" loading={acting.busy} onClick={() => void acting.run("POST", `/app/till/orders/${order.id}/${action}`).then((done) => done && onChange())}>
          {action === "close" ? say("Cancel this order", "取消订单") : say("Take it back", "撤销交易")}
        </Button>
      )}
      {order.status === "paid" && left > 0 && !refunding && <Button block size="large" onClick={() => setRefunding(true)}>{say("Refund", "退款")}</Button>}
      {refunding && <Refund order={order} me={me} onDone={() => { setRefunding(false); onChange(); }} onCancel={() => setRefunding(false)} />}
    </div>
  );
}
