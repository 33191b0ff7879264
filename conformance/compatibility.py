"""What docs/COMPATIBILITY.md says of every endpoint is so: what is built is answered, and what is not, is not.

Usage: compatibility.py CREDENTIALS            asks the running demo
       compatibility.py --write                writes docs/COMPATIBILITY.md from compatibility/
       compatibility.py --unproven < CHECKS    prints the checks that it names and that are not among these
"""

from __future__ import annotations

import base64
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from harness import CHINA, Report, load_credentials

HERE = Path(__file__).resolve().parent
TABLES = HERE / "compatibility"
PAGE = HERE.parent / "docs" / "COMPATIBILITY.md"
WORLDS = ["wechat_v3", "wechat_v2", "alipay"]


@dataclass
class Endpoint:
    state: str
    name: str
    check: str = ""
    remark: str = ""

    @property
    def is_built(self) -> bool:
        return self.state != "no"


def read(world: str) -> list[Endpoint | str]:
    """The endpoints of a world, and the headings between them."""
    reasons: dict[str, str] = {}
    rows: list[Endpoint | str] = []
    for line in (TABLES / f"{world}.txt").read_text(encoding="utf-8").splitlines():
        parts = [part.strip() for part in line.split("|")]
        match parts:
            case [""]:
                pass
            case [text] if text.startswith("=="):
                rows.append(text[2:].strip())
            case [text, *_] if text.startswith("#"):
                pass
            case ["reason", key, text]:
                reasons[key] = text
            case ["yes", name, check]:
                rows.append(Endpoint("yes", name, check))
            case ["partly", name, check, remark]:
                rows.append(Endpoint("partly", name, check, remark))
            case ["no", name, key]:
                rows.append(Endpoint("no", name, remark=reasons[key]))
            case _:
                raise ValueError(f"{world}: {line}")
    return rows


def endpoints(world: str) -> list[Endpoint]:
    return [row for row in read(world) if isinstance(row, Endpoint)]


def table(world: str) -> str:
    head = "| endpoint | built | the check that proves it | what is missing, or why |\n| --- | --- | --- | --- |\n"
    lines = []
    for row in read(world):
        if isinstance(row, str):
            lines.append(f"| **{row}** | | | |")
        else:
            lines.append(f"| `{row.name}` | {row.state} | {row.check} | {row.remark} |")
    counts = {state: sum(row.state == state for row in endpoints(world)) for state in ["yes", "partly", "no"]}
    said = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{said}.\n\n{head}" + "\n".join(lines)


def page() -> str:
    text = (TABLES / "page.md").read_text(encoding="utf-8")
    for world in WORLDS:
        text = text.replace(f"{{{world}}}", table(world))
    return text


def unproven(held: set[str]) -> list[str]:
    """The checks that the tables name and that are not among those that held."""
    return [row.check for world in WORLDS for row in endpoints(world) if row.is_built and row.check not in held]


# --- Asking the server -------------------------------------------------------------------------

def shape(path: str) -> str:
    """A path's template, whatever its places are named."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def routes_asked(base_url: str) -> set[str]:
    """Method and template of each route that took a request, as the server's own figures have them."""
    line = re.compile(r'feiqian_http_requests_total\{method="(\w+)",route="([^"]*)",status="(\d+)"\} ')
    found = line.findall(httpx.get(f"{base_url}/metrics").text)
    return {f"{method} {shape(route)}" for method, route, status in found if status != "405"}


def wechat(base_url: str, world: str) -> set[str]:
    """Which of its endpoints are there. Unsigned: it is enough that somebody refuses the signature."""
    with httpx.Client(base_url=base_url) as client:
        for row in endpoints(world):
            method, path = row.name.split(" ")
            client.request(method, shape(path).replace("{}", "1"))
    asked = routes_asked(base_url)
    return {row.name for row in endpoints(world) if shape(row.name) in asked}


def alipay(base_url: str, credentials: dict[str, Any]) -> set[str]:
    """Which of its methods the classic gateway knows. Signed: it looks at the signature first."""
    app = credentials["alipay"]
    key = load_pem_private_key(app["app_private_key_pem"].encode(), password=None)
    there = set()
    with httpx.Client(base_url=base_url) as client:
        for row in endpoints("alipay"):
            fields = {
                "app_id": app["app_id"], "method": row.name, "charset": "utf-8", "sign_type": "RSA2",
                "timestamp": datetime.now(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
                "version": "1.0", "biz_content": "{}",
            }
            text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
            fields["sign"] = base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
            answer = client.post(app["gateway_path"], data=fields)
            if "isv.invalid-method" not in answer.text:
                there.add(row.name)
    return there


def main() -> None:
    if sys.argv[1] == "--write":
        PAGE.write_text(page(), encoding="utf-8")
        return
    if sys.argv[1] == "--unproven":
        print("\n".join(unproven(set(sys.stdin.read().splitlines()))))
        return
    report = Report("compatibility")
    credentials = load_credentials(sys.argv[1])
    base_url = credentials["base_url"]
    for world in WORLDS:
        with report.section(world):
            there = alipay(base_url, credentials) if world == "alipay" else wechat(base_url, world)
            built = {row.name for row in endpoints(world) if row.is_built}
            report.check(f"{world}: the {len(built)} that are built are there", built <= there, sorted(built - there))
            report.check(f"{world}: the {len(endpoints(world)) - len(built)} others are not", there <= built,
                         sorted(there - built))
    report.equal("the page is what these tables give", PAGE.read_text(encoding="utf-8"), page())
    report.finish()


if __name__ == "__main__":
    main()
