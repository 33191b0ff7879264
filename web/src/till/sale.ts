/**
 * One sale at the till: from the cashier's tap to an answer that is certain.
 *
 * The number of the command is made and kept before anything is sent. When the connection is lost the same command is
 * sent again, then the order is asked for, then the cashier may reverse it: what is unknown is never guessed.
 */

import { useCallback, useEffect, useRef, useState } from "react";
import type { Fen, TillOrder } from "../shared/api";
import { commandKey, Failure, send } from "../desk/server";
import { soundFailed, soundPaid } from "./sound";

const PLACE = "feiqian-till-sale";
/** Waits before the same command is sent again by itself, in milliseconds. */
const AGAIN_MS = [800, 2000, 4000];
/** How often an order is asked for while its events do not arrive, in milliseconds. */
const POLL_MS = 2500;

/** What was begun, as it is kept over a reload. */
export interface Begun {
  key: string;
  amount: Fen;
  description?: string;
  /** What was scanned; absent when a code is shown. */
  pay_code?: string;
  order_id?: string;
}

export type Sale =
  | { phase: "none" }
  | { phase: "sending"; begun: Begun }
  /** No answer: it may have happened. */
  | { phase: "unknown"; begun: Begun; asking: boolean }
  | { phase: "order"; begun: Begun; order: TillOrder; live: boolean }
  | { phase: "refused"; begun: Begun; failure: Failure };

export const isOver = (order: TillOrder) => order.status !== "open" && order.status !== "awaiting_shopper";

function kept(): Begun | undefined {
  try {
    const text = localStorage.getItem(PLACE);
    return text ? (JSON.parse(text) as Begun) : undefined;
  } catch {
    return undefined;
  }
}

const pause = (milliseconds: number) => new Promise((done) => window.setTimeout(done, milliseconds));

export function useSale(onChange: () => void) {
  const [sale, setSale] = useState<Sale>({ phase: "none" });
  const [reversing, setReversing] = useState(false);
  const [trouble, setTrouble] = useState<Failure>();
  const current = useRef(0);
  const changed = useRef(onChange);
  changed.current = onChange;

  const show = useCallback((begun: Begun, order: TillOrder, live = true) => {
    const next = { ...begun, order_id: order.id };
    if (isOver(order)) localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, JSON.stringify(next));
    setSale({ phase: "order", begun: next, order, live });
  }, []);

  /** Sends what was begun until it is answered, or the cashier is asked. */
  const press = useCallback(async (begun: Begun, turn: number): Promise<TillOrder | undefined> => {
    const { amount, description, pay_code } = begun;
    const [path, body] = pay_code ? ["/app/till/charges", { amount, description, pay_code }] : ["/app/till/orders", { amount, description }];
    for (const wait of [...AGAIN_MS, undefined]) {
      try {
        const order = await send<TillOrder>("POST", path, body, begun.key);
        if (turn === current.current) show(begun, order);
        return order;
      } catch (error) {
        if (turn !== current.current) return undefined;
        const failure = error instanceof Failure ? error : new Failure(0, "not_reached", String(error));
        if (!failure.unanswered) {
          localStorage.removeItem(PLACE);
          soundFailed();
          setSale({ phase: "refused", begun, failure });
          return undefined;
        }
        setSale({ phase: "unknown", begun, asking: wait !== undefined });
        if (wait !== undefined) await pause(wait);
        if (turn !== current.current) return undefined;
      }
    }
    soundFailed();
    return undefined;
  }, [show]);

  const begin = useCallback((amount: Fen, description?: string, pay_code?: string) => {
    const begun: Begun = { key: commandKey(), amount, description: description || undefined, pay_code };
    localStorage.setItem(PLACE, JSON.stringify(begun));
    setTrouble(undefined);
    setSale({ phase: "sending", begun });
    void press(begun, ++current.current);
  }, [press]);

  const askAgain = useCallback(() => {
    if (sale.phase !== "unknown") return;
    setSale({ ...sale, asking: true });
    void press(sale.begun, ++current.current);
  }, [press, sale]);

  /** Takes it back. If the order is not known yet, the same command is sent once more to learn of it. */
  const reverse = useCallback(async (action: "reverse" | "close") => {
    if (sale.phase !== "unknown" && sale.phase !== "order") return;
    setReversing(true);
    setTrouble(undefined);
    try {
      const known = sale.phase === "order" ? sale.order.id : sale.begun.order_id;
      const id = known ?? (await press(sale.begun, ++current.current))?.id;
      if (!id) return;
      const order = await send<TillOrder>("POST", `/app/till/orders/${id}/${action}`, undefined, `${sale.begun.key}-${action}`);
      show(sale.begun, order);
      changed.current();
    } catch (error) {
      setTrouble(error instanceof Failure ? error : new Failure(0, "not_reached", String(error)));
    } finally {
      setReversing(false);
    }
  }, [press, sale, show]);

  const finish = useCallback(() => {
    current.current += 1;
    localStorage.removeItem(PLACE);
    setTrouble(undefined);
    setSale({ phase: "none" });
  }, []);

  // After a reload: what was begun goes on.
  useEffect(() => {
    const begun = kept();
    if (!begun) return;
    setSale({ phase: "sending", begun });
    void press(begun, ++current.current);
  }, [press]);

  // Every change of the order, as it happens; by asking where events do not come through.
  const order = sale.phase === "order" ? sale.order : undefined;
  const watched = order && !isOver(order) ? order.id : undefined;
  useEffect(() => {
    if (!watched) return;
    const take = (next: TillOrder, live: boolean) =>
      setSale((before) => {
        if (before.phase !== "order" || before.order.id !== next.id || isOver(before.order)) return before;
        if (isOver(next)) localStorage.removeItem(PLACE);
        return { ...before, order: next, live };
      });
    const events = new EventSource(`/app/till/orders/${watched}/events`);
    events.onmessage = (event: MessageEvent<string>) => take(JSON.parse(event.data) as TillOrder, true);
    const poll = window.setInterval(() => {
      if (events.readyState === EventSource.OPEN) return;
      send<TillOrder>("GET", `/app/till/orders/${watched}`).then(
        (next) => take(next, true),
        () => setSale((before) => (before.phase === "order" ? { ...before, live: false } : before)),
      );
    }, POLL_MS);
    return () => { events.close(); window.clearInterval(poll); };
  }, [watched]);

  // The cashier hears how it ended.
  const ended = order && isOver(order) ? `${order.id} ${order.status}` : undefined;
  useEffect(() => {
    if (!ended) return;
    if (ended.endsWith(" paid")) soundPaid();
    else soundFailed();
    changed.current();
  }, [ended]);

  return { sale, begin, askAgain, reverse, reversing, trouble, finish };
}
