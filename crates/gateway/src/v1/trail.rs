//! The audit trail: what operators did, and whose data they read.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Operator;
use super::error::ApiError;
use super::fields::{Cursor, Time};
use super::input::{PAGE_DEFAULT, Page, Queried, limit};
use super::responses::Asking;
use crate::app::blocking;
use crate::desk::trail::{self, Entry};
use crate::platform::{Platform, PlatformError};

/// Most entries that one page looks at; its cursor goes on from there.
const LOOKED_AT_MAX: u64 = 5_000;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Of this operator.
    #[param(required = false)]
    by: Option<String>,
    /// About this: an id.
    #[param(required = false)]
    subject: Option<String>,
    /// Entries of a page, 1 to 100; 20 if not said.
    #[serde(default, deserialize_with = "limit")]
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, required = false)]
    cursor: Option<Cursor>,
}

/// Something that an operator did.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailEntry {
    /// `aud_` and its number; from 0 on without gaps.
    id: String,
    at: Time,
    by: String,
    /// Method and route.
    what: String,
    /// What it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// In the operator's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The HTTP status of the answer: 2xx happened.
    status: u16,
}

/// Whether the trail is what was written.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailCheck {
    /// Entries that were read and are whole.
    #[schema(minimum = 0)]
    entries: u64,
    /// Hash of the last entry. Kept elsewhere, it tells later whether all before it was written anew.
    hash: String,
    /// The first entry that is not what it was; absent if the trail is whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken_at: Option<String>,
}

fn view(entry: Entry) -> TrailEntry {
    TrailEntry {
        id: format!("aud_{}", entry.number),
        at: Time(UnixMillis(entry.at)),
        by: entry.by,
        what: entry.what,
        subject: entry.subject,
        why: entry.why,
        status: entry.status,
    }
}

/// Lists what operators did, newest first
#[utoipa::path(
    get, path = "/v1/audit",
    operation_id = "list_audit_trail", tag = "audit", params(Which),
    responses(
        (status = 200, body = Page<TrailEntry>, description = "A page"),
        Asking,
    )
)]
pub async fn list(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(which): Queried<Which>,
) -> Result<Json<Page<TrailEntry>>, ApiError> {
    let page = move |platform: &Platform| Ok(page(platform, &which)?);
    Ok(Json(blocking(&platform, page).await?))
}

fn page(platform: &Platform, which: &Which) -> Result<Page<TrailEntry>, PlatformError> {
    let limit = which.limit.unwrap_or(PAGE_DEFAULT);
    let end = trail::len(&platform.vault)?;
    let end = which.cursor.map_or(end, |cursor| cursor.0.min(end));
    let fits = |wanted: &Option<String>, is: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
    };
    let (mut data, mut next) = (Vec::new(), end);
    for number in (end.saturating_sub(LOOKED_AT_MAX)..end).rev() {
        if data.len() == usize::from(limit) {
            break;
        }
        next = number;
        let Some(entry) = trail::entry(&platform.vault, number)? else {
            continue;
        };
        if fits(&which.by, Some(&entry.by)) && fits(&which.subject, entry.subject.as_deref()) {
            data.push(view(entry));
        }
    }
    Ok(Page {
        data,
        next_cursor: (next > 0).then_some(Cursor(next)),
    })
}

/// Reads the whole trail and follows its chain of hashes
#[utoipa::path(
    get, path = "/v1/audit/check",
    operation_id = "check_audit_trail", tag = "audit",
    responses(
        (status = 200, body = TrailCheck, description = "Whether it is whole"),
        Asking,
    )
)]
pub async fn check(
    _: Operator,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<TrailCheck>, ApiError> {
    let check = |platform: &Platform| Ok(trail::check(&platform.vault)?);
    let found = blocking(&platform, check).await?;
    Ok(Json(TrailCheck {
        entries: found.entries,
        hash: found.hash,
        broken_at: found.broken_at.map(|number| format!("aud_{number}")),
    }))
}
