//! Server-sent events: `changed`, whenever something of the shopper changed. The app asks again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::{Instant, sleep, timeout_at};

use super::Shopper;
use crate::live::TooMany;
use crate::platform::Platform;
use crate::v1::error::{ApiError, ErrorType};

/// A stream ends after this time and the app opens another: so a revoked device hears no more.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// News within this time are one: a bound on what a busy wallet sends.
const QUIET: Duration = Duration::from_millis(200);
/// A sign of life while nothing happens, so that nothing between takes the line for dead.
const BEAT: Duration = Duration::from_secs(20);

/// GET events
pub async fn stream(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let news = platform.live.watch(&platform.engine, user);
    let news = news.map_err(|TooMany| {
        ApiError::new(
            ErrorType::RateLimit,
            "too_many_streams",
            TooMany.to_string(),
        )
        .retry_after(5)
    })?;
    let end = Instant::now() + LIFE;
    // The first one at once: what happened while nobody listened is asked for then.
    let told = unfold((news, true), move |(mut news, first)| async move {
        if !first {
            timeout_at(end, news.changed()).await.ok()?.ok()?;
            sleep(QUIET).await;
            news.mark_unchanged();
        }
        let changed = Event::default().data(r#"{"type":"changed"}"#);
        Some((Ok(changed), (news, false)))
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::new().interval(BEAT)))
}
