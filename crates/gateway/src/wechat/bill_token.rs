//! The token in a bill's `download_url`: which bill of whom, up to which event, until when. Nothing
//! is stored: the token says it all, under a MAC, and the same token gives the same bytes even if
//! more is paid in between.
//!
//! `version (1) ‖ merchant (4) ‖ what (5) ‖ end (8) ‖ expires (8) ‖ HMAC-SHA256 (16)`, base64url. Integers
//! are big endian. What is, in version 1, `day (4) ‖ kind (1)` of a trade bill; in version 2
//! `campaign (4) ‖ kind (1)` of a stock's flow.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feiqian_core::{CampaignId, EventNumber, MerchantId};
use jiff::civil::Date;

use super::favor::{Flow, FlowKind};

/// How long a download address can be used, in seconds.
pub const TOKEN_SECONDS: i64 = 300;

const TRADE: u8 = 1;
const FLOW: u8 = 2;
const CONTENT_LEN: usize = 26;
const TAG_LEN: usize = 16;

/// Which rows a bill has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BillKind {
    /// `ALL`: payments, refunds and reversals.
    All,
    /// `SUCCESS`: payments.
    Success,
    /// `REFUND`: refunds and reversals.
    Refund,
}

impl BillKind {
    const fn code(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Success => 1,
            Self::Refund => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::All, Self::Success, Self::Refund]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A day of a merchant.
    Trade { day: Date, kind: BillKind },
    /// A stock's uses or refunds.
    Flow(Flow),
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BillToken {
    pub merchant: MerchantId,
    pub what: What,
    /// Events from here on are not in the bill.
    pub end: EventNumber,
    /// Unix seconds.
    pub expires: i64,
}

impl BillToken {
    /// As text, under a key that is used for nothing else.
    pub fn write(&self, key: &[u8; 32]) -> String {
        let mut bytes = Vec::with_capacity(CONTENT_LEN + TAG_LEN);
        let (version, what) = self.what.write();
        bytes.push(version);
        bytes.extend(self.merchant.0.to_be_bytes());
        bytes.extend(what);
        bytes.extend(self.end.0.to_be_bytes());
        bytes.extend(self.expires.to_be_bytes());
        let tag = tag(key, &bytes);
        bytes.extend(tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a text that was written here.
    pub fn read(text: &str, key: &[u8; 32]) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, found) = bytes.split_at_checked(CONTENT_LEN)?;
        verify_slices_are_equal(found, &tag(key, content)).ok()?;
        let (version, rest) = content.split_first()?;
        let (merchant, rest) = rest.split_first_chunk()?;
        let (what, rest) = rest.split_first_chunk()?;
        let (end, expires) = rest.split_first_chunk()?;
        Some(Self {
            merchant: MerchantId(u32::from_be_bytes(*merchant)),
            what: What::read(*version, *what)?,
            end: EventNumber(u64::from_be_bytes(*end)),
            expires: i64::from_be_bytes(expires.try_into().ok()?),
        })
    }
}

impl What {
    /// With its version.
    fn write(self) -> (u8, [u8; 5]) {
        match self {
            Self::Trade { day, kind } => {
                let [first, second] = day.year().to_be_bytes();
                let [month] = day.month().to_be_bytes();
                let [day] = day.day().to_be_bytes();
                (TRADE, [first, second, month, day, kind.code()])
            }
            Self::Flow(flow) => {
                let [a, b, c, d] = flow.campaign.0.to_be_bytes();
                (FLOW, [a, b, c, d, flow.kind.code()])
            }
        }
    }

    fn read(version: u8, [a, b, c, d, kind]: [u8; 5]) -> Option<Self> {
        match version {
            TRADE => {
                let (month, day) = (i8::from_be_bytes([c]), i8::from_be_bytes([d]));
                let day = Date::new(i16::from_be_bytes([a, b]), month, day).ok()?;
                let kind = BillKind::from_code(kind)?;
                Some(Self::Trade { day, kind })
            }
            FLOW => Some(Self::Flow(Flow {
                campaign: CampaignId(u32::from_be_bytes([a, b, c, d])),
                kind: FlowKind::from_code(kind)?,
            })),
            _ => None,
        }
    }
}

fn tag(key: &[u8; 32], content: &[u8]) -> [u8; TAG_LEN] {
    let mut tag = [0; TAG_LEN];
    let key = hmac::Key::new(HMAC_SHA256, key);
    tag.copy_from_slice(&hmac::sign(&key, content).as_ref()[..TAG_LEN]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_and_a_changed_one_does_not() {
        let trade = What::Trade {
            day: jiff::civil::date(2026, 11, 22),
            kind: BillKind::Refund,
        };
        let flow = What::Flow(Flow {
            campaign: CampaignId(99_999),
            kind: FlowKind::Refunds,
        });
        for what in [trade, flow] {
            let token = BillToken {
                merchant: MerchantId(7),
                what,
                end: EventNumber(123_456_789),
                expires: 1_795_000_000,
            };
            let text = token.write(&[1; 32]);
            assert_eq!(text.len(), 56);
            assert_eq!(BillToken::read(&text, &[1; 32]), Some(token));
            assert_eq!(BillToken::read(&text, &[2; 32]), None);
            for place in 0..text.len() {
                let mut changed = text.clone().into_bytes();
                changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(BillToken::read(&changed, &[1; 32]), None, "{place}");
                assert_eq!(BillToken::read(&text[..place], &[1; 32]), None, "{place}");
            }
        }
    }
}
