/** Giving money back. Above the shop's limit an owner agrees with name and password, at this till. */

import { Button } from "antd-mobile";
import { useState } from "react";
import type { Staff, TillOrder } from "../shared/api";
import { useSay } from "../desk/say";
import { useSend } from "../desk/server";
import { fenOf } from "./amount";
import { yuan } from "./format";
import { Failed, Field } from "./parts";

const PLAIN = /^\d{1,7}(?:\.\d{0,2})?$/;

export function Refund({ order, me, onDone, onCancel }: { order: TillOrder; me: Staff; onDone: () => void; onCancel: () => void }) {
  const say = useSay();
  const left = order.amount - order.refunded;
  const [amount, setAmount] = useState((left / 100).toFixed(2));
  const [reason, setReason] = useState("");
  const [owner, setOwner] = useState({ name: "", password: "" });
  const refunding = useSend<TillOrder>();
  const { failure } = refunding;

  const fen = PLAIN.test(amount) ? fenOf(amount) : undefined;
  const wrong = fen === undefined || fen === 0 ? say("An amount like 12.50 is needed.", "请输入金额，例如 12.50")
    : fen > left ? say(`At most ${yuan(left)} can still be refunded.`, `最多可退 ${yuan(left)}`) : undefined;
  const needsOwner = (me.role !== "owner" && (fen ?? 0) > me.refund_limit) || failure?.code === "owner_required" || failure?.code === "owner_wrong";
  const complete = !wrong && (!needsOwner || (owner.name && owner.password));

  async function submit() {
    if (!complete) return;
    const done = await refunding.run("POST", `/app/till/orders/${order.id}/refunds`, {
      amount: fen, reason: reason.trim() || undefined, owner: needsOwner ? owner : undefined,
    });
    if (done) onDone();
  }

  return (
    <form className="refund" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
      <Field label={say("Refund", "退款金额")} wrong={wrong} hint={say(`Of ${yuan(left)} that is left`, `可退 ${yuan(left)}`)}>
        <input inputMode="decimal" value={amount} onChange={(event) => { refunding.forget(); setAmount(event.target.value.trim()); }} />
      </Field>
      <Field label={say("Why (the shopper sees it)", "原因（顾客可见）")}>
        <input value={reason} maxLength={80} onChange={(event) => setReason(event.target.value)} />
      </Field>
      {needsOwner && (
        <fieldset>
          <legend>{say(`Above ${yuan(me.refund_limit)} an owner agrees`, `超过 ${yuan(me.refund_limit)} 需店主授权`)}</legend>
          <Field label={say("Owner", "店主姓名")}><input value={owner.name} autoComplete="off" onChange={(event) => setOwner({ ...owner, name: event.target.value })} /></Field>
          <Field label={say("Owner's password", "店主密码")}>
            <input type="password" value={owner.password} autoComplete="off" onChange={(event) => setOwner({ ...owner, password: event.target.value })} />
          </Field>
        </fieldset>
      )}
      {failure && failure.code !== "owner_required" && <Failed failure={failure} />}
      <div className="deeds">
        <Button size="large" onClick={onCancel}>{say("Cancel", "取消")}</Button>
        <Button size="large" type="submit" color="danger" disabled={!complete} loading={refunding.busy}>{say(`Refund ${fen ? yuan(fen) : ""}`, `退款 ${fen ? yuan(fen) : ""}`)}</Button>
      </div>
    </form>
  );
}
