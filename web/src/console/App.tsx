/** The console: who is signed in, the menu, and the page that the address names. */

import { StyleProvider } from "@ant-design/cssinjs";
import { Button, ConfigProvider, Drawer, Dropdown, Menu, Segmented, Skeleton, Spin } from "antd";
import en from "antd/locale/en_US";
import zh from "antd/locale/zh_CN";
import dayjs from "dayjs";
import "dayjs/locale/zh-cn";
import { lazy, Suspense, useCallback, useEffect, useState, type ReactNode } from "react";
import type { OperatorMe } from "../shared/api";
import { useLook } from "../desk/look";
import { useSay, useSpeech, type Say } from "../desk/say";
import { Failed } from "./parts";
import { href, useRoute } from "../desk/route";
import { Failure, send, SessionOver } from "../desk/server";
import { SignIn } from "./SignIn";
import { dark, light } from "./theme";
import { WithNames } from "./useNames";

const Overview = lazy(() => import("./pages/Overview"));
const Campaigns = lazy(() => import("./campaigns/List"));
const Builder = lazy(() => import("./campaigns/Builder"));
const Campaign = lazy(() => import("./campaigns/Detail"));
const Merchants = lazy(() => import("./pages/Merchants"));
const Merchant = lazy(() => import("./pages/Merchant"));
const Applications = lazy(() => import("./pages/Applications"));
const Users = lazy(() => import("./pages/Users"));
const User = lazy(() => import("./pages/User"));
const Ledger = lazy(() => import("./pages/Ledger"));
const Account = lazy(() => import("./pages/Account"));
const OrderStory = lazy(() => import("./pages/OrderStory"));
const Notifications = lazy(() => import("./pages/Notifications"));
const Approvals = lazy(() => import("./pages/Approvals"));
const Audit = lazy(() => import("./pages/Audit"));
const Operators = lazy(() => import("./pages/Operators"));

function pageOf([section, id, more]: string[]): ReactNode {
  switch (section) {
    case "campaigns": return id === "new" ? <Builder /> : id ? <Campaign key={id} id={id} /> : <Campaigns />;
    case "merchants": return id === "applications" ? <Applications /> : id ? <Merchant key={id} id={id} /> : <Merchants />;
    case "users": return id ? <User key={id} id={id} /> : <Users />;
    case "ledger": return id === "orders" && more ? <OrderStory key={more} id={more} /> : id === "accounts" && more ? <Account key={more} id={more} /> : <Ledger />;
    case "notifications": return <Notifications />;
    case "approvals": return <Approvals />;
    case "audit": return <Audit />;
    case "operators": return <Operators />;
    default: return <Overview />;
  }
}

function menu(say: Say) {
  const item = (key: string, en: string, zh: string) => ({ key, label: <a href={href(key)}>{say(en, zh)}</a> });
  return [
    item("overview", "Overview", "概览"),
    { type: "group" as const, label: say("Business", "业务"), children: [
      item("merchants", "Merchants", "商户"), item("users", "Users", "用户"), item("campaigns", "Campaigns", "营销活动"),
    ] },
    { type: "group" as const, label: say("Books", "账务"), children: [
      item("ledger", "Ledger", "总账"), item("notifications", "Notifications", "通知"),
    ] },
    { type: "group" as const, label: say("Control", "管控"), children: [
      item("approvals", "Approvals", "审批"), item("audit", "Audit trail", "审计记录"), item("operators", "Operators", "操作员"),
    ] },
  ];
}

type Session = { state: "asking" } | { state: "out" } | { state: "in"; me: OperatorMe } | { state: "failed"; failure: Failure };

/** Where antd writes the styles that the sheet holds already: outside of the page. */
const nowhere = document.createElement("div");

export function App() {
  const { language } = useSpeech();
  const [look, setLook] = useLook();
  const [session, setSession] = useState<Session>({ state: "asking" });

  const ask = useCallback(() => {
    setSession({ state: "asking" });
    send<OperatorMe>("GET", "/app/console/session").then(
      (me) => setSession({ state: "in", me }),
      (failure: Failure) => setSession(failure.status === 401 ? { state: "out" } : { state: "failed", failure }),
    );
  }, []);
  useEffect(ask, [ask]);
  useEffect(() => { dayjs.locale(language === "zh" ? "zh-cn" : "en"); }, [language]);

  const over = useCallback(() => setSession({ state: "out" }), []);
  const theme = look === "dark" ? dark : light;

  return (
    <StyleProvider container={nowhere}>
      <ConfigProvider theme={{ ...theme, zeroRuntime: true }} locale={language === "zh" ? zh : en} form={{ requiredMark: false }}>
        <SessionOver.Provider value={over}>
          {session.state === "asking" && <Spin className="whole" size="large" />}
          {session.state === "failed" && <div className="whole"><Failed failure={session.failure} again={ask} /></div>}
          {session.state === "out" && <SignIn onIn={(me) => setSession({ state: "in", me })} look={look} setLook={setLook} />}
          {session.state === "in" && <WithNames><Frame me={session.me} onOut={over} look={look} setLook={setLook} /></WithNames>}
        </SessionOver.Provider>
      </ConfigProvider>
    </StyleProvider>
  );
}

export interface LookProps {
  look: "light" | "dark";
  setLook: (look: "light" | "dark") => void;
}

export function Choices({ look, setLook }: LookProps) {
  const { language, speak, say } = useSpeech();
  return (
    <>
      <Segmented size="small" aria-label={say("Language", "语言")} value={language} onChange={speak}
        options={[{ value: "en", label: "EN" }, { value: "zh", label: "中文" }]} />
      <Button size="small" type="text" onClick={() => setLook(look === "dark" ? "light" : "dark")}
        aria-label={look === "dark" ? say("Light look", "浅色模式") : say("Dark look", "深色模式")}>{look === "dark" ? "☀" : "☾"}</Button>
    </>
  );
}

function Frame({ me, onOut, look, setLook }: LookProps & { me: OperatorMe; onOut: () => void }) {
  const say = useSay();
  const route = useRoute();
  const [open, setOpen] = useState(false);
  const section = route[0] ?? "overview";
  useEffect(() => { setOpen(false); window.scrollTo(0, 0); }, [route.join("/")]); // eslint-disable-line react-hooks/exhaustive-deps -- the text

  async function signOut() {
    await send("DELETE", "/app/console/session").catch(() => undefined);
    onOut();
  }

  const items = <Menu mode="inline" selectedKeys={[section]} items={menu(say)} />;
  return (
    <div className="frame">
      <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById("content")?.focus(); }}>{say("To the content", "跳到内容")}</a>
      <aside className="side">
        <Brand />
        <nav aria-label={say("Pages", "页面")}>{items}</nav>
      </aside>
      <Drawer open={open} onClose={() => setOpen(false)} placement="left" size={250} title="飞钱 Feiqian" className="side-drawer">{items}</Drawer>
      <div className="main">
        <header className="top">
          <Button className="burger" type="text" onClick={() => setOpen(true)} aria-label={say("Menu", "菜单")}>☰</Button>
          {me.sandbox && <span className="sandbox">{say("Sandbox: play money", "沙箱：模拟资金")}</span>}
          <span className="grow" />
          <Choices look={look} setLook={setLook} />
          <Dropdown trigger={["click"]} menu={{ items: [
            { key: "roles", disabled: true, label: me.roles.join(", ") || say("no roles", "无角色") },
            { key: "out", label: say("Sign out", "退出登录"), onClick: () => void signOut() },
          ] }}>
            <Button type="text" className="who"><span className="face" aria-hidden>{me.name.slice(0, 1).toUpperCase()}</span><span className="who-name">{me.name}</span></Button>
          </Dropdown>
        </header>
        <main id="content" tabIndex={-1}>
          <Suspense fallback={<Skeleton active paragraph={{ rows: 10 }} />}>{pageOf(route)}</Suspense>
        </main>
      </div>
    </div>
  );
}

export function Brand() {
  return <div className="brand"><span className="seal" aria-hidden>飞</span><span><strong>飞钱</strong> Feiqian</span></div>;
}
