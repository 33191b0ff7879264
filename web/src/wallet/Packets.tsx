/** Red packets: those of this person, and a new one. */

import { useState } from "react";
import { go, href } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Packet, Page as Rows } from "../shared/api";
import { useHolder } from "./App";
import { fenOf, yuan } from "./format";
import { Amount, Answer, Failed, Field, Loading, Nothing, Page, Sheet } from "./parts";
import { useCommand } from "./server";

export default function Packets() {
  const say = useSay();
  const { news } = useHolder();
  const packets = useAsk<Rows<Packet>>("/app/wallet/packets", [news]);
  const [kind, setKind] = useState<Packet["kind"]>("lucky");
  const [to, setTo] = useState("");
  const [shares, setShares] = useState("6");
  const [amount, setAmount] = useState("");
  const [message, setMessage] = useState("");
  const [wrong, setWrong] = useState<{ amount?: string; shares?: string }>({});
  const send = useCommand<Packet>();
  async function submit() {
    const fen = fenOf(amount);
    const count = to.trim() ? 1 : Number(shares);
    const errors = {
      amount: !fen || fen < count ? say("At least 0.01 for each share", "每份至少 0.01 元") : undefined,
      shares: Number.isInteger(count) && count >= 1 && count <= 500 ? undefined : say("1 to 500 shares", "1 至 500 份"),
    };
    setWrong(errors);
    if (errors.amount || errors.shares) return;
    const packet = await send.run("/app/wallet/packets", { kind, total: fen, shares: count, to: to.trim() || undefined, message: message || undefined });
    if (packet) go("packet", packet.token);
  }
  return (
    <Page title={say("Red packets", "红包")}>
      <div className="choice" role="radiogroup" aria-label={say("Kind", "类型")}>
        {(["lucky", "equal"] as const).map((each) => <button key={each} type="button" role="radio" aria-checked={kind === each} onClick={() => setKind(each)}>{each === "lucky" ? say("Lucky", "拼手气") : say("Equal", "普通")}</button>)}
      </div>
      <Sheet action={say("Put the money in", "塞钱进红包")} busy={send.busy} onSubmit={() => void submit()}>
        <Amount label={say("Total", "总金额")} value={amount} onChange={setAmount} wrong={wrong.amount} />
        {!to.trim() && <Field label={say("Shares", "红包个数")} value={shares} onChange={setShares} inputMode="numeric" wrong={wrong.shares} />}
        <Field label={say("Only for (phone or @handle, may be empty)", "指定领取人（可不填）")} value={to} onChange={setTo} autoComplete="off" />
        <Field label={say("Message", "祝福语")} value={message} onChange={setMessage} maxLength={60} placeholder={say("Good luck and prosperity", "恭喜发财，大吉大利")} />
        <Answer command={send} />
      </Sheet>
      <section className="card list">
        {!packets.data && (packets.failure ? <Failed failure={packets.failure} again={packets.again} /> : <Loading />)}
        {packets.data?.data.length === 0 && <Nothing>{say("No red packets yet.", "暂无红包。")}</Nothing>}
        {packets.data?.data.map((each) => <a key={each.token} className="row" href={href("packet", each.token)}><span><strong>{each.mine ? say("Yours", "我发出的") : each.from}</strong><small>{say(`${each.opened} of ${each.shares} opened`, `${each.opened}/${each.shares} 已领取`)}</small></span><b>{each.mine_amount !== undefined ? yuan(each.mine_amount) : each.total !== undefined && yuan(each.total)}</b></a>)}
      </section>
    </Page>
  );
}
