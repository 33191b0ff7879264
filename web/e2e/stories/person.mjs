// One person: PIN, lock, a lost device, another language, another look.
import { person, picture } from "../browser.mjs";
import { accessible, check, comes } from "../check.mjs";
import { go, newcomer, pin, settle, topUp } from "../wallet.mjs";

export default async function story({ server, with: takes }) {
  const cai = takes(await newcomer(server, "13911110001", "Cai Wen"));
  const { page } = cai;
  await accessible(page, "home");
  await settle(page, "Cai Wen", "11010519491231002X", "135790");
  await topUp(page, "2000.00");
  await picture(page, "wallet-home");

  await go(page, "/send");
  await page.getByLabel(/Phone number or/).fill("13911119999");
  await page.getByRole("button", { name: "Find" }).click();
  await comes("who is not registered is said to be so", page.getByText(/Not registered yet/).waitFor());
  await page.getByLabel("Amount").fill("1500");
  await page.getByRole("button", { name: /^Send/ }).click();
  for (const wrong of ["000000", "000001", "000002", "000003"]) await pin(page, wrong);
  await pin(page, "000004");
  await comes("five wrong PINs lock it", page.getByText(/PIN is locked/).waitFor());
  await go(page, "/settings");
  await page.reload();
  await page.getByLabel("Your phone number").fill("13911110001");
  await page.getByRole("button", { name: "Send the code" }).click();
  const hint = await page.getByText(/the code is \d{6}/).textContent();
  await page.getByLabel("Code", { exact: true }).fill(/\d{6}/.exec(hint)[0]);
  await page.getByLabel("Name", { exact: true }).fill("Cai Wen");
  await page.getByLabel(/Last four/).fill("002X");
  await page.getByRole("button", { name: "Unlock" }).click();
  await pin(page, "246801");
  await comes("it is unlocked by code, name and papers", page.getByRole("button", { name: "Change the PIN" }).waitFor());
  await accessible(page, "settings");

  await page.getByLabel("Language").selectOption("zh");
  await comes("中文", page.getByRole("heading", { name: "设置" }).waitFor());
  await page.getByLabel("深色模式").check();
  check("dark mode", (await page.locator("html").getAttribute("data-look")) === "dark");
  await accessible(page, "设置, dark");
  await go(page, "/");
  await comes("the home page in Chinese", page.getByText("付款码").first().waitFor());
  await picture(page, "wallet-home-zh-dark");

  const thief = page;
  const second = takes(await person(server.url));
  await second.page.goto("/wallet/");
  await second.page.getByRole("button", { name: "I lost a device" }).click();
  await second.page.getByLabel("Phone number").fill("13911110001");
  await second.page.getByRole("button", { name: "Send the code" }).click();
  const code = /\d{6}/.exec(await second.page.getByText(/the code is \d{6}/).textContent())[0];
  await second.page.getByLabel("Code", { exact: true }).fill(code);
  await second.page.getByRole("button", { name: "Stop all devices" }).click();
  await second.page.getByText(/No device of this account/).waitFor();
  await go(thief, "/entries");
  await comes("a lost device is out at once", thief.getByLabel("手机号").waitFor());
}

