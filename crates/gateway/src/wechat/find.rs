//! Finds a merchant's own orders, by either of their names.

use feiqian_core::numbers::{Key, Scope};
use feiqian_core::{MerchantId, Number, OrderId};
use feiqian_store::{OrderStory, Store, StoreError};

use super::edge::Signed;
use super::error::WechatError;
use super::order_object::OrderView;
use crate::platform::Platform;

/// An order with all that became of it.
pub(crate) struct Found {
    pub id: OrderId,
    pub story: OrderStory,
}

impl Found {
    /// As it stands now.
    pub fn view(&self) -> OrderView<'_> {
        OrderView::now(self.id, &self.story)
    }
}

/// By its id, if it is this merchant's.
pub(crate) fn by_id(
    store: &Store,
    merchant: MerchantId,
    id: OrderId,
) -> Result<Option<Found>, StoreError> {
    let story = store
        .order(id)?
        .filter(|story| story.created.merchant == merchant);
    Ok(story.map(|story| Found { id, story }))
}

/// By the merchant's number (`out_trade_no`).
pub(crate) fn by_number(
    store: &Store,
    merchant: MerchantId,
    number: Number,
) -> Result<Option<Found>, StoreError> {
    let key = Key {
        scope: Scope::Orders(merchant),
        number,
    };
    match store.number(&key)? {
        Some((created, _)) => by_id(store, merchant, OrderId(created)),
        None => Ok(None),
    }
}

/// By our number (`transaction_id`), which only a paid order has told its merchant.
pub(crate) fn by_transaction(
    store: &Store,
    platform: &Platform,
    merchant: MerchantId,
    text: &str,
) -> Result<Option<Found>, StoreError> {
    let Some(number) = platform.ids.read_transaction_id(text) else {
        return Ok(None);
    };
    let id = OrderId(feiqian_core::EventNumber(number));
    let found = by_id(store, merchant, id)?;
    // Reading cannot prove that the text is one of ours; making it anew does.
    Ok(found.filter(|found| {
        let view = found.view();
        view.paid.is_some() && view.transaction_id(platform) == text
    }))
}

/// The order that the path names by the merchant's number.
pub(crate) async fn of_path(
    platform: &Platform,
    signed: &Signed,
) -> Result<Option<Found>, WechatError> {
    let Ok(number) = Number::new(signed.path("out_trade_no")) else {
        return Ok(None);
    };
    let store = platform.engine.store().await?;
    Ok(by_number(&store, signed.merchant.merchant, number)?)
}
