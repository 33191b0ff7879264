/** Shops that want to become merchants. */

import { Button, Descriptions, Drawer, Form, Input, InputNumber, Segmented, Table } from "antd";
import { useState } from "react";
import { categoryName } from "../../desk/categories";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { usePages, useSend } from "../../desk/server";
import { At, Failed, Nothing, Page, Panel, Ref, Status, useOpen } from "../parts";
import type { Application, MerchantAdded } from "../types";
import { useNames } from "../useNames";
import { Told } from "./Merchants";

export default function Applications() {
  const say = useSay();
  const [status, setStatus] = useState("new");
  const applications = usePages<Application>(`/v1/applications?status=${status}&limit=30`);
  const looking = useOpen<Application>();
  const told = useOpen<MerchantAdded>();
  const names = useNames();
  return (
    <Page title={say("Applications", "入驻申请")} lead={<><a href={href("merchants")}>{say("Merchants", "商户")}</a> / {say("shops apply at /till/#/apply", "商户在 /till/#/apply 提交")}</>}
      actions={<Segmented value={status} onChange={setStatus} options={[
        { value: "new", label: say("New", "新申请") }, { value: "approved", label: say("Approved", "已批准") }, { value: "rejected", label: say("Rejected", "已拒绝") },
      ]} />}>
      {applications.failure && <Failed failure={applications.failure} again={applications.again} />}
      <Panel flush>
        <Table<Application> rowKey="id" dataSource={applications.rows} loading={applications.loading} pagination={false} scroll={{ x: 720 }}
          locale={{ emptyText: <Nothing>{say("No application here.", "暂无申请")}</Nothing> }} columns={[
            { title: say("Shop", "商户"), render: (_, row) => <><strong>{row.name}</strong><div className="quiet small">{row.id}</div></> },
            { title: say("Kind", "类别"), dataIndex: "category", render: (code: string) => categoryName(code, say) },
            { title: say("Applied", "提交时间"), dataIndex: "at", render: (at: string) => <At time={at} /> },
            { title: say("Status", "状态"), dataIndex: "status", render: (own: string) => <Status of={own} /> },
            { title: say("Merchant", "商户号"), dataIndex: "merchant_id", render: (id?: string) => <Ref id={id} /> },
            { align: "right", render: (_, row) => <Button size="small" onClick={() => looking.show(row)}>{row.status === "new" ? say("Review", "审核") : say("Look", "查看")}</Button> },
          ]} />
      </Panel>
      {looking.about && <Review application={looking.about} onClose={looking.close} onDone={(added) => {
        looking.close();
        applications.again();
        if (added) { told.show(added); names.refresh(); }
      }} />}
      {told.about && <Told added={told.about} onClose={told.close} />}
    </Page>
  );
}

function Review({ application, onClose, onDone }: { application: Application; onClose: () => void; onDone: (added?: MerchantAdded) => void }) {
  const say = useSay();
  const [fee, setFee] = useState<number | null>(0.6);
  const [why, setWhy] = useState("");
  const [tried, setTried] = useState(false);
  const approving = useSend<MerchantAdded>();
  const rejecting = useSend();

  async function approve() {
    const added = await approving.run("POST", `/v1/applications/${application.id}/approve`, { fee_bps: Math.round((fee ?? 0) * 100) });
    if (added) onDone(added);
  }
  async function reject() {
    setTried(true);
    if (why.trim() && (await rejecting.run("POST", `/v1/applications/${application.id}/reject`, { reason: why.trim() }))) onDone();
  }

  const open = application.status === "new" || application.status === "reviewing";
  return (
    <Drawer open title={application.name} size={460} onClose={onClose}>
      <Descriptions column={1} size="small" bordered items={[
        { key: "category", label: say("Kind", "类别"), children: `${application.category} · ${categoryName(application.category, say)}` },
        { key: "contact", label: say("Contact", "联系人"), children: application.contact_name },
        { key: "phone", label: say("Phone", "电话"), children: application.phone },
        { key: "owner", label: say("Owner at the till", "店主登录名"), children: application.owner_name },
        { key: "at", label: say("Applied", "提交时间"), children: <At time={application.at} /> },
        { key: "status", label: say("Status", "状态"), children: <Status of={application.status} /> },
        ...(application.decided_by ? [{ key: "by", label: say("Decided by", "审核人"), children: application.decided_by }] : []),
        ...(application.note ? [{ key: "note", label: say("Why", "原因"), children: application.note }] : []),
      ]} />
      {open && (
        <Form layout="vertical" className="trial">
          <Form.Item label={say("Fee of every payment", "每笔费率")} htmlFor="application-fee"><InputNumber id="application-fee" suffix="%" min={0} max={100} precision={2} value={fee} onChange={setFee} controls={false} className="wide" /></Form.Item>
          <Button type="primary" block loading={approving.busy} disabled={fee === null} onClick={() => void approve()}>{say("Approve and make keys", "批准并生成密钥")}</Button>
          {approving.failure && <Failed failure={approving.failure} />}
          <Form.Item className="trial" label={say("Or say why not", "或填写拒绝原因")} htmlFor="why-not" validateStatus={tried && !why.trim() ? "error" : undefined} help={tried && !why.trim() ? say("The shop is told why.", "请填写原因，将告知商户") : undefined}>
            <Input.TextArea id="why-not" rows={2} maxLength={200} value={why} onChange={(event) => setWhy(event.target.value)} />
          </Form.Item>
          <Button danger block loading={rejecting.busy} onClick={() => void reject()}>{say("Reject", "拒绝")}</Button>
          {rejecting.failure && <Failed failure={rejecting.failure} />}
        </Form>
      )}
    </Drawer>
  );
}
