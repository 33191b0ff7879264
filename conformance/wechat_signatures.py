"""Who is let in, and what answers bear, over raw HTTP. Usage: wechat_signatures.py CREDENTIALS

Every endpoint meets every forgery; then the forms that real clients use must be accepted.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.x509 import load_pem_x509_certificate

from harness import (
    CERTIFICATES, NATIVE, REFUNDS, SCHEME, SIGN_ERROR, TRANSACTIONS, Answer, Merchant, Payer, Report, answer_of,
    authorization_of, bill_target, error_of, fresh, load_credentials, paid_order, today,
)


@dataclass(frozen=True)
class Request:
    """A valid request of one endpoint, but for what a check makes wrong in it."""

    name: str
    method: str
    target: str
    payload: dict[str, Any] | None = None


class Signatures:
    def __init__(self, report: Report, credentials: dict[str, Any]) -> None:
        self.report = report
        self.wechat = credentials["wechat"]
        self.us = Merchant(credentials, self.wechat)
        self.payer = Payer(credentials)
        self.paid = paid_order(self.us, self.payer, 100)

    def run(self) -> None:
        for part in (self.forgeries, self.replays, self.authorization_forms, self.signed_text, self.answers,
                     self.certificate, self.serial_of_the_answer):
            with self.report.section(part.__name__.replace("_", " ")):
                part()

    def requests(self) -> list[Request]:
        """One request of every endpoint, each with numbers of its own."""
        us = self.us
        h5 = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        bill = urlsplit(json.loads(us.call("GET", bill_target(today()))[1])["download_url"])
        by_number = f"{TRANSACTIONS}/out-trade-no/{fresh('auth')}"
        refundable = paid_order(us, self.payer, 100)
        return [
            Request("native", "POST", NATIVE, us.order(fresh("auth"))),
            Request("jsapi", "POST", f"{TRANSACTIONS}/jsapi",
                    us.order(fresh("auth"), payer={"openid": self.wechat["openid"]})),
            Request("app", "POST", f"{TRANSACTIONS}/app", us.order(fresh("auth"))),
            Request("h5", "POST", f"{TRANSACTIONS}/h5", us.order(fresh("auth"), scene_info=h5)),
            Request("codepay", "POST", f"{TRANSACTIONS}/codepay",
                    us.codepay_order(fresh("auth"), 100, "130000000000000000")),
            Request("order query", "GET", us.query_target(self.paid)),
            Request("query by id", "GET", us.id_target(us.query(self.paid)["transaction_id"])),
            Request("close", "POST", f"{by_number}/close", {"mchid": us.mchid}),
            Request("reverse", "POST", f"{by_number}/reverse", {"appid": us.appid, "mchid": us.mchid}),
            Request("refund", "POST", REFUNDS, us.refund_order(fresh("auth"), refundable, 1, 100)),
            Request("refund query", "GET", f"{REFUNDS}/{fresh('auth')}"),
            Request("trade bill", "GET", bill_target(today())),
            Request("bill download", "GET", f"{bill.path}?{bill.query}"),
            Request("certificates", "GET", CERTIFICATES),
        ]

    def forgeries(self) -> None:
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
        numbers = []
        for request in self.requests():
            for name, changes in forgeries.items():
                answer = self.us.call(request.method, request.target, request.payload, **changes)
                self.report.refused(f"{request.name} {name} is refused", answer, SIGN_ERROR)
            if request.target.startswith(TRANSACTIONS) and "out_trade_no" in (request.payload or {}):
                numbers.append(request.payload["out_trade_no"])
        found = [self.us.call("GET", self.us.query_target(number))[0] for number in numbers]
        self.report.equal("orders with a refused signature do not exist", found, [404] * len(numbers))

    def replays(self) -> None:
        for request in self.requests():
            genuine = self.us.build(request.method, request.target, request.payload)
            first = answer_of(self.us.send(genuine))
            self.report.check(f"{request.name} with a good signature is let in", first[0] != 401, first)
            self.report.refused(f"{request.name} sent a second time word for word is refused",
                                answer_of(self.us.send(genuine)), SIGN_ERROR)
        nonce, target = fresh("nonce"), self.us.query_target(self.paid)
        self.report.accepted("a nonce is accepted once", self.us.call("GET", target, nonce_str=nonce))
        self.report.refused("the same nonce under a new signature is refused",
                            self.us.call("GET", CERTIFICATES, nonce_str=nonce), SIGN_ERROR)

    def authorization_forms(self) -> None:
        us, target = self.us, self.us.query_target(self.paid)

        def fields(**changes: str) -> dict[str, str]:
            return us.fields("GET", target, b"", **changes)

        def send(authorization: str) -> Answer:
            return us.call("GET", target, authorization=authorization)

        orders = [
            ["mchid", "nonce_str", "signature", "timestamp", "serial_no"],  # wechatpayv3
            ["mchid", "nonce_str", "timestamp", "serial_no", "signature"],  # wechatpay-node-v3
            ["mchid", "serial_no", "timestamp", "nonce_str", "signature"],  # wechatpay-axios-plugin
            ["signature", "serial_no", "timestamp", "nonce_str", "mchid"],
        ]
        for order in orders:
            given = fields()
            self.report.accepted(f"Authorization in the order {', '.join(order)} is accepted",
                                 send(authorization_of({name: given[name] for name in order})))
        self.report.accepted("blanks after the commas of Authorization are accepted",
                             send(authorization_of(fields(), separator=", ")))
        for name, serial in {"in lower case": us.serial.lower(), "with leading zeros": f"00{us.serial}"}.items():
            self.report.accepted(f"a serial {name} is accepted", send(authorization_of(fields(serial_no=serial))))
        for length in (10, 64):
            nonce = fresh("")[:length].ljust(length, "0")
            self.report.accepted(f"a nonce of {length} characters is accepted",
                                 send(authorization_of(fields(nonce_str=nonce))))

        for missing in orders[0]:
            given = fields()
            del given[missing]
            self.report.refused(f"Authorization without {missing} is refused", send(authorization_of(given)),
                                SIGN_ERROR)
        whole = authorization_of(fields())
        for name, broken in {
            "with another scheme": whole.replace(SCHEME, "Bearer"),
            "with only the scheme": SCHEME,
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

    def signed_text(self) -> None:
        us = self.us
        self.report.accepted("the signature covers the query exactly as sent",
                             us.call("GET", us.query_target(self.paid) + "&note=a+b:%E4%BD%A0%2f,$"))
        for name, style in {"with blanks and escapes": {}, "compact and unescaped":
                            {"ensure_ascii": False, "separators": (",", ":")}}.items():
            payload = us.order(fresh("raw"), description="飞钱 ½")
            answer = us.call("POST", NATIVE, body=json.dumps(payload, **style).encode())
            self.report.accepted(f"the signature covers a body {name}", answer)
        # wechatpayv3's async client sends `null`, signed as nothing, where the sync one sends no body.
        cancel = f"/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{fresh('none')}/cancel"
        for name, body in {"null": b"null", "no body": b""}.items():
            answer = us.call("POST", cancel, body=body, signed=b"")
            self.report.check(f"{name} on a POST without data passes the signature",
                              answer[0] == 404 and error_of(answer)[0], answer)

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
            self.report.check(f"{name} is JSON, or empty, without content coding", is_plain(response), response.headers)

    def certificate(self) -> None:
        us, equal = self.us, self.report.equal
        ours = load_pem_x509_certificate(self.wechat["merchant_cert_pem"].encode())
        equal("the merchant's certificate is of its key and serial",
              (ours.public_key().public_numbers(), f"{ours.serial_number:X}"),
              (us.key.public_key().public_numbers(), us.serial.upper().lstrip("0")))

        listed = self.listed_certificate()
        sealed = listed["encrypt_certificate"]
        equal("the platform certificate is sealed as documented",
              (sealed["algorithm"], len(sealed["nonce"]), sealed["associated_data"]),
              ("AEAD_AES_256_GCM", 12, "certificate"))
        opened = load_pem_x509_certificate(us.decrypt(sealed))
        equal("it opens, and has the announced serial", f"{opened.serial_number:040X}", listed["serial_no"])
        equal("it is of the same key as the public key", opened.public_key().public_numbers(),
              us.platform_key.public_numbers())
        equal("its announced times are its own",
              [datetime.fromisoformat(listed[name]) for name in ("effective_time", "expire_time")],
              [opened.not_valid_before_utc, opened.not_valid_after_utc])
        now = datetime.now(timezone.utc)
        self.report.check("it is valid now", opened.not_valid_before_utc <= now <= opened.not_valid_after_utc, opened)

    def listed_certificate(self) -> dict[str, Any]:
        return json.loads(self.us.call("GET", f"{CERTIFICATES}?algorithm_type=RSA")[1])["data"][0]

    def serial_of_the_answer(self) -> None:
        us, target = self.us, self.us.query_target(self.paid)
        serial = self.listed_certificate()["serial_no"]
        # What SDKs send, and the name by which each of them knows the platform's key.
        for name, sent, expected in [
            ("that names the certificate", {"Wechatpay-Serial": serial}, serial),
            ("that names the public key", {"Wechatpay-Serial": us.public_key_id}, us.public_key_id),
            ("that names none", {"Wechatpay-Serial": ""}, us.public_key_id),
            ("of wechatpayv3 that names none", {"Wechatpay-Serial": "", "User-Agent": "wechatpay python sdk v2"}, serial),
            ("of wechatpay-node-v3 that names none", {"Wechatpay-Serial": "", "User-Agent": "127.0.0.1"}, serial),
        ]:
            response = us.send(us.build("GET", target, headers=sent))
            self.report.equal(f"a request {name} is answered under the name that its sender knows",
                              (response.headers.get("Wechatpay-Serial"),
                               us.signature_problem(response.headers, response.content)),
                              (expected, None))
        self.report.accepted("an unknown Wechatpay-Serial does not matter when nothing is encrypted",
                             us.call("GET", target, headers={"Wechatpay-Serial": us.serial}))


def is_plain(response: httpx.Response) -> bool:
    if "content-encoding" in response.headers:
        return False
    return not response.content or response.headers["Content-Type"].startswith("application/json")


def main() -> None:
    report = Report("wechat signatures")
    with report.section("everything"):
        Signatures(report, load_credentials(sys.argv[1])).run()
    report.finish()


if __name__ == "__main__":
    main()
