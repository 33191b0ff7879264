/** An operator comes in with its key. The key goes to the server once and is kept nowhere here. */

import { Button, Form, Input } from "antd";
import type { OperatorMe } from "../shared/api";
import { useSay } from "../desk/say";
import { Brand, Choices, type LookProps } from "./App";
import { words } from "./parts";
import { useSend } from "../desk/server";

export function SignIn({ onIn, look, setLook }: LookProps & { onIn: (me: OperatorMe) => void }) {
  const say = useSay();
  const signing = useSend<OperatorMe>({ proves: true });
  const { failure } = signing;
  const wrong = failure && (failure.status === 401 ? say("No operator holds this key.", "没有操作员持有此密钥。") : words(failure, say));

  async function submit({ key }: { key: string }) {
    const me = await signing.run("POST", "/app/console/session", { key: key.trim() });
    if (me) onIn(me);
  }

  return (
    <div className="sign-in">
      <div className="sign-in-choices"><Choices look={look} setLook={setLook} /></div>
      <main className="sign-in-card">
        <Brand />
        <h1>{say("Console", "管理控制台")}</h1>
        <p className="quiet">{say("For those who run the platform. What you do is recorded under your name.", "仅供平台运营人员使用。所有操作均以您的名义记录。")}</p>
        <Form<{ key: string }> layout="vertical" onFinish={(fields) => void submit(fields)} onValuesChange={signing.forget}>
          <Form.Item name="key" label={say("Operator key", "操作员密钥")} validateStatus={wrong ? "error" : undefined} help={wrong}
            rules={[{ required: true, message: say("The key is needed.", "请输入密钥") }, { pattern: /^\s*fqo_/, message: say("An operator's key begins with fqo_.", "操作员密钥以 fqo_ 开头") }]}>
            <Input.Password autoFocus size="large" autoComplete="current-password" placeholder="fqo_…" />
          </Form.Item>
          <Button type="primary" htmlType="submit" size="large" block loading={signing.busy}>{say("Sign in", "登录")}</Button>
        </Form>
      </main>
    </div>
  );
}
