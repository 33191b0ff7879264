/** Of the settings: the passkeys of this account. */

import { Button } from "antd-mobile";
import { useState } from "react";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Page as Rows, Passkey, PasskeyOptions } from "../shared/api";
import { useHolder } from "./App";
import { when } from "./format";
import { Answer, Failed } from "./parts";
import { hasPasskeys, makePasskey } from "./passkey";
import { useCommand } from "./server";

export function Passkeys() {
  const say = useSay();
  const { language } = useSpeech();
  const { boot, me } = useHolder();
  const passkeys = useAsk<Rows<Passkey>>("/app/wallet/passkeys");
  const begin = useCommand<PasskeyOptions>();
  const add = useCommand<Passkey>();
  const remove = useCommand("DELETE");
  const [told, setTold] = useState<string>();
  async function make() {
    setTold(undefined);
    const options = await begin.run("/app/wallet/passkeys/new");
    if (!options) return;
    const made = await makePasskey(options, me.handle ? `@${me.handle}` : me.phone_masked).catch(() => undefined);
    if (!made) return setTold(say("No passkey was made.", "未创建通行密钥。"));
    if (await add.run("/app/wallet/passkeys", made)) passkeys.again();
  }
  return (
    <section className="card list"><h2>{say("Passkeys", "通行密钥")}</h2>
      <p className="quiet">{say("Let a new browser in by finger, face or your machine's own PIN, without a code.", "在新设备上用指纹、面容或设备密码登录，无需验证码。")}</p>
      {passkeys.failure && <Failed failure={passkeys.failure} again={passkeys.again} />}
      {passkeys.data?.data.map((each) => (
        <p key={each.id} className="row"><span><strong>{each.label}</strong><small>{each.used_at ? say("used ", "上次使用 ") : say("added ", "添加于 ")}{when(each.used_at ?? each.added_at, language)}</small></span>
          <Button size="small" loading={remove.busy} onClick={() => void remove.run(`/app/wallet/passkeys/${each.id}`).then(passkeys.again)}>{say("Remove passkey", "移除通行密钥")}</Button></p>
      ))}
      {boot.passkeys && hasPasskeys() && <Button loading={begin.busy || add.busy} onClick={() => void make()}>{say("Add a passkey", "添加通行密钥")}</Button>}
      {told && <p role="status">{told}</p>}
      <Answer command={begin} /><Answer command={add} /><Answer command={remove} />
    </section>
  );
}
