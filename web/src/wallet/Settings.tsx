/** Settings: PIN, limits, devices, who this is, how it looks, and who read what is known of this person. */

import { Button, Popup } from "antd-mobile";
import { useState } from "react";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { CodeSent, Device, Me, Page as Rows } from "../shared/api";
import { useHolder } from "./App";
import { forget } from "./device";
import { fenOf, when, yuan } from "./format";
import { Amount, Answer, Failed, Field, Page, PinPad, Sheet } from "./parts";
import { Passkeys } from "./Passkeys";
import { send, useCommand } from "./server";

export default function Settings() {
  const say = useSay();
  const { language, speak } = useSpeech();
  const { me, look, setLook, out } = useHolder();
  const tiers = { basic: say("phone number", "手机号验证"), verified: say("real name", "实名验证"), full: say("in full", "完整实名") };
  async function leave() {
    await send("DELETE", "/app/wallet/session", {}).catch(() => undefined);
    await forget();
    out();
  }
  return (
    <Page title={say("Settings", "设置")}>
      <section className="card facts">
        <h2>{me.name || me.phone_masked}</h2>
        <p><span>{say("Phone", "手机号")}</span><span>{me.phone_masked}</span></p>
        {me.handle && <p><span>{say("Handle", "用户名")}</span><span>@{me.handle}</span></p>}
        <p><span>{say("Known by", "认证等级")}</span><span>{tiers[me.tier]}</span></p>
        {me.tier !== "full" && <p><span>{say("May spend today", "今日限额")}</span><span>{yuan(me.limits.daily - me.limits.spent_today)} / {yuan(me.limits.daily)}</span></p>}
      </section>
      <Pin />
      <NoPin />
      <Handle />
      {me.tier === "basic" && <Verify />}
      <Devices />
      <Passkeys />
      <section className="card facts">
        <h2>{say("Language and look", "语言与外观")}</h2>
        <p><label htmlFor="language">{say("Language", "语言")}</label><select id="language" value={language} onChange={(event) => speak(event.target.value === "zh" ? "zh" : "en")}><option value="en">English</option><option value="zh">中文</option></select></p>
        <p><label htmlFor="dark">{say("Dark mode", "深色模式")}</label><input id="dark" type="checkbox" role="switch" checked={look === "dark"} onChange={(event) => setLook(event.target.checked ? "dark" : "light")} /></p>
      </section>
      <Reads />
      <Button block onClick={() => void leave()}>{say("Sign out and forget this device", "退出并移除本设备")}</Button>
    </Page>
  );
}

/** Digits asked for one after the other, then `done` with all of them. */
function usePads() {
  const [pads, setPads] = useState<{ titles: string[]; given: string[]; done: (pins: string[]) => void }>();
  const title = pads?.titles[pads.given.length];
  const popup = (
    <Popup visible={Boolean(pads)} destroyOnClose bodyClassName="pin-body">
      {pads && title && <PinPad key={title} title={title} onCancel={() => setPads(undefined)} onDone={(pin) => {
        const given = [...pads.given, pin];
        if (given.length < pads.titles.length) return setPads({ ...pads, given });
        setPads(undefined);
        pads.done(given);
      }} />}
    </Popup>
  );
  return { popup, ask: (titles: string[], done: (pins: string[]) => void) => setPads({ titles, given: [], done }) };
}

function Pin() {
  const say = useSay();
  const { me, again } = useHolder();
  const set = useCommand<Me>();
  const { popup, ask } = usePads();
  const [told, setTold] = useState<string>();
  const fresh = [say("Choose a payment PIN", "设置支付密码"), say("Once more", "再次输入支付密码")];
  const send = (old?: string) => (pins: string[]) => {
    const [one, two] = pins.slice(-2);
    if (one !== two) return setTold(say("The two were not the same.", "两次输入不一致。"));
    void set.run("/app/wallet/pin", { pin: one, old_pin: old }).then((done) => { if (done) { setTold(say("The PIN is set.", "支付密码已设置。")); again(); } });
  };
  const change = () => ask([say("The PIN so far", "请输入原支付密码"), ...fresh], (pins) => send(pins[0])(pins));
  return (
    <section className="card">
      <h2>{say("Payment PIN", "支付密码")}</h2>
      {me.pin === "none" && <Button color="primary" onClick={() => ask(fresh, send())}>{say("Set a PIN", "设置支付密码")}</Button>}
      {me.pin === "set" && <Button onClick={change}>{say("Change the PIN", "修改支付密码")}</Button>}
      {me.pin === "locked" && <><p role="alert">{say("The PIN is locked after five wrong tries.", "连续输错五次，支付密码已锁定。")}</p><Unlock /></>}
      {told && <p role="status">{told}</p>}
      <Answer command={set} />{popup}
    </section>
  );
}

/** By a one-time code, and for who is known by name also by that. */
function Unlock() {
  const say = useSay();
  const { me, again } = useHolder();
  const [phone, setPhone] = useState("");
  const [sent, setSent] = useState<CodeSent>();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [last, setLast] = useState("");
  const ask = useCommand<CodeSent>();
  const unlock = useCommand<Me>();
  const { popup, ask: pads } = usePads();
  async function submit() {
    if (!sent) return void ask.run("/app/wallet/codes", { phone }).then((answer) => { if (answer) setSent(answer); });
    pads([say("Choose a new PIN", "设置新的支付密码")], ([pin]) => {
      const known = me.tier === "basic" ? {} : { name, id_last4: last };
      void unlock.run("/app/wallet/pin/unlock", { phone_code: code, pin, ...known }).then((done) => { if (done) again(); });
    });
  }
  return (
    <Sheet action={sent ? say("Unlock", "解锁") : say("Send the code", "获取验证码")} busy={ask.busy || unlock.busy} onSubmit={() => void submit()}>
      {!sent && <Field label={say("Your phone number", "您的手机号")} value={phone} onChange={setPhone} inputMode="tel" />}
      {sent && <Field label={say("Code", "验证码")} value={code} onChange={setCode} inputMode="numeric" maxLength={6} hint={sent.sandbox_code && say(`Sandbox: the code is ${sent.sandbox_code}`, `沙箱：验证码为 ${sent.sandbox_code}`)} />}
      {sent && me.tier !== "basic" && <><Field label={say("Name", "姓名")} value={name} onChange={setName} /><Field label={say("Last four of the id number", "身份证后四位")} value={last} onChange={setLast} maxLength={4} /></>}
      <Answer command={ask} /><Answer command={unlock} />{popup}
    </Sheet>
  );
}

function NoPin() {
  const say = useSay();
  const { me, again } = useHolder();
  const [amount, setAmount] = useState((me.limits.no_pin / 100).toFixed(2));
  const change = useCommand<Me>("PATCH");
  return (
    <section className="card"><h2>{say("Small payments without PIN", "小额免密")}</h2>
      <Sheet action={say("Save", "保存")} busy={change.busy} onSubmit={() => void change.run("/app/wallet/me", { no_pin: fenOf(amount) ?? 0 }).then((done) => { if (done) again(); })}>
        <Amount label={say(`Up to (at most ${yuan(me.limits.no_pin_max)}; 0: always ask)`, `免密额度（最高 ${yuan(me.limits.no_pin_max)}，0 为关闭）`)} value={amount} onChange={setAmount} />
        <Answer command={change} />
      </Sheet>
    </section>
  );
}

function Handle() {
  const say = useSay();
  const { me, again } = useHolder();
  const [handle, setHandle] = useState(me.handle ?? "");
  const change = useCommand<Me>("PATCH");
  return (
    <section className="card"><h2>{say("Handle", "用户名")}</h2>
      <Sheet action={say("Save", "保存")} busy={change.busy} disabled={handle === ""} onSubmit={() => void change.run("/app/wallet/me", { handle }).then((done) => { if (done) again(); })}>
        <Field label={say("So that others find you without your number", "他人可通过用户名向您转账")} value={handle} onChange={setHandle} autoComplete="off" maxLength={32} />
        <Answer command={change} />
      </Sheet>
    </section>
  );
}

function Verify() {
  const say = useSay();
  const { again } = useHolder();
  const [name, setName] = useState("");
  const [number, setNumber] = useState("");
  const verify = useCommand<Me>();
  return (
    <section className="card"><h2>{say("Verify your name", "实名认证")}</h2>
      <Sheet action={say("Verify", "认证")} busy={verify.busy} disabled={!name || !number} onSubmit={() => void verify.run("/app/wallet/verify", { name, id_number: number }).then((done) => { if (done) again(); })}>
        <Field label={say("Name as on the papers", "姓名")} value={name} onChange={setName} autoComplete="name" />
        <Field label={say("Id number", "身份证号")} value={number} onChange={setNumber} maxLength={18} hint={say("Higher limits for who is known. The number is kept encrypted.", "认证后可提升限额，证件信息加密保存。")} />
        <Answer command={verify} />
      </Sheet>
    </section>
  );
}

function Devices() {
  const say = useSay();
  const { language } = useSpeech();
  const devices = useAsk<Rows<Device>>("/app/wallet/devices");
  const remove = useCommand("DELETE");
  return (
    <section className="card list"><h2>{say("Devices", "登录设备")}</h2>
      {devices.failure && <Failed failure={devices.failure} again={devices.again} />}
      {devices.data?.data.map((each) => (
        <p key={each.id} className="row"><span><strong>{each.label}</strong><small>{each.current ? say("this device", "本设备") : when(each.last_seen_at ?? each.added_at, language)}</small></span>
          {!each.current && <Button size="small" loading={remove.busy} onClick={() => void remove.run(`/app/wallet/devices/${each.id}`).then(devices.again)}>{say("Remove", "移除")}</Button>}</p>
      ))}
      <Answer command={remove} />
    </section>
  );
}

function Reads() {
  const say = useSay();
  const { language } = useSpeech();
  const reads = useAsk<Rows<{ at: string; by: string; what: string; why?: string }>>("/app/wallet/reads");
  return (
    <section className="card list"><h2>{say("Who read your data", "谁查看过您的信息")}</h2>
      {reads.data?.data.length === 0 && <p className="quiet">{say("No operator has.", "暂无查看记录。")}</p>}
      {reads.data?.data.map((each, place) => <p key={place} className="row"><span><strong>{each.by}</strong><small>{each.what}{each.why && ` · ${each.why}`}</small></span><small>{when(each.at, language)}</small></p>)}
    </section>
  );
}
