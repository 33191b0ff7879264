/** Sticker, staff, and this till's settings. */

import { Button } from "antd-mobile";
import { useState } from "react";
import type { Page, Staff } from "../shared/api";
import { useSay } from "../desk/say";
import { send, useAsk, useSend } from "../desk/server";
import { fenOf } from "./amount";
import type { LookProps } from "./App";
import { yuan } from "./format";
import { Choices, Failed, Field, Shown, Title } from "./parts";

interface Props extends LookProps {
  me: Staff;
  onOut: () => void;
  onMe: (me: Staff) => void;
}

export default function More({ me, onOut, onMe, look, setLook }: Props) {
  const say = useSay();
  async function signOut() {
    await send("DELETE", "/app/till/session").catch(() => undefined);
    onOut();
  }
  return (
    <div className="page more-page">
      <Title actions={<Choices look={look} setLook={setLook} />}>{say("More", "更多")}</Title>
      <Sticker me={me} />
      {me.role === "owner" && <Team me={me} />}
      {me.role === "owner" && <Limit me={me} onMe={onMe} />}
      <Password />
      <section className="card no-print">
        <h2>{me.name}</h2>
        <p className="quiet">{me.shop.name} · {me.shop.number}</p>
        <Button block onClick={() => void signOut()}>{say("Sign out", "退出登录")}</Button>
      </section>
    </div>
  );
}

function Sticker({ me }: { me: Staff }) {
  const say = useSay();
  const [text, setText] = useState("");
  const fen = /^\d{1,6}(?:\.\d{1,2})?$/.test(text) ? fenOf(text) : undefined;
  const wrong = text && !fen ? say("An amount like 12.50, or nothing.", "请输入金额，例如 12.50，或留空") : undefined;
  const query = fen ? `?amount=${fen}` : "";
  return (
    <section className="card sticker">
      <h2 className="no-print">{say("Sticker", "收款码贴纸")}</h2>
      <p className="quiet no-print">{say("Shoppers scan it with the wallet or with any camera.", "顾客可用钱包或任意相机扫描。")}</p>
      <div className="sticker-body">
        <img src={`/app/till/sticker.svg${query}`} alt={say(`Payment code of ${me.shop.name}`, `${me.shop.name} 的收款码`)} />
        <div className="no-print">
          <Field label={say("Fixed amount (optional)", "固定金额（可选）")} wrong={wrong} hint={say("Empty: the shopper types it.", "留空则由顾客输入。")}>
            <input inputMode="decimal" value={text} onChange={(event) => setText(event.target.value.trim())} />
          </Field>
          <div className="links">
            {(["pdf", "png", "svg"] as const).map((form) => <a key={form} href={`/app/till/sticker.${form}${query}`} download={`sticker-${me.shop.number}.${form}`}>{form.toUpperCase()}{form === "png" ? say(" (code only)", "（仅二维码）") : " (A6)"}</a>)}
          </div>
          <Button block color="primary" onClick={() => window.print()}>{say("Print", "打印")}</Button>
        </div>
      </div>
    </section>
  );
}

function Team({ me }: { me: Staff }) {
  const say = useSay();
  const staff = useAsk<Page<Staff>>("/app/till/staff");
  const adding = useSend<Staff & { password: string }>();
  const removing = useSend();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Staff["role"]>("cashier");
  const [tried, setTried] = useState(false);
  const [added, setAdded] = useState<Staff & { password: string }>();
  const [sure, setSure] = useState<string>();

  async function add() {
    setTried(true);
    if (!name.trim()) return;
    const person = await adding.run("POST", "/app/till/staff", { name: name.trim(), role });
    if (!person) return;
    setAdded(person);
    setName("");
    setTried(false);
    staff.again();
  }

  async function remove(id: string) {
    if (!(await removing.run("DELETE", `/app/till/staff/${id}`))) return;
    setSure(undefined);
    staff.again();
  }

  const nameWrong = tried && !name.trim() ? say("A name is needed.", "请填写姓名") : adding.failure?.param === "name" ? adding.failure.message : undefined;
  return (
    <section className="card no-print">
      <h2>{say("Staff", "员工")}</h2>
      <Shown asked={staff}>{(page) => (
        <ul className="rows plain">
          {page.data.map((person) => (
            <li key={person.id}>
              <div>
                <span><strong>{person.name}</strong><small>{person.role === "owner" ? say("owner", "店主") : say("cashier", "收银员")}</small></span>
                {person.id !== me.id && (sure === person.id
                  ? <span><Button size="small" onClick={() => setSure(undefined)}>{say("Keep", "保留")}</Button> <Button size="small" color="danger" loading={removing.busy} onClick={() => void remove(person.id)}>{say("Remove", "移除")}</Button></span>
                  : <Button size="small" fill="none" onClick={() => setSure(person.id)}>{say("Remove…", "移除…")}</Button>)}
              </div>
            </li>
          ))}
        </ul>
      )}</Shown>
      {removing.failure && <Failed failure={removing.failure} />}
      {added && (
        <div className="told" role="status">
          <p>{say(`${added.name}'s first password. It is shown this once:`, `${added.name} 的初始密码，仅显示一次：`)}</p>
          <code>{added.password}</code>
          <Button size="small" onClick={() => void navigator.clipboard.writeText(added.password)}>{say("Copy", "复制")}</Button>
          <Button size="small" onClick={() => setAdded(undefined)}>{say("Written down", "已记下")}</Button>
        </div>
      )}
      <form className="in-line" noValidate onSubmit={(event) => { event.preventDefault(); void add(); }}>
        <Field label={say("Name", "姓名")} wrong={nameWrong}><input value={name} maxLength={32} onChange={(event) => { adding.forget(); setName(event.target.value); }} /></Field>
        <Field label={say("Role", "角色")}>
          <select value={role} onChange={(event) => setRole(event.target.value as Staff["role"])}>
            <option value="cashier">{say("Cashier", "收银员")}</option><option value="owner">{say("Owner", "店主")}</option>
          </select>
        </Field>
        <Button type="submit" color="primary" loading={adding.busy}>{say("Add", "添加")}</Button>
      </form>
      {adding.failure && adding.failure.param !== "name" && <Failed failure={adding.failure} />}
    </section>
  );
}

function Limit({ me, onMe }: { me: Staff; onMe: (me: Staff) => void }) {
  const say = useSay();
  const [text, setText] = useState((me.refund_limit / 100).toFixed(2));
  const changing = useSend<Staff>();
  const good = /^\d{1,7}(?:\.\d{1,2})?$/.test(text);

  async function change() {
    if (!good) return;
    if (await changing.run("PATCH", "/app/till/shop", { refund_limit: fenOf(text) })) onMe({ ...me, refund_limit: fenOf(text) });
  }

  return (
    <section className="card no-print">
      <h2>{say("Refunds by cashiers", "收银员退款")}</h2>
      <form className="in-line" noValidate onSubmit={(event) => { event.preventDefault(); void change(); }}>
        <Field label={say("Without an owner up to", "免店主授权上限")} wrong={good ? undefined : say("An amount like 200.00 is needed.", "请输入金额，例如 200.00")}
          hint={say(`Now ${yuan(me.refund_limit)}`, `当前 ${yuan(me.refund_limit)}`)}>
          <input inputMode="decimal" value={text} onChange={(event) => setText(event.target.value.trim())} />
        </Field>
        <Button type="submit" color="primary" disabled={!good || fenOf(text) === me.refund_limit} loading={changing.busy}>{say("Change", "修改")}</Button>
      </form>
      {changing.failure && <Failed failure={changing.failure} />}
    </section>
  );
}

function Password() {
  const say = useSay();
  const [fields, setFields] = useState({ old: "", new: "", again: "" });
  const [done, setDone] = useState(false);
  const changing = useSend({ proves: true });
  const set = (name: keyof typeof fields) => (event: { target: { value: string } }) => { changing.forget(); setDone(false); setFields({ ...fields, [name]: event.target.value }); };
  const short = fields.new && fields.new.length < 8 ? say("At least 8 characters.", "至少 8 个字符") : undefined;
  const differs = fields.again && fields.again !== fields.new ? say("Not the same as above.", "两次输入不一致") : undefined;
  const complete = fields.old && fields.new && fields.again && !short && !differs;

  async function change() {
    if (!complete) return;
    if (await changing.run("POST", "/app/till/password", { old: fields.old, new: fields.new })) {
      setFields({ old: "", new: "", again: "" });
      setDone(true);
    }
  }

  const oldWrong = changing.failure?.param === "old" || changing.failure?.code === "password_wrong" ? changing.failure.message : undefined;
  return (
    <section className="card no-print">
      <h2>{say("Your password", "修改密码")}</h2>
      <form noValidate onSubmit={(event) => { event.preventDefault(); void change(); }}>
        <Field label={say("Old password", "原密码")} wrong={oldWrong}><input type="password" autoComplete="current-password" value={fields.old} onChange={set("old")} /></Field>
        <Field label={say("New password", "新密码")} wrong={short}><input type="password" autoComplete="new-password" value={fields.new} onChange={set("new")} /></Field>
        <Field label={say("Again", "确认新密码")} wrong={differs}><input type="password" autoComplete="new-password" value={fields.again} onChange={set("again")} /></Field>
        {changing.failure && !oldWrong && <Failed failure={changing.failure} />}
        {done && <p className="good-word" role="status">{say("Changed.", "已修改。")}</p>}
        <Button block type="submit" color="primary" disabled={!complete} loading={changing.busy}>{say("Change", "修改")}</Button>
      </form>
    </section>
  );
}
