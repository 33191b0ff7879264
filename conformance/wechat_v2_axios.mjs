// Unmodified npm `wechatpay-axios-plugin`, its v2 half, against a running server. Usage: wechat_v2_axios.mjs CREDENTIALS

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import plugin from "wechatpay-axios-plugin";

const { Wechatpay, Aes, Formatter, Hash, Transformer } = plugin;
const credentials = JSON.parse(readFileSync(process.argv[2], "utf8"));
const shop = credentials.wechat;
let failed = 0;

function check(name, holds, why = "") {
  failed += holds ? 0 : 1;
  const reason = () => JSON.stringify(why)?.slice(0, 600);
  console.log(holds ? `ok  wechatpay-axios-plugin v2: ${name}` : `FAIL wechatpay-axios-plugin v2: ${name}: ${reason()}`);
}

const equal = (name, actual, expected) => check(name, actual === expected, [actual, expected]);
const fresh = (prefix) => prefix + randomBytes(8).toString("hex");

async function section(name, work) {
  try {
    await work();
  } catch (problem) {
    const why = problem?.response?.data ?? problem?.stack ?? problem;
    check(`${name} runs to its end`, false, why);
  }
}

function sdk(of = shop, secret = of.api_v2_key) {
  return new Wechatpay({
    mchid: of.mchid,
    serial: of.merchant_serial_no,
    privateKey: of.merchant_private_key_pem,
    certs: { [of.platform_public_key_id]: of.platform_public_key_pem },
    secret,
    baseURL: `${credentials.base_url}/`,
  });
}

const wxpay = sdk();
const common = (of = shop) => ({ appid: of.appid, mch_id: of.mchid });
// Every answer that is no refusal has had its signature verified by the plugin.
const ask = async (path, more, { by = wxpay, of = shop } = {}) =>
  (await path.split("/").reduce((part, name) => part[name], by.v2).post({ ...common(of), ...more })).data;

async function refused(name, path, more, code, options) {
  try {
    check(name, false, await ask(path, more, options));
  } catch (problem) {
    const data = problem?.response?.data;
    equal(name, data?.err_code ?? data?.return_msg, code);
  }
}

const order = (number, more = {}) => ({
  body: "牛肉面 <大&辣>",
  attach: "table 7 & <x>",
  out_trade_no: number,
  total_fee: 1000,
  spbill_create_ip: "127.0.0.1",
  notify_url: notifyUrl,
  trade_type: "NATIVE",
  ...more,
});

function command(text) {
  const words = text.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ""));
  return (change) => {
    const [program, ...rest] = words.map(change);
    return execFileSync(program, rest, { encoding: "utf8" });
  };
}

const pay = (link) => command(credentials.payer.pay_command)((word) => word.replace("{code_url}", link));
const authCode = () => command(credentials.payer.auth_code_command)((word) => word).match(/\d{18}/)[0];

const heard = [];
const endpoint = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    heard.push(Transformer.toObject(body));
    response.end(Transformer.toXml({ return_code: "SUCCESS", return_msg: "OK" }));
  });
});
await new Promise((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
const notifyUrl = `http://127.0.0.1:${endpoint.address().port}/notify`;

async function notice(fits) {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = heard.find(fits);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("no notice within 10 s");
}

for (const signType of ["MD5", "HMAC-SHA256"]) {
  await section(`life of an order, ${signType}`, async () => {
    const number = fresh("v2-");
    const kind = { sign_type: signType };
    const say = (what) => `${what}, ${signType}`;
    const placed = await ask("pay/unifiedorder", order(number, kind));
    check(say("unifiedorder gives code_url and prepay_id"), placed.code_url && placed.prepay_id, placed);
    equal(say("the answer is signed as the request"), placed.sign.length, signType === "MD5" ? 32 : 64);
    const again = await ask("pay/unifiedorder", order(number, kind));
    equal(say("the same order again is the same"), again.code_url, placed.code_url);
    await refused(say("other content under the number"), "pay/unifiedorder", order(number, { ...kind, total_fee: 1 }), "INVALID_REQUEST");
    equal(say("orderquery before"), (await ask("pay/orderquery", { out_trade_no: number, ...kind })).trade_state, "NOTPAY");

    pay(placed.code_url);
    const paid = await ask("pay/orderquery", { out_trade_no: number, ...kind });
    equal(say("orderquery after"), paid.trade_state, "SUCCESS");
    equal(say("openid of the payer"), paid.openid, shop.openid);
    equal(say("attach comes back"), paid.attach, "table 7 & <x>");
    await refused(say("a paid order again"), "pay/unifiedorder", order(number, kind), "ORDERPAID");
    await refused(say("closing a paid order"), "pay/closeorder", { out_trade_no: number, ...kind }, "ORDERPAID");

    const told = await notice((told) => told.out_trade_no === number);
    const sign = Hash.sign(signType, told, shop.api_v2_key);
    check(say("the payment's notice is signed"), Hash.equals(sign, told.sign), told);
    equal(say("the notice names the transaction"), told.transaction_id, paid.transaction_id);

    const refund = {
      transaction_id: paid.transaction_id, out_refund_no: `${number}-r`, total_fee: 1000, refund_fee: 300,
      notify_url: notifyUrl, ...kind,
    };
    const first = await ask("secapi/pay/refund", refund);
    equal(say("refund"), first.refund_fee, "300");
    equal(say("the same refund again"), (await ask("secapi/pay/refund", refund)).refund_id, first.refund_id);
    await refused(say("another amount under its number"), "secapi/pay/refund", { ...refund, refund_fee: 301 }, "REFUND_FEE_MISMATCH");
    await refused(say("more than is left"), "secapi/pay/refund", { ...refund, out_refund_no: `${number}-s`, refund_fee: 701 }, "invalid refund_fee");
    const list = await ask("pay/refundquery", { out_trade_no: number, ...kind });
    equal(say("refundquery"), list.refund_id_0, first.refund_id);
    equal(say("refundquery counts"), list.refund_count, "1");
    const sealed = await notice((told) => told.req_info);
    heard.splice(heard.indexOf(sealed), 1);
    const opened = Transformer.toObject(Aes.AesEcb.decrypt(sealed.req_info, Hash.md5(shop.api_v2_key)));
    equal(say("the refund's notice opens"), opened.refund_id, first.refund_id);
  });
}

await section("pay codes", async () => {
  const number = fresh("v2-");
  const code = authCode();
  const till = (name, auth_code, more = {}) => {
    const { notify_url, trade_type, ...rest } = order(name, { total_fee: 150, auth_code, ...more });
    return rest;
  };
  const who = await ask("tools/authcodetoopenid", { auth_code: code });
  equal("authcodetoopenid", who.openid, shop.openid);
  const paid = await ask("pay/micropay", till(number, code));
  equal("micropay", paid.trade_type, "MICROPAY");
  equal("micropay again", (await ask("pay/micropay", till(number, code))).transaction_id, paid.transaction_id);
  await refused("a used code", "pay/micropay", till(fresh("v2-"), code), "AUTH_CODE_INVALID");
  await refused("no code", "pay/micropay", till(fresh("v2-"), "1".repeat(18)), "AUTH_CODE_INVALID");
  equal("reverse", (await ask("secapi/pay/reverse", { out_trade_no: number })).recall, "N");
  equal("reversed", (await ask("pay/orderquery", { out_trade_no: number })).trade_state, "REVOKED");

  const large = fresh("v2-");
  await refused("above what is paid unasked", "pay/micropay", till(large, authCode(), { total_fee: 100001 }), "USERPAYING");
  equal("orderquery meanwhile", (await ask("pay/orderquery", { out_trade_no: large })).trade_state, "USERPAYING");
  equal("reverse what waits", (await ask("secapi/pay/reverse", { out_trade_no: large })).recall, "N");
});

await section("other products", async () => {
  const js = await ask("pay/unifiedorder", order(fresh("v2-"), { trade_type: "JSAPI", openid: shop.openid }));
  check("JSAPI", js.prepay_id && !js.code_url, js);
  const app = await ask("pay/unifiedorder", order(fresh("v2-"), { trade_type: "APP" }));
  check("APP", app.prepay_id && !app.code_url, app);
  const web = await ask("pay/unifiedorder", order(fresh("v2-"), { trade_type: "MWEB" }));
  check("MWEB", web.mweb_url, web);
  const number = fresh("v2-");
  const { code_url } = await ask("pay/unifiedorder", order(number));
  equal("shorturl", (await ask("tools/shorturl", { long_url: code_url })).short_url, code_url);
  equal("closeorder", (await ask("pay/closeorder", { out_trade_no: number })).result_code, "SUCCESS");
  await refused("closing again", "pay/closeorder", { out_trade_no: number }, "ORDERCLOSED");
  await refused("a closed order again", "pay/unifiedorder", order(number), "ORDERCLOSED");
});

await section("the day's bill", async () => {
  const day = new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10).replaceAll("-", "");
  const answer = await wxpay.v2.pay.downloadbill.post(
    { ...common(), bill_date: day, bill_type: "ALL" },
    { responseType: "arraybuffer", transformResponse: [] },
  );
  const rows = Formatter.castCsvBill(answer.data).rows;
  check("downloadbill is read as a bill", rows.length > 0, String(answer.data).slice(0, 300));
});

await section("refusals", async () => {
  await refused("a wrong key", "pay/orderquery", { out_trade_no: "x" }, "签名错误", { by: sdk(shop, "0".repeat(32)) });
  await refused("an unknown order", "pay/orderquery", { out_trade_no: fresh("v2-") }, "ORDERNOTEXIST");
  await refused("an unknown refund", "pay/refundquery", { out_refund_no: fresh("v2-") }, "REFUNDNOTEXIST");
  await refused("a field missing", "pay/unifiedorder", order(fresh("v2-"), { body: "" }), "LACK_PARAMS");
  const number = fresh("v2-");
  await ask("pay/unifiedorder", order(number));
  const other = credentials.wechat_other;
  await refused("another merchant's order", "pay/orderquery", { out_trade_no: number }, "ORDERNOTEXIST", { by: sdk(other), of: other });
});

endpoint.close();
process.exit(failed ? 1 : 0);
