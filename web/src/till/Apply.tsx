/** A shop asks to become a merchant. Anybody may; an operator answers. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { useSay } from "../desk/say";
import { useDraft, useSend } from "../desk/server";
import type { LookProps } from "./App";
import { Choices, Failed, Field } from "./parts";
import { KINDS } from "../desk/categories";

const EMPTY = { name: "", category: "", contact_name: "", phone: "", owner_name: "" };
type Fields = typeof EMPTY;

export interface Application {
  id: string;
  status: string;
}

export default function Apply({ look, setLook }: LookProps) {
  const say = useSay();
  const [fields, keep, drop] = useDraft<Fields>("application", EMPTY);
  const [tried, setTried] = useState(false);
  const [made, setMade] = useState<Application>();
  const applying = useSend<Application>();
  const { failure } = applying;

  const own: Partial<Record<keyof Fields, string>> = {
    name: fields.name.trim() ? undefined : say("The shop's name is needed.", "请填写商户名称"),
    category: fields.category ? undefined : say("Choose what the shop sells.", "请选择经营类别"),
    contact_name: fields.contact_name.trim() ? undefined : say("A person to talk to is needed.", "请填写联系人"),
    phone: /^\+?[\d ]{7,18}$/.test(fields.phone.trim()) ? undefined : say("A phone number is needed.", "请填写正确的手机号"),
    owner_name: fields.owner_name.trim() ? undefined : say("The owner signs in to the till with it.", "店主将使用该姓名登录收银台"),
  };
  const wrong = (name: keyof Fields) => (failure?.param === name ? failure.message : tried ? own[name] : undefined);
  const set = (name: keyof Fields) => (event: { target: { value: string } }) => { applying.forget(); keep({ ...fields, [name]: event.target.value }); };
  const beside = failure?.param && failure.param in EMPTY;

  async function submit() {
    setTried(true);
    if (Object.values(own).some(Boolean)) return;
    const application = await applying.run("POST", "/app/till/applications", { ...fields, phone: fields.phone.replaceAll(" ", "") });
    if (!application) return;
    drop();
    setMade(application);
  }

  return (
    <main className="door">
      <Choices look={look} setLook={setLook} />
      {made ? (
        <section className="door-card" role="status">
          <div className="big-mark" aria-hidden>✓</div>
          <h1>{say("We have your application", "申请已提交")}</h1>
          <p>{say(`Its number is ${made.id}. An operator reviews it and calls you.`, `申请编号 ${made.id}。工作人员审核后将与您联系。`)}</p>
          <a href="#/">{say("To the sign-in", "返回登录")}</a>
        </section>
      ) : (
        <form className="door-card wide-card" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
          <div className="door-brand"><span className="seal" aria-hidden>飞</span><strong>飞钱 Feiqian</strong></div>
          <h1>{say("Become a merchant", "商户入驻")}</h1>
          <p className="quiet">{say("Take payments from every wallet of this platform. What you write is kept in this tab until it is sent.", "接受平台内所有钱包付款。提交前，填写内容会保存在此标签页中。")}</p>
          <Field label={say("Name of the shop", "商户名称")} wrong={wrong("name")}><input value={fields.name} maxLength={64} onChange={set("name")} autoComplete="organization" /></Field>
          <Field label={say("What it sells", "经营类别")} wrong={wrong("category")}>
            <select value={fields.category} onChange={set("category")}>
              <option value="" disabled>{say("Choose…", "请选择…")}</option>
              {KINDS.map(([code, en, zh]) => <option key={code} value={code}>{say(en, zh)} ({code})</option>)}
            </select>
          </Field>
          <Field label={say("Person to talk to", "联系人")} wrong={wrong("contact_name")}><input value={fields.contact_name} maxLength={64} onChange={set("contact_name")} autoComplete="name" /></Field>
          <Field label={say("Phone", "联系电话")} wrong={wrong("phone")}><input type="tel" value={fields.phone} onChange={set("phone")} autoComplete="tel" placeholder="+86 138 0013 8000" /></Field>
          <Field label={say("Owner's name at the till", "店主登录名")} wrong={wrong("owner_name")}><input value={fields.owner_name} maxLength={32} onChange={set("owner_name")} /></Field>
          {failure && !beside && <Failed failure={failure} />}
          <Button block type="submit" color="primary" size="large" loading={applying.busy}>{say("Apply", "提交申请")}</Button>
          <p className="quiet"><a href="#/">{say("I have an account already", "已有账户，去登录")}</a></p>
        </form>
      )}
    </main>
  );
}
