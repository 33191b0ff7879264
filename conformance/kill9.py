"""Kills the real binary under load, twenty times over, and looks for what was lost or done twice.

Usage: kill9.py BINARY [SEED]

Eight clients place orders, pay them and refund parts, noting what was acknowledged. After every SIGKILL the audit
must agree. After every restart each acknowledged fact must be there, each unanswered request is sent again under its
own number, and each order must then hold exactly its refunds: what is left can be refunded, and not one fen more.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from harness import (
    INVALID_REQUEST, NATIVE, REFUNDS, Answer, Merchant, Notify, Report, Shopper, error_of, fresh, load_credentials,
)
from server import Server

KILLS = 20
CLIENTS = 8
SECONDS_UNDER_LOAD = (0.3, 2.0)
# A callback cut off by the last kill comes again after 15 s, and once more after another 15 s.
CALLBACK_LIMIT = 60.0


class Refused(Exception):
    """The server answered, but not as it had to."""


@dataclass
class Refund:
    amount: int
    number: str = field(default_factory=lambda: fresh("r"))
    # Known once acknowledged.
    refund_id: str | None = None


@dataclass
class Order:
    client: int
    total: int
    refunds: list[Refund]
    number: str = field(default_factory=lambda: fresh("kill"))
    payment_key: str = field(default_factory=lambda: fresh("key"))
    # Known once acknowledged.
    code_url: str | None = None
    payment_id: str | None = None

    @property
    def left(self) -> int:
        return self.total - sum(refund.amount for refund in self.refunds)


def planned_order(client: int, chance: random.Random) -> Order:
    parts = [Refund(chance.randint(1, 20)) for _ in range(chance.randint(0, 3))]
    return Order(client, total=sum(part.amount for part in parts) + chance.randint(1, 40), refunds=parts)


class Kill9:
    def __init__(self, report: Report, server: Server, seed: int) -> None:
        self.report = report
        self.server = server
        self.seed = seed
        self.notify = Notify()
        self.orders: list[Order] = []
        self.unanswered = 0
        self.ready_times: list[float] = []

    def run(self) -> None:
        self.server.start()
        credentials = load_credentials(str(self.server.credentials_file))
        self.us = Merchant(credentials, credentials["wechat"])
        names = Shopper.names(credentials["base_url"])
        # One session each for the whole run: a restart must not log anyone out.
        self.shoppers = [Shopper(credentials["base_url"], names[client % len(names)]) for client in range(CLIENTS)]

        chance = random.Random(self.seed)
        for kill in range(1, KILLS + 1):
            orders, problems = self.load_until_killed(kill, chance.uniform(*SECONDS_UNDER_LOAD))
            self.report.equal(f"kill {kill}: every request answered before it was answered well", problems, [])
            agrees, text = self.server.audit()
            self.report.check(f"kill {kill}: audit agrees", agrees, text)
            self.ready_times.append(self.server.start())
            self.for_all(f"kill {kill}: what was acknowledged is there", self.check_kept, orders)
            self.for_all(f"kill {kill}: what was not can be asked for again", self.advance, orders)
            self.for_all(f"kill {kill}: every payment and refund is there once", self.check_once, orders)
            self.orders += orders

        self.for_all("after all kills every payment and refund is still there", self.check_kept, self.orders)
        self.check_callbacks()
        self.report.equal("the server stops on SIGTERM with status 0", self.server.stop(), 0)
        agrees, text = self.server.audit()
        self.report.check("audit agrees at the end", agrees, text)
        self.check_load()

    # Load.

    def load_until_killed(self, kill: int, seconds: float) -> tuple[list[Order], list[str]]:
        """All orders tried, and what was refused that should not have been."""
        orders: list[Order] = []
        unanswered: list[Order] = []
        problems: list[str] = []

        def work(client: int) -> None:
            chance = random.Random(f"{self.seed} {kill} {client}")
            while True:
                order = planned_order(client, chance)
                orders.append(order)
                try:
                    self.advance(order)
                except httpx.TransportError:
                    # Nobody knows whether this last request had its effect.
                    unanswered.append(order)
                    return
                except Refused as problem:
                    problems.append(str(problem))
                    return

        threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.server.kill()
        for thread in threads:
            thread.join()
        self.unanswered += len(unanswered)
        return orders, problems

    def advance(self, order: Order) -> None:
        """Does what is not yet acknowledged of an order. Every request bears the same number each time."""
        if order.code_url is None:
            payload = self.us.order(order.number, order.total, notify_url=self.notify.url(order.number))
            order.code_url = expect_ok(self.us.call("POST", NATIVE, payload))["code_url"]
        if order.payment_id is None:
            order.payment_id = self.pay(order)
        for refund in order.refunds:
            if refund.refund_id is None:
                refund.refund_id = self.refund(order, refund)

    def pay(self, order: Order) -> str:
        payment_id, response = self.shoppers[order.client].pay(order.code_url, order.payment_key)
        if payment_id is None:
            raise Refused(f"payment of {order.number}: {response.status_code} {response.text}")
        return payment_id

    def refund(self, order: Order, refund: Refund) -> str:
        return expect_ok(self.us.refund(refund.number, order.number, refund.amount, order.total))["refund_id"]

    # Looking.

    def for_all(self, name: str, look: Callable[[Order], None], orders: list[Order]) -> None:
        problems = []

        def one(order: Order) -> None:
            try:
                look(order)
            except (Refused, httpx.HTTPError, KeyError, ValueError) as problem:
                problems.append(f"{order.number}: {problem!r}")

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, orders))
        self.report.check(name, not problems, f"{len(problems)} of {len(orders)} orders, such as {problems[:2]}")

    def check_kept(self, order: Order) -> None:
        if order.payment_id is not None:
            found = expect_ok(self.us.call("GET", self.us.query_target(order.number)))
            facts = (found["trade_state"] in ("SUCCESS", "REFUND"), found["amount"]["total"])
            if facts != (True, order.total):
                raise Refused(f"paid {order.total}, but now {found}")
        for refund in order.refunds:
            if refund.refund_id is not None:
                found = expect_ok(self.us.call("GET", f"{REFUNDS}/{refund.number}"))
                if (found["refund_id"], found["amount"]["refund"]) != (refund.refund_id, refund.amount):
                    raise Refused(f"{refund}, but now {found}")

    def check_once(self, order: Order) -> None:
        payment_id = self.pay(order)
        if payment_id != order.payment_id:
            raise Refused(f"payment {order.payment_id} was made again as {payment_id}")
        for refund in order.refunds:
            refund_id = self.refund(order, refund)
            if refund_id != refund.refund_id:
                raise Refused(f"refund {refund.refund_id} was made again as {refund_id}")
        # A refund done twice leaves less than `left`; a refund lost leaves more.
        rest = Refund(order.left)
        order.refunds.append(rest)
        self.advance(order)
        answer = self.us.refund(fresh("r"), order.number, 1, order.total)
        if (answer[0], error_of(answer)[0]) != INVALID_REQUEST:
            raise Refused(f"one fen too many: {answer}")

    def check_callbacks(self) -> None:
        end = time.monotonic() + CALLBACK_LIMIT
        missing = [order.number for order in self.orders
                   if not self.notify.wait(order.number, seconds=max(0.0, end - time.monotonic()))]
        self.report.check("every payment's callback came at least once", not missing,
                          f"{len(missing)} of {len(self.orders)} are missing, such as {missing[:2]}")

    def check_load(self) -> None:
        """Says what was done, and fails if it was too little to mean anything."""
        payments = len(self.orders)
        refunds = sum(len(order.refunds) for order in self.orders)
        ready = statistics.median(self.ready_times) * 1000
        print(f"kill9: seed {self.seed}, {KILLS} kills, {payments} payments, {refunds} refunds, {self.unanswered} "
              f"requests unanswered at a kill, ready again after {ready:.0f} ms (median)", flush=True)
        self.report.check("the kills came under load",
                          payments >= 5 * KILLS and refunds >= 5 * KILLS and self.unanswered >= KILLS,
                          f"{payments} payments, {refunds} refunds, {self.unanswered} unanswered")


def expect_ok(answer: Answer) -> dict:
    if answer[0] != 200:
        raise Refused(f"{answer[0]} {answer[1]}")
    return json.loads(answer[1])


def main() -> None:
    binary = Path(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 907
    report = Report("kill9")
    with tempfile.TemporaryDirectory(prefix="feiqian-kill9-") as folder:
        server = Server(binary, Path(folder))
        try:
            with report.section("everything"):
                Kill9(report, server, seed).run()
        finally:
            server.kill()
            if report.failed:
                print(f"--- end of the server's log ---\n{server.log_tail()}\n---", flush=True)
    report.finish()


if __name__ == "__main__":
    main()
