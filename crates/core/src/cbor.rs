//! How values become CBOR.

use core::convert::Infallible;
use std::sync::Arc;

use minicbor::encode::{Error, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use smallvec::SmallVec;

/// A shared value is written as the value itself.
pub fn encode<C, T: Encode<C>, W: Write>(
    value: &Arc<T>,
    e: &mut Encoder<W>,
    ctx: &mut C,
) -> Result<(), Error<W::Error>> {
    value.as_ref().encode(e, ctx)
}

pub fn decode<'b, C, T: Decode<'b, C>>(
    d: &mut Decoder<'b>,
    ctx: &mut C,
) -> Result<Arc<T>, minicbor::decode::Error> {
    T::decode(d, ctx).map(Arc::new)
}

/// A shared value that may be missing.
pub mod shared {
    use super::*;

    pub fn encode<C, T: Encode<C>, W: Write>(
        value: &Option<Arc<T>>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), Error<W::Error>> {
        value.as_deref().encode(e, ctx)
    }

    pub fn decode<'b, C, T: Decode<'b, C>>(
        d: &mut Decoder<'b>,
        ctx: &mut C,
    ) -> Result<Option<Arc<T>>, minicbor::decode::Error> {
        Ok(Option::<T>::decode(d, ctx)?.map(Arc::new))
    }

    pub fn nil<T>() -> Option<Option<Arc<T>>> {
        Some(None)
    }

    pub fn is_nil<T>(value: &Option<Arc<T>>) -> bool {
        value.is_none()
    }
}

/// Writes into memory. Inlined down to single stores, which a vector's own `write_all` is not.
pub struct Bytes<'a, V>(pub &'a mut V);

impl Write for Bytes<'_, Vec<u8>> {
    type Error = Infallible;

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl<const N: usize> Write for Bytes<'_, SmallVec<[u8; N]>>
where
    [u8; N]: smallvec::Array<Item = u8>,
{
    type Error = Infallible;

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
