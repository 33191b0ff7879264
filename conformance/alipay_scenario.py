"""What both Python SDKs of Alipay are put through, by one interface: a function that calls a method."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

from harness import Notify, Payer, Report, fresh

Content = dict[str, Any]
# Method, content, notify_url. What the SDK gives is the node, verified.
Call = Callable[[str, Content, str | None], Content]

SUCCESS, WAITING, REFUSED = "10000", "10003", "40004"
# A shopper is asked from here on.
ASKED_YUAN = "1000.01"


class Scenario:
    def __init__(self, report: Report, credentials: dict[str, Any], call: Call,
                 verifies: Callable[[dict[str, str]], bool]) -> None:
        self.report = report
        self.credentials = credentials
        self._call = call
        self._verifies = verifies
        self.payer = Payer(credentials)
        self.notify = Notify(b"success")

    def run(self) -> None:
        for section in (self.code, self.till, self.endings, self.refusals):
            with self.report.section(section.__name__):
                section()

    # Each takes what the answer must be and gives the node.

    def call(self, name: str, method: str, content: Content, code: str = SUCCESS, sub_code: str | None = None,
             notify_url: str | None = None) -> Content:
        node = self._call(method, content, notify_url)
        self.report.check(f"{name}: {code} {sub_code or ''}".rstrip(),
                          (node.get("code"), node.get("sub_code")) == (code, sub_code), node)
        return node

    def order(self, yuan: str = "12.34", **more: Any) -> Content:
        return {"out_trade_no": fresh("ali"), "total_amount": yuan, "subject": "牛肉面 {noodles}"} | more

    def paid(self, order: Content, notify_url: str | None = None) -> str:
        """Places an order and has it paid; gives its link."""
        node = self.call("precreate", "alipay.trade.precreate", order, notify_url=notify_url)
        done = self.payer.pay(node["qr_code"])
        self.report.check("the shopper pays the code", done.returncode == 0, done.stderr)
        return node["qr_code"]

    def code(self) -> None:
        order = self.order(body="}{", passback_params="a=1&b=店")
        number = {"out_trade_no": order["out_trade_no"]}
        self.call("query of nothing", "alipay.trade.query", number, REFUSED, "ACQ.TRADE_NOT_EXIST")
        link = self.paid(order, self.notify.url("paid"))
        again = self.call("precreate after payment", "alipay.trade.precreate", order, REFUSED, "ACQ.TRADE_HAS_SUCCESS")
        self.report.check("no second code", "qr_code" not in again, link)
        trade = self.call("query", "alipay.trade.query", number)
        self.report.equal("a paid trade", (trade["trade_status"], trade["total_amount"]), ("TRADE_SUCCESS", "12.34"))
        self.report.equal("braces come back as they were", trade["body"], "}{")
        self.check_money(trade)
        self.call("query by trade_no", "alipay.trade.query", {"trade_no": trade["trade_no"]})
        told = self.heard("paid", trade)
        self.report.equal("its notice", (told.get("trade_status"), told.get("passback_params")),
                          ("TRADE_SUCCESS", order["passback_params"]))
        self.refunds(number)

    def check_money(self, trade: Content) -> None:
        fen = {name: round(float(trade[name]) * 100) for name in
               ("total_amount", "buyer_pay_amount", "discount_amount", "mdiscount_amount", "receipt_amount")}
        parts = fen["buyer_pay_amount"] + fen["discount_amount"] + fen["mdiscount_amount"]
        bills = sum(round(float(bill["amount"]) * 100) for bill in trade["fund_bill_list"])
        vouchers = sum(round(float(voucher["amount"]) * 100) for voucher in trade["voucher_detail_list"])
        self.report.equal("the parts are the total", (parts, bills), (fen["total_amount"],) * 2)
        self.report.equal("vouchers are the discounts", vouchers, fen["discount_amount"] + fen["mdiscount_amount"])

    def refunds(self, number: Content) -> None:
        def refund(request: str, yuan: str, code: str = SUCCESS, sub_code: str | None = None) -> Content:
            content = number | {"refund_amount": yuan, "out_request_no": request}
            return self.call(f"refund {request} of {yuan}", "alipay.trade.refund", content, code, sub_code)

        def fee(node: Content) -> tuple[Any, Any]:
            return node.get("fund_change"), node.get("refund_fee")

        self.report.equal("a refund moves money", fee(refund("r1", "2.34")), ("Y", "2.34"))
        self.report.equal("refund_fee is the running total", fee(refund("r2", "4")), ("Y", "6.34"))
        self.report.equal("a repetition moves nothing", fee(refund("r1", "2.34")), ("N", "6.34"))
        refund("r1", "2.35", REFUSED, "ACQ.DISCORDANT_REPEAT_REQUEST")
        refund("r3", "6.01", REFUSED, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
        method = "alipay.trade.fastpay.refund.query"
        found = self.call("refund query", method, number | {"out_request_no": "r1"})
        self.report.equal("its amount", (found.get("refund_amount"), found.get("refund_status")), ("2.34", "REFUND_SUCCESS"))
        none = self.call("refund query of nothing", method, number | {"out_request_no": "r9"})
        self.report.check("an unknown number has no amount", "refund_amount" not in none, none)
        told = [self.fields(delivery.body) for delivery in self.notify.wait("paid", count=3)]
        self.report.equal("refunds are told where the order is", [fields.get("refund_fee") for fields in told],
                          [None, "2.34", "6.34"])

    def till(self) -> None:
        order = self.order(auth_code=self.payer.auth_code(), scene="bar_code")
        paid = self.call("pay", "alipay.trade.pay", order)
        self.report.check("a pay code pays at once", paid.get("gmt_payment") and paid.get("buyer_user_id"), paid)
        self.call("pay again", "alipay.trade.pay", order, REFUSED, "ACQ.TRADE_HAS_SUCCESS")
        used = self.order(auth_code=order["auth_code"], scene="bar_code")
        self.call("a code that was used", "alipay.trade.pay", used, REFUSED, "ACQ.PAYMENT_AUTH_CODE_INVALID")
        asked = self.order(ASKED_YUAN, auth_code=self.payer.auth_code(), scene="bar_code")
        node = self.call("the shopper is asked", "alipay.trade.pay", asked, WAITING)
        self.report.check("it can be queried", node.get("trade_no") and node.get("out_trade_no"), node)
        number = {"out_trade_no": asked["out_trade_no"]}
        self.report.equal("until then it waits", self.call("query", "alipay.trade.query", number)["trade_status"],
                          "WAIT_BUYER_PAY")
        self.report.equal("cancel closes it", self.call("cancel", "alipay.trade.cancel", number).get("action"), "close")
        number = {"out_trade_no": order["out_trade_no"]}
        undone = self.call("cancel of what is paid", "alipay.trade.cancel", number)
        self.report.equal("cancel gives it back", (undone.get("action"), undone.get("retry_flag")), ("refund", "N"))
        nothing = self.call("cancel of nothing", "alipay.trade.cancel", {"out_trade_no": fresh("no")})
        self.report.check("nothing is done then", "action" not in nothing, nothing)
        buyer = {name: paid[name] for name in ("buyer_open_id",)}
        made = self.call("create for a buyer", "alipay.trade.create", self.order(**buyer))
        self.call("close by trade_no", "alipay.trade.close", {"trade_no": made["trade_no"]})

    def endings(self) -> None:
        order = self.order(timeout_express="90m")
        number = {"out_trade_no": order["out_trade_no"]}
        for _ in range(2):
            self.call("precreate with an end, twice", "alipay.trade.precreate", order)
        self.call("other content", "alipay.trade.precreate", order | {"total_amount": "1.00"}, REFUSED,
                  "ACQ.CONTEXT_INCONSISTENT")
        self.call("close", "alipay.trade.close", number)
        self.report.equal("it is closed", self.call("query", "alipay.trade.query", number)["trade_status"], "TRADE_CLOSED")
        self.call("precreate after close", "alipay.trade.precreate", order, REFUSED, "ACQ.TRADE_HAS_CLOSE")

    def refusals(self) -> None:
        self.call("an amount of nothing", "alipay.trade.precreate", self.order("0"), REFUSED, "ACQ.INVALID_PARAMETER")
        self.call("a method that is none", "alipay.trade.nothing", {}, "40002", "isv.invalid-method")

    # Notices.

    def heard(self, name: str, trade: Content) -> dict[str, str]:
        deliveries = self.notify.wait(name)
        if not self.report.check("a notice arrives", deliveries, "none within 10 s"):
            return {}
        fields = self.fields(deliveries[0].body)
        self.report.equal("it names the trade", fields.get("trade_no"), trade["trade_no"])
        self.report.check("no field is empty", all(fields.values()), fields)
        self.report.check("the SDK verifies it", self._verifies(dict(fields)), fields)
        self.report.check("and refuses it altered", not self._verifies(fields | {"total_amount": "0.01"}), fields)
        return fields

    @staticmethod
    def fields(body: bytes) -> dict[str, str]:
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        return dict(pairs)
