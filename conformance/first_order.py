"""Places one order with the unmodified SDK wechatpayv3 and prints its code_url.

    python3 first_order.py CREDENTIALS_JSON

Changing the base URL is the one line that a merchant's engineer adds.
"""

import json
import secrets
import sys

from wechatpayv3 import WeChatPay, WeChatPayType

credentials = json.load(open(sys.argv[1], encoding="utf-8"))
merchant = credentials["wechat"]

wechat = WeChatPay(
    wechatpay_type=WeChatPayType.NATIVE,
    mchid=merchant["mchid"],
    appid=merchant["appid"],
    private_key=merchant["merchant_private_key_pem"],
    cert_serial_no=merchant["merchant_serial_no"],
    apiv3_key=merchant["api_v3_key"],
    public_key=merchant["platform_public_key_pem"],
    public_key_id=merchant["platform_public_key_id"],
    notify_url="http://127.0.0.1:9000/notify",
)
wechat._core._gate_way = credentials["base_url"]  # the one line

status, answer = wechat.pay(
    description="一碗牛肉面 a bowl of beef noodles",
    out_trade_no=f"first-{secrets.token_hex(8)}",
    amount={"total": 1800},
)
if status != 200:
    sys.exit(f"refused with {status}: {answer}")
print(json.loads(answer)["code_url"])
