/**
 * The keyboard of a till: a person's keys, and a scanner that types a whole code and Enter within a moment.
 *
 * Keys are held back until the keyboard has been quiet for a moment, so that a scanner's digits never reach the amount.
 */

import { useEffect, useRef } from "react";

/** A scanner leaves less than this between two keys, in milliseconds, even where the till is slow. */
const QUIET_MS = 90;
/** Nobody types this many keys that fast. */
const SCANNED_MIN = 8;

export interface Keyboard {
  /** A key that a person pressed outside of any field. */
  onKey?: (key: string) => void;
  /** What a scanner read, wherever the cursor was. */
  onScan: (text: string) => void;
}

type Field = HTMLInputElement | HTMLTextAreaElement;

function fieldOf(target: EventTarget | null): Field | undefined {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : undefined;
}

/** Gives a field the text that it had, as if it had been typed. */
function restore(field: Field, value: string) {
  const owner = field instanceof HTMLInputElement ? HTMLInputElement : HTMLTextAreaElement;
  Object.getOwnPropertyDescriptor(owner.prototype, "value")?.set?.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Listens to the whole window while the page is shown. */
export function useKeyboard(keyboard: Keyboard) {
  const latest = useRef(keyboard);
  latest.current = keyboard;

  useEffect(() => {
    let burst: string[] = [];
    let before: { field: Field; value: string } | undefined;
    let quiet: number | undefined;

    function flush() {
      const keys = burst;
      burst = [];
      if (!before) keys.forEach((key) => latest.current.onKey?.(key));
      before = undefined;
    }

    function press(event: KeyboardEvent) {
      // A scanner holds Shift for the capitals of an EMV code: no key of its own.
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key === "Shift") return;
      window.clearTimeout(quiet);
      if (event.key === "Enter" && burst.length >= SCANNED_MIN) {
        event.preventDefault();
        event.stopPropagation();
        const text = burst.join("");
        burst = [];
        if (before) restore(before.field, before.value);
        before = undefined;
        // After the field has its text again.
        window.setTimeout(() => latest.current.onScan(text));
        return;
      }
      const field = fieldOf(event.target);
      const named = event.key.length > 1;
      if (named && (field || event.target instanceof HTMLButtonElement)) return flush();
      if (burst.length === 0) before = field && { field, value: field.value };
      burst.push(event.key);
      quiet = window.setTimeout(flush, QUIET_MS);
    }

    window.addEventListener("keydown", press, true);
    return () => {
      window.clearTimeout(quiet);
      window.removeEventListener("keydown", press, true);
    };
  }, []);
}
