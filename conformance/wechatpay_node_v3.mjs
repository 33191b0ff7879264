// Unmodified npm `wechatpay-node-v3` against a running server. Usage: wechatpay_node_v3.mjs CREDENTIALS
//
// Its host is a literal; `createHttp` is the hook that it documents for another one.

import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, createVerify, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import WxPay from "wechatpay-node-v3";
import { PayRequest } from "wechatpay-node-v3/dist/lib/pay-request.js";

const credentials = JSON.parse(readFileSync(process.argv[2], "utf8"));
const shop = credentials.wechat;
let failed = 0;

function check(name, holds, why = "") {
  failed += holds ? 0 : 1;
  const reason = () => JSON.stringify(why)?.slice(0, 600);
  console.log(holds ? `ok  wechatpay-node-v3: ${name}` : `FAIL wechatpay-node-v3: ${name}: ${reason()}`);
}

const equal = (name, actual, expected) => check(name, actual === expected, [actual, expected]);
const fresh = (prefix) => prefix + randomBytes(8).toString("hex");

async function section(name, work) {
  try {
    await work();
  } catch (problem) {
    check(`${name} runs to its end`, false, String(problem?.stack ?? problem));
  }
}

function sdk(privateKey = shop.merchant_private_key_pem) {
  const wx = new WxPay({
    appid: shop.appid,
    mchid: shop.mchid,
    publicKey: Buffer.from("not read when serial_no is given"),
    privateKey: Buffer.from(privateKey),
    serial_no: shop.merchant_serial_no,
    key: shop.api_v3_key,
  });
  const own = new PayRequest();
  const here = (url) => url.replace("https://api.mch.weixin.qq.com", credentials.base_url);
  wx.createHttp({
    get: (url, headers) => own.get(here(url), headers),
    post: (url, params, headers) => own.post(here(url), params, headers),
    upload: (url, params, headers) => own.upload(here(url), params, headers),
  });
  return wx;
}

const wx = sdk();

// The SDK answers { status, data } or { status, error: text }.
function refused(name, answer, status, code) {
  let said;
  try {
    said = JSON.parse(answer.error).code;
  } catch {
    said = answer;
  }
  check(name, answer.status === status && said === code, [answer.status, said]);
}

const heard = [];
const till = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    heard.push({ headers: request.headers, body: JSON.parse(body) });
    response.writeHead(204).end();
  });
});
await new Promise((ready) => till.listen(0, "127.0.0.1", ready));
const notify_url = `http://127.0.0.1:${till.address().port}/told`;

async function told(type) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = heard.find((notice) => notice.body.event_type === type);
    if (found) {
      heard.splice(heard.indexOf(found), 1);
      return found;
    }
    await new Promise((later) => setTimeout(later, 50));
  }
  throw new Error(`no notice of ${type}`);
}

// As its users have it: the parsed body is handed over, and made a text again by the SDK.
async function opened({ headers, body }, key = wx) {
  const genuine = await key.verifySign({
    timestamp: headers["wechatpay-timestamp"],
    nonce: headers["wechatpay-nonce"],
    body,
    serial: headers["wechatpay-serial"],
    signature: headers["wechatpay-signature"],
  });
  const { ciphertext, associated_data, nonce } = body.resource;
  return { genuine, content: wx.decipher_gcm(ciphertext, associated_data, nonce) };
}

const order = (out_trade_no, total = 1000, more = {}) => ({
  description: '牛肉面 "大" <辣>',
  out_trade_no,
  notify_url,
  amount: { total, currency: "CNY" },
  ...more,
});

function pay(code_url) {
  const words = credentials.payer.pay_command.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ""));
  const [program, ...rest] = words.map((word) => word.replace("{code_url}", code_url));
  execFileSync(program, rest);
}

async function paid(number, total, more) {
  const placed = await wx.transactions_native(order(number, total, more));
  pay(placed.data.code_url);
  return (await wx.query({ out_trade_no: number })).data;
}

await section("an order's life", async () => {
  const number = fresh("node-");
  const placed = await wx.transactions_native(order(number));
  check("native gives a code_url", placed.status === 200 && placed.data.code_url, placed);
  const again = await wx.transactions_native(order(number));
  equal("the same order again is the same", again.data?.code_url, placed.data.code_url);
  const before = await wx.query({ out_trade_no: number });
  equal("query before", before.data.trade_state, "NOTPAY");
  pay(placed.data.code_url);
  const after = (await wx.query({ out_trade_no: number })).data;
  equal("query after", after.trade_state, "SUCCESS");
  const byId = await wx.query({ transaction_id: after.transaction_id });
  equal("query by transaction_id", byId.data.out_trade_no, number);
  refused("a paid order cannot be closed", await wx.close(number), 400, "ORDER_PAID");

  // Certificates are fetched when a name is unknown, which is so at the first notice.
  const { genuine, content } = await opened(await told("TRANSACTION.SUCCESS"));
  check("the notice's signature holds under the certificate that it names", genuine);
  equal("the notice opens", content.transaction_id, after.transaction_id);
});

await section("refunds", async () => {
  const number = fresh("node-");
  const whole = await paid(number, 1000);
  const refund = {
    transaction_id: whole.transaction_id, out_refund_no: `${number}-r`, notify_url,
    amount: { refund: 300, total: 1000, currency: "CNY" },
  };
  const first = await wx.refunds(refund);
  equal("refund", first.data?.amount.refund, 300);
  equal("the same refund again", (await wx.refunds(refund)).data?.refund_id, first.data.refund_id);
  const found = await wx.find_refunds(refund.out_refund_no);
  equal("find_refunds", found.data.status, "SUCCESS");
  const more = { ...refund, out_refund_no: `${number}-s`, amount: { ...refund.amount, refund: 701 } };
  const over = await wx.refunds(more);
  check("more than is left is refused", over.status >= 400 && over.status < 500, over);
  for (;;) {
    const notice = await told("REFUND.SUCCESS");
    const { genuine, content } = await opened(notice);
    if (content.out_refund_no !== refund.out_refund_no) continue;
    check("the refund's notice is genuine and opens", genuine && content.refund_status === "SUCCESS", content);
    break;
  }
  refused("a refund that is not there", await wx.find_refunds(fresh("node-")), 404, "RESOURCE_NOT_EXISTS");
});

await section("other products", async () => {
  const jsapi = await wx.transactions_jsapi(order(fresh("node-"), 100, { payer: { openid: shop.openid } }));
  const invoke = jsapi.data;
  const signed = [invoke.appId, invoke.timeStamp, invoke.nonceStr, invoke.package, ""].join("\n");
  const key = createPublicKey(shop.merchant_private_key_pem);
  const holds = createVerify("RSA-SHA256").update(signed).verify(key, invoke.paySign, "base64");
  check("jsapi gives what the page invokes", holds && invoke.package.startsWith("prepay_id=wx"), jsapi);
  const app = await wx.transactions_app(order(fresh("node-")));
  check("app gives what the app invokes", app.status === 200 && app.data.prepayid && app.data.sign, app);
  const scene_info = { payer_client_ip: "127.0.0.1", h5_info: { type: "Wap" } };
  const h5 = await wx.transactions_h5(order(fresh("node-"), 100, { scene_info }));
  check("h5 gives its link", h5.status === 200 && h5.data.h5_url.startsWith(credentials.base_url), h5);

  const number = fresh("node-");
  await wx.transactions_native(order(number));
  equal("close", (await wx.close(number)).status, 204);
  equal("closed", (await wx.query({ out_trade_no: number })).data.trade_state, "CLOSED");
});

await section("the day's bill", async () => {
  const bill_date = new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);
  const number = fresh("node-");
  await paid(number, 700);
  const asked = await wx.tradebill({ bill_date, bill_type: "ALL" });
  check("tradebill", asked.status === 200 && asked.data.hash_type === "SHA1", asked);
  // Its own host is taken off before it signs; ours is not, so the path alone is handed over.
  const address = asked.data.download_url.replace(credentials.base_url, "https://api.mch.weixin.qq.com");
  const bill = await wx.downloadBill(address);
  const bytes = Buffer.from(bill.data);
  equal("the bill's hash", createHash("sha1").update(bytes).digest("hex"), asked.data.hash_value);
  check("the bill lists the order", bytes.toString("utf8").includes(number), bytes.toString("utf8").slice(0, 300));
});

await section("refusals", async () => {
  refused("an unknown order", await wx.query({ out_trade_no: fresh("node-") }), 404, "ORDER_NOT_EXIST");
  refused("no amount", await wx.transactions_native(order(fresh("node-"), 0)), 400, "PARAM_ERROR");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const stranger = sdk(privateKey.export({ type: "pkcs8", format: "pem" }));
  refused("another's key", await stranger.query({ out_trade_no: fresh("node-") }), 401, "SIGN_ERROR");
  heard.length = 0;
  const number = fresh("node-");
  await paid(number, 100);
  const notice = await told("TRANSACTION.SUCCESS");
  notice.body.resource.nonce = `x${notice.body.resource.nonce.slice(1)}`;
  const { headers, body } = notice;
  const genuine = await wx.verifySign({
    timestamp: headers["wechatpay-timestamp"], nonce: headers["wechatpay-nonce"], body,
    serial: headers["wechatpay-serial"], signature: headers["wechatpay-signature"],
  });
  check("a notice that was changed is not genuine", genuine === false);
});

till.close();
process.exit(failed ? 1 : 0);
