"""Codes as others see them. Usage: codes.py CREDENTIALS

Our EMV payloads are read by EMV packages of others, and theirs by us; our pictures (SVG, PNG, PDF, bar code) by a decoder that never
saw this program. What a shopper shows is taken apart by another BER-TLV reader, and charged.
"""

from __future__ import annotations

import base64
import io
import shlex
import subprocess
import sys
import uuid
from typing import Any

import cemacqr
import httpx
import konthaina_khqr
import pypdfium2
import resvg_py
import zxingcpp
from ber_tlv.tlv import Tlv
from konthaina_khqr.decode import decode as khqr_decode
from konthaina_khqr.verify import verify as khqr_verify
from PIL import Image
from vietnam_qr_pay.qr_pay import QRPay

from harness import COMMAND_LIMIT, Report, load_credentials, new_client

NAMES = ["Old Wang's Noodles", "老王面馆"]
AMOUNTS = [None, 1250]
A6_MM = (105.0, 148.0)


class Api:
    """The native API under one key."""

    def __init__(self, base_url: str, key: str) -> None:
        self._client = new_client(base_url)
        self._client.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **query: object) -> httpx.Response:
        return self._client.get(path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return self._client.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.post(path, body).raise_for_status().json()


# --- Pictures ----------------------------------------------------------------------------------

def decoded(picture: Image.Image) -> list[tuple[str, str]]:
    """(format, text) of every code in a picture."""
    return [(str(code.format), code.text) for code in zxingcpp.read_barcodes(picture)]


def of_png(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("L")


def of_svg(text: str) -> Image.Image:
    return of_png(bytes(resvg_py.svg_to_bytes(svg_string=text, width=840, dpi=96)))


def of_pdf(content: bytes) -> Image.Image:
    return pypdfium2.PdfDocument(content)[0].render(scale=200 / 72).to_pil().convert("L")


def is_code(found: list[tuple[str, str]], form: str, text: str) -> bool:
    plain = [(name.replace(" ", "").replace("_", "").lower(), value) for name, value in found]
    return plain == [(form, text)]


def check_pictures(report: Report, shop: Api, id_: str, name: str, amount: int | None) -> None:
    code = shop.get(f"/v1/merchants/{id_}/code", amount=amount).raise_for_status().json()
    for form, text in [("link", code["link"]), ("emv", code["text"])]:
        said = f"{name}, {'open' if amount is None else amount}, {form}"

        def sticker(kind: str) -> httpx.Response:
            return shop.get(f"/v1/merchants/{id_}/sticker.{kind}", amount=amount, form=form).raise_for_status()

        pdf = sticker("pdf").content
        for kind, picture in [("SVG", of_svg(sticker("svg").text)), ("PNG", of_png(sticker("png").content)),
                              ("PDF", of_pdf(pdf))]:
            found = decoded(picture)
            report.check(f"zxing reads the {kind} sticker ({said})", is_code(found, "qrcode", text), found)
    page = pypdfium2.PdfDocument(pdf)[0]
    size = tuple(round(points * 25.4 / 72, 1) for points in page.get_size())
    report.equal(f"the PDF is A6 ({name}, {amount})", size, A6_MM)
    words = page.get_textpage().get_text_bounded()
    wanted = [name, "扫码支付"] + ([] if amount is None else [f"{amount / 100:.2f}"])
    report.check(f"the PDF's text is text ({name}, {amount})", all(word in words for word in wanted), words)


# --- Merchant-presented --------------------------------------------------------------------------

def check_payload(report: Report, text: str, said: str, category: str, amount: int | None) -> None:
    """What other packages make of our payload."""
    yuan = None if amount is None else f"{amount / 100:.2f}"
    parsed = cemacqr.parse_payload(text)
    verdict = cemacqr.validate(parsed)
    report.check(f"cemacqr finds it valid after EMVCo ({said})", parsed.crc_ok and verdict.ok, verdict)
    fields = [parsed.get(tag) for tag in ("52", "53", "54", "58")]
    report.equal(f"cemacqr reads what it says ({said})", fields, [category, "156", yuan, "CN"])
    # It sums characters, not the bytes that EMVCo sums: it can tell of ASCII only.
    if text.isascii():
        report.check(f"konthaina-khqr verifies its checksum ({said})", khqr_verify(text))
    report.equal(f"konthaina-khqr reads the same objects ({said})", khqr_decode(text).get("59"), parsed.get("59"))
    other = QRPay(text)
    report.check(f"vietnam-qr-pay reads it ({said})", other.is_valid and (other.amount or None) == yuan, vars(other))
    changed = text.replace("5802CN", "5802US")
    report.check(f"cemacqr, konthaina-khqr and vietnam-qr-pay see a change ({said})",
                 not (cemacqr.parse_payload(changed).crc_ok or khqr_verify(changed) or QRPay(changed).is_valid))


def foreign_payloads() -> list[tuple[str, str, dict[str, Any]]]:
    """(package, payload, what it says)."""
    cemac = (cemacqr.MerchantQr().merchant(name="Boulangerie Akwa", city="Douala", country="CM").category("5462")
             .currency("950").amount("1500").account("26", gui="cm.example", merchant_pan="0042"))
    khqr = (konthaina_khqr.KHQRGenerator().set_bakong_account_id("dara@bank").set_merchant_name("Dara Coffee")
            .set_merchant_city("Phnom Penh").set_currency("USD").set_amount(2.5).generate())
    return [
        ("cemacqr", str(cemac.build().raw), {"merchant_name": "Boulangerie Akwa", "city": "Douala", "country": "CM",
                                             "amount": "1500", "currency": "950", "category": "5462"}),
        ("konthaina-khqr", khqr.qr, {"merchant_name": "Dara Coffee", "city": "Phnom Penh", "country": "KH",
                                     "currency": "840"}),
    ]


def check_reading(report: Report, shop: Api) -> None:
    """What we make of other packages' payloads."""
    for package, text, says in foreign_payloads():
        read = shop.post("/v1/codes/read", {"text": text})
        answer = read.json()
        fits = read.status_code == 200 and answer["kind"] == "foreign" and says.items() <= answer.items()
        report.check(f"we read what {package} wrote", fits, answer)
        broken = text[:-4] + ("0000" if text[-4:] != "0000" else "0001")
        read = shop.post("/v1/codes/read", {"text": broken})
        report.equal(f"a wrong checksum on what {package} wrote is refused", read.status_code, 422)


# --- Consumer-presented --------------------------------------------------------------------------

def check_consumer(report: Report, shop: Api, shopper: Api, user: str) -> None:
    code = shopper.made(f"/v1/users/{user}/pay_codes", {})
    objects = Tlv.parse(base64.b64decode(code["cpm"], validate=True), False)
    report.equal("ber-tlv finds format and application", [tag for tag, _ in objects], [0x85, 0x61])
    report.equal("the format is CPV01", bytes(objects[0][1]), b"CPV01")
    inner = dict(Tlv.parse(bytes(objects[1][1]), False))
    report.check("the application has a name that is not registered, a label, its own data, and no card number",
                 sorted(inner) == [0x4F, 0x50, 0x63] and inner[0x4F][0] >> 4 == 0xF, inner)
    own = dict(Tlv.parse(bytes(inner[0x63]), False))
    report.equal("its own data are the 18 digits", bytes(own[0xDF01]).hex(), code["code"])
    charge = {"amount": 1, "description": "conformance", "pay_code": code["cpm"]}
    charged = shop.made("/v1/charges", charge)
    report.equal("the EMV form of a pay code is charged", charged["status"], "succeeded")
    again = shop.post("/v1/charges", charge | {"pay_code": code["code"]})
    report.equal("its digits are spent with it", again.json().get("error", {}).get("code"), "pay_code_spent")


def check_phone_pictures(report: Report, command: list[str]) -> None:
    for kind, form in [("bar", "code128"), ("qr", "qrcode"), ("emv", "qrcode")]:
        done = subprocess.run([*command, "--svg", kind], capture_output=True, text=True, timeout=COMMAND_LIMIT, check=False)
        found = decoded(of_svg(done.stdout)) if done.returncode == 0 else [("", done.stderr)]
        text = found[0][1] if len(found) == 1 else ""
        fits = text.startswith("hQVDUFYwMW") if kind == "emv" else len(text) == 18 and text.isdigit()
        report.check(f"zxing reads the pay code drawn as {kind}", fits and is_code(found, form, text), found)


def main() -> None:
    credentials = load_credentials(sys.argv[1])
    base_url = credentials["base_url"]
    report = Report("codes")
    operator = Api(base_url, credentials["operator_key"])
    with new_client(base_url) as client:
        session = client.post("/v1/sandbox/sessions", json={"as": "mei"}).raise_for_status().json()
    shopper = Api(base_url, session["key"])
    for name in NAMES:
        made = operator.made("/v1/merchants", {"name": name, "category": "5812", "fee_bps": 60})
        shop = Api(base_url, operator.made(f"/v1/merchants/{made['id']}/keys", {})["key"])
        for amount in AMOUNTS:
            said = f"{name}, {'open' if amount is None else amount}"
            with report.section(f"stickers of {said}"):
                check_pictures(report, shop, made["id"], name, amount)
            with report.section(f"payload of {said}"):
                code = shop.get(f"/v1/merchants/{made['id']}/code", amount=amount).raise_for_status().json()
                check_payload(report, code["text"], said, "5812", amount)
        with report.section(f"an order's code of {name}"):
            order = shop.made("/v1/orders", {"amount": 100, "description": "conformance"})
            path = f"/v1/orders/{order['id']}/code"
            code = shop.get(path).raise_for_status().json()
            check_payload(report, code["text"], f"{name}, an order", "5812", 100)
            pictures = [of_svg(shop.get(f"{path}.svg").raise_for_status().text), of_png(shop.get(f"{path}.png").content)]
            found = [decoded(picture) for picture in pictures]
            report.check(f"zxing reads an order's SVG and PNG ({name})",
                         all(is_code(each, "qrcode", code["link"]) for each in found), found)
    with report.section("reading others' codes"):
        check_reading(report, shop)
    with report.section("consumer-presented codes"):
        check_consumer(report, shop, shopper, session["user_id"])
    with report.section("what a phone draws"):
        check_phone_pictures(report, shlex.split(credentials["payer"]["auth_code_command"]))
    report.finish()


if __name__ == "__main__":
    main()
