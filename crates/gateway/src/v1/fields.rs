//! The types of fields: strict when read, and each with the schema that says how.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use feiqian_core::campaign::rule::RULE_CHARS_MAX;
use feiqian_core::limits::{
    AMOUNT_MAX, AMOUNT_MIN, ATTACH_CHARS_MAX, DESCRIPTION_CHARS_MAX, FEE_MAX, NAME_CHARS_MAX,
    NUMBER_CHARS_MAX, REASON_CHARS_MAX,
};
use feiqian_core::{
    BasisPoints, BrandId, CampaignId, CouponId, EventNumber, Fen, MerchantId, OrderId, PacketId,
    RefundId, RemittanceId, RequestId, TransferId, UnixMillis, UserId,
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// The pattern of `Idempotency-Key`.
pub const NUMBER_PATTERN: &str = "^[0-9A-Za-z_\\-|*@.:]{1,64}$";
const _: () = assert!(NUMBER_CHARS_MAX == 64, "the pattern says 64");

/// The text is not of this form.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadText(pub &'static str);

fn text_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

fn schema(object: Object) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object))
}

/// `Deserialize` from a string through `FromStr`.
fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Digits as this program writes them: no sign, no leading zero.
fn strict_digits<T: FromStr>(text: &str) -> Option<T> {
    let strict = text == "0" || (!text.starts_with('0') && !text.starts_with('+'));
    text.parse().ok().filter(|_| strict)
}

macro_rules! id_field {
    ($(#[$doc:meta])* $name:ident($id:ident), $prefix:literal, $inner:ty,
     $get:expr, $make:expr, $digits:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let get: fn($id) -> $inner = $get;
                write!(f, concat!($prefix, "{}"), get(self.0))
            }
        }

        impl FromStr for $name {
            type Err = BadText;
            fn from_str(text: &str) -> Result<Self, BadText> {
                let make: fn($inner) -> $id = $make;
                text.strip_prefix($prefix)
                    .and_then(strict_digits)
                    .map(|number| Self(make(number)))
                    .ok_or(BadText(concat!("an id here is ", $prefix, " and a number")))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = concat!("^", $prefix, "(0|[1-9][0-9]{0,", $digits, "})$");
                schema(text_schema().pattern(Some(pattern)).examples([$example]).build())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($id).into()
            }
        }

        impl From<$id> for $name {
            fn from(id: $id) -> Self {
                Self(id)
            }
        }
    };
}

id_field! {
    /// `brd_0`.
    BrandRef(BrandId), "brd_", u16, |id| id.0, BrandId, "4", "brd_0"
}
id_field! {
    /// `usr_0`.
    UserRef(UserId), "usr_", u32, |id| id.0, UserId, "9", "usr_0"
}
id_field! {
    /// `mch_0`.
    MerchantRef(MerchantId), "mch_", u32, |id| id.0, MerchantId, "9", "mch_0"
}
id_field! {
    /// `ord_17`.
    OrderIdRef(OrderId), "ord_", u64, |id| id.0.0, |n| OrderId(EventNumber(n)), "19", "ord_17"
}
id_field! {
    /// `rfd_21`.
    RefundRef(RefundId), "rfd_", u64, |id| id.0.0, |n| RefundId(EventNumber(n)), "19", "rfd_21"
}
id_field! {
    /// `cmp_0`.
    CampaignRef(CampaignId), "cmp_", u32, |id| id.0, CampaignId, "9", "cmp_0"
}
id_field! {
    /// `trf_12`.
    TransferRef(TransferId), "trf_", u64, |id| id.0.0, |n| TransferId(EventNumber(n)), "19", "trf_12"
}

/// `pkt_17`: a red packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRef(pub PacketId);

impl From<PacketId> for PacketRef {
    fn from(id: PacketId) -> Self {
        Self(id)
    }
}

impl Serialize for PacketRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("pkt_{}", self.0))
    }
}

impl PartialSchema for PacketRef {
    fn schema() -> RefOr<Schema> {
        let text = text_schema()
            .pattern(Some("^pkt_(0|[1-9][0-9]{0,16})$"))
            .examples(["pkt_17"]);
        schema(text.build())
    }
}

impl ToSchema for PacketRef {
    fn name() -> Cow<'static, str> {
        "PacketId".into()
    }
}

id_field! {
    /// `rmt_17`.
    RemittanceRef(RemittanceId), "rmt_", u64, |id| id.0.0, |n| RemittanceId(EventNumber(n)), "19", "rmt_17"
}

id_field! {
    /// `mrq_17`.
    RequestRef(RequestId), "mrq_", u64, |id| id.0.0, |n| RequestId(EventNumber(n)), "19", "mrq_17"
}

id_field! {
    /// `cpn_17`.
    CouponRef(CouponId), "cpn_", u64, |id| id.0.0, |n| CouponId(EventNumber(n)), "19", "cpn_17"
}

/// A payment's id: an order is paid at most once, so it has the order's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRef(pub OrderId);

impl Serialize for PaymentRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("pay_{}", self.0))
    }
}

impl PartialSchema for PaymentRef {
    fn schema() -> RefOr<Schema> {
        let text = text_schema()
            .pattern(Some("^pay_(0|[1-9][0-9]{0,19})$"))
            .examples(["pay_17"]);
        schema(text.build())
    }
}

impl ToSchema for PaymentRef {
    fn name() -> Cow<'static, str> {
        "PaymentId".into()
    }
}

/// Where the next page of a list begins. Opaque: pass it on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl FromStr for Cursor {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        let number = text.strip_prefix("p_").and_then(strict_digits);
        number
            .map(Self)
            .ok_or(BadText("this is no cursor of a list"))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("p_{}", self.0))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        schema(
            text_schema()
                .pattern(Some("^p_(0|[1-9][0-9]{0,19})$"))
                .build(),
        )
    }
}

impl ToSchema for Cursor {}

/// An amount of money: fen, the hundredth of a yuan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(i64);

impl From<Amount> for Fen {
    fn from(amount: Amount) -> Self {
        Self(amount.0)
    }
}

impl From<Fen> for Amount {
    fn from(fen: Fen) -> Self {
        Self(fen.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fen = i64::deserialize(deserializer)?;
        if Fen(fen).is_amount() {
            Ok(Self(fen))
        } else {
            Err(serde::de::Error::custom(
                "an amount is 1 to 1000000000000 fen",
            ))
        }
    }
}

fn integer_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let integer = integer_schema()
            .minimum(Some(AMOUNT_MIN.0))
            .maximum(Some(AMOUNT_MAX.0))
            .description(Some("Fen, the hundredth of a yuan."))
            .examples([1_990]);
        schema(integer.build())
    }
}

impl ToSchema for Amount {}

/// A merchant's fee in hundredths of a percent: 60 is 0.60 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FeeBps(pub u16);

impl From<FeeBps> for BasisPoints {
    fn from(fee: FeeBps) -> Self {
        Self(fee.0)
    }
}

impl<'de> Deserialize<'de> for FeeBps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fee = u16::deserialize(deserializer)?;
        if BasisPoints(fee) <= FEE_MAX {
            Ok(Self(fee))
        } else {
            Err(serde::de::Error::custom("a fee is 0 to 1000 basis points"))
        }
    }
}

impl PartialSchema for FeeBps {
    fn schema() -> RefOr<Schema> {
        let integer = integer_schema()
            .minimum(Some(0))
            .maximum(Some(FEE_MAX.0))
            .description(Some("Basis points: 60 is 0.60 %."))
            .examples([60]);
        schema(integer.build())
    }
}

impl ToSchema for FeeBps {}

/// A text of 1 to `MAX` characters: not blank, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(pub String);

/// No control characters, and one that is not blank; reading knows a few more blanks.
const TEXT_PATTERN: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*\
    [^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]\
    [^\\u0000-\\u001f\\u007f-\\u009f]*$";

/// Of a brand, shop or person.
pub type Name = Text<NAME_CHARS_MAX>;
/// Of an order.
pub type Description = Text<DESCRIPTION_CHARS_MAX>;
/// With an order.
pub type Attach = Text<ATTACH_CHARS_MAX>;
/// Of a refund.
pub type Reason = Text<REASON_CHARS_MAX>;
/// What a QR code holds.
pub type CodeUrl = Text<256>;
/// Of a campaign.
pub type RuleText = Text<RULE_CHARS_MAX>;
/// Of a coupon, as a shopper types it.
pub type CodeText = Text<64>;
/// What proves who somebody is.
pub type Identity = Text<128>;
/// What a merchant passes on.
pub type PrepayId = Text<64>;

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let fits = !text.trim().is_empty()
            && text.chars().count() <= MAX
            && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or_else(|| {
            format!("this text has 1 to {MAX} characters, not only blanks, no control characters")
        })
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl<const MAX: usize> PartialSchema for Text<MAX> {
    fn schema() -> RefOr<Schema> {
        let text = text_schema()
            .min_length(Some(1))
            .max_length(Some(MAX))
            .pattern(Some(TEXT_PATTERN))
            .description(Some("Not only blanks, no control characters."));
        schema(text.build())
    }
}

impl<const MAX: usize> ToSchema for Text<MAX> {
    fn name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }
}

/// An instant: RFC 3339, given in UTC with milliseconds, read with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub UnixMillis);

const TIME_PATTERN: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$";

impl FromStr for Time {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        // jiff reads more than RFC 3339: blanks for the T, names of zones, dates without separators.
        let punctuated = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .into_iter()
            .all(|(at, mark)| text.as_bytes().get(at) == Some(&mark));
        let plain = text.len() <= 35
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b"-T:.Z+".contains(&b))
            && (text.ends_with('Z') || text.as_bytes().iter().nth_back(2) == Some(&b':'));
        let time = text
            .parse::<Timestamp>()
            .ok()
            .filter(|_| punctuated && plain);
        time.map(|time| Self(UnixMillis(time.as_millisecond())))
            .ok_or(BadText(
                "a time is written as in RFC 3339: 2026-01-31T23:59:59+08:00",
            ))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0.0).unwrap_or(Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let text = text_schema()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .pattern(Some(TIME_PATTERN))
            .examples(["2026-01-31T15:59:59.000Z"]);
        schema(text.build())
    }
}

impl ToSchema for Time {}

impl From<UnixMillis> for Time {
    fn from(time: UnixMillis) -> Self {
        Self(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let order = OrderIdRef(OrderId(EventNumber(u64::MAX)));
        assert_eq!(order.to_string().parse::<OrderIdRef>().unwrap(), order);
        assert_eq!("usr_0".parse::<UserRef>().unwrap(), UserRef(UserId(0)));
        for bad in [
            "",
            "usr_",
            "usr_00",
            "usr_01",
            "usr_+1",
            "usr_-1",
            "usr_1 ",
            "mch_1",
            "1",
            "usr_4294967296",
            "USR_1",
            "usr_１",
        ] {
            assert!(bad.parse::<UserRef>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        let time = Time(UnixMillis(1_767_225_599_007));
        assert_eq!(time.to_string(), "2025-12-31T23:59:59.007Z");
        for good in ["2025-12-31T23:59:59.007Z", "2026-01-01T07:59:59.007+08:00"] {
            assert_eq!(good.parse::<Time>().unwrap(), time, "{good}");
        }
        for bad in [
            "",
            "2025-12-31",
            "2025-12-31T23:59:59",
            "2025-12-31 23:59:59Z",
            "20251231T235959Z",
            "2025-13-31T23:59:59Z",
            "2025-12-31T23:59:59+08",
            "2025-12-31T23:59:59+08:00[Asia/Shanghai]",
            "2025-12-31T23:59:59z",
        ] {
            assert!(bad.parse::<Time>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts_have_their_length_in_characters() {
        assert!("飞".repeat(3).parse::<Text<3>>().is_ok());
        for bad in ["", " \u{3000}", "飞飞飞飞", "a\nb", "\u{0}"] {
            assert!(bad.parse::<Text<3>>().is_err(), "{bad:?}");
        }
    }
}
