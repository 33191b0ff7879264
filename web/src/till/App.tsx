/** The till: who is signed in, and which page is shown. */

import { ConfigProvider, SpinLoading } from "antd-mobile";
import en from "antd-mobile/es/locales/en-US";
import zh from "antd-mobile/es/locales/zh-CN";
import { lazy, Suspense, useCallback, useEffect, useState, type ReactNode } from "react";
import type { Staff } from "../shared/api";
import { useLook, type Look } from "../desk/look";
import { href, useRoute } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { send, SessionOver, type Failure } from "../desk/server";
import { Cash } from "./Cash";
import { Icon, type IconName } from "./Icon";
import { Failed } from "./parts";
import { SignIn } from "./SignIn";
import { wakeSound } from "./sound";

const Orders = lazy(() => import("./Orders"));
const Today = lazy(() => import("./Today"));
const ShiftPage = lazy(() => import("./ShiftPage"));
const More = lazy(() => import("./More"));
const Apply = lazy(() => import("./Apply"));

type Session = { state: "asking" } | { state: "out" } | { state: "in"; me: Staff } | { state: "failed"; failure: Failure };

export interface LookProps {
  look: Look;
  setLook: (look: Look) => void;
}

export function App() {
  const { language } = useSpeech();
  const [look, setLook] = useLook();
  const [session, setSession] = useState<Session>({ state: "asking" });
  const [route] = useRoute();
  const applying = route === "apply" || window.location.pathname.endsWith("/apply");

  const ask = useCallback(() => {
    setSession({ state: "asking" });
    send<Staff>("GET", "/app/till/me").then(
      (me) => setSession({ state: "in", me }),
      (failure: Failure) => setSession(failure.status === 401 ? { state: "out" } : { state: "failed", failure }),
    );
  }, []);
  useEffect(() => { if (!applying) ask(); }, [ask, applying]);
  useEffect(() => {
    window.addEventListener("pointerdown", wakeSound, { once: true });
    window.addEventListener("keydown", wakeSound, { once: true });
  }, []);
  const over = useCallback(() => setSession({ state: "out" }), []);
  const choices = { look, setLook };

  return (
    <ConfigProvider locale={language === "zh" ? zh : en}>
      <SessionOver.Provider value={over}>
        {applying ? <Suspense fallback={<Waiting />}><Apply {...choices} /></Suspense> : (
          <>
            {session.state === "asking" && <Waiting />}
            {session.state === "failed" && <div className="whole"><Failed failure={session.failure} again={ask} /></div>}
            {session.state === "out" && <SignIn {...choices} onIn={(me) => setSession({ state: "in", me })} />}
            {session.state === "in" && <Frame {...choices} me={session.me} onOut={over} onMe={(me) => setSession({ state: "in", me })} />}
          </>
        )}
      </SessionOver.Provider>
    </ConfigProvider>
  );
}

export function Waiting() {
  return <div className="whole"><SpinLoading color="primary" /></div>;
}

interface FrameProps extends LookProps {
  me: Staff;
  onOut: () => void;
  onMe: (me: Staff) => void;
}

function Frame({ me, onOut, onMe, look, setLook }: FrameProps) {
  const say = useSay();
  const [section = "cash"] = useRoute();
  const tabs: { key: string; icon: IconName; name: string }[] = [
    { key: "cash", icon: "cash", name: say("Charge", "收款") }, { key: "orders", icon: "list", name: say("Orders", "订单") },
    { key: "today", icon: "chart", name: say("Today", "今日") }, { key: "shift", icon: "clock", name: say("Shift", "交班") },
    { key: "more", icon: "more", name: say("More", "更多") },
  ];
  const pages: Record<string, ReactNode> = {
    orders: <Orders me={me} />, today: <Today me={me} />, shift: <ShiftPage me={me} />,
    more: <More me={me} onOut={onOut} onMe={onMe} look={look} setLook={setLook} />,
  };
  return (
    <div className="till">
      <nav className="tabs" aria-label={say("Pages", "页面")}>
        <div className="shop"><span className="seal" aria-hidden>飞</span><strong>{me.shop.name}</strong><span>{me.name} · {me.role === "owner" ? say("owner", "店主") : say("cashier", "收银员")}</span></div>
        {tabs.map(({ key, icon, name }) => (
          <a key={key} href={href(key)} aria-current={section === key ? "page" : undefined}><Icon name={icon} />{name}</a>
        ))}
        {me.sandbox && <span className="sandbox">{say("Sandbox: play money", "沙箱：模拟资金")}</span>}
      </nav>
      {/* The charging page stays: a sale goes on while another page is looked at. */}
      <main className={section === "cash" || !pages[section] ? undefined : "hidden"}><Cash me={me} shown={section === "cash" || !pages[section]} /></main>
      {pages[section] && <main className="scroll"><Suspense fallback={<Waiting />}>{pages[section]}</Suspense></main>}
    </div>
  );
}
