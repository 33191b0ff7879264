"""What the scripts share: reporting, a signing client, a payer, and a receiver of callbacks."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

HTTP_LIMIT = 15.0
COMMAND_LIMIT = 30.0
# Below the server's limit of requests for one key, with room for a burst of threads.
REQUESTS_PER_SECOND = 150
BURST = 64
SCHEME = "WECHATPAY2-SHA256-RSA2048"

TRANSACTIONS = "/v3/pay/transactions"
NATIVE = f"{TRANSACTIONS}/native"
REFUNDS = "/v3/refund/domestic/refunds"
CERTIFICATES = "/v3/certificates"
CHINA = timezone(timedelta(hours=8))

# Refusals: HTTP status and code.
SIGN_ERROR = (401, "SIGN_ERROR")
PARAM_ERROR = (400, "PARAM_ERROR")
INVALID_REQUEST = (400, "INVALID_REQUEST")
ORDER_NOT_EXIST = (404, "ORDER_NOT_EXIST")
RESOURCE_NOT_EXISTS = (404, "RESOURCE_NOT_EXISTS")


# --- Reporting ---------------------------------------------------------------------------------

class Report:
    """Prints one line a check, in the form that `run` counts."""

    def __init__(self, suite: str) -> None:
        self._suite = suite
        self.failed = 0
        self._lock = threading.Lock()

    def check(self, name: str, holds: object, why: object = "") -> bool:
        with self._lock:
            if holds:
                print(f"ok  {self._suite}: {name}", flush=True)
            else:
                self.failed += 1
                # One line, whatever the reason holds.
                reason = " ".join(str(why).split())[:600] or "it does not hold"
                print(f"FAIL {self._suite}: {name}: {reason}", flush=True)
        return bool(holds)

    def equal(self, name: str, actual: object, expected: object) -> bool:
        return self.check(name, actual == expected, f"{actual!r} instead of {expected!r}")

    def accepted(self, name: str, answer: Answer, status: int = 200) -> bool:
        return self.check(name, answer[0] == status, answer)

    def refused(self, name: str, answer: Answer, *expected: tuple[int, str]) -> bool:
        """A refusal is an HTTP status with `code` and a message for people in a JSON object."""
        code, message = error_of(answer)
        return self.check(
            name, (answer[0], code) in expected and message,
            f"{answer[0]} {answer[1]!r} instead of {' or '.join(f'{s} {c}' for s, c in expected)}",
        )

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Keeps an unexpected answer in one section from hiding the checks of the next."""
        try:
            yield
        except Exception as problem:
            traceback.print_exc()
            self.check(f"{name} runs to its end", False, f"{type(problem).__name__}: {problem}")

    def finish(self) -> NoReturn:
        sys.exit(1 if self.failed else 0)


# What an SDK call gives and what `answer_of` makes of a raw response: status and body.
Answer = tuple[int, str]


def answer_of(response: httpx.Response) -> Answer:
    return response.status_code, response.text


def error_of(answer: Answer) -> tuple[str | None, str | None]:
    """(code, message) of an error body; (None, None) if it is not one."""
    try:
        body = json.loads(answer[1])
    except ValueError:
        return None, None
    return (body.get("code"), body.get("message")) if isinstance(body, dict) else (None, None)


def load_credentials(path: str) -> dict[str, Any]:
    credentials = json.loads(Path(path).read_text(encoding="utf-8"))
    credentials["base_url"] = credentials["base_url"].rstrip("/")
    return credentials


def fresh(prefix: str) -> str:
    """A number never used before; short enough for an out_trade_no."""
    return f"{prefix}{uuid.uuid4().hex[:20]}"


def today() -> str:
    return datetime.now(CHINA).date().isoformat()


def bill_target(day: str) -> str:
    return f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL"


def together(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Runs all jobs at the same moment, one thread each. A job's exception is its result."""
    barrier = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def work(place: int) -> None:
        barrier.wait()
        try:
            results[place] = jobs[place]()
        except Exception as problem:
            results[place] = problem

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# --- Callbacks ---------------------------------------------------------------------------------

@dataclass(frozen=True)
class Delivery:
    headers: dict[str, str]
    body: bytes
    at: float


class _Endpoint(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        # A sender that was killed, or did not wait for a slow answer, is expected here.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc()


class Notify:
    """A loopback endpoint for callbacks: /notify/NAME records them under NAME, and answers these words."""

    def __init__(self, words: bytes = b'{"code":"SUCCESS"}') -> None:
        self._arrived = threading.Condition()
        self._deliveries: dict[str, list[Delivery]] = defaultdict(list)
        self._plans: dict[str, list[tuple[int, float]]] = defaultdict(list)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                name = self.path.rsplit("/", 1)[-1]
                status, delay = receiver._record(name, Delivery(dict(self.headers.items()), body, time.time()))
                time.sleep(delay)
                answer = b"" if status == 204 else words
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Endpoint(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/notify/{name}"

    def plan(self, name: str, *answers: tuple[int, float]) -> None:
        """(status, seconds of delay) for the first deliveries to NAME; later ones get 200 at once."""
        self._plans[name] = list(answers)

    def of(self, name: str) -> list[Delivery]:
        with self._arrived:
            return list(self._deliveries[name])

    def wait(self, name: str, count: int = 1, seconds: float = 10.0) -> list[Delivery]:
        """The deliveries to NAME once there are `count` of them, or those there are after the time."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self._deliveries[name]) >= count, timeout=seconds)
            return list(self._deliveries[name])

    def _record(self, name: str, delivery: Delivery) -> tuple[int, float]:
        with self._arrived:
            self._deliveries[name].append(delivery)
            self._arrived.notify_all()
            return self._plans[name].pop(0) if self._plans[name] else (200, 0.0)


# --- The payer ---------------------------------------------------------------------------------

class Payer:
    """The seeded shopper, through the commands named in the credentials.

    They are plain words (no pipes), so they run without a shell and a code needs no quoting.
    """

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._pay = shlex.split(credentials["payer"]["pay_command"])
        self._auth_code = shlex.split(credentials["payer"]["auth_code_command"])

    @property
    def name(self) -> str:
        return self._pay[self._pay.index("--as") + 1]

    def pay(self, code_url: str) -> subprocess.CompletedProcess[str]:
        return _command([word.replace("{code_url}", code_url) for word in self._pay])

    def pay_prepay_id(self, prepay_id: str) -> subprocess.CompletedProcess[str]:
        words = [word for word in self._pay if "{code_url}" not in word]
        return _command([*words, "--prepay-id", prepay_id])

    def auth_code(self) -> str:
        done = _command(self._auth_code)
        if done.returncode != 0:
            raise RuntimeError(f"no pay code: {done.stdout} {done.stderr}")
        return done.stdout.split()[-1]


def _command(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_LIMIT, check=False)


class Shopper:
    """The native API as far as these scripts use it: the one place to change when it changes."""

    def __init__(self, base_url: str, name: str) -> None:
        self._client = new_client(base_url)
        session = self._client.post("/v1/sandbox/sessions", json={"as": name}).raise_for_status()
        self._key = session.json()["key"]

    @staticmethod
    def names(base_url: str) -> list[str]:
        with new_client(base_url) as client:
            listed = client.get("/v1/sandbox/shoppers").raise_for_status().json()
        return [row["name"] for row in (listed["data"] if isinstance(listed, dict) else listed)]

    def pay(self, code_url: str, idempotency_key: str) -> tuple[str | None, httpx.Response]:
        """(payment id if it succeeded, the response). The same key names the same payment."""
        response = self._client.post(
            "/v1/payments", json={"code_url": code_url},
            headers={"Authorization": f"Bearer {self._key}", "Idempotency-Key": idempotency_key},
        )
        succeeded = response.is_success and response.json()["status"] == "succeeded"
        return (response.json()["id"] if succeeded else None), response


def new_client(base_url: str) -> httpx.Client:
    # trust_env off: a proxy of the environment must not stand between us and the loopback address.
    return httpx.Client(base_url=base_url, timeout=HTTP_LIMIT, trust_env=False)


# --- A merchant without an SDK -----------------------------------------------------------------

class Pace:
    """At most `rate` requests a second over all threads, after a burst."""

    def __init__(self, rate: float, burst: int) -> None:
        self._gap = 1.0 / rate
        self._ahead = burst * self._gap
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next + self._gap, now - self._ahead)
            delay = self._next - now
        if delay > 0:
            time.sleep(delay)


class Merchant:
    """Signs requests by hand, so that every part of them can be wrong on purpose."""

    def __init__(self, credentials: dict[str, Any], wechat: dict[str, Any]) -> None:
        self.mchid: str = wechat["mchid"]
        self.appid: str = wechat["appid"]
        self.serial: str = wechat["merchant_serial_no"]
        self.public_key_id: str = credentials["wechat"]["platform_public_key_id"]
        self.api_v3_key: str = wechat["api_v3_key"]
        self.key = load_pem_private_key(wechat["merchant_private_key_pem"].encode(), password=None)
        self.platform_key = load_pem_public_key(credentials["wechat"]["platform_public_key_pem"].encode())
        self._client = new_client(credentials["base_url"])
        self._pace = Pace(REQUESTS_PER_SECOND, BURST)

    # Requests.

    def fields(self, method: str, target: str, body: bytes, *, key: RSAPrivateKey | None = None,
               **changes: str) -> dict[str, str]:
        """The five parameters of Authorization. `changes` are signed as well; `key` signs instead."""
        fields = {
            "mchid": self.mchid,
            "nonce_str": uuid.uuid4().hex.upper(),
            "timestamp": str(int(time.time())),
            "serial_no": self.serial,
        } | changes
        message = f"{method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode() + body + b"\n"
        signature = (key or self.key).sign(message, PKCS1v15(), SHA256())
        return fields | {"signature": base64.b64encode(signature).decode()}

    def build(self, method: str, target: str, payload: Any = None, *, body: bytes | None = None,
              signed: bytes | None = None, authorization: str | None = None,
              headers: dict[str, str] | None = None, key: RSAPrivateKey | None = None,
              **changes: str) -> httpx.Request:
        """A signed request. `body` is sent as it is; `signed` is what the signature covers instead."""
        if body is None:
            body = b"" if payload is None else json.dumps(payload).encode()
        if authorization is None:
            fields = self.fields(method, target, body if signed is None else signed, key=key, **changes)
            authorization = authorization_of(fields)
        sent = {"Authorization": authorization, "Wechatpay-Serial": self.public_key_id} | (headers or {})
        if body:
            sent.setdefault("Content-Type", "application/json")
        # An empty value takes the header away.
        sent = {name: value for name, value in sent.items() if value}
        return self._client.build_request(method, target, content=body or None, headers=sent)

    def send(self, request: httpx.Request) -> httpx.Response:
        self._pace.wait()
        return self._client.send(request)

    def call(self, method: str, target: str, payload: Any = None, **options: Any) -> Answer:
        return answer_of(self.send(self.build(method, target, payload, **options)))

    # The requests most scripts need.

    def order(self, number: str, total: int = 100, **changes: Any) -> dict[str, Any]:
        return {
            "appid": self.appid, "mchid": self.mchid, "description": "conformance", "out_trade_no": number,
            "notify_url": "http://127.0.0.1:9/notify", "amount": {"total": total, "currency": "CNY"},
        } | changes

    def create(self, number: str, total: int = 100, **changes: Any) -> str:
        """Places a native order and returns its code_url."""
        status, text = self.call("POST", NATIVE, self.order(number, total, **changes))
        if status != 200:
            raise RuntimeError(f"order {number} refused: {status} {text}")
        return json.loads(text)["code_url"]

    def query_target(self, number: str) -> str:
        return f"{TRANSACTIONS}/out-trade-no/{number}?mchid={self.mchid}"

    def id_target(self, transaction_id: str) -> str:
        return f"{TRANSACTIONS}/id/{transaction_id}?mchid={self.mchid}"

    def codepay_order(self, number: str, total: int, auth_code: Any, **changes: Any) -> dict[str, Any]:
        order = self.order(number, total, payer={"auth_code": auth_code}, scene_info={"store_info": {"id": "0001"}})
        del order["notify_url"]
        return order | changes

    def close(self, number: str, **changes: Any) -> Answer:
        return self.call("POST", f"{TRANSACTIONS}/out-trade-no/{number}/close", {"mchid": self.mchid} | changes)

    def query(self, number: str) -> dict[str, Any]:
        status, text = self.call("GET", self.query_target(number))
        if status != 200:
            raise RuntimeError(f"order {number} not found: {status} {text}")
        return json.loads(text)

    def refund(self, refund_number: str, number: str, refund: int, total: int, **changes: Any) -> Answer:
        return self.call("POST", REFUNDS, self.refund_order(refund_number, number, refund, total, **changes))

    def refund_order(self, refund_number: str, number: str, refund: int, total: int,
                     **changes: Any) -> dict[str, Any]:
        return {
            "out_trade_no": number, "out_refund_no": refund_number,
            "amount": {"refund": refund, "total": total, "currency": "CNY"},
        } | changes

    # Answers and callbacks.

    def signature_problem(self, headers: httpx.Headers | dict[str, str], body: bytes) -> str | None:
        """Why a response or callback does not bear the platform's signature; None if it does."""
        found = httpx.Headers(headers)
        names = ["Timestamp", "Nonce", "Serial", "Signature", "Signature-Type"]
        missing = [name for name in names if not found.get(f"Wechatpay-{name}")]
        if missing:
            return f"no Wechatpay-{', Wechatpay-'.join(missing)}"
        if found["Wechatpay-Signature-Type"] != SCHEME:
            return f"Wechatpay-Signature-Type is {found['Wechatpay-Signature-Type']}"
        if abs(int(found["Wechatpay-Timestamp"]) - time.time()) > 300:
            return f"Wechatpay-Timestamp is {found['Wechatpay-Timestamp']}"
        message = f"{found['Wechatpay-Timestamp']}\n{found['Wechatpay-Nonce']}\n".encode() + body + b"\n"
        try:
            signature = base64.b64decode(found["Wechatpay-Signature"], validate=True)
            self.platform_key.verify(signature, message, PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature) as problem:
            return f"the signature is wrong: {problem!r}"
        return None

    def decrypt(self, resource: dict[str, str]) -> bytes:
        """Opens an AEAD_AES_256_GCM resource: the nonce and the key are ASCII, taken as they are."""
        return AESGCM(self.api_v3_key.encode()).decrypt(
            resource["nonce"].encode(), base64.b64decode(resource["ciphertext"]),
            resource["associated_data"].encode(),
        )


def paid_order(merchant: Merchant, payer: Payer, total: int) -> str:
    """Places a native order, has it paid, and returns its number."""
    number = fresh("paid")
    done = payer.pay(merchant.create(number, total))
    if done.returncode != 0:
        raise RuntimeError(f"{number} could not be paid: {done.stdout} {done.stderr}")
    return number


def authorization_of(fields: dict[str, str], separator: str = ",") -> str:
    return f"{SCHEME} " + separator.join(f'{name}="{value}"' for name, value in fields.items())
