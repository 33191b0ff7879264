"""Unmodified `alipay-sdk-python` against a running server. Usage: alipay_official.py CREDENTIALS

The SDK dials port 80 or 443 whatever its `server_url` says, and fails if that names a port; so the one function that
makes its connections is replaced. A server on port 80 or 443 needs no such thing.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.parse
from typing import Any

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.constant import ParamConstants
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.request.AlipayTradeAppPayRequest import AlipayTradeAppPayRequest
from alipay.aop.api.request.AlipayTradePagePayRequest import AlipayTradePagePayRequest
from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest
from alipay.aop.api.response.AlipayResponse import AlipayResponse
from alipay.aop.api.util import WebUtils
from alipay.aop.api.util.SignatureUtils import get_sign_content, verify_with_rsa

from alipay_scenario import Content, Scenario
from harness import Payer, Report, fresh, load_credentials


def dial(url: str, query_string: str, timeout: float) -> tuple[str, http.client.HTTPConnection]:
    """The whole address, which the SDK sends as the request's target, and a connection."""
    parts = urllib.parse.urlparse(url)
    return f"{url}?{query_string}", http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def client_of(credentials: dict[str, Any]) -> DefaultAlipayClient:
    app = credentials["alipay"]
    config = AlipayClientConfig()
    config.server_url = credentials["base_url"] + app["gateway_path"]
    config.app_id = app["app_id"]
    config.app_private_key = app["app_private_key_pem"]
    config.alipay_public_key = app["platform_public_key_pem"]
    return DefaultAlipayClient(config)


class AnyRequest(AlipayTradeQueryRequest):
    """A request of the SDK under any method's name: its request classes differ in nothing else."""

    def __init__(self, method: str, content: Content, notify_url: str | None) -> None:
        super().__init__()
        self._method = method
        self._content = content
        self.notify_url = notify_url

    def get_params(self) -> dict[str, Any]:
        params = super().get_params()
        params[ParamConstants.P_METHOD] = self._method
        params["biz_content"] = json.dumps(self._content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return params


def main() -> None:
    WebUtils.get_http_connection = dial
    credentials = load_credentials(sys.argv[1])
    app = credentials["alipay"]
    client = client_of(credentials)
    report = Report("alipay-sdk-python")

    def call(method: str, content: Content, notify_url: str | None) -> Content:
        response = client.execute(AnyRequest(method, content, notify_url))
        # The node, of which the SDK has verified the signature.
        return json.loads(response)

    def verifies(fields: dict[str, str]) -> bool:
        sign = fields.pop("sign")
        fields.pop("sign_type")
        try:
            return verify_with_rsa(app["platform_public_key_pem"], get_sign_content(fields).encode(), sign)
        except Exception:
            return False

    Scenario(report, credentials, call, verifies).run()
    with report.section("pages"):
        pages(report, credentials, client)
    with report.section("a key of somebody else"):
        wrong = dict(credentials, alipay=dict(app, app_private_key_pem=credentials["alipay_other"]["app_private_key_pem"]))
        request = AnyRequest("alipay.trade.query", {"out_trade_no": "a"}, None)
        refused = AlipayResponse()
        refused.parse_response_content(client_of(wrong).execute(request))
        report.equal("is refused in the method's node, signed", (refused.code, refused.sub_code), ("40002", "isv.invalid-signature"))
    report.finish()


def pages(report: Report, credentials: dict[str, Any], client: DefaultAlipayClient) -> None:
    """What the SDK signs for a browser and for an app, the shopper's command pays."""
    payer = Payer(credentials)
    for kind in ("page link", "app order string"):
        number = fresh("page")
        request = AlipayTradePagePayRequest() if kind == "page link" else AlipayTradeAppPayRequest()
        request.biz_content = {"out_trade_no": number, "total_amount": "3.21", "subject": "茶 & 面",
                               "product_code": "FAST_INSTANT_TRADE_PAY"}
        request.return_url = "http://127.0.0.1:9/back?shop=1"
        link = client.page_execute(request, http_method="GET") if kind == "page link" else client.sdk_execute(request)
        done = payer.pay(link)
        report.check(f"the shopper pays a {kind}", done.returncode == 0, done.stderr)
        query = AnyRequest("alipay.trade.query", {"out_trade_no": number}, None)
        report.equal(f"a paid {kind}", json.loads(client.execute(query))["trade_status"], "TRADE_SUCCESS")


if __name__ == "__main__":
    main()
