"""What both clients of wechatpayv3 must be able to do. Written once; the async client's calls are awaited.

The SDK itself verifies every 2xx answer and raises if the signature is wrong.
"""

from __future__ import annotations

import gzip
import hashlib
import inspect
import json
import re
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import trade_bill
from harness import Answer, Notify, Payer, Report, fresh

# Opens a client: open_client(certificate_mode=..., private_key=...).
OpenClient = Callable[..., AbstractAsyncContextManager[Any]]

STORE = {"store_info": {"id": "0001"}}
H5 = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
CHINA_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")
ALREADY_PAID = [(403, "OUT_TRADE_NO_USED"), (400, "ORDERPAID"), (400, "ORDER_PAID")]
# Words, quotes, braces and characters of two, three and four bytes: what a re-serialised body would change.
DESCRIPTION = 'Café "飞钱" {🧧} / 100%'


def sdk_arguments(credentials: dict[str, Any], pay_types: Any, private_key: str | None = None) -> dict[str, Any]:
    """The constructor arguments of WeChatPay and AsyncWeChatPay, in public-key mode."""
    wechat = credentials["wechat"]
    return {
        "wechatpay_type": pay_types.NATIVE,
        "mchid": wechat["mchid"],
        "appid": wechat["appid"],
        "private_key": private_key or wechat["merchant_private_key_pem"],
        "cert_serial_no": wechat["merchant_serial_no"],
        "apiv3_key": wechat["api_v3_key"],
        "public_key": wechat["platform_public_key_pem"],
        "public_key_id": wechat["platform_public_key_id"],
        "timeout": (5, 15),
    }


class Scenario:
    def __init__(self, report: Report, credentials: dict[str, Any], pay_types: Any,
                 open_client: OpenClient) -> None:
        """`pay_types` is WeChatPayType of the client's own module: the async one has another."""
        self.report = report
        self.pay_types = pay_types
        self.credentials = credentials
        self.wechat = credentials["wechat"]
        self.open_client = open_client
        self.notify = Notify()
        self.payer = Payer(credentials)
        self.wx: Any = None
        # What the trade bill must list.
        self.paid: dict[str, dict[str, Any]] = {}
        self.refunded: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        async with self.open_client() as self.wx:
            for name, part in [
                ("native payment", self.native_payment), ("refunds", self.refunds), ("closing", self.closing),
                ("pay code", self.pay_code), ("other products", self.other_products),
                ("ordering again", self.ordering_again), ("trade bill", self.trade_bill),
            ]:
                with self.report.section(name):
                    await part()
        with self.report.section("wrong key"):
            await self.wrong_key()
        with self.report.section("certificate mode"):
            await self.certificate_mode()

    # Steps shared by the parts.

    async def call(self, method: Callable[..., Any], **arguments: Any) -> tuple[int, Any]:
        answer = method(**arguments)
        return await answer if inspect.isawaitable(answer) else answer

    async def order(self, number: str, total: int, **changes: Any) -> Answer:
        """Places an order; NATIVE unless pay_type says otherwise."""
        arguments = {
            "description": DESCRIPTION, "out_trade_no": number, "amount": {"total": total, "currency": "CNY"},
            "notify_url": self.notify.url(number),
        }
        return await self.call(self.wx.pay, **(arguments | changes))

    async def ordered(self, number: str, total: int, **changes: Any) -> dict[str, Any]:
        return accepted(await self.order(number, total, **changes))

    async def query(self, number: str) -> dict[str, Any]:
        return accepted(await self.call(self.wx.query, out_trade_no=number))

    async def pay(self, number: str, code_url: str) -> dict[str, Any]:
        """Has the payer pay, and returns the order as the merchant then sees it."""
        done = self.payer.pay(code_url)
        if done.returncode != 0:
            raise RuntimeError(f"{number} could not be paid: {done.stdout} {done.stderr}")
        self.paid[number] = await self.query(number)
        return self.paid[number]

    async def paid_order(self, prefix: str, total: int) -> dict[str, Any]:
        number = fresh(prefix)
        return await self.pay(number, (await self.ordered(number, total))["code_url"])

    async def refund(self, number: str, refund: int, total: int, **order: str) -> Answer:
        return await self.call(
            self.wx.refund, out_refund_no=number, amount={"refund": refund, "total": total, "currency": "CNY"},
            reason="七天无理由", notify_url=self.notify.url(number), **order,
        )

    async def completed_refund(self, number: str) -> dict[str, Any]:
        """Queries the refund until it is no longer being processed."""
        end = time.monotonic() + 10
        while True:
            refund = accepted(await self.call(self.wx.query_refund, out_refund_no=number))
            if refund["status"] != "PROCESSING" or time.monotonic() > end:
                self.refunded[number] = refund
                return refund
            time.sleep(0.1)

    def callback(self, name: str) -> dict[str, Any]:
        """The one callback to /notify/NAME: verified and decrypted by the SDK."""
        deliveries = self.notify.wait(name)
        if not deliveries:
            raise RuntimeError(f"no callback for {name}")
        opened = self.wx.callback(deliveries[0].headers, deliveries[0].body)
        if opened is None:
            raise RuntimeError(f"the SDK did not accept the callback: {deliveries[0]}")
        return opened

    # The parts.

    async def native_payment(self) -> None:
        check, equal = self.report.check, self.report.equal
        number, total = fresh("native"), 1234
        status, text = await self.order(number, total, attach='{"店":"上海"}')
        check("native order accepted", status == 200, f"{status} {text}")
        code_url = json.loads(text)["code_url"]
        check("its code_url is a link that any camera opens", re.fullmatch(r"https?://[^\s/]+/q/[\w-]{16,480}", code_url),
              code_url)

        unpaid = await self.query(number)
        equal("unpaid order is NOTPAY", unpaid["trade_state"], "NOTPAY")
        equal("unpaid order names merchant, app and number",
              (unpaid["mchid"], unpaid["appid"], unpaid["out_trade_no"]),
              (self.wechat["mchid"], self.wechat["appid"], number))
        check("unpaid order describes its state", unpaid["trade_state_desc"], unpaid)
        check("unpaid order has no payment facts",
              not {"transaction_id", "success_time", "payer"} & unpaid.keys(), unpaid)

        paid = await self.pay(number, code_url)
        self.check_paid("paid order", paid, number, total, "NATIVE")
        equal("paid order keeps attach", paid["attach"], '{"店":"上海"}')
        by_id = accepted(await self.call(self.wx.query, transaction_id=paid["transaction_id"]))
        equal("query by transaction_id gives the same order", by_id, paid)

        callback = self.callback(number)
        equal("payment callback decrypts to the queried order", callback["resource"], paid)
        self.check_envelope("payment callback", number, callback, "TRANSACTION.SUCCESS", "transaction")

        check("paying it twice is refused", self.payer.pay(code_url).returncode != 0, "the command said it paid")
        equal("the second attempt changed nothing", await self.query(number), paid)
        self.report.refused("ordering a paid number again is refused",
                            await self.order(number, total, attach='{"店":"上海"}'), *ALREADY_PAID)
        self.report.refused("closing a paid order is refused",
                            await self.call(self.wx.close, out_trade_no=number),
                            (400, "ORDER_PAID"), (400, "ORDERPAID"))
        equal("no second callback came", len(self.notify.of(number)), 1)

    def check_paid(self, name: str, order: dict[str, Any], number: str, total: int, trade_type: str) -> None:
        check, equal = self.report.check, self.report.equal
        equal(f"{name} is SUCCESS", order["trade_state"], "SUCCESS")
        equal(f"{name} has trade_type {trade_type}", order["trade_type"], trade_type)
        equal(f"{name} names merchant, app and number", (order["mchid"], order["appid"], order["out_trade_no"]),
              (self.wechat["mchid"], self.wechat["appid"], number))
        check(f"{name} has a transaction_id of 28 digits from 4200",
              re.fullmatch(r"4200\d{24}", order["transaction_id"]), order["transaction_id"])
        equal(f"{name} names the payer", order["payer"], {"openid": self.wechat["openid"]})
        check(f"{name} describes state and bank", order["trade_state_desc"] and order["bank_type"], order)
        amount = order["amount"]
        equal(f"{name} has the ordered amount", (amount["total"], amount["currency"], amount["payer_currency"]),
              (total, "CNY", "CNY"))
        discount = sum(promotion["amount"] for promotion in order.get("promotion_detail", []))
        equal(f"{name} was paid in full by payer and promotions", amount["payer_total"] + discount, total)
        check(f"{name} has the time of payment in China", is_recent(order["success_time"]), order["success_time"])

    def check_envelope(self, name: str, endpoint: str, callback: dict[str, Any], event_type: str,
                       original_type: str) -> None:
        body = self.notify.of(endpoint)[0].body.decode()
        sent = json.loads(body)
        self.report.equal(f"{name} says what it is",
                          (callback["event_type"], callback["resource_type"], sent["resource"]["original_type"]),
                          (event_type, "encrypt-resource", original_type))
        self.report.check(f"{name} has id, summary and time in China",
                          callback["id"] and callback["summary"] and is_recent(callback["create_time"]), callback)
        # wechatpay-node-v3 users verify over the parsed and re-stringified body.
        self.report.equal(f"{name} is compact JSON without escapes", body,
                          json.dumps(sent, ensure_ascii=False, separators=(",", ":")))

    async def refunds(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        total = 1000
        order = await self.paid_order("refund", total)
        by_number = {"out_trade_no": order["out_trade_no"]}
        first, rest = fresh("r"), fresh("r")

        answer = await self.refund(first, 333, total, **by_number)
        check("partial refund accepted", answer[0] == 200, answer)
        given = json.loads(answer[1])
        queried = await self.completed_refund(first)
        self.check_refund("partial refund", queried, order, first, 333)
        equal("refund query names the same refund", queried["refund_id"], given["refund_id"])
        again = accepted(await self.refund(first, 333, total, **by_number))
        equal("the same refund number again is the same refund", again["refund_id"], given["refund_id"])
        refused("the same refund number with another amount is refused",
                await self.refund(first, 334, total, **by_number), (400, "INVALID_REQUEST"))

        callback = self.callback(first)
        self.check_envelope("refund callback", first, callback, "REFUND.SUCCESS", "refund")
        facts = callback["resource"]
        equal("refund callback has the refund's facts",
              {name: facts.get(name) for name in ("mchid", "transaction_id", "out_trade_no", "refund_id",
                                                  "out_refund_no", "refund_status", "success_time",
                                                  "user_received_account")},
              {"mchid": self.wechat["mchid"], "refund_status": "SUCCESS"}
              | {name: queried[name] for name in ("transaction_id", "out_trade_no", "refund_id", "out_refund_no",
                                                  "success_time", "user_received_account")})
        equal("refund callback has the amounts", facts["amount"],
              {name: queried["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")})

        refused("refunding more than is left is refused",
                await self.refund(fresh("r"), 668, total, **by_number), (400, "INVALID_REQUEST"))
        equal("a refunded order is REFUND", (await self.query(order["out_trade_no"]))["trade_state"], "REFUND")
        by_id = await self.refund(rest, 667, total, transaction_id=order["transaction_id"])
        check("the rest is refunded by transaction_id", by_id[0] == 200, by_id)
        last = await self.completed_refund(rest)
        self.check_refund("refund of the rest", last, order, rest, 667)
        equal("the refunds give the payer exactly what they paid",
              queried["amount"]["payer_refund"] + last["amount"]["payer_refund"], order["amount"]["payer_total"])
        refused("one fen more is refused",
                await self.refund(fresh("r"), 1, total, **by_number), (400, "INVALID_REQUEST"))

    def check_refund(self, name: str, refund: dict[str, Any], order: dict[str, Any], number: str,
                     amount: int) -> None:
        check, equal = self.report.check, self.report.equal
        equal(f"{name} is SUCCESS", refund["status"], "SUCCESS")
        equal(f"{name} names its order and number",
              (refund["out_refund_no"], refund["out_trade_no"], refund["transaction_id"]),
              (number, order["out_trade_no"], order["transaction_id"]))
        check(f"{name} has a refund_id of digits from 50", re.fullmatch(r"50\d{8,}", refund["refund_id"]),
              refund["refund_id"])
        check(f"{name} has channel, account and funds",
              refund["channel"] == "ORIGINAL" and refund["user_received_account"] and refund["funds_account"], refund)
        check(f"{name} has its times in China",
              is_recent(refund["create_time"]) and is_recent(refund["success_time"]), refund)
        equal(f"{name} has the amounts",
              tuple(refund["amount"][part] for part in ("refund", "total", "payer_total", "currency")),
              (amount, order["amount"]["total"], order["amount"]["payer_total"], "CNY"))

    async def closing(self) -> None:
        check, equal = self.report.check, self.report.equal
        number = fresh("close")
        code_url = (await self.ordered(number, 200))["code_url"]
        status, _ = await self.call(self.wx.close, out_trade_no=number)
        equal("closing answers 204, signed", status, 204)
        equal("closed order is CLOSED", (await self.query(number))["trade_state"], "CLOSED")
        status, _ = await self.call(self.wx.close, out_trade_no=number)
        equal("closing it again answers 204", status, 204)
        check("paying a closed order is refused", self.payer.pay(code_url).returncode != 0,
              "the command said it paid")
        self.report.refused("closing an unknown order is refused",
                            await self.call(self.wx.close, out_trade_no=fresh("none")), (404, "ORDER_NOT_EXIST"))

    async def pay_code(self) -> None:
        check, equal = self.report.check, self.report.equal
        number, code = fresh("code"), self.payer.auth_code()
        check("a pay code has 18 digits from 10 to 15", re.fullmatch(r"1[0-5]\d{16}", code), code)
        by_code = {"pay_type": self.pay_types.CODEPAY, "payer": {"auth_code": code}, "scene_info": STORE,
                   "notify_url": None}
        order = await self.ordered(number, 150, **by_code)
        self.check_paid("pay code order", order, number, 150, "MICROPAY")
        equal("its query gives the same order", await self.query(number), order)
        self.report.refused("the same pay code for another order is refused",
                            await self.order(fresh("code"), 150, **by_code),
                            (400, "AUTH_CODE_INVALID"), (400, "AUTH_CODE_EXPIRED"))
        self.report.refused("an unknown pay code is refused",
                            await self.order(fresh("code"), 150,
                                             **(by_code | {"payer": {"auth_code": "130000000000000000"}})),
                            (400, "AUTH_CODE_INVALID"))
        reversal = {"appid": self.wechat["appid"], "mchid": self.wechat["mchid"], "out_trade_no": number}
        for name in ("reversing it names the order", "reversing it again gives the same answer"):
            equal(name, accepted(await self.call(self.wx.codepay_reverse, out_trade_no=number)), reversal)
        equal("reversed order is REVOKED", (await self.query(number))["trade_state"], "REVOKED")
        self.report.refused("refunding a reversed order is refused",
                            await self.refund(fresh("r"), 150, 150, out_trade_no=number),
                            (400, "INVALID_REQUEST"), (404, "RESOURCE_NOT_EXISTS"))

    async def other_products(self) -> None:
        by_openid = {"pay_type": self.pay_types.JSAPI, "payer": {"openid": self.wechat["openid"]}}
        for product, changes in [("JSAPI", by_openid), ("APP", {"pay_type": self.pay_types.APP})]:
            number = fresh(product.lower())
            status, text = await self.order(number, 250, **changes)
            self.report.check(f"{product} order gives a prepay_id",
                              status == 200 and 0 < len(json.loads(text)["prepay_id"]) <= 64, f"{status} {text}")
            done = self.payer.pay_prepay_id(json.loads(text)["prepay_id"])
            self.report.check(f"{product} order is paid by prepay_id", done.returncode == 0,
                              done.stdout + done.stderr)
            self.paid[number] = await self.query(number)
            self.check_paid(f"{product} order", self.paid[number], number, 250, product)
            self.report.equal(f"{product} callback decrypts to the queried order",
                              self.callback(number)["resource"], self.paid[number])
        number = fresh("h5")
        status, text = await self.order(number, 250, pay_type=self.pay_types.H5, scene_info=H5)
        h5_url = json.loads(text).get("h5_url", "")
        self.report.check("H5 order gives an h5_url", status == 200 and re.match(r"https?://\S+$", h5_url),
                          f"{status} {text}")
        self.check_paid("H5 order", await self.pay(number, h5_url), number, 250, "MWEB")

    async def ordering_again(self) -> None:
        number = fresh("again")
        first = (await self.ordered(number, 300))["code_url"]
        status, text = await self.order(number, 300)
        self.report.check("ordering again with the same content gives a code", status == 200, f"{status} {text}")
        self.report.refused("ordering again with another amount is refused",
                            await self.order(number, 301), (400, "INVALID_REQUEST"))
        self.report.refused("ordering again with another description is refused",
                            await self.order(number, 300, description="other"), (400, "INVALID_REQUEST"))
        paid = await self.pay(number, json.loads(text)["code_url"])
        self.check_paid("order placed twice", paid, number, 300, "NATIVE")
        self.report.check("paying its first code as well is refused", self.payer.pay(first).returncode != 0,
                          "the command said it paid")

    async def trade_bill(self) -> None:
        report = self.report
        # The day of the last payment, in case midnight in China has just passed.
        day = max(order["success_time"] for order in self.paid.values())[:10]
        plain = await self.download("plain bill", day, "")
        rows, summary = trade_bill.parse(plain)
        zipped = await self.download("gzip bill", day, "GZIP")
        report.equal("both forms of the bill are the same", zipped, plain)

        payments = {row["商户订单号"]: row for row in rows if row["交易状态"] == "SUCCESS"}
        expected = {n: o for n, o in self.paid.items() if o["success_time"].startswith(day)}
        report.equal("the bill has a row for every payment",
                     {number: bill_facts(payments[number]) for number in expected if number in payments},
                     {number: order_facts(order) for number, order in expected.items()})
        refunds = {row["商户退款单号"]: row for row in rows if row["交易状态"] == "REFUND"}
        returned = {n: r for n, r in self.refunded.items() if r["success_time"].startswith(day)}
        report.equal("the bill has a row for every refund",
                     {number: bill_refund_facts(refunds[number]) for number in returned if number in refunds},
                     {number: refund_facts(refund) for number, refund in returned.items()})
        report.equal("the summary counts the rows", int(summary["总交易单数"]), len(rows))
        report.equal("the summary adds up the rows",
                     {name: Decimal(summary[name]) for name in trade_bill.SUMS},
                     {name: sum((Decimal(row[column]) for row in rows), Decimal(0))
                      for name, column in trade_bill.SUMS.items()})
        report.refused("a day without trade has no bill",
                       await self.call(self.wx.trade_bill, bill_date="2001-01-01"), (400, "NO_STATEMENT_EXIST"))

    async def download(self, name: str, day: str, tar_type: str) -> bytes:
        """Fetches the bill, checks address and hash, and returns the CSV."""
        applied = accepted(await self.call(self.wx.trade_bill, bill_date=day, tar_type=tar_type))
        prefix = f"{self.credentials['base_url']}/v3/billdownload/file?token="
        self.report.check(f"{name} is at the base URL", applied["download_url"].startswith(prefix), applied)
        status, content = await self.call(self.wx.download_bill, url=applied["download_url"])
        if status != 200:
            raise RuntimeError(f"{name} refused: {status} {content!r}")
        csv = gzip.decompress(content) if tar_type else content
        self.report.equal(f"{name} has the announced SHA-1 over the CSV",
                          ("SHA1", hashlib.sha1(csv).hexdigest()),
                          (applied["hash_type"], applied["hash_value"].lower()))
        return csv

    async def wrong_key(self) -> None:
        stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        async with self.open_client(private_key=stranger.decode()) as self.wx:
            self.report.refused("a request signed with another key is refused",
                                await self.call(self.wx.query, out_trade_no=fresh("none")), (401, "SIGN_ERROR"))

    async def certificate_mode(self) -> None:
        """The same merchant, verifying with the platform certificate it downloads at the start."""
        async with self.open_client(certificate_mode=True) as self.wx:
            number = fresh("cert")
            status, text = await self.order(number, 400)
            self.report.check("certificate mode: native order accepted", status == 200, f"{status} {text}")
            paid = await self.pay(number, json.loads(text)["code_url"])
            self.check_paid("certificate mode: paid order", paid, number, 400, "NATIVE")
            self.report.equal("certificate mode: callback decrypts to the queried order",
                              self.callback(number)["resource"], paid)
            refund = fresh("r")
            answer = await self.refund(refund, 400, 400, out_trade_no=number)
            self.report.check("certificate mode: refund accepted", answer[0] == 200, answer)
            self.report.equal("certificate mode: refund callback verified",
                              self.callback(refund)["event_type"], "REFUND.SUCCESS")
            number = fresh("cert")
            await self.ordered(number, 400)
            self.report.equal("certificate mode: closing answers 204, signed",
                              (await self.call(self.wx.close, out_trade_no=number))[0], 204)


def accepted(answer: Answer) -> dict[str, Any]:
    status, text = answer
    if status != 200:
        raise RuntimeError(f"{status} {text}")
    return json.loads(text)


def is_recent(text: str) -> bool:
    """An RFC 3339 time with China's offset, within ten minutes of now."""
    return bool(CHINA_TIME.fullmatch(text)) and abs(datetime.fromisoformat(text).timestamp() - time.time()) < 600


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def order_facts(order: dict[str, Any]) -> tuple[str, ...]:
    return (order["transaction_id"], order["payer"]["openid"], order["trade_type"],
            order["success_time"][:19].replace("T", " "), "CNY", yuan(order["amount"]["total"]))


def bill_facts(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("微信订单号", "用户标识", "交易类型", "交易时间", "货币种类", "订单金额"))


def refund_facts(refund: dict[str, Any]) -> tuple[str, ...]:
    return refund["refund_id"], refund["out_trade_no"], yuan(refund["amount"]["refund"]), "SUCCESS"


def bill_refund_facts(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("微信退款单号", "商户订单号", "申请退款金额", "退款状态"))
