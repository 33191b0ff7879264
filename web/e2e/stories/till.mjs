// A sale at a till: by the camera, given back in part; by pay code, at once and with the shopper's consent.
import { join } from "node:path";
import { COUNTER, person, picture } from "../browser.mjs";
import { film } from "../camera.mjs";
import { accessible, check, comes } from "../check.mjs";
import { balance, go, newcomer, pin, settle, topUp } from "../wallet.mjs";

/** The till shows a payment within this time after the wallet did. */
const SHOWN_WITHIN_MS = 1_000;

async function openTill(takes, server) {
  const { till, shop } = (({ till }) => ({ till: till.find(({ role }) => role === "cashier"), shop: till }))(server.credentials());
  const cashier = takes(await person(server.url, { size: COUNTER }));
  await cashier.page.goto("/till/");
  await cashier.page.getByLabel("Shop number").fill(till.shop);
  await cashier.page.getByLabel("Your name").fill(till.name);
  await cashier.page.getByLabel("Password").fill(till.password);
  await cashier.page.getByRole("button", { name: "Sign in" }).click();
  await cashier.page.getByRole("button", { name: "Show a code" }).waitFor();
  return { page: cashier.page, shop: till.shop, owner: shop.find(({ role, shop }) => role === "owner" && shop === till.shop) };
}

async function amount(page, digits) {
  for (const digit of digits) await page.getByRole("group", { name: "Keypad" }).getByRole("button", { name: digit, exact: true }).click();
}

export default async function story({ server, folder, with: takes }) {
  const camera = join(folder, "camera.y4m");
  film(camera, "nothing yet");
  const till = await openTill(takes, server);
  const dai = takes(await newcomer(server, "13922220001", "Dai Yu", { camera }));
  await settle(dai.page, "Dai Yu", "11010519491231002X", "135790");
  await topUp(dai.page, "1000.00");
  await accessible(till.page, "till");

  await amount(till.page, "25");
  await till.page.getByLabel("What for").fill("noodles");
  const made = till.page.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/app/till/orders"));
  await till.page.getByRole("button", { name: "Show a code" }).click();
  await till.page.getByRole("img", { name: "Payment code" }).waitFor();
  await picture(till.page, "till-code");
  film(camera, (await (await made).json()).code_url);
  await go(dai.page, "/scan");
  await comes("the wallet's camera reads the till's code", dai.page.getByRole("button", { name: /^Pay ¥/ }).waitFor());
  await picture(dai.page, "wallet-cashier");
  await accessible(dai.page, "cashier");
  await dai.page.getByRole("button", { name: /^Pay ¥/ }).click();
  const success = comes("the wallet says paid", dai.page.getByRole("heading", { name: "Paid" }).first().waitFor());
  const shown = await comes("the till shows it", till.page.getByRole("heading", { name: "Paid", exact: true }).waitFor());
  await success;
  check("within a second", shown <= SHOWN_WITHIN_MS, `${shown} ms`);
  await picture(till.page, "till-paid");
  await balance("the wallet paid", dai.page, "¥975.00");

  await till.page.getByRole("button", { name: "Next customer" }).click();
  await go(till.page, "/orders");
  await till.page.locator(".rows a").first().click();
  await till.page.getByRole("button", { name: "Refund", exact: true }).click();
  await till.page.locator("form.refund input").first().fill("5.00");
  await till.page.getByRole("button", { name: "Refund ¥5.00" }).click();
  await balance("a refund arrives", dai.page, "¥980.00");

  await go(dai.page, "/code");
  const code = (await dai.page.getByTestId("pay-code").textContent()).replaceAll(" ", "");
  await picture(dai.page, "wallet-code");
  await accessible(dai.page, "pay code");
  await go(till.page, "/cash");
  await amount(till.page, "10");
  // A USB scanner is a quick keyboard.
  await till.page.locator("body").click({ position: { x: 2, y: 2 } });
  await till.page.keyboard.type(`${code}\n`, { delay: 2 });
  await comes("a pay code pays at the till", till.page.getByRole("heading", { name: "Paid", exact: true }).waitFor());
  await balance("the wallet paid by code", dai.page, "¥970.00");
  await till.page.getByRole("button", { name: "Next customer" }).click();

  await go(dai.page, "/code");
  await dai.page.getByRole("button", { name: "New code" }).click();
  await dai.page.waitForFunction((used) => document.querySelector("[data-testid=pay-code]").textContent.replaceAll(" ", "") !== used, code);
  const dear = (await dai.page.getByTestId("pay-code").textContent()).replaceAll(" ", "");
  await amount(till.page, "800");
  await till.page.locator("body").click({ position: { x: 2, y: 2 } });
  await till.page.keyboard.type(`${dear}\n`, { delay: 2 });
  await comes("above the limit the till waits", till.page.getByText("The shopper is confirming").waitFor());
  await go(dai.page, "/");
  await dai.page.getByText("waits for you to confirm").click();
  await dai.page.getByRole("button", { name: /^Pay ¥/ }).click();
  await pin(dai.page, "135790");
  await comes("the shopper's PIN pays", till.page.getByRole("heading", { name: "Paid", exact: true }).waitFor());
  await balance("the wallet paid what was confirmed", dai.page, "¥170.00");
}
