/** Asking and sending with the session of who sits at the desk: an operator over `/v1`, a cashier over `/app/till`. */

import { createContext, useCallback, useContext, useEffect, useRef, useState, type DependencyList } from "react";
import type { Problem } from "../shared/api";

/** Which app this is. A code behind `/q/` opens the wallet. */
const APP = window.location.pathname.split("/")[1]?.replace(/^q$/, "wallet") || "console";

/** What went wrong, as the server says it, or because it could not be reached. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** The part of the request that is at fault. */
    readonly param?: string,
  ) {
    super(message);
  }

  /** It may have happened, or may happen when sent again. */
  get unanswered(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Told when the session is over, so that the sign-in is shown. */
export const SessionOver = createContext<() => void>(() => undefined);

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

async function failureOf(answer: Response): Promise<Failure> {
  const problem = (await answer.json().catch(() => undefined)) as Problem | undefined;
  const detail = problem?.error;
  return new Failure(answer.status, detail?.code ?? `http_${answer.status}`, detail?.message ?? answer.statusText, detail?.param);
}

/** One request. `key` makes it safe to send again. */
export async function send<T>(method: Method, path: string, body?: unknown, key?: string, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { "Feiqian-App": APP };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(path, { method, headers, body: text, signal, credentials: "same-origin" }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Failure(0, "not_reached", "");
  });
  if (!answer.ok) throw await failureOf(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** Saves an answer as a file: a plain link would not bear the app's header. */
export async function save(path: string, name: string): Promise<void> {
  const answer = await fetch(path, { headers: { "Feiqian-App": APP }, credentials: "same-origin" });
  if (!answer.ok) throw await failureOf(answer);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A number for a command, made before it is sent the first time. */
export function commandKey(): string {
  return crypto.randomUUID();
}

export interface Asked<T> {
  /** The last answer, also while it is asked for again. */
  data?: T;
  failure?: Failure;
  loading: boolean;
  again: () => void;
}

/** Asks when shown, and again when `path` changes. Without a path it does not ask. */
export function useAsk<T>(path: string | undefined, more: DependencyList = []): Asked<T> {
  const over = useContext(SessionOver);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<{ path?: string; data?: T; failure?: Failure; loading: boolean }>({ loading: path !== undefined });

  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    setState((before) => ({ path, data: before.path === path ? before.data : undefined, loading: true }));
    send<T>("GET", path, undefined, undefined, abort.signal).then(
      (data) => setState({ path, data, loading: false }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(0, "not_reached", String(error));
        if (failure.status === 401) over();
        setState((before) => ({ ...before, failure, loading: false }));
      },
    );
    return () => abort.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `more` is the caller's
  }, [path, turn, over, ...more]);

  const again = useCallback(() => setTurn((before) => before + 1), []);
  const current = state.path === path ? state : { loading: path !== undefined };
  return { ...current, again };
}

/** The pages of a list, one after the other. */
export function usePages<T>(path: string | undefined) {
  const first = useAsk<{ data: T[]; next_cursor?: string }>(path);
  const [rest, setRest] = useState<{ of?: unknown; rows: T[]; cursor?: string }>({ rows: [] });
  const [loading, setLoading] = useState(false);
  const mine = rest.of === first.data ? rest : undefined;
  const cursor = mine ? mine.cursor : first.data?.next_cursor;

  async function more() {
    if (!path || !cursor || loading) return;
    setLoading(true);
    try {
      const page = await send<{ data: T[]; next_cursor?: string }>("GET", `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}`);
      setRest({ of: first.data, rows: [...(mine?.rows ?? []), ...page.data], cursor: page.next_cursor });
    } finally {
      setLoading(false);
    }
  }

  const rows = first.data && [...first.data.data, ...(mine?.rows ?? [])];
  return { ...first, rows, hasMore: Boolean(cursor), more, loadingMore: loading };
}

/** What is secret is never written down. */
const SECRETS = ["key", "password", "old", "new"];
const unsecret = (name: string, value: unknown) => (SECRETS.includes(name) ? undefined : value);

export interface Sent<T> {
  busy: boolean;
  failure?: Failure;
  /** Sends; a second call while the first is under way does nothing. Undefined: it failed, see `failure`. */
  run: (method: Method, path: string, body?: unknown) => Promise<T | undefined>;
  forget: () => void;
}

/**
 * One command of the operator. The same content keeps its number until it was answered, also over a reload,
 * so trying again after a lost connection does nothing twice. `proves`: it sends a password or key, so 401 says that
 * this one is wrong and not that the session is over.
 */
export function useSend<T = unknown>({ proves = false } = {}): Sent<T> {
  const over = useContext(SessionOver);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const running = useRef(false);

  async function run(method: Method, path: string, body?: unknown): Promise<T | undefined> {
    if (running.current) return undefined;
    const place = `feiqian-unanswered-${JSON.stringify([method, path, body], unsecret)}`;
    const key = sessionStorage.getItem(place) ?? commandKey();
    sessionStorage.setItem(place, key);
    running.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      const answer = await send<T>(method, path, body, key);
      sessionStorage.removeItem(place);
      return answer ?? ({} as T);
    } catch (error) {
      const failed = error instanceof Failure ? error : new Failure(0, "not_reached", String(error));
      if (!failed.unanswered) sessionStorage.removeItem(place);
      if (failed.status === 401 && !proves) over();
      setFailure(failed);
      return undefined;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  return { busy, failure, run, forget: () => setFailure(undefined) };
}

/** Something half written, kept in this tab over a reload until it is sent. */
export function useDraft<T>(name: string, initial: T): [T, (next: T) => void, () => void] {
  const place = `feiqian-${APP}-${name}`;
  const [value, setValue] = useState<T>(() => {
    const kept = sessionStorage.getItem(place);
    try {
      return kept ? (JSON.parse(kept) as T) : initial;
    } catch {
      return initial;
    }
  });
  const keep = useCallback((next: T) => {
    sessionStorage.setItem(place, JSON.stringify(next));
    setValue(next);
  }, [place]);
  const drop = useCallback(() => sessionStorage.removeItem(place), [place]);
  return [value, keep, drop];
}
