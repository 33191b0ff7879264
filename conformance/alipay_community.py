"""Unmodified `python-alipay-sdk` against a running server. Usage: alipay_community.py CREDENTIALS

It and `alipay-sdk-python` are both the package `alipay`, so it lies in a folder of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(sys.prefix) / "python-alipay-sdk"))

from alipay import AliPay
from alipay.exceptions import AliPayException

from alipay_scenario import Content, Scenario
from harness import Payer, Report, fresh, load_credentials


def client_of(credentials: dict[str, Any], app: dict[str, Any], notify_url: str | None = None) -> AliPay:
    client = AliPay(
        appid=app["app_id"],
        app_notify_url=notify_url,
        app_private_key_string=app["app_private_key_pem"],
        alipay_public_key_string=credentials["alipay"]["platform_public_key_pem"],
        sign_type="RSA2",
    )
    client._gateway = credentials["base_url"] + app["gateway_path"]
    return client


def main() -> None:
    credentials = load_credentials(sys.argv[1])
    app = credentials["alipay"]
    client = client_of(credentials, app)
    report = Report("python-alipay-sdk")

    def call(method: str, content: Content, notify_url: str | None) -> Content:
        # The generic call: GET, the node verified.
        return client_of(credentials, app, notify_url).server_api(method, biz_content=content)

    def verifies(fields: dict[str, str]) -> bool:
        return client.verify(fields, fields.pop("sign"))

    Scenario(report, credentials, call, verifies).run()
    with report.section("named calls"):
        number = fresh("named")
        placed = client.api_alipay_trade_precreate(subject="茶", out_trade_no=number, total_amount=1.5)
        report.equal("precreate", placed["code"], "10000")
        report.equal("query", client.api_alipay_trade_query(out_trade_no=number)["trade_status"], "WAIT_BUYER_PAY")
        report.equal("cancel", client.api_alipay_trade_cancel(out_trade_no=number)["action"], "close")
    with report.section("pages"):
        payer = Payer(credentials)
        base = credentials["base_url"] + app["gateway_path"]
        for kind in ("page", "wap", "app"):
            number = fresh(kind)
            sign = getattr(client, f"api_alipay_trade_{kind}_pay")
            query = sign(subject="茶", out_trade_no=number, total_amount="2.50")
            done = payer.pay(query if kind == "app" else f"{base}?{query}")
            report.check(f"the shopper pays {kind}.pay", done.returncode == 0, done.stderr)
            report.equal(f"{kind}.pay is paid", client.api_alipay_trade_query(out_trade_no=number)["trade_status"],
                         "TRADE_SUCCESS")
    with report.section("a key of somebody else"):
        stranger = dict(app, app_private_key_pem=credentials["alipay_other"]["app_private_key_pem"])
        try:
            refused = client_of(credentials, stranger).api_alipay_trade_query(out_trade_no="a")
        except AliPayException as problem:
            refused = {"sub_code": f"an exception: {problem}"}
        report.equal("is refused in the method's node, signed", refused["sub_code"], "isv.invalid-signature")
    report.finish()


if __name__ == "__main__":
    main()
