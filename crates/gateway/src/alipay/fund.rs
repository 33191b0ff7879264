//! What a merchant's account holds (`alipay.fund.account.query`).
//!
//! Deliberately absent: transfers from a merchant to a person; the rules know none.

use std::sync::Arc;

use feiqian_core::{Fen, State};
use serde_json::json;

use super::app::seller_id;
use super::edge::{Answer, Signed};
use super::error::AlipayError;
use crate::platform::Platform;

/// The only kind of account.
const BALANCE: &str = "ACCTRANS_ACCOUNT";

/// `alipay.fund.account.query`. A merchant asks for its own account only, and need not name it.
pub(super) async fn account(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, AlipayError> {
    let biz = &signed.biz;
    let merchant = signed.app.merchant;
    let kind = biz.text_if("account_type", 32)?;
    if kind.is_some_and(|kind| kind != BALANCE) {
        return Err(AlipayError::business(
            "INVALID_PARAMETER",
            "account_type须为ACCTRANS_ACCOUNT",
        ));
    }
    let owner = biz.text_if("alipay_user_id", 32)?;
    if owner.is_some_and(|owner| owner != seller_id(merchant)) {
        return Err(AlipayError::business(
            "NO_PERMISSION_ACCOUNT",
            "只能查询商户自己的账户",
        ));
    }
    let read = move |state: &State| state.merchant(merchant).map(|merchant| merchant.balance);
    let balance = platform.engine.read(read).await?;
    let balance = balance.ok_or_else(AlipayError::unknown)?;
    Answer::done(&json!({
        "available_amount": balance.to_string(),
        "freeze_amount": Fen::ZERO.to_string(),
        "total_amount": balance.to_string(),
    }))
}
