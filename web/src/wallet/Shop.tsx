/** A shop's own code: the shopper says how much, then pays the order that it becomes. */

import { useEffect, useState } from "react";
import { go, useRoute } from "../desk/route";
import { useSay } from "../desk/say";
import type { Scanned } from "../shared/api";
import { fenOf, yuan } from "./format";
import { Amount, Answer, Failed, Field, Loading, Page, Sheet } from "./parts";
import { useCommand } from "./server";

export default function Shop() {
  const say = useSay();
  const [, code = ""] = useRoute();
  const look = useCommand<Scanned>();
  const [it, setIt] = useState<Extract<Scanned, { kind: "merchant" }>>();
  const [amount, setAmount] = useState("");
  const [note, setNote] = useState("");
  const [wrong, setWrong] = useState<string>();
  const make = useCommand<{ token: string }>();
  const ask = () => void look.run("/app/wallet/scan", { text: `/q/m/${code}` }).then((found) => { if (found?.kind === "merchant") setIt(found); });
  // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each code
  useEffect(ask, [code]);
  if (!it) return <Page title={say("Pay a shop", "向商家付款")}>{look.failure ? <Failed failure={look.failure} again={ask} /> : <Loading />}</Page>;
  async function submit() {
    const fen = it?.amount ?? fenOf(amount);
    if (!fen) return setWrong(say("An amount like 12.50", "请输入正确的金额，例如 12.50"));
    const order = await make.run(`/app/wallet/merchant-codes/${encodeURIComponent(code)}/orders`, { amount: it?.amount ? undefined : fen, note: note || undefined });
    if (order) go("q", order.token);
  }
  return (
    <Page title={it.shop.name}>
      {!it.signed && <p role="alert" className="failed">{say("This code was not made by the shop's platform. Do not pay.", "该收款码未经平台签名，请勿付款。")}</p>}
      <Sheet action={say("Continue", "继续")} busy={make.busy} onSubmit={() => void submit()} disabled={!it.signed}>
        {it.amount ? <p className="big">{yuan(it.amount)}</p> : <Amount label={say("Amount", "金额")} value={amount} onChange={setAmount} wrong={wrong} />}
        <Field label={say("Note", "备注")} value={note} onChange={setNote} maxLength={40} />
        <Answer command={make} />
      </Sheet>
    </Page>
  );
}
