"""What WeChat's API must refuse, and how, over raw HTTP. Usage: wechat_negative.py CREDENTIALS

Every refusal must leave everything as it was: `run` audits the ledger afterwards.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificate

from harness import (REFUNDS, Answer, Merchant, Payer, Report, answer_of, authorization_of, error_of, fresh,
                     load_credentials)

TRANSACTIONS = "/v3/pay/transactions"
NATIVE = f"{TRANSACTIONS}/native"
CHINA = timezone(timedelta(hours=8))
AMOUNT_MAX = 10**12
BODY_MAX = 1024 * 1024
DROP = object()

SIGN_ERROR = (401, "SIGN_ERROR")
PARAM_ERROR = (400, "PARAM_ERROR")
INVALID_REQUEST = (400, "INVALID_REQUEST")
ORDER_NOT_EXIST = (404, "ORDER_NOT_EXIST")
RESOURCE_NOT_EXISTS = (404, "RESOURCE_NOT_EXISTS")

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
    *(("appid", bad) for bad in [DROP, "", 5]),
    *(("mchid", bad) for bad in [DROP, "", 5]),
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


@dataclass(frozen=True)
class Request:
    """A valid request of one endpoint, but for what a check makes wrong in it."""

    name: str
    method: str
    target: str
    payload: dict[str, Any] | None = None


class Negative:
    def __init__(self, report: Report, credentials: dict[str, Any]) -> None:
        self.report = report
        self.credentials = credentials
        self.us = Merchant(credentials, credentials["wechat"])
        self.payer = Payer(credentials)
        self.openid = credentials["wechat"]["openid"]
        # Expires while the other checks run.
        self.expiring = self.order_that_expires()
        self.paid = self.paid_order(100)

    def run(self) -> None:
        for part in (
            self.signatures, self.authorization_forms, self.answers, self.certificates, self.bodies, self.order_fields,
            self.product_fields, self.refund_fields, self.order_rules, self.refund_rules, self.payer_rules,
            self.other_merchants, self.paths, self.bills, self.expired,
        ):
            with self.report.section(part.__name__.replace("_", " ")):
                part()

    # Steps shared by the parts.

    def paid_order(self, total: int) -> str:
        number = fresh("paid")
        done = self.payer.pay(self.us.create(number, total))
        if done.returncode != 0:
            raise RuntimeError(f"{number} could not be paid: {done.stdout} {done.stderr}")
        return number

    def order_that_expires(self) -> tuple[str, str, float]:
        """(number, code, when): as soon as the server lets an order expire."""
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

    def is_unknown(self, number: str) -> bool:
        return self.us.call("GET", self.us.query_target(number))[0] == 404

    def requests(self) -> list[Request]:
        """One request of every endpoint, each with numbers of its own."""
        us, number = self.us, fresh
        ours = {"appid": us.appid, "mchid": us.mchid}
        h5 = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        bill = json.loads(us.call("GET", self.bill_target(today()))[1])["download_url"]
        codepay = us.order(number("auth"), payer={"auth_code": "130000000000000000"},
                           scene_info={"store_info": {"id": "0001"}})
        del codepay["notify_url"]
        return [
            Request("native", "POST", NATIVE, us.order(number("auth"))),
            Request("jsapi", "POST", f"{TRANSACTIONS}/jsapi", us.order(number("auth"), payer={"openid": self.openid})),
            Request("app", "POST", f"{TRANSACTIONS}/app", us.order(number("auth"))),
            Request("h5", "POST", f"{TRANSACTIONS}/h5", us.order(number("auth"), scene_info=h5)),
            Request("codepay", "POST", f"{TRANSACTIONS}/codepay", codepay),
            Request("order query", "GET", us.query_target(self.paid)),
            Request("query by id", "GET", self.id_target(us, us.query(self.paid)["transaction_id"])),
            Request("close", "POST", f"{TRANSACTIONS}/out-trade-no/{number('auth')}/close", {"mchid": us.mchid}),
            Request("reverse", "POST", f"{TRANSACTIONS}/out-trade-no/{number('auth')}/reverse", ours),
            Request("refund", "POST", REFUNDS, us.refund_order(number("auth"), self.paid, 1, 100)),
            Request("refund query", "GET", f"{REFUNDS}/{number('auth')}"),
            Request("trade bill", "GET", self.bill_target(today())),
            Request("bill download", "GET", urlsplit(bill).path + "?" + urlsplit(bill).query),
            Request("certificates", "GET", "/v3/certificates"),
        ]

    @staticmethod
    def bill_target(day: str) -> str:
        return f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL"

    @staticmethod
    def id_target(merchant: Merchant, transaction_id: str) -> str:
        return f"{TRANSACTIONS}/id/{transaction_id}?mchid={merchant.mchid}"

    # The parts.

    def signatures(self) -> None:
        now = int(time.time())
        forgeries: dict[str, dict[str, Any]] = {
            "without Authorization": {"authorization": ""},
            "with a signature over another body": {"signed": b'{"amount":1}'},
            "with a timestamp of six minutes ago": {"timestamp": str(now - 360)},
            "with a timestamp six minutes ahead": {"timestamp": str(now + 360)},
            "with a timestamp in milliseconds": {"timestamp": str(now * 1000)},
            "of an unknown merchant": {"mchid": "1999999999"},
            "with an unknown serial": {"serial_no": "F" * 40},
        }
        requests = self.requests()
        for request in requests:
            sent = (request.method, request.target, request.payload)
            for name, changes in forgeries.items():
                self.report.refused(f"{request.name} {name} is refused", self.us.call(*sent, **changes), SIGN_ERROR)
        numbers = [request.payload["out_trade_no"] for request in requests if request.target.startswith(TRANSACTIONS)
                   and request.payload and "out_trade_no" in request.payload]
        self.report.check("orders with a refused signature do not exist", all(map(self.is_unknown, numbers)), numbers)

        # Only now: these are the first that are accepted.
        for request in requests:
            genuine = self.us.build(request.method, request.target, request.payload)
            first = answer_of(self.us.send(genuine))
            self.report.check(f"{request.name} with a good signature is let in", first[0] != 401, first)
            self.report.refused(f"{request.name} sent a second time word for word is refused",
                                answer_of(self.us.send(genuine)), SIGN_ERROR)
        self.us.call("GET", self.us.query_target(self.paid), nonce_str="ReusedNonce" + self.paid)
        self.report.refused("an old nonce under a new signature is refused",
                            self.us.call("GET", self.us.query_target(self.paid),
                                         nonce_str="ReusedNonce" + self.paid), SIGN_ERROR)

    def authorization_forms(self) -> None:
        us, target = self.us, self.us.query_target(self.paid)

        def fields(**changes: str) -> dict[str, str]:
            return us.fields("GET", target, b"", **changes)

        def send(authorization: str) -> Answer:
            return us.call("GET", target, authorization=authorization)

        orders = [
            ["mchid", "nonce_str", "timestamp", "serial_no", "signature"],
            ["mchid", "serial_no", "timestamp", "nonce_str", "signature"],
            ["signature", "serial_no", "timestamp", "nonce_str", "mchid"],
        ]
        for order in orders:
            given = fields()
            self.accepted(f"Authorization in the order {', '.join(order)} is accepted",
                          send(authorization_of({name: given[name] for name in order})))
        self.accepted("blanks after the commas of Authorization are accepted",
                      send(authorization_of(fields(), separator=", ")))
        self.accepted("a serial in lower case is accepted", send(authorization_of(fields(serial_no=us.serial.lower()))))
        self.accepted("a serial with leading zeros is accepted",
                      send(authorization_of(fields(serial_no=f"00{us.serial}"))))
        for length in (1, 10, 64):
            self.accepted(f"a nonce of {length} characters is accepted",
                          send(authorization_of(fields(nonce_str=nonce_of(length)))))

        for missing in orders[0]:
            given = fields()
            del given[missing]
            self.report.refused(f"Authorization without {missing} is refused", send(authorization_of(given)),
                                SIGN_ERROR)
        whole = authorization_of(fields())
        for name, broken in {
            "with another scheme": whole.replace("WECHATPAY2-SHA256-RSA2048", "Bearer"),
            "with only the scheme": "WECHATPAY2-SHA256-RSA2048",
            "without quotation marks": whole.replace('"', ""),
            "cut off": whole[:-20],
            "with a timestamp in words": authorization_of(fields(timestamp="yesterday")),
            "with a negative timestamp": authorization_of(fields(timestamp="-1")),
            "with a timestamp beyond 64 bits": authorization_of(fields(timestamp="9" * 30)),
            "with an empty nonce": authorization_of(fields(nonce_str="")),
            "with a signature that is not base64": authorization_of(fields() | {"signature": "***"}),
            "with a short signature": authorization_of(fields() | {"signature": "AAAA"}),
            "with a serial that is not hex": authorization_of(fields(serial_no="serial")),
        }.items():
            self.report.refused(f"Authorization {name} is refused", send(broken), SIGN_ERROR)

        raw = target + "&note=a+b:%E4%BD%A0%2f,$"
        self.accepted("the signature covers the query exactly as sent", us.call("GET", raw))

    def accepted(self, name: str, answer: Answer, status: int = 200) -> None:
        self.report.check(name, answer[0] == status, answer)

    def answers(self) -> None:
        us, number = self.us, fresh("head")
        closing = f"{TRANSACTIONS}/out-trade-no/{number}/close"
        for name, request in {
            "the answer to an order": us.build("POST", NATIVE, us.order(number)),
            "the answer to a query": us.build("GET", us.query_target(number)),
            "the empty answer to closing": us.build("POST", closing, {"mchid": us.mchid}),
            "a refusal": us.build("GET", us.query_target(fresh("none"))),
        }.items():
            response = us.send(request)
            problem = us.signature_problem(response.headers, response.content)
            self.report.check(f"{name} bears the platform's signature", problem is None, problem)
            self.report.equal(f"{name} names the public key that the request named",
                              response.headers.get("Wechatpay-Serial"), us.public_key_id)
            self.report.check(f"{name} has a Request-ID", response.headers.get("Request-ID"), response.headers)
            self.report.check(f"{name} is JSON without content coding",
                              "content-encoding" not in response.headers and (
                                  not response.content
                                  or response.headers["Content-Type"].startswith("application/json")),
                              response.headers)

    def certificates(self) -> None:
        us, check, equal = self.us, self.report.check, self.report.equal
        wechat = self.credentials["wechat"]
        ours = load_pem_x509_certificate(wechat["merchant_cert_pem"].encode())
        equal("the merchant's certificate is of its key and serial",
              (ours.public_key().public_numbers(), f"{ours.serial_number:X}"),
              (us.key.public_key().public_numbers(), us.serial.upper().lstrip("0")))

        listed = json.loads(us.call("GET", "/v3/certificates?algorithm_type=RSA")[1])["data"][0]
        sealed = listed["encrypt_certificate"]
        equal("the platform certificate is sealed as documented",
              (sealed["algorithm"], len(sealed["nonce"]), sealed["associated_data"]),
              ("AEAD_AES_256_GCM", 12, "certificate"))
        certificate = load_pem_x509_certificate(us.decrypt(sealed))
        equal("it opens, and has the announced serial", f"{certificate.serial_number:040X}", listed["serial_no"])
        equal("it is of the same key as the public key", certificate.public_key().public_numbers(),
              us.platform_key.public_numbers())
        now = datetime.now(timezone.utc)
        check("it is valid now", certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc,
              certificate)
        equal("its announced times are its own",
              [datetime.fromisoformat(listed[name]) for name in ("effective_time", "expire_time")],
              [certificate.not_valid_before_utc, certificate.not_valid_after_utc])

        for name, serial in {"without Wechatpay-Serial": "", "that names the certificate": listed["serial_no"]}.items():
            request = us.build("GET", us.query_target(self.paid), headers={"Wechatpay-Serial": serial})
            response = us.send(request)
            equal(f"a request {name} is answered under the certificate",
                  (response.headers.get("Wechatpay-Serial"), us.signature_problem(response.headers, response.content)),
                  (listed["serial_no"], None))
        request = us.build("GET", us.query_target(self.paid), headers={"Wechatpay-Serial": us.serial})
        self.accepted("an unknown Wechatpay-Serial does not matter when nothing is encrypted",
                      answer_of(us.send(request)))

    def bodies(self) -> None:
        for endpoint, target in {"native": NATIVE, "codepay": f"{TRANSACTIONS}/codepay", "refund": REFUNDS}.items():
            for name, body in BAD_JSON.items():
                self.report.refused(f"{endpoint}: {name} is refused", self.post(target, None, body=body), PARAM_ERROR)
        padding = {"description": "d" * (BODY_MAX + 1024)}
        answer = self.post(NATIVE, self.us.order(fresh("huge")) | padding)
        self.report.check("a body of more than 1 MiB is refused", answer[0] in (400, 413) and error_of(answer)[0],
                          answer)
        padding = {"description": "d" * (BODY_MAX - 1024)}
        self.report.refused("a body just below 1 MiB is read", self.post(NATIVE, self.us.order(fresh("huge")) | padding),
                            PARAM_ERROR)
        # wechatpayv3's async client sends `null`, signed as nothing, where the sync one sends no body.
        cancel = f"/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{fresh('none')}/cancel"
        for name, body in {"null": b"null", "no body": b""}.items():
            answer = self.post(cancel, None, body=body, signed=b"")
            self.report.check(f"{name} on a POST without data passes the signature",
                              answer[0] == 404 and error_of(answer)[0], answer)
        number = fresh("text")
        answer = self.post(NATIVE, self.us.order(number, description="好" * 40 + "🧧\u202e\u0007"))
        self.report.check("odd characters in a text are taken or refused",
                          answer[0] == 200 or (answer[0], error_of(answer)[0]) == PARAM_ERROR, answer)

    def order_fields(self) -> None:
        numbers = []
        for field, bad in BAD_ORDER_FIELDS:
            payload = with_field(self.us.order(fresh("field")), field, bad)
            self.report.refused(f"native: {field} {described(bad)} is refused", self.post(NATIVE, payload), PARAM_ERROR)
            if field != "out_trade_no":
                numbers.append(payload["out_trade_no"])
        self.report.refused("native: a time_expire in the past is refused",
                            self.post(NATIVE, self.us.order(fresh("field"), time_expire="2020-01-01T00:00:00+08:00")),
                            PARAM_ERROR, INVALID_REQUEST)
        self.report.check("orders with a refused field do not exist", all(map(self.is_unknown, numbers)), numbers)

        for name, number in {"6 characters": fresh("")[:6], "32 characters": fresh("n").ljust(32, "0"),
                             "every kind of character": f"{fresh('')[:10]}_-|*Zz9"}.items():
            self.accepted(f"native: a number of {name} is accepted", self.post(NATIVE, self.us.order(number)))
            self.accepted(f"native: a number of {name} is found",
                          self.us.call("GET", self.us.query_target(number.replace("|", "%7C"))))
        number = fresh("max")
        self.us.create(number, AMOUNT_MAX)
        self.report.equal("native: the greatest amount is kept to the fen", self.us.query(number)["amount"]["total"],
                          AMOUNT_MAX)
        number = fresh("cny")
        self.accepted("native: the currency may be left out", self.post(NATIVE, self.us.order(number, amount={"total": 1})))

    def product_fields(self) -> None:
        us, refused = self.us, self.report.refused
        refused("jsapi: no payer is refused", self.post(f"{TRANSACTIONS}/jsapi", us.order(fresh("js"))), PARAM_ERROR)
        refused("jsapi: a payer without openid is refused",
                self.post(f"{TRANSACTIONS}/jsapi", us.order(fresh("js"), payer={})), PARAM_ERROR)
        refused("jsapi: an unknown openid is refused",
                self.post(f"{TRANSACTIONS}/jsapi", us.order(fresh("js"), payer={"openid": "o" + "x" * 27})),
                PARAM_ERROR, INVALID_REQUEST, (400, "OPENID_MISMATCH"))
        refused("h5: no scene is refused", self.post(f"{TRANSACTIONS}/h5", us.order(fresh("h5"))), PARAM_ERROR)
        scene = {"scene_info": {"store_info": {"id": "0001"}}}
        codepay = f"{TRANSACTIONS}/codepay"
        refused("codepay: no payer is refused", self.post(codepay, us.order(fresh("code"), **scene)), PARAM_ERROR)
        refused("codepay: no scene is refused",
                self.post(codepay, us.order(fresh("code"), payer={"auth_code": "130000000000000000"})), PARAM_ERROR)
        for bad in ["", "12", "1" * 40, "13000000000000000x", 130000000000000000, None]:
            refused(f"codepay: auth_code {described(bad)} is refused",
                    self.post(codepay, us.order(fresh("code"), payer={"auth_code": bad}, **scene)),
                    PARAM_ERROR, (400, "AUTH_CODE_INVALID"))

    def refund_fields(self) -> None:
        for field, bad in BAD_REFUND_FIELDS:
            payload = with_field(self.us.refund_order(fresh("field"), self.paid, 1, 100), field, bad)
            self.report.refused(f"refund: {field} {described(bad)} is refused", self.post(REFUNDS, payload), PARAM_ERROR)

    def order_rules(self) -> None:
        us, refused = self.us, self.report.refused
        refused("an unknown order is not found", us.call("GET", us.query_target(fresh("none"))), ORDER_NOT_EXIST)
        refused("an unknown transaction_id is not found",
                us.call("GET", self.id_target(us, "4200" + "0" * 24)), ORDER_NOT_EXIST)
        refused("another merchant's appid is refused",
                self.post(NATIVE, us.order(fresh("app"), appid="wx0000000000000000")), (400, "APPID_MCHID_NOT_MATCH"))
        number = fresh("mch")
        denied = [PARAM_ERROR, INVALID_REQUEST, SIGN_ERROR, (400, "MCH_NOT_EXISTS"), (403, "NO_AUTH")]
        refused("an mchid other than the signer's is refused in an order",
                self.post(NATIVE, us.order(number, mchid="1999999999")), *denied)
        refused("an mchid other than the signer's is refused in a query",
                us.call("GET", f"{TRANSACTIONS}/out-trade-no/{self.paid}?mchid=1999999999"), *denied)
        refused("an mchid other than the signer's is refused in closing",
                self.post(f"{TRANSACTIONS}/out-trade-no/{self.paid}/close", {"mchid": "1999999999"}), *denied)

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
        refused("reversing an unknown order is refused",
                self.post(f"{TRANSACTIONS}/out-trade-no/{fresh('none')}/reverse",
                          {"appid": us.appid, "mchid": us.mchid}), ORDER_NOT_EXIST)

    def refund_rules(self) -> None:
        us, refused = self.us, self.report.refused
        refused("an unknown refund is not found", us.call("GET", f"{REFUNDS}/{fresh('none')}"), RESOURCE_NOT_EXISTS)
        refused("refunding an unknown order is refused", us.refund(fresh("r"), fresh("none"), 1, 100),
                RESOURCE_NOT_EXISTS)
        unpaid = fresh("unpaid")
        us.create(unpaid)
        refused("refunding an unpaid order is refused", us.refund(fresh("r"), unpaid, 1, 100), RESOURCE_NOT_EXISTS)
        refused("a total other than the order's is refused", us.refund(fresh("r"), self.paid, 1, 99),
                INVALID_REQUEST, PARAM_ERROR)
        refused("refunding more than was paid is refused", us.refund(fresh("r"), self.paid, 101, 100),
                INVALID_REQUEST, PARAM_ERROR)
        self.report.equal("the order is untouched by all this", us.query(self.paid)["trade_state"], "SUCCESS")

        number, refund_number = self.paid_order(100), f"{fresh('r')}_-|*@"
        self.accepted("a refund number of every kind of character is accepted",
                      us.refund(refund_number, number, 1, 100))
        self.accepted("it is found", us.call("GET", f"{REFUNDS}/{refund_number.replace('|', '%7C')}"))
        refused("a refund number for another order is refused", us.refund(refund_number, self.paid, 1, 100),
                INVALID_REQUEST)
        refused("a refund number with another amount is refused", us.refund(refund_number, number, 2, 100),
                INVALID_REQUEST)
        done = json.loads(us.call("GET", f"{REFUNDS}/{refund_number.replace('|', '%7C')}")[1])
        abnormal = {"out_refund_no": refund_number, "type": "MERCHANT_BANK_CARD"}
        refused("a refund that succeeded cannot be redirected",
                self.post(f"{REFUNDS}/{done['refund_id']}/apply-abnormal-refund", abnormal), INVALID_REQUEST)
        refused("an unknown refund cannot be redirected",
                self.post(f"{REFUNDS}/50{'0' * 26}/apply-abnormal-refund", abnormal | {"out_refund_no": fresh("none")}),
                RESOURCE_NOT_EXISTS)

        number, parts = self.paid_order(100), [fresh("r").ljust(64, "0") for _ in range(50)]
        given = [us.refund(part, number, 1, 100)[0] for part in parts]
        self.report.equal("an order can be refunded in 50 parts", given, [200] * 50)
        refused("a 51st refund is refused", us.refund(fresh("r"), number, 1, 100),
                INVALID_REQUEST, (403, "RULE_LIMIT"))
        self.accepted("the 50th is still answered again", us.refund(parts[-1], number, 1, 100))

    def payer_rules(self) -> None:
        us = self.us

        def check_unpayable(name: str, code_url: str) -> None:
            self.report.check(f"paying {name} is refused", self.payer.pay(code_url).returncode != 0,
                              "the command said it paid")

        number = fresh("rich")
        check_unpayable("more than the wallet holds", us.create(number, AMOUNT_MAX))
        self.report.equal("that order stays NOTPAY", us.query(number)["trade_state"], "NOTPAY")
        check_unpayable("an unknown code", "weixin://wxpay/bizpayurl?pr=doesnotexist")
        number = fresh("twice")
        code_url = us.create(number, 100)
        self.report.equal("an order can be paid", self.payer.pay(code_url).returncode, 0)
        before = us.query(number)
        check_unpayable("an order twice", code_url)
        self.report.equal("that order is as it was", us.query(number), before)
        number = fresh("shut")
        code_url = us.create(number, 100)
        self.accepted("an order can be closed",
                      self.post(f"{TRANSACTIONS}/out-trade-no/{number}/close", {"mchid": us.mchid}), 204)
        check_unpayable("a closed order", code_url)
        self.report.equal("that order stays CLOSED", us.query(number)["trade_state"], "CLOSED")
        self.report.check("ordering under a closed number is refused",
                          error_of(self.post(NATIVE, us.order(number)))[0]
                          in ("ORDER_CLOSED", "INVALID_REQUEST", "OUT_TRADE_NO_USED"), number)

    def other_merchants(self) -> None:
        """Needs `wechat_other` in the credentials: a second merchant, with the fields of `wechat`."""
        us, refused = self.us, self.report.refused
        other = Merchant(self.credentials, self.credentials["wechat_other"])
        transaction_id = us.query(self.paid)["transaction_id"]
        refund_number = fresh("r")
        self.accepted("our own refund is accepted", us.refund(refund_number, self.paid, 1, 100))
        refused("another merchant does not find our order", other.call("GET", other.query_target(self.paid)),
                ORDER_NOT_EXIST)
        refused("nor by its transaction_id", other.call("GET", self.id_target(other, transaction_id)), ORDER_NOT_EXIST)
        refused("nor can it close it", other.call("POST", f"{TRANSACTIONS}/out-trade-no/{self.paid}/close",
                                                  {"mchid": other.mchid}), ORDER_NOT_EXIST)
        refused("nor find our refund", other.call("GET", f"{REFUNDS}/{refund_number}"), RESOURCE_NOT_EXISTS)
        payload = other.refund_order(fresh("r"), self.paid, 1, 100)
        refused("nor refund our order", other.call("POST", REFUNDS, payload), RESOURCE_NOT_EXISTS)
        payload = with_field(payload, "out_trade_no", DROP) | {"transaction_id": transaction_id}
        refused("nor refund it by transaction_id", other.call("POST", REFUNDS, payload), RESOURCE_NOT_EXISTS)
        refused("our appid is not the other's", other.call("POST", NATIVE, other.order(fresh("app"), appid=us.appid)),
                (400, "APPID_MCHID_NOT_MATCH"))
        self.accepted("our number is free for the other merchant",
                      other.call("POST", NATIVE, other.order(self.paid, 777)))
        self.report.equal("and our order is as it was", us.query(self.paid)["transaction_id"], transaction_id)

    def paths(self) -> None:
        for name, method, target in [
            ("an unknown path", "GET", "/v3/no/such/path"),
            ("an unknown product", "POST", f"{TRANSACTIONS}/telepathy"),
        ]:
            answer = self.us.call(method, target)
            self.report.check(f"{name} is 404 with an error body", answer[0] == 404 and error_of(answer)[0], answer)
        for method, target in [("DELETE", NATIVE), ("GET", REFUNDS), ("PUT", "/v3/certificates"),
                               ("POST", self.us.query_target(self.paid))]:
            answer = self.us.call(method, target)
            self.report.check(f"{method} {urlsplit(target).path.replace(self.paid, '{number}')} is 405 with an error body",
                              answer[0] == 405 and error_of(answer)[0], answer)
        for odd in ["%2e%2e", "%00", "%ff", "a" * 4000, "订单".encode().hex(), "%E8%AE%A2%E5%8D%95"]:
            answer = self.us.call("GET", self.us.query_target(odd))
            self.report.check(f"the number {odd[:20]} in a path is refused",
                              answer[0] in (400, 404, 414) and error_of(answer)[0], answer)

    def bills(self) -> None:
        refused = self.report.refused
        for name, target in {
            "no date": "/v3/bill/tradebill?bill_type=ALL", "a date that is none": self.bill_target("2026-02-30"),
            "an unknown type": f"/v3/bill/tradebill?bill_date={today()}&bill_type=NONE",
        }.items():
            refused(f"a bill with {name} is refused", self.us.call("GET", target), PARAM_ERROR)
        refused("a bill of a day without trade is refused", self.us.call("GET", self.bill_target("2001-01-01")),
                (400, "NO_STATEMENT_EXIST"))
        answer = self.us.call("GET", "/v3/billdownload/file?token=guessed")
        self.report.check("a guessed bill token is refused", 400 <= answer[0] < 500 and error_of(answer)[0], answer)

    def expired(self) -> None:
        number, code_url, when = self.expiring
        time.sleep(max(0.0, when + 1 - time.time()))
        self.report.check("paying an expired order is refused", self.payer.pay(code_url).returncode != 0,
                          "the command said it paid")
        self.report.check("an expired order is not paid", self.us.query(number)["trade_state"] in ("CLOSED", "NOTPAY"),
                          self.us.query(number))


def today() -> str:
    return datetime.now(CHINA).date().isoformat()


def nonce_of(length: int) -> str:
    """Different for every run, as far as the length allows."""
    return fresh("")[:length].ljust(length, "0")


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
