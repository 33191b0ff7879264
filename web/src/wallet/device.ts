/** This device: its key pair, whose private half the browser never gives away, and the key of its pay codes. */

import type { PayCodeKey } from "../shared/api";

const STORE = "kept";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("feiqian-wallet", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function stored<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await open();
  return new Promise((resolve, reject) => {
    const asked = act(database.transaction(STORE, mode).objectStore(STORE));
    asked.onsuccess = () => resolve(asked.result as T);
    asked.onerror = () => reject(asked.error);
  });
}

const read = <T>(name: string) => stored<T | undefined>("readonly", (store) => store.get(name));
const write = (name: string, value: unknown) => stored<void>("readwrite", (store) => store.put(value, name));

const base64 = (bytes: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

async function keys(): Promise<CryptoKeyPair> {
  const kept = await read<CryptoKeyPair>("keys");
  if (kept) return kept;
  const made = (await crypto.subtle.generateKey(ALGORITHM, false, ["sign"])) as CryptoKeyPair;
  await write("keys", made);
  return made;
}

/** The public key, as the server wants it. */
export async function publicKey(): Promise<string> {
  return base64(await crypto.subtle.exportKey("spki", (await keys()).publicKey));
}

/** Signs a text: base64 of r‖s. */
export async function sign(text: string): Promise<string> {
  const { privateKey } = await keys();
  return base64(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, new TextEncoder().encode(text)));
}

export const deviceId = () => read<string>("device");
export const keepDevice = (id: string) => write("device", id);

/** A key of pay codes as it is kept: no script reads its secret again. */
export interface KeptPayCodeKey extends Omit<PayCodeKey, "secret"> {
  secret: CryptoKey;
  clock_ahead_ms: number;
}

export const payCodeKey = () => read<KeptPayCodeKey>("paycode");

export async function keepPayCodeKey(key: PayCodeKey): Promise<void> {
  const bytes = Uint8Array.from(atob(key.secret), (letter) => letter.charCodeAt(0));
  const secret = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  await write("paycode", { ...key, secret, clock_ahead_ms: Date.now() - Date.parse(key.server_time) } satisfies KeptPayCodeKey);
}

/** Forgets everything: this device is nobody's from now on. */
export async function forget(): Promise<void> {
  await stored("readwrite", (store) => store.clear());
}

/** A name for this device that its owner recognizes. */
export function label(): string {
  const agent = navigator.userAgent;
  const system = /iPhone|iPad|Android|Windows|Mac OS|Linux/.exec(agent)?.[0] ?? "Browser";
  const browser = /Edg|Firefox|Chrome|Safari/.exec(agent)?.[0].replace("Edg", "Edge");
  return browser ? `${system} · ${browser}` : system;
}
