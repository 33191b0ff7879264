/** An order's full story: what happened, what each step posted, and what the shop was told. */

import { Descriptions, Table, Timeline } from "antd";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { useAsk } from "../../desk/server";
import { count, yuan } from "../format";
import { AccountLink, At, Nothing, Page, Panel, Ref, Shown, Status } from "../parts";
import type { OrderStory as Story } from "../types";
import { Attempts } from "./Notifications";

export default function OrderStory({ id }: { id: string }) {
  const say = useSay();
  const story = useAsk<Story>(`/v1/orders/${id}/story`);
  return (
    <Shown asked={story} rows={12}>{({ order, events, notifications }) => (
      <Page title={<>{order.description || order.id} <Status of={order.status} /></>} lead={<><a href={href("ledger")}>{say("Ledger", "总账")}</a> / {order.id}</>}>
        <Panel>
          <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 3 }} items={[
            { key: "amount", label: say("Amount", "金额"), children: <strong>{yuan(order.amount)}</strong> },
            { key: "merchant", label: say("Merchant", "商户"), children: <Ref id={order.merchant.id}>{order.merchant.name}</Ref> },
            { key: "number", label: say("Merchant's number", "商户单号"), children: order.number ?? "–" },
            { key: "made", label: say("Made", "创建"), children: <At time={order.created_at} /> },
            ...(order.payment ? [
              { key: "payer", label: say("Payer", "付款人"), children: <Ref id={order.payment.payer_id} /> },
              { key: "paid", label: say("Payer paid", "实付"), children: yuan(order.payment.payable) },
              { key: "fee", label: say("Fee", "手续费"), children: order.payment.fee === undefined ? "–" : yuan(order.payment.fee) },
              { key: "refunded", label: say("Refunded", "已退款"), children: yuan(order.payment.refunded) },
              ...(order.payment.discounts.length > 0 ? [
                { key: "discounts", label: say("Discounts", "优惠"), children: order.payment.discounts.map((one) => <div key={one.campaign_id}><Ref id={one.campaign_id}>{one.campaign}</Ref> −{yuan(one.amount)}</div>) },
              ] : []),
            ] : []),
          ]} />
        </Panel>
        <Panel title={say("What happened", "经过")}>
          <Timeline className="story" items={events.map((event) => ({
            key: event.event,
            content: (
              <>
                <strong>{event.kind}</strong> <At time={event.at} /> <span className="quiet small">{say(`event ${count(event.event)}`, `事件 ${count(event.event)}`)}</span>
                {event.postings.length > 0 && (
                  <Table size="small" pagination={false} rowKey={(row) => `${row.debit} ${row.credit}`} dataSource={event.postings} scroll={{ x: 480 }} columns={[
                    { title: say("Debit", "借"), dataIndex: "debit", render: (id: string) => <AccountLink id={id} /> }, { title: say("Credit", "贷"), dataIndex: "credit", render: (id: string) => <AccountLink id={id} /> },
                    { title: say("Amount", "金额"), dataIndex: "amount", align: "right", render: yuan },
                  ]} />
                )}
              </>
            ),
          }))} />
        </Panel>
        <Panel title={say("What the shop was told", "商户通知")}>
          {notifications.length === 0 ? <Nothing>{say("Nothing is to be told: it was, or the order names no address.", "无待发通知：已送达，或订单未设置通知地址")}</Nothing> : <Attempts rows={notifications} again={story.again} />}
        </Panel>
      </Page>
    )}</Shown>
  );
}
