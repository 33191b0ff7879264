"""Coupons that a merchant honours at its own till (商家券), with unmodified `wechatpayv3`: from a stock to subsidies.

Usage: wechatpayv3_busifavor.py CREDENTIALS
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.type import RequestType

from harness import CHINA, Merchant, Report, fresh, load_credentials, paid_order
from wechatpayv3_scenario import Scenario, accepted, is_recent, sdk_arguments

VALUE, PER_USER = 500, 3
INVALID, MISSING, NO_AUTH, PARAM = [(400, "INVALID_REQUEST")], [(404, "RESOURCE_NOT_EXISTS")], [(403, "NO_AUTH")], [
    (400, "PARAM_ERROR")]
SUBSIDY = "/v3/marketing/busifavor/subsidy"


def in_days(days: int) -> str:
    return (datetime.now(CHINA) + timedelta(days=days)).isoformat(timespec="seconds")


class Busifavor(Scenario):
    async def run(self) -> None:
        other = self.credentials["wechat"] | self.credentials["wechat_other"]
        async with self.open_client() as self.wx, self.open_client(wechat=other) as self.other:
            for name, part in [("stock", self.stock), ("modifying", self.modifying), ("sending", self.sending),
                               ("till", self.till), ("subsidy", self.subsidy)]:
                with self.report.section(name):
                    await part()

    async def create(self, number: str, **changes: Any) -> tuple[int, str]:
        arguments = {
            "stock_name": "满10减5", "belong_merchant": self.wechat["mchid"], "goods_name": "全场", "stock_type": "NORMAL",
            "comment": "活动", "coupon_use_rule": self.rule(), "out_request_no": number,
            "stock_send_rule": {"max_coupons": 3, "max_coupons_per_user": PER_USER},
            "coupon_code_mode": "WECHATPAY_MODE", "subsidy": True,
        }
        return await self.call(self.wx.marketing_busifavor_stock_create, **(arguments | changes))

    def rule(self, **changes: Any) -> dict[str, Any]:
        return {
            "coupon_available_time": self.times, "use_method": "OFF_LINE",
            "fixed_normal_coupon": {"discount_amount": VALUE, "transaction_minimum": 1000},
        } | changes

    async def stock(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        self.times = {"available_begin_time": in_days(-1), "available_end_time": in_days(9)}
        number = fresh("stock")
        created = accepted(await self.create(number))
        self.id = created["stock_id"]
        check("a stock's id has digits, at most 20", re.fullmatch(r"\d{4,20}", self.id), self.id)
        check("a stock is created now, in China", is_recent(created["create_time"]), created)
        equal("the same number again is the same stock", accepted(await self.create(number)), created)
        refused("the same number with another name is refused", await self.create(number, stock_name="别的"), *INVALID)
        refused("a stock for another merchant is refused",
                await self.create(fresh("stock"), belong_merchant="1999999999"), *NO_AUTH)
        refused("codes of the merchant's own are refused",
                await self.create(fresh("stock"), coupon_code_mode="MERCHANT_API"), *PARAM)
        refused("times that coupons do not know are refused, not ignored", await self.create(
            fresh("stock"), coupon_use_rule=self.rule(
                coupon_available_time=self.times | {"available_week": {"week_day": [1]}})), *PARAM)
        percent = accepted(await self.create(fresh("stock"), stock_type="DISCOUNT", coupon_use_rule=self.rule(
            discount_coupon={"discount_percent": 88, "transaction_minimum": 100})))
        check("a stock of a percentage is created", percent["stock_id"] != self.id, percent)

        shown = accepted(await self.call(self.wx.marketing_busifavor_stock_query, stock_id=self.id))
        equal("it shows what was asked",
              {name: shown[name] for name in ("stock_id", "stock_name", "belong_merchant", "goods_name", "comment",
                                              "stock_type", "coupon_use_rule", "stock_state", "coupon_code_mode",
                                              "subsidy")},
              {"stock_id": self.id, "stock_name": "满10减5", "belong_merchant": self.wechat["mchid"],
               "goods_name": "全场", "comment": "活动", "stock_type": "NORMAL", "coupon_use_rule": self.rule(),
               "stock_state": "RUNNING", "coupon_code_mode": "WECHATPAY_MODE", "subsidy": True})
        refused("another merchant's stock is refused",
                await self.call(self.other.marketing_busifavor_stock_query, stock_id=self.id), *NO_AUTH)
        refused("an unknown stock is refused",
                await self.call(self.wx.marketing_busifavor_stock_query, stock_id="1212"), *MISSING)

    async def modifying(self) -> None:
        equal, refused = self.report.equal, self.report.refused

        async def modify(**changes: Any) -> tuple[int, str]:
            return await self.call(self.wx.marketing_busifavor_stock_modify, stock_id=self.id,
                                   out_request_no=fresh("modify"), **changes)

        async def budget(number: str, now: int, then: int) -> tuple[int, str]:
            return await self.call(self.wx.marketing_busifavor_stock_budget, stock_id=self.id,
                                   modify_budget_request_no=number, current_max_coupons=now, target_max_coupons=then)

        status, _ = await modify(comment="新活动", goods_name="面条")
        equal("modifying answers 204, signed", status, 204)
        shown = accepted(await self.call(self.wx.marketing_busifavor_stock_query, stock_id=self.id))
        equal("what was modified is shown", (shown["comment"], shown["goods_name"]), ("新活动", "面条"))
        refused("modifying what was promised is refused", await modify(coupon_use_rule={"use_method": "SELF_CONSUME"}),
                *PARAM)
        number = fresh("budget")
        equal("more coupons are given", accepted(await budget(number, 3, 4)), {"max_coupons": 4})
        equal("the same number again changes nothing", accepted(await budget(number, 3, 4)), {"max_coupons": 4})
        refused("the same number with another target is refused", await budget(number, 3, 5), *INVALID)
        refused("from another number than it is is refused", await budget(fresh("budget"), 3, 9), *INVALID)
        shown = accepted(await self.call(self.wx.marketing_busifavor_stock_query, stock_id=self.id))
        equal("the new number is shown", shown["stock_send_rule"]["max_coupons"], 4)

    async def sending(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        told = fresh("told")
        accepted(await self.call(self.wx.marketing_busifavor_callback_update, notify_url=self.notify.url(told)))
        equal("the callback's address is shown", accepted(await self.call(self.wx.marketing_busifavor_callback_query)),
              {"mchid": self.wechat["mchid"], "notify_url": self.notify.url(told)})

        number = fresh("send")
        self.first = accepted(await self.send(number))["card_code"]
        check("a coupon's code has 22 digits", re.fullmatch(r"\d{22}", self.first), self.first)
        equal("the same number again is the same coupon", accepted(await self.send(number)),
              {"card_code": self.first})
        callback = self.callback(told)
        self.check_envelope("coupon callback", told, callback, "COUPON.SEND", "coupon")
        equal("coupon callback names coupon, stock and user",
              {name: callback["resource"].get(name) for name in ("coupon_code", "stock_id", "openid", "request_no",
                                                                 "send_merchant")},
              {"coupon_code": self.first, "stock_id": self.id, "openid": self.wechat["openid"], "request_no": number,
               "send_merchant": self.wechat["mchid"]})
        self.second = accepted(await self.send(fresh("send")))["card_code"]
        self.third = accepted(await self.send(fresh("send")))["card_code"]
        refused("one more than a user may have is refused", await self.send(fresh("send")), (403, "RULE_LIMIT"))

        coupon = await self.coupon(self.first)
        equal("a coupon shows its stock and state",
              {name: coupon[name] for name in ("coupon_code", "stock_id", "stock_name", "belong_merchant", "comment",
                                               "coupon_state", "send_request_no", "coupon_use_rule")},
              {"coupon_code": self.first, "stock_id": self.id, "stock_name": "满10减5",
               "belong_merchant": self.wechat["mchid"], "comment": "新活动", "coupon_state": "SENDED",
               "send_request_no": number, "coupon_use_rule": self.rule()})
        equal("a coupon ends with its stock", datetime.fromisoformat(coupon["expire_time"]),
              datetime.fromisoformat(self.times["available_end_time"]))
        check("a coupon was received now", is_recent(coupon["receive_time"]), coupon)
        equal("the user's coupons are these", await self.codes(), [self.third, self.second, self.first])

    async def send(self, number: str) -> tuple[int, str]:
        return await self.call(self.wx.marketing_card_send, card_id=self.id, openid=self.wechat["openid"],
                               out_request_no=number, send_time=in_days(0))

    async def coupon(self, code: str) -> dict[str, Any]:
        return accepted(await self.call(self.wx.marketing_busifavor_coupon_detail, coupon_code=code,
                                        openid=self.wechat["openid"]))

    async def codes(self) -> list[str]:
        listed = accepted(await self.call(self.wx.marketing_busifavor_user_coupon, openid=self.wechat["openid"],
                                          stock_id=self.id, coupon_state="SENDED",
                                          creator_merchant=self.wechat["mchid"]))
        self.report.equal("the list counts what it shows", listed["total_count"], len(listed["data"]))
        return [row["coupon_code"] for row in listed["data"]]

    async def use(self, number: str, code: str, wx: Any = None, **changes: Any) -> tuple[int, str]:
        return await self.call((wx or self.wx).marketing_busifavor_coupon_use, coupon_code=code, use_time=in_days(0),
                               use_request_no=number, **changes)

    async def till(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        number = fresh("use")
        used = accepted(await self.use(number, self.first, stock_id=self.id, openid=self.wechat["openid"]))
        equal("using names stock and user", (used["stock_id"], used["openid"]), (self.id, self.wechat["openid"]))
        check("using says when", is_recent(used["wechatpay_use_time"]), used)
        equal("the same number again is the same use",
              accepted(await self.use(number, self.first, stock_id=self.id, openid=self.wechat["openid"])), used)
        refused("using it under another number is refused", await self.use(fresh("use"), self.first), *INVALID)
        refused("the same number for another coupon is refused", await self.use(number, self.second), *INVALID)
        refused("another merchant cannot use it", await self.use(fresh("use"), self.second, wx=self.other), *MISSING)
        refused("an unknown code is refused", await self.use(fresh("use"), "1" * 22), *MISSING)
        refused("a coupon of another stock is refused",
                await self.use(fresh("use"), self.second, stock_id="1212"), *MISSING)
        coupon = await self.coupon(self.first)
        equal("a used coupon says so", (coupon["coupon_state"], coupon["use_request_no"], coupon["use_time"]),
              ("USED", number, used["wechatpay_use_time"]))
        equal("it is no longer among those that can be used", await self.codes(), [self.third, self.second])

        back = {"coupon_code": self.first, "stock_id": self.id, "return_request_no": fresh("back")}
        returned = accepted(await self.call(self.wx.marketing_busifavor_coupon_return, **back))
        check("it is given back", is_recent(returned["wechatpay_return_time"]), returned)
        equal("the same number again is the same return",
              accepted(await self.call(self.wx.marketing_busifavor_coupon_return, **back)), returned)
        refused("what is not used is not given back", await self.call(
            self.wx.marketing_busifavor_coupon_return, **(back | {"return_request_no": fresh("back")})), *INVALID)
        equal("it can be used again", (await self.coupon(self.first))["coupon_state"], "SENDED")

        void = {"coupon_code": self.second, "stock_id": self.id, "deactivate_request_no": fresh("void"),
                "deactivate_reason": "此券使用时间设置错误"}
        done = accepted(await self.call(self.wx.marketing_busifavor_coupon_deactivate, **void))
        check("a coupon is made void", is_recent(done["wechatpay_deactivate_time"]), done)
        equal("the same number again is the same",
              accepted(await self.call(self.wx.marketing_busifavor_coupon_deactivate, **void)), done)
        equal("it says so", (await self.coupon(self.second))["coupon_state"], "DEACTIVATED")
        refused("what is void is not used", await self.use(fresh("use"), self.second), *INVALID)

    async def subsidy(self) -> None:
        check, equal, refused = self.report.check, self.report.equal, self.report.refused
        await self.paid_order("fund", 10_000)
        merchant = Merchant(self.credentials, self.credentials["wechat_other"])
        order = merchant.query(paid_order(merchant, self.payer, 2000))
        ours = await self.paid_order("ours", 2000)
        us, them = self.wechat["mchid"], self.credentials["wechat_other"]["mchid"]
        arguments = {
            "stock_id": self.id, "coupon_code": self.first, "transaction_id": order["transaction_id"],
            "payer_merchant": us, "payee_merchant": them, "amount": VALUE, "description": "门店补差",
            "out_subsidy_no": fresh("subsidy"),
        }

        async def pay(wx: Any = None, **changes: Any) -> tuple[int, str]:
            return await self.call((wx or self.wx).marketing_busifavor_subsidy_pay, **(arguments | changes))

        refused("a coupon that is not used is not subsidised", await pay(), *INVALID)
        accepted(await self.use(fresh("use"), self.first))
        refused("more than the coupon gives is refused", await pay(amount=VALUE + 1), *INVALID)
        refused("the payer's own order is refused", await pay(transaction_id=ours["transaction_id"]), *MISSING)
        refused("another merchant cannot pay for us", await pay(wx=self.other), *NO_AUTH)
        paid = accepted(await pay())
        equal("a subsidy names what was asked", {name: paid[name] for name in arguments}, arguments)
        check("a subsidy has its receipt, now", re.fullmatch(r"1120\d{24}", paid["subsidy_receipt_id"])
              and paid["status"] == "SUCCESS" and is_recent(paid["success_time"]), paid)
        equal("the same number again is the same subsidy", accepted(await pay()), paid)
        refused("the same number with another amount is refused", await pay(amount=1), *INVALID)
        refused("a coupon is subsidised once", await pay(out_subsidy_no=fresh("subsidy")), *INVALID)
        query = {"subsidy_receipt_id": paid["subsidy_receipt_id"]}
        equal("its receipt is found", accepted(await self.call(self.wx.marketing_busifavor_subsidy_query, **query)), paid)
        equal("who got it finds it too",
              accepted(await self.call(self.other.marketing_busifavor_subsidy_query, **query)), paid)
        listed = accepted(await self.request(
            self.wx, f"{SUBSIDY}/pay-receipts?stock_id={self.id}&coupon_code={self.first}"))
        equal("it is listed", listed, {"pay_receipt_list": [paid]})
        give_back = {"coupon_code": self.first, "stock_id": self.id, "return_request_no": fresh("back")}
        refused("a subsidised coupon is not given back",
                await self.call(self.wx.marketing_busifavor_coupon_return, **give_back), *INVALID)

        async def back(wx: Any, amount: int, number: str) -> tuple[int, str]:
            data = {name: arguments[name] for name in ("stock_id", "coupon_code", "transaction_id")} | {
                "payer_merchant": them, "payee_merchant": us, "amount": amount, "description": "退补差",
                "out_subsidy_return_no": number}
            return await self.request(wx, f"{SUBSIDY}/return-receipts", data)

        number = fresh("return")
        first = accepted(await back(self.other, 200, number))
        check("a part of it comes back", re.fullmatch(r"2120\d{24}", first["subsidy_return_receipt_id"])
              and first["amount"] == 200 and first["subsidy_receipt_id"] == paid["subsidy_receipt_id"], first)
        equal("the same number again is the same return", accepted(await back(self.other, 200, number)), first)
        refused("more than is left is refused", await back(self.other, VALUE - 199, fresh("return")), *INVALID)
        refused("who paid it gives nothing back", await back(self.wx, 1, fresh("return")), *NO_AUTH)
        accepted(await back(self.other, VALUE - 200, fresh("return")))
        equal("a return's receipt is found", accepted(await self.request(
            self.wx, f"{SUBSIDY}/return-receipts/{first['subsidy_return_receipt_id']}")), first)
        accepted(await self.call(self.wx.marketing_busifavor_coupon_return, **give_back))
        equal("then the coupon is given back", (await self.coupon(self.first))["coupon_state"], "SENDED")

    async def request(self, wx: Any, path: str, data: dict[str, Any] | None = None) -> tuple[int, str]:
        """What the SDK has no method for, through the part of it that signs and verifies."""
        method = RequestType.POST if data else RequestType.GET
        return wx._core.request(path, method=method, data=data)


def main() -> None:
    credentials = load_credentials(sys.argv[1])

    @asynccontextmanager
    async def open_client(wechat: dict[str, Any] | None = None, **_: object) -> AsyncIterator[WeChatPay]:
        wx = WeChatPay(**sdk_arguments(credentials | ({"wechat": wechat} if wechat else {}), WeChatPayType))
        wx._core._gate_way = credentials["base_url"]
        yield wx

    report = Report("wechatpayv3 busifavor")
    asyncio.run(Busifavor(report, credentials, WeChatPayType, open_client).run())
    report.finish()


if __name__ == "__main__":
    main()
