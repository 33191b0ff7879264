//! A till charges a pay code: the order is placed, the code spent on it, and the order paid, unless the
//! shopper is asked first.

use feiqian_core::order::Attempt;
use feiqian_core::order::create::{self, CreateOrder, Terms};
use feiqian_core::order::pay::{self, PayOrder};
use feiqian_core::order::spend_code::{self, SpendCode};
use feiqian_core::{MerchantId, Number, OrderId, State};
use feiqian_engine::{Rejected, Stopped};

use super::{BadCode, Verified, unasked, verify};
use crate::platform::{Platform, PlatformError, unix_millis};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    /// The merchant has the money.
    Paid,
    /// The shopper is asked. The till asks again what became of the order.
    Asked,
}

/// Charges a code. The same request again pays once, whatever it was interrupted by.
pub async fn charge<E>(
    platform: &Platform,
    merchant: MerchantId,
    number: Number,
    terms: Terms,
    text: &str,
) -> Result<(OrderId, Charged), E>
where
    E: From<BadCode>
        + From<PlatformError>
        + From<Stopped>
        + From<Rejected<create::Refusal>>
        + From<Rejected<spend_code::Refusal>>
        + From<Rejected<pay::Refusal>>,
{
    let Verified { payer, code } = verify(platform, merchant, text, unix_millis())??;
    let unasked = unasked(platform, payer)?;
    let terms = terms.into();
    let created = CreateOrder {
        merchant,
        number,
        terms,
    };
    let order = OrderId(platform.engine.submit(created).await?.event);
    let spend = SpendCode {
        merchant,
        order,
        code,
        payer,
        unasked,
    };
    platform.engine.submit(spend).await?;
    let asked = move |state: &State| state.asked(payer).contains(&order);
    if platform.engine.read(asked).await? {
        return Ok((order, Charged::Asked));
    }
    // Named after the order: a till that repeats its request pays once.
    let pay = PayOrder {
        order,
        payer,
        attempt: Attempt::of(&number),
        at_most: None,
    };
    platform.engine.submit(pay).await?;
    Ok((order, Charged::Paid))
}
