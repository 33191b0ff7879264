/** One user. Who it is stays covered until an operator says why it must be read; that is recorded. */

import { Alert, Button, Descriptions, Form, Input } from "antd";
import { useState } from "react";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { useAsk, useSend } from "../../desk/server";
import { yuan } from "../format";
import { Confirm, Failed, Page, Panel, Shown, Status, useOpen } from "../parts";
import type { Person, UserRow } from "../types";
import { useNames } from "../useNames";
import { Statement } from "./Merchant";

export default function User({ id }: { id: string }) {
  const user = useAsk<UserRow>(`/v1/users/${id}/masked`);
  return <Shown asked={user} rows={10}>{(row) => <Facts row={row} again={user.again} />}</Shown>;
}

function Facts({ row, again }: { row: UserRow; again: () => void }) {
  const say = useSay();
  const { nameOf } = useNames();
  const balance = useAsk<{ available: number }>(`/v1/users/${row.id}/balance`);
  const freezing = useOpen();
  const changing = useSend();
  const reading = useSend<Person>();
  const [person, setPerson] = useState<Person>();
  const [why, setWhy] = useState("");
  const [readWhy, setReadWhy] = useState("");
  const freezes = row.status === "active";

  async function change() {
    if (!(await changing.run("POST", `/v1/users/${row.id}/status`, { status: freezes ? "frozen" : "active", reason: why.trim() }))) return;
    freezing.close();
    setWhy("");
    again();
  }

  return (
    <Page title={<>{row.name_masked ?? row.id} <Status of={row.status} /></>} lead={<><a href={href("users")}>{say("Users", "用户")}</a> / {row.id}</>} actions={
      row.status !== "closed" && <Button danger={freezes} type={freezes ? "default" : "primary"} onClick={() => { changing.forget(); freezing.show(true); }}>{freezes ? say("Freeze", "冻结") : say("Unfreeze", "解冻")}</Button>
    }>
      <div className="halves">
        <Panel title={say("Account", "账户")}>
          <Descriptions size="small" column={1} items={[
            { key: "balance", label: say("Balance", "余额"), children: balance.data ? <strong>{yuan(balance.data.available)}</strong> : "…" },
            { key: "brand", label: say("Brand", "品牌"), children: nameOf(row.brand_id) },
            { key: "tier", label: say("Tier", "实名等级"), children: row.tier },
            { key: "handle", label: say("Handle", "用户名"), children: row.handle ?? "–" },
            { key: "phone", label: say("Phone", "手机"), children: row.phone_masked ?? "–" },
          ]} />
        </Panel>
        <Panel title={say("Who it is", "个人信息")}>
          {person ? (
            <Descriptions size="small" column={1} items={[
              { key: "name", label: say("Name", "姓名"), children: [person.name, person.latin_name].filter(Boolean).join(" · ") },
              { key: "handle", label: say("Handle", "用户名"), children: person.handle },
              { key: "phone", label: say("Phone", "手机"), children: person.phone ?? "–" },
            ]} />
          ) : (
            <Form layout="vertical" onFinish={() => void reading.run("POST", `/v1/users/${row.id}/reads`, { why: readWhy.trim() }).then((read) => read && setPerson(read))}>
              <Alert type="warning" showIcon className="read-note" title={say("Reading is recorded under your name, with the reason, and the user sees it.", "查看行为将以您的名义连同原因记录，用户本人可见。")} />
              <Form.Item label={say("Why it must be read", "查看原因")} htmlFor="read-why"><Input id="read-why" value={readWhy} maxLength={120} onChange={(event) => setReadWhy(event.target.value)} placeholder={say("Complaint 4711, called back", "投诉 4711，回访")} /></Form.Item>
              <Button htmlType="submit" disabled={readWhy.trim().length < 3} loading={reading.busy}>{say("Read", "查看")}</Button>
              {reading.failure && <Failed failure={reading.failure} />}
            </Form>
          )}
        </Panel>
      </div>
      <Statement path={`/v1/users/${row.id}/statement`} />
      <Confirm open={freezing.open} title={freezes ? say("Freeze this user?", "冻结该用户？") : say("Unfreeze this user?", "解冻该用户？")} ok={freezes ? say("Freeze", "冻结") : say("Unfreeze", "解冻")}
        danger={freezes} busy={changing.busy} failure={changing.failure} disabled={why.trim().length < 3} onOk={() => void change()} onClose={freezing.close}>
        <p>{freezes ? say("The user can pay, send and withdraw nothing. What arrives, arrives.", "冻结后无法支付、转账和提现，仍可收款。") : say("The user can pay again at once.", "将立即恢复使用。")}</p>
        <Form layout="vertical"><Form.Item label={say("Reason, for the audit trail", "原因（记入审计）")} htmlFor="freeze-why"><Input id="freeze-why" value={why} maxLength={120} onChange={(event) => setWhy(event.target.value)} autoFocus /></Form.Item></Form>
      </Confirm>
    </Page>
  );
}
