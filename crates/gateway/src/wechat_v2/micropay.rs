//! Pay codes: `POST /pay/micropay`. Above what the shopper lets pass unasked the answer is `USERPAYING`: the till asks
//! `/pay/orderquery` until the order is paid or failed, or reverses it.

use std::sync::Arc;

use feiqian_core::order::create::Channel;

use super::edge::{Content, Signed};
use super::error::Refusal;
use super::order_map;
use super::place::{read, refused};
use crate::platform::Platform;
use crate::wechat::codepay::{self, AUTH_CODE_MAX};

pub(super) async fn micropay(platform: Arc<Platform>, signed: Signed) -> Result<Content, Refusal> {
    let auth_code = signed.text("auth_code", AUTH_CODE_MAX)?;
    let (number, terms) = read(&signed, Channel::PayCode)?;
    let merchant = signed.merchant.merchant;
    let paid = codepay::pay(&platform, merchant, number, terms, auth_code)
        .await
        .map_err(refused)?;
    Ok(order_map::paid(&platform, &signed.merchant, &paid.view()).await?)
}
