/** Who runs the platform, with which roles. */

import { Button, Checkbox, Form, Input, Modal, Table, Tag } from "antd";
import { useState } from "react";
import { useSay, type Say } from "../../desk/say";
import { useAsk, useSend } from "../../desk/server";
import { Confirm, Failed, Nothing, Page, Panel, Secret, Shown, Status, useOpen } from "../parts";
import type { Operator } from "../types";

type NewOperator = Omit<Operator, "status">;

export const ROLES = ["admin", "merchants", "campaigns", "finance", "support", "auditor"] as const;

function roleOptions(say: Say) {
  const words: Record<(typeof ROLES)[number], string> = {
    admin: say("Admin: operators and their roles", "管理员：操作员与角色"), merchants: say("Merchants: applications, fees, pause", "商户：入驻、费率、暂停"),
    campaigns: say("Campaigns: build, approve, run", "营销：创建、批准、运行"), finance: say("Finance: money by hand, ledger", "财务：手工资金、总账"),
    support: say("Support: users, freeze, notifications", "客服：用户、冻结、通知"), auditor: say("Auditor: reads everything, changes nothing", "审计：只读"),
  };
  return ROLES.map((value) => ({ value, label: words[value] }));
}

export default function Operators() {
  const say = useSay();
  const operators = useAsk<{ data: Operator[] }>("/v1/operators");
  const adding = useOpen();
  const editing = useOpen<Operator>();
  const closing = useOpen<Operator>();
  const ending = useSend();
  const [told, setTold] = useState<{ name: string; key: string }>();

  async function close({ name }: Operator) {
    if (!(await ending.run("DELETE", `/v1/operators/${name}`))) return;
    closing.close();
    operators.again();
  }

  const gone = closing.about;
  return (
    <Page title={say("Operators", "操作员")} lead={say("Every operator has a name that the log keeps with what it does.", "日志会将操作员姓名与其操作一同保存。")}
      actions={<Button type="primary" onClick={() => adding.show(true)}>{say("Add an operator", "添加操作员")}</Button>}>
      <Panel flush>
        <Shown asked={operators}>{(page) => (
          <Table<Operator> rowKey="name" dataSource={page.data} pagination={false} locale={{ emptyText: <Nothing>{say("Nobody yet.", "暂无操作员")}</Nothing> }} columns={[
            { title: say("Name", "姓名"), dataIndex: "name", render: (name: string) => <strong>{name}</strong> },
            { title: say("Roles", "角色"), dataIndex: "roles", render: (roles: string[]) => roles.map((role) => <Tag key={role}>{role}</Tag>) },
            { title: say("Status", "状态"), dataIndex: "status", render: (status: string) => <Status of={status} /> },
            {
              align: "right", render: (_, row) => row.status === "active" && (
                <><Button size="small" onClick={() => editing.show(row)}>{say("Change roles", "调整角色")}</Button> <Button size="small" danger onClick={() => { ending.forget(); closing.show(row); }}>{say("Close", "停用")}</Button></>
              ),
            },
          ]} />
        )}</Shown>
      </Panel>
      {adding.open && <Add onClose={adding.close} onAdded={(key) => { adding.close(); setTold(key); operators.again(); }} />}
      {editing.about && <Roles operator={editing.about} onClose={editing.close} onDone={() => { editing.close(); operators.again(); }} />}
      {gone && (
        <Confirm open title={say(`Close ${gone.name}?`, `停用 ${gone.name}？`)} ok={say("Close", "停用")} danger busy={ending.busy} failure={ending.failure} onOk={() => void close(gone)} onClose={closing.close}>
          <p>{say("Keys and sessions end at once. The name stays with what was done under it, and nobody else gets it.", "其密钥与会话立即失效；姓名随操作记录保留，不再分配他人。")}</p>
        </Confirm>
      )}
      <Modal open={Boolean(told)} title={say(`The key of ${told?.name}`, `${told?.name} 的密钥`)} closable={false} keyboard={false} mask={{ closable: false }} footer={<Button type="primary" onClick={() => setTold(undefined)}>{say("I have saved it", "我已保存")}</Button>}>
        <p>{say("It is shown this once.", "仅显示一次。")}</p>
        {told && <Secret label="fqo_…" value={told.key} />}
      </Modal>
    </Page>
  );
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (key: { name: string; key: string }) => void }) {
  const say = useSay();
  const [form] = Form.useForm<NewOperator>();
  const adding = useSend<{ name: string; key: string }>();
  async function add(fields: NewOperator) {
    const made = await adding.run("POST", "/v1/operators", fields);
    if (made) onAdded(made);
  }
  return (
    <Modal open title={say("Add an operator", "添加操作员")} onCancel={adding.busy ? undefined : onClose} onOk={form.submit} okText={say("Add", "添加")} cancelText={say("Cancel", "取消")} confirmLoading={adding.busy} mask={{ closable: false }}>
      <Form<NewOperator> form={form} layout="vertical" initialValues={{ roles: ["auditor"] }} onFinish={(fields) => void add(fields)}>
        <Form.Item name="name" label={say("Name", "姓名")} rules={[{ required: true, pattern: /^[0-9a-z_-]{1,32}$/, message: say("1 to 32 of a–z, 0–9, _ and -.", "1 到 32 位小写字母、数字、_ 或 -") }]}><Input autoFocus maxLength={32} autoComplete="off" /></Form.Item>
        <Form.Item name="roles" label={say("Roles", "角色")} rules={[{ required: true, message: say("At least one.", "至少选择一个") }]}><Checkbox.Group className="stack" options={roleOptions(say)} /></Form.Item>
      </Form>
      {adding.failure && <Failed failure={adding.failure} />}
    </Modal>
  );
}

function Roles({ operator, onClose, onDone }: { operator: Operator; onClose: () => void; onDone: () => void }) {
  const say = useSay();
  const [roles, setRoles] = useState(operator.roles);
  const changing = useSend();
  async function change() {
    if (await changing.run("PUT", `/v1/operators/${operator.name}/roles`, { roles })) onDone();
  }
  return (
    <Confirm open title={say(`Roles of ${operator.name}`, `${operator.name} 的角色`)} ok={say("Change", "调整")} busy={changing.busy} failure={changing.failure} onOk={() => void change()} onClose={onClose}>
      <Checkbox.Group className="stack" value={roles} onChange={setRoles} options={roleOptions(say)} />
    </Confirm>
  );
}
