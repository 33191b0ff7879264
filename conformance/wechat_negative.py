"""What WeChat's API must refuse of a known merchant, and how, over raw HTTP. Usage: wechat_negative.py CREDENTIALS

Every refusal must leave everything as it was: `run` audits the ledger afterwards.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from harness import (
    CERTIFICATES, CHINA, INVALID_REQUEST, NATIVE, ORDER_NOT_EXIST, PARAM_ERROR, REFUNDS, RESOURCE_NOT_EXISTS,
    SIGN_ERROR, TRANSACTIONS, Answer, Merchant, Payer, Report, bill_target, error_of, fresh, load_credentials,
    paid_order, today,
)

AMOUNT_MAX = 10**12
BODY_MAX = 1024 * 1024
DROP = object()

BAD_AMOUNTS = [0, -1, AMOUNT_MAX + 1, 10**30, 1.5, "1", True, None, [], {}]
BAD_ORDER_FIELDS = [
    *(("amount.total", bad) for bad in [*BAD_AMOUNTS, DROP]),
    *(("amount", bad) for bad in [DROP, 5, "100", None]),
    *(("amount.currency", bad) for bad in ["USD", "", 1]),
    *(("description", bad) for bad in [DROP, "", 7, "d" * 128]),
    *(("out_trade_no", bad) for bad in
      [DROP, "", "abcde", "a" * 33, "abc def", "abc/def", "abc.def", "订单号码一二三", "abcdef\n", 1234567]),
    *(("notify_url", bad) for bad in
      [DROP, "", 5, "not an address", "ftp://127.0.0.1/notify", f"http://127.0.0.1/{'n' * 256}"]),
    *(("appid", bad) for bad in [DROP, 5]),
    *(("mchid", bad) for bad in [DROP, 5]),
    *(("attach", bad) for bad in ["a" * 129, 5]),
    *(("time_expire", bad) for bad in ["tomorrow", "2026-13-45T00:00:00+08:00", 5]),
    ("scene_info", "shop"),
    ("settle_info", "shared"),
]
BAD_REFUND_FIELDS = [
    *(("amount.refund", bad) for bad in [*BAD_AMOUNTS, DROP]),
    *(("amount.total", bad) for bad in [*BAD_AMOUNTS, DROP]),
    *(("amount", bad) for bad in [DROP, 5]),
    ("amount.currency", "USD"),
    *(("out_refund_no", bad) for bad in [DROP, "", "a" * 65, "abc def", "退款单号", 1234567]),
    *(("out_trade_no", bad) for bad in [DROP, 5]),
    *(("reason", bad) for bad in ["r" * 81, 5]),
]
BAD_JSON = {
    "an empty body": b"",
    "half an object": b'{"appid":',
    "an array": b"[]",
    "a string": b'"order"',
    "null": b"null",
    "two objects": b"{}{}",
    "NaN": b'{"amount":{"total":NaN}}',
    "bytes that are not UTF-8": b'{"description":"\xff\xfe"}',
    "half a surrogate pair": rb'{"description":"\ud800"}',
    "ten thousand open brackets": b"[" * 10_000,
}
OPTIONAL_FIELDS = {
    "attach": "a" * 128, "goods_tag": "WXG", "support_fapiao": False,
    "detail": {"cost_price": 100, "invoice_id": "1", "goods_detail": [
        {"merchant_goods_id": "1", "goods_name": "茶", "quantity": 1, "unit_price": 100}]},
    "scene_info": {"payer_client_ip": "127.0.0.1", "device_id": "013467007045764",
                   "store_info": {"id": "0001", "name": "店", "area_code": "440305", "address": "深圳"}},
    "settle_info": {"profit_sharing": False},
    "a_field_of_a_later_year": {"kept": "out"},
}


class Negative:
    def __init__(self, report: Report, credentials: dict[str, Any]) -> None:
        self.report = report
        self.credentials = credentials
        self.us = Merchant(credentials, credentials["wechat"])
        self.payer = Payer(credentials)
        self.openid = credentials["wechat"]["openid"]
        # Expires while the other checks run.
        self.expiring = self.order_that_expires()
        self.paid = paid_order(self.us, self.payer, 100)

    def run(self) -> None:
        for part in (
            self.bodies, self.order_fields, self.order_limits, self.product_fields, self.refund_fields,
            self.order_rules, self.refund_rules, self.many_refunds, self.payer_rules, self.other_merchants,
            self.paths, self.bills, self.expired,
        ):
            with self.report.section(part.__name__.replace("_", " ")):
                part()

    # Steps shared by the parts.

    def order_that_expires(self) -> tuple[str, str, float]:
        """(number, code_url, when): as soon as the server lets an order expire."""
        number = fresh("late")
        for seconds in (3, 65):
            when = time.time() + seconds
            text = datetime.fromtimestamp(when, CHINA).isoformat(timespec="seconds")
            status, body = self.us.call("POST", NATIVE, self.us.order(number, time_expire=text))
            if status == 200:
                return number, json.loads(body)["code_url"], when
        raise RuntimeError(f"no order expires within 65 s: {status} {body}")

    def post(self, target: str, payload: Any, **options: Any) -> Answer:
        return self.us.call("POST", target, payload, **options)

    def unpayable(self, name: str, code_url: str) -> None:
        done = self.payer.pay(code_url)
        self.report.check(f"paying {name} is refused", done.returncode != 0, f"the command said {done.stdout}")

    # The form of requests.

    def bodies(self) -> None:
        refused = self.report.refused
        for endpoint, target in {"native": NATIVE, "codepay": f"{TRANSACTIONS}/codepay", "refund": REFUNDS}.items():
            for name, body in BAD_JSON.items():
                refused(f"{endpoint}: {name} is refused", self.post(target, None, body=body), PARAM_ERROR)
        large, larger = (self.us.order(fresh("huge")) | {"description": "d" * (BODY_MAX + more)}
                         for more in (-1024, 1024))
        refused("a body just below 1 MiB is read", self.post(NATIVE, large), PARAM_ERROR)
        answer = self.post(NATIVE, larger)
        self.report.check("a body of more than 1 MiB is refused",
                          answer[0] in (400, 413) and error_of(answer)[0], answer)
        answer = self.post(NATIVE, self.us.order(fresh("text"), description="好" * 40 + "\u202e\u0007"))
        self.report.check("odd characters in a text are taken or refused",
                          answer[0] == 200 or (answer[0], error_of(answer)[0]) == PARAM_ERROR, answer)

    def order_fields(self) -> None:
        numbers = []
        for field, bad in BAD_ORDER_FIELDS:
            payload = with_field(self.us.order(fresh("field")), field, bad)
            self.report.refused(f"native: {field} {described(bad)} is refused", self.post(NATIVE, payload), PARAM_ERROR)
            if field != "out_trade_no":
                numbers.append(payload["out_trade_no"])
        past = self.us.order(fresh("field"), time_expire="2020-01-01T00:00:00+08:00")
        self.report.refused("native: a time_expire in the past is refused", self.post(NATIVE, past),
                            PARAM_ERROR, INVALID_REQUEST)
        found = [self.us.call("GET", self.us.query_target(number))[0] for number in numbers]
        self.report.equal("orders with a refused field do not exist", found, [404] * len(numbers))

    def order_limits(self) -> None:
        accepted = self.report.accepted
        for name, number in {"6 characters": fresh("")[:6], "32 characters": fresh("n").ljust(32, "0"),
                             "every kind of character": f"{fresh('')[:10]}_-|*Zz9"}.items():
            accepted(f"native: a number of {name} is accepted", self.post(NATIVE, self.us.order(number)))
            accepted(f"native: a number of {name} is found",
                     self.us.call("GET", self.us.query_target(number.replace("|", "%7C"))))
        number = fresh("max")
        accepted("native: the greatest amount is accepted", self.post(NATIVE, self.us.order(number, AMOUNT_MAX)))
        self.report.equal("native: the greatest amount is kept to the fen",
                          self.us.query(number)["amount"]["total"], AMOUNT_MAX)
        accepted("native: the currency may be left out",
                 self.post(NATIVE, self.us.order(fresh("cny"), amount={"total": 1})))
        accepted("native: optional and unknown fields are accepted",
                 self.post(NATIVE, self.us.order(fresh("all"), **OPTIONAL_FIELDS)))

    def product_fields(self) -> None:
        us, refused = self.us, self.report.refused
        jsapi, codepay = f"{TRANSACTIONS}/jsapi", f"{TRANSACTIONS}/codepay"
        refused("jsapi: no payer is refused", self.post(jsapi, us.order(fresh("js"))), PARAM_ERROR)
        refused("jsapi: a payer without openid is refused", self.post(jsapi, us.order(fresh("js"), payer={})),
                PARAM_ERROR)
        refused("jsapi: an unknown openid is refused",
                self.post(jsapi, us.order(fresh("js"), payer={"openid": "o" + "x" * 27})),
                PARAM_ERROR, INVALID_REQUEST, (400, "OPENID_MISMATCH"))
        refused("h5: no scene is refused", self.post(f"{TRANSACTIONS}/h5", us.order(fresh("h5"))), PARAM_ERROR)
        order = us.codepay_order(fresh("code"), 100, "130000000000000000")
        for missing in ("payer", "scene_info"):
            refused(f"codepay: {missing} left out is refused", self.post(codepay, with_field(order, missing, DROP)),
                    PARAM_ERROR)
        for bad in ["", "12", "1" * 40, "13000000000000000x", 130000000000000000, None]:
            refused(f"codepay: auth_code {described(bad)} is refused",
                    self.post(codepay, us.codepay_order(fresh("code"), 100, bad)),
                    PARAM_ERROR, (400, "AUTH_CODE_INVALID"))

    def refund_fields(self) -> None:
        for field, bad in BAD_REFUND_FIELDS:
            payload = with_field(self.us.refund_order(fresh("field"), self.paid, 1, 100), field, bad)
            self.report.refused(f"refund: {field} {described(bad)} is refused", self.post(REFUNDS, payload),
                                PARAM_ERROR)

    # The rules of orders, refunds and payments.

    def order_rules(self) -> None:
        us, refused = self.us, self.report.refused
        refused("an unknown order is not found", us.call("GET", us.query_target(fresh("none"))), ORDER_NOT_EXIST)
        refused("an unknown transaction_id is not found", us.call("GET", us.id_target("4200" + "0" * 24)),
                ORDER_NOT_EXIST)
        refused("an unknown order cannot be closed", us.close(fresh("none")), ORDER_NOT_EXIST)
        refused("an unknown order cannot be reversed",
                self.post(f"{TRANSACTIONS}/out-trade-no/{fresh('none')}/reverse",
                          {"appid": us.appid, "mchid": us.mchid}), ORDER_NOT_EXIST)
        refused("another merchant's appid is refused",
                self.post(NATIVE, us.order(fresh("app"), appid="wx0000000000000000")), (400, "APPID_MCHID_NOT_MATCH"))
        denied = [PARAM_ERROR, INVALID_REQUEST, SIGN_ERROR, (400, "MCH_NOT_EXISTS"), (403, "NO_AUTH")]
        stranger = "1999999999"
        refused("an mchid other than the signer's is refused in an order",
                self.post(NATIVE, us.order(fresh("mch"), mchid=stranger)), *denied)
        refused("an mchid other than the signer's is refused in a query",
                us.call("GET", us.query_target(self.paid).replace(us.mchid, stranger)), *denied)
        refused("an mchid other than the signer's is refused in closing", us.close(self.paid, mchid=stranger), *denied)

        number = fresh("same")
        us.create(number, 100)
        for name, changes in {"amount": {"amount": {"total": 101}}, "description": {"description": "other"},
                              "attach": {"attach": "other"}}.items():
            refused(f"the number of an order with another {name} is refused",
                    self.post(NATIVE, us.order(number) | changes), INVALID_REQUEST)
        refused("the number of an order for another product is refused",
                self.post(f"{TRANSACTIONS}/jsapi", us.order(number, payer={"openid": self.openid})),
                INVALID_REQUEST, (403, "OUT_TRADE_NO_USED"))
        self.report.equal("the order is as it was first placed", us.query(number)["amount"]["total"], 100)

    def refund_rules(self) -> None:
        us, refused = self.us, self.report.refused
        refused("an unknown refund is not found", us.call("GET", f"{REFUNDS}/{fresh('none')}"), RESOURCE_NOT_EXISTS)
        refused("an unknown order cannot be refunded", us.refund(fresh("r"), fresh("none"), 1, 100),
                RESOURCE_NOT_EXISTS)
        unpaid = fresh("unpaid")
        us.create(unpaid)
        refused("an unpaid order cannot be refunded", us.refund(fresh("r"), unpaid, 1, 100), RESOURCE_NOT_EXISTS)
        refused("a total other than the order's is refused", us.refund(fresh("r"), self.paid, 1, 99),
                INVALID_REQUEST, PARAM_ERROR)
        refused("refunding more than was paid is refused", us.refund(fresh("r"), self.paid, 101, 100),
                INVALID_REQUEST, PARAM_ERROR)
        self.report.equal("the order is untouched by all this", us.query(self.paid)["trade_state"], "SUCCESS")

        number, refund_number = paid_order(us, self.payer, 100), f"{fresh('r')}_-|*@"
        target = f"{REFUNDS}/{refund_number.replace('|', '%7C')}"
        self.report.accepted("a refund number of every kind of character is accepted",
                             us.refund(refund_number, number, 1, 100))
        self.report.accepted("it is found", us.call("GET", target))
        refused("a refund number for another order is refused", us.refund(refund_number, self.paid, 1, 100),
                INVALID_REQUEST)
        refused("a refund number with another amount is refused", us.refund(refund_number, number, 2, 100),
                INVALID_REQUEST)
        refund_id = json.loads(us.call("GET", target)[1])["refund_id"]
        abnormal = {"out_refund_no": refund_number, "type": "MERCHANT_BANK_CARD"}
        refused("a refund that succeeded cannot be redirected",
                self.post(f"{REFUNDS}/{refund_id}/apply-abnormal-refund", abnormal), INVALID_REQUEST)
        refused("an unknown refund cannot be redirected",
                self.post(f"{REFUNDS}/50{'0' * 26}/apply-abnormal-refund",
                          abnormal | {"out_refund_no": fresh("none")}), RESOURCE_NOT_EXISTS)

    def many_refunds(self) -> None:
        us, number = self.us, paid_order(self.us, self.payer, 100)
        parts = [fresh("r").ljust(64, "0") for _ in range(50)]
        self.report.equal("an order can be refunded in 50 parts",
                          [us.refund(part, number, 1, 100)[0] for part in parts], [200] * 50)
        self.report.refused("a 51st refund is refused", us.refund(fresh("r"), number, 1, 100),
                            INVALID_REQUEST, (403, "RULE_LIMIT"))
        self.report.accepted("the 50th is still answered again", us.refund(parts[-1], number, 1, 100))

    def payer_rules(self) -> None:
        us, equal = self.us, self.report.equal
        number = fresh("rich")
        self.unpayable("more than the wallet holds", us.create(number, AMOUNT_MAX))
        equal("that order stays NOTPAY", us.query(number)["trade_state"], "NOTPAY")
        self.unpayable("an unknown code", "weixin://wxpay/bizpayurl?pr=doesnotexist")

        number = fresh("twice")
        code_url = us.create(number, 100)
        equal("an order can be paid", self.payer.pay(code_url).returncode, 0)
        before = us.query(number)
        self.unpayable("an order twice", code_url)
        equal("that order is as it was", us.query(number), before)

        number = fresh("shut")
        code_url = us.create(number, 100)
        self.report.accepted("an order can be closed", us.close(number), 204)
        self.unpayable("a closed order", code_url)
        equal("that order stays CLOSED", us.query(number)["trade_state"], "CLOSED")
        self.report.refused("ordering under a closed number is refused", self.post(NATIVE, us.order(number)),
                            (400, "ORDER_CLOSED"), INVALID_REQUEST, (403, "OUT_TRADE_NO_USED"))

    def expired(self) -> None:
        number, code_url, when = self.expiring
        time.sleep(max(0.0, when + 1 - time.time()))
        self.unpayable("an expired order", code_url)
        state = self.us.query(number)["trade_state"]
        self.report.check("an expired order is not paid", state in ("CLOSED", "NOTPAY"), state)

    # What belongs to others, or is not there.

    def other_merchants(self) -> None:
        """Needs `wechat_other` in the credentials: a second merchant, with the fields of `wechat`."""
        us, refused = self.us, self.report.refused
        other = Merchant(self.credentials, self.credentials["wechat_other"])
        transaction_id = us.query(self.paid)["transaction_id"]
        refund_number = fresh("r")
        self.report.accepted("our own refund is accepted", us.refund(refund_number, self.paid, 1, 100))
        refused("another merchant does not find our order", other.call("GET", other.query_target(self.paid)),
                ORDER_NOT_EXIST)
        refused("another merchant does not find it by transaction_id",
                other.call("GET", other.id_target(transaction_id)), ORDER_NOT_EXIST)
        refused("another merchant cannot close it", other.close(self.paid), ORDER_NOT_EXIST)
        refused("another merchant does not find our refund", other.call("GET", f"{REFUNDS}/{refund_number}"),
                RESOURCE_NOT_EXISTS)
        payload = other.refund_order(fresh("r"), self.paid, 1, 100)
        refused("another merchant cannot refund our order", other.call("POST", REFUNDS, payload), RESOURCE_NOT_EXISTS)
        payload = with_field(payload, "out_trade_no", DROP) | {"transaction_id": transaction_id}
        refused("another merchant cannot refund it by transaction_id", other.call("POST", REFUNDS, payload),
                RESOURCE_NOT_EXISTS)
        refused("another merchant cannot order under our appid",
                other.call("POST", NATIVE, other.order(fresh("app"), appid=us.appid)), (400, "APPID_MCHID_NOT_MATCH"))
        self.report.accepted("our number is free for another merchant",
                             other.call("POST", NATIVE, other.order(self.paid, 777)))
        self.report.equal("our order is as it was", us.query(self.paid)["transaction_id"], transaction_id)

    def paths(self) -> None:
        order_path = self.us.query_target(self.paid)
        for status, method, target in [
            (404, "GET", "/v3/no/such/path"), (404, "POST", f"{TRANSACTIONS}/telepathy"),
            (405, "DELETE", NATIVE), (405, "GET", REFUNDS), (405, "PUT", CERTIFICATES), (405, "POST", order_path),
        ]:
            answer = self.us.call(method, target)
            path = urlsplit(target).path.replace(self.paid, "{out_trade_no}")
            self.report.check(f"{method} {path} is {status} with an error body",
                              answer[0] == status and error_of(answer)[0], answer)
        for odd in ["%2e%2e", "%00", "%ff", "a" * 4000, "%E8%AE%A2%E5%8D%95"]:
            answer = self.us.call("GET", self.us.query_target(odd))
            self.report.check(f"the number {odd[:20]} in a path is refused with an error body",
                              answer[0] in (400, 404, 414) and error_of(answer)[0], answer)

    def bills(self) -> None:
        refused = self.report.refused
        for name, target in {
            "no date": "/v3/bill/tradebill?bill_type=ALL", "a date that is none": bill_target("2026-02-30"),
            "an unknown type": f"/v3/bill/tradebill?bill_date={today()}&bill_type=NONE",
        }.items():
            refused(f"a bill with {name} is refused", self.us.call("GET", target), PARAM_ERROR)
        refused("a bill of a day without trade is refused", self.us.call("GET", bill_target("2001-01-01")),
                (400, "NO_STATEMENT_EXIST"))
        answer = self.us.call("GET", "/v3/billdownload/file?token=guessed")
        self.report.check("a guessed bill token is refused", 400 <= answer[0] < 500 and error_of(answer)[0], answer)


def with_field(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the payload with one field changed; DROP takes it away."""
    first, _, rest = path.partition(".")
    changed = dict(payload)
    if rest:
        changed[first] = with_field(changed[first], rest, value)
    elif value is DROP:
        del changed[first]
    else:
        changed[first] = value
    return changed


def described(value: Any) -> str:
    if value is DROP:
        return "left out"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"of {len(text)} characters"


def main() -> None:
    report = Report("wechat negative")
    with report.section("everything"):
        Negative(report, load_credentials(sys.argv[1])).run()
    report.finish()


if __name__ == "__main__":
    main()
