/** The wallet: who holds it, and which page is shown. */

import { ConfigProvider } from "antd-mobile";
import en from "antd-mobile/es/locales/en-US";
import zh from "antd-mobile/es/locales/zh-CN";
import { createContext, lazy, Suspense, useCallback, useContext, useEffect, useState, type ReactNode } from "react";
import { useLook, type Look } from "../desk/look";
import { go, useRoute } from "../desk/route";
import { useSay, useSpeech } from "../desk/say";
import { Failure, SessionOver } from "../desk/server";
import type { Boot, Me } from "../shared/api";
import { payCodeKey } from "./device";
import { Home } from "./Home";
import { Failed, Loading } from "./parts";
import { renewPayCodeKey } from "./paycode";
import { send, signIn } from "./server";
import { Welcome } from "./Welcome";

const pages: Record<string, ReturnType<typeof lazy>> = {
  code: lazy(() => import("./PayCode")), scan: lazy(() => import("./Scan")), q: lazy(() => import("./Cashier")), confirm: lazy(() => import("./Confirm")),
  shop: lazy(() => import("./Shop")), entries: lazy(() => import("./Statement")), entry: lazy(() => import("./ReceiptPage")), spending: lazy(() => import("./Spending")),
  bank: lazy(() => import("./Bank")), send: lazy(() => import("./Send")), transfer: lazy(() => import("./TransferPage")), requests: lazy(() => import("./Requests")),
  packets: lazy(() => import("./Packets")), packet: lazy(() => import("./PacketPage")), coupons: lazy(() => import("./Coupons")), settings: lazy(() => import("./Settings")),
};

interface Holder {
  boot: Boot;
  me: Me;
  /** Asks again who it is. */
  again: () => void;
  look: Look;
  setLook: (look: Look) => void;
  out: () => void;
  /** Counts what the server said has changed. */
  news: number;
}

const Held = createContext<Holder | undefined>(undefined);

/** Of pages of somebody who is signed in. */
export function useHolder(): Holder {
  const holder = useContext(Held);
  if (!holder) throw new Error("nobody is signed in");
  return holder;
}

/** `/q/…` is what a camera opens: the cashier of that code. */
function openLink() {
  const token = /^\/q\/(.+)$/.exec(window.location.pathname)?.[1];
  if (!token) return;
  const [kind = "", rest] = token.split("/");
  const page = { m: "shop", p: "packet", u: "send" }[kind];
  window.history.replaceState(null, "", `/wallet/#/${page && rest ? `${page}/${rest}` : `q/${token}`}`);
}
openLink();

/** Grows whenever something changed; also where nobody is signed in, as without a network. */
export const useNews = () => useContext(Held)?.news ?? 0;

type State = { at: "asking" } | { at: "failed"; failure: Failure } | { at: "known"; boot: Boot; session: number };

export function App() {
  const { language } = useSpeech();
  const [look, setLook] = useLook();
  const [state, setState] = useState<State>({ at: "asking" });

  const ask = useCallback(async (anew = false) => {
    try {
      let boot = await send<Boot>("GET", "/app/wallet/boot");
      if (!boot.me && (await signIn())) boot = await send<Boot>("GET", "/app/wallet/boot");
      setState((now) => ({ at: "known", boot, session: (now.at === "known" ? now.session : 0) + (anew ? 1 : 0) }));
    } catch (error) {
      setState({ at: "failed", failure: error instanceof Failure ? error : new Failure(0, "not_reached", String(error)) });
    }
  }, []);
  useEffect(() => { void ask(); }, [ask]);
  // A session that ended is begun again by the device's key, and what was asked in vain is asked again; a revoked device is out.
  const over = useCallback(() => { void ask(true); }, [ask]);

  return (
    <ConfigProvider locale={language === "zh" ? zh : en}>
      <SessionOver.Provider value={over}>
        {state.at === "asking" && <Loading />}
        {state.at === "failed" && <Offline failure={state.failure} again={() => void ask()} />}
        {state.at === "known" && (state.boot.me
          ? <Inside key={state.session} holder={{ boot: state.boot, me: state.boot.me, again: () => void ask(), look, setLook, out: over, news: 0 }} />
          : <Welcome boot={state.boot} onIn={() => void ask()} />)}
      </SessionOver.Provider>
    </ConfigProvider>
  );
}

/** Without the network the pay code works all the same. */
function Offline({ failure, again }: { failure: Failure; again: () => void }) {
  const [first] = useRoute();
  const Code = pages.code;
  const say = useSay();
  return (
    <div className="offline">
      <Failed failure={failure} again={again} />
      {first === "code" && Code ? <Suspense fallback={<Loading />}><Code /></Suspense> : <a className="button" href="#/code">{say("Show the pay code", "出示付款码")}</a>}
    </div>
  );
}

function Inside({ holder }: { holder: Holder }) {
  const [page = ""] = useRoute();
  const say = useSay();
  const [news, setNews] = useState(0);
  useEffect(() => {
    const source = new EventSource("/app/wallet/events");
    const changed = () => setNews((before) => before + 1);
    source.onmessage = changed;
    source.addEventListener("changed", changed);
    return () => source.close();
  }, []);
  // Kept ahead, for when there is no network.
  useEffect(() => { void payCodeKey().then((kept) => (kept ? undefined : renewPayCodeKey())).catch(() => undefined); }, []);
  const Shown = pages[page];
  const shown: ReactNode = Shown ? <Suspense fallback={<Loading />}><Shown /></Suspense> : <Home />;
  return (
    <Held.Provider value={{ ...holder, news }}>
      {holder.boot.sandbox && <p className="sandbox" role="note">{say("Sandbox: play money", "沙箱环境：模拟资金")}</p>}
      {shown}
    </Held.Provider>
  );
}

/** Goes home. */
export const goHome = () => go();
