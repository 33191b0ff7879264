// A shopper's hands: what several stories do with the wallet.
import { comes } from "./check.mjs";
import { person } from "./browser.mjs";

/** Types six digits on the PIN pad. */
export async function pin(page, digits) {
  const pad = page.getByRole("dialog", { name: /PIN|支付密码/ });
  await pad.waitFor();
  for (const digit of digits) await pad.getByRole("button", { name: digit, exact: true }).click();
}

/** Fills the sign-in page; a sandbox shows the code. */
export async function enter(page, phone, name) {
  await page.getByLabel("Phone number").fill(phone);
  await page.getByRole("button", { name: "Send the code" }).click();
  const hint = await page.getByText(/the code is \d{6}/).textContent();
  await page.getByLabel("Code", { exact: true }).fill(/\d{6}/.exec(hint)[0]);
  if (name) await page.getByLabel(/^Name/).fill(name);
  await page.getByRole("button", { name: "Open the wallet" }).click();
}

/** Somebody new, with a browser of their own. */
export async function newcomer(server, phone, name, options) {
  const someone = await person(server.url, options);
  await someone.page.goto("/wallet/");
  await enter(someone.page, phone, name);
  await someone.page.getByTestId("balance").waitFor();
  return someone;
}

export async function go(page, hash) {
  await page.evaluate((to) => { window.location.hash = to; }, hash);
}

export async function topUp(page, yuan) {
  await go(page, "/bank");
  await page.getByLabel("Amount").fill(yuan);
  await page.getByRole("button", { name: "Top up", exact: true }).click();
  await page.locator('[data-status="done"]').waitFor();
  await go(page, "/");
}

/** Waits until home shows a balance. */
export async function balance(name, page, text) {
  await go(page, "/");
  return comes(name, page.getByTestId("balance").getByText(text, { exact: true }).waitFor());
}

/** Verifies the real name, so that limits are wide enough, and sets the PIN. */
export async function settle(page, name, idNumber, digits) {
  await go(page, "/settings");
  await page.getByLabel("Name as on the papers").fill(name);
  await page.getByLabel("Id number").fill(idNumber);
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("real name").waitFor();
  await page.getByRole("button", { name: "Set a PIN" }).click();
  await pin(page, digits);
  await pin(page, digits);
  await page.getByText("The PIN is set.").waitFor();
}
