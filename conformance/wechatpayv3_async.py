"""Unmodified `wechatpayv3.async_.AsyncWeChatPay` against a running server. Usage: wechatpayv3_async.py CREDENTIALS"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wechatpayv3.async_ import AsyncWeChatPay, WeChatPayType

from harness import Report, fresh, load_credentials
from wechatpayv3_scenario import OpenClient, Scenario, sdk_arguments


async def interleaved(report: Report, open_client: OpenClient) -> None:
    """Sixteen orders at once on one client: every answer must reach the call it belongs to."""
    numbers = [fresh("many") for _ in range(16)]
    async with open_client() as wx:
        placed = await asyncio.gather(*(
            wx.pay(description="one of many", out_trade_no=number, amount={"total": 100 + place},
                   notify_url="http://127.0.0.1:9/notify")
            for place, number in enumerate(numbers)
        ))
        report.equal("sixteen orders at once are accepted", [status for status, _ in placed], [200] * 16)
        queried = await asyncio.gather(*(wx.query(out_trade_no=number) for number in numbers))
    orders = [json.loads(text) for _, text in queried]
    report.equal("sixteen queries at once give their own orders",
                 [(order.get("out_trade_no"), order.get("amount", {}).get("total")) for order in orders],
                 [(number, 100 + place) for place, number in enumerate(numbers)])


def main() -> None:
    credentials = load_credentials(sys.argv[1])

    @asynccontextmanager
    async def open_client(certificate_mode: bool = False,
                          private_key: str | None = None) -> AsyncIterator[AsyncWeChatPay]:
        wx = AsyncWeChatPay(**sdk_arguments(credentials, WeChatPayType, private_key))
        wx._core._gate_way = credentials["base_url"]
        if certificate_mode:
            # It asks for certificates when it is entered.
            wx._core._public_key = wx._core._public_key_id = None
        async with wx:
            yield wx

    async def everything() -> None:
        await Scenario(report, credentials, WeChatPayType, open_client).run()
        with report.section("interleaved calls"):
            await interleaved(report, open_client)

    report = Report("wechatpayv3 async")
    asyncio.run(everything())
    report.finish()


if __name__ == "__main__":
    main()
