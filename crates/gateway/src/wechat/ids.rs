//! The numbers and texts that WeChat Pay gives to things, made from our own numbers and back.
//!
//! Nothing is stored: a code is our number, sealed. Two forms:
//!
//! - **texts** (openid, appid, prepay id, code token): `tag ‖ number XOR mask`, where the tag is an
//!   HMAC-SHA256 (RFC 2104) of kind, context and number, and the mask an HMAC of kind, context and tag
//!   (the synthetic-IV construction, RFC 5297, with HMAC for both parts). Without the key nobody can
//!   make one, learn the number, or see that two openids of different appids are one person.
//! - **decimals** (transaction and refund ids, which are 28 digits by contract 2.5): `prefix ‖ 2 check
//!   digits ‖ yyyyMMdd ‖ 14 digits`. The last are our number after a keyed permutation, so that a
//!   merchant cannot count the platform's orders. The check digits (modulo 97, shifted by a keyed
//!   amount) find every single wrong digit but only 96 % of forgeries: **compare with the id made
//!   anew from the stored thing** before relying on it. Coupons and their stocks have no date in their
//!   decimals: whoever reads one looks whether the thing exists, and whose it is.
//!
//! Reading is strict: only the exact text that would be made is accepted.

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Largest order or refund number: fourteen digits. At 256,000 a second it lasts twelve years.
pub const NUMBER_MAX: u64 = 99_999_999_999_999;
/// Largest merchant number: eight digits.
pub const MERCHANT_MAX: u64 = 99_999_999;
/// Number of characters of every openid, transaction id and refund id.
pub const ID_LEN: usize = 28;
/// Number of characters of a prepay id.
pub const PREPAY_ID_LEN: usize = 36;
/// Number of characters of a code token.
pub const CODE_TOKEN_LEN: usize = 20;
/// Number of characters of a red packet's token.
pub const PACKET_TOKEN_LEN: usize = 27;

const ROUNDS: u8 = 8;
/// Digits of a date in a decimal.
const DATE_LEN: usize = 8;
/// Behind the date of every trade number of Alipay.
const TRADE: &str = "2200";
const CHINA: Offset = Offset::constant(8);

/// What each code is for, so that none can pass for another.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Openid = 1,
    Appid = 2,
    PrepayId = 3,
    CodeToken = 4,
    Transaction = 5,
    Refund = 6,
    Notice = 7,
    Stock = 8,
    Coupon = 9,
    CouponCode = 10,
    Subsidy = 11,
    SubsidyReturn = 12,
    PacketToken = 13,
    Trade = 14,
    Buyer = 15,
}

/// A prepay id, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepay {
    /// The order's number.
    pub order: u64,
    /// When it was issued, Unix milliseconds, cut to the second; valid for 2 hours (contract 2.5).
    pub issued: i64,
}

/// Makes and reads the codes, under one key from the vault. The same key for ever: another key makes
/// every code that is out unreadable.
pub struct Ids {
    tag: Key,
    mask: Key,
    digits: Key,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Ids(..)")
    }
}

impl Ids {
    /// From a key that is used for nothing else (`Vault::derive("ids")`).
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let root = Key::new(HMAC_SHA256, key);
        let part =
            |label: &[u8]| Key::new(HMAC_SHA256, aws_lc_rs::hmac::sign(&root, label).as_ref());
        Self {
            tag: part(b"ids/tag"),
            mask: part(b"ids/mask"),
            digits: part(b"ids/digits"),
        }
    }

    /// Who `user` is for the app `appid`: 28 characters, `o` first. Another appid, another openid.
    #[must_use]
    pub fn openid(&self, user: u64, appid: &str) -> String {
        let sealed = self.seal::<12, 8>(Kind::Openid, appid.as_bytes(), user);
        format!("o{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The user whose openid this is for `appid`.
    #[must_use]
    pub fn read_openid(&self, text: &str, appid: &str) -> Option<u64> {
        let sealed = decode_text(text.strip_prefix('o')?, ID_LEN - 1)?;
        self.open::<12, 8>(Kind::Openid, appid.as_bytes(), &sealed)
    }

    /// 微信订单号: 28 digits, `4200` first. `created` in Unix milliseconds gives the date, +08:00.
    ///
    /// # Panics
    /// If `order` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn transaction_id(&self, order: u64, created: i64) -> String {
        self.decimal(Kind::Transaction, "4200", &date_text(china(created)), order)
    }

    /// The order whose transaction id this may be; make it anew and compare before relying on it.
    #[must_use]
    pub fn read_transaction_id(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::Transaction, "4200", DATE_LEN, text)
    }

    /// 微信退款单号: 28 digits, `5000` first. `created` in Unix milliseconds gives the date, +08:00.
    ///
    /// # Panics
    /// If `refund` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn refund_id(&self, refund: u64, created: i64) -> String {
        self.decimal(Kind::Refund, "5000", &date_text(china(created)), refund)
    }

    /// The refund whose id this may be; make it anew and compare before relying on it.
    #[must_use]
    pub fn read_refund_id(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::Refund, "5000", DATE_LEN, text)
    }

    /// 支付宝交易号: 28 digits, the date (+08:00) of `created` (Unix milliseconds) first.
    ///
    /// # Panics
    /// If `order` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn trade_no(&self, order: u64, created: i64) -> String {
        self.decimal(Kind::Trade, &date_text(china(created)), TRADE, order)
    }

    /// The order whose trade number this may be; make it anew and compare before relying on it.
    #[must_use]
    pub fn read_trade_no(&self, text: &str) -> Option<u64> {
        let date = text.get(..DATE_LEN)?;
        let order = self.read_decimal(Kind::Trade, date, TRADE.len(), text)?;
        text.get(DATE_LEN + 2..)?
            .starts_with(TRADE)
            .then_some(order)
    }

    /// 买家支付宝用户号: 16 digits, `2088` first; one for each user, whoever asks.
    #[must_use]
    pub fn buyer_id(&self, user: u32) -> String {
        self.digits::<5>(Kind::Buyer, "2088", "", user.into())
    }

    /// The user whose Alipay number this may be.
    #[must_use]
    pub fn read_buyer_id(&self, text: &str) -> Option<u32> {
        let user = self.read_digits::<5>(Kind::Buyer, "2088", 0, text)?;
        u32::try_from(user).ok()
    }

    /// 批次号 of a campaign with coupons: 18 digits.
    #[must_use]
    pub fn stock_id(&self, campaign: u32) -> String {
        self.decimal(Kind::Stock, "12", "", campaign.into())
    }

    /// The campaign whose stock id this is.
    #[must_use]
    pub fn read_stock_id(&self, text: &str) -> Option<u32> {
        let campaign = self.read_decimal(Kind::Stock, "12", 0, text)?;
        u32::try_from(campaign).ok()
    }

    /// 代金券id: 18 digits.
    ///
    /// # Panics
    /// If `coupon` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn coupon_id(&self, coupon: u64) -> String {
        self.decimal(Kind::Coupon, "98", "", coupon)
    }

    /// The coupon whose id this may be.
    #[must_use]
    pub fn read_coupon_id(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::Coupon, "98", 0, text)
    }

    /// 券code of a merchant's own coupon: 22 digits.
    ///
    /// # Panics
    /// If `coupon` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn coupon_code(&self, coupon: u64) -> String {
        self.decimal(Kind::CouponCode, "100000", "", coupon)
    }

    /// The coupon whose code this may be.
    #[must_use]
    pub fn read_coupon_code(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::CouponCode, "100000", 0, text)
    }

    /// 补差付款单号: 28 digits, `1120` first. `created` in Unix milliseconds gives the date, +08:00.
    ///
    /// # Panics
    /// If `subsidy` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn subsidy_id(&self, subsidy: u64, created: i64) -> String {
        self.decimal(Kind::Subsidy, "1120", &date_text(china(created)), subsidy)
    }

    /// The subsidy whose receipt this may be; make it anew and compare before relying on it.
    #[must_use]
    pub fn read_subsidy_id(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::Subsidy, "1120", DATE_LEN, text)
    }

    /// 补差回退单号: 28 digits, `2120` first. `created` in Unix milliseconds gives the date, +08:00.
    ///
    /// # Panics
    /// If `returned` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn subsidy_return_id(&self, returned: u64, created: i64) -> String {
        let date = date_text(china(created));
        self.decimal(Kind::SubsidyReturn, "2120", &date, returned)
    }

    /// The subsidy's return whose receipt this may be; make it anew and compare before relying on it.
    #[must_use]
    pub fn read_subsidy_return_id(&self, text: &str) -> Option<u64> {
        self.read_decimal(Kind::SubsidyReturn, "2120", DATE_LEN, text)
    }

    /// A prepay id: `wx`, `yyyyMMddHHmmss` (+08:00) of `issued` (Unix milliseconds), 20 hexadecimal
    /// digits. The time is sealed with it (32-bit tag): it needs no further check.
    ///
    /// # Panics
    /// If `order` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn prepay_id(&self, order: u64, issued: i64) -> String {
        assert!(
            order <= NUMBER_MAX,
            "order numbers have at most fourteen digits"
        );
        let at = china(issued);
        let date = format!(
            "{}{:02}{:02}{:02}",
            date_text(at),
            at.hour(),
            at.minute(),
            at.second()
        );
        let sealed = self.seal::<4, 6>(Kind::PrepayId, date.as_bytes(), order);
        format!("wx{date}{}", hex(&sealed))
    }

    /// Reads a prepay id.
    #[must_use]
    pub fn read_prepay_id(&self, text: &str) -> Option<Prepay> {
        let rest = text
            .strip_prefix("wx")
            .filter(|_| text.len() == PREPAY_ID_LEN)?;
        let (date, sealed) = rest.split_at_checked(14)?;
        let order = self.open::<4, 6>(Kind::PrepayId, date.as_bytes(), &unhex(sealed)?)?;
        let part = |from: usize, to: usize| date.get(from..to)?.parse::<i8>().ok();
        let at = DateTime::new(
            date.get(..4)?.parse().ok()?,
            part(4, 6)?,
            part(6, 8)?,
            part(8, 10)?,
            part(10, 12)?,
            part(12, 14)?,
            0,
        );
        let issued = CHINA.to_timestamp(at.ok()?).ok()?.as_millisecond();
        (order <= NUMBER_MAX).then_some(Prepay { order, issued })
    }

    /// A token for links (`/q/{token}`): 20 URL-safe characters with a 72-bit tag, always the same
    /// for one order.
    ///
    /// # Panics
    /// If `order` is above [`NUMBER_MAX`].
    #[must_use]
    pub fn code_token(&self, order: u64) -> String {
        assert!(
            order <= NUMBER_MAX,
            "order numbers have at most fourteen digits"
        );
        URL_SAFE_NO_PAD.encode(self.seal::<9, 6>(Kind::CodeToken, b"", order))
    }

    /// The order that a link's token is for.
    #[must_use]
    pub fn read_code_token(&self, text: &str) -> Option<u64> {
        let order = self.open::<9, 6>(Kind::CodeToken, b"", &decode_text(text, CODE_TOKEN_LEN)?)?;
        (order <= NUMBER_MAX).then_some(order)
    }

    /// A token for a red packet's link (`/q/p/{token}`): 27 URL-safe characters with a 96-bit tag. Who has
    /// it may open the packet.
    #[must_use]
    pub fn packet_token(&self, packet: u64) -> String {
        URL_SAFE_NO_PAD.encode(self.seal::<12, 8>(Kind::PacketToken, b"", packet))
    }

    /// The red packet that a link's token is for.
    #[must_use]
    pub fn read_packet_token(&self, text: &str) -> Option<u64> {
        self.open::<12, 8>(
            Kind::PacketToken,
            b"",
            &decode_text(text, PACKET_TOKEN_LEN)?,
        )
    }

    /// The id of the notice of an event, in a UUID's form: 32 hexadecimal digits in groups of 8, 4, 4,
    /// 4 and 12, always the same for one event.
    #[must_use]
    pub fn notice_id(&self, event: u64) -> String {
        let digits = hex(&self.seal::<8, 8>(Kind::Notice, b"", event));
        let groups = [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ];
        groups.join("-")
    }

    /// The event whose notice has this id.
    #[must_use]
    pub fn read_notice_id(&self, text: &str) -> Option<u64> {
        let event = self.open::<8, 8>(Kind::Notice, b"", &unhex(&text.replace('-', ""))?)?;
        (self.notice_id(event) == text).then_some(event)
    }

    /// A merchant's own appid: `wx` and 16 hexadecimal digits.
    ///
    /// # Panics
    /// If `merchant` is above [`MERCHANT_MAX`].
    #[must_use]
    pub fn appid(&self, merchant: u64) -> String {
        assert!(
            merchant <= MERCHANT_MAX,
            "merchant numbers have at most eight digits"
        );
        format!("wx{}", hex(&self.seal::<4, 4>(Kind::Appid, b"", merchant)))
    }

    /// The merchant whose own appid this is.
    #[must_use]
    pub fn read_appid(&self, text: &str) -> Option<u64> {
        let sealed = unhex(text.strip_prefix("wx").filter(|rest| rest.len() == 16)?)?;
        self.open::<4, 4>(Kind::Appid, b"", &sealed)
            .filter(|merchant| *merchant <= MERCHANT_MAX)
    }

    /// `number`, which must fit in `NUMBER` bytes, as `tag ‖ masked number`.
    fn seal<const TAG: usize, const NUMBER: usize>(
        &self,
        kind: Kind,
        context: &[u8],
        number: u64,
    ) -> Vec<u8> {
        let mut sealed = mac(&self.tag, kind, context, &number.to_be_bytes())[..TAG].to_vec();
        let mask = mac(&self.mask, kind, context, &sealed);
        let bytes = number.to_be_bytes();
        sealed.extend(
            bytes[8 - NUMBER..]
                .iter()
                .zip(mask)
                .map(|(byte, mask)| byte ^ mask),
        );
        sealed
    }

    fn open<const TAG: usize, const NUMBER: usize>(
        &self,
        kind: Kind,
        context: &[u8],
        sealed: &[u8],
    ) -> Option<u64> {
        let (tag, masked) = sealed.split_at_checked(TAG)?;
        if masked.len() != NUMBER {
            return None;
        }
        let mut bytes = [0; 8];
        let mask = mac(&self.mask, kind, context, tag);
        for ((byte, masked), mask) in bytes[8 - NUMBER..].iter_mut().zip(masked).zip(mask) {
            *byte = masked ^ mask;
        }
        let expected = mac(&self.tag, kind, context, &bytes);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(tag, &expected[..TAG]);
        same.ok().map(|()| u64::from_be_bytes(bytes))
    }

    fn decimal(&self, kind: Kind, prefix: &str, date: &str, number: u64) -> String {
        assert!(number <= NUMBER_MAX, "numbers have at most fourteen digits");
        self.digits::<7>(kind, prefix, date, number)
    }

    fn read_decimal(&self, kind: Kind, prefix: &str, date: usize, text: &str) -> Option<u64> {
        self.read_digits::<7>(kind, prefix, date, text)
    }

    /// In twice `HALF` digits, behind the prefix, the check digits and the date.
    fn digits<const HALF: u32>(&self, kind: Kind, prefix: &str, date: &str, number: u64) -> String {
        let whole = const { 10_u64.pow(HALF) };
        let (mut left, mut right) = (number / whole, number % whole);
        for round in 0..ROUNDS {
            let other = self.round(kind, date, round, right) % whole;
            (left, right) = (right, (left + other) % whole);
        }
        let width = HALF as usize;
        let tail = format!("{date}{left:0width$}{right:0width$}");
        format!("{prefix}{:02}{tail}", self.check_digits(kind, &tail))
    }

    fn read_digits<const HALF: u32>(
        &self,
        kind: Kind,
        prefix: &str,
        date: usize,
        text: &str,
    ) -> Option<u64> {
        let whole = const { 10_u64.pow(HALF) };
        let rest = text.strip_prefix(prefix)?;
        let length = 2 + date + 2 * HALF as usize;
        if rest.len() != length || !rest.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let (check, tail) = rest.split_at(2);
        if check.parse() != Ok(self.check_digits(kind, tail)) {
            return None;
        }
        let (date, digits) = tail.split_at(date);
        let digits: u64 = digits.parse().ok()?;
        let (mut left, mut right) = (digits / whole, digits % whole);
        for round in (0..ROUNDS).rev() {
            let other = self.round(kind, date, round, left) % whole;
            (left, right) = ((right + whole - other) % whole, left);
        }
        Some(left * whole + right)
    }

    /// Round function of the Feistel network over decimal halves.
    fn round(&self, kind: Kind, date: &str, round: u8, half: u64) -> u64 {
        let mut data = half.to_be_bytes();
        data[0] = round;
        first_u64(mac(&self.digits, kind, date.as_bytes(), &data))
    }

    /// The digits as one number modulo 97 (as ISO 7064 MOD 97-10 weighs them), shifted by a keyed
    /// amount. 97 is prime to 10, so changing one digit always changes it.
    fn check_digits(&self, kind: Kind, digits: &str) -> u64 {
        let shift = first_u64(mac(&self.digits, kind, b"", b"check")) % 97;
        digits.bytes().fold(shift, |sum, digit| {
            (sum * 10 + u64::from(digit - b'0')) % 97
        })
    }
}

/// A merchant's number for merchants: `19` and eight digits. Not secret, so not sealed.
///
/// # Panics
/// If `merchant` is above [`MERCHANT_MAX`].
#[must_use]
pub fn mchid(merchant: u64) -> String {
    assert!(
        merchant <= MERCHANT_MAX,
        "merchant numbers have at most eight digits"
    );
    format!("19{merchant:08}")
}

/// The merchant whose number for merchants this is.
#[must_use]
pub fn read_mchid(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("19").filter(|digits| digits.len() == 8)?;
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

/// Kind and length of the context come first, so that no two inputs run together.
fn mac(key: &Key, kind: Kind, context: &[u8], data: &[u8]) -> [u8; 32] {
    let mut hmac = Context::with_key(key);
    hmac.update(&[kind as u8]);
    hmac.update(&(context.len() as u64).to_be_bytes());
    hmac.update(context);
    hmac.update(data);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac.sign().as_ref());
    bytes
}

fn first_u64(bytes: [u8; 32]) -> u64 {
    bytes[..8]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Unix milliseconds as a date and time in China; times that no calendar has become the nearest.
pub(super) fn china(unix_millis: i64) -> DateTime {
    // 9999-12-30, the last whole day that jiff has in every offset.
    let millis = unix_millis.clamp(0, 253_402_214_400_000 - 86_400_000);
    CHINA.to_datetime(Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH))
}

fn date_text(at: DateTime) -> String {
    format!("{:04}{:02}{:02}", at.year(), at.month(), at.day())
}

/// Hexadecimal digits, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case digits only: every text has one reading and every reading one text.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?))
        .collect()
}

/// The decoder refuses bits that would be left over, so here too one text, one reading.
fn decode_text(text: &str, length: usize) -> Option<Vec<u8>> {
    if text.len() == length {
        URL_SAFE_NO_PAD.decode(text).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Debug;

    use super::*;

    /// 2026-01-01 07:59:59.999 in China, still 2025 in London.
    const CREATED: i64 = 1_767_225_599_999;
    const APPID: &str = "wx0123456789abcdef";
    const NUMBERS: [u64; 7] = [
        0,
        1,
        9_999_999,
        10_000_000,
        12_345_678_901_234,
        NUMBER_MAX - 1,
        NUMBER_MAX,
    ];

    fn ids() -> Ids {
        Ids::new(&[7; 32])
    }

    /// Every text that differs from `text` in one character, is cut or has one character more.
    fn altered(text: &str) -> impl Iterator<Item = String> {
        let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_=+/ é";
        let places = (0..text.len()).flat_map(move |place| {
            letters
                .chars()
                .map(move |letter| format!("{}{letter}{}", &text[..place], &text[place + 1..]))
        });
        let cuts = (0..text.len()).map(|length| text[..length].to_owned());
        let longer = ["0", "A", "=", "\n", " "].map(|more| format!("{text}{more}"));
        let longer = longer
            .into_iter()
            .chain([format!(" {text}"), format!("0{text}")]);
        places
            .chain(cuts)
            .chain(longer)
            .filter(move |other| other != text)
    }

    fn check<T: PartialEq + Debug>(text: &str, expected: &T, read: impl Fn(&str) -> Option<T>) {
        assert_eq!(read(text).as_ref(), Some(expected), "{text}");
        for other in altered(text) {
            assert_eq!(read(&other), None, "{other} for {text}");
        }
    }

    #[test]
    fn codes_come_back_and_altered_ones_do_not() {
        let ids = ids();
        for user in NUMBERS.into_iter().chain([u64::MAX]) {
            check(&ids.openid(user, APPID), &user, |text| {
                ids.read_openid(text, APPID)
            });
        }
        for number in NUMBERS {
            check(&ids.transaction_id(number, CREATED), &number, |t| {
                ids.read_transaction_id(t)
            });
            check(&ids.refund_id(number, CREATED), &number, |text| {
                ids.read_refund_id(text)
            });
            // Its date is outside of the check digits: the trade itself tells it.
            let trade_no = ids.trade_no(number, CREATED);
            assert_eq!((&trade_no[..8], trade_no.len()), ("20260101", ID_LEN));
            assert_eq!(ids.read_trade_no(&trade_no), Some(number));
            assert_eq!(ids.read_trade_no(&trade_no[1..]), None);
            check(&ids.code_token(number), &number, |text| {
                ids.read_code_token(text)
            });
            let prepay = Prepay {
                order: number,
                issued: CREATED - 999,
            };
            check(&ids.prepay_id(number, CREATED), &prepay, |text| {
                ids.read_prepay_id(text)
            });
        }
        for user in [0, 1, 99_999, 100_000, u32::MAX] {
            assert_eq!(ids.buyer_id(user).len(), 16);
            assert_eq!(ids.read_buyer_id(&ids.buyer_id(user)), Some(user));
        }
        for event in NUMBERS.into_iter().chain([u64::MAX]) {
            check(&ids.notice_id(event), &event, |text| {
                ids.read_notice_id(text)
            });
        }
        for merchant in [0, 1, 12_345_678, MERCHANT_MAX] {
            check(&ids.appid(merchant), &merchant, |text| ids.read_appid(text));
            assert_eq!(read_mchid(&mchid(merchant)), Some(merchant));
        }
        for text in [
            "",
            "19",
            "190000000",
            "19000000001",
            "1800000001",
            "19+0000001",
            "19é000000",
        ] {
            assert_eq!(read_mchid(text), None);
        }
    }

    #[test]
    fn shapes() {
        let ids = ids();
        let is = |text: &str, length: usize, prefix: &str, letter: fn(u8) -> bool| {
            assert!(text.len() == length && text.starts_with(prefix), "{text}");
            assert!(text.bytes().all(letter), "{text}");
        };
        let url_safe = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
        is(&ids.openid(1, APPID), 28, "o", url_safe);
        is(&ids.transaction_id(1, CREATED), 28, "4200", |c| {
            c.is_ascii_digit()
        });
        is(&ids.refund_id(1, CREATED), 28, "5000", |c| {
            c.is_ascii_digit()
        });
        is(&ids.prepay_id(1, CREATED), 36, "wx20260101075959", |c| {
            c.is_ascii_alphanumeric()
        });
        is(&ids.code_token(1), 20, "", url_safe);
        is(&ids.appid(1), 18, "wx", |c| {
            c.is_ascii_digit() || c.is_ascii_lowercase()
        });
        assert_eq!(mchid(1), "1900000001");
        assert_eq!(ids.transaction_id(1, CREATED)[6..14], *"20260101");
        for created in [i64::MIN, -1, i64::MAX] {
            assert_eq!(
                ids.read_transaction_id(&ids.transaction_id(5, created)),
                Some(5)
            );
        }
    }

    #[test]
    fn the_same_for_ever() {
        // What is out in merchants' databases: these must never change.
        let ids = ids();
        assert_eq!(ids.openid(42, APPID), "ojD-AXbf-CVbJFu6kChI4d4QvATc");
        assert_eq!(
            ids.transaction_id(42, CREATED),
            "4200662026010174586176602542"
        );
        assert_eq!(ids.refund_id(42, CREATED), "5000392026010137382677441628");
        assert_eq!(
            ids.prepay_id(42, CREATED),
            "wx20260101075959952bb8b213f408fb4f05"
        );
        assert_eq!(ids.code_token(42), "J1tUQ2H2dxIQLnJqQyTJ");
        assert_eq!(ids.appid(42), "wx4561b2815d91a109");
    }

    #[test]
    fn coupons_stocks_and_subsidies_come_back_and_no_other_text_does() {
        let ids = ids();
        for number in [0, 1, 42, 99_999] {
            let stock = ids.stock_id(u32::try_from(number).unwrap());
            let read: [(String, usize, Option<u64>); 5] = [
                (stock.clone(), 18, ids.read_stock_id(&stock).map(u64::from)),
                {
                    let text = ids.coupon_id(number);
                    (text.clone(), 18, ids.read_coupon_id(&text))
                },
                {
                    let text = ids.coupon_code(number);
                    (text.clone(), 22, ids.read_coupon_code(&text))
                },
                {
                    let text = ids.subsidy_id(number, CREATED);
                    (text.clone(), 28, ids.read_subsidy_id(&text))
                },
                {
                    let text = ids.subsidy_return_id(number, CREATED);
                    (text.clone(), 28, ids.read_subsidy_return_id(&text))
                },
            ];
            for (text, length, found) in read {
                assert_eq!((text.len(), found), (length, Some(number)), "{text}");
                assert!(text.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
            }
            for bad in [
                &stock[1..],
                &format!("{stock}0"),
                "",
                "9856000",
                "12é000000000000000",
            ] {
                assert_eq!(ids.read_stock_id(bad), None, "{bad}");
            }
            assert_eq!(ids.read_coupon_id(&stock), None);
        }
    }

    #[test]
    fn kinds_contexts_and_keys_are_kept_apart() {
        let (ids, other) = (ids(), Ids::new(&[8; 32]));
        let openid = ids.openid(1, APPID);
        assert_eq!(ids.read_openid(&openid, "wx0123456789abcdee"), None);
        assert_eq!(other.read_openid(&openid, APPID), None);
        assert_eq!(other.read_code_token(&ids.code_token(1)), None);
        let (one, two) = (ids.transaction_id(1, CREATED), ids.refund_id(1, CREATED));
        assert_ne!(one[14..], two[14..]);
        assert_ne!(one[14..], ids.transaction_id(1, CREATED + 86_400_000)[14..]);
        assert_ne!(
            ids.prepay_id(1, CREATED)[16..],
            ids.prepay_id(1, CREATED + 1)[16..]
        );
    }

    #[test]
    fn no_two_are_the_same() {
        let ids = ids();
        let mut seen = HashSet::new();
        for number in 0..100_000 {
            assert!(seen.insert(ids.openid(number, APPID)));
            assert!(seen.insert(ids.transaction_id(number, CREATED)));
            assert!(seen.insert(ids.refund_id(number, CREATED)));
            assert!(seen.insert(ids.prepay_id(number, CREATED)));
            assert!(seen.insert(ids.code_token(number)));
            assert!(seen.insert(ids.appid(number)));
        }
    }
}
