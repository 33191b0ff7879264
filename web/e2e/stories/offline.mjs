// Without a network: the pay code is there after one visit, and a session that ended begins again by itself.
import { check, comes } from "../check.mjs";
import { go, newcomer, topUp } from "../wallet.mjs";

const CODE = /^\d{4} \d{4} \d{4} \d{4} \d{2}$/;

export default async function story({ server, with: takes }) {
  const dee = takes(await newcomer(server, "13922220007", "Dee Wang"));
  const { page, context } = dee;
  const kept = () => page.evaluate(async () => (await caches.open("feiqian-shell-1")).keys().then((all) => all.map(({ url }) => url)));
  for (let tries = 0; tries < 50 && !(await kept()).some((url) => url.includes("PayCode")); tries++) await page.waitForTimeout(100);
  check("the shell is kept at the first visit", (await kept()).some((url) => url.includes("PayCode")));

  await context.setOffline(true);
  await page.goto("/wallet/#/code");
  await page.reload();
  await comes("the pay code shows without a network", page.getByTestId("pay-code").waitFor());
  const code = await page.getByTestId("pay-code").textContent();
  check("it is 18 digits", CODE.test(code), code);
  const readable = await page.evaluate(() => new Promise((resolve) => {
    indexedDB.open("feiqian-wallet").onsuccess = ({ target }) => {
      target.result.transaction("kept").objectStore("kept").get("paycode").onsuccess = (event) => resolve(event.target.result.secret.extractable);
    };
  }));
  check("no script can read its secret", readable === false);
  await context.setOffline(false);

  await go(page, "/");
  await page.reload();
  await topUp(page, "50.00");
  await context.clearCookies();
  await go(page, "/entries");
  await comes("a session that ended begins again by the device's key", page.getByText("¥50.00").first().waitFor());
}
