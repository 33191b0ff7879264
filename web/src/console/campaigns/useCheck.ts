/** The server's judgement of what stands in the builder: asked when the keyboard rests, never saved. */

import { useEffect, useState } from "react";
import { Failure, send } from "../../desk/server";
import { missingOf, standIn, type Fields } from "./form";

const REST_MS = 350;

export type Check =
  | { state: "waiting" | "good" }
  /** As far as it is written the server has nothing against it. */
  | { state: "incomplete"; missing: (keyof Fields)[] }
  | { state: "bad"; failure: Failure }
  /** The server could not be asked. */
  | { state: "unknown"; failure: Failure };

export function useCheck(fields: Fields): Check {
  const [check, setCheck] = useState<Check>({ state: "waiting" });
  const missing = missingOf(fields);
  const lacks = missing.join(" ");
  const plain = missing.length > 0 && !fields.rule?.trim();
  // The times of a stand-in are of now: they are left out of what is compared.
  const content = JSON.stringify(missing.length > 0 ? fields.rule : fields);

  useEffect(() => {
    const abort = new AbortController();
    const well: Check = lacks ? { state: "incomplete", missing: lacks.split(" ") as (keyof Fields)[] } : { state: "good" };
    if (plain) return setCheck(well);
    setCheck({ state: "waiting" });
    const rest = window.setTimeout(() => {
      send("POST", "/v1/campaigns/check", standIn(fields), undefined, abort.signal).then(
        () => setCheck(well),
        (failure: unknown) => {
          if (abort.signal.aborted || !(failure instanceof Failure)) return;
          setCheck({ state: failure.status === 400 || failure.status === 422 ? "bad" : "unknown", failure });
        },
      );
    }, REST_MS);
    return () => { window.clearTimeout(rest); abort.abort(); };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `content` is what counts of the fields
  }, [content, lacks, plain]);

  return check;
}
