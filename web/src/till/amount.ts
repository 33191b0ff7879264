/** The amount as it is typed: yuan, with at most two decimals. */

import type { Fen } from "../shared/api";

/** Largest amount that a till takes in one payment, fen. */
export const AMOUNT_MAX: Fen = 99_999_999;

export type AmountKey = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "00" | "." | "back" | "clear";

/** What the keypad shows after a key. A key that makes no amount changes nothing. */
export function typed(text: string, key: AmountKey): string {
  if (key === "clear") return "";
  if (key === "back") return text.slice(0, -1);
  if (key === "00") return typed(typed(text, "0"), "0");
  const [whole = "", decimals] = text.split(".");
  if (key === ".") return decimals === undefined ? `${whole || "0"}.` : text;
  if (decimals !== undefined) return decimals.length < 2 ? text + key : text;
  const next = whole === "0" ? key : whole + key;
  return fenOf(next) <= AMOUNT_MAX ? next : text;
}

/** What was typed, in fen. */
export function fenOf(text: string): Fen {
  const [whole = "", decimals = ""] = text.split(".");
  return Number(whole || "0") * 100 + Number(decimals.padEnd(2, "0").slice(0, 2));
}

/** The keypad's key for a key of a keyboard. */
export function amountKey(key: string): AmountKey | undefined {
  if (/^[0-9.]$/.test(key)) return key as AmountKey;
  if (key === "Backspace") return "back";
  if (key === "Delete" || key === "Escape") return "clear";
  return undefined;
}
