// Money between people: taken back, arrived, and a red packet by six.
import { picture } from "../browser.mjs";
import { accessible, check, comes } from "../check.mjs";
import { balance, go, newcomer, topUp } from "../wallet.mjs";

export default async function story({ server, with: takes }) {
  const ann = takes(await newcomer(server, "13900000001", "Ann Lee"));
  const bob = takes(await newcomer(server, "13900000002", "Bob Chen"));
  await topUp(ann.page, "100.00");
  await balance("a top-up arrives", ann.page, "¥100.00");

  await go(ann.page, "/send");
  await ann.page.getByLabel(/Phone number or/).fill("13900000002");
  await ann.page.getByRole("button", { name: "Find" }).click();
  const masked = await ann.page.locator(".payee strong").textContent();
  check("the payee's name is shown masked before consent", /\*/.test(masked) && !masked.includes("Bob Chen"), masked);
  await ann.page.getByLabel("Amount").fill("20");
  await ann.page.getByLabel("in 2 hours").check();
  await accessible(ann.page, "transfer");
  await ann.page.getByRole("button", { name: /^Send/ }).click();
  await comes("a delayed transfer waits", ann.page.locator('[data-status="waiting"]').waitFor());
  await ann.page.getByRole("button", { name: "Take it back" }).click();
  await comes("it is taken back", ann.page.locator('[data-status="taken_back"]').waitFor());
  await balance("the money is back", ann.page, "¥100.00");

  await go(ann.page, "/send");
  await ann.page.getByLabel(/Phone number or/).fill("13900000002");
  await ann.page.getByRole("button", { name: "Find" }).click();
  await ann.page.getByLabel("Amount").fill("20");
  await ann.page.getByRole("button", { name: /^Send/ }).click();
  await comes("a transfer arrives at once", ann.page.locator('[data-status="arrived"]').waitFor());
  await balance("the payee has it without a reload", bob.page, "¥20.00");

  await go(ann.page, "/packets");
  await ann.page.getByLabel("Total").fill("6.66");
  await ann.page.getByRole("button", { name: "Put the money in" }).click();
  const link = await ann.page.getByTestId("packet-link").textContent();
  const others = [bob];
  for (const place of [3, 4, 5, 6, 7]) others.push(takes(await newcomer(server, `1390000000${place}`, `Friend ${place}`)));
  const drawn = await Promise.all(others.map(async ({ page }) => {
    await page.goto(new URL(link).pathname);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    return page.getByTestId("drawn").textContent();
  }));
  const sum = drawn.reduce((sum, text) => sum + Math.round(Number(text.replace("¥", "")) * 100), 0);
  check("six draws add up to the packet", sum === 666, drawn.join(" "));
  await bob.page.reload();
  await comes("one of them is the luckiest", bob.page.locator("[data-luckiest]").first().waitFor());
  await picture(bob.page, "wallet-packet");
  await accessible(bob.page, "red packet");
}
