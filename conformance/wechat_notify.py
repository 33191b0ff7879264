"""How callbacks are delivered when endpoints fail. Usage: wechat_notify.py CREDENTIALS

The plan is 15 s after the first failure, so this takes about half a minute, mostly waiting.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from harness import Delivery, Merchant, Notify, Payer, Report, fresh, load_credentials
from server import free_address

SIGNING_HEADERS = ("Wechatpay-Nonce", "Wechatpay-Timestamp", "Wechatpay-Signature")


class Callbacks:
    def __init__(self, report: Report, credentials: dict[str, Any]) -> None:
        self.report = report
        self.us = Merchant(credentials, credentials["wechat"])
        self.payer = Payer(credentials)
        self.notify = Notify()

    def pay(self, url: str) -> str:
        number = fresh("call")
        done = self.payer.pay(self.us.create(number, notify_url=url))
        if done.returncode != 0:
            raise RuntimeError(f"{number} could not be paid: {done.stdout} {done.stderr}")
        return number

    def run(self) -> None:
        # All orders first: their waits overlap.
        dead = f"http://{free_address()}/notify"
        for _ in range(3):
            self.pay(dead)
        self.notify.plan("failing", (500, 0.0))
        self.notify.plan("slow", (200, 8.0))
        self.notify.plan("silent", (204, 0.0))
        numbers = {name: self.pay(self.notify.url(name)) for name in ("failing", "slow", "silent", "healthy")}

        with self.report.section("healthy endpoint"):
            first = self.notify.wait("healthy", seconds=5)
            self.report.check("endpoints that fail do not delay another", first, "no callback within 5 s")
            self.check_genuine("a callback", first[0], numbers["healthy"])
        with self.report.section("failing endpoint"):
            self.check_redelivered("a callback answered with 500", "failing", numbers["failing"], wait=25)
        with self.report.section("slow endpoint"):
            self.check_redelivered("a callback not answered within 5 s", "slow", numbers["slow"], wait=30)
        # By now a second delivery would have come.
        self.report.equal("a callback answered with 204 is delivered once", len(self.notify.of("silent")), 1)
        self.report.equal("a callback answered with 200 is delivered once", len(self.notify.of("healthy")), 1)

    def check_genuine(self, name: str, delivery: Delivery, number: str) -> None:
        problem = self.us.signature_problem(delivery.headers, delivery.body)
        self.report.check(f"{name} bears the platform's signature", problem is None, problem)
        opened = json.loads(self.us.decrypt(json.loads(delivery.body)["resource"]))
        self.report.equal(f"{name} decrypts to the queried order", opened, self.us.query(number))

    def check_redelivered(self, name: str, endpoint: str, number: str, wait: float) -> None:
        deliveries = self.notify.wait(endpoint, count=2, seconds=wait)
        if not self.report.equal(f"{name} is delivered again", len(deliveries), 2):
            return
        first, second = deliveries
        gap = second.at - first.at
        self.report.check(f"{name} comes again after about 15 s", 12 <= gap <= wait, f"after {gap:.1f} s")
        self.check_genuine(f"{name}, the second time,", second, number)
        bodies = [json.loads(delivery.body) for delivery in deliveries]
        self.report.equal(f"{name} keeps its id and time",
                          [(body["id"], body["create_time"], body["event_type"]) for body in bodies][1:],
                          [(body["id"], body["create_time"], body["event_type"]) for body in bodies][:1])
        self.report.equal(f"{name} keeps its payload", self.us.decrypt(bodies[1]["resource"]),
                          self.us.decrypt(bodies[0]["resource"]))
        kept = [header for header in SIGNING_HEADERS if header_of(first, header) == header_of(second, header)]
        self.report.equal(f"{name} is signed anew", kept, [])
        time.sleep(1)
        self.report.equal(f"{name} is delivered no third time", len(self.notify.of(endpoint)), 2)


def header_of(delivery: Delivery, name: str) -> str:
    return {key.lower(): value for key, value in delivery.headers.items()}[name.lower()]


def main() -> None:
    report = Report("wechat notify")
    with report.section("everything"):
        Callbacks(report, load_credentials(sys.argv[1])).run()
    report.finish()


if __name__ == "__main__":
    main()
