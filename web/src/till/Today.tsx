/** What the shop took today, by the hour. */

import { Button } from "antd-mobile";
import type { Staff, Takings } from "../shared/api";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import { yuan } from "./format";
import { Shown, Title } from "./parts";

export default function Today({ me }: { me: Staff }) {
  const say = useSay();
  const asked = useAsk<Takings>("/app/till/today");
  return (
    <div className="page">
      <Title actions={<Button size="small" loading={asked.loading} onClick={asked.again}>{say("Refresh", "刷新")}</Button>}>{say("Today", "今日")}</Title>
      <Shown asked={asked}>{(today) => (
        <>
          <p className="quiet">{me.shop.name} · {today.day} · UTC+8</p>
          <section className="takings">
            <div className="takings-net"><span>{say("Net takings", "实收")}</span><strong>{yuan(today.net)}</strong></div>
            <dl>
              <div><dt>{say("Payments", "收款")}</dt><dd>{today.payments}</dd></div>
              <div><dt>{say("Gross", "收款额")}</dt><dd>{yuan(today.gross)}</dd></div>
              <div><dt>{say("Refunds", "退款")}</dt><dd>{today.refunds ? `${today.refunds} · ${yuan(-today.refunded)}` : "0"}</dd></div>
              <div><dt>{say("Fees", "手续费")}</dt><dd>{yuan(-today.fees)}</dd></div>
            </dl>
          </section>
          <section className="card">
            <h2>{say("By the hour", "按小时")}</h2>
            {today.payments === 0 ? <p className="nothing-here">{say("Nothing was paid yet today.", "今天还没有收款。")}</p> : <Hours hours={today.hours} />}
          </section>
        </>
      )}</Shown>
    </div>
  );
}

const WIDTH = 720;
const HEIGHT = 200;

function Hours({ hours }: { hours: Takings["hours"] }) {
  const say = useSay();
  const byHour = new Map(hours.map((row) => [row.hour, row]));
  const active = hours.filter((row) => row.amount > 0).map((row) => row.hour);
  const first = Math.min(8, ...active);
  const last = Math.max(21, ...active);
  const shown = Array.from({ length: last - first + 1 }, (_, place) => byHour.get(first + place) ?? { hour: first + place, amount: 0, count: 0 });
  const most = Math.max(1, ...shown.map((row) => row.amount));
  const step = WIDTH / shown.length;
  const peak = shown.find((row) => row.amount === most);
  return (
    <svg className="hours" viewBox={`0 0 ${WIDTH} ${HEIGHT + 26}`} role="img"
      aria-label={say(`Takings by the hour; most at ${peak?.hour ?? 0}:00 with ${yuan(most)}`, `每小时收款；最高为 ${peak?.hour ?? 0} 点，${yuan(most)}`)}>
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line x1="0" x2={WIDTH} y1={HEIGHT - share * (HEIGHT - 24)} y2={HEIGHT - share * (HEIGHT - 24)} className="grid" />
          {share > 0 && <text x="2" y={HEIGHT - share * (HEIGHT - 24) - 5} className="axis">{yuan(Math.round(most * share))}</text>}
        </g>
      ))}
      {shown.map((row, place) => {
        const height = (row.amount / most) * (HEIGHT - 24);
        return (
          <g key={row.hour}>
            <title>{`${row.hour}:00 · ${yuan(row.amount)} · ${row.count}`}</title>
            <rect x={place * step} width={step} y="0" height={HEIGHT} fill="transparent" />
            <rect className={row === peak ? "bar peak" : "bar"} x={place * step + step * 0.2} width={step * 0.6} y={HEIGHT - height} height={height} rx="4" />
            {(shown.length < 16 || row.hour % 2 === 0) && <text x={place * step + step / 2} y={HEIGHT + 20} className="axis middle">{row.hour}</text>}
          </g>
        );
      })}
    </svg>
  );
}
