/** Notifications that merchants' servers did not take. */

import { Button, Segmented, Table } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { useAsk, useSend } from "../../desk/server";
import { At, Failed, Nothing, Page, Panel, Shown, Status } from "../parts";
import type { Notification } from "../types";

export default function Notifications() {
  const say = useSay();
  const [state, setState] = useState("dead");
  const notifications = useAsk<{ data: Notification[] }>(`/v1/notifications?state=${state}`);
  return (
    <Page title={say("Notifications", "通知")} lead={say("What merchants' servers did not take. Sending again begins the tries anew.", "商户服务器未接收的通知。重新发送将重新开始尝试。")} actions={
      <>
        <Segmented value={state} onChange={setState} options={[{ value: "dead", label: say("Failed", "失败") }, { value: "waiting", label: say("Waiting", "等待中") }]} />
        <Button loading={notifications.loading} onClick={notifications.again}>{say("Refresh", "刷新")}</Button>
      </>
    }>
      <Panel flush>
        <Shown asked={notifications}>{(page) => <Attempts rows={page.data} again={notifications.again} />}</Shown>
      </Panel>
    </Page>
  );
}

export function Attempts({ rows, again }: { rows: Notification[]; again: () => void }) {
  const say = useSay();
  const sending = useSend();
  const [which, setWhich] = useState<string>();

  async function redeliver(id: string) {
    setWhich(id);
    if (await sending.run("POST", `/v1/notifications/${id}/redeliver`)) again();
  }

  return (
    <>
      {sending.failure && <Failed failure={sending.failure} />}
      <Table<Notification> size="small" rowKey="id" dataSource={rows} pagination={{ pageSize: 50, hideOnSinglePage: true }} scroll={{ x: 820 }}
        locale={{ emptyText: <Nothing>{say("None here.", "暂无通知")}</Nothing> }} columns={[
          { title: say("Time", "时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
          { title: say("What", "类型"), dataIndex: "kind" },
          { title: say("To", "地址"), dataIndex: "url", ellipsis: true, render: (url: string) => <span title={url}>{url}</span> },
          { title: say("Tries", "次数"), dataIndex: "tries", align: "right" },
          { title: say("Last error", "最近错误"), dataIndex: "last_error", ellipsis: true, render: (text?: string) => text ?? "–" },
          { title: say("State", "状态"), dataIndex: "state", render: (state: string) => <Status of={state} /> },
          { align: "right", render: (_, row) => <Button size="small" loading={sending.busy && which === row.id} onClick={() => void redeliver(row.id)}>{row.state === "dead" ? say("Send again", "重新发送") : say("Send now", "立即发送")}</Button> },
        ]} />
    </>
  );
}
