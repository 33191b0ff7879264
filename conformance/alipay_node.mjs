// Unmodified npm `alipay-sdk` against a running server. Usage: alipay_node.mjs CREDENTIALS

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { isDeepStrictEqual } from "node:util";

import { AlipaySdk } from "alipay-sdk";

const credentials = JSON.parse(readFileSync(process.argv[2], "utf8"));
const app = credentials.alipay;
let failed = 0;

function check(name, holds, why = "") {
  failed += holds ? 0 : 1;
  console.log(holds ? `ok  alipay-sdk: ${name}` : `FAIL alipay-sdk: ${name}: ${JSON.stringify(why)}`);
}

const equal = (name, actual, expected) => check(name, isDeepStrictEqual(actual, expected), [actual, expected]);
const fresh = (prefix) => prefix + randomBytes(10).toString("hex");

async function section(name, work) {
  try {
    await work();
  } catch (problem) {
    check(`${name} runs to its end`, false, String(problem?.stack ?? problem));
  }
}

function sdk(more = {}) {
  return new AlipaySdk({
    appId: app.app_id,
    privateKey: app.app_private_key_pem,
    alipayPublicKey: app.platform_public_key_pem,
    gateway: credentials.base_url + app.gateway_path,
    endpoint: credentials.base_url,
    encryptKey: app.encrypt_key,
    ...more,
  });
}

const client = sdk();
const exec = (method, bizContent, more = {}) => client.exec(method, { bizContent, ...more }, { validateSign: true });

// The shopper, by the command in the credentials: plain words and quoted ones.
function pay(link) {
  const words = credentials.payer.pay_command.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ""));
  const [program, ...rest] = words.map((word) => word.replace("{code_url}", link));
  return execFileSync(program, rest, { encoding: "utf8" });
}

const heard = [];
const shop = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    heard.push(Object.fromEntries(new URLSearchParams(body)));
    response.end("success");
  });
});
await new Promise((ready) => shop.listen(0, "127.0.0.1", ready));
const notifyUrl = `http://127.0.0.1:${shop.address().port}/notify`;

async function told(count) {
  for (let tries = 0; tries < 100 && heard.length < count; tries += 1) {
    await new Promise((ready) => setTimeout(ready, 100));
  }
  return heard[count - 1];
}

await section("an order", async () => {
  const outTradeNo = fresh("node");
  const order = { outTradeNo, totalAmount: "12.34", subject: "牛肉面 {noodles}" };
  const placed = await exec("alipay.trade.precreate", order, { notifyUrl });
  equal("precreate", placed.code, "10000");
  pay(placed.qrCode);
  const trade = await exec("alipay.trade.query", { outTradeNo });
  equal("query", [trade.code, trade.tradeStatus, trade.totalAmount], ["10000", "TRADE_SUCCESS", "12.34"]);
  const notice = await told(1);
  equal("its notice", [notice?.trade_no, notice?.trade_status], [trade.tradeNo, "TRADE_SUCCESS"]);
  check("checkNotifySignV2", client.checkNotifySignV2({ ...notice }), notice);
  check("checkNotifySign", client.checkNotifySign({ ...notice }), notice);
  check("an altered notice", !client.checkNotifySignV2({ ...notice, total_amount: "0.01" }), notice);
  const refund = (refundAmount) => exec("alipay.trade.refund", { outTradeNo, refundAmount, outRequestNo: "r1" });
  const first = await refund("2.34");
  equal("refund", [first.fundChange, first.refundFee], ["Y", "2.34"]);
  equal("refund again", (await refund("2.34")).fundChange, "N");
  const query = await exec("alipay.trade.fastpay.refund.query", { outTradeNo, outRequestNo: "r1" });
  equal("refund query", [query.refundAmount, query.refundStatus], ["2.34", "REFUND_SUCCESS"]);
  check("the refund's notice", client.checkNotifySignV2({ ...(await told(2)) }), heard);
});

await section("refusals", async () => {
  const nothing = await exec("alipay.trade.query", { outTradeNo: fresh("none") });
  equal("a trade that is none, in its node, signed", [nothing.code, nothing.subCode], ["40004", "ACQ.TRADE_NOT_EXIST"]);
  const stranger = sdk({ privateKey: credentials.alipay_other.app_private_key_pem });
  const refused = await stranger.exec("alipay.trade.query", { bizContent: { outTradeNo: "a" } }, { validateSign: true });
  equal("a key of somebody else", [refused.code, refused.subCode], ["40002", "isv.invalid-signature"]);
  const none = await exec("alipay.trade.nothing", {});
  equal("a method that is none", none.subCode, "isv.invalid-method");
});

await section("content in AES", async () => {
  const bizContent = { outTradeNo: fresh("aes"), totalAmount: "1.00", subject: "茶" };
  // The SDK cannot verify the signature over a sealed node.
  const placed = await client.exec("alipay.trade.precreate", { bizContent, needEncrypt: true });
  check("precreate, sealed", placed.code === "10000" && placed.qrCode, placed);
});

await section("pages", async () => {
  for (const kind of ["page", "wap", "app"]) {
    const outTradeNo = fresh(kind);
    const bizContent = { outTradeNo, totalAmount: "3.21", subject: "茶 & 面", productCode: "FAST_INSTANT_TRADE_PAY" };
    const returnUrl = "http://127.0.0.1:9/back?shop=1";
    const method = `alipay.trade.${kind}.pay`;
    const link = kind === "app"
      ? client.sdkExecute(method, { bizContent })
      : client.pageExecute(method, "GET", { bizContent, returnUrl });
    const cashier = kind === "app" ? null : (await fetch(link, { redirect: "manual" })).headers.get("location");
    pay(link);
    const trade = await exec("alipay.trade.query", { outTradeNo });
    equal(`the shopper pays ${kind}.pay`, trade.tradeStatus, "TRADE_SUCCESS");
    if (kind === "app") continue;
    const back = await fetch(`${cashier}/return`, { redirect: "manual" });
    const fields = Object.fromEntries(new URL(back.headers.get("location")).searchParams);
    equal(`${kind}.pay leads back to the shop`, [fields.shop, fields.out_trade_no], ["1", outTradeNo]);
    delete fields.shop;
    check(`${kind}.pay's way back is signed`, client.checkNotifySignV2(fields), fields);
  }
});

await section("REST", async () => {
  const curl = async (path, body, more = {}) => (await client.curl("POST", `/v3/alipay/${path}`, { body, ...more })).data;
  // What a refusal says: the SDK throws it.
  const refused = (answer) => answer.then(() => ["no refusal"], (error) => [error.responseHttpStatus, error.code]);
  const number = { out_trade_no: fresh("rest") };
  const order = { ...number, total_amount: "12.34", subject: "牛肉面", notify_url: notifyUrl };
  const before = heard.length;
  const placed = await curl("trade/precreate", order);
  check("v3 precreate", placed.qr_code, placed);
  pay(placed.qr_code);
  const trade = await curl("trade/query", number);
  equal("v3 query", [trade.trade_status, trade.total_amount], ["TRADE_SUCCESS", "12.34"]);
  const notice = await told(before + 1);
  check("v3 notice", client.checkNotifySignV2({ ...notice }) && notice.trade_no === trade.trade_no, notice);
  const refund = () => curl("trade/refund", { ...number, refund_amount: "2.34", out_request_no: "r1" });
  equal("v3 refund, twice", [(await refund()).fund_change, (await refund()).fund_change], ["Y", "N"]);
  const found = await curl("trade/fastpay/refund/query", { ...number, out_request_no: "r1" });
  equal("v3 refund query", found.refund_amount, "2.34");
  equal("v3 close of what is paid", await refused(curl("trade/close", number)), [400, "ACQ.TRADE_STATUS_ERROR"]);
  equal("v3 nothing", await refused(curl("trade/query", { out_trade_no: fresh("none") })), [400, "ACQ.TRADE_NOT_EXIST"]);
  const sealed = await curl("trade/query", number, { needEncrypt: true });
  equal("v3 query, sealed", sealed.trade_no, trade.trade_no);
  const open = { ...order, out_trade_no: fresh("rest") };
  await curl("trade/precreate", open);
  equal("v3 cancel", (await curl("trade/cancel", { out_trade_no: open.out_trade_no })).action, "close");
  const account = await client.curl("GET", "/v3/alipay/fund/account/query", { query: { account_type: "ACCTRANS_ACCOUNT" } });
  check("v3 account", Number(account.data.available_amount) > 0, account.data);
  const stranger = sdk({ privateKey: credentials.alipay_other.app_private_key_pem });
  equal("v3 a key of somebody else", await refused(stranger.curl("POST", "/v3/alipay/trade/query", { body: number })), [401, "invalid-signature"]);
});

await section("certificate mode", async () => {
  const operator = { authorization: `Bearer ${credentials.operator_key}` };
  const merchants = await (await fetch(`${credentials.base_url}/v1/merchants`, { headers: operator })).json();
  const path = `/v1/merchants/${merchants.data[0].id}/alipay_app`;
  const keys = await (await fetch(credentials.base_url + path, { headers: operator })).json();
  const certified = sdk({
    alipayPublicKey: undefined,
    appCertContent: keys.certificate_pem,
    alipayPublicCertContent: keys.platform_certificate_pem,
    alipayRootCertContent: keys.root_certificate_pem,
  });
  const bizContent = { outTradeNo: fresh("none") };
  const answer = await certified.exec("alipay.trade.query", { bizContent }, { validateSign: true });
  equal("a query with both certificates named", answer.subCode, "ACQ.TRADE_NOT_EXIST");
  const account = await certified.curl("GET", "/v3/alipay/fund/account/query", {});
  check("v3 with both certificates named", account.data.available_amount, account.data);
  const alipayCertSn = certified.config.alipayCertSn;
  const download = await certified.exec("alipay.open.app.alipaycert.download", { bizContent: { alipayCertSn } }, { validateSign: true });
  equal("the platform's certificate", Buffer.from(download.alipayCertContent ?? "", "base64").toString(), keys.platform_certificate_pem);
});

shop.close();
process.exit(failed ? 1 : 0);
