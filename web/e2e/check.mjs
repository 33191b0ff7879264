// One line a check, as conformance/ prints them; and axe's verdict on a page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const tally = { passed: 0, failed: 0 };

export function check(name, holds, why = "") {
  console.log(holds ? `ok  ${name}` : `FAIL ${name}: ${why}`);
  holds ? tally.passed++ : tally.failed++;
}

/** Checks that an awaited thing comes to be. */
export async function comes(name, awaited) {
  const begun = Date.now();
  try {
    await awaited;
    check(name, true);
  } catch (error) {
    check(name, false, String(error).split("\n").slice(0, 3).join(" "));
  }
  return Date.now() - begun;
}

/** What fades in has not its colours yet. Spinners never end. */
async function settled(page) {
  await page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
    return Promise.race([Promise.allSettled(ending.map(({ finished }) => finished)), new Promise((done) => setTimeout(done, 1_000))]);
  });
}

/** No serious finding of axe. It is run from the tests' side, so that the page's policy stays as strict as it is. */
export async function accessible(page, name) {
  await settled(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => id + ' ' + nodes[0].html.slice(0, 120))))",
    awaitPromise: true,
  });
  check(`axe: ${name}`, result.value === "[]", result.value);
}
