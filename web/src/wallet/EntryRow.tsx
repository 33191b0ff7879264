/** One line of the statement. */

import { href } from "../desk/route";
import { useSay, type Say } from "../desk/say";
import type { Entry, EntryKind } from "../shared/api";
import { signed } from "./format";

export function kindName(kind: EntryKind, say: Say): string {
  const names: Record<EntryKind, string> = {
    payment: say("Payment", "消费"), refund: say("Refund", "退款"), rebate: say("Rebate", "返现"), top_up: say("Top-up", "充值"), withdrawal: say("Withdrawal", "提现"),
    transfer_out: say("Transfer sent", "转出"), transfer_in: say("Transfer received", "转入"), packet_out: say("Red packet sent", "发红包"), packet_in: say("Red packet", "收红包"), other: say("Other", "其他"),
  };
  return names[kind];
}

export function EntryRow({ entry, time }: { entry: Entry; time: string }) {
  const say = useSay();
  const state = { pending: say("under way", "处理中"), failed: say("failed", "失败"), returned: say("returned", "已退回"), done: "" }[entry.state ?? "done"];
  return (
    <a className="row" href={href("entry", entry.id)}>
      <span><strong>{entry.title || kindName(entry.kind, say)}</strong><small>{kindName(entry.kind, say)} · {time}{state && ` · ${state}`}</small></span>
      <b className={entry.amount > 0 ? "in" : undefined}>{signed(entry.amount)}</b>
    </a>
  );
}
