//! Places orders: `alipay.trade.precreate` and `create` (contract 5.22, 5.24), and what all products share.

use std::sync::Arc;

use feiqian_core::limits::{
    DAY_MS, DESCRIPTION_CHARS_MAX, NOTIFY_URL_CHARS_MAX, ORDER_LIFE_MAX_MS,
};
use feiqian_core::order::create::{
    self, Channel, CreateOrder, Notify, NotifyForm, OrderCreated, Terms,
};
use feiqian_core::{Number, OrderId, UnixMillis, UserId};
use feiqian_engine::{Receipt, Rejected};
use serde_json::json;

use super::biz::Biz;
use super::echo::Echo;
use super::edge::{Answer, Signed};
use super::error::AlipayError;
use super::refusals::{context_inconsistent, has_closed, has_succeeded};
use super::trade::{Status, TradeView};
use crate::notify::address;
use crate::platform::{Platform, unix_millis};
use crate::wechat::find;
use crate::wechat::times::{date, read_bill_time, start_of};

/// Longest `subject`.
const SUBJECT_MAX: usize = 256;
const MINUTE_MS: i64 = 60 * 1_000;

/// `alipay.trade.precreate`: a code for the shopper to scan.
pub(super) async fn precreate(
    platform: Arc<Platform>,
    signed: Signed,
) -> Result<Answer, AlipayError> {
    let order = Order::read(&platform, &signed, Channel::Scan, None)?;
    let receipt = place(&platform, &signed, &order).await?;
    Answer::done(&json!({
        "out_trade_no": order.number.as_str(),
        "qr_code": link(&platform, receipt),
    }))
}

/// `alipay.trade.create`: for a shopper inside the wallet.
pub(super) async fn create(platform: Arc<Platform>, signed: Signed) -> Result<Answer, AlipayError> {
    let buyer = buyer(&platform, &signed)?;
    let order = Order::read(&platform, &signed, Channel::InWallet, Some(buyer))?;
    let receipt = place(&platform, &signed, &order).await?;
    Answer::done(&json!({
        "out_trade_no": order.number.as_str(),
        "trade_no": platform.ids.trade_no(receipt.event.0, receipt.at.0),
    }))
}

/// Where an order is paid.
pub(super) fn link(platform: &Platform, receipt: Receipt) -> String {
    let token = platform.ids.code_token(receipt.event.0);
    format!("{}/q/{token}", platform.base_url)
}

fn buyer(platform: &Platform, signed: &Signed) -> Result<UserId, AlipayError> {
    let biz = &signed.biz;
    let of_open_id = |text: &str| {
        let user = platform.ids.read_openid(text, &signed.app.app_id)?;
        u32::try_from(user).ok()
    };
    let user = if let Some(text) = biz.text_if("buyer_id", 28)? {
        platform
            .ids
            .read_buyer_id(&text)
            .or_else(|| of_open_id(&text))
    } else if let Some(text) = biz.text_if("buyer_open_id", 128)? {
        of_open_id(&text)
    } else {
        let text = biz.text("op_buyer_open_id", 128);
        of_open_id(
            &text.map_err(|_| AlipayError::field("buyer_id", "与buyer_open_id不能同时为空"))?,
        )
    };
    let unknown = || AlipayError::business("ACQ.BUYER_NOT_EXIST", "买家不存在");
    user.map(UserId).ok_or_else(unknown)
}

/// An order to be placed.
pub(super) struct Order {
    pub number: Number,
    terms: Terms,
    life: Option<Life>,
}

/// An end that depends on the beginning.
#[derive(Clone, Copy)]
enum Life {
    Millis(i64),
    /// `1c`: until the end of China's day.
    Day,
}

impl Order {
    pub fn read(
        platform: &Platform,
        signed: &Signed,
        channel: Channel,
        only_payer: Option<UserId>,
    ) -> Result<Self, AlipayError> {
        Self::with(platform, signed, channel, only_payer, |_| Ok(()))
    }

    /// With what else the order keeps.
    pub fn with(
        platform: &Platform,
        signed: &Signed,
        channel: Channel,
        only_payer: Option<UserId>,
        keep: impl FnOnce(&mut Echo) -> Result<(), AlipayError>,
    ) -> Result<Self, AlipayError> {
        let biz = &signed.biz;
        let number = order_number(biz)?;
        let amount = biz.amount("total_amount")?;
        let subject = biz.text("subject", SUBJECT_MAX)?;
        let description: String = subject.chars().take(DESCRIPTION_CHARS_MAX).collect();
        let mut echo = Echo::of(biz)?;
        echo.subject = Some(subject).filter(|subject| *subject != description);
        keep(&mut echo)?;
        let (expires_at, life) = end(biz)?;
        let terms = Terms {
            amount,
            channel,
            description,
            attach: None,
            notify: notify(platform, signed)?,
            expires_at,
            only_payer,
            echo: echo.write()?,
        };
        Ok(Self {
            number,
            terms,
            life,
        })
    }

    /// The terms as of an order that is there already: a repeated request has the same end, whenever it comes.
    pub fn terms_again(&self, earlier: &OrderCreated) -> Terms {
        let mut terms = self.terms.clone();
        if let (Some(life), Some(end)) = (self.life, earlier.terms.expires_at) {
            let wanted = life.end(earlier.at);
            // The end was reckoned a moment before the order was placed; lives are whole minutes.
            let same = wanted.0.abs_diff(end.0) < MINUTE_MS.unsigned_abs();
            terms.expires_at = Some(if same { end } else { wanted });
        }
        terms
    }

    /// The terms, of an order that may be there already.
    pub async fn terms(&self, platform: &Platform, signed: &Signed) -> Result<Terms, AlipayError> {
        let Some(life) = self.life else {
            return Ok(self.terms.clone());
        };
        let store = platform.engine.store().await?;
        let earlier = find::by_number(&store, signed.app.merchant, self.number)?;
        Ok(match earlier {
            Some(earlier) => self.terms_again(&earlier.story.created),
            None => Terms {
                expires_at: Some(life.end(unix_millis())),
                ..self.terms.clone()
            },
        })
    }
}

impl Life {
    fn end(self, at: UnixMillis) -> UnixMillis {
        match self {
            Self::Millis(millis) => at.plus(millis),
            // The last moment of a day is China's next midnight.
            Self::Day => start_of(date(at)).unwrap_or(at).plus(DAY_MS),
        }
    }
}

/// Places an order, or finds it placed.
pub(super) async fn place(
    platform: &Platform,
    signed: &Signed,
    order: &Order,
) -> Result<Receipt, AlipayError> {
    let merchant = signed.app.merchant;
    let terms = order.terms(platform, signed).await?.into();
    let number = order.number;
    let command = CreateOrder {
        merchant,
        number,
        terms,
    };
    let placed = platform.engine.submit(command).await;
    let id = match &placed {
        Ok(receipt) if receipt.again => Some(OrderId(receipt.event)),
        Err(Rejected::Refused(create::Refusal::NumberReused)) => None,
        Ok(_)
        | Err(Rejected::Refused(_) | Rejected::Busy | Rejected::DiskFull | Rejected::Unknown) => {
            return Ok(placed?);
        }
    };
    // The number names an order already. What became of that decides, whatever was asked now.
    let store = platform.engine.store().await?;
    let found = match id {
        Some(id) => find::by_id(&store, merchant, id)?,
        None => find::by_number(&store, merchant, number)?,
    };
    match found.map(|found| TradeView::of(&found).status) {
        Some(Status::Success | Status::Finished) => Err(has_succeeded()),
        Some(Status::Closed) => Err(has_closed()),
        Some(Status::WaitBuyerPay) | None => match placed {
            Err(_) => Err(context_inconsistent()),
            Ok(receipt) => Ok(receipt),
        },
    }
}

/// `out_trade_no`.
pub(super) fn order_number(biz: &Biz) -> Result<Number, AlipayError> {
    biz.number_if("out_trade_no")?
        .ok_or_else(|| AlipayError::field("out_trade_no", "不能为空"))
}

/// Whom to tell.
pub(super) fn notify(platform: &Platform, signed: &Signed) -> Result<Option<Notify>, AlipayError> {
    let Some(url) = signed.params.text("notify_url") else {
        return Ok(None);
    };
    if url.chars().count() > NOTIFY_URL_CHARS_MAX {
        return Err(AlipayError::field("notify_url", "长度不能超过256"));
    }
    if let Err(bad) = address::check(&url, address::Reach::of(platform)) {
        return Err(AlipayError::field("notify_url", bad.issue()));
    }
    Ok(Some(Notify {
        url: url.into_owned(),
        form: NotifyForm::Alipay,
    }))
}

/// Until when it can be paid. An absolute time goes first.
fn end(biz: &Biz) -> Result<(Option<UnixMillis>, Option<Life>), AlipayError> {
    if let Some(text) = biz.text_if("time_expire", 32)? {
        let wrong =
            || AlipayError::field("time_expire", "须为yyyy-MM-dd HH:mm:ss或yyyy-MM-dd HH:mm");
        let at = read_bill_time(&text).or_else(|| read_bill_time(&format!("{text}:00")));
        return Ok((Some(at.ok_or_else(wrong)?), None));
    }
    let Some(text) = biz
        .text_if("timeout_express", 6)?
        .or(biz.text_if("qr_code_timeout_express", 6)?)
    else {
        return Ok((None, None));
    };
    let life = life(&text);
    let wrong = || AlipayError::field("timeout_express", "须为1m到15d，单位m、h、d，或1c");
    Ok((None, Some(life.ok_or_else(wrong)?)))
}

/// `90m`, `2h`, `15d`, `1c`. No order lives longer than the rules let it.
fn life(text: &str) -> Option<Life> {
    if text == "1c" {
        return Some(Life::Day);
    }
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "m" => MINUTE_MS,
        "h" => 60 * MINUTE_MS,
        "d" => DAY_MS,
        _ => return None,
    };
    let digits = number.bytes().all(|digit| digit.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| digits)?;
    let millis = number.checked_mul(unit)?;
    let fits = (1..=15 * DAY_MS).contains(&millis);
    fits.then(|| Life::Millis(millis.min(ORDER_LIFE_MAX_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_read() {
        let at = UnixMillis(1_767_225_600_000);
        let end = |text: &str| life(text).map(|life| life.end(at).0 - at.0);
        assert_eq!(end("1m"), Some(60_000));
        assert_eq!(end("2h"), Some(7_200_000));
        assert_eq!(end("15d"), Some(ORDER_LIFE_MAX_MS));
        // Eight o'clock in China: sixteen hours are left.
        assert_eq!(end("1c"), Some(16 * 60 * 60 * 1_000));
        for text in [
            "",
            "m",
            "0m",
            "16d",
            "1s",
            "-1m",
            "+1m",
            "1.5h",
            "2c",
            "99999999999999999999m",
            "1店",
        ] {
            assert!(life(text).is_none(), "{text}");
        }
    }
}
