/** Pay codes, made here and without the network: from this device's secret and the time. */

import type { PayCodeKey } from "../shared/api";
import { keepPayCodeKey, type KeptPayCodeKey } from "./device";
import { send } from "./server";

const POSSIBLE = 10_000_000n;

/** Gets a fresh key and keeps it for when there is no network. */
export const renewPayCodeKey = async () => keepPayCodeKey(await send<PayCodeKey>("POST", "/app/wallet/paycode", {}, crypto.randomUUID()));

export interface PayCode {
  digits: string;
  step: number;
  /** Seconds until the next one. */
  left: number;
}

/** The code of a moment, in milliseconds since 1970 by the server's clock. */
export async function payCode(key: KeptPayCodeKey, now: number): Promise<PayCode> {
  const step = Math.floor(now / 1000 / key.step_seconds);
  const message = new DataView(new ArrayBuffer(8));
  message.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key.secret, message.buffer));
  const digits = `${key.prefix}${key.alias}${String(mac.getBigUint64(0) % POSSIBLE).padStart(7, "0")}`;
  return { digits, step, left: Math.ceil((step + 1) * key.step_seconds - now / 1000) };
}

/** Bars and gaps of Code 128 (ISO/IEC 15417), six widths a symbol; the stop has seven. */
const WIDTHS =
  "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132221231" +
  "213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313231113231311" +
  "112133112331132131113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111314111221411431111" +
  "111224111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111111242121142121241114212" +
  "124112124211411212421112421211212141214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214" +
  "211232";
const START_C = 105;
const STOP = "2331112";

/** Widths of bars and gaps, beginning with a bar, of an even number of digits in code set C. */
export function code128(digits: string): number[] {
  const values = [START_C, ...(digits.match(/\d\d/g) ?? []).map(Number)];
  const sum = values.reduce((sum, value, place) => sum + value * Math.max(place, 1), 0);
  const symbols = [...values, sum % 103].map((value) => WIDTHS.slice(value * 6, value * 6 + 6));
  return [...symbols, STOP].join("").split("").map(Number);
}
