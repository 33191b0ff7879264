/** Sending money to a person: to whom it goes is shown before it goes. */

import { useEffect, useState } from "react";
import { go, useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import type { Payee, Transfer } from "../shared/api";
import { fenOf, yuan } from "./format";
import { Amount, Answer, Field, Page, Sheet } from "./parts";
import { useCommand } from "./server";

const DELAYS = [0, 2, 24] as const;

export default function Send() {
  const say = useSay();
  const [, handle] = useRoute();
  const [to, setTo] = useState(handle ? `@${handle}` : "");
  const [payee, setPayee] = useState<Payee>();
  const [amount, setAmount] = useState("");
  const [message, setMessage] = useState("");
  const [delay, setDelay] = useState<(typeof DELAYS)[number]>(0);
  const [wrong, setWrong] = useState<string>();
  const find = useCommand<Payee>();
  const send = useCommand<Transfer>();
  useEffect(() => { setPayee(undefined); }, [to]);
  async function submit() {
    if (!payee) {
      const found = await find.run("/app/wallet/payees", { to: to.trim() });
      if (found) setPayee(found);
      return;
    }
    const fen = fenOf(amount);
    if (!fen) return setWrong(say("An amount like 20.00", "请输入正确的金额，例如 20.00"));
    setWrong(undefined);
    const sent = await send.run("/app/wallet/transfers", { to: payee.to, amount: fen, message: message || undefined, delay_hours: payee.registered ? delay : 0 });
    if (sent) go("transfer", sent.id);
  }
  const fen = fenOf(amount);
  return (
    <Page title={say("Transfer", "转账")}>
      <Sheet action={payee ? say(fen ? `Send ${yuan(fen)}` : "Send", fen ? `转账 ${yuan(fen)}` : "转账") : say("Find", "查找")} busy={find.busy || send.busy} disabled={to.trim() === ""} onSubmit={() => void submit()}>
        <Field label={say("Phone number or @handle", "手机号或 @用户名")} value={to} onChange={setTo} autoComplete="off" />
        {payee && (
          <>
            <p className="payee" role="status">{payee.registered ? <><strong>{payee.masked_name}</strong> <small>{payee.brand}</small></> : say("Not registered yet. The money waits 24 hours for this number, then comes back.", "对方尚未注册。款项将保留 24 小时，逾期退回。")}</p>
            <Amount label={say("Amount", "金额")} value={amount} onChange={setAmount} wrong={wrong} />
            <Field label={say("Message", "留言")} value={message} onChange={setMessage} maxLength={60} />
            {payee.registered && (
              <fieldset className="brands"><legend>{say("Arrives", "到账时间")}</legend>
                {DELAYS.map((each) => <label key={each}><input type="radio" name="delay" checked={delay === each} onChange={() => setDelay(each)} />{each === 0 ? say("at once", "实时到账") : say(`in ${each} hours`, `${each} 小时后到账`)}</label>)}
                <small>{say("Until it arrives you can take it back.", "到账前可撤回。")}</small>
              </fieldset>
            )}
          </>
        )}
        <Answer command={find} /><Answer command={send} />
      </Sheet>
    </Page>
  );
}
