"""Unmodified `wechatpayv3.WeChatPay` against a running server. Usage: wechatpayv3_sync.py CREDENTIALS"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wechatpayv3 import WeChatPay, WeChatPayType

from harness import Report, load_credentials
from wechatpayv3_scenario import Scenario, sdk_arguments


def main() -> None:
    credentials = load_credentials(sys.argv[1])

    @asynccontextmanager
    async def open_client(certificate_mode: bool = False, private_key: str | None = None) -> AsyncIterator[WeChatPay]:
        wx = WeChatPay(**sdk_arguments(credentials, WeChatPayType, private_key))
        wx._core._gate_way = credentials["base_url"]
        if certificate_mode:
            # Its constructor would ask the real gateway for certificates, so it starts in public-key mode.
            wx._core._public_key = wx._core._public_key_id = None
            wx._core._init_certificates()
        yield wx

    report = Report("wechatpayv3 sync")
    asyncio.run(Scenario(report, credentials, WeChatPayType, open_client).run())
    report.finish()


if __name__ == "__main__":
    main()
