//! Reads the fields of a request, strictly. A field that is empty is as good as left out.

use feiqian_core::limits::{AMOUNT_MAX, AMOUNT_MIN, NOTIFY_URL_CHARS_MAX};
use feiqian_core::order::create::{Notify, NotifyForm};
use feiqian_core::{Fen, Number};

use super::edge::Signed;
use super::error::Refusal;
use super::sign::SignType;
use crate::notify::address::{self, Reach};
use crate::platform::Platform;
use crate::wechat::find::{self, Found};

/// Characters of an `out_trade_no` beyond digits and letters.
const ORDER_NUMBER_OTHERS: &[u8] = b"_-|*@";

impl Signed {
    /// A text, if it is there.
    pub fn text_if(&self, name: &str, most: usize) -> Result<Option<&str>, Refusal> {
        match self.fields.get(name).map(String::as_str) {
            None | Some("") => Ok(None),
            Some(text) if text.chars().count() <= most => Ok(Some(text)),
            Some(_) => Err(Refusal::wrong(name, format!("长度不能超过{most}个字符"))),
        }
    }

    /// A text.
    pub fn text(&self, name: &str, most: usize) -> Result<&str, Refusal> {
        let text = self.text_if(name, most)?;
        text.ok_or_else(|| Refusal::lacks(name))
    }

    /// An amount in fen.
    pub fn amount(&self, name: &str) -> Result<Fen, Refusal> {
        let text = self.text(name, 16)?;
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let amount = text.parse().ok().filter(|_| digits).map(Fen);
        let amount = amount.filter(|amount| (AMOUNT_MIN..=AMOUNT_MAX).contains(amount));
        amount.ok_or_else(|| {
            let issue = format!("须为{}到{}的整数（单位：分）", AMOUNT_MIN.0, AMOUNT_MAX.0);
            Refusal::wrong(name, issue)
        })
    }

    /// There is one currency.
    pub fn currency(&self, name: &str) -> Result<(), Refusal> {
        match self.text_if(name, 16)? {
            None | Some("CNY") => Ok(()),
            Some(_) => Err(Refusal::wrong(name, "须为CNY")),
        }
    }

    /// A number of the merchant's, if it is there.
    pub fn number_if(
        &self,
        name: &str,
        most: usize,
        others: &[u8],
    ) -> Result<Option<Number>, Refusal> {
        let Some(text) = self.text_if(name, most)? else {
            return Ok(None);
        };
        let may = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        let number = Number::new(text).ok().filter(|_| text.bytes().all(may));
        let issue = || format!("只能包含数字、字母和{}", String::from_utf8_lossy(others));
        number
            .map(Some)
            .ok_or_else(|| Refusal::wrong(name, issue()))
    }

    /// `out_trade_no`, if it is there.
    pub fn order_number_if(&self) -> Result<Option<Number>, Refusal> {
        self.number_if("out_trade_no", 32, ORDER_NUMBER_OTHERS)
    }

    /// `out_trade_no`.
    pub fn order_number(&self) -> Result<Number, Refusal> {
        let number = self.order_number_if()?;
        number.ok_or_else(|| Refusal::lacks("out_trade_no"))
    }

    /// Whom to tell, in the form in which this request was signed.
    pub fn notify_if(&self, platform: &Platform) -> Result<Option<Notify>, Refusal> {
        let Some(url) = self.text_if("notify_url", NOTIFY_URL_CHARS_MAX)? else {
            return Ok(None);
        };
        if let Err(bad) = address::check(url, Reach::of(platform)) {
            return Err(Refusal::wrong("notify_url", bad.issue()));
        }
        Ok(Some(Notify {
            url: url.to_owned(),
            form: match self.kind {
                SignType::Md5 => NotifyForm::WechatXmlMd5,
                SignType::HmacSha256 => NotifyForm::WechatXmlHmac,
            },
        }))
    }

    /// The order that the request names: by our number first, if it names both.
    pub async fn order(&self, platform: &Platform) -> Result<Found, Refusal> {
        let merchant = self.merchant.merchant;
        let store = platform.engine.store().await?;
        let found = match self.text_if("transaction_id", 32)? {
            Some(id) => find::by_transaction(&store, platform, merchant, id)?,
            None => find::by_number(&store, merchant, self.order_number()?)?,
        };
        found.ok_or_else(Refusal::no_order)
    }
}
