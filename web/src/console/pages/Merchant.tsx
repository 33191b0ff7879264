/** One merchant: fee, pause, keys, and what went over its account. */

import { Button, Descriptions, Form, InputNumber, Modal, Table } from "antd";
import { useState } from "react";
import { categoryName } from "../../desk/categories";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { useAsk, usePages, useSend } from "../../desk/server";
import { percent, yuan } from "../format";
import { Amount, At, Confirm, Nothing, Page, Panel, Ref, Secret, Shown, Status, useOpen } from "../parts";
import type { Merchant as Row, StatementEntry } from "../types";
import { Staff } from "./Staff";

export default function Merchant({ id }: { id: string }) {
  const merchant = useAsk<Row>(`/v1/merchants/${id}`);
  return <Shown asked={merchant} rows={10}>{(row) => <Facts row={row} again={merchant.again} />}</Shown>;
}

function Facts({ row, again }: { row: Row; again: () => void }) {
  const say = useSay();
  const balance = useAsk<{ available: number }>(`/v1/merchants/${row.id}/balance`);
  const pausing = useOpen();
  const fee = useOpen();
  const [percentage, setPercentage] = useState<number | null>(row.fee_bps / 100);
  const changing = useSend<Row>();
  const key = useSend<{ key: string }>();
  const [told, setTold] = useState<string>();
  const pauses = row.status === "active";

  async function change(body: object, close: () => void) {
    if (!(await changing.run("PATCH", `/v1/merchants/${row.id}`, body))) return;
    close();
    again();
  }

  return (
    <Page title={<>{row.name} <Status of={row.status} /></>} lead={<><a href={href("merchants")}>{say("Merchants", "商户")}</a> / {row.id}</>} actions={
      <>
        <Button loading={key.busy} onClick={() => void key.run("POST", `/v1/merchants/${row.id}/keys`).then((made) => made && setTold(made.key))}>{say("New API key", "新建 API 密钥")}</Button>
        <Button onClick={() => { changing.forget(); setPercentage(row.fee_bps / 100); fee.show(true); }}>{say("Change the fee", "调整费率")}</Button>
        <Button danger={pauses} type={pauses ? "default" : "primary"} onClick={() => { changing.forget(); pausing.show(true); }}>{pauses ? say("Pause", "暂停") : say("Resume", "恢复")}</Button>
      </>
    }>
      <Panel>
        <Descriptions size="small" column={{ xs: 1, sm: 2, lg: 4 }} items={[
          { key: "balance", label: say("Balance", "余额"), children: balance.data ? <strong>{yuan(balance.data.available)}</strong> : "…" },
          { key: "fee", label: say("Fee", "费率"), children: percent(row.fee_bps, 2) },
          { key: "category", label: say("Kind", "类别"), children: categoryName(row.category, say) },
          { key: "mchid", label: "mchid", children: <code>{row.mchid}</code> },
          { key: "appid", label: "appid", children: <code>{row.appid}</code> },
        ]} />
      </Panel>
      <Staff merchant={row} />
      <Statement path={`/v1/merchants/${row.id}/statement`} />
      <Confirm open={pausing.open} title={pauses ? say(`Pause ${row.name}?`, `暂停 ${row.name}？`) : say(`Resume ${row.name}?`, `恢复 ${row.name}？`)}
        ok={pauses ? say("Pause", "暂停") : say("Resume", "恢复")} danger={pauses} busy={changing.busy} failure={changing.failure}
        onOk={() => void change({ status: pauses ? "paused" : "active" }, pausing.close)} onClose={pausing.close}>
        <p>{pauses ? say("It takes no new payments. Refunds go on.", "暂停后不能收款，退款不受影响。") : say("It takes payments again at once.", "将立即恢复收款。")}</p>
      </Confirm>
      <Confirm open={fee.open} title={say("Change the fee", "调整费率")} ok={say("Change", "调整")} busy={changing.busy} failure={changing.failure}
        disabled={percentage === null} onOk={() => void change({ fee_bps: Math.round((percentage ?? 0) * 100) }, fee.close)} onClose={fee.close}>
        <Form layout="vertical"><Form.Item label={say("Of every payment from now on", "自现在起每笔支付")} htmlFor="fee">
          <InputNumber id="fee" suffix="%" min={0} max={100} precision={2} value={percentage} onChange={setPercentage} controls={false} className="wide" />
        </Form.Item></Form>
      </Confirm>
      <Modal open={Boolean(told)} title={say("A new API key", "新 API 密钥")} closable={false} keyboard={false} mask={{ closable: false }} footer={<Button type="primary" onClick={() => setTold(undefined)}>{say("I have saved it", "我已保存")}</Button>}>
        <p>{say("It is shown this once.", "仅显示一次。")}</p>
        {told && <Secret label="fqm_…" value={told} />}
      </Modal>
    </Page>
  );
}

/** What went over an account, newest first. */
export function Statement({ path }: { path: string }) {
  const say = useSay();
  const entries = usePages<StatementEntry>(`${path}?limit=30`);
  return (
    <Panel flush title={say("Statement", "账单")}>
      <Shown asked={entries}>{() => (
        <>
          <Table<StatementEntry> size="small" rowKey={(entry) => `${entry.at} ${entry.kind} ${entry.order_id ?? entry.transfer_id ?? ""} ${entry.refund_id ?? ""} ${entry.amount}`}
            dataSource={entries.rows} pagination={false} scroll={{ x: 640 }} locale={{ emptyText: <Nothing>{say("Nothing went over this account yet.", "暂无流水")}</Nothing> }} columns={[
              { title: say("Time", "时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
              { title: say("What", "类型"), dataIndex: "kind" },
              { title: say("With", "对方"), dataIndex: "counterparty", render: (name?: string) => name ?? "–" },
              { title: say("Order", "订单"), dataIndex: "order_id", render: (order?: string) => <Ref id={order} /> },
              { title: say("Fee", "手续费"), dataIndex: "fee", align: "right", render: (fee?: number) => (fee ? <Amount fen={fee} /> : "–") },
              { title: say("Amount", "金额"), dataIndex: "amount", align: "right", render: (amount: number) => <Amount fen={amount} sign /> },
            ]} />
          {entries.hasMore && <div className="more"><Button loading={entries.loadingMore} onClick={() => void entries.more()}>{say("More", "更多")}</Button></div>}
        </>
      )}</Shown>
    </Panel>
  );
}
