//! Orders at a till: a code to be scanned, or a shopper's pay code charged.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::order::close::CloseOrder;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::reverse::ReverseOrder;
use feiqian_core::order::{OrderRef, OrderState};
use feiqian_core::{Account, Event, EventNumber, MerchantId, OrderId};
use feiqian_store::{OrderStory, Store, StoreError};
use serde::Deserialize;

use super::number_of;
use super::view::{self, Status, TillOrder};
use crate::app::session::Staff;
use crate::codes::cpm::PAYLOAD_CHARS_MAX;
use crate::paycode::charge::charge as charge_code;
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::charges::charged_before;
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, Cursor, Description, OrderIdRef};
use crate::v1::input::{Id, Input, Key, Made, Page, Paging};

/// Most entries of the account that one page looks at.
const LOOKED_AT_MAX: usize = 2_000;

/// What is asked of a shopper who scans.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    amount: Amount,
    description: Option<Description>,
}

/// What is asked of the shopper whose code was scanned.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCharge {
    amount: Amount,
    description: Option<Description>,
    pay_code: String,
}

/// Shows a code.
pub async fn create(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewOrder>,
) -> Result<Made<TillOrder>, ApiError> {
    let terms = terms(
        &platform,
        &staff,
        new.amount,
        new.description,
        Channel::Scan,
    )
    .await?;
    let command = CreateOrder {
        merchant: staff.merchant,
        number: number_of(&staff, number)?,
        terms: terms.into(),
    };
    let receipt = platform.engine.submit(command).await?;
    let order = OrderId(receipt.event);
    platform.apps.asked.add(staff.merchant, order);
    Ok(Made {
        again: receipt.again,
        value: view::show(&platform, staff.merchant, order).await?,
    })
}

/// Charges a scanned code. The same request again never pays twice; one that went through before is
/// answered without looking at the code, which is spent.
pub async fn charge(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Key(number): Key,
    Input(new): Input<NewCharge>,
) -> Result<Made<TillOrder>, ApiError> {
    let (merchant, number) = (staff.merchant, number_of(&staff, number)?);
    let (amount, description) = (new.amount, new.description);
    let terms = terms(&platform, &staff, amount, description, Channel::PayCode).await?;
    if let Some(found) = charged_before(&platform, merchant, number, &terms).await? {
        let value = view::of(&platform, found.id, &found.story)?;
        return Ok(Made { again: true, value });
    }
    let code: String = new
        .pay_code
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    if code.len() > PAYLOAD_CHARS_MAX {
        return Err(crate::paycode::BadCode::Invalid.into());
    }
    let charged = charge_code::<ApiError>(&platform, merchant, number, terms, &code).await;
    let (order, _) = charged.map_err(|error| error.at("pay_code"))?;
    platform.apps.asked.add(merchant, order);
    Ok(Made {
        again: false,
        value: view::show(&platform, merchant, order).await?,
    })
}

async fn terms(
    platform: &Platform,
    staff: &Staff,
    amount: Amount,
    description: Option<Description>,
    channel: Channel,
) -> Result<Terms, ApiError> {
    let description = match description {
        Some(description) => description.0,
        None => platform.shop_name(staff.merchant).await?,
    };
    Ok(Terms {
        amount: amount.into(),
        channel,
        description,
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    })
}

/// Lists the shop's paid orders, whoever asked for them and by whatever API, the newest payment first. On the
/// first page also what its tills asked for lately and nobody paid; there the newest order is first.
pub async fn list(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<TillOrder>>, ApiError> {
    let (limit, merchant) = (paging.limit(), staff.merchant);
    let before = paging.cursor.map(|cursor| EventNumber(cursor.0));
    let asked = match before {
        None => platform.apps.asked.of(merchant),
        Some(_) => Vec::new(),
    };
    let found = ask(&platform, move |store| {
        let (ids, next) = paid(store, merchant, before, limit)?;
        let mut stories = stories(store, ids)?;
        let waiting = self::stories(store, asked)?;
        stories.extend(waiting.into_iter().filter(|(_, story)| unpaid(story)));
        if before.is_none() {
            stories.sort_by_key(|(id, _)| std::cmp::Reverse(id.0));
        }
        Ok((stories, next))
    });
    let (stories, next) = found.await?;
    let data = stories
        .iter()
        .map(|(id, story)| view::of(&platform, *id, story));
    let data = data.collect::<Result<_, _>>()?;
    Ok(Json(Page {
        data,
        next_cursor: next.map(|event| Cursor(event.0)),
    }))
}

fn stories(store: &Store, ids: Vec<OrderId>) -> Result<Vec<(OrderId, OrderStory)>, StoreError> {
    let found = ids.into_iter().map(|id| Ok((id, store.order(id)?)));
    let found = found.collect::<Result<Vec<_>, StoreError>>()?;
    let known = found
        .into_iter()
        .filter_map(|(id, story)| Some((id, story?)));
    Ok(known.collect())
}

/// Whether no payment finds it.
fn unpaid(story: &OrderStory) -> bool {
    match story.order().state {
        OrderState::Open | OrderState::Closed | OrderState::Reversed(None) => true,
        OrderState::Paid(_) | OrderState::Reversed(Some(_)) => false,
    }
}

/// The orders paid before an event, and where the next page begins.
fn paid(
    store: &Store,
    merchant: MerchantId,
    mut before: Option<EventNumber>,
    limit: usize,
) -> Result<(Vec<OrderId>, Option<EventNumber>), StoreError> {
    let (mut ids, mut known) = (Vec::new(), HashSet::new());
    let mut looked_at = 0;
    while looked_at < LOOKED_AT_MAX {
        let entries = store.entries(Account::Merchant(merchant), before, limit)?;
        if entries.is_empty() {
            return Ok((ids, None));
        }
        looked_at += entries.len();
        for (number, event) in entries {
            before = Some(number);
            if let Event::OrderPaid(paid) = event
                && known.insert(paid.order)
            {
                ids.push(paid.order);
                if ids.len() == limit {
                    return Ok((ids, before));
                }
            }
        }
    }
    Ok((ids, before))
}

/// Shows an order.
pub async fn show(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<TillOrder>, ApiError> {
    view::show(&platform, staff.merchant, id).await.map(Json)
}

/// Closes an unpaid order; one that is closed stays so.
pub async fn close(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<TillOrder>, ApiError> {
    let command = CloseOrder {
        merchant: staff.merchant,
        order: OrderRef::Id(id),
    };
    platform.engine.submit(command).await?;
    view::show(&platform, staff.merchant, id).await.map(Json)
}

/// Undoes an order whatever became of it: for a till that does not know whether it was paid. Of a paid one a
/// cashier can undo what they may refund.
pub async fn reverse(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(id)): Id<OrderIdRef>,
) -> Result<Json<TillOrder>, ApiError> {
    let _held = platform.apps.refunding.lock().await;
    let story = view::find(&platform, staff.merchant, id).await?;
    if view::of(&platform, id, &story)?.status == Status::Paid {
        super::refunds::may_give_back(&platform, &staff, story.created.terms.amount)?;
    }
    let command = ReverseOrder {
        merchant: staff.merchant,
        order: OrderRef::Id(id),
    };
    platform.engine.submit(command).await?;
    view::show(&platform, staff.merchant, id).await.map(Json)
}
