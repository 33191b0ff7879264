/** What one operator began and another must agree to: money by hand, budgets above the limit. */

import { Button, Segmented, Table } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { usePages, useSend } from "../../desk/server";
import { yuan } from "../format";
import { At, Confirm, Failed, Nothing, Page, Panel, Status, useOpen } from "../parts";
import type { Approval } from "../types";

interface Choice {
  row: Approval;
  step: "approve" | "reject";
}

export default function Approvals() {
  const say = useSay();
  const [status, setStatus] = useState("open");
  const approvals = usePages<Approval>(`/v1/approvals?status=${status}&limit=30`);
  const choosing = useOpen<Choice>();
  const deciding = useSend();

  async function decide({ row, step }: Choice) {
    if (!(await deciding.run("POST", `/v1/approvals/${row.id}/${step}`))) return;
    choosing.close();
    approvals.again();
  }

  const choice = choosing.about;
  const ask = (row: Approval, step: Choice["step"]) => { deciding.forget(); choosing.show({ row, step }); };
  return (
    <Page title={say("Approvals", "审批")} lead={say("Four eyes: whoever began it cannot agree to it.", "双人复核：发起人不能自行批准。")}
      actions={<Segmented value={status} onChange={setStatus} options={[
        { value: "open", label: say("Open", "待处理") }, { value: "approved", label: say("Approved", "已批准") }, { value: "rejected", label: say("Rejected", "已拒绝") },
      ]} />}>
      {approvals.failure && <Failed failure={approvals.failure} again={approvals.again} />}
      <Panel flush>
        <Table<Approval> rowKey="id" dataSource={approvals.rows} loading={approvals.loading} pagination={false} scroll={{ x: 720 }}
          locale={{ emptyText: <Nothing>{say("Nothing waits for you.", "暂无待审批事项")}</Nothing> }} columns={[
            { title: say("What", "事项"), render: (_, row) => <><strong>{row.words}</strong><div className="quiet small">{row.id} · {row.kind}</div></> },
            { title: say("Amount", "金额"), dataIndex: "amount", align: "right", render: yuan },
            { title: say("Begun by", "发起人"), render: (_, row) => <>{row.by}<div className="small"><At time={row.at} /></div></> },
            { title: say("Status", "状态"), dataIndex: "status", render: (own: string, row) => <><Status of={own} /> {row.decided_by}</> },
            {
              align: "right", render: (_, row) => row.status === "open" && (
                <><Button size="small" danger onClick={() => ask(row, "reject")}>{say("Reject", "拒绝")}</Button> <Button size="small" type="primary" onClick={() => ask(row, "approve")}>{say("Approve", "批准")}</Button></>
              ),
            },
          ]} />
      </Panel>
      {choice && (
        <Confirm open title={choice.row.words} ok={choice.step === "approve" ? say("Approve", "批准") : say("Reject", "拒绝")} danger={choice.step === "reject"}
          busy={deciding.busy} failure={deciding.failure} onOk={() => void decide(choice)} onClose={choosing.close}>
          <p>{choice.step === "approve" ? say("It happens at once, under both names.", "将立即执行，并记录双方姓名。") : say("It does not happen; who began it may begin it anew.", "不会执行，发起人可重新提交。")}</p>
        </Confirm>
      )}
    </Page>
  );
}
