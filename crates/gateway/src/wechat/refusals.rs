//! The rules' refusals in WeChat Pay's codes: one table a command, each line a case, none left out.

use feiqian_core::campaign::{
    add, coupons, give, return_coupon, return_subsidy, step, subsidise, use_coupon, void_coupon,
};
use feiqian_core::order::{close, create, pay, refund, reverse, spend_code};

use super::error::{Code, WechatError};
use super::stocks::{flawed, no_stock};
use crate::paycode::BadCode;

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
    spend_code::Refusal => code_spent,
    close::Refusal => closed,
    reverse::Refusal => reversed,
    refund::Refusal => refunded,
    add::Refusal => stock_added,
    step::Refusal => stock_stepped,
    give::Refusal => coupon_given,
    coupons::Refusal => coupons_changed,
    use_coupon::Refusal => coupon_used,
    return_coupon::Refusal => coupon_returned,
    void_coupon::Refusal => coupon_voided,
    subsidise::Refusal => subsidy_paid,
    return_subsidy::Refusal => subsidy_returned,
    BadCode => code_refused,
}

fn because(code: Code, message: &'static str) -> WechatError {
    WechatError::new(code, message)
}

fn because_of(code: Code, message: String) -> WechatError {
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
        Refusal::AboveLimit { .. } => because(Code::NotEnough, "用户账户支付超限"),
        // A till's request agrees to whatever is to pay.
        Refusal::PriceChanged { .. } | Refusal::CampaignSpent { .. } => {
            because(Code::InvalidRequest, "优惠已变化，请重新下单")
        }
    }
}

fn code_spent(refusal: &spend_code::Refusal) -> WechatError {
    use spend_code::Refusal;
    match refusal {
        Refusal::CodeSpent | Refusal::PayerNotFound | Refusal::OtherPayer => {
            code_refused(&BadCode::Invalid)
        }
        Refusal::OrderNotFound => order_not_exist(),
        Refusal::AlreadyPaid => out_trade_no_used(),
        Refusal::OrderClosed | Refusal::OrderExpired => order_closed(),
        Refusal::AnotherIsAsked => user_paying(),
        Refusal::PayerNotActive => because(Code::AccountError, "用户账户异常，请更换支付方式"),
        Refusal::NotNow => code_refused(&BadCode::Expired),
    }
}

/// The shopper is asked: the till asks again what became of the order.
pub(crate) fn user_paying() -> WechatError {
    because(Code::UserPaying, "用户支付中，请查询订单状态")
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

fn stock_added(refusal: &add::Refusal) -> WechatError {
    use add::Refusal;
    match refusal {
        Refusal::NumberReused => because(
            Code::InvalidRequest,
            "商户请求单号已使用，且参数与首次请求时不一致",
        ),
        Refusal::Flawed { flaw } => flawed(*flaw),
        Refusal::BrandNotFound => because(Code::InvalidRequest, "品牌不存在"),
        Refusal::MerchantNotFound => {
            body("/coupon_use_rule/available_merchants", "含有不存在的商户号")
        }
        Refusal::TooMany => because(Code::RuleLimit, "批次数量已达上限"),
    }
}

fn stock_stepped(refusal: &step::Refusal) -> WechatError {
    use step::Refusal;
    match refusal {
        Refusal::CampaignNotFound => no_stock(),
        Refusal::WrongStatus { .. } => because(Code::InvalidRequest, "批次当前状态不支持该操作"),
        Refusal::TimeOver => because(Code::InvalidRequest, "批次已过期"),
        Refusal::SameOperator => because(Code::NoAuth, "批次须由平台审核"),
        Refusal::BalanceShort { .. } => because(
            Code::NotEnough,
            "商户账户余额不足，无法支付批次预算，请充值后重试",
        ),
        Refusal::TooManyRunning => because(Code::RuleLimit, "进行中的批次已达上限，请稍后重试"),
    }
}

fn coupon_given(refusal: &give::Refusal) -> WechatError {
    use give::Refusal;
    match refusal {
        Refusal::NumberReused => because(
            Code::InvalidRequest,
            "商户单据号已使用，且参数与首次请求时不一致",
        ),
        Refusal::CampaignNotFound => no_stock(),
        Refusal::UserNotFound => WechatError::parameter("path", "openid", None, "无效的openid"),
        Refusal::UserNotActive | Refusal::OtherBrand => {
            because(Code::UserAccountAbnormal, "用户账户异常，不能领券")
        }
        Refusal::NotClaimed | Refusal::NotRunning => because(
            Code::InvalidRequest,
            "批次未激活、已暂停或不在有效期内，不能发券",
        ),
        Refusal::Spent => because(Code::NotEnough, "批次预算不足或已发完"),
        Refusal::UserLimit => because(Code::RuleLimit, "用户领券数量已达上限"),
    }
}

fn reused() -> WechatError {
    because(
        Code::InvalidRequest,
        "请求单据号已使用，且参数与首次请求时不一致",
    )
}

pub(crate) fn no_coupon() -> WechatError {
    because(Code::ResourceNotExists, "券不存在或不属于该商户")
}

fn coupons_changed(refusal: &coupons::Refusal) -> WechatError {
    use coupons::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::CampaignNotFound => no_stock(),
        Refusal::Ended => because(Code::InvalidRequest, "批次已终止，不能修改预算"),
        Refusal::OtherCount { most } => because_of(
            Code::InvalidRequest,
            format!("当前批次最大发放个数为{most}，与请求不一致"),
        ),
        Refusal::BelowGiven { given } => because_of(
            Code::InvalidRequest,
            format!("已发放{given}张，目标个数不能小于已发放个数"),
        ),
    }
}

fn coupon_used(refusal: &use_coupon::Refusal) -> WechatError {
    use use_coupon::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::CouponNotFound => no_coupon(),
        Refusal::OtherUser => because(Code::InvalidRequest, "券不属于该用户"),
        Refusal::AlreadyUsed => because(Code::InvalidRequest, "券已核销"),
        Refusal::Void => because(Code::InvalidRequest, "券已失效"),
        Refusal::NotNow => because(Code::InvalidRequest, "券未到可用时间或已过期"),
    }
}

fn coupon_returned(refusal: &return_coupon::Refusal) -> WechatError {
    use return_coupon::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::CouponNotFound => no_coupon(),
        Refusal::NotUsed => because(Code::InvalidRequest, "券未核销，不能退券"),
        Refusal::Subsidised { .. } => {
            because(Code::InvalidRequest, "券有未回退的营销补差，请先回退补差")
        }
        Refusal::Over => because(Code::InvalidRequest, "券已过期，不能退券"),
    }
}

fn coupon_voided(refusal: &void_coupon::Refusal) -> WechatError {
    use void_coupon::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::CouponNotFound => no_coupon(),
        Refusal::TextTooLong => body("/deactivate_reason", "长度超过限制"),
        Refusal::AlreadyUsed => because(Code::InvalidRequest, "券已核销，不能失效"),
        Refusal::AlreadyVoid => because(Code::InvalidRequest, "券已失效"),
    }
}

fn subsidy_paid(refusal: &subsidise::Refusal) -> WechatError {
    use subsidise::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::CouponNotFound => no_coupon(),
        Refusal::NotUsed => because(Code::InvalidRequest, "券未核销，不能补差"),
        Refusal::SameMerchant => body("/payee_merchant", "不能与扣款商户相同"),
        Refusal::OrderNotFound => {
            because(Code::ResourceNotExists, "入账商户没有该用户已支付的订单")
        }
        Refusal::TextTooLong => body("/description", "长度超过限制"),
        Refusal::AboveWorth { .. } => because(Code::InvalidRequest, "补差金额大于券的优惠金额"),
        Refusal::AlreadySubsidised => because(Code::InvalidRequest, "该券已补差"),
        Refusal::BalanceShort { .. } => because(Code::NotEnough, "扣款商户账户余额不足"),
    }
}

fn subsidy_returned(refusal: &return_subsidy::Refusal) -> WechatError {
    use return_subsidy::Refusal;
    match refusal {
        Refusal::NumberReused => reused(),
        Refusal::SubsidyNotFound => because(Code::ResourceNotExists, "该商户没有该券的补差入账"),
        Refusal::TextTooLong => body("/description", "长度超过限制"),
        Refusal::AboveLeft { .. } => because(Code::InvalidRequest, "回退金额大于可回退金额"),
        Refusal::BalanceShort { .. } => because(Code::NotEnough, "扣款商户账户余额不足"),
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
        BadCode::TooMany => because(Code::FrequencyLimited, "错误的付款码过多，请稍后重试"),
    }
}

#[cfg(test)]
mod tests {
    use feiqian_core::Fen;
    use feiqian_core::campaign::Status;
    use feiqian_core::campaign::terms::Flaw;
    use feiqian_core::user::limits::{Above, Bound};
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
        let (bound, left) = (Bound::Daily, FEN);
        check(
            Pay::AboveLimit {
                above: Above { bound, left },
            },
            403,
            "NOT_ENOUGH",
        );
        check(BadCode::Invalid, 400, "AUTH_CODE_INVALID");
        check(BadCode::Expired, 400, "AUTH_CODE_EXPIRED");
        check(BadCode::TooMany, 429, "FREQUENCY_LIMITED");
        use spend_code::Refusal as Spend;
        check(Spend::CodeSpent, 400, "AUTH_CODE_INVALID");
        check(Spend::OrderNotFound, 404, "ORDER_NOT_EXIST");
        check(Spend::AlreadyPaid, 403, "OUT_TRADE_NO_USED");
        check(Spend::OrderExpired, 400, "ORDER_CLOSED");
        check(Spend::AnotherIsAsked, 202, "USERPAYING");
        check(Spend::PayerNotActive, 403, "ACCOUNT_ERROR");
        check(Spend::NotNow, 400, "AUTH_CODE_EXPIRED");
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
    fn of_stocks_and_coupons() {
        use add::Refusal as Add;
        check(Add::NumberReused, 400, "INVALID_REQUEST");
        for flaw in [
            Flaw::Name,
            Flaw::Benefit,
            Flaw::Budget,
            Flaw::Times,
            Flaw::Limits,
            Flaw::Kind,
            Flaw::Rule,
        ] {
            check(Add::Flawed { flaw }, 400, "PARAM_ERROR");
        }
        check(Add::MerchantNotFound, 400, "PARAM_ERROR");
        check(Add::TooMany, 403, "RULE_LIMIT");
        use step::Refusal as Step;
        let status = Status::Ended;
        check(Step::CampaignNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Step::WrongStatus { status }, 400, "INVALID_REQUEST");
        check(Step::TimeOver, 400, "INVALID_REQUEST");
        check(Step::SameOperator, 403, "NO_AUTH");
        check(Step::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
        check(Step::TooManyRunning, 403, "RULE_LIMIT");
        use give::Refusal as Give;
        check(Give::NumberReused, 400, "INVALID_REQUEST");
        check(Give::CampaignNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Give::UserNotFound, 400, "PARAM_ERROR");
        check(Give::UserNotActive, 403, "USER_ACCOUNT_ABNORMAL");
        check(Give::OtherBrand, 403, "USER_ACCOUNT_ABNORMAL");
        check(Give::NotRunning, 400, "INVALID_REQUEST");
        check(Give::Spent, 403, "NOT_ENOUGH");
        check(Give::UserLimit, 403, "RULE_LIMIT");
    }

    #[test]
    fn of_tills_and_subsidies() {
        use coupons::Refusal as Change;
        check(Change::NumberReused, 400, "INVALID_REQUEST");
        check(Change::CampaignNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Change::OtherCount { most: 1 }, 400, "INVALID_REQUEST");
        check(Change::BelowGiven { given: 1 }, 400, "INVALID_REQUEST");
        use use_coupon::Refusal as Use;
        check(Use::CouponNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Use::AlreadyUsed, 400, "INVALID_REQUEST");
        check(Use::NotNow, 400, "INVALID_REQUEST");
        use return_coupon::Refusal as Return;
        check(Return::CouponNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Return::Subsidised { left: FEN }, 400, "INVALID_REQUEST");
        use void_coupon::Refusal as Void;
        check(Void::TextTooLong, 400, "PARAM_ERROR");
        check(Void::AlreadyVoid, 400, "INVALID_REQUEST");
        use subsidise::Refusal as Pay;
        check(Pay::SameMerchant, 400, "PARAM_ERROR");
        check(Pay::OrderNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Pay::AboveWorth { worth: FEN }, 400, "INVALID_REQUEST");
        check(Pay::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
        use return_subsidy::Refusal as Back;
        check(Back::SubsidyNotFound, 404, "RESOURCE_NOT_EXISTS");
        check(Back::AboveLeft { left: FEN }, 400, "INVALID_REQUEST");
        check(Back::BalanceShort { available: FEN }, 403, "NOT_ENOUGH");
    }

    #[test]
    fn of_an_engine_that_has_no_room_or_stopped() {
        check(Rejected::<close::Refusal>::Busy, 429, "FREQUENCY_LIMITED");
        check(Rejected::<close::Refusal>::Unknown, 500, "SYSTEM_ERROR");
    }
}
