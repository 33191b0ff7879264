/** Money by hand: the platform's own, into the reserve that a brand's campaigns are withdrawn from. */

import { Button, Form, InputNumber, Select } from "antd";
import { useState } from "react";
import { useSay } from "../../desk/say";
import { useSend } from "../../desk/server";
import { Confirm, useOpen, waiting } from "../parts";
import type { Approval } from "../types";
import { useNames } from "../useNames";

export function OwnMoney({ onDone, onWait }: { onDone: () => void; onWait: (approval: Approval) => void }) {
  const say = useSay();
  const { brands } = useNames();
  const paying = useOpen();
  const sending = useSend<object>();
  const [brand, setBrand] = useState<string>();
  const [amount, setAmount] = useState<number | null>(null);

  function open() {
    sending.forget();
    setBrand(undefined);
    setAmount(null);
    paying.show(true);
  }

  async function pay() {
    const answer = await sending.run("POST", `/v1/brands/${brand}/capital`, { amount: Math.round((amount ?? 0) * 100) });
    if (!answer) return;
    paying.close();
    if (waiting(answer)) onWait(answer);
    else onDone();
  }

  return (
    <>
      <Button onClick={open}>{say("Put own money in", "投入自有资金")}</Button>
      <Confirm open={paying.open} title={say("Own money into a brand's reserve", "向品牌备付金投入自有资金")} ok={say("Put it in", "投入")} busy={sending.busy} failure={sending.failure}
        disabled={!brand || !amount} onOk={() => void pay()} onClose={paying.close}>
        <p>{say("What campaigns give to wallets leaves through the reserve when it is withdrawn. Above ¥100,000 a second operator has to agree.", "活动发放的资金在提现时由备付金支付。超过 ¥100,000 需第二位操作员批准。")}</p>
        <Form layout="vertical">
          <Form.Item label={say("Brand", "品牌")} htmlFor="own-brand"><Select id="own-brand" value={brand} onChange={setBrand} options={brands.map((one) => ({ value: one.id, label: one.name }))} /></Form.Item>
          <Form.Item label={say("Amount", "金额")} htmlFor="own-amount"><InputNumber id="own-amount" prefix="¥" precision={2} min={0.01} value={amount} onChange={setAmount} controls={false} className="wide" /></Form.Item>
        </Form>
      </Confirm>
    </>
  );
}
