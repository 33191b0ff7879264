/** What the till's pages share. */

import { Button, SpinLoading } from "antd-mobile";
import type { ReactNode } from "react";
import { useSay, useSpeech } from "../desk/say";
import type { Asked, Failure } from "../desk/server";
import type { LookProps } from "./App";
import { words } from "./words";

export function Failed({ failure, again }: { failure: Failure; again?: () => void }) {
  const say = useSay();
  return (
    <div className="failed" role="alert">
      <span>{words(failure, say)}</span>
      {again && <Button size="small" onClick={again}>{say("Try again", "重试")}</Button>}
    </div>
  );
}

export function Shown<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ReactNode }) {
  if (asked.failure && asked.data === undefined) return <Failed failure={asked.failure} again={asked.again} />;
  if (asked.data === undefined) return <div className="loading"><SpinLoading color="primary" /></div>;
  return <>{children(asked.data)}</>;
}

/** A labelled field, with what is wrong below it. */
export function Field({ label, wrong, hint, children }: { label: string; wrong?: string; hint?: string; children: ReactNode }) {
  return (
    <label className={wrong ? "field wrong" : "field"}>
      <span>{label}</span>
      {children}
      {wrong ? <em role="alert">{wrong}</em> : hint && <small>{hint}</small>}
    </label>
  );
}

export function Choices({ look, setLook }: LookProps) {
  const { language, speak, say } = useSpeech();
  return (
    <div className="choices">
      <button type="button" onClick={() => speak(language === "zh" ? "en" : "zh")} lang={language === "zh" ? "en" : "zh-CN"}>{language === "zh" ? "English" : "中文"}</button>
      <button type="button" onClick={() => setLook(look === "dark" ? "light" : "dark")}
        aria-label={look === "dark" ? say("Light look", "浅色模式") : say("Dark look", "深色模式")}>{look === "dark" ? "☀" : "☾"}</button>
    </div>
  );
}

export function Title({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return <header className="title"><h1>{children}</h1>{actions}</header>;
}
