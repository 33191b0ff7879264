/** Top-up and withdrawal. The bank answers later; until then nobody guesses. */

import { useEffect, useState } from "react";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import type { BankTransfer, WithdrawalTerms } from "../shared/api";
import { useHolder } from "./App";
import { fenOf, yuan } from "./format";
import { Amount, Answer, Failed, Page, Sheet } from "./parts";
import { useCommand } from "./server";

/** How often what waits is looked at: that time has run out is no news which the server sends. */
const LOOK_MS = 3000;

export default function Bank() {
  const say = useSay();
  const [out, setOut] = useState(false);
  const [amount, setAmount] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [asked, setAsked] = useState<BankTransfer>();
  const waiting = useAsk<{ data: BankTransfer[] }>("/app/wallet/bank-transfers", [asked?.id]);
  const send = useCommand<BankTransfer>();
  const fen = fenOf(amount);
  const terms = useAsk<WithdrawalTerms>(out && fen ? `/app/wallet/withdrawal-terms?amount=${fen}` : undefined);
  async function submit() {
    if (!fen) return setWrong(say("An amount like 100.00", "请输入正确的金额，例如 100.00"));
    setWrong(undefined);
    const transfer = await send.run(out ? "/app/wallet/withdrawals" : "/app/wallet/top-ups", out ? { amount: fen, fee_at_most: terms.data?.fee ?? 0 } : { amount: fen });
    if (transfer) { setAsked(transfer); setAmount(""); }
  }
  return (
    <Page title={say("Top up & withdraw", "充值提现")}>
      <div className="choice" role="radiogroup" aria-label={say("Direction", "方向")}>
        {[false, true].map((each) => <button key={String(each)} type="button" role="radio" aria-checked={out === each} onClick={() => setOut(each)}>{each ? say("Withdraw", "提现") : say("Top up", "充值")}</button>)}
      </div>
      <Sheet action={out ? say("Withdraw", "提现") : say("Top up", "充值")} busy={send.busy} onSubmit={() => void submit()}>
        <Amount label={say("Amount", "金额")} value={amount} onChange={setAmount} wrong={wrong} />
        {out && terms.data && <p className="quiet">{terms.data.fee > 0 ? say(`Fee ${yuan(terms.data.fee)}`, `手续费 ${yuan(terms.data.fee)}`) : say("No fee", "免手续费")} · {say(`free this month: ${yuan(terms.data.free_left)}`, `本月免费额度剩余 ${yuan(terms.data.free_left)}`)}</p>}
        <Answer command={send} />
      </Sheet>
      {asked && <Progress key={asked.id} transfer={asked} />}
      {waiting.data?.data.filter((each) => each.id !== asked?.id).map((each) => <Progress key={each.id} transfer={each} />)}
    </Page>
  );
}

function Progress({ transfer }: { transfer: BankTransfer }) {
  const say = useSay();
  const { news } = useHolder();
  const now = useAsk<BankTransfer>(`/app/wallet/bank-transfers/${transfer.id}`, [news]);
  const it = now.data ?? transfer;
  const waits = it.status === "pending" || it.status === "unknown";
  const look = now.again;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [waits, look]);
  const texts = {
    pending: say("The bank was asked. This takes a moment.", "银行处理中，请稍候。"),
    unknown: say("Waiting for the bank. It has not said yet and is being asked again. Your money is safe; there is nothing to do.", "等待银行确认：银行暂未答复，正在查询。资金安全，无需重复操作。"),
    done: it.kind === "top_up" ? say("The money is in your wallet.", "已到账。") : say("The bank has the money.", "已转出至银行。"),
    declined: it.kind === "top_up" ? say("The bank declined. Nothing was taken.", "银行拒绝，未扣款。") : say("The bank declined. The money is back in your wallet.", "银行拒绝，款项已退回钱包。"),
  };
  return (
    <section className="card" role="status" data-status={it.status}>
      <h2>{it.kind === "top_up" ? say("Top-up", "充值") : say("Withdrawal", "提现")} {yuan(it.amount)}</h2>
      <p>{texts[it.status]}{it.fee > 0 && ` ${say(`Fee ${yuan(it.fee)}.`, `手续费 ${yuan(it.fee)}。`)}`}</p>
      {now.failure && <Failed failure={now.failure} again={now.again} />}
    </section>
  );
}
