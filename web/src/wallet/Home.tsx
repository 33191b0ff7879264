/** Home: what there is, what waits for this person, what happened last. */

import { useEffect } from "react";
import { href } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Home as HomeShape } from "../shared/api";
import { useHolder } from "./App";
import { EntryRow } from "./EntryRow";
import { when, yuan } from "./format";
import { Icon, type IconName } from "./Icon";
import { Failed, Loading, Nothing } from "./parts";

export function Home() {
  const say = useSay();
  const { language } = useSpeech();
  const { me, news } = useHolder();
  const home = useAsk<HomeShape>("/app/wallet/home", [news]);
  useEffect(() => { document.title = "Feiqian 飞钱"; }, []);
  const tiles: [string, IconName, string][] = [
    ["send", "send", say("Transfer", "转账")], ["packets", "packet", say("Red packets", "红包")], ["requests", "split", say("Request & split", "收款与 AA")],
    ["bank", "bank", say("Top up & withdraw", "充值提现")], ["coupons", "coupon", say("Coupons", "卡券")], ["spending", "chart", say("Spending", "账单分析")],
  ];
  if (!home.data) return home.failure ? <Failed failure={home.failure} again={home.again} /> : <Loading />;
  const { balance, on_the_way, confirmations, requests, recent } = home.data;
  return (
    <div className="home">
      <section className="card hero" aria-label={say("Balance", "余额")}>
        <p><span>{me.brand.name}</span><a href={href("settings")} aria-label={say("Settings", "设置")}><Icon name="settings" /></a></p>
        <output data-testid="balance">{yuan(balance)}</output>
        {on_the_way > 0 && <small>{say(`${yuan(on_the_way)} on its way`, `在途 ${yuan(on_the_way)}`)}</small>}
        <nav aria-label={say("Pay", "付款")}>
          <a href={href("code")}><Icon name="code" />{say("Pay code", "付款码")}</a>
          <a href={href("scan")}><Icon name="scan" />{say("Scan", "扫一扫")}</a>
        </nav>
      </section>
      {confirmations.map((each) => (
        <a key={each.order_id} className="card wants" href={href("confirm", each.order_id)}>
          <span><strong>{each.shop.name}</strong><small>{say("waits for you to confirm", "等待您确认付款")}</small></span><b>{yuan(each.quote.to_pay)}</b>
        </a>
      ))}
      {requests.filter((each) => !each.mine).map((each) => (
        <a key={each.id} className="card wants" href={href("requests", each.id)}>
          <span><strong>{each.from}</strong><small>{each.note}</small></span><b>{yuan(each.shares.find((share) => share.mine)?.amount ?? 0)}</b>
        </a>
      ))}
      <nav className="tiles" aria-label={say("More", "更多")}>{tiles.map(([page, icon, name]) => <a key={page} href={href(page)}><Icon name={icon} />{name}</a>)}</nav>
      <section className="card list">
        <h2>{say("Latest", "最近")}<a href={href("entries")}>{say("All", "全部")}</a></h2>
        {recent.length === 0 && <Nothing>{say("Nothing yet. Top up, or let a friend send you something.", "暂无记录。先充值，或让朋友转一笔给你。")}</Nothing>}
        {recent.map((entry) => <EntryRow key={entry.id} entry={entry} time={when(entry.at, language)} />)}
      </section>
    </div>
  );
}
