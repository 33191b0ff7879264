//! Server-sent events: an order as it is, now and after every change, until nothing more can happen to it
//! at a till.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use feiqian_core::{MerchantId, OrderId};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::view::{self, TillOrder};
use crate::app::session::Staff;
use crate::live::TooMany;
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};
use crate::v1::fields::OrderIdRef;
use crate::v1::input::Id;

/// A stream ends after this time and the till opens another: so who was removed hears no more.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// A sign of life while nothing happens, so that nothing between takes the line for dead.
const BEAT: Duration = Duration::from_secs(20);

struct Told {
    platform: Arc<Platform>,
    merchant: MerchantId,
    order: OrderId,
    news: watch::Receiver<u64>,
    end: Instant,
    last: Option<TillOrder>,
}

/// GET orders/{id}/events
pub async fn stream(
    staff: Staff,
    Extract(platform): Extract<Arc<Platform>>,
    Id(OrderIdRef(order)): Id<OrderIdRef>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Watched before it is looked at: what happens in between is news.
    let news = platform.live.watch(&platform.engine, order);
    let news = news.map_err(|TooMany| {
        ApiError::new(
            ErrorType::RateLimit,
            "too_many_streams",
            TooMany.to_string(),
        )
        .retry_after(5)
    })?;
    view::find(&platform, staff.merchant, order).await?;
    let told = Told {
        platform,
        merchant: staff.merchant,
        order,
        news,
        end: Instant::now() + LIFE,
        last: None,
    };
    let events = unfold(told, next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(BEAT)))
}

/// The next that is not as the last was.
async fn next(mut told: Told) -> Option<(Result<Event, Infallible>, Told)> {
    loop {
        if let Some(last) = &told.last {
            if last.status.is_final() {
                return None;
            }
            timeout_at(told.end, told.news.changed()).await.ok()?.ok()?;
        }
        told.news.mark_unchanged();
        let order = view::show(&told.platform, told.merchant, told.order).await;
        let order = order.ok()?;
        if told.last.as_ref() == Some(&order) {
            continue;
        }
        let event = Event::default().json_data(&order).ok()?;
        told.last = Some(order);
        return Some((Ok(event), told));
    }
}
