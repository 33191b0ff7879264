"""Thirty-two threads ask for the same thing at the same moment: exactly one effect.

Usage: wechat_concurrent.py CREDENTIALS
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from harness import (
    INVALID_REQUEST, NATIVE, REFUNDS, TRANSACTIONS, Answer, Merchant, Payer, Report, Shopper, answer_of, error_of,
    fresh, load_credentials, paid_order, together,
)

THREADS = 32


class Concurrent:
    def __init__(self, report: Report, credentials: dict[str, Any]) -> None:
        self.report = report
        self.us = Merchant(credentials, credentials["wechat"])
        self.payer = Payer(credentials)
        self.shopper = Shopper(credentials["base_url"], self.payer.name)

    def run(self) -> None:
        for part in (self.same_order, self.rival_orders, self.same_payment, self.rival_payments, self.same_refund,
                     self.rival_refunds, self.same_pay_code, self.paying_and_closing):
            with self.report.section(part.__name__.replace("_", " ")):
                part()

    def post_together(self, target: str, payloads: list[dict[str, Any]]) -> list[Answer]:
        # Signed beforehand, so that the requests leave together.
        requests = [self.us.build("POST", target, payload) for payload in payloads]
        results = together([lambda request=request: answer_of(self.us.send(request)) for request in requests])
        broken = [result for result in results if isinstance(result, Exception)]
        if broken:
            raise broken[0]
        return results

    def pay_together(self, code_url: str, keys: list[str]) -> list[str]:
        """The payment ids of those that succeeded."""
        results = together([lambda key=key: self.shopper.pay(code_url, key) for key in keys])
        broken = [result for result in results if isinstance(result, Exception)]
        if broken:
            raise broken[0]
        return [payment for payment, _ in results if payment]

    def same_order(self) -> None:
        number = fresh("race")
        answers = self.post_together(NATIVE, [self.us.order(number, 100)] * THREADS)
        self.report.equal("the same order 32 times at once is accepted each time", [a[0] for a in answers],
                          [200] * THREADS)
        paid = self.pay_together(json.loads(answers[0][1])["code_url"], [fresh("key")])
        self.report.equal("it can be paid", len(paid), 1)
        others = {json.loads(text)["code_url"] for _, text in answers[1:]}
        again = [payment for code_url in others for payment in self.pay_together(code_url, [fresh("key")])]
        self.report.equal("no other code of it can be paid as well", again, [])

    def rival_orders(self) -> None:
        number = fresh("race")
        totals = [100 + place % 4 for place in range(THREADS)]
        answers = self.post_together(NATIVE, [self.us.order(number, total) for total in totals])
        total = self.us.query(number)["amount"]["total"]
        outcomes = Counter((asked, answer[0], error_of(answer)[0])
                           for asked, answer in zip(totals, answers, strict=True))
        self.report.equal("of orders with four amounts under one number only the first amount is accepted", outcomes,
                          Counter((asked, 200, None) if asked == total else (asked, *INVALID_REQUEST)
                                  for asked in totals))

    def same_payment(self) -> None:
        number, key = fresh("race"), fresh("key")
        code_url = self.us.create(number)
        # Some may be told that another is under way; afterwards all get the one answer.
        paid = set(self.pay_together(code_url, [key] * THREADS))
        self.report.equal("the same payment 32 times at once is one payment", len(paid), 1)
        self.report.equal("asked for once more it is that payment", set(self.pay_together(code_url, [key])), paid)
        self.report.equal("that order is SUCCESS", self.us.query(number)["trade_state"], "SUCCESS")

    def rival_payments(self) -> None:
        number = fresh("race")
        paid = self.pay_together(self.us.create(number), [fresh("key") for _ in range(THREADS)])
        self.report.equal("of 32 payments for one order one succeeds", len(paid), 1)
        self.report.equal("the order they raced for is SUCCESS", self.us.query(number)["trade_state"], "SUCCESS")

    def same_refund(self) -> None:
        number, refund_number = paid_order(self.us, self.payer, 100), fresh("r")
        answers = self.post_together(REFUNDS, [self.us.refund_order(refund_number, number, 60, 100)] * THREADS)
        self.report.equal("the same refund 32 times at once is one refund",
                          Counter((status, json.loads(text).get("refund_id")) for status, text in answers),
                          Counter({(200, json.loads(answers[0][1]).get("refund_id")): THREADS}))
        self.check_left("it", number, 40)

    def rival_refunds(self) -> None:
        number = paid_order(self.us, self.payer, 100)
        answers = self.post_together(
            REFUNDS, [self.us.refund_order(fresh("r"), number, 30, 100) for _ in range(THREADS)])
        self.report.equal("of 32 refunds of 30 each from 100 three succeed",
                          Counter((answer[0], error_of(answer)[0]) for answer in answers),
                          Counter({(200, None): 3, INVALID_REQUEST: THREADS - 3}))
        self.check_left("the three", number, 10)

    def check_left(self, name: str, number: str, left: int) -> None:
        """Exactly `left` of 100 can still be refunded: neither a fen more nor a fen less."""
        self.report.refused(f"after {name}, more than {left} cannot be refunded",
                            self.us.refund(fresh("r"), number, left + 1, 100), INVALID_REQUEST)
        self.report.accepted(f"after {name}, {left} can be refunded", self.us.refund(fresh("r"), number, left, 100))

    def same_pay_code(self) -> None:
        auth_code = self.payer.auth_code()
        answers = self.post_together(
            f"{TRANSACTIONS}/codepay",
            [self.us.codepay_order(fresh("race"), 100, auth_code) for _ in range(THREADS)])
        self.report.equal("of 32 orders with one pay code one succeeds",
                          sorted(answer[0] for answer in answers), [200] + [400] * (THREADS - 1))

    def paying_and_closing(self) -> None:
        """Either the payment or the closing wins; the order must agree with what both were told."""
        agreed = []
        for _ in range(8):
            number = fresh("race")
            code_url = self.us.create(number)
            paid, closed = together([lambda url=code_url: self.shopper.pay(url, fresh("key"))[0] is not None,
                                     lambda asked=number: self.us.close(asked)[0] == 204])
            agreed.append((paid, closed, self.us.query(number)["trade_state"])
                          in [(True, False, "SUCCESS"), (False, True, "CLOSED")])
        self.report.equal("of paying and closing at once exactly one happens", agreed, [True] * 8)


def main() -> None:
    report = Report("wechat concurrent")
    with report.section("everything"):
        Concurrent(report, load_credentials(sys.argv[1])).run()
    report.finish()


if __name__ == "__main__":
    main()
