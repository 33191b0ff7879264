//! The rules' refusals in Alipay's codes: one table a command, each line a case, none left out.

use feiqian_core::order::{close, create, pay, refund, reverse, spend_code};

use super::error::AlipayError;
use crate::paycode::BadCode;

/// Says which table each refusal comes from, so that `?` finds it.
macro_rules! table {
    ($($refusal:ty => $name:ident,)*) => {$(
        impl From<$refusal> for AlipayError {
            fn from(refusal: $refusal) -> Self {
                $name(&refusal)
            }
        }
    )*};
}

table! {
    create::Refusal => created,
    pay::Refusal => paid,
    spend_code::Refusal => code_spent,
    close::Refusal => closed,
    reverse::Refusal => cancelled,
    refund::Refusal => refunded,
    BadCode => code_refused,
}

fn because(sub_code: &'static str, sub_msg: &'static str) -> AlipayError {
    AlipayError::business(sub_code, sub_msg)
}

pub(super) fn trade_not_exist() -> AlipayError {
    because("ACQ.TRADE_NOT_EXIST", "交易不存在")
}

pub(super) fn has_succeeded() -> AlipayError {
    because("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
}

pub(super) fn has_closed() -> AlipayError {
    because(
        "ACQ.TRADE_HAS_CLOSE",
        "交易已经关闭，请更换商户订单号重新下单",
    )
}

pub(super) fn context_inconsistent() -> AlipayError {
    because(
        "ACQ.CONTEXT_INCONSISTENT",
        "交易信息被篡改：同一商户订单号的请求参数与首次不一致",
    )
}

fn merchant_not_active() -> AlipayError {
    because("ACQ.MERCHANT_STATUS_NOT_NORMAL", "商户当前不能收款")
}

fn created(refusal: &create::Refusal) -> AlipayError {
    use create::Refusal;
    match refusal {
        Refusal::NumberReused => context_inconsistent(),
        Refusal::MerchantNotFound => because("ACQ.SELLER_NOT_EXIST", "卖家不存在"),
        Refusal::MerchantNotActive => merchant_not_active(),
        Refusal::AmountOutOfRange => because("ACQ.TOTAL_FEE_EXCEED", "订单总金额超过限额"),
        Refusal::TextTooLong => AlipayError::field("biz_content", "有文本为空或超过长度限制"),
        Refusal::ExpiryOutOfRange => because(
            "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR",
            "交易截止时间须晚于当前时间且在7天以内",
        ),
        Refusal::PayerNotFound => because("ACQ.BUYER_NOT_EXIST", "买家不存在"),
    }
}

fn paid(refusal: &pay::Refusal) -> AlipayError {
    use pay::Refusal;
    match refusal {
        Refusal::OrderNotFound => trade_not_exist(),
        Refusal::AlreadyPaid => has_succeeded(),
        Refusal::OrderClosed | Refusal::OrderExpired => has_closed(),
        Refusal::PayerNotFound => because("ACQ.BUYER_NOT_EXIST", "买家不存在"),
        Refusal::OtherPayer => because("ACQ.TRADE_BUYER_NOT_MATCH", "交易买家不匹配"),
        Refusal::PayerNotActive => because("ACQ.BUYER_ENABLE_STATUS_FORBID", "买家状态异常"),
        Refusal::MerchantNotActive => merchant_not_active(),
        Refusal::BalanceShort { .. } => because("ACQ.BUYER_BALANCE_NOT_ENOUGH", "买家余额不足"),
        Refusal::AboveLimit { .. } => because(
            "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
            "买家付款额度超限",
        ),
        // A till's request agrees to whatever is to pay.
        Refusal::PriceChanged { .. } | Refusal::CampaignSpent { .. } => {
            because("ACQ.PAYMENT_FAIL", "优惠已变化，请重新下单")
        }
    }
}

fn code_spent(refusal: &spend_code::Refusal) -> AlipayError {
    use spend_code::Refusal;
    match refusal {
        Refusal::CodeSpent | Refusal::NotNow => code_refused(&BadCode::Invalid),
        Refusal::PayerNotFound => because("ACQ.BUYER_NOT_EXIST", "买家不存在"),
        Refusal::OtherPayer => because("ACQ.TRADE_BUYER_NOT_MATCH", "交易买家不匹配"),
        Refusal::OrderNotFound => trade_not_exist(),
        Refusal::AlreadyPaid => has_succeeded(),
        Refusal::OrderClosed | Refusal::OrderExpired => has_closed(),
        Refusal::AnotherIsAsked => because("ACQ.TRADE_STATUS_ERROR", "交易等待另一买家确认"),
        Refusal::PayerNotActive => because("ACQ.BUYER_ENABLE_STATUS_FORBID", "买家状态异常"),
    }
}

fn closed(refusal: &close::Refusal) -> AlipayError {
    use close::Refusal;
    match refusal {
        Refusal::OrderNotFound => trade_not_exist(),
        Refusal::AlreadyPaid => because(
            "ACQ.TRADE_STATUS_ERROR",
            "交易已支付，不能关闭；如需退回请申请退款",
        ),
    }
}

fn cancelled(refusal: &reverse::Refusal) -> AlipayError {
    use reverse::Refusal;
    match refusal {
        Refusal::OrderNotFound => trade_not_exist(),
        Refusal::AlreadyRefunded => because(
            "ACQ.CANCEL_NOT_ALLOWED",
            "交易已有退款，不能撤销；请对剩余金额申请退款",
        ),
        Refusal::TooLate => because(
            "ACQ.TRADE_CANCEL_TIME_OUT",
            "交易支付已超过7天，不能撤销；请申请退款",
        ),
        Refusal::BalanceShort { .. } => seller_balance_not_enough(),
    }
}

fn seller_balance_not_enough() -> AlipayError {
    because(
        "ACQ.SELLER_BALANCE_NOT_ENOUGH",
        "卖家余额不足，请充值后用相同参数重试",
    )
}

fn refunded(refusal: &refund::Refusal) -> AlipayError {
    use refund::Refusal;
    match refusal {
        Refusal::NumberReused => because(
            "ACQ.DISCORDANT_REPEAT_REQUEST",
            "同一退款请求号的金额与首次请求不一致",
        ),
        Refusal::OrderNotFound => trade_not_exist(),
        Refusal::NotPaid => because("ACQ.TRADE_STATUS_ERROR", "交易未支付，不能退款"),
        Refusal::Reversed => because("ACQ.TRADE_HAS_CLOSE", "交易已撤销，款项已全部退回"),
        Refusal::OtherOrderAmount { .. } => context_inconsistent(),
        Refusal::TextTooLong => AlipayError::field("refund_reason", "超过长度限制"),
        Refusal::TooLate => because("ACQ.TRADE_HAS_FINISHED", "交易支付已超过一年，不能退款"),
        Refusal::TooMany => because("ACQ.TRADE_NOT_ALLOW_REFUND", "部分退款次数已达50次上限"),
        Refusal::AboveRefundable { .. } => {
            because("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额大于可退金额")
        }
        Refusal::BalanceShort { .. } => seller_balance_not_enough(),
    }
}

fn code_refused(refusal: &BadCode) -> AlipayError {
    match refusal {
        BadCode::Invalid | BadCode::Expired => because(
            "ACQ.PAYMENT_AUTH_CODE_INVALID",
            "付款码无效、已使用或已过期，请让用户刷新付款码后重试",
        ),
        BadCode::TooMany => AlipayError::too_often(),
    }
}
