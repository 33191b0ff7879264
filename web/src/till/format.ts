/** Amounts and times as a cashier reads them. The platform's days are those of UTC+8. */

import type { Fen, Time } from "../shared/api";

const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat("sv", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

export function yuan(fen: Fen): string {
  return `${fen < 0 ? "−" : ""}¥${money.format(Math.abs(fen) / 100)}`;
}

export const instant = (time: Time) => clock.format(new Date(time));
export const hourMinute = (time: Time) => clock.format(new Date(time)).slice(11, 16);
