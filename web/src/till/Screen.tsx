/** What the cashier and the shopper look at while a sale goes on: one colour, one word, one amount. */

import { Button, SpinLoading } from "antd-mobile";
import { useEffect, useRef, useState } from "react";
import type { TillOrder } from "../shared/api";
import { useSay, type Say } from "../desk/say";
import type { Failure } from "../desk/server";
import { hourMinute, yuan } from "./format";
import type { Sale } from "./sale";
import { words } from "./words";

interface Props {
  sale: Exclude<Sale, { phase: "none" }>;
  reversing: boolean;
  trouble?: Failure;
  onAgain: () => void;
  onReverse: (action: "reverse" | "close") => void;
  onFinish: () => void;
}

export function Screen({ sale, reversing, trouble, onAgain, onReverse, onFinish }: Props) {
  const say = useSay();
  const look = lookOf(sale, say);
  const done = useRef<HTMLDivElement>(null);
  useEffect(() => done.current?.focus(), [look.tone]);
  const order = sale.phase === "order" ? sale.order : undefined;
  const over = look.over;

  return (
    <div className={`screen ${look.tone}`} ref={done} tabIndex={-1}>
      <div className="screen-body" role="status" aria-live="assertive">
        <div className="mark" aria-hidden>{look.busy ? <SpinLoading color="currentColor" className="spin" /> : look.mark}</div>
        <h2>{look.title}</h2>
        <div className="screen-amount">{yuan(sale.begun.amount)}</div>
        {look.means && <p>{look.means}</p>}
        {order?.status === "open" && order.code_svg && <Code svg={order.code_svg} label={say("Payment code", "付款二维码")} />}
        {order && <OrderFacts order={order} say={say} />}
        {order && !over && <Countdown order={order} />}
        {sale.phase === "order" && !sale.live && <p className="warn">{say("Connection lost. Asking again…", "连接中断，正在重试…")}</p>}
        {trouble && <p className="warn" role="alert">{words(trouble, say)}</p>}
      </div>
      <div className="screen-foot">
        {sale.phase === "unknown" && !sale.asking && <Button block size="large" color="primary" onClick={onAgain}>{say("Ask again", "再次查询")}</Button>}
        {sale.phase === "unknown" && <Button block size="large" loading={reversing} onClick={() => onReverse("reverse")}>{say("Take it back", "撤销交易")}</Button>}
        {order?.status === "open" && <Button block size="large" loading={reversing} onClick={() => onReverse("close")}>{say("Cancel", "取消收款")}</Button>}
        {order?.status === "awaiting_shopper" && <Button block size="large" loading={reversing} onClick={() => onReverse("reverse")}>{say("Take it back", "撤销交易")}</Button>}
        {over && <Button block size="large" className="next" onClick={onFinish}>{say("Next customer", "下一位")}</Button>}
      </div>
    </div>
  );
}

interface Look {
  tone: "plain" | "wait" | "good" | "bad";
  mark: string;
  title: string;
  means?: string;
  busy?: boolean;
  over?: boolean;
}

function lookOf(sale: Props["sale"], say: Say): Look {
  switch (sale.phase) {
    case "sending":
      return { tone: "plain", mark: "", busy: true, title: sale.begun.pay_code ? say("Charging…", "正在收款…") : say("Making a code…", "正在生成二维码…") };
    case "unknown":
      return {
        tone: "wait", mark: "?", busy: sale.asking, title: say("No answer yet", "结果未知"),
        means: say("It may or may not have been paid. Do not hand anything over and do not charge again: ask again, or take it back.",
          "可能已支付，也可能未支付。请勿交付商品，也不要重复收款：请再次查询或撤销。"),
      };
    case "refused":
      return { tone: "bad", mark: "✕", over: true, title: say("Not paid", "未支付"), means: words(sale.failure, say) };
    case "order":
      return orderLook(sale.order, say);
  }
}

function orderLook(order: TillOrder, say: Say): Look {
  switch (order.status) {
    case "open":
      return { tone: "plain", mark: "", title: say("Scan to pay", "请扫码支付") };
    case "awaiting_shopper":
      return { tone: "wait", mark: "⌛", title: say("The shopper is confirming", "等待顾客确认"), means: say("On the phone, with PIN or a tap.", "请顾客在手机上确认或输入密码。") };
    case "paid":
      return { tone: "good", mark: "✓", over: true, title: say("Paid", "收款成功") };
    case "reversed":
      return { tone: "bad", mark: "↺", over: true, title: say("Taken back", "已撤销"), means: say("The shopper was not charged, or has the money back.", "顾客未被扣款，或已原路退回。") };
    case "closed":
      return { tone: "bad", mark: "✕", over: true, title: say("Cancelled", "已取消") };
    case "expired":
      return { tone: "bad", mark: "✕", over: true, title: say("Not paid in time", "超时未支付") };
  }
}

function OrderFacts({ order, say }: { order: TillOrder; say: Say }) {
  const differs = order.paid !== undefined && order.paid !== order.amount;
  return (
    <dl className="facts">
      {order.description && <div><dt>{say("For", "商品")}</dt><dd>{order.description}</dd></div>}
      {differs && order.paid !== undefined && <div><dt>{say("Shopper paid", "顾客实付")}</dt><dd>{yuan(order.paid)}</dd></div>}
      {Boolean(order.discount) && <div><dt>{say("Discount", "优惠")}</dt><dd>{yuan(order.discount ?? 0)}</dd></div>}
      {order.payer_masked && <div><dt>{say("Payer", "付款人")}</dt><dd>{order.payer_masked}</dd></div>}
      {order.paid_at && <div><dt>{say("At", "时间")}</dt><dd>{hourMinute(order.paid_at)}</dd></div>}
      <div><dt>{say("Number", "单号")}</dt><dd>{order.number}</dd></div>
    </dl>
  );
}

/** The server's picture, put into the page as what it is, so that no image address is needed. */
export function Code({ svg, label }: { svg: string; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const picture = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    if (picture.nodeName === "svg") place.current?.replaceChildren(picture);
  }, [svg]);
  return <div className="code" ref={place} role="img" aria-label={label} />;
}

/** How long there still is. */
function Countdown({ order }: { order: TillOrder }) {
  const say = useSay();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const tick = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(tick);
  }, []);
  if (!order.expires_at) return null;
  const left = Math.max(0, Math.round((Date.parse(order.expires_at) - now) / 1000));
  const whole = Math.max(1, (Date.parse(order.expires_at) - Date.parse(order.created_at)) / 1000);
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  return (
    <div className="countdown" role="timer" aria-live="off">
      <progress max={whole} value={left} aria-label={say("Time left", "剩余时间")} />
      <span>{time}</span>
    </div>
  );
}
