// Without a network: the pay code is there after one visit, and a session that ended begins again by itself.
import { check, comes } from "../check.mjs";
import { go, newcomer, topUp } from "../wallet.mjs";

const CODE = /^\d{4} \d{4} \d{4} \d{4} \d{2}$/;

/** In the page: what is kept of the key of pay codes. */
const paycode = () => new Promise((resolve) => {
  indexedDB.open("feiqian-wallet").onsuccess = ({ target: { result: base } }) => {
    base.transaction("kept").objectStore("kept").get("paycode").onsuccess = ({ target }) => {
      base.close();
      resolve(target.result && { extractable: target.result.secret.extractable });
    };
  };
});

export default async function story({ server, with: takes }) {
  const dee = takes(await newcomer(server, "13944440001", "Dee Wang"));
  const { page, context } = dee;
  await comes("the shell is kept at the first visit", page.waitForFunction(async () => {
    const kept = await (await caches.open("feiqian-shell-1")).keys();
    return kept.some(({ url }) => url.includes("PayCode"));
  }));
  await comes("so is the key of pay codes", page.waitForFunction(paycode));

  await context.setOffline(true);
  await page.goto("/wallet/#/code");
  await page.reload();
  await comes("the pay code shows without a network", page.getByTestId("pay-code").waitFor());
  const code = await page.getByTestId("pay-code").textContent();
  check("it is 18 digits", CODE.test(code), code);
  check("no script can read its secret", (await page.evaluate(paycode)).extractable === false);
  await context.setOffline(false);

  await go(page, "/");
  await page.reload();
  await topUp(page, "50.00");
  await context.clearCookies();
  await go(page, "/entries");
  await comes("a session that ended begins again by the device's key", page.getByText("¥50.00").first().waitFor());
}
