/** Amounts and times as a person reads them. */

import type { Fen, Time } from "../shared/api";
import type { Language } from "../desk/say";

const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const yuan = (fen: Fen) => `${fen < 0 ? "−" : ""}¥${money.format(Math.abs(fen) / 100)}`;
export const signed = (fen: Fen) => (fen > 0 ? `+${yuan(fen)}` : yuan(fen));

export function when(time: Time, language: Language): string {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  return new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(time));
}

/** What was typed as yuan, in fen; undefined if it is no amount. */
export function fenOf(text: string): Fen | undefined {
  const found = /^(\d{1,9})(?:\.(\d{0,2}))?$/.exec(text.trim());
  if (!found) return undefined;
  const fen = Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
  return fen > 0 ? fen : undefined;
}
