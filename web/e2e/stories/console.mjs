// Two operators: a shop becomes a merchant, a campaign's discount is paid by nobody before the second agreed, money by hand
// waits, a person's data is read and the person sees it, and the books tell all of it.
import { COUNTER, person, picture } from "../browser.mjs";
import { accessible, check, comes } from "../check.mjs";
import { agree, choose, decide, enter, merchantServer, operator, press, refreshUntil, wechatOrder, writeTime } from "../console.mjs";
import { go, newcomer, topUp } from "../wallet.mjs";

const PHONE = "13944448231";
const SHOP = "Plum Tea House";
const CAMPAIGN = "Three off at Plum";

async function open(page, route, heading) {
  await go(page, `/${route}`);
  await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
}

/** A shop applies, an operator approves, its owner signs in to the till. */
async function merchant(anna, owner) {
  await owner.goto("/till/#/apply");
  await owner.getByLabel("Name of the shop").fill(SHOP);
  await owner.getByLabel("What it sells").selectOption("5814");
  await owner.getByLabel("Person to talk to").fill("Mei Lin");
  await owner.getByLabel("Phone", { exact: true }).fill("13800001111");
  await owner.getByLabel("Owner's name at the till").fill("Plum");
  await accessible(owner, "application");
  await owner.getByRole("button", { name: "Apply", exact: true }).click();
  await comes("a shop applies", owner.getByRole("heading", { name: "We have your application" }).waitFor());

  await open(anna, "merchants/applications", "Applications");
  await accessible(anna, "console: applications");
  await anna.getByRole("row", { name: SHOP }).getByRole("button", { name: "Review" }).click();
  await anna.getByLabel("Fee of every payment").fill("1");
  await anna.getByRole("button", { name: "Approve and make keys" }).click();
  const told = anna.getByRole("dialog", { name: `The keys of ${SHOP}` });
  const password = await told.getByLabel(/^First password of Plum/).textContent();
  const shop = /shop (\d+)/.exec(await told.getByText(/^First password/).textContent())[1];
  await accessible(anna, "console: keys");
  await told.getByRole("button", { name: "I have saved them" }).click();
  await told.getByRole("button", { name: /close$/ }).click();
  await told.waitFor({ state: "hidden" });
  await anna.reload();
  await anna.getByRole("heading", { name: "Applications", level: 1 }).waitFor();
  check("keys are shown once", !(await anna.content()).includes(password));
  await anna.getByText("Approved", { exact: true }).click();
  await anna.getByRole("row", { name: SHOP }).getByRole("link", { name: /^mch_/ }).click();
  await anna.getByRole("heading", { name: SHOP, level: 1 }).waitFor();
  await decide(anna, "Pause");
  await comes("a merchant is paused", anna.getByText("Paused").waitFor());
  await decide(anna, "Resume");
  await comes("and takes payments again", anna.getByText("Active").waitFor());
  await anna.getByRole("button", { name: "Change the fee" }).click();
  await anna.getByLabel("Of every payment from now on").fill("0.6");
  await agree(anna, "Change");
  await comes("its fee is changed", anna.getByText("0.60 %").waitFor());
  await accessible(anna, "console: merchant");

  await owner.getByRole("link", { name: "To the sign-in" }).click();
  await owner.getByLabel("Shop number").fill(shop);
  await owner.getByLabel("Your name").fill("Plum");
  await owner.getByLabel("Password").fill(password);
  await owner.getByRole("button", { name: "Sign in" }).click();
  await comes("its owner signs in to the till", owner.getByRole("button", { name: "Show a code" }).waitFor());
}

/** The rule editor, a preview, a test on the past; approved by the other operator only. */
async function campaign(anna, bert) {
  await open(anna, "campaigns/new", "New campaign");
  await anna.getByLabel("Name", { exact: true }).fill(CAMPAIGN);
  await anna.getByLabel("This much").fill("3");
  await writeTime(anna, "From (UTC+8)", -1);
  await writeTime(anna, "Until (UTC+8)", 30);
  await anna.getByLabel("Budget", { exact: true }).fill("1000");
  await choose(anna, "At these merchants only", SHOP);
  await anna.keyboard.press("Escape");
  await anna.getByLabel("Rule", { exact: true }).fill("amount >");
  await comes("a rule is judged while it is written", anna.getByText("✗ The rule cannot be used").waitFor());
  await anna.getByLabel("Rule", { exact: true }).fill("amount >= 1000 && tier >= BASIC");
  await comes("a good one is said to be good", anna.getByText("✓ The rule can be used").waitFor());
  await anna.getByText("The server would take it.").waitFor();
  await anna.reload();
  await anna.getByText("The server would take it.").waitFor();
  check("what is half written survives a reload", (await anna.getByLabel("Name", { exact: true }).inputValue()) === CAMPAIGN);
  await choose(anna, "Merchant", SHOP);
  await anna.getByRole("button", { name: "What would it cost?" }).click();
  await comes("one payment is tried", anna.getByText("¥27.00").waitFor());
  await anna.getByRole("button", { name: "Ask every past payment" }).click();
  await comes("and the past", anna.getByText(/^0 \/ \d/).waitFor());
  await picture(anna, "console-campaign");
  await accessible(anna, "console: campaign builder");
  await anna.getByRole("button", { name: "Save as a draft" }).dblclick();
  await anna.getByRole("heading", { name: CAMPAIGN, level: 1 }).waitFor();
  const id = new URL(anna.url()).hash.split("/").pop();

  await anna.getByRole("button", { name: "Approve", exact: true }).click();
  await press(anna, "Approve");
  await comes("who added it cannot approve it", anna.getByRole("dialog").getByText("same_operator").waitFor());
  await press(anna, "Cancel");

  await open(bert, "campaigns", "Campaigns");
  await bert.getByRole("row", { name: CAMPAIGN }).first().waitFor();
  const added = await bert.getByRole("row", { name: CAMPAIGN }).count();
  check("a double click added one", added === 1, `${added}`);
  await accessible(bert, "console: campaigns");
  await bert.getByRole("link", { name: CAMPAIGN }).click();
  await decide(bert, "Approve");
  await decide(bert, "Start");
  await comes("the second operator approves and starts it", bert.getByText("Running").waitFor());
  await accessible(bert, "console: campaign");
  return id;
}

/** Above a limit one operator is not enough. */
async function fourEyes(anna, bert, id) {
  await open(anna, `campaigns/${id}`, CAMPAIGN);
  await anna.getByRole("button", { name: "Change", exact: true }).click();
  await anna.getByLabel(/^From ¥1,000.00 to/).fill("200000");
  await agree(anna, "Change");
  await comes("a large budget waits for a second operator", anna.getByText(/It waits for a second operator/).waitFor());
  await open(bert, "ledger", "Ledger");
  const reserve = bert.getByRole("row", { name: /^capital .* Lantern/ });
  const before = await reserve.textContent();
  await bert.getByRole("button", { name: "Put own money in" }).click();
  await choose(bert, "Brand", "Lantern");
  await bert.getByLabel("Amount", { exact: true }).fill("150000");
  await agree(bert, "Put it in");
  await comes("so does money by hand", bert.getByText(/It waits for a second operator/).waitFor());

  await open(anna, "approvals", "Approvals");
  await anna.getByRole("row", { name: CAMPAIGN }).getByRole("button", { name: "Approve" }).click();
  await press(anna, "Approve");
  await comes("nobody agrees to what they began", anna.getByRole("dialog").getByText("same_operator").waitFor());
  await press(anna, "Cancel");
  await accessible(anna, "console: approvals");
  await anna.getByRole("row", { name: "Own money" }).getByRole("button", { name: "Approve" }).click();
  await agree(anna, "Approve");
  await open(bert, "approvals", "Approvals");
  await bert.getByRole("row", { name: CAMPAIGN }).getByRole("button", { name: "Approve" }).click();
  await agree(bert, "Approve");
  await open(bert, `campaigns/${id}`, CAMPAIGN);
  await comes("the budget is larger", bert.getByText("left of ¥200,000.00").waitFor());
  await open(bert, "ledger", "Ledger");
  await reserve.waitFor();
  check("the money is there", before.includes("¥100,000.00") && (await reserve.textContent()).includes("¥250,000.00"), await reserve.textContent());
}

/** The shopper's next payment bears the discount, in the wallet and at the till. Answers the order's id. */
async function payment(shopper, till) {
  for (const digit of "30") await till.getByRole("group", { name: "Keypad" }).getByRole("button", { name: digit, exact: true }).click();
  const made = till.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/app/till/orders"));
  await till.getByRole("button", { name: "Show a code" }).click();
  const order = await (await made).json();
  await shopper.goto(new URL(order.code_url).pathname);
  const discounted = shopper.locator(".price").filter({ hasText: CAMPAIGN }).getByTestId("to-pay").getByText("¥27.00");
  await comes("the cashier shows the discount", discounted.waitFor());
  await shopper.getByRole("button", { name: "Pay ¥27.00" }).click();
  await shopper.getByRole("heading", { name: "Paid" }).first().waitFor();
  await till.getByRole("heading", { name: "Paid", exact: true }).waitFor();
  const facts = await till.locator(".facts").textContent();
  check("so does the till", facts.includes("Discount¥3.00") && facts.includes("Shopper paid¥27.00"), facts);
  await till.getByRole("button", { name: "Next customer" }).click();
  return order.id;
}

/** Support finds a person without reading who it is, reads with a reason, freezes. */
async function support(anna, shopper, till) {
  await open(anna, "users", "Users");
  await anna.getByLabel("Search", { exact: true }).fill(PHONE.slice(-4));
  await anna.keyboard.press("Enter");
  const found = anna.getByRole("row", { name: /8231/ });
  await found.waitFor();
  check("a search shows masked data only", !/Eve Tang|139 ?4444/.test(await found.textContent()), await found.textContent());
  await accessible(anna, "console: users");
  await found.getByRole("link").click();
  await anna.getByLabel("Why it must be read").fill("Complaint 4711");
  await anna.getByRole("button", { name: "Read", exact: true }).click();
  await comes("with a reason a person can be read", anna.getByText("Eve Tang").waitFor());
  await accessible(anna, "console: user");
  await shopper.goto("/wallet/#/settings");
  await comes("who sees by whom and why", shopper.getByText(/person · Complaint 4711/).waitFor());

  await anna.getByRole("button", { name: "Freeze", exact: true }).click();
  await anna.getByLabel("Reason, for the audit trail").fill("Phone reported stolen");
  await agree(anna, "Freeze");
  await anna.getByText("Frozen").waitFor();
  await till.getByRole("group", { name: "Keypad" }).getByRole("button", { name: "9", exact: true }).click();
  const made = till.waitForResponse((answer) => answer.request().method() === "POST" && answer.url().endsWith("/app/till/orders"));
  await till.getByRole("button", { name: "Show a code" }).click();
  await shopper.goto(new URL((await (await made).json()).code_url).pathname);
  await shopper.getByRole("button", { name: /^Pay ¥/ }).click();
  await comes("who is frozen cannot pay", shopper.getByText(/frozen/i).first().waitFor());
  await till.getByRole("button", { name: "Cancel" }).click();
  await till.getByRole("button", { name: "Next customer" }).click();
  await go(till, "/orders");
  await comes("the till lists what was not paid too", till.locator(".rows a").first().getByText("Cancelled").waitFor());

  await anna.getByRole("button", { name: "Unfreeze", exact: true }).click();
  await anna.getByLabel("Reason, for the audit trail").fill("Phone found again");
  await agree(anna, "Unfreeze");
  await comes("and is let free again", anna.getByText("Active").waitFor());
}

/** What a merchant's server does not take is seen, and sent again. */
async function notification(bert, shopper, server) {
  const shop = await merchantServer();
  try {
    const code = await wechatOrder(server, { notify: shop.url, fen: 500 });
    await shopper.goto(new URL(code).pathname);
    await shopper.getByRole("button", { name: /^Pay ¥/ }).click();
    await shopper.getByRole("heading", { name: "Paid" }).first().waitFor();
    await open(bert, "merchants/mch_0", /Noodles/);
    await bert.getByRole("link", { name: /^ord_/ }).first().click();
    await comes("an order's story shows what its shop is told", bert.getByRole("row").filter({ hasText: shop.url }).waitFor());
    await open(bert, "notifications", "Notifications");
    await bert.getByText("Waiting", { exact: true }).click();
    const row = bert.getByRole("row").filter({ hasText: shop.url });
    await refreshUntil(bert, () => row.filter({ hasText: "500" }).isVisible());
    check("what a merchant's server refused is seen", shop.tries >= 1);
    await accessible(bert, "console: notifications");
    shop.willing = true;
    await row.getByRole("button", { name: "Send now" }).click();
    await refreshUntil(bert, async () => !(await row.isVisible()));
    check("sent again, it arrives", shop.taken === 1, `${shop.tries} tries, ${shop.taken} taken`);
  } finally {
    shop.close();
  }
}

/** The books balance, an order tells its story, the trail what was done. */
async function books(anna, order) {
  await open(anna, "ledger", "Ledger");
  await comes("the books balance", anna.getByText("✓ Balanced").waitFor());
  await accessible(anna, "console: ledger");
  await anna.getByLabel(/^Open an order/).fill(order);
  await anna.keyboard.press("Enter");
  const paid = anna.locator(".story li").filter({ hasText: "order_paid" });
  await paid.waitFor();
  const postings = await paid.textContent();
  check("an order's story shows its postings", /wallet-\d+merchant-\d+¥27\.00/.test(postings) && /subsidy-\d+merchant-\d+¥3\.00/.test(postings), postings);
  await comes("and its discount", anna.getByText(`${CAMPAIGN} −¥3.00`).waitFor());
  await picture(anna, "console-order");
  await accessible(anna, "console: order");
  await paid.getByRole("link", { name: /^subsidy-/ }).first().click();
  await comes("an account's entries lead back to it", anna.getByRole("row").filter({ hasText: "order_paid" }).getByRole("link", { name: order }).waitFor());
  await accessible(anna, "console: account");
}

async function trail(anna) {
  await open(anna, "audit", "Audit trail");
  for (const [deed, why] of [["Approved an application"], ["Agreed as the second operator"], ["Read a person's data", "Complaint 4711"], ["Froze or unfroze a user", "Phone reported stolen"], ["Sent a notification again"], ["Approved a campaign refused, 422"]]) {
    const row = anna.getByRole("row").filter({ hasText: deed }).filter({ hasText: why ?? "" });
    await comes(`the trail tells: ${deed}`, row.first().waitFor());
  }
  await anna.getByRole("button", { name: "Is it whole?" }).click();
  await comes("it is whole", anna.getByText(/^Whole: \d+ entries/).waitFor());
  await accessible(anna, "console: audit trail");
}

/** A third operator may only look, and is closed. */
async function operators(anna, takes, server) {
  await open(anna, "operators", "Operators");
  await anna.getByRole("button", { name: "Add an operator" }).click();
  await anna.getByLabel("Name", { exact: true }).fill("carl");
  await anna.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
  const told = anna.getByRole("dialog", { name: "The key of carl" });
  const key = await told.getByLabel("fqo_…").textContent();
  await told.getByRole("button", { name: "I have saved it" }).click();
  const carl = takes(await person(server.url));
  await enter(carl.page, key);
  await carl.page.getByText("中文", { exact: true }).click();
  await carl.page.getByRole("button", { name: "深色模式" }).click();
  await comes("the console in Chinese", carl.page.getByRole("heading", { name: "概览", level: 1 }).waitFor());
  await accessible(carl.page, "console: 概览, dark, on a phone");
  await carl.page.getByText("EN", { exact: true }).click();
  await open(carl.page, "merchants/mch_0", /Noodles/);
  await carl.page.getByRole("button", { name: "Pause" }).click();
  await press(carl.page, "Pause");
  await comes("an auditor may only look", carl.page.getByRole("dialog").getByText("Your roles do not allow this.").waitFor());
  await anna.getByRole("row", { name: "carl" }).getByRole("button", { name: "Close" }).click();
  await agree(anna, "Close");
  await accessible(anna, "console: operators");
  await carl.page.reload();
  await comes("who is closed is out at once", carl.page.getByLabel("Operator key").waitFor());
}

export default async function story({ server, with: takes }) {
  const [{ page: anna }, { page: bert }] = [takes(await operator(server, "operator")), takes(await operator(server, "second"))];
  const { page: till } = takes(await person(server.url, { size: COUNTER }));
  const { page: eve } = takes(await newcomer(server, PHONE, "Eve Tang"));
  await topUp(eve, "100.00");

  await anna.getByRole("img", { name: "Volume by brand over time" }).locator("svg").first().waitFor();
  await picture(anna, "console-overview");
  await accessible(anna, "console: overview");
  await merchant(anna, till);
  const id = await campaign(anna, bert);
  await fourEyes(anna, bert, id);
  const order = await payment(eve, till);
  await support(anna, eve, till);
  await notification(bert, eve, server);
  await books(anna, order);
  await trail(anna);
  await operators(anna, takes, server);
}
