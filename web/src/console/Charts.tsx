/** Charts over time. Loaded when the first one is shown. */

import {
  Area, AreaChart, Bar, BarChart, CartesianGrid, ComposedChart, Legend, Line, LineChart, ReferenceLine, ResponsiveContainer,
  Tooltip, XAxis, YAxis,
} from "recharts";

export interface Series {
  key: string;
  name: string;
  color: string;
  /** In a chart of bars: drawn as a line over them. */
  line?: boolean;
}

export interface Point {
  period: string;
  [series: string]: number | string | undefined;
}

interface Props {
  kind: "area" | "share" | "line" | "bars";
  points: Point[];
  series: Series[];
  /** On the axis. */
  short: (value: number) => string;
  /** In the tip. */
  long: (value: number) => string;
  /** What a screen reader says of it. */
  label: string;
  height?: number;
}

/** The months of days are said once; the year goes without saying. */
function tick(period: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(period) ? period.slice(5) : period;
}

export default function Chart({ kind, points, series, short, long, label, height = 260 }: Props) {
  const frame = { data: points, margin: { top: 8, right: 8, bottom: 0, left: 0 }, accessibilityLayer: false };
  const common = (
    <>
      <CartesianGrid stroke="var(--fq-line)" vertical={false} />
      <XAxis dataKey="period" tickFormatter={tick} tickLine={false} axisLine={{ stroke: "var(--fq-line)" }} minTickGap={28}
        tick={{ fill: "var(--fq-quiet)", fontSize: 12 }} />
      <YAxis tickFormatter={kind === "share" ? (value: number) => `${Math.round(value * 100)} %` : short} width={64} tickLine={false}
        axisLine={false} tick={{ fill: "var(--fq-quiet)", fontSize: 12 }} domain={kind === "share" ? [0, 1] : undefined} />
      <Tooltip formatter={(value) => long(Number(value))} isAnimationActive={false}
        contentStyle={{ background: "var(--fq-raised)", border: "1px solid var(--fq-line)", borderRadius: 8, color: "var(--fq-text)" }}
        labelStyle={{ color: "var(--fq-quiet)" }} itemStyle={{ color: "var(--fq-text)" }} />
      {series.length > 1 && <Legend iconType="circle" iconSize={8} formatter={(name: string) => <span className="legend">{name}</span>} />}
    </>
  );
  const shown = { isAnimationActive: false } as const;

  function body() {
    switch (kind) {
      case "area":
      case "share":
        return (
          <AreaChart {...frame} stackOffset={kind === "share" ? "expand" : "none"}>
            {common}
            {series.map((one) => (
              <Area key={one.key} dataKey={one.key} name={one.name} stackId="all" stroke={one.color} fill={one.color}
                fillOpacity={kind === "share" ? 0.75 : 0.22} strokeWidth={2} {...shown} />
            ))}
          </AreaChart>
        );
      case "line":
        return (
          <LineChart {...frame}>
            {common}
            {series.map((one) => (
              <Line key={one.key} dataKey={one.key} name={one.name} stroke={one.color} strokeWidth={2} dot={points.length < 3} {...shown} />
            ))}
          </LineChart>
        );
      case "bars":
        return (
          <ComposedChart {...frame} stackOffset="sign">
            {common}
            <ReferenceLine y={0} stroke="var(--fq-quiet)" />
            {series.map((one) => one.line
              ? <Line key={one.key} dataKey={one.key} name={one.name} stroke={one.color} strokeWidth={2} dot={points.length < 3} {...shown} />
              : <Bar key={one.key} dataKey={one.key} name={one.name} fill={one.color} stackId="all" maxBarSize={28} {...shown} />)}
          </ComposedChart>
        );
    }
  }

  return (
    <div role="img" aria-label={label}>
      <ResponsiveContainer width="100%" height={height}>{body()}</ResponsiveContainer>
    </div>
  );
}

interface RankedProps {
  rows: { name: string; value: number }[];
  color: string;
  short: (value: number) => string;
  long: (value: number) => string;
  label: string;
}

/** Lying bars, the longest first. */
export function Ranked({ rows, color, short, long, label }: RankedProps) {
  return (
    <div role="img" aria-label={label}>
      <ResponsiveContainer width="100%" height={Math.max(120, rows.length * 34 + 30)}>
        <BarChart data={rows} layout="vertical" margin={{ top: 4, right: 16, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <XAxis type="number" tickFormatter={short} tickLine={false} axisLine={false} tick={{ fill: "var(--fq-quiet)", fontSize: 12 }} />
          <YAxis type="category" dataKey="name" width={130} tickLine={false} axisLine={false} tick={{ fill: "var(--fq-text)", fontSize: 12 }} />
          <Tooltip formatter={(value) => long(Number(value))} cursor={{ fill: "var(--fq-line)" }} isAnimationActive={false}
            contentStyle={{ background: "var(--fq-raised)", border: "1px solid var(--fq-line)", borderRadius: 8 }}
            labelStyle={{ color: "var(--fq-quiet)" }} itemStyle={{ color: "var(--fq-text)" }} />
          <Bar dataKey="value" name={label} fill={color} radius={[0, 4, 4, 0]} maxBarSize={20} isAnimationActive={false} />
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
