/** Sending with the session of this wallet. What changes something is signed by this device. */

import { useContext, useRef, useState } from "react";
import type { Challenge, Problem } from "../shared/api";
import { commandKey, Failure, SessionOver } from "../desk/server";
import { deviceId, sign } from "./device";

type Method = "GET" | "POST" | "PATCH" | "DELETE";

const hex = (bytes: ArrayBuffer) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function failureOf(answer: Response): Promise<Failure> {
  const problem = (await answer.json().catch(() => undefined)) as Problem | undefined;
  const detail = problem?.error;
  return new Failure(answer.status, detail?.code ?? `http_${answer.status}`, detail?.message ?? answer.statusText, detail?.param);
}

/** The text that the device signs of a request (crates/gateway/src/app/signed.rs). */
async function signature(method: Method, path: string, key: string, body: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  return sign(`${method}\n${path}\n${key}\n${hex(digest)}`);
}

async function once<T>(method: Method, path: string, text: string | undefined, key?: string): Promise<T> {
  const headers: Record<string, string> = { "Feiqian-App": "wallet" };
  if (text !== undefined) headers["Content-Type"] = "application/json";
  if (key) {
    headers["Idempotency-Key"] = key;
    headers["Feiqian-Device-Signature"] = await signature(method, path, key, text ?? "");
  }
  const answer = await fetch(path, { method, headers, body: text, credentials: "same-origin" }).catch(() => {
    throw new Failure(0, "not_reached", "");
  });
  if (!answer.ok) throw await failureOf(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

let signingIn: Promise<boolean> | undefined;

/** A session by this device's key; false if it is nobody's device. Once for all who ask at a time: only the newest challenge is good. */
export function signIn(): Promise<boolean> {
  signingIn ??= signInOnce().finally(() => { signingIn = undefined; });
  return signingIn;
}

async function signInOnce(): Promise<boolean> {
  const device_id = await deviceId();
  if (!device_id) return false;
  try {
    const { challenge } = await once<Challenge>("POST", "/app/wallet/challenge", JSON.stringify({ device_id }));
    const said = await sign(`feiqian-session\n${challenge}`);
    await once("POST", "/app/wallet/session", JSON.stringify({ device_id, challenge, signature: said }));
    return true;
  } catch (error) {
    if (error instanceof Failure && error.unanswered) throw error;
    return false;
  }
}

/** One request; a session that has ended is begun again. */
export async function send<T>(method: Method, path: string, body?: unknown, key?: string): Promise<T> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  try {
    return await once<T>(method, path, text, key);
  } catch (error) {
    if (!(error instanceof Failure) || error.status !== 401 || !(await signIn())) throw error;
    return once<T>(method, path, text, key);
  }
}

export interface Command<T> {
  busy: boolean;
  failure?: Failure;
  /** The person is asked for the PIN: `answer` goes on with it, `cancel` gives up. */
  pin?: { wrong?: Failure; answer: (pin: string) => void; cancel: () => void };
  run: (path: string, body?: object) => Promise<T | undefined>;
  forget: () => void;
}

/**
 * Something that the person wants done. Its number is made before it is sent and kept over a reload until it is
 * answered, so that nothing happens twice; the PIN is asked for when the server wants it.
 */
export function useCommand<T = unknown>(method: Method = "POST"): Command<T> {
  const over = useContext(SessionOver);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [asking, setAsking] = useState<Command<T>["pin"]>();
  const running = useRef(false);

  function askPin(wrong?: Failure): Promise<string | undefined> {
    return new Promise((resolve) => {
      const done = (pin?: string) => { setAsking(undefined); resolve(pin); };
      setAsking({ wrong, answer: done, cancel: () => done() });
    });
  }

  async function withPin(path: string, body: object, key: string): Promise<T | undefined> {
    let content = body;
    for (;;) {
      try {
        return (await send<T>(method, path, content, key)) ?? ({} as T);
      } catch (error) {
        const wants = error instanceof Failure && (error.code === "pin_required" || error.code === "pin_wrong");
        if (!wants) throw error;
        const pin = await askPin(error.code === "pin_wrong" ? error : undefined);
        if (pin === undefined) return undefined;
        content = { ...body, pin };
      }
    }
  }

  async function run(path: string, body: object = {}): Promise<T | undefined> {
    if (running.current) return undefined;
    const secret = "pin" in body || "code" in body;
    const place = `feiqian-unanswered-${JSON.stringify([method, path, body])}`;
    const key = (secret ? null : sessionStorage.getItem(place)) ?? commandKey();
    if (!secret) sessionStorage.setItem(place, key);
    running.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      const answer = await withPin(path, body, key);
      if (!secret) sessionStorage.removeItem(place);
      return answer;
    } catch (error) {
      const failed = error instanceof Failure ? error : new Failure(0, "not_reached", String(error));
      if (!failed.unanswered) sessionStorage.removeItem(place);
      if (failed.status === 401) over();
      setFailure(failed);
      return undefined;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  return { busy, failure, pin: asking, run, forget: () => setFailure(undefined) };
}
