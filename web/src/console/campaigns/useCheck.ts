/** The server's judgement of what stands in the builder: asked when the keyboard rests, never saved. */

import { useEffect, useState } from "react";
import { Failure, send } from "../../desk/server";
import { campaignOf, type Fields } from "./form";

const REST_MS = 350;

export type Check =
  | { state: "waiting" | "good" }
  | { state: "bad"; failure: Failure }
  /** The server could not be asked. */
  | { state: "unknown"; failure: Failure };

export function useCheck(fields: Fields): Check {
  const [check, setCheck] = useState<Check>({ state: "waiting" });
  const body = JSON.stringify(campaignOf(fields));

  useEffect(() => {
    const abort = new AbortController();
    setCheck({ state: "waiting" });
    const rest = window.setTimeout(() => {
      send("POST", "/v1/campaigns/check", JSON.parse(body), undefined, abort.signal).then(
        () => setCheck({ state: "good" }),
        (failure: unknown) => {
          if (abort.signal.aborted || !(failure instanceof Failure)) return;
          setCheck({ state: failure.status === 400 || failure.status === 422 ? "bad" : "unknown", failure });
        },
      );
    }, REST_MS);
    return () => { window.clearTimeout(rest); abort.abort(); };
  }, [body]);

  return check;
}
