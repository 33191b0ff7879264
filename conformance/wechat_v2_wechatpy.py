"""Unmodified PyPI `wechatpy`, its WeChat Pay v2 client, against a running server. Usage: wechat_v2_wechatpy.py CREDENTIALS"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from wechatpy.exceptions import InvalidSignatureException, WeChatPayException
from wechatpy.pay import WeChatPay

from harness import Notify, Payer, Report, fresh, load_credentials, today

report = Report("wechatpy v2")
credentials = load_credentials(sys.argv[1])
shop, payer, notify = credentials["wechat"], Payer(credentials), Notify()
HERE = {"client_ip": "127.0.0.1"}


def client(key: str = shop["api_v2_key"]) -> WeChatPay:
    made = WeChatPay(shop["appid"], key, shop["mchid"], timeout=15)
    made.API_BASE_URL = credentials["base_url"] + "/"
    return made


def refused(name: str, code: str, work: Callable[[], Any]) -> None:
    try:
        report.check(name, False, work())
    except WeChatPayException as problem:
        report.equal(name, problem.errcode or problem.return_msg, code)


pay = client()


def place(number: str, kind: str = "NATIVE", **more: Any) -> dict[str, Any]:
    answer = pay.order.create(
        kind, "牛肉面 <大&辣>", 1000, notify.url(number), out_trade_no=number, attach="table 7", **HERE, **more,
    )
    report.check(f"{kind}: the answer's signature", pay.check_signature(answer), answer)
    return answer


with report.section("life of an order"):
    number = fresh("v2-")
    placed = place(number)
    payer.pay(placed["code_url"])
    paid = pay.order.query(out_trade_no=number)
    report.check("the query's signature", pay.check_signature(paid), paid)
    report.equal("paid", paid["trade_state"], "SUCCESS")
    report.equal("by transaction", pay.order.query(transaction_id=paid["transaction_id"])["out_trade_no"], number)
    told = notify.wait(number)[0].body
    report.equal("the payment's notice", pay.parse_payment_result(told)["total_fee"], 1000)
    try:
        pay.parse_payment_result(told.replace(b"1000", b"1001"))
        report.check("an altered notice is noticed", False)
    except InvalidSignatureException:
        report.check("an altered notice is noticed", True)
    refused("closing it", "ORDERPAID", lambda: pay.order.close(number))

    refund = {"out_trade_no": number, "out_refund_no": f"{number}-r", "notify_url": notify.url(f"{number}-r")}
    done = pay.refund.apply(1000, 300, **refund)
    report.check("the refund's signature", pay.check_signature(done), done)
    report.equal("again", pay.refund.apply(1000, 300, **refund)["refund_id"], done["refund_id"])
    refused("another amount", "REFUND_FEE_MISMATCH", lambda: pay.refund.apply(1000, 301, **refund))
    found = pay.refund.query(out_refund_no=f"{number}-r")
    report.equal("the refund's query", found["refund_fee_0"], "300")
    told = notify.wait(f"{number}-r")[0].body.decode()
    report.equal("the refund's notice", pay.parse_refund_notify_result(told)["refund_fee"], 300)

with report.section("pay codes"):
    number, code = fresh("v2-"), payer.auth_code()
    till = {"out_trade_no": number, "auth_code": code, **HERE}
    report.equal("micropay", pay.micropay.create("茶", 150, **till)["total_fee"], "150")
    refused("the code again", "AUTH_CODE_INVALID", lambda: pay.micropay.create("茶", 150, **till | {"out_trade_no": fresh("v2-")}))
    report.equal("reverse", pay.order.reverse(out_trade_no=number)["recall"], "N")

with report.section("other products"):
    report.check("JSAPI", place(fresh("v2-"), "JSAPI", user_id=shop["openid"])["prepay_id"])
    report.check("MWEB", place(fresh("v2-"), "MWEB", scene_info={"h5_info": {"type": "Wap"}})["mweb_url"])
    number = fresh("v2-")
    placed = place(number, "APP")
    report.equal("close", pay.order.close(number)["result_code"], "SUCCESS")
    refused("close again", "ORDERCLOSED", lambda: pay.order.close(number))
    link = place(fresh("v2-"))["code_url"]
    report.equal("short_url", pay.tools.short_url(link)["short_url"], link)
    bill = pay.tools.download_bill(today().replace("-", ""))
    report.check("download_bill", isinstance(bill, str) and bill.count("\n") > 3, bill)
    refused("a wrong key", "签名错误", lambda: client("0" * 32).order.query(out_trade_no=number))
    refused("an unknown order", "ORDERNOTEXIST", lambda: pay.order.query(out_trade_no=fresh("v2-")))

report.finish()
