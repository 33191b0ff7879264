//! Stocks (批次): campaigns with coupons, as the two coupon APIs of WeChat Pay v3 name and show them.

use feiqian_core::campaign::step::{self, Step, StepCampaign};
use feiqian_core::campaign::terms::{Benefit, Flaw, Kind};
use feiqian_core::campaign::{Campaign, Status};
use feiqian_core::{CampaignId, Event, Fen, MerchantId, Number, UnixMillis};
use feiqian_engine::Rejected;
use feiqian_store::Store;

use super::edge::Signed;
use super::error::{Code, WechatError};
use super::fields::Fields;
use super::ids;
use super::stock_echo::{Api, StockEcho};
use super::times;
use crate::platform::Platform;

/// Most characters of a merchant's number for a stock: the merchant's own number goes before it.
const NUMBER_CHARS_MAX: usize = 53;

/// A campaign with coupons.
pub(crate) struct Stock {
    pub id: CampaignId,
    pub row: Campaign,
    pub echo: StockEcho,
}

impl Stock {
    /// By its campaign, if that has coupons.
    pub async fn of(platform: &Platform, id: CampaignId) -> Result<Option<Self>, WechatError> {
        let row = platform
            .engine
            .read(move |state| state.campaign(id).cloned())
            .await?;
        Ok(row.and_then(|row| Self::new(id, row)))
    }

    fn new(id: CampaignId, row: Campaign) -> Option<Self> {
        match row.terms.kind {
            Kind::Coupon(_) => Some(Self {
                id,
                echo: StockEcho::read(row.terms.echo.as_deref()),
                row,
            }),
            Kind::Discount | Kind::Rebate { .. } => None,
        }
    }

    /// A merchant's own stock, by its id.
    pub async fn own(
        platform: &Platform,
        signed: &Signed,
        api: Api,
        text: &str,
    ) -> Result<Self, WechatError> {
        let stock = match platform.ids.read_stock_id(text) {
            Some(id) => Self::of(platform, CampaignId(id)).await?,
            None => None,
        };
        let stock = stock.filter(|stock| stock.echo.api == api);
        let stock = stock.ok_or_else(no_stock)?;
        if stock.creator() == Some(signed.merchant.merchant) {
            return Ok(stock);
        }
        Err(WechatError::new(Code::NoAuth, "批次不属于该商户"))
    }

    /// A merchant's own stocks, newest first.
    pub async fn all_of(
        platform: &Platform,
        merchant: MerchantId,
        api: Api,
    ) -> Result<Vec<Self>, WechatError> {
        let by = by(merchant);
        let rows = platform
            .engine
            .read(move |state| {
                let own = state.campaigns().rev().filter(|(_, row)| row.by == by);
                own.map(|(id, row)| (id, row.clone())).collect::<Vec<_>>()
            })
            .await?;
        let stocks = rows.into_iter().filter_map(|(id, row)| Self::new(id, row));
        Ok(stocks.filter(|stock| stock.echo.api == api).collect())
    }

    /// The merchant that created it; none for the operator's campaigns.
    pub fn creator(&self) -> Option<MerchantId> {
        let number = ids::read_mchid(self.row.by.as_str())?;
        u32::try_from(number).ok().map(MerchantId)
    }

    /// 批次号.
    pub fn id_text(&self, platform: &Platform) -> String {
        platform.ids.stock_id(self.id.0)
    }

    /// When it was created.
    pub fn created(&self, store: &Store) -> Result<UnixMillis, WechatError> {
        let added = store.event(self.row.added)?;
        Ok(added.map_or(self.row.terms.from, |event| event.at()))
    }

    /// When it came to stand where it stands.
    pub fn changed(&self, store: &Store) -> Result<Option<UnixMillis>, WechatError> {
        if self.row.last == self.row.added {
            return Ok(None);
        }
        Ok(store.event(self.row.last)?.map(|event| event.at()))
    }

    /// What a coupon takes off the price.
    pub fn face_value(&self) -> Fen {
        match self.row.terms.benefit {
            Benefit::Fixed(fen) => fen,
            Benefit::Percent { .. } | Benefit::Random { .. } | Benefit::Tiers(_) => {
                self.row.terms.most()
            }
        }
    }

    /// WeChat Pay's word for where it stands.
    pub fn status(&self) -> &'static str {
        match self.row.status {
            Status::Draft | Status::Approved => "unactivated",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Ended => "stoped",
        }
    }
}

/// Approves and starts a stock that costs its creator nothing. Whoever asked before did it already.
pub(crate) async fn run(
    platform: &Platform,
    campaign: CampaignId,
    by: Number,
) -> Result<(), WechatError> {
    for step in [Step::Approve, Step::Start] {
        let command = StepCampaign { campaign, step, by };
        match platform.engine.submit(command).await {
            Ok(_) | Err(Rejected::Refused(step::Refusal::WrongStatus { .. })) => {}
            Err(rejected) => return Err(rejected.into()),
        }
    }
    Ok(())
}

/// How campaigns name the merchant that asks.
pub(crate) fn by(merchant: MerchantId) -> Number {
    Number::new(&ids::mchid(merchant.0.into())).expect("ten digits")
}

pub(crate) fn no_stock() -> WechatError {
    WechatError::new(Code::ResourceNotExists, "批次不存在")
}

/// A merchant's number for a new stock, unlike any other merchant's.
pub(crate) fn number(signed: &Signed, fields: &Fields<'_>) -> Result<Number, WechatError> {
    let text = fields.code("out_request_no", 1..=NUMBER_CHARS_MAX, b"_-|*")?;
    let whole = format!("{}:{text}", signed.merchant.mchid);
    Number::new(&whole).map_err(|error| fields.wrong("out_request_no", error.to_string()))
}

/// A merchant's number for anything else.
pub(crate) fn request_number(fields: &Fields<'_>, name: &str) -> Result<Number, WechatError> {
    let text = fields.code(name, 1..=feiqian_core::limits::NUMBER_CHARS_MAX, b"_-|*@.:")?;
    Number::new(text).map_err(|error| fields.wrong(name, error.to_string()))
}

/// A time of a stock.
pub(crate) fn time(fields: &Fields<'_>, name: &str) -> Result<UnixMillis, WechatError> {
    let text = fields.text(name, 1..=64)?;
    let wrong = || fields.wrong(name, "须为RFC 3339格式，如2018-06-08T10:34:56+08:00");
    times::read(text).ok_or_else(wrong)
}

/// Fields that would narrow a coupon's use in ways that the rules do not know: better refused than ignored.
pub(crate) fn refuse_all(fields: &Fields<'_>, names: &[&str]) -> Result<(), WechatError> {
    match names.iter().find(|name| fields.has(name)) {
        Some(name) => Err(fields.wrong(name, "暂不支持")),
        None => Ok(()),
    }
}

/// Merchants by their numbers, sorted.
pub(crate) fn merchants(
    fields: &Fields<'_>,
    name: &str,
    texts: &[&str],
) -> Result<Vec<MerchantId>, WechatError> {
    let merchant = |text: &&str| {
        let id = ids::read_mchid(text).and_then(|id| u32::try_from(id).ok());
        id.map(MerchantId)
            .ok_or_else(|| fields.wrong(name, "含有无效的商户号"))
    };
    let mut merchants: Vec<_> = texts.iter().map(merchant).collect::<Result<_, _>>()?;
    merchants.sort_unstable();
    merchants.dedup();
    Ok(merchants)
}

/// The campaign that an event added.
pub(crate) fn added(event: Option<Event>) -> Result<CampaignId, WechatError> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "only this event adds campaigns"
    )]
    match event {
        Some(Event::CampaignAdded(event)) => Ok(event.campaign),
        _ => Err(WechatError::unknown()),
    }
}

/// What is wrong with a new stock, by the field of its request.
pub(crate) fn flawed(flaw: Flaw) -> WechatError {
    let (field, issue) = match flaw {
        Flaw::Name => ("/stock_name", "须为1到64个字符"),
        Flaw::Benefit => ("/coupon_use_rule", "优惠金额无效"),
        Flaw::Budget => (
            "/stock_use_rule/max_amount",
            "须为1到1000000000000的整数（单位：分）",
        ),
        Flaw::Times => ("/available_end_time", "须晚于开始时间且在两年以内"),
        Flaw::Limits => ("/stock_use_rule", "有限额无效，或可用商户过多"),
        Flaw::Kind => ("/stock_use_rule", "发放个数须大于0，有效天数须为1到365"),
        Flaw::Rule => ("/coupon_use_rule", "使用规则无效"),
    };
    WechatError::parameter("body", field, None, issue)
}
