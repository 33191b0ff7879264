/** For who has no session: register, or come back with a new device; and stop a lost one. */

import { Button } from "antd-mobile";
import { useEffect, useState } from "react";
import { useSay, useSpeech } from "../desk/say";
import type { Boot, CodeSent, Me, PasskeyChallenge } from "../shared/api";
import { keepDevice, label, publicKey } from "./device";
import { Answer, Field, Sheet } from "./parts";
import { hasPasskeys, signWithPasskey } from "./passkey";
import { useCommand } from "./server";

export function Welcome({ boot, onIn }: { boot: Boot; onIn: () => void }) {
  const say = useSay();
  const { language, speak } = useSpeech();
  const [lost, setLost] = useState(false);
  return (
    <div className="welcome">
      <header>
        <span className="seal" aria-hidden>飞</span>
        <button type="button" className="link" onClick={() => speak(language === "zh" ? "en" : "zh")}>{language === "zh" ? "English" : "中文"}</button>
      </header>
      <main>
        <h1>{lost ? say("Lost your phone?", "手机丢失？") : say("Your money, in your hand", "钱，就在手边")}</h1>
        <p className="quiet">{lost
          ? say("Every device of your account stops paying at once.", "账户下的所有设备将立即停止支付。")
          : say("Enter your phone number. A new number gets a wallet; a known one signs in on this device.", "输入手机号。新号码将开通钱包，已注册的号码将在本设备登录。")}</p>
        {lost ? <Lost onDone={() => setLost(false)} /> : <Enter boot={boot} onIn={onIn} />}
        {!lost && boot.passkeys && hasPasskeys() && <ByPasskey onIn={onIn} />}
        <button type="button" className="link" onClick={() => setLost(!lost)}>{lost ? say("Back", "返回") : say("I lost a device", "设备丢失")}</button>
      </main>
    </div>
  );
}

/** A phone number and the one-time code that it got. */
function usePhone() {
  const say = useSay();
  const [phone, setPhone] = useState("");
  const [code, setCode] = useState("");
  const [sent, setSent] = useState<CodeSent>();
  const [pause, setPause] = useState(0);
  const ask = useCommand<CodeSent>();
  useEffect(() => {
    if (pause === 0) return;
    const timer = window.setTimeout(() => setPause(pause - 1), 1000);
    return () => window.clearTimeout(timer);
  }, [pause]);
  async function send() {
    const answer = await ask.run("/app/wallet/codes", { phone });
    if (answer) { setSent(answer); setPause(answer.resend_in_seconds); }
  }
  const fields = (
    <>
      <Field label={say("Phone number", "手机号")} value={phone} onChange={setPhone} type="tel" inputMode="tel" autoComplete="tel" placeholder="138 0013 8000" />
      {sent && <Field label={say("Code", "验证码")} value={code} onChange={setCode} inputMode="numeric" autoComplete="one-time-code" maxLength={6}
        hint={sent.sandbox_code && say(`Sandbox: the code is ${sent.sandbox_code}`, `沙箱：验证码为 ${sent.sandbox_code}`)} />}
      {sent && <button type="button" className="link" disabled={pause > 0} onClick={() => void send()}>{pause > 0 ? say(`Send again in ${pause} s`, `${pause} 秒后可重发`) : say("Send again", "重新发送")}</button>}
    </>
  );
  return { phone, code, sent, fields, send, ask };
}

function Enter({ boot, onIn }: { boot: Boot; onIn: () => void }) {
  const say = useSay();
  const phone = usePhone();
  const [brand, setBrand] = useState(boot.brands[0]?.id ?? "");
  const [name, setName] = useState("");
  const enter = useCommand<Me>();
  async function submit() {
    if (!phone.sent) return phone.send();
    const device = { public_key: await publicKey(), label: label() };
    const me = await enter.run("/app/wallet/register", { phone: phone.phone, code: phone.code, brand_id: brand, name: name.trim() || undefined, device });
    if (me) { await keepDevice(me.device.id); onIn(); }
  }
  return (
    <Sheet action={phone.sent ? say("Open the wallet", "进入钱包") : say("Send the code", "获取验证码")} busy={phone.ask.busy || enter.busy}
      disabled={phone.sent ? phone.code.length !== 6 : phone.phone.trim() === ""} onSubmit={() => void submit()}>
      {phone.fields}
      {phone.sent && (
        <>
          <Field label={say("Name (for a new wallet)", "姓名（新用户）")} value={name} onChange={setName} autoComplete="name" />
          {boot.brands.length > 1 && (
            <fieldset className="brands"><legend>{say("Wallet", "钱包品牌")}</legend>
              {boot.brands.map((each) => <label key={each.id}><input type="radio" name="brand" checked={brand === each.id} onChange={() => setBrand(each.id)} />{each.name}</label>)}
            </fieldset>
          )}
        </>
      )}
      <Answer command={phone.ask} /><Answer command={enter} />
    </Sheet>
  );
}

function ByPasskey({ onIn }: { onIn: () => void }) {
  const say = useSay();
  const begin = useCommand<PasskeyChallenge>();
  const enter = useCommand<Me>();
  const [told, setTold] = useState<string>();
  async function submit() {
    setTold(undefined);
    const challenge = await begin.run("/app/wallet/passkeys/challenge");
    if (!challenge) return;
    const signed = await signWithPasskey(challenge).catch(() => undefined);
    if (!signed) return setTold(say("No passkey was used.", "未使用通行密钥。"));
    const device = { public_key: await publicKey(), label: label() };
    const me = await enter.run("/app/wallet/passkeys/session", { ...signed, device });
    if (me) { await keepDevice(me.device.id); onIn(); }
  }
  return (
    <>
      <Button block loading={begin.busy || enter.busy} onClick={() => void submit()}>{say("Sign in with a passkey", "使用通行密钥登录")}</Button>
      {told && <p role="status">{told}</p>}
      <Answer command={begin} /><Answer command={enter} />
    </>
  );
}

function Lost({ onDone }: { onDone: () => void }) {
  const say = useSay();
  const phone = usePhone();
  const stop = useCommand();
  const [done, setDone] = useState(false);
  async function submit() {
    if (!phone.sent) return phone.send();
    if (await stop.run("/app/wallet/lost", { phone: phone.phone, code: phone.code })) setDone(true);
  }
  if (done) return <div role="status"><p>{say("Done. No device of this account pays any more.", "已完成，该账户的所有设备已停用。")}</p><Button block onClick={onDone}>{say("Sign in on this device", "在本设备登录")}</Button></div>;
  return (
    <Sheet action={phone.sent ? say("Stop all devices", "停用所有设备") : say("Send the code", "获取验证码")} busy={phone.ask.busy || stop.busy} onSubmit={() => void submit()}>
      {phone.fields}<Answer command={phone.ask} /><Answer command={stop} />
    </Sheet>
  );
}
