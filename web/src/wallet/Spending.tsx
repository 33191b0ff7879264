/** What a month's money went for. */

import { useState } from "react";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { Spending as Shape } from "../shared/api";
import { yuan } from "./format";
import { Failed, Loading, Nothing, Page } from "./parts";

const monthOf = (date: Date) => new Intl.DateTimeFormat("sv", { timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit" }).format(date).slice(0, 7);

export default function Spending() {
  const say = useSay();
  const [month, setMonth] = useState(monthOf(new Date()));
  const spending = useAsk<Shape>(`/app/wallet/spending?month=${month}`);
  const it = spending.data;
  const most = Math.max(1, ...(it?.categories.map((each) => each.amount) ?? []));
  const highest = Math.max(1, ...(it?.days.map((each) => each.amount) ?? []));
  return (
    <Page title={say("Spending", "账单分析")}>
      <div className="field"><label htmlFor="month">{say("Month", "月份")}</label><input id="month" type="month" value={month} max={monthOf(new Date())} onChange={(event) => { if (event.target.value) setMonth(event.target.value); }} /></div>
      {!it && (spending.failure ? <Failed failure={spending.failure} again={spending.again} /> : <Loading />)}
      {it && (
        <>
          <section className="card price"><p>{say("Spent", "支出")}</p><output>{yuan(it.total)}</output>
            <svg className="days" viewBox={`0 0 ${Math.max(it.days.length, 28) * 10} 60`} role="img" aria-label={say("Spending by day", "每日支出")} preserveAspectRatio="none">
              {it.days.map((day, place) => <rect key={day.day} x={place * 10 + 1} width={8} y={60 - (day.amount / highest) * 58} height={(day.amount / highest) * 58 || 1} rx={2}><title>{`${day.day} ${yuan(day.amount)}`}</title></rect>)}
            </svg>
          </section>
          <section className="card bars" aria-label={say("By category", "按类别")}>
            {it.categories.length === 0 && <Nothing>{say("Nothing was spent in this month.", "本月暂无支出。")}</Nothing>}
            {it.categories.map((each) => <div key={each.category}><p><span>{each.category} <small>×{each.count}</small></span><b>{yuan(each.amount)}</b></p><meter min={0} max={most} value={each.amount} aria-label={each.category} /></div>)}
          </section>
        </>
      )}
    </Page>
  );
}
