/** Every merchant. */

import { Button, Form, Input, InputNumber, Modal, Select, Table } from "antd";
import { useState } from "react";
import { categoryName, categoryOptions } from "../../desk/categories";
import { href } from "../../desk/route";
import { useSay } from "../../desk/say";
import { usePages, useSend } from "../../desk/server";
import { percent } from "../format";
import { Failed, Nothing, Page, Panel, Secret, Status, useOpen } from "../parts";
import type { Merchant, MerchantAdded } from "../types";
import { useNames } from "../useNames";

export default function Merchants() {
  const say = useSay();
  const merchants = usePages<Merchant>("/v1/merchants?limit=50");
  const adding = useOpen();
  const told = useOpen<MerchantAdded>();
  const names = useNames();
  return (
    <Page title={say("Merchants", "商户")} lead={say("Who takes payments, at which fee.", "收款商户及其费率。")} actions={
      <><Button href={href("merchants", "applications")}>{say("Applications", "入驻申请")}</Button><Button type="primary" onClick={() => adding.show(true)}>{say("Add a merchant", "添加商户")}</Button></>
    }>
      {merchants.failure && <Failed failure={merchants.failure} again={merchants.again} />}
      <Panel flush>
        <Table<Merchant> rowKey="id" dataSource={merchants.rows} loading={merchants.loading} pagination={false} scroll={{ x: 700 }}
          locale={{ emptyText: <Nothing>{say("No merchant yet.", "暂无商户")}</Nothing> }} columns={[
            { title: say("Name", "名称"), render: (_, row) => <><a href={href("merchants", row.id)}><strong>{row.name}</strong></a><div className="quiet small">{row.id} · {row.mchid}</div></> },
            { title: say("Kind", "类别"), dataIndex: "category", render: (code: string) => categoryName(code, say) },
            { title: say("Fee", "费率"), dataIndex: "fee_bps", align: "right", render: (bps: number) => percent(bps, 2) },
            { title: say("Status", "状态"), dataIndex: "status", render: (status: string) => <Status of={status} /> },
          ]} />
        {merchants.hasMore && <div className="more"><Button loading={merchants.loadingMore} onClick={() => void merchants.more()}>{say("More", "更多")}</Button></div>}
      </Panel>
      {adding.open && <Add onClose={adding.close} onAdded={(added) => { adding.close(); told.show(added); merchants.again(); names.refresh(); }} />}
      {told.about && <Told added={told.about} onClose={told.close} />}
    </Page>
  );
}

interface NewFields {
  name: string;
  category: string;
  fee: number;
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (added: MerchantAdded) => void }) {
  const say = useSay();
  const [form] = Form.useForm<NewFields>();
  const adding = useSend<MerchantAdded>();

  async function add({ name, category, fee }: NewFields) {
    const added = await adding.run("POST", "/v1/merchants", { name: name.trim(), category, fee_bps: Math.round(fee * 100) });
    if (added) onAdded(added);
  }

  return (
    <Modal open title={say("Add a merchant", "添加商户")} onCancel={adding.busy ? undefined : onClose} okText={say("Add", "添加")} cancelText={say("Cancel", "取消")}
      confirmLoading={adding.busy} onOk={form.submit} mask={{ closable: false }}>
      <Form<NewFields> form={form} layout="vertical" initialValues={{ fee: 0.6 }} onFinish={(fields) => void add(fields)}>
        <Form.Item name="name" label={say("Name", "名称")} rules={[{ required: true, whitespace: true, message: say("A name is needed.", "请填写名称") }]}><Input maxLength={64} autoFocus /></Form.Item>
        <Form.Item name="category" label={say("Kind of merchant", "经营类别")} rules={[{ required: true, message: say("Choose a kind.", "请选择类别") }]}>
          <Select showSearch={{ optionFilterProp: "label" }} options={categoryOptions(say)} />
        </Form.Item>
        <Form.Item name="fee" label={say("Fee", "费率")} rules={[{ required: true, message: say("A fee is needed.", "请填写费率") }]}>
          <InputNumber suffix="%" min={0} max={100} precision={2} controls={false} className="wide" />
        </Form.Item>
      </Form>
      {adding.failure && <Failed failure={adding.failure} />}
    </Modal>
  );
}

/** Keys that are told this once. The dialog closes only by its button. */
export function Told({ added, onClose }: { added: MerchantAdded; onClose: () => void }) {
  const say = useSay();
  const [sure, setSure] = useState(false);
  const { credentials, owner } = added;
  return (
    <Modal open width={680} title={say(`The keys of ${added.name}`, `${added.name} 的密钥`)} closable={false} keyboard={false} mask={{ closable: false }} footer={
      sure ? <Button type="primary" danger onClick={onClose}>{say("Yes, they are safe: close", "已妥善保存，关闭")}</Button>
        : <Button type="primary" onClick={() => setSure(true)}>{say("I have saved them", "我已保存")}</Button>
    }>
      <p>{say("They are shown this once and are kept nowhere in a readable form. Hand them over by a safe way.", "密钥仅显示一次，系统不保留明文。请通过安全渠道交付。")}</p>
      {owner && <Secret label={say(`First password of ${owner.name} at the till (shop ${added.mchid})`, `店主 ${owner.name} 的收银台初始密码（商户号 ${added.mchid}）`)} value={owner.password} />}
      <Secret label="APIv3 key" value={credentials.api_v3_key} />
      <Secret label="APIv2 key" value={credentials.api_v2_key} />
      {credentials.private_key_pem && <Secret label={say("Private key", "商户私钥")} value={credentials.private_key_pem} name={`${added.mchid}_key.pem`} />}
      <Secret label={say(`Certificate, serial ${credentials.serial_no}`, `证书，序列号 ${credentials.serial_no}`)} value={credentials.certificate_pem} name={`${added.mchid}_cert.pem`} />
    </Modal>
  );
}
