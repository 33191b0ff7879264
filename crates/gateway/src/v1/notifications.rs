//! Notices that could not be delivered, and sending one again.

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Operator;
use super::error::{ApiError, ErrorType};
use super::fields::Time;
use super::input::{Id, PAGE_MAX, Page, Queried};
use super::responses::Asking;
use crate::notify::{Notice, NoticeKind, Notifier};
use crate::server::App;

/// What a notice tells.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// An order was paid.
    OrderPaid,
    /// A refund was given.
    OrderRefunded,
    /// A coupon was used.
    CouponUsed,
    /// A coupon was given.
    CouponGiven,
}

/// What became of a notice.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// Out of tries.
    Dead,
    /// To be sent, or to be tried again.
    Waiting,
}

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notification {
    /// As in the notice itself.
    id: String,
    state: NotificationState,
    kind: NotificationKind,
    /// Where it was posted.
    url: String,
    /// How often.
    tries: u32,
    /// What was wrong the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When it was given up, or is tried next.
    at: Time,
}

impl From<Notice> for Notification {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id,
            state: if notice.dead {
                NotificationState::Dead
            } else {
                NotificationState::Waiting
            },
            kind: match notice.kind {
                NoticeKind::OrderPaid => NotificationKind::OrderPaid,
                NoticeKind::OrderRefunded => NotificationKind::OrderRefunded,
                NoticeKind::CouponUsed => NotificationKind::CouponUsed,
                NoticeKind::CouponGiven => NotificationKind::CouponGiven,
            },
            url: notice.url,
            tries: notice.tries,
            last_error: notice.last_error,
            at: UnixMillis(notice.at).into(),
        }
    }
}

/// Which notices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Those out of tries, or those to be sent.
    #[param(inline)]
    state: NotificationState,
}

/// A notice that is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redelivery {
    id: String,
    /// It waits for its turn, with all its tries.
    queued: bool,
}

fn notifier(app: &App) -> Result<Notifier, ApiError> {
    let off = || {
        ApiError::new(
            ErrorType::Unavailable,
            "notifier_off",
            "this server sends no notices now",
        )
    };
    app.notifier.clone().ok_or_else(off)
}

/// Lists the newest notices that are out of tries, or the oldest that wait, at most 100
#[utoipa::path(
    get, path = "/v1/notifications",
    operation_id = "list_notifications", tag = "notifications", params(Which),
    responses(
        (status = 200, body = Page<Notification>, description = "The notices"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(app): Extract<App>,
    Queried(which): Queried<Which>,
) -> Result<Json<Page<Notification>>, ApiError> {
    let notifier = notifier(&app)?;
    let find = move || match which.state {
        NotificationState::Dead => notifier.dead(PAGE_MAX.into()),
        NotificationState::Waiting => notifier.waiting(PAGE_MAX.into()),
    };
    let found = tokio::task::spawn_blocking(find).await;
    let found = found.map_err(|error| ApiError::internal(&error))?;
    let found = found.map_err(|error| ApiError::internal(&error))?;
    Ok(Json(Page {
        data: found.into_iter().map(Into::into).collect(),
        next_cursor: None,
    }))
}

/// Sends a notice again, with all its tries
#[utoipa::path(
    post, path = "/v1/notifications/{id}/redeliver",
    operation_id = "redeliver_notification", tag = "notifications", params(("id" = String, Path)),
    responses(
        (status = 200, body = Redelivery, description = "It waits for its turn"),
        Asking,
    )
)]
pub async fn redeliver(
    _: Operator,
    Extract(app): Extract<App>,
    Id(id): Id<String>,
) -> Result<Json<Redelivery>, ApiError> {
    let (notifier, named) = (notifier(&app)?, id.clone());
    let queued = tokio::task::spawn_blocking(move || notifier.redeliver(&named)).await;
    let queued = queued.map_err(|error| ApiError::internal(&error))?;
    if queued.map_err(|error| ApiError::internal(&error))? {
        Ok(Json(Redelivery { id, queued: true }))
    } else {
        Err(ApiError::not_found(
            "notification_not_found",
            "notification",
        ))
    }
}
