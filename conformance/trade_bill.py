"""Reads WeChat's trade bill (bill_type ALL): UTF-8 with BOM, CRLF, every value after a backtick."""

from __future__ import annotations

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
# Summary column: the column of the rows that it adds up.
SUMS = {
    "应结订单总金额": "应结订单金额", "退款总金额": "退款金额", "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费", "订单总金额": "订单金额", "申请退款总金额": "申请退款金额",
}


def parse(csv: bytes) -> tuple[list[dict[str, str]], dict[str, str]]:
    """(rows, summary). Raises ValueError where the form differs from what SDKs read."""
    text = csv.decode("utf-8")
    if not text.startswith("\ufeff") or not text.endswith("\r\n"):
        raise ValueError(f"no byte order mark or no line end at the end: {text[:20]!r} … {text[-20:]!r}")
    header, *rows, summary_header, summary = text.removeprefix("\ufeff").removesuffix("\r\n").split("\r\n")
    for found, expected in ((header, HEADER), (summary_header, SUMMARY)):
        if found != expected:
            raise ValueError(f"header {found!r}")
    return [_values(row, HEADER) for row in rows], _values(summary, SUMMARY)


def _values(line: str, header: str) -> dict[str, str]:
    names = header.split(",")
    # A value may hold a comma, never a backtick.
    values = line.removeprefix("`").split(",`")
    if not line.startswith("`") or len(values) != len(names):
        raise ValueError(f"{len(values)} values instead of {len(names)}: {line!r}")
    return dict(zip(names, values, strict=True))
