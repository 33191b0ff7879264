/** Who works at a merchant's tills. Its owners add cashiers themselves; an operator gives it an owner. */

import { Button, Form, Input, Modal, Radio, Table } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { useAsk, useSend } from "../../desk/server";
import { Failed, Nothing, Panel, Secret, Shown, useOpen } from "../parts";
import type { Merchant, Staff as Row } from "../types";

type NewStaff = Pick<Row, "name" | "role">;

export function Staff({ merchant }: { merchant: Merchant }) {
  const say = useSay();
  const staff = useAsk<{ data: Row[] }>(`/v1/merchants/${merchant.id}/staff`);
  const adding = useOpen();
  const [told, setTold] = useState<Row>();
  const roleOf = (role: Row["role"]) => (role === "owner" ? say("Owner", "店主") : say("Cashier", "收银员"));
  return (
    <Panel flush title={say("At its tills", "收银人员")} extra={<Button size="small" onClick={() => adding.show(true)}>{say("Add somebody", "添加人员")}</Button>}>
      <Shown asked={staff} rows={2}>{(page) => (
        <Table<Row> size="small" rowKey="id" dataSource={page.data} pagination={{ pageSize: 10, hideOnSinglePage: true }} locale={{ emptyText: <Nothing>{say("Nobody yet: add an owner.", "暂无人员，请添加店主")}</Nothing> }} columns={[
          { title: say("Name", "姓名"), dataIndex: "name" },
          { title: say("Role", "角色"), dataIndex: "role", render: roleOf },
        ]} />
      )}</Shown>
      {adding.open && <Add merchant={merchant} roleOf={roleOf} onClose={adding.close} onAdded={(row) => { adding.close(); setTold(row); staff.again(); }} />}
      <Modal open={Boolean(told)} title={say(`The password of ${told?.name}`, `${told?.name} 的密码`)} closable={false} keyboard={false} mask={{ closable: false }} footer={<Button type="primary" onClick={() => setTold(undefined)}>{say("I have saved it", "我已保存")}</Button>}>
        <p>{say(`It is shown this once. Sign in at /till/ with shop number ${merchant.mchid}.`, `仅显示一次。请使用商户号 ${merchant.mchid} 在 /till/ 登录。`)}</p>
        {told?.password && <Secret label={told.name} value={told.password} />}
      </Modal>
    </Panel>
  );
}

interface AddProps {
  merchant: Merchant;
  roleOf: (role: Row["role"]) => string;
  onClose: () => void;
  onAdded: (row: Row) => void;
}

function Add({ merchant, roleOf, onClose, onAdded }: AddProps) {
  const say = useSay();
  const [form] = Form.useForm<NewStaff>();
  const adding = useSend<Row>();
  const taken = adding.failure?.code === "name_taken" ? adding.failure.message : undefined;

  async function add({ name, role }: NewStaff) {
    const added = await adding.run("POST", `/v1/merchants/${merchant.id}/staff`, { name: name.trim(), role });
    if (added) onAdded(added);
  }

  return (
    <Modal open title={say(`At the tills of ${merchant.name}`, `${merchant.name} 的收银人员`)} onCancel={adding.busy ? undefined : onClose} onOk={form.submit} okText={say("Add", "添加")} cancelText={say("Cancel", "取消")}
      confirmLoading={adding.busy} mask={{ closable: false }}>
      <Form<NewStaff> form={form} layout="vertical" initialValues={{ role: "owner" }} onFinish={(fields) => void add(fields)} onValuesChange={adding.forget}>
        <Form.Item name="name" label={say("Name", "姓名")} validateStatus={taken ? "error" : undefined} help={taken} rules={[{ required: true, whitespace: true, message: say("A name is needed.", "请填写姓名") }]}><Input autoFocus maxLength={32} autoComplete="off" /></Form.Item>
        <Form.Item name="role" label={say("Role", "角色")}><Radio.Group options={(["owner", "cashier"] as const).map((role) => ({ value: role, label: roleOf(role) }))} /></Form.Item>
      </Form>
      {adding.failure && !taken && <Failed failure={adding.failure} />}
    </Modal>
  );
}
