/** A red packet: closed, the coin that opens it, and who drew what. */

import { useState } from "react";
import { useRoute } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Packet } from "../shared/api";
import { useHolder } from "./App";
import { when, yuan } from "./format";
import { Answer, Failed, Loading, Page } from "./parts";
import { Qr } from "./pictures";
import { useCommand } from "./server";

export default function PacketPage() {
  const say = useSay();
  const { language } = useSpeech();
  const { news } = useHolder();
  const [, token = ""] = useRoute();
  const packet = useAsk<Packet>(`/app/wallet/packets/${encodeURIComponent(token)}`, [news]);
  const open = useCommand<Packet>();
  const [copied, setCopied] = useState(false);
  const it = packet.data;
  if (!it) return <Page title={say("Red packet", "红包")}>{packet.failure ? <Failed failure={packet.failure} again={packet.again} /> : <Loading />}</Page>;
  const ends = { open: "", empty: say("All shares are gone.", "手慢了，红包派完了。"), expired: say("Its day is over; the rest went back.", "红包已过期，余额已退回。") };
  return (
    <Page title={say("Red packet", "红包")} back={["packets"]}>
      <section className={`packet ${it.mine_amount === undefined ? "closed" : "opened"}`}>
        <p>{it.mine ? say("From you", "我发出的红包") : say(`From ${it.from}`, `${it.from} 的红包`)}</p>
        <h2>{it.message || say("Good luck and prosperity", "恭喜发财，大吉大利")}</h2>
        {it.mine_amount !== undefined && <output data-testid="drawn" role="status">{yuan(it.mine_amount)}</output>}
        {it.mine_amount === undefined && it.status === "open" && (
          <button type="button" className={open.busy ? "coin spins" : "coin"} disabled={open.busy} aria-label={say("Open", "开红包")} onClick={() => void open.run(`/app/wallet/packets/${encodeURIComponent(token)}/open`).then(packet.again)}>開</button>
        )}
        {it.mine_amount === undefined && it.status !== "open" && <p role="status">{ends[it.status]}</p>}
      </section>
      <Answer command={open} />
      {it.mine && it.status === "open" && (
        <section className="card code"><Qr text={it.link} label={say("QR code of the packet", "红包二维码")} />
          <button type="button" className="link" onClick={() => void navigator.clipboard?.writeText(it.link).then(() => setCopied(true))}>{copied ? say("Copied", "已复制") : say("Copy the link", "复制链接")}</button><small className="number" data-testid="packet-link">{it.link}</small></section>
      )}
      <section className="card list">
        <h2>{say(`${it.opened} of ${it.shares} opened`, `已领取 ${it.opened}/${it.shares} 个`)}{it.total !== undefined && ` · ${yuan(it.total)}`}</h2>
        {it.draws.map((draw, place) => <p key={place} className="row" data-luckiest={draw.luckiest || undefined}><span><strong>{draw.mine ? say("You", "我") : draw.who}</strong><small>{when(draw.at, language)}{draw.luckiest && ` · ${say("luckiest", "手气最佳")}`}</small></span><b>{yuan(draw.amount)}</b></p>)}
      </section>
    </Page>
  );
}
