// An operator's hands: what the story does with the console, and a merchant's server that can be told to fail.
import { createSign, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { DESK, person } from "./browser.mjs";

/** An operator of the sandbox, signed in. */
export async function operator(server, name) {
  const { api_key } = server.credentials().operators.find((one) => one.name === name);
  const someone = await person(server.url, { size: DESK });
  await enter(someone.page, api_key);
  return someone;
}

export async function enter(page, key) {
  await page.goto("/console/");
  await page.getByLabel("Operator key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
}

/** Presses a button of the page, and the one of the dialog that it opens. */
export async function decide(page, button, ok = button) {
  await page.getByRole("button", { name: button, exact: true }).first().click();
  await agree(page, ok);
}

/** Presses a dialog's button, once the dialog stands still: what is pressed before is missed. */
export async function press(page, button) {
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await page.locator(".ant-zoom-appear, .ant-zoom-enter").first().waitFor({ state: "detached" });
  await dialog.locator(".ant-modal-footer").getByRole("button", { name: button, exact: true }).click();
}

/** Presses it, and waits until it is done. */
export async function agree(page, ok) {
  await press(page, ok);
  await page.getByRole("dialog").waitFor({ state: "hidden" });
}

/** Chooses in a list that is searched. */
export async function choose(page, label, text) {
  await page.getByLabel(label, { exact: true }).click();
  await page.locator(".ant-select-item-option").filter({ hasText: text }).first().click();
}

/** Writes a time into a field as the platform's clock says it. */
export async function writeTime(page, label, days) {
  const day = new Date(Date.now() + 8 * 3_600_000 + days * 86_400_000).toISOString().slice(0, 10);
  const field = page.getByLabel(label, { exact: true });
  await field.fill(`${day} 00:00`);
  await field.press("Enter");
}

/** A merchant's server. It fails until it is `willing`. */
export async function merchantServer() {
  const shop = { willing: false, tries: 0, taken: 0 };
  const http = createServer((request, answer) => {
    request.resume().on("end", () => {
      shop.tries++;
      if (shop.willing) shop.taken++;
      answer.writeHead(shop.willing ? 204 : 500).end();
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  shop.url = `http://127.0.0.1:${http.address().port}/paid`;
  shop.close = () => http.close();
  return shop;
}

/** An order as a merchant's server places it with WeChat Pay's API; answers the address of its code. */
export async function wechatOrder(server, { notify, fen }) {
  const { wechat } = server.credentials();
  const body = JSON.stringify({
    appid: wechat.appid, mchid: wechat.mchid, description: "Umbrella", out_trade_no: randomUUID().replaceAll("-", ""), notify_url: notify,
    amount: { total: fen, currency: "CNY" },
  });
  const [path, nonce, time] = ["/v3/pay/transactions/native", randomUUID(), Math.floor(Date.now() / 1000)];
  const signature = createSign("RSA-SHA256").update(`POST\n${path}\n${time}\n${nonce}\n${body}\n`).sign(wechat.merchant_private_key_pem, "base64");
  const parts = { mchid: wechat.mchid, nonce_str: nonce, timestamp: time, serial_no: wechat.merchant_serial_no, signature };
  const authorization = `WECHATPAY2-SHA256-RSA2048 ${Object.entries(parts).map(([name, value]) => `${name}="${value}"`).join(",")}`;
  const answer = await fetch(server.url + path, {
    method: "POST", body, headers: { authorization, "content-type": "application/json", accept: "application/json" },
  });
  if (!answer.ok) throw new Error(`no order: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).code_url;
}

/** Asks again until the page shows what it shall. */
export async function refreshUntil(page, seen) {
  for (let turn = 0; turn < 50; turn++) {
    if (await seen()) return;
    const asked = page.waitForResponse((answer) => answer.url().includes("/v1/"));
    await page.getByRole("button", { name: "Refresh", exact: true }).click();
    await asked;
  }
  throw new Error("it does not come to be");
}
