"""Bad input over every route of /app: wallet, till and console. Usage: app_negative.py CREDENTIALS

The routes are read from the gateway's source, so that none is forgotten; a route that has no body here fails.
An own script and not schemathesis: a request of the wallet is signed over its bytes by a device, and what is asked
here is mostly about what no schema says (sessions, origins, signatures, other people's things).
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness import Report, fresh, load_credentials, new_client

SOURCE = Path(__file__).resolve().parent.parent / "crates" / "gateway" / "src" / "app"
BODY_MAX = 1024 * 1024
PIN, PHONES = "864209", [f"1370013{n:04}" for n in range(8)]
APPS = ["wallet", "till", "console"]
# What must never stand in an error: sent in place of everything secret.
CANARY, CANARY_NUMBER = "canary-4711-secret", 47114711
TYPES = {"invalid_request", "authentication", "permission", "not_found", "conflict", "refused", "rate_limit", "unavailable"}
DEVICE = {"public_key": "AAAA", "label": "x"}
BYTES = {"client_data": "AAAA", "authenticator_data": "AAAA"}

# Bodies that have every field, by method and path below /app. What they hold need not exist.
BODIES: dict[str, dict[str, Any]] = {
    "POST /wallet/codes": {"phone": "13700139999"},
    "POST /wallet/register": {"phone": "13700139999", "code": "000000", "brand_id": "brd_0", "name": "x", "device": DEVICE, "pin": PIN},
    "POST /wallet/challenge": {"device_id": "dev_AAAAAAAAAAAAAAAAAAAAAA"},
    "POST /wallet/session": {"device_id": "dev_AAAAAAAAAAAAAAAAAAAAAA", "challenge": "x", "signature": "AAAA"},
    "PATCH /wallet/me": {"name": "x", "handle": "x-handle", "no_pin": 1, "language": "en", "pin": PIN},
    "POST /wallet/passkeys": {"label": "x"} | BYTES,
    "POST /wallet/passkeys/new": {"pin": PIN},
    "POST /wallet/passkeys/challenge": {},
    "POST /wallet/passkeys/session": {"credential_id": "AAAA", "user_handle": "AAAA", "signature": "AAAA", "device": DEVICE} | BYTES,
    "POST /wallet/lost": {"phone": "13700139999", "code": "000000"},
    "POST /wallet/pin": {"pin": PIN, "old_pin": PIN},
    "POST /wallet/pin/unlock": {"phone_code": "000000", "name": "x", "id_last4": "0000", "pin": PIN},
    "POST /wallet/verify": {"name": "x", "id_number": "110105194912310021"},
    "POST /wallet/paycode": {},
    "POST /wallet/scan": {"text": "x"},
    "POST /wallet/merchant-codes/{code}/orders": {"amount": 1, "note": "x"},
    "POST /wallet/orders/{token}/pay": {"at_most": 1, "pin": PIN},
    "POST /wallet/confirmations/{id}/pay": {"at_most": 1, "pin": PIN},
    "POST /wallet/confirmations/{id}/decline": {},
    "POST /wallet/top-ups": {"amount": 1},
    "POST /wallet/withdrawals": {"amount": 1, "fee_at_most": 0, "pin": PIN},
    "POST /wallet/payees": {"to": "13700139999"},
    "POST /wallet/transfers": {"to": "13700139999", "amount": 1, "message": "x", "delay_hours": 2, "pin": PIN},
    "POST /wallet/transfers/{id}/take-back": {},
    "POST /wallet/requests": {"note": "x", "total": 1, "shares": [{"to": "13700139999", "amount": 1}]},
    "POST /wallet/requests/{id}/pay": {"pin": PIN},
    "POST /wallet/requests/{id}/decline": {},
    "POST /wallet/requests/{id}/cancel": {},
    "POST /wallet/packets": {"kind": "lucky", "total": 1, "shares": 1, "to": "13700139999", "message": "x", "pin": PIN},
    "POST /wallet/packets/{token}/open": {},
    "POST /till/session": {"shop": "mch_0", "name": "nobody", "password": "x"},
    "POST /till/applications": {"name": "x", "category": "5812", "contact_name": "x", "phone": "13700139999", "owner_name": "x"},
    "POST /till/password": {"old": "x", "new": "y"},
    "POST /till/staff": {"name": "x", "role": "cashier"},
    "PATCH /till/shop": {"refund_limit": 1},
    "POST /till/orders": {"amount": 1, "description": "x"},
    "POST /till/charges": {"amount": 1, "description": "x", "pay_code": "130000000000000000"},
    "POST /till/orders/{id}/close": {},
    "POST /till/orders/{id}/reverse": {},
    "POST /till/orders/{id}/refunds": {"amount": 1, "reason": "x", "owner": {"name": "x", "password": "x"}},
    "POST /console/session": {"key": "x"},
}
# What it sends is not looked at.
BODILESS = {"POST /till/shift/close"}
# Anybody may ask these.
OPEN = {
    "GET /wallet/boot", "POST /wallet/codes", "POST /wallet/register", "POST /wallet/challenge", "POST /wallet/session",
    "DELETE /wallet/session", "POST /wallet/lost", "POST /wallet/passkeys/challenge", "POST /wallet/passkeys/session",
    "POST /till/session", "DELETE /till/session", "POST /till/applications", "POST /console/session", "DELETE /console/session",
}
# A cookie alone does nothing here: the device signs.
SIGNED = {
    "POST /wallet/passkeys", "POST /wallet/passkeys/new", "POST /wallet/paycode", "POST /wallet/orders/{token}/pay",
    "POST /wallet/confirmations/{id}/pay", "POST /wallet/confirmations/{id}/decline", "POST /wallet/top-ups",
    "POST /wallet/withdrawals", "POST /wallet/transfers", "POST /wallet/transfers/{id}/take-back",
    "POST /wallet/requests/{id}/pay", "POST /wallet/requests/{id}/decline", "POST /wallet/requests/{id}/cancel",
    "POST /wallet/packets", "POST /wallet/packets/{token}/open",
}
# In place of each field.
HOSTILE: list[Any] = [
    None, True, -1, 0, 2**63, -2**63 - 1, 10**30, 1.5, 1e308, CANARY_NUMBER, "", CANARY, "\x00", "\ud800", "‮夢😀",
    "x" * 70_000, "'; DROP TABLE users; --", "../../../etc/passwd", "<script>alert(1)</script>", "%s%n", [], [CANARY], {}, {"x": {}},
]
IDS = ["x", "%00", "%ff", "..%2f..%2fme", "-1", "18446744073709551616", "x" * 5_000, "%F0%9F%98%80", "usr_0", "%22%27%3B"]
QUERIES = [
    "limit=-1", "limit=0", "limit=1e9", "limit=x", "cursor=%00", "cursor=%ff", f"cursor={'x' * 5_000}", "from=x", "to=99999-01-01",
    "month=2026-13", "month=%00", "amount=-1", "amount=99999999999999999999", "kind=x", "q=%ff", f"q={'x' * 5_000}", "limit=1&limit=2", "x=y", "%", "&&=&",
]


@dataclass(frozen=True)
class Route:
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def app(self) -> str:
        return self.path.split("/")[1]

    def at(self, thing: str = "x") -> str:
        return "/app" + re.sub(r"\{[^}]*\}", lambda _: thing, self.path)


def routes() -> list[Route]:
    found = set()
    for file in SOURCE.rglob("*.rs"):
        for path, handlers in re.findall(r'\.route\(\s*"/app(/[^"]+)",(.*?)\)\s*(?=\.|\}|;)', file.read_text(), re.DOTALL):
            found |= {Route(method.upper(), path) for method in re.findall(r"\b(get|post|put|patch|delete)\(", handlers)}
        for path, handlers in re.findall(r'\.route\(\s*"/app(/[^"]+)",\s*((?:\w+\([\w:]+\)\.?)+),?\s*\)', file.read_text()):
            found |= {Route(method.upper(), path) for method in re.findall(r"\b(get|post|put|patch|delete)\(", handlers)}
    return sorted(found, key=lambda route: (route.path, route.method))


@dataclass
class Browser:
    """Somebody's session at one app; a shopper's has a device that signs."""

    client: httpx.Client
    app: str
    cookie: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    me: dict[str, Any] = field(default_factory=dict)

    def sign(self, text: bytes) -> str:
        r, s = decode_dss_signature(self.key.sign(text, ec.ECDSA(SHA256())))
        return base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()

    def signature(self, method: str, path: str, number: str, body: bytes) -> str:
        return self.sign(f"{method}\n{path}\n{number}\n{hashlib.sha256(body).hexdigest()}".encode())

    def public_key(self) -> str:
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(spki).decode()

    def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, cookie: str | None = None,
            number: str | None = None, **headers: str | bytes | None) -> httpx.Response:
        """As our own page asks. `headers` change what it sends: underscores are hyphens, None takes one away."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        number = number or fresh("neg")
        sent: dict[str, str | bytes | None] = {"Feiqian-App": self.app, "Idempotency-Key": number, "Cookie": self.cookie if cookie is None else cookie}
        if content:
            sent["Content-Type"] = "application/json"
        if self.app == "wallet":
            sent["Feiqian-Device-Signature"] = self.signature(method, path.split("?")[0], number, content)
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        for _ in range(40):
            request = self.client.build_request(method, path, content=content or None, headers={k: v for k, v in sent.items() if v is not None})
            # A stream of events never ends: its status and headers are enough.
            try:
                answer = self.client.send(request, stream=True)
            except httpx.RemoteProtocolError:
                # A connection that the server closed after a body it did not read. What it cannot bear, it cannot bear twice.
                answer = self.client.send(request, stream=True)
            if "event-stream" not in answer.headers.get("content-type", ""):
                answer.read()
            answer.close()
            # A bucket that fills within seconds is waited for; longer limits are an answer.
            if answer.status_code != 429 or int(answer.headers.get("retry-after", "9")) > 3:
                return answer
            time.sleep(0.2)
        return answer


def shopper(client: httpx.Client, phone: str) -> Browser:
    browser = Browser(client, "wallet")
    sent = browser.ask("POST", "/app/wallet/codes", {"phone": phone}).raise_for_status().json()
    brand = client.get("/app/wallet/boot").json()["brands"][0]["id"]
    made = browser.ask("POST", "/app/wallet/register", {
        "phone": phone, "code": sent["sandbox_code"], "brand_id": brand, "name": "Neg",
        "device": {"public_key": browser.public_key(), "label": "negative"},
    }).raise_for_status()
    browser.cookie, browser.me = cookie_of(made), made.json()
    browser.ask("POST", "/app/wallet/pin", {"pin": PIN}).raise_for_status()
    return browser


def signed_in(client: httpx.Client, app: str, body: dict[str, Any]) -> Browser:
    browser = Browser(client, app)
    answer = browser.ask("POST", f"/app/{app}/session", body).raise_for_status()
    browser.cookie, browser.me = cookie_of(answer), answer.json()
    return browser


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].split(";")[0]


def problem_of(answer: httpx.Response, secrets: set[str]) -> str | None:
    """Why an answer is not as it should be; None if it is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.headers.get("x-content-type-options") != "nosniff":
        return "no nosniff"
    if answer.status_code < 400:
        return None
    try:
        body = answer.json()
        detail = body["error"]
        fits = set(body) == {"error"} and {"type", "code", "message"} <= set(detail) <= {"type", "code", "message", "param"}
        fits = fits and detail["type"] in TYPES and re.fullmatch("[a-z0-9_]+", detail["code"]) and detail["message"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} is not in our form: {answer.text[:80]!r}"
    if not fits:
        return f"{answer.status_code} is not in our form: {answer.text[:80]!r}"
    if "no-store" not in answer.headers.get("cache-control", ""):
        return "an error that may be kept"
    told = [secret for secret in secrets if secret in answer.text]
    if told or re.search(r"panicked|\.rs:\d|backtrace|(?<!\d)1[3-9]\d{9}(?!\d)", answer.text):
        return f"it tells too much: {answer.text[:160]!r}"
    return None


class Pass:
    """One pass over all routes."""

    def __init__(self, report: Report, credentials: dict[str, Any], client: httpx.Client) -> None:
        self.report, self.client, self.routes, self.asked = report, client, routes(), 0
        # One person is limited to some requests a second; several are so many times that.
        self.shoppers = [shopper(client, phone) for phone in PHONES]
        staff = [person for person in credentials["till"] if person["role"] == "owner"]
        sessions = [{name: person[name] for name in ("shop", "name", "password")} for person in staff]
        tills = [signed_in(client, "till", session) for session in sessions]
        console = signed_in(client, "console", {"key": credentials["operator_key"]})
        self.walkers = {"wallet": cycle(self.shoppers[2:]), "till": cycle(tills), "console": cycle([console])}
        self.tills = tills
        cookies = [browser.cookie.split("=", 1)[1] for browser in [*self.shoppers, *tills, console]]
        self.secrets = {PIN, CANARY, str(CANARY_NUMBER), credentials["operator_key"], *PHONES, *cookies}
        self.secrets |= {person["password"] for person in credentials["till"]}

    def every(self, name: str, answers: Iterator[tuple[str, httpx.Response, set[Any] | None]]) -> None:
        """One check over many answers: each in our form, and with one of the statuses or codes that are wanted."""
        problems, count = [], 0
        for what, answer, wanted in answers:
            count += 1
            problem = problem_of(answer, self.secrets)
            if problem is None and wanted is not None and not wanted & {answer.status_code, code_of(answer)}:
                problem = f"{answer.status_code} {answer.text[:80]!r} instead of {wanted}"
            if problem:
                problems.append(f"{what}: {problem}")
        self.asked += count
        self.report.check(f"{name} ({count} requests)", count and not problems, f"{len(problems)} of {count}: " + "; ".join(problems[:6]))

    def good(self, route: Route) -> Any:
        return copy.deepcopy(BODIES.get(route.name))

    def walk(self, route: Route, **changes: Any) -> httpx.Response:
        path = changes.pop("path", None) or route.at()
        if changes.get("raw") is None:
            changes.setdefault("body", self.good(route))
        return next(self.walkers[route.app]).ask(route.method, path, **changes)

    def run(self) -> None:
        report = self.report
        missing = [route.name for route in self.routes if route.method in {"POST", "PUT", "PATCH"} and route.name not in set(BODIES) | BODILESS]
        stale = (set(BODIES) | BODILESS | OPEN | SIGNED) - {route.name for route in self.routes}
        report.check(f"every route is known here: {len(self.routes)}", len(self.routes) > 60 and not missing and not stale, f"{missing} {stale}")
        changing = [route for route in self.routes if route.method != "GET"]
        with_body = [route for route in self.routes if route.name in BODIES]
        closed = [route for route in self.routes if route.name not in OPEN]
        for section in (self.sessions, self.forgery):
            section(closed if section == self.sessions else changing)
        self.bodies(with_body)
        self.fields(with_body)
        self.addresses()
        self.signatures([route for route in self.routes if route.name in SIGNED])
        self.others()
        self.cookies_and_pages()

    # Who asks.

    def sessions(self, closed: list[Route]) -> None:
        names = {"wallet": "feiqian-wallet", "till": "feiqian-till", "console": "feiqian-console"}
        made_up = {"none": "", "short": "={x}", "made up": "=" + "A" * 43, "long": "=" + "A" * 8_000}
        tokens = {app: next(walkers).cookie.split("=", 1)[1] for app, walkers in self.walkers.items()}

        def answers():
            for route in closed:
                own = names[route.app]
                for name, value in made_up.items():
                    cookie = own + value if value else ""
                    yield f"{route.name} {name}", self.walk(route, cookie=cookie), {401, 431}
                for app in APPS:
                    if app != route.app:
                        yield f"{route.name} {app}'s", self.walk(route, cookie=f"{own}={tokens[app]}"), {"session_missing"}
                        yield f"{route.name} only {app}'s", self.walk(route, cookie=f"{names[app]}={tokens[app]}"), {"session_missing"}

        self.every("without a session, or with one of another app, nobody gets in", answers())

    def forgery(self, changing: list[Route]) -> None:
        def answers():
            for route in changing:
                yield route.name, self.walk(route, Feiqian_App=None), {"header_missing"}
                yield route.name, self.walk(route, Feiqian_App="other"), {"header_missing"}
                for origin in ("https://evil.test", "null", "", f"{self.client.base_url}.evil.test", "http://127.0.0.1:1"):
                    yield f"{route.name} {origin}", self.walk(route, Origin=origin), {"origin_foreign"}
                for site in ("cross-site", "same-site", "none", "x"):
                    yield f"{route.name} {site}", self.walk(route, Sec_Fetch_Site=site), {"origin_foreign"}

        self.every("what another page makes a browser send is refused", answers())

    # What is asked.

    def bodies(self, with_body: list[Route]) -> None:
        deep = b"[" * 100_000
        raws = {
            "nothing": b" ", "an array": b"[]", "a string": b'"x"', "null": b"null", "cut": b'{"x": ', "two": b"{} {}", "bad UTF-8": b'{"x": "\xff\xfe"}',
            "a byte order mark": b"\xef\xbb\xbf{}", "UTF-16": '{"x": 1}'.encode("utf-16"), "deep arrays": b'{"x": ' + deep, "deep objects": b'{"x":' * 100_000,
            "NaN": b'{"x": NaN}', "a lone surrogate": b'{"x": "\\ud800"}', "a long number": b'{"x": ' + b"9" * 100_000 + b"}", "unknown": b'{"nobody_knows_this": 1}',
        }

        def refused(route: Route, status: int) -> set[Any]:
            # Some look for the thing first.
            return {status, 404 if "{" in route.path else status, 429}

        def strange():
            for route in with_body:
                for name, raw in raws.items():
                    yield f"{route.name} {name}", self.walk(route, raw=raw), refused(route, 400)
                fields = self.good(route)
                for name in fields:
                    twice = f'{{"{name}": {json.dumps(fields[name])}, "{name}": {json.dumps(fields[name])}}}'.encode()
                    yield f"{route.name} {name} twice", self.walk(route, raw=twice), refused(route, 400)

        def types():
            for route in with_body:
                for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "", b"\x80"):
                    body = json.dumps(self.good(route)).encode()
                    yield f"{route.name} {kind}", self.walk(route, raw=body, Content_Type=kind), refused(route, 415)

        def sizes():
            for route in with_body:
                whole = json.dumps(self.good(route) | {"x": "y" * BODY_MAX}).encode()
                yield route.name, self.walk(route, raw=whole), refused(route, 413)

        self.every("a body that is no JSON object, or holds what is unknown, is refused", strange())
        self.every("a body that is called something else than JSON is refused", types())
        self.every("a body above a megabyte is refused", sizes())

    def fields(self, with_body: list[Route]) -> None:
        def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
            for key in value if isinstance(value, dict) else range(len(value)):
                yield (*path, key)
                if isinstance(value[key], (dict, list)):
                    yield from places(value[key], (*path, key))

        def answers():
            for route in with_body:
                # A session that ends here would be missed further on.
                for place in places(self.good(route)):
                    for hostile in HOSTILE:
                        body = self.good(route)
                        inner = body
                        for key in place[:-1]:
                            inner = inner[key]
                        inner[place[-1]] = hostile
                        yield f"{route.name} {place} {str(hostile)[:20]!r}", self.walk(route, body=body), None

        self.every("whatever stands in a field, the answer is ours and tells nothing", answers())

    def addresses(self) -> None:
        def methods():
            known: dict[str, set[str]] = {}
            for route in self.routes:
                known.setdefault(route.path, set()).add(route.method)
            for path, allowed in known.items():
                for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"} - allowed):
                    answer = self.walk(Route(method, path))
                    yield f"{method} {path}", answer, {405}
                    yield f"{method} {path} says what is allowed", answer, {405} if "allow" in answer.headers else {"Allow"}

        def ids():
            for route in self.routes:
                if "{" in route.path and route.name != "DELETE /wallet/session":
                    for thing in IDS:
                        yield f"{route.name} {thing[:20]}", self.walk(route, path=route.at(thing)), {400, 401, 404, 405, 414, 422, 204}

        def queries():
            for route in self.routes:
                if route.method == "GET":
                    for query in QUERIES:
                        yield f"{route.name}?{query[:30]}", self.walk(route, path=f"{route.at()}?{query}"), None

        def paths():
            for app in APPS:
                for path in ("", "/", "/none", "//me", "/me/", "/ME", "/.git/config", "/%2e%2e/v1/users", "/me%00", "/" + "x" * 9_000):
                    yield f"{app}{path[:20]}", next(self.walkers[app]).ask("GET", f"/app/{app}{path}"), {404, 414, 431}

        self.every("a method that a path does not know is refused", methods())
        self.every("an id that is none finds nothing", ids())
        self.every("whatever stands in a query, the answer is ours", queries())
        self.every("a path that is none is not found", paths())

    def signatures(self, signed: list[Route]) -> None:
        mei, lei = self.shoppers[:2]

        def answers():
            for route in signed:
                path, body, number = route.at(), json.dumps(self.good(route)).encode(), fresh("neg")
                other = json.dumps(self.good(route) | {"amount": 2}).encode()
                good = mei.signature(route.method, path, number, body)
                for name, signature in {
                    "none": None, "empty": "", "not base64": "?", "short": "AAAA", "zero": base64.b64encode(bytes(64)).decode(),
                    "of another body": mei.signature(route.method, path, number, other), "of another number": mei.signature(route.method, path, number + "x", body),
                    "of another path": mei.signature(route.method, path + "x", number, body), "of another method": mei.signature("PUT", path, number, body),
                    "of another's device": lei.signature(route.method, path, number, body), "too long": good + "AAAA",
                }.items():
                    answer = mei.ask(route.method, path, raw=body, number=number, Feiqian_Device_Signature=signature)
                    yield f"{route.name} {name}", answer, {"signature_bad"}
                replayed = lei.ask(route.method, path, raw=body, number=number, Feiqian_Device_Signature=good)
                yield f"{route.name} in another's session", replayed, {"signature_bad"}

        self.every("a signature that is not of this request by this device moves nothing", answers())
        number, key = fresh("neg"), "/app/wallet/top-ups"
        first = mei.ask("POST", key, {"amount": 500}, number=number)
        again = mei.ask("POST", key, {"amount": 500}, number=number)
        other = mei.ask("POST", key, {"amount": 700}, number=number)
        self.report.check("a request that is sent again is done once", first.status_code in {200, 201} and again.json()["id"] == first.json()["id"], again.text)
        self.report.equal("its number with other content is refused", (other.status_code, code_of(other)), (409, "number_reused"))

    def others(self) -> None:
        """Things of Mei, asked for by Lei; and of one shop by another."""
        mei, lei = self.shoppers[:2]
        top_up = mei.ask("POST", "/app/wallet/top-ups", {"amount": 50_000}).raise_for_status().json()["id"]
        for _ in range(100):
            if mei.ask("GET", f"/app/wallet/bank-transfers/{top_up}").json()["status"] == "done":
                break
            time.sleep(0.1)
        transfer = mei.ask("POST", "/app/wallet/transfers", {"to": PHONES[2], "amount": 100, "delay_hours": 2}).raise_for_status().json()["id"]
        request = mei.ask("POST", "/app/wallet/requests", {"note": "x", "shares": [{"to": PHONES[2], "amount": 100}]}).raise_for_status().json()["id"]
        packet = mei.ask("POST", "/app/wallet/packets", {"kind": "equal", "total": 100, "shares": 1, "to": PHONES[2]}).raise_for_status().json()["token"]
        entry = mei.ask("GET", "/app/wallet/entries").json()["data"][0]["id"]
        order = self.tills[0].ask("POST", "/app/till/orders", {"amount": 100}).raise_for_status().json()["id"]
        device, stranger = mei.me["device"]["id"], self.tills[1]

        def answers():
            for path in (f"bank-transfers/{top_up}", f"transfers/{transfer}", f"entries/{entry}"):
                yield path, mei.ask("GET", f"/app/wallet/{path}"), {200}
                yield path, lei.ask("GET", f"/app/wallet/{path}"), {403, 404}
            for path, body in ((f"transfers/{transfer}/take-back", {}), (f"requests/{request}/pay", {"pin": PIN}), (f"requests/{request}/decline", {}),
                               (f"requests/{request}/cancel", {}), (f"packets/{packet}/open", {})):
                yield path, lei.ask("POST", f"/app/wallet/{path}", body), {403, 404, 422}
            yield "device", lei.ask("DELETE", f"/app/wallet/devices/{device}"), {204, 403, 404}
            yield "device is still there", mei.ask("GET", "/app/wallet/me"), {200}
            for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/close"), ("POST", "/reverse"), ("POST", "/refunds")):
                body = None if method == "GET" else {"amount": 1} if path == "/refunds" else {}
                yield f"till order{path}", stranger.ask(method, f"/app/till/orders/{order}{path}", body), {403, 404}
            yield "till order", self.tills[0].ask("GET", f"/app/till/orders/{order}"), {200}

        self.every("what belongs to somebody else is not there", answers())
        listed = lei.ask("GET", "/app/wallet/requests").text + lei.ask("GET", "/app/wallet/packets").text + lei.ask("GET", "/app/wallet/entries").text
        self.report.check("nor in anybody else's lists", not any(thing in listed for thing in (transfer, request, packet, entry)), listed)

    # What browsers are told.

    def cookies_and_pages(self) -> None:
        report = self.report
        begun = [mei for mei in (self.renew(self.shoppers[0]), self.tills[0].ask("DELETE", "/app/till/session", cookie="")) if mei is not None]
        sets = [value for answer in begun for value in answer.headers.get_list("set-cookie")]
        flags = all("; HttpOnly" in text and "; SameSite=Strict" in text and "; Path=/" in text and "domain=" not in text.lower() for text in sets)
        report.check("cookies are HttpOnly, SameSite=Strict and of this host", len(sets) == 2 and flags, sets)
        for path in ("/wallet/", "/wallet/settings", "/till/", "/console/", "/console/users", "/q/x", "/q/m/x", "/q/x/plain"):
            page = self.client.get(path)
            policy = page.headers.get("content-security-policy", "")
            strict = policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy and "unsafe" not in policy
            nonces = re.findall(r"'nonce-([^']+)'", policy)
            inline = re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|javascript:", page.text)
            report.check(f"{path}: a strict policy, no inline script", page.headers["content-type"].startswith("text/html") and strict and not inline, f"{policy} {inline}")
            again = re.findall(r"'nonce-([^']+)'", self.client.get(path).headers.get("content-security-policy", ""))
            report.check(f"{path}: a nonce is used once", not nonces or nonces != again, nonces)
        for path in ("/assets/..%2f..%2fCargo.toml", "/assets/%2e%2e/%2e%2e/etc/passwd", "/wallet/..%2f..%2fetc/passwd.txt", "/till/%00.js"):
            answer = self.client.get(path)
            report.check(f"{path}: nothing is there", answer.status_code in {400, 404} and problem_of(answer, self.secrets) is None, answer.text[:100])

    def renew(self, browser: Browser) -> httpx.Response:
        """Signs in by the device's key, and tries the same again."""
        device = browser.me["device"]["id"]
        challenge = browser.ask("POST", "/app/wallet/challenge", {"device_id": device}).json()["challenge"]
        body = {"device_id": device, "challenge": challenge, "signature": browser.sign(f"feiqian-session\n{challenge}".encode())}
        answer = browser.ask("POST", "/app/wallet/session", body)
        self.report.equal("a device signs in", answer.status_code, 200)
        again = browser.ask("POST", "/app/wallet/session", body)
        self.report.equal("the same signature signs in once", (again.status_code, code_of(again)), (401, "signature_bad"))
        return answer


def code_of(answer: httpx.Response) -> str | None:
    try:
        return answer.json()["error"]["code"]
    except (ValueError, KeyError, TypeError, httpx.ResponseNotRead):
        return None


def main() -> None:
    credentials = load_credentials(sys.argv[1])
    report = Report("app")
    with report.section("the negative pass"), new_client(credentials["base_url"]) as client:
        negative = Pass(report, credentials, client)
        negative.run()
        report.check(f"the server is as ready as before, after {negative.asked} requests", client.get("/ready").status_code == 200)
    report.finish()


if __name__ == "__main__":
    main()
