/** The big keys. */

import { useSay } from "../desk/say";
import type { AmountKey } from "./amount";

const KEYS: AmountKey[] = ["7", "8", "9", "4", "5", "6", "1", "2", "3", "00", "0", "."];

export function Keypad({ onKey }: { onKey: (key: AmountKey) => void }) {
  const say = useSay();
  return (
    <div className="keypad" role="group" aria-label={say("Keypad", "数字键盘")}>
      {KEYS.map((key) => <button key={key} type="button" onClick={() => onKey(key)}>{key}</button>)}
      <button type="button" className="side-key back" onClick={() => onKey("back")} aria-label={say("Delete the last", "删除")}>⌫</button>
      <button type="button" className="side-key clear" onClick={() => onKey("clear")}>C</button>
    </div>
  );
}
