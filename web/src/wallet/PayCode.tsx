/** The pay code: made here every half minute, with or without the network. */

import { useEffect, useRef, useState } from "react";
import { useSay } from "../desk/say";
import type { Home } from "../shared/api";
import { useNews } from "./App";
import { payCodeKey, type KeptPayCodeKey } from "./device";
import { yuan } from "./format";
import { atMost } from "./words";
import { cpm } from "./cpm";
import { Done, Failed, Loading, Page } from "./parts";
import { payCode, renewPayCodeKey, type PayCode } from "./paycode";
import { Barcode, Qr } from "./pictures";
import { go } from "../desk/route";
import { Failure, useAsk } from "../desk/server";

const FRESH_MS = 1000;

/** The key that is kept, and a fresh one as soon as the network gives it. */
function useKey() {
  const [key, setKey] = useState<KeptPayCodeKey>();
  const [failure, setFailure] = useState<Failure>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let gone = false;
    const show = async () => { const kept = await payCodeKey(); if (kept && !gone) setKey(kept); };
    void show();
    renewPayCodeKey().then(show).catch((error: unknown) => {
      if (!gone) setFailure(error instanceof Failure ? error : new Failure(0, "not_reached", ""));
    });
    return () => { gone = true; };
  }, [turn]);
  return { key, failure, again: () => setTurn(turn + 1) };
}

/** What came of the code while it was shown: a payment that is done; one that waits for consent is opened. */
function usePaid(): number | undefined {
  const home = useAsk<Home>("/app/wallet/home", [useNews()]).data;
  const before = useRef<Set<string>>(undefined);
  const [paid, setPaid] = useState<number>();
  useEffect(() => {
    if (!home) return;
    const known = before.current;
    before.current = new Set([...home.confirmations.map((each) => each.order_id), ...home.recent.map((each) => each.id)]);
    if (!known) return;
    const waiting = home.confirmations.find((each) => !known.has(each.order_id));
    const done = home.recent.find((each) => each.kind === "payment" && !known.has(each.id));
    if (waiting) go("confirm", waiting.order_id);
    else if (done) setPaid(-done.amount);
  }, [home]);
  return paid;
}

export default function PayCodePage() {
  const say = useSay();
  const paid = usePaid();
  const { key, failure, again } = useKey();
  const [code, setCode] = useState<PayCode>();
  const [emv, setEmv] = useState(false);
  const shown = useRef<string>(undefined);
  useEffect(() => {
    if (!key) return;
    const make = () => void payCode(key, Date.now() - key.clock_ahead_ms).then((next) => { shown.current = next.digits; setCode(next); });
    make();
    const timer = window.setInterval(make, FRESH_MS);
    return () => window.clearInterval(timer);
  }, [key]);
  if (paid !== undefined) return <Page title={say("Pay code", "付款码")}><Done title={say("Paid", "支付成功")} amount={yuan(paid)} /></Page>;
  return (
    <Page title={say("Pay code", "付款码")}>
      {!code && (failure ? <Failed failure={failure} again={again} /> : <Loading />)}
      {code && key && (
        <section className="card code">
          <p>{say("Show this to the cashier", "向商家出示")}</p>
          <Barcode digits={code.digits} label={say("Barcode of the pay code", "付款码条形码")} />
          <p className="digits" data-testid="pay-code">{code.digits.replace(/(\d{4})(?=\d)/g, "$1 ")}</p>
          <Qr text={emv ? cpm(code.digits) : code.digits} label={say("QR code of the pay code", "付款码二维码")} />
          <p className="ring" role="timer" aria-label={say(`New code in ${code.left} s`, `${code.left} 秒后更新`)}>
            <svg viewBox="0 0 36 36" aria-hidden><circle cx="18" cy="18" r="15.9" pathLength={100} /><circle className="left" cx="18" cy="18" r="15.9" pathLength={100} strokeDasharray={`${(code.left / key.step_seconds) * 100} 100`} /></svg>
            {say(`New in ${code.left} s`, `${code.left} 秒后更新`)}
          </p>
          <small>{say("Pays without being asked", "免确认")} {atMost(key.no_confirm_max, say)}. {say("Never send this code to anybody.", "请勿将付款码发给他人。")}{failure?.status === 0 && ` ${say("Offline: the code works all the same.", "当前离线，付款码仍可使用。")}`}</small>
          <button type="button" className="link" aria-pressed={emv} onClick={() => setEmv(!emv)}>{emv ? say("Plain QR code", "普通二维码") : say("EMV QR code", "EMV 二维码")}</button>
          <button type="button" className="link" onClick={again}>{say("New code", "刷新")}</button>
        </section>
      )}
    </Page>
  );
}
