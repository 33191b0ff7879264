"""Coupons that a merchant pays for (代金券), with unmodified `wechatpayv3`: from a stock to its refunds.

Usage: wechatpayv3_favor.py CREDENTIALS

Campaigns of the demo may lower prices too, so every sum is taken over all promotions of an order.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from wechatpayv3 import WeChatPay, WeChatPayType

import trade_bill
from harness import CHINA, Report, fresh, load_credentials
from wechatpayv3_scenario import Scenario, accepted, is_recent, sdk_arguments, yuan

TOTAL, VALUE, MINIMUM = 2345, 500, 2000
PER_USER = 2


def in_days(days: int) -> str:
    return (datetime.now(CHINA) + timedelta(days=days)).isoformat(timespec="milliseconds")


class Favor(Scenario):
    async def run(self) -> None:
        async with self.open_client() as self.wx:
            for name, part in [("stock", self.stock), ("sending", self.sending), ("using", self.using),
                               ("refunds", self.giving_back), ("flows", self.flows), ("no cash", self.no_cash)]:
                with self.report.section(name):
                    await part()

    # Steps.

    async def create(self, number: str, **changes: Any) -> tuple[int, str]:
        mchid = self.wechat["mchid"]
        arguments = {
            "stock_name": "满20减5", "belong_merchant": mchid, "comment": "零售批次",
            "available_begin_time": in_days(-1), "available_end_time": in_days(9),
            "stock_use_rule": {"max_coupons": 3, "max_amount": 3 * VALUE, "max_coupons_per_user": PER_USER,
                               "natural_person_limit": False, "prevent_api_abuse": True},
            "coupon_use_rule": {"fixed_normal_coupon": {"coupon_amount": VALUE, "transaction_minimum": MINIMUM},
                                "available_merchants": [mchid]},
            "out_request_no": number,
        }
        return await self.call(self.wx.marketing_favor_stock_create, **(arguments | changes))

    async def step(self, name: str, stock: str) -> tuple[int, str]:
        method = getattr(self.wx, f"marketing_favor_stock_{name}")
        return await self.call(method, stock_creator_mchid=self.wechat["mchid"], stock_id=stock)

    async def detail(self, stock: str) -> dict[str, Any]:
        return accepted(await self.call(self.wx.marketing_favor_stock_detail, stock_id=stock,
                                        stock_creator_mchid=self.wechat["mchid"]))

    async def send(self, number: str, stock: str) -> tuple[int, str]:
        return await self.call(self.wx.marketing_favor_stock_send, stock_id=stock, openid=self.wechat["openid"],
                               out_request_no=number, stock_creator_mchid=self.wechat["mchid"])

    async def coupon(self, coupon: str) -> dict[str, Any]:
        return accepted(await self.call(self.wx.marketing_favor_coupon_detail, coupon_id=coupon,
                                        openid=self.wechat["openid"]))

    async def coupons(self, stock: str, **filters: Any) -> list[dict[str, Any]]:
        listed = accepted(await self.call(self.wx.marketing_favor_user_coupon, openid=self.wechat["openid"],
                                          stock_id=stock, creator_mchid=self.wechat["mchid"], **filters))
        self.report.equal("the list counts what it shows", listed["total_count"], len(listed["data"]))
        return listed["data"]

    async def get(self, target: str) -> tuple[int, str]:
        """What the SDK has no method for, through the part of it that signs and verifies."""
        return await self.call(self.wx._core.request, path=target)

    # The parts.

    async def stock(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        # So that the merchant can pay for it.
        await self.paid_order("fund", 30_000)
        self.times = {"available_begin_time": in_days(-1), "available_end_time": in_days(9)}
        number = fresh("stock")
        created = accepted(await self.create(number, **self.times))
        self.id = created["stock_id"]
        check("a stock's id has digits, at most 20", re.fullmatch(r"\d{4,20}", self.id), self.id)
        check("a stock is created now, in China", is_recent(created["create_time"]), created)
        equal("the same number again is the same stock", accepted(await self.create(number, **self.times)), created)
        refused("the same number with another name is refused",
                await self.create(number, stock_name="别的", **self.times), (400, "INVALID_REQUEST"))
        refused("a stock for another merchant is refused",
                await self.create(fresh("stock"), belong_merchant="1999999999"), (403, "NO_AUTH"))
        refused("a stock that ends before it begins is refused",
                await self.create(fresh("stock"), available_end_time=in_days(-2)), (400, "PARAM_ERROR"))
        refused("a rule that coupons do not know is refused, not ignored",
                await self.create(fresh("stock"), coupon_use_rule={
                    "fixed_normal_coupon": {"coupon_amount": VALUE, "transaction_minimum": MINIMUM},
                    "trade_type": ["MICROAPP"]}), (400, "PARAM_ERROR"))

        shown = await self.detail(self.id)
        equal("a new stock is unactivated", shown["status"], "unactivated")
        equal("it shows what was asked",
              (shown["stock_name"], shown["stock_creator_mchid"], shown["no_cash"], shown["stock_type"],
               shown["description"], shown["distributed_coupons"]),
              ("满20减5", self.wechat["mchid"], False, "NORMAL", "零售批次", 0))
        equal("it shows its rules", {name: shown["stock_use_rule"][name] for name in (
            "max_coupons", "max_amount", "max_coupons_per_user", "natural_person_limit")},
              {"max_coupons": 3, "max_amount": 3 * VALUE, "max_coupons_per_user": PER_USER,
               "natural_person_limit": False})
        refused("sending of an unactivated stock is refused", await self.send(fresh("send"), self.id),
                (400, "INVALID_REQUEST"))
        refused("pausing it is refused", await self.step("pause", self.id), (400, "INVALID_REQUEST"))

        started = accepted(await self.step("start", self.id))
        check("it starts", is_recent(started["start_time"]) and started["stock_id"] == self.id, started)
        equal("starting it again is answered again", accepted(await self.step("start", self.id)), started)
        equal("it runs", (await self.detail(self.id))["status"], "running")
        paused = accepted(await self.step("pause", self.id))
        check("it pauses", is_recent(paused["pause_time"]), paused)
        equal("it is paused", (await self.detail(self.id))["status"], "paused")
        refused("sending of a paused stock is refused", await self.send(fresh("send"), self.id),
                (400, "INVALID_REQUEST"))
        check("it restarts", is_recent(accepted(await self.step("restart", self.id))["restart_time"]))

        mchid = self.wechat["mchid"]
        merchants = accepted(await self.call(self.wx.marketing_favor_stock_merchant, stock_creator_mchid=mchid,
                                             stock_id=self.id))
        equal("it names its merchants", (merchants["total_count"], merchants["data"]), (1, [mchid]))
        items = accepted(await self.call(self.wx.marketing_favor_stock_item, stock_creator_mchid=mchid,
                                         stock_id=self.id))
        equal("it is good for all goods", (items["total_count"], items["data"]), (0, []))
        listed = accepted(await self.call(self.wx.marketing_favor_stock_list, stock_creator_mchid=mchid,
                                          status="running", create_start_time=in_days(-1)))
        equal("the newest running stock is it", listed["data"][0], await self.detail(self.id))
        refused("another merchant's stock is refused",
                await self.call(self.wx.marketing_favor_stock_detail, stock_id=self.id,
                                stock_creator_mchid="1999999999"), (403, "NO_AUTH"))
        refused("an unknown stock is refused", await self.step("start", "9856000"), (404, "RESOURCE_NOT_EXISTS"))
        poor = accepted(await self.create(fresh("stock"), stock_use_rule={
            "max_coupons": 1, "max_amount": 10**12, "max_coupons_per_user": 1}))
        refused("a budget above the merchant's balance is not started", await self.step("start", poor["stock_id"]),
                (403, "NOT_ENOUGH"))

    async def sending(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        self.told = fresh("told")
        set_to = accepted(await self.call(self.wx.marketing_favor_callback_update,
                                          notify_url=self.notify.url(self.told)))
        check("the callback's address is set",
              set_to["notify_url"] == self.notify.url(self.told) and is_recent(set_to["update_time"]), set_to)
        shown = accepted(await self.get(f"/v3/marketing/favor/callbacks?mchid={self.wechat['mchid']}"))
        equal("the callback's address is shown", shown,
              {"mchid": self.wechat["mchid"], "notify_url": self.notify.url(self.told)})

        number = fresh("send")
        self.first = accepted(await self.send(number, self.id))["coupon_id"]
        check("a coupon's id has digits, at most 20", re.fullmatch(r"\d{4,20}", self.first), self.first)
        equal("the same number again is the same coupon", accepted(await self.send(number, self.id)),
              {"coupon_id": self.first})
        second = accepted(await self.send(fresh("send"), self.id))["coupon_id"]
        check("another number is another coupon", second != self.first, second)
        refused("one more than a user may have is refused", await self.send(fresh("send"), self.id),
                (403, "RULE_LIMIT"))
        stranger = await self.call(self.wx.marketing_favor_stock_send, stock_id=self.id, openid="o" + "A" * 27,
                                   out_request_no=fresh("send"), stock_creator_mchid=self.wechat["mchid"])
        refused("an unknown openid is refused", stranger, (400, "PARAM_ERROR"))

        coupon = await self.coupon(self.first)
        equal("a coupon shows its stock and value",
              {name: coupon.get(name) for name in ("stock_id", "stock_creator_mchid", "coupon_id", "coupon_name",
                                                   "status", "coupon_type", "no_cash", "normal_coupon_information",
                                                   "consume_information")},
              {"stock_id": self.id, "stock_creator_mchid": self.wechat["mchid"], "coupon_id": self.first,
               "coupon_name": "满20减5", "status": "SENDED", "coupon_type": "NORMAL", "no_cash": False,
               "normal_coupon_information": {"coupon_amount": VALUE, "transaction_minimum": MINIMUM},
               "consume_information": None})
        equal("a coupon ends with its stock", datetime.fromisoformat(coupon["available_end_time"]),
              datetime.fromisoformat(self.times["available_end_time"]).replace(microsecond=0))
        equal("the user's coupons are both", [row["coupon_id"] for row in await self.coupons(self.id)],
              [second, self.first])
        equal("none is used yet", await self.coupons(self.id, status="USED"), [])
        refused("an unknown coupon is refused",
                await self.call(self.wx.marketing_favor_coupon_detail, coupon_id="98674556",
                                openid=self.wechat["openid"]), (404, "RESOURCE_NOT_EXISTS"))
        equal("the stock counts them", (await self.detail(self.id))["distributed_coupons"], PER_USER)

    async def using(self) -> None:
        check, equal = self.report.check, self.report.equal
        small = await self.paid_order("small", MINIMUM - 1)
        equal("an order below the minimum uses none", self.promotion(small, self.id), None)
        order = self.order_paid = await self.paid_order("coupon", TOTAL)
        promotion = self.promotion(order, self.id)
        # The one that ends first, then the older one.
        equal("an order shows the coupon that it used", promotion, {
            "coupon_id": self.first, "name": "满20减5", "scope": "GLOBAL", "type": "CASH", "amount": VALUE,
            "stock_id": self.id, "wechatpay_contribute": 0, "merchant_contribute": VALUE, "other_contribute": 0,
            "currency": "CNY",
        })
        self.check_paid("order with a coupon", order, order["out_trade_no"], TOTAL, "NATIVE")
        equal("its callback decrypts to the queried order", self.callback(order["out_trade_no"])["resource"], order)

        told = self.callback(self.told)
        self.check_envelope("coupon callback", self.told, told, "COUPON.USE", "coupon")
        coupon = await self.coupon(self.first)
        equal("coupon callback decrypts to the queried coupon", told["resource"], coupon)
        equal("a used coupon names its payment", (coupon["status"], coupon["consume_information"]),
              ("USED", {"consume_time": order["success_time"], "consume_mchid": self.wechat["mchid"],
                        "transaction_id": order["transaction_id"]}))
        equal("the used one is listed as used", [row["coupon_id"] for row in await self.coupons(self.id, status="USED")],
              [self.first])
        check("one use is told once", len(self.notify.of(self.told)) == 1)

    @staticmethod
    def promotion(order: dict[str, Any], stock: str) -> dict[str, Any] | None:
        found = [row for row in order["promotion_detail"] if row["stock_id"] == stock]
        return found[0] if found else None

    async def giving_back(self) -> None:
        check, equal = self.report.check, self.report.equal
        order, refunds = self.order_paid, []
        for amount in (1, 776, TOTAL - 777):
            number = fresh("r")
            accepted(await self.refund(number, amount, TOTAL, out_trade_no=order["out_trade_no"]))
            refund = await self.completed_refund(number)
            self.check_refund(f"refund of {amount}", refund, order, number, amount)
            self.check_shares(f"refund of {amount}", refund)
            told = self.callback(number)["resource"]["amount"]
            equal(f"refund of {amount}: its callback has the amounts", told,
                  {name: refund["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")})
            refunds.append(refund)
            if len(refunds) == 2:
                equal("a coupon stays used while anything is left", (await self.coupon(self.first))["status"], "USED")
        equal("all refunds give the payer what they paid", sum(r["amount"]["payer_refund"] for r in refunds),
              order["amount"]["payer_total"])
        equal("all refunds give the coupon's stock what it gave",
              sum(p["refund_amount"] for r in refunds for p in r["promotion_detail"] if p["promotion_id"] == self.first),
              VALUE)
        equal("a full refund gives the coupon back", (await self.coupon(self.first))["status"], "SENDED")
        self.refunds_given = refunds

        day = order["success_time"][:10]
        rows, _ = trade_bill.parse(await self.download("bill", day, ""))
        paid = next(row for row in rows if row["商户订单号"] == order["out_trade_no"] and row["交易状态"] == "SUCCESS")
        discount = TOTAL - order["amount"]["payer_total"]
        equal("the bill has the coupon's amount",
              [paid[name] for name in ("订单金额", "应结订单金额", "代金券金额")],
              [yuan(TOTAL), yuan(TOTAL), yuan(discount)])
        backs = {row["商户退款单号"]: row for row in rows if row["交易状态"] == "REFUND"}
        for refund in refunds:
            row, amount = backs[refund["out_refund_no"]], refund["amount"]
            equal(f"the bill has the coupon's part of the refund of {amount['refund']}",
                  [row[name] for name in ("申请退款金额", "退款金额", "充值券退款金额")],
                  [yuan(amount["refund"]), yuan(amount["settlement_refund"]), yuan(amount["discount_refund"])])

    def check_shares(self, name: str, refund: dict[str, Any]) -> None:
        """A refund's parts add up, and only promotions without cash lower what is settled."""
        amount, parts = refund["amount"], refund["promotion_detail"]
        self.report.equal(f"{name}: payer and promotions add up",
                          amount["payer_refund"] + sum(part["refund_amount"] for part in parts), amount["refund"])
        self.report.equal(f"{name}: the promotions are the discount",
                          amount["discount_refund"], sum(part["refund_amount"] for part in parts))
        no_cash = [part for part in parts if part["type"] == "DISCOUNT"]
        self.report.equal(f"{name}: what is settled",
                          (amount["settlement_refund"], amount["settlement_total"]),
                          (amount["refund"] - sum(part["refund_amount"] for part in no_cash),
                           amount["total"] - sum(part["amount"] for part in no_cash)))

    async def flows(self) -> None:
        equal = self.report.equal
        uses = await self.flow("use flow", self.wx.marketing_favor_use_flow)
        equal("the use flow has the use",
              [(row["批次ID"], row["优惠ID"], row["优惠金额（元）"], row["订单总金额（元）"], row["支付单号"],
                row["消耗商户号"]) for row in uses],
              [(self.id, self.first, yuan(VALUE), yuan(TOTAL), self.order_paid["transaction_id"],
                self.wechat["mchid"])])
        backs = await self.flow("refund flow", self.wx.marketing_favor_refund_flow)
        equal("the refund flow has what came back",
              [(row["退款单号"], row["退款优惠金额（元）"]) for row in backs],
              [(refund["refund_id"], yuan(part["refund_amount"])) for refund in self.refunds_given
               for part in refund["promotion_detail"] if part["promotion_id"] == self.first])
        unused = accepted(await self.create(fresh("stock")))
        self.report.refused("a stock without uses has no flow",
                            await self.call(self.wx.marketing_favor_use_flow, stock_id=unused["stock_id"]),
                            (404, "RESOURCE_NOT_EXISTS"))

    async def flow(self, name: str, method: Any) -> list[dict[str, str]]:
        announced = accepted(await self.call(method, stock_id=self.id))
        status, content = await self.call(self.wx.download_bill, url=announced["url"])
        self.report.equal(f"the {name} has the announced SHA-1",
                          (status, announced["hash_type"], announced["hash_value"]),
                          (200, "SHA1", hashlib.sha1(content).hexdigest()))
        header, *rows, _, summary = content.decode("utf-8").removeprefix("\ufeff").removesuffix("\r\n").split("\r\n")
        names = header.split(",")
        self.report.equal(f"the {name} counts its rows", summary.split(",")[0], f"`{len(rows)}")
        return [dict(zip(names, row.removeprefix("`").split(",`"), strict=True)) for row in rows]

    async def no_cash(self) -> None:
        """A stock that says that its money does not flow: the merchant settles less."""
        await self.call(self.wx.marketing_favor_callback_update, notify_url=self.notify.url("off"), switch=False)
        # What the first stock has left would be used instead: its coupons are as good.
        await self.step("pause", self.id)
        stock = accepted(await self.create(fresh("stock"), no_cash=True))["stock_id"]
        accepted(await self.step("start", stock))
        coupon = accepted(await self.send(fresh("send"), stock))["coupon_id"]
        order = await self.paid_order("nocash", TOTAL)
        self.report.equal("a coupon without cash says so",
                          {name: self.promotion(order, stock)[name] for name in ("coupon_id", "type", "amount")},
                          {"coupon_id": coupon, "type": "NOCASH", "amount": VALUE})
        number = fresh("r")
        accepted(await self.refund(number, 1000, TOTAL, out_trade_no=order["out_trade_no"]))
        refund = await self.completed_refund(number)
        self.check_shares("refund without cash", refund)
        part = next(part for part in refund["promotion_detail"] if part["promotion_id"] == coupon)
        self.report.equal("its refund has the part without cash", (part["type"], part["amount"]), ("DISCOUNT", VALUE))
        self.report.check("it lowers what is settled",
                          refund["amount"]["settlement_total"] == TOTAL - VALUE and part["refund_amount"] > 0, refund)
        rows, _ = trade_bill.parse(await self.download("bill without cash", order["success_time"][:10], ""))
        paid = next(row for row in rows if row["商户订单号"] == order["out_trade_no"] and row["交易状态"] == "SUCCESS")
        self.report.equal("the bill settles less", [paid["订单金额"], paid["应结订单金额"]],
                          [yuan(TOTAL), yuan(TOTAL - VALUE)])
        self.report.equal("a callback that is switched off is not called", self.notify.of("off"), [])
        await self.step("pause", stock)


def main() -> None:
    credentials = load_credentials(sys.argv[1])

    @asynccontextmanager
    async def open_client(**_: object) -> AsyncIterator[WeChatPay]:
        wx = WeChatPay(**sdk_arguments(credentials, WeChatPayType))
        wx._core._gate_way = credentials["base_url"]
        yield wx

    report = Report("wechatpayv3 favor")
    asyncio.run(Favor(report, credentials, WeChatPayType, open_client).run())
    report.finish()


if __name__ == "__main__":
    main()
