/** A cashier or an owner comes in: the shop's number, a name, a password. */

import { Button } from "antd-mobile";
import { useState } from "react";
import type { Staff } from "../shared/api";
import { useSay } from "../desk/say";
import { useSend } from "../desk/server";
import type { LookProps } from "./App";
import { Choices, Field } from "./parts";
import { words } from "./words";

/** The shop and the name are remembered at this till; the password never is. */
const PLACE = "feiqian-till-who";

function remembered(): { shop: string; name: string } {
  const [shop = "", name = ""] = (localStorage.getItem(PLACE) ?? "").split("\n");
  return { shop, name };
}

export function SignIn({ onIn, look, setLook }: LookProps & { onIn: (me: Staff) => void }) {
  const say = useSay();
  const [fields, setFields] = useState({ ...remembered(), password: "" });
  const [tried, setTried] = useState(false);
  const signing = useSend<Staff>({ proves: true });
  const { failure } = signing;
  const missing = (text: string) => (tried && !text.trim() ? say("Needed.", "必填") : undefined);
  const set = (name: keyof typeof fields) => (event: { target: { value: string } }) => {
    signing.forget();
    setFields({ ...fields, [name]: event.target.value });
  };

  async function submit() {
    setTried(true);
    if (Object.values(fields).some((text) => !text.trim())) return;
    const me = await signing.run("POST", "/app/till/session", { shop: fields.shop.trim(), name: fields.name.trim(), password: fields.password });
    if (!me) return;
    localStorage.setItem(PLACE, `${fields.shop.trim()}\n${fields.name.trim()}`);
    onIn(me);
  }

  const wrong = failure && (failure.status === 401 ? say("Shop, name and password do not go together.", "商户号、姓名与密码不匹配。") : words(failure, say));
  return (
    <main className="door">
      <Choices look={look} setLook={setLook} />
      <form className="door-card" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <div className="door-brand"><span className="seal" aria-hidden>飞</span><strong>飞钱 Feiqian</strong></div>
        <h1>{say("Till", "收银台")}</h1>
        <Field label={say("Shop number", "商户号")} wrong={missing(fields.shop)}>
          <input value={fields.shop} onChange={set("shop")} autoComplete="organization" inputMode="text" placeholder="1900000000" autoFocus={!fields.shop} />
        </Field>
        <Field label={say("Your name", "姓名")} wrong={missing(fields.name)}>
          <input value={fields.name} onChange={set("name")} autoComplete="username" />
        </Field>
        <Field label={say("Password", "密码")} wrong={missing(fields.password) ?? wrong}>
          <input type="password" value={fields.password} onChange={set("password")} autoComplete="current-password" autoFocus={Boolean(fields.shop)} />
        </Field>
        <Button block type="submit" color="primary" size="large" loading={signing.busy}>{say("Sign in", "登录")}</Button>
        <p className="quiet">{say("Not a merchant yet?", "还不是商户？")} <a href="#/apply">{say("Apply here", "申请入驻")}</a></p>
      </form>
    </main>
  );
}
