/** Amounts, shares and times as an operator reads them. The platform's days are those of UTC+8. */

import type { Fen, Time } from "../shared/api";
import type { Bps } from "./types";

const ZONE = "Asia/Shanghai";

const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** ¥1,234.50; a loss is −¥1.00. */
export function yuan(fen: Fen): string {
  return `${fen < 0 ? "−" : ""}¥${money.format(Math.abs(fen) / 100)}`;
}

/** ¥1.2K: for the axis of a chart. */
export function yuanShort(fen: Fen): string {
  return `${fen < 0 ? "−" : ""}¥${short.format(Math.abs(fen) / 100)}`;
}

export function count(number: number): string {
  return whole.format(number);
}

/** 25.6 %; nothing is a dash. */
export function percent(bps: Bps | null | undefined, digits = 1): string {
  return bps === null || bps === undefined ? "–" : `${(bps / 100).toFixed(digits)} %`;
}

const clock = new Intl.DateTimeFormat("sv", {
  timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

/** 2026-11-22 23:22:49, by the platform's clock. */
export function instant(time: Time): string {
  return clock.format(new Date(time));
}

/** 2026-11-22, by the platform's clock. */
export function dayOf(time: Time | Date): string {
  return clock.format(new Date(time)).slice(0, 10);
}

/** The day so many days after (or before) another. */
export function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** Fen of an amount in yuan as somebody wrote it; undefined if it is none. */
export function fenOfText(text: string): Fen | undefined {
  const match = /^\s*(\d{1,12})(?:\.(\d{1,2}))?\s*$/.exec(text.replaceAll(",", ""));
  return match ? Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0")) : undefined;
}
