//! Names of things. An id is given by the platform; a [`Number`] by the caller.

use core::fmt;

use arrayvec::ArrayString;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use smallvec::SmallVec;

use crate::cbor::Bytes;
use crate::limits::NUMBER_CHARS_MAX;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Place of an event in the log, counted from 0. Never reused.
    #[derive(Default)]
    EventNumber(u64)
}
id! {
    /// A wallet brand: dense, from 0, in the order of adding.
    BrandId(u16)
}
id! {
    /// A wallet user: dense, from 0, in the order of adding.
    UserId(u32)
}
id! {
    /// A merchant: dense, from 0, in the order of adding.
    MerchantId(u32)
}
id! {
    /// An order. Its id is the number of the event that created it.
    OrderId(EventNumber)
}
id! {
    /// A refund. Its id is the number of the event that recorded it.
    RefundId(EventNumber)
}
id! {
    /// A campaign: dense, from 0, in the order of adding.
    CampaignId(u32)
}
id! {
    /// A coupon. Its id is the number of the event that gave it.
    CouponId(EventNumber)
}
id! {
    /// Money sent to a person. Its id is the number of the event that recorded it.
    RemittanceId(EventNumber)
}
id! {
    /// Money asked of persons. Its id is the number of the event that recorded it.
    RequestId(EventNumber)
}
id! {
    /// A top-up or withdrawal. Its id is the number of the event that asked the bank.
    TransferId(EventNumber)
}

/// A red packet. Its id is the number of the event that sent it, below 2⁵⁶.
///
/// In seven bytes, so that an [`Account`](crate::Account) of one is no larger than the others:
/// postings are moved in masses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId([u8; 7]);

impl PacketId {
    /// The packet that this event sent; none from 2⁵⁶ on, which no log reaches.
    #[must_use]
    pub const fn new(event: EventNumber) -> Option<Self> {
        match event.0.to_be_bytes() {
            [0, a, b, c, d, e, f, g] => Some(Self([a, b, c, d, e, f, g])),
            _ => None,
        }
    }

    /// The event that sent it.
    #[must_use]
    pub const fn event(self) -> EventNumber {
        let Self([a, b, c, d, e, f, g]) = self;
        EventNumber(u64::from_be_bytes([0, a, b, c, d, e, f, g]))
    }
}

impl fmt::Debug for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PacketId({})", self.event())
    }
}

impl fmt::Display for PacketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event().fmt(f)
    }
}

impl<C> Encode<C> for PacketId {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        self.event().encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for PacketId {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        let event = EventNumber::decode(d, ctx)?;
        Self::new(event).ok_or_else(|| decode::Error::message("not a packet's id"))
    }
}

impl EventNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(
            self.0
                .checked_add(1)
                .expect("2^64 events are never reached"),
        )
    }
}

/// A caller's own name for what it asks: `out_trade_no`, `out_refund_no`, `Idempotency-Key`, …
///
/// 1 to 64 characters of `0-9 A-Z a-z _ - | * @ . :`. Case matters. Within its scope it names one
/// thing for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(ArrayString<NUMBER_CHARS_MAX>);

/// The text is empty, too long, or holds a character that numbers may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number has 1 to {NUMBER_CHARS_MAX} characters of 0-9 A-Z a-z _ - | * @ . :")]
pub struct BadNumber;

impl Number {
    /// Checks the characters and the length.
    pub fn new(text: &str) -> Result<Self, BadNumber> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_-|*@.:".contains(&c);
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(BadNumber);
        }
        ArrayString::from(text).map(Self).map_err(|_| BadNumber)
    }

    /// The text as the caller gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for Number {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Number {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        Self::new(d.str()?).map_err(|_| decode::Error::message("not a caller's number"))
    }
}

/// First 16 bytes of the BLAKE3 hash of what a request asked, its number aside: tells a repeated
/// request from another one under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Digest of the CBOR form of `content`.
    pub fn of<T: Encode<()>>(content: &T) -> Self {
        // Into memory first: a hasher that takes bytes piece by piece costs more to set up than a
        // typical request costs to hash.
        let mut cbor = SmallVec::<[u8; 256]>::new();
        minicbor::encode(content, Bytes(&mut cbor)).expect("writing to memory does not fail");
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::hash(&cbor).as_bytes()[..16]);
        Self(bytes)
    }
}

impl<C> Encode<C> for Digest {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Digest {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.bytes()?
            .try_into()
            .map(Self)
            .map_err(|_| decode::Error::message("a digest has 16 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_its_event() {
        for event in [0, 1, 0x0001_0203_0405_0607, (1 << 56) - 1].map(EventNumber) {
            let id = PacketId::new(event).unwrap();
            assert_eq!((id.event(), id.to_string()), (event, event.to_string()));
            let stored = minicbor::to_vec(id).unwrap();
            assert_eq!(minicbor::decode::<PacketId>(&stored).unwrap(), id);
        }
        assert!(PacketId::new(EventNumber(255)) < PacketId::new(EventNumber(256)));
        assert_eq!(PacketId::new(EventNumber(1 << 56)), None);
        let stored = minicbor::to_vec(1_u64 << 56).unwrap();
        assert!(minicbor::decode::<PacketId>(&stored).is_err());
    }

    #[test]
    fn numbers_are_short_and_plain() {
        let longest = "n".repeat(NUMBER_CHARS_MAX);
        for text in ["0", "aZ_-|*@.:9", &longest] {
            assert_eq!(Number::new(text).unwrap().as_str(), text);
        }
        for text in ["", " ", "a b", "a/b", "号", "a\0", &format!("{longest}n")] {
            assert_eq!(Number::new(text), Err(BadNumber), "{text:?}");
            let stored = minicbor::to_vec(text).unwrap();
            assert!(minicbor::decode::<Number>(&stored).is_err(), "{text:?}");
        }
        assert_ne!(Number::new("a"), Number::new("A"));
    }
}
