/** Charging: an amount, then a code that is shown or scanned, then an answer. */

import { Button } from "antd-mobile";
import { lazy, Suspense, useState } from "react";
import type { Page, Staff, TillOrder } from "../shared/api";
import { href } from "../desk/route";
import { useSay } from "../desk/say";
import { useAsk } from "../desk/server";
import { amountKey, fenOf, typed } from "./amount";
import { hourMinute, yuan } from "./format";
import { Icon } from "./Icon";
import { Keypad } from "./Keypad";
import { useKeyboard } from "./keyboard";
import { Screen } from "./Screen";
import { useSale } from "./sale";
import { soundFailed, soundScanned } from "./sound";
import { OrderStatus } from "./OrderStatus";

const Camera = lazy(() => import("./Camera"));

/** Our codes and those of the systems that ours can be mistaken for: 16 to 24 digits; or an EMVCo consumer's code. */
const PAY_CODE = /^(?:\d{16,24}|hQVDUFY\S+)$/;

export function Cash({ me, shown }: { me: Staff; shown: boolean }) {
  const say = useSay();
  const [text, setText] = useState("");
  const [description, setDescription] = useState("");
  const [hint, setHint] = useState<string>();
  const [camera, setCamera] = useState(false);
  const latest = useAsk<Page<TillOrder>>("/app/till/orders?limit=8");
  const { sale, begin, askAgain, reverse, reversing, trouble, finish } = useSale(latest.again);
  const amount = fenOf(text);
  const idle = sale.phase === "none";
  const over = sale.phase === "refused" || (sale.phase === "order" && !["open", "awaiting_shopper"].includes(sale.order.status));

  function next() {
    finish();
    setText("");
    setDescription("");
    setHint(undefined);
  }

  function show() {
    if (amount === 0) return setHint(say("Type an amount first.", "请先输入金额。"));
    begin(amount, description.trim());
  }

  function scanned(code: string) {
    setCamera(false);
    if (!idle) return;
    const plain = code.trim();
    if (!PAY_CODE.test(plain)) {
      soundFailed();
      return setHint(say("What was scanned is no pay code.", "扫描内容不是付款码。"));
    }
    if (amount === 0) {
      soundFailed();
      return setHint(say("Type an amount, then scan.", "请先输入金额，再扫码。"));
    }
    soundScanned();
    setHint(undefined);
    begin(amount, description.trim(), plain);
  }

  useKeyboard({
    onScan: (code) => { if (shown) scanned(code); },
    onKey: (key) => {
      if (!shown) return;
      if (key === "Enter") return over ? next() : idle ? show() : undefined;
      const pressed = amountKey(key);
      if (pressed && idle) { setHint(undefined); setText((before) => typed(before, pressed)); }
    },
  });

  return (
    <div className={idle ? "cash" : "cash selling"}>
      <section className="counter" aria-label={say("Amount", "金额")} inert={!idle}>
        <div className="display" aria-live="polite">
          <span className="sign">¥</span><output className={text ? undefined : "nothing"}>{text || "0.00"}</output>
        </div>
        <input className="for" value={description} maxLength={60} onChange={(event) => setDescription(event.target.value)}
          placeholder={say("What for (optional)", "商品说明（可选）")} aria-label={say("What for", "商品说明")} />
        <p className="hint" role="alert">{hint}</p>
        <Keypad onKey={(key) => { setHint(undefined); setText((before) => typed(before, key)); }} />
        <div className="deeds">
          <Button size="large" onClick={show}><Icon name="code" />{say("Show a code", "出示收款码")}</Button>
          <Button size="large" color="primary" onClick={() => (amount ? setCamera(true) : setHint(say("Type an amount first.", "请先输入金额。")))}>
            <Icon name="scan" />{say("Scan", "扫码收款")}
          </Button>
        </div>
        <p className="scanner-hint quiet">{say("A USB scanner works at any time: type the amount, then scan.", "USB 扫码枪随时可用：输入金额后直接扫码。")}</p>
      </section>
      <section className="beside" aria-label={idle ? say("Latest", "最近收款") : say("This sale", "当前交易")}>
        {sale.phase === "none" ? (
          <div className="latest">
            <h2>{say("Latest", "最近收款")}</h2>
            {latest.data?.data.length === 0 && <p className="quiet">{say(`${me.shop.name} has no order yet.`, `${me.shop.name} 暂无订单。`)}</p>}
            <ul>
              {latest.data?.data.map((order) => (
                <li key={order.id}>
                  <a href={href("orders", order.id)}>
                    <span><strong>{yuan(order.amount)}</strong><small>{order.description || order.number}</small></span>
                    <span className="right"><OrderStatus order={order} /><small>{hourMinute(order.created_at)}</small></span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ) : (
          <Screen sale={sale} reversing={reversing} trouble={trouble} onAgain={askAgain} onReverse={(action) => void reverse(action)} onFinish={next} />
        )}
      </section>
      {camera && <Suspense fallback={null}><Camera onScan={scanned} onClose={() => setCamera(false)} /></Suspense>}
    </div>
  );
}
