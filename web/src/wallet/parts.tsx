/** What the pages are made of. */

import { Button, Popup, SpinLoading } from "antd-mobile";
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { href } from "../desk/route";
import { useSay } from "../desk/say";
import type { Failure } from "../desk/server";
import type { Command } from "./server";
import { pinWords, words } from "./words";

/** A page below the home page. */
export function Page({ title, children, back = [] }: { title: string; children: ReactNode; back?: string[] }) {
  const say = useSay();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => { heading.current?.focus(); document.title = `${title} · Feiqian`; }, [title]);
  return (
    <div className="page">
      <header><a href={href(...back)} aria-label={say("Back", "返回")}>‹</a><h1 ref={heading} tabIndex={-1}>{title}</h1></header>
      <main>{children}</main>
    </div>
  );
}

export function Loading() {
  const say = useSay();
  return <div className="loading" role="status" aria-label={say("Loading", "加载中")}><SpinLoading color="primary" /></div>;
}

export function Failed({ failure, again }: { failure: Failure; again?: () => void }) {
  const say = useSay();
  return (
    <div className="failed" role="alert">
      <span>{words(failure, say)}</span>
      {again && <Button size="small" onClick={again}>{say("Try again", "重试")}</Button>}
    </div>
  );
}

export const Nothing = ({ children }: { children: ReactNode }) => <p className="nothing">{children}</p>;

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  wrong?: string;
  type?: string;
  inputMode?: "text" | "numeric" | "decimal" | "tel";
  autoComplete?: string;
  maxLength?: number;
  placeholder?: string;
}

/** A field that says what is wrong beside it. */
export function Field({ label, value, onChange, hint, wrong, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} value={value} onChange={(event) => onChange(event.target.value)} aria-invalid={Boolean(wrong)} aria-describedby={`${id}-hint`} {...input} />
      <small id={`${id}-hint`} className={wrong ? "wrong" : undefined}>{wrong ?? hint}</small>
    </div>
  );
}

/** An amount in yuan. */
export function Amount({ label, value, onChange, wrong }: { label: string; value: string; onChange: (value: string) => void; wrong?: string }) {
  const id = useId();
  return (
    <div className="field amount">
      <label htmlFor={id}>{label}</label>
      <div><span aria-hidden>¥</span><input id={id} inputMode="decimal" autoComplete="off" placeholder="0.00" value={value} onChange={(event) => onChange(event.target.value)} aria-invalid={Boolean(wrong)} /></div>
      {wrong && <small className="wrong">{wrong}</small>}
    </div>
  );
}

/** A form with one thing to do. */
export function Sheet({ children, action, busy, onSubmit, disabled }: { children: ReactNode; action: string; busy: boolean; onSubmit: () => void; disabled?: boolean }) {
  const submit = (event: FormEvent) => { event.preventDefault(); if (!busy && !disabled) onSubmit(); };
  return (
    <form className="sheet" onSubmit={submit} noValidate>
      {children}
      <Button block color="primary" size="large" type="submit" loading={busy} disabled={disabled}>{action}</Button>
    </form>
  );
}

/** Six digits, by the keys on the screen or a keyboard. */
export function PinPad({ title, onDone, onCancel }: { title: string; onDone: (pin: string) => void; onCancel: () => void }) {
  const say = useSay();
  const [digits, setDigits] = useState("");
  const press = (key: string) => {
    const next = key === "⌫" ? digits.slice(0, -1) : (digits + key).slice(0, 6);
    setDigits(next);
    if (next.length === 6) { setDigits(""); onDone(next); }
  };
  const take = useRef(press);
  take.current = press;
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (/^\d$/.test(event.key)) take.current(event.key);
      if (event.key === "Backspace") take.current("⌫");
      if (event.key === "Escape") onCancel();
    };
    window.addEventListener("keydown", typed);
    return () => window.removeEventListener("keydown", typed);
  }, [onCancel]);
  return (
    <div className="pin" role="dialog" aria-modal="true" aria-label={say("Payment PIN", "支付密码")}>
      <p role="status">{title}</p>
      <div className="dots" aria-label={say(`${digits.length} of 6 digits`, `已输入 ${digits.length} 位`)} role="img">{[...Array(6).keys()].map((place) => <i key={place} className={place < digits.length ? "on" : undefined} />)}</div>
      <div className="keys">
        {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((key) => <button key={key} type="button" onClick={() => press(key)}>{key}</button>)}
        <button type="button" onClick={onCancel}>{say("Cancel", "取消")}</button>
        <button type="button" onClick={() => press("0")}>0</button>
        <button type="button" aria-label={say("Delete the last", "删除")} onClick={() => press("⌫")}>⌫</button>
      </div>
    </div>
  );
}

/** What a command says back: the PIN that it wants, or why it failed. */
export function Answer<T>({ command }: { command: Command<T> }) {
  const say = useSay();
  return (
    <>
      {command.failure && <Failed failure={command.failure} />}
      <Popup visible={Boolean(command.pin)} destroyOnClose bodyClassName="pin-body">
        {command.pin && <PinPad key={String(command.pin.wrong)} title={pinWords(command.pin.wrong, say)} onDone={command.pin.answer} onCancel={command.pin.cancel} />}
      </Popup>
    </>
  );
}

/** It happened. */
export function Done({ amount, title, children }: { amount?: string; title: string; children?: ReactNode }) {
  const say = useSay();
  return (
    <section className="done" role="status" aria-live="assertive">
      <svg viewBox="0 0 52 52" aria-hidden><circle cx="26" cy="26" r="25" /><path d="M14 27l8 8 16-17" /></svg>
      <h2>{title}</h2>
      {amount && <strong>{amount}</strong>}
      {children}
      <a className="button" href={href()}>{say("Done", "完成")}</a>
    </section>
  );
}
