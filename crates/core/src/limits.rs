//! Every limit of the rules, by name. The gateways may be narrower, never wider.

use crate::money::{BasisPoints, Fen};
use crate::user::limits::Limits;

/// Smallest amount of an order, refund, top-up, withdrawal or remittance.
pub const AMOUNT_MIN: Fen = Fen(1);
/// Largest amount of an order, refund, top-up, withdrawal or remittance: ten thousand million yuan.
pub const AMOUNT_MAX: Fen = Fen(1_000_000_000_000);
/// No account may hold more, so that no sum overflows.
pub const BALANCE_MAX: Fen = Fen(9_000_000_000_000_000_000);
/// Highest merchant fee: 10 %.
pub const FEE_MAX: BasisPoints = BasisPoints(1_000);
/// Highest least fee of a withdrawal: 100 yuan.
pub const WITHDRAWAL_FEE_LEAST_MAX: Fen = Fen(10_000);

/// An order that names no end lives 7 days.
pub const ORDER_LIFE_DEFAULT_MS: i64 = 7 * DAY_MS;
/// No order lives longer than 7 days.
pub const ORDER_LIFE_MAX_MS: i64 = 7 * DAY_MS;
/// Refunds of one order.
pub const REFUNDS_PER_ORDER_MAX: u8 = 50;
/// An order can be refunded for a year after it was paid.
pub const REFUND_WITHIN_MS: i64 = 365 * DAY_MS;
/// An order can be reversed for 7 days after it was paid.
pub const REVERSE_WITHIN_MS: i64 = 7 * DAY_MS;

/// A pay code is new every 30 seconds.
pub const PAY_CODE_STEP_MS: i64 = 30 * 1_000;
/// A pay code is good in its step, the one before and the one after: phones' clocks differ.
pub const PAY_CODE_STEPS_AROUND: u64 = 1;
/// Above this a pay code pays only with the shopper's consent: 1,000 yuan, as with WeChat Pay.
pub const PAY_CODE_UNASKED_MAX: Fen = Fen(100_000);
/// So long an order waits for the shopper's consent.
pub const PAY_CODE_CONSENT_MS: i64 = 5 * 60 * 1_000;

/// Characters of a caller's number.
pub const NUMBER_CHARS_MAX: usize = 64;
/// Brands of one installation.
pub const BRANDS_MAX: u16 = 100;
/// Characters of a brand's or merchant's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters of an order's description (WeChat Pay v3 `description`).
pub const DESCRIPTION_CHARS_MAX: usize = 127;
/// Characters of what a merchant attaches to an order (WeChat Pay v3 `attach`).
pub const ATTACH_CHARS_MAX: usize = 128;
/// Characters of a notification address (WeChat Pay v3 `notify_url`).
pub const NOTIFY_URL_CHARS_MAX: usize = 256;
/// Characters of a refund's reason (WeChat Pay v3 `reason`).
pub const REASON_CHARS_MAX: usize = 80;
/// Bytes of what an API wants echoed with an order.
pub const ECHO_BYTES_MAX: usize = 8_192;

/// Characters of what a person writes to another, with money or asking for it.
pub const MESSAGE_CHARS_MAX: usize = 60;
/// Money for somebody who has no wallet yet waits a day.
pub const HELD_MS: i64 = DAY_MS;
/// Shares of one request for money.
pub const SHARES_PER_REQUEST_MAX: usize = 50;
/// A request for money is open for 7 days.
pub const REQUEST_LIFE_MS: i64 = 7 * DAY_MS;
/// Open requests of one asker.
pub const REQUESTS_PER_USER_MAX: usize = 100;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Campaigns of one installation, ended ones among them.
pub const CAMPAIGNS_MAX: u32 = 100_000;
/// Campaigns that run at once: every payment looks at them.
pub const RUNNING_MAX: usize = 500;
/// A campaign lasts at most two years.
pub const CAMPAIGN_LIFE_MAX_MS: i64 = 2 * 366 * DAY_MS;
/// Merchants that a campaign names.
pub const CAMPAIGN_MERCHANTS_MAX: usize = 1_000;
/// Steps of a spend-X-get-Y benefit.
pub const TIERS_MAX: usize = 10;
/// Days that a coupon is good for.
pub const COUPON_DAYS_MAX: u16 = 365;
/// Days that a rebate waits.
pub const REBATE_WAIT_DAYS_MAX: u16 = 180;
/// Discounts and coupons of one payment.
pub const GRANTS_MAX: usize = 4;
/// Open coupons of one user.
pub const COUPONS_PER_USER_MAX: usize = 100;
/// Days whose payments count as the last 30 days, today among them.
pub const ACTIVITY_DAYS: i32 = 30;
/// Shares of one red packet.
pub const PACKET_SHARES_MAX: u16 = 500;
/// What nobody took of a red packet goes back after a day.
pub const PACKET_LIFE_MS: i64 = DAY_MS;
/// Rows that one sweep lets go of.
pub const SWEEP_MAX: usize = 8_192;

/// What a user known by phone number only may pay. A year: 1,000 yuan of balance for an account of class I
/// (PBOC, Measures for online payment by non-bank institutions, 2015 no. 43, art. 11; there since it was opened,
/// here a year). A day: 1,000 yuan with fewer than two factors (art. 24). At once: 500 yuan, which PBOC 2017
/// no. 296 gives a day of payments by static code.
pub const BASIC_LIMITS: Limits = Limits {
    single: Fen(50_000),
    daily: Fen(100_000),
    yearly: Fen(100_000),
};
/// What a user known by name and one proof may pay. A year: 100,000 yuan for an account of class II (art. 11). A
/// day, and so at once: 5,000 yuan with two factors that are no certificate (art. 24).
pub const VERIFIED_LIMITS: Limits = Limits {
    single: Fen(500_000),
    daily: Fen(500_000),
    yearly: Fen(10_000_000),
};
