/** How the business goes: volume, share, people, fees, subsidy and profit, over a time that can be chosen. */

import { DatePicker, Segmented, Select, Skeleton, Switch, Table } from "antd";
import dayjs from "dayjs";
import { lazy, Suspense, useMemo, useState } from "react";
import { useSay, type Say } from "../../desk/say";
import type { Point, Series } from "../Charts";
import { count, dayAfter, dayOf, percent, yuan, yuanShort } from "../format";
import { Csv, Failed, Page, Panel } from "../parts";
import { useAsk } from "../../desk/server";
import type { Brand, IncomeReport, IncomeRow, ShareReport, ShareRow } from "../types";
import { categoryName } from "../../desk/categories";

const Chart = lazy(() => import("../Charts"));
const Ranked = lazy(() => import("../Charts").then((charts) => ({ default: charts.Ranked })));

const COLORS = ["var(--fq-chart-1)", "var(--fq-chart-2)", "var(--fq-chart-3)", "var(--fq-chart-4)", "var(--fq-chart-5)"];

type By = "day" | "month" | "quarter";
interface Span {
  from: string;
  to: string;
}

/** The days that a preset means. */
function lastDays(days: number): Span {
  const to = dayOf(new Date());
  return { from: dayAfter(to, 1 - days), to };
}

/** As long, and just before. */
function spanBefore({ from, to }: Span): Span {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return { from: dayAfter(from, -days), to: dayAfter(from, -1) };
}

function query(span: Span, by: By, brand?: string): string {
  const asked = new URLSearchParams({ by, from: span.from, to: span.to });
  if (brand) asked.set("brand", brand);
  return asked.toString();
}

const sum = <T,>(rows: T[], of: (row: T) => number) => rows.reduce((total, row) => total + of(row), 0);

/** A point per period, with a value per brand. */
function byBrand<T extends { period: string; brand_id: string }>(rows: T[], of: (row: T) => number): Point[] {
  const points = new Map<string, Point>();
  for (const row of rows) {
    const point = points.get(row.period) ?? { period: row.period };
    point[row.brand_id] = of(row);
    points.set(row.period, point);
  }
  return [...points.values()];
}

function incomeOver(rows: IncomeRow[]): Point[] {
  const points = new Map<string, { period: string; fees: number; subsidy: number; losses: number; profit: number }>();
  for (const row of rows) {
    const point = points.get(row.period) ?? { period: row.period, fees: 0, subsidy: 0, losses: 0, profit: 0 };
    point.fees += row.fee_income;
    point.subsidy -= row.subsidy;
    point.losses -= row.losses;
    point.profit += row.profit;
    points.set(row.period, point);
  }
  return [...points.values()];
}

function Figure({ label, value, now, before, better, note, say }: {
  label: string; value: string; now: number; before?: number; better: "more" | "less" | "neither"; note?: string; say: Say;
}) {
  const change = before === undefined || before === 0 ? undefined : (now - before) / Math.abs(before);
  const good = change === undefined || better === "neither" ? "" : (change >= 0) === (better === "more") ? "good" : "bad";
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd className="value">{value}</dd>
      <dd className={`change ${good}`}>
        {change === undefined ? (note ?? say("nothing to compare with", "无可比数据"))
          : `${change >= 0 ? "▲" : "▼"} ${Math.abs(change * 100).toFixed(1)} % ${say("on the time before", "较上期")}`}
      </dd>
    </div>
  );
}

export default function Overview() {
  const say = useSay();
  const [span, setSpan] = useState<Span>(() => lastDays(30));
  const [by, setBy] = useState<By>("day");
  const [brand, setBrand] = useState<string>();
  const [asTable, setAsTable] = useState(false);

  const brands = useAsk<{ data: Brand[] }>("/v1/brands");
  const income = useAsk<IncomeReport>(`/v1/reports/income?${query(span, by, brand)}`);
  const share = useAsk<ShareReport>(`/v1/reports/share?${query(span, by, brand)}`);
  const before = spanBefore(span);
  const incomeBefore = useAsk<IncomeReport>(`/v1/reports/income?${query(before, "day", brand)}`);
  const shareBefore = useAsk<ShareReport>(`/v1/reports/share?${query(before, "day", brand)}`);
  // Whole periods may be wider than the days that were chosen; the figures are those of the days.
  const incomeDays = useAsk<IncomeReport>(`/v1/reports/income?${query(span, "day", brand)}`);
  const shareDays = useAsk<ShareReport>(`/v1/reports/share?${query(span, "day", brand)}`);

  const nameOf = useMemo(() => {
    const names = new Map(brands.data?.data.map((one) => [one.id, one.name]));
    return (id: string) => names.get(id) ?? id;
  }, [brands.data]);

  const failure = income.failure ?? share.failure;
  const loading = !income.data || !share.data;
  const shareRows = share.data?.data ?? [];
  const ids = [...new Set(shareRows.map((row) => row.brand_id))].sort();
  const series: Series[] = ids.map((id, place) => ({ key: id, name: nameOf(id), color: COLORS[place % COLORS.length] ?? "" }));
  const days = (rows?: ShareRow[]) => new Set(rows?.map((row) => row.period)).size || 1;
  const daily = (rows?: ShareRow[]) => Math.round(sum(rows ?? [], (row) => row.active_users) / days(rows));

  const nowIncome = incomeDays.data?.data ?? [];
  const nowShare = shareDays.data?.data ?? [];
  const oldIncome = incomeBefore.data?.data;
  const oldShare = shareBefore.data?.data;
  const of = <T,>(rows: T[] | undefined, pick: (row: T) => number) => rows?.length ? sum(rows, pick) : undefined;

  const categories = useMemo(() => {
    const totals = new Map<string, number>();
    for (const row of share.data?.categories ?? []) totals.set(row.category, (totals.get(row.category) ?? 0) + row.volume);
    return [...totals].map(([code, value]) => ({ name: categoryName(code, say), value })).sort((a, b) => b.value - a.value).slice(0, 8);
  }, [share.data, say]);

  return (
    <Page title={say("Overview", "概览")} lead={`${span.from} – ${span.to} · UTC+8`} actions={
      <>
        <Select allowClear className="brand-choice" placeholder={say("All brands", "全部品牌")} value={brand} onChange={setBrand} aria-label={say("Brand", "品牌")}
          options={brands.data?.data.map((one) => ({ value: one.id, label: one.name }))} />
        <Segmented value={[7, 30, 90].find((length) => lastDays(length).from === span.from && lastDays(length).to === span.to) ?? 0}
          onChange={(length) => { if (length) setSpan(lastDays(Number(length))); }}
          options={[7, 30, 90].map((length) => ({ value: length, label: say(`${length} days`, `${length} 天`) }))} />
        <DatePicker.RangePicker allowClear={false} value={[dayjs(span.from), dayjs(span.to)]} aria-label={say("Days", "日期")}
          onChange={(range) => { if (range?.[0] && range[1]) setSpan({ from: range[0].format("YYYY-MM-DD"), to: range[1].format("YYYY-MM-DD") }); }} />
        <Segmented<By> value={by} onChange={setBy} options={[
          { value: "day", label: say("Days", "按日") }, { value: "month", label: say("Months", "按月") }, { value: "quarter", label: say("Quarters", "按季") },
        ]} />
      </>
    }>
      {failure && <Failed failure={failure} again={() => { income.again(); share.again(); }} />}
      <dl className="figures">
        <Figure say={say} label={say("Volume", "交易额")} better="more" value={yuan(sum(nowShare, (row) => row.volume))}
          now={sum(nowShare, (row) => row.volume)} before={of(oldShare, (row) => row.volume)} />
        <Figure say={say} label={say("Payments", "支付笔数")} better="more" value={count(sum(nowShare, (row) => row.payments))}
          now={sum(nowShare, (row) => row.payments)} before={of(oldShare, (row) => row.payments)} />
        <Figure say={say} label={say("Active users a day", "日均活跃用户")} better="more" value={count(daily(nowShare))}
          now={daily(nowShare)} before={oldShare?.length ? daily(oldShare) : undefined} />
        <Figure say={say} label={say("Fees", "手续费收入")} better="more" value={yuan(sum(nowIncome, (row) => row.fee_income))}
          now={sum(nowIncome, (row) => row.fee_income)} before={of(oldIncome, (row) => row.fee_income)} />
        <Figure say={say} label={say("Subsidy", "补贴支出")} better="neither" value={yuan(sum(nowIncome, (row) => row.subsidy))}
          now={sum(nowIncome, (row) => row.subsidy)} before={of(oldIncome, (row) => row.subsidy)} />
        <Figure say={say} label={say("Profit", "利润")} better="more" value={yuan(sum(nowIncome, (row) => row.profit))}
          now={sum(nowIncome, (row) => row.profit)} before={of(oldIncome, (row) => row.profit)} />
      </dl>

      <div className="switch-line">
        <Csv path={`/v1/reports/income?${query(span, by, brand)}&format=csv`} name={`income-${span.from}-${span.to}.csv`} />
        <Switch size="small" checked={asTable} onChange={setAsTable} aria-label={say("As a table", "以表格显示")} /> {say("As a table", "以表格显示")}
      </div>

      {loading ? <Skeleton active paragraph={{ rows: 12 }} /> : asTable ? <Figures share={shareRows} income={income.data?.data ?? []} nameOf={nameOf} say={say} /> : (
        <Suspense fallback={<Skeleton active paragraph={{ rows: 12 }} />}>
          <div className="charts">
            <Panel title={say("Volume by brand", "各品牌交易额")}>
              <Chart kind="area" points={byBrand(shareRows, (row) => row.volume)} series={series} short={yuanShort} long={yuan}
                label={say("Volume by brand over time", "各品牌交易额走势")} />
            </Panel>
            <Panel title={say("Share of volume", "交易额份额")}>
              <Chart kind="share" points={byBrand(shareRows, (row) => row.volume)} series={series} short={yuanShort} long={yuan}
                label={say("Each brand's share of the volume", "各品牌交易额份额")} />
            </Panel>
            <Panel title={say("Fees, subsidy and profit", "手续费、补贴与利润")}>
              <Chart kind="bars" points={incomeOver(income.data?.data ?? [])} short={yuanShort} long={yuan} series={[
                { key: "fees", name: say("Fees", "手续费"), color: "var(--fq-chart-2)" },
                { key: "subsidy", name: say("Subsidy", "补贴"), color: "var(--fq-chart-1)" },
                { key: "losses", name: say("Losses", "损失"), color: "var(--fq-chart-5)" },
                { key: "profit", name: say("Profit", "利润"), color: "var(--fq-chart-4)", line: true },
              ]} label={say("Fees, subsidy, losses and profit over time", "手续费、补贴、损失与利润走势")} />
            </Panel>
            <Panel title={say("Active users", "活跃用户")}>
              <Chart kind="line" points={byBrand(shareRows, (row) => row.active_users)} series={series} short={count} long={count}
                label={say("Active users of each brand over time", "各品牌活跃用户走势")} />
            </Panel>
            <Panel title={say("New users", "新用户")}>
              <Chart kind="bars" points={byBrand(shareRows, (row) => row.new_users)} series={series} short={count} long={count}
                label={say("New users of each brand over time", "各品牌新用户走势")} />
            </Panel>
            <Panel title={say("Volume by kind of merchant", "各行业交易额")}>
              <Ranked rows={categories} color="var(--fq-chart-2)" short={yuanShort} long={yuan} label={say("Volume by kind of merchant", "各行业交易额")} />
            </Panel>
          </div>
        </Suspense>
      )}
    </Page>
  );
}

/** The same figures in rows, for who reads or copies them. */
function Figures({ share, income, nameOf, say }: { share: ShareRow[]; income: IncomeRow[]; nameOf: (id: string) => string; say: Say }) {
  const incomes = new Map(income.map((row) => [`${row.period} ${row.brand_id}`, row]));
  const rows = share.map((row) => ({ ...row, key: `${row.period} ${row.brand_id}`, income: incomes.get(`${row.period} ${row.brand_id}`) }));
  return (
    <Panel flush>
      <Table size="small" dataSource={rows} pagination={{ pageSize: 30, hideOnSinglePage: true }} scroll={{ x: 900 }} columns={[
        { title: say("Period", "时段"), dataIndex: "period" },
        { title: say("Brand", "品牌"), dataIndex: "brand_id", render: nameOf },
        { title: say("Volume", "交易额"), dataIndex: "volume", align: "right", render: yuan },
        { title: say("Share", "份额"), dataIndex: "volume_share", align: "right", render: (bps: number) => percent(bps) },
        { title: say("Payments", "笔数"), dataIndex: "payments", align: "right", render: count },
        { title: say("Active", "活跃"), dataIndex: "active_users", align: "right", render: count },
        { title: say("New", "新增"), dataIndex: "new_users", align: "right", render: count },
        { title: say("Fees", "手续费"), align: "right", render: (_, row) => yuan(row.income?.fee_income ?? 0) },
        { title: say("Subsidy", "补贴"), dataIndex: "subsidy", align: "right", render: yuan },
        { title: say("Profit", "利润"), align: "right", render: (_, row) => yuan(row.income?.profit ?? 0) },
      ]} />
    </Panel>
  );
}
