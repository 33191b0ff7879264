//! The rules' refusals in WeChat Pay's codes: one table a command, each line a case, none left out.

use feiqian_core::order::{close, create, pay, refund, reverse};

use super::error::{Code, WechatError};
use crate::pay_codes::BadCode;

/// Says which table each refusal comes from, so that `?` finds it.
macro_rules! table {
    ($($refusal:ty => $name:ident,)*) => {$(
        impl From<$refusal> for WechatError {
            fn from(refusal: $refusal) -> Self {
                $name(&refusal)
            }
        }
    )*};
}

table! {
    create::Refusal => created,
    pay::Refusal => paid,
    close::Refusal => closed,
    reverse::Refusal => reversed,
    refund::Refusal => refunded,
    BadCode => code_refused,
}

fn because(code: Code, message: &'static str) -> WechatError {
    WechatError::new(code, message)
}

fn body(field: &'static str, issue: &'static str) -> WechatError {
    WechatError::parameter("body", field, None, issue)
}

pub(crate) fn out_trade_no_used() -> WechatError {
    because(
        Code::OutTradeNoUsed,
        "商户订单号已支付，请核实订单状态或更换订单号",
    )
}

pub(crate) fn order_closed() -> WechatError {
    because(Code::OrderClosed, "订单已关闭，请更换商户订单号重新下单")
}

pub(crate) fn order_not_exist() -> WechatError {
    because(Code::OrderNotExist, "订单不存在")
}

pub(crate) fn other_terms() -> WechatError {
    because(Code::InvalidRequest, "请求重入时，参数与首次请求时不一致")
}

fn merchant_not_active() -> WechatError {
    because(Code::NoAuth, "商户当前无权限收款")
}

fn created(refusal: &create::Refusal) -> WechatError {
    use create::Refusal;
    match refusal {
        Refusal::NumberReused => other_terms(),
        Refusal::MerchantNotFound => because(Code::MchNotExists, "商户号不存在"),
        Refusal::MerchantNotActive => merchant_not_active(),
        Refusal::AmountOutOfRange => {
            body("/amount/total", "须为1到1000000000000的整数（单位：分）")
        }
        Refusal::TextTooLong => body("", "有文本为空或超过长度限制"),
        Refusal::ExpiryOutOfRange => body("/time_expire", "须晚于当前时间且在7天以内"),
        Refusal::PayerNotFound => body("/payer/openid", "无效的openid"),
    }
}

fn paid(refusal: &pay::Refusal) -> WechatError {
    use pay::Refusal;
    match refusal {
        Refusal::OrderNotFound => order_not_exist(),
        Refusal::AlreadyPaid => out_trade_no_used(),
        Refusal::OrderClosed | Refusal::OrderExpired => order_closed(),
        Refusal::PayerNotFound | Refusal::OtherPayer => code_refused(&BadCode::Invalid),
        Refusal::PayerNotActive => because(Code::AccountError, "用户账户异常，请更换支付方式"),
        Refusal::MerchantNotActive => merchant_not_active(),
        Refusal::BalanceShort { .. } => because(Code::NotEnough, "用户账户余额不足"),
        // A till's request agrees to whatever is to pay.
        Refusal::PriceChanged { .. } | Refusal::CampaignSpent { .. } => {
            because(Code::InvalidRequest, "优惠已变化，请重新下单")
        }
    }
}

fn closed(refusal: &close::Refusal) -> WechatError {
    use close::Refusal;
    match refusal {
        Refusal::OrderNotFound => order_not_exist(),
        Refusal::AlreadyPaid => {
            because(Code::OrderPaid, "订单已支付，不能关闭；如需退回请申请退款")
        }
    }
}

fn reversed(refusal: &reverse::Refusal) -> WechatError {
    use reverse::Refusal;
    match refusal {
        Refusal::OrderNotFound => order_not_exist(),
        Refusal::AlreadyRefunded => because(
            Code::InvalidRequest,
            "订单已有退款，不能撤销；请对剩余金额申请退款",
        ),
        Refusal::TooLate => because(
            Code::InvalidRequest,
            "订单支付已超过7天，不能撤销；请申请退款",
        ),
        Refusal::BalanceShort { .. } => because(Code::NotEnough, "商户账户余额不足"),
    }
}

fn refunded(refusal: &refund::Refusal) -> WechatError {
    use refund::Refusal;
    match refusal {
        Refusal::NumberReused => because(
            Code::InvalidRequest,
            "商户退款单号已使用，且参数与首次请求时不一致",
        ),
        Refusal::OrderNotFound => because(Code::ResourceNotExists, "订单不存在"),
        Refusal::NotPaid => because(Code::ResourceNotExists, "订单未支付"),
        Refusal::Reversed => because(Code::InvalidRequest, "订单已撤销，款项已全部退回"),
        Refusal::OtherOrderAmount { .. } => because(Code::InvalidRequest, "订单金额与原订单不一致"),
        Refusal::TextTooLong => body("", "有文本超过长度限制"),
        Refusal::TooLate => because(Code::InvalidRequest, "订单支付已超过一年，不能退款"),
        Refusal::TooMany => because(Code::InvalidRequest, "部分退款次数已达50次上限"),
        Refusal::AboveRefundable { .. } => {
            because(Code::InvalidRequest, "退款金额大于订单可退金额")
        }
        Refusal::BalanceShort { .. } => because(
            Code::NotEnough,
            "商户账户余额不足，请充值后用原退款单号重试",
        ),
    }
}

fn code_refused(refusal: &BadCode) -> WechatError {
    match refusal {
        BadCode::Invalid => because(
            Code::AuthCodeInvalid,
            "付款码无效或已使用，请让用户刷新付款码后重试",
        ),
        BadCode::Expired => because(
            Code::AuthCodeExpired,
            "付款码已过期，请让用户刷新付款码后重试",
        ),
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::Fen;
    use feiqian_engine::Rejected;

    use super::*;

    const FEN: Fen = Fen(1);

    fn check(refusal: impl Into<WechatError>, status: u16, code: &str) {
        let error = refusal.into();
        assert_eq!(
            (error.code.status().as_u16(), error.code.text()),
            (status, code)
        );
        assert!(!error.message.is_empty());
    }

    #[test]
    fn of_placing_and_paying() {
        use create::Refusal as Create;
        check(Create::NumberReused, 400, "INVALID_REQUEST");
        check(Create::MerchantNotFound, 400, "MCH_NOT_EXISTS");
        check(Create::MerchantNotActive, 403, "NO_AUTH");
        check(Create::AmountOutOfRange, 400, "PARAM_ERROR");
        check(Create::TextTooLong, 400, "PARAM_ERROR");
        check(Create::ExpiryOutOfRange, 400, "PARAM_ERROR");
        check(Create::PayerNotFound, 400, "PARAM_ERROR");
        use pay::Refusal as Pay;
        check(Pay::OrderNotFound, 404, "ORDER_NOT_EXIST");
        check(Pay::AlreadyPaid, 403, "OUT_TRADE_NO_USED");
        check(Pay::OrderClosed, 400, "ORDER_CLOSED");
        check(Pay::OrderExpired, 400, "ORDER_CLOSED");
        check(Pay::PayerNotFound, 400, "AUTH_CODE_INVALID");
        check(Pay::OtherPayer, 400, "AUTH_CODE_INVALID");
        check(Pay::PayerNotActive, 403, "ACCOUNT_ERROR");
        check(Pay::MerchantNotActive, 403, "NO_AUTH");
        check(Pay::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
        check(BadCode::Invalid, 400, "AUTH_CODE_INVALID");
        check(BadCode::Expired, 400, "AUTH_CODE_EXPIRED");
    }

    #[test]
    fn of_ending_and_refunding() {
        check(close::Refusal::OrderNotFound, 404, "ORDER_NOT_EXIST");
        check(close::Refusal::AlreadyPaid, 400, "ORDER_PAID");
        use reverse::Refusal as Reverse;
        check(Reverse::OrderNotFound, 404, "ORDER_NOT_EXIST");
        check(Reverse::AlreadyRefunded, 400, "INVALID_REQUEST");
        check(Reverse::TooLate, 400, "INVALID_REQUEST");
        check(Reverse::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
        use refund::Refusal as Refund;
        check(Refund::NumberReused, 400, "INVALID_REQUEST");
        check(Refund::OrderNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Refund::NotPaid, 404, "RESOURCE_NOT_EXISTS");
        check(Refund::Reversed, 400, "INVALID_REQUEST");
        check(
            Refund::OtherOrderAmount { amount: FEN },
            400,
            "INVALID_REQUEST",
        );
        check(Refund::TextTooLong, 400, "PARAM_ERROR");
        check(Refund::TooLate, 400, "INVALID_REQUEST");
        check(Refund::TooMany, 400, "INVALID_REQUEST");
        check(
            Refund::AboveRefundable { refundable: FEN },
            400,
            "INVALID_REQUEST",
        );
        check(Refund::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
    }

    #[test]
    fn of_an_engine_that_has_no_room_or_stopped() {
        check(Rejected::<close::Refusal>::Busy, 429, "FREQUENCY_LIMITED");
        check(Rejected::<close::Refusal>::Unknown, 500, "SYSTEM_ERROR");
    }
}
