//! The flow file of a campaign and day: a line for each grant and each return, in the order of the log.
//!
//! It is put together from the accounts' history when it is asked for, and nothing is kept. What is written of an
//! event never changes later, so of a day that is over it is the same bytes each time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use feiqian_core::campaign::grant::{Granted, Returned};
use feiqian_core::time::Day;
use feiqian_core::{Account, CampaignId, Event, EventNumber, Fen, MerchantId, UserId};
use feiqian_reports::campaigns::Kind;
use feiqian_store::Store;
use serde::Serialize;

use crate::platform::{Platform, PlatformError};
use crate::v1::fields::{MerchantRef, OrderIdRef};
use crate::wechat::{csv::sha1_hex, times};

/// Most lines of one file.
pub const FLOW_ROWS_MAX: usize = 500_000;

/// Whose file.
#[derive(Clone, Copy, Debug)]
pub struct Of {
    /// The campaign.
    pub campaign: CampaignId,
    /// How it reaches the payer.
    pub kind: Kind,
    /// The merchant that pays for it, or for a part.
    pub funder: Option<MerchantId>,
}

/// A file.
pub struct Flow {
    /// How many lines, the names of columns aside.
    pub rows: usize,
    /// CSV (RFC 4180).
    pub bytes: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// More than [`FLOW_ROWS_MAX`] lines.
    #[error("this day has more than {FLOW_ROWS_MAX} lines")]
    TooLong,
    /// Something here failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

#[derive(Serialize)]
struct Line {
    event: u64,
    time: String,
    /// `use` or `return`.
    flow: &'static str,
    /// `discount`, `coupon` or `rebate`.
    kind: &'static str,
    order_id: OrderIdRef,
    merchant_id: MerchantRef,
    payer: String,
    coupon_id: Option<String>,
    amount: i64,
    platform: i64,
    funder: i64,
}

/// What one event did with the campaign's money.
struct Move {
    coupon: Option<u64>,
    amount: Fen,
    platform: Fen,
}

impl Flow {
    /// SHA-256, in hexadecimal digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        let hash = digest(&SHA256, &self.bytes);
        hash.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// SHA-1, as WeChat Pay's bills have it: against damage, not forgery.
    #[must_use]
    pub fn sha1(&self) -> String {
        sha1_hex(&self.bytes)
    }
}

/// Puts a file together, of one day. Reads the disk.
///
/// # Errors
/// [`FlowError`].
pub fn write(platform: &Platform, store: &Store, of: Of, day: Day) -> Result<Flow, FlowError> {
    let campaign = of.campaign;
    let key = platform
        .vault
        .derive("report-payer")
        .map_err(PlatformError::from)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
    let mut lines = BTreeMap::new();
    let mut each = |number: EventNumber, event: Event| {
        lines.insert(number, lines_of(&key, of, number, &event));
        if lines.len() > FLOW_ROWS_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let first = store
        .first_event_at(day.start())
        .map_err(PlatformError::from)?;
    let end = store
        .first_event_at(day.plus(1).start())
        .map_err(PlatformError::from)?;
    // Once the fund is closed, returns go to the funder, or stay with it.
    let accounts = [Account::Subsidy(campaign), Account::CampaignFund(campaign)];
    for account in accounts.into_iter().chain(of.funder.map(Account::Merchant)) {
        if first < end {
            let read = store.entries_between(account, first, end, &mut each);
            read.map_err(PlatformError::from)?;
        }
    }
    let rows: usize = lines.values().map(Vec::len).sum();
    if lines.len() > FLOW_ROWS_MAX || rows > FLOW_ROWS_MAX {
        return Err(FlowError::TooLong);
    }
    let mut bytes = csv::WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    let failed = |_| FlowError::Platform(PlatformError::Record("flow".into()));
    bytes.write_record(COLUMNS).map_err(failed)?;
    for line in lines.values().flatten() {
        bytes.serialize(line).map_err(failed)?;
    }
    let bytes = bytes.into_inner();
    let bytes = bytes.map_err(|_| PlatformError::Record("flow".into()))?;
    Ok(Flow { rows, bytes })
}

const COLUMNS: [&str; 11] = [
    "event",
    "time",
    "flow",
    "kind",
    "order_id",
    "merchant_id",
    "payer",
    "coupon_id",
    "amount",
    "platform",
    "funder",
];

fn lines_of(key: &hmac::Key, of: Of, number: EventNumber, event: &Event) -> Vec<Line> {
    let campaign = of.campaign;
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "other events grant and return nothing"
    )]
    let (flow, order, merchant, payer, moves) = match event {
        Event::OrderPaid(event) => {
            let moves = event
                .granted
                .as_ref()
                .map(|granted| uses(campaign, granted));
            ("use", event.order, event.merchant, Some(event.payer), moves)
        }
        Event::OrderRefunded(event) => {
            let moves = event
                .returned
                .as_ref()
                .map(|returned| returns(campaign, returned));
            (
                "return",
                event.order,
                event.merchant,
                Some(event.payer),
                moves,
            )
        }
        Event::OrderReversed(event) => {
            let moves = event
                .returned
                .as_ref()
                .map(|returned| returns(campaign, returned));
            let wallet = event
                .postings
                .iter()
                .find_map(|posting| match posting.credit {
                    Account::Wallet(user) => Some(user),
                    _ => None,
                });
            ("return", event.order, event.merchant, wallet, moves)
        }
        _ => return Vec::new(),
    };
    let line = |moved: Move| Line {
        event: number.0,
        time: times::rfc3339(event.at()),
        flow,
        kind: of.kind.name(),
        order_id: OrderIdRef(order),
        merchant_id: MerchantRef(merchant),
        payer: payer
            .map(|payer| pseudonym(key, campaign, payer))
            .unwrap_or_default(),
        coupon_id: moved.coupon.map(|coupon| format!("cpn_{coupon}")),
        amount: moved.amount.0,
        platform: moved.platform.0,
        funder: moved.amount.0.saturating_sub(moved.platform.0),
    };
    let moves = moves.unwrap_or_default().into_iter();
    moves
        .filter(|moved| moved.amount > Fen::ZERO)
        .map(line)
        .collect()
}

fn uses(campaign: CampaignId, granted: &Granted) -> Vec<Move> {
    let grants = granted
        .grants
        .iter()
        .filter(|grant| grant.campaign == campaign);
    let grants = grants.map(|grant| Move {
        coupon: grant.coupon.map(|coupon| coupon.0.0),
        amount: grant.amount,
        platform: grant.platform,
    });
    let rebate = granted
        .rebate
        .iter()
        .filter(|rebate| rebate.campaign == campaign);
    let rebate = rebate.map(|rebate| Move {
        coupon: None,
        amount: rebate.amount,
        platform: rebate.platform,
    });
    grants.chain(rebate).collect()
}

fn returns(campaign: CampaignId, returned: &Returned) -> Vec<Move> {
    let rebate = returned.rebate.iter().map(|back| &back.part);
    let parts = returned.grants.iter().chain(rebate);
    let parts = parts.filter(|part| part.campaign == campaign);
    let moves = parts.map(|part| Move {
        coupon: None,
        amount: part.amount(),
        platform: part.platform,
    });
    moves.collect()
}

/// The same payer of the same campaign, whom nobody can name without the platform's key.
fn pseudonym(key: &hmac::Key, campaign: CampaignId, payer: UserId) -> String {
    let mut text = campaign.0.to_le_bytes().to_vec();
    text.extend_from_slice(&payer.0.to_le_bytes());
    let tag = hmac::sign(key, &text);
    tag.as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
