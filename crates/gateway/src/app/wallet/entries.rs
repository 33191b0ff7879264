//! The statement: what moved the wallet's money, newest first, with filters.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::{Account, Event, EventNumber, Fen, State, UnixMillis, UserId};
use serde::{Deserialize, Serialize};

use super::moves::{EntryKind, Move, MoveState, Other};
use super::words::Language;
use super::{Shopper, bank, names, transfers};
use crate::platform::Platform;
use crate::v1::ask;
use crate::v1::error::ApiError;
use crate::v1::fields::{BadText, OrderIdRef, Text, Time};
use crate::v1::granted::Names;
use crate::v1::input::{PAGE_DEFAULT, Queried, limit};

/// Events looked at for one page: what is rare in a long statement is found page by page.
const LOOKED_AT_MAX: usize = 2_000;
/// Events read at once.
const CHUNK: usize = 100;

/// An entry's id: `e_17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef(pub EventNumber);

impl std::str::FromStr for EntryRef {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        let digits = text.strip_prefix("e_").filter(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && (*digits == "0" || !digits.starts_with('0'))
        });
        digits
            .and_then(|digits| digits.parse().ok())
            .map(|number| Self(EventNumber(number)))
            .ok_or(BadText("an entry's id is e_ and a number"))
    }
}

impl Serialize for EntryRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("e_{}", self.0))
    }
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub(super) id: EntryRef,
    pub(super) at: Time,
    pub(super) kind: EntryKind,
    pub(super) amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) balance_after: Option<i64>,
    pub(super) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_id: Option<OrderIdRef>,
    pub(super) state: MoveState,
}

/// A part of a list.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// The things.
    pub data: Vec<T>,
    /// Where the next part begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Place>,
}

impl<T> List<T> {
    /// All there is.
    pub fn whole(data: Vec<T>) -> Self {
        Self {
            data,
            next_cursor: None,
        }
    }
}

/// A place in a statement: before an event, with the balance there if it is known. Opaque outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    before: EventNumber,
    balance: Option<i64>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.balance {
            Some(balance) => write!(f, "p_{}_{balance}", self.before),
            None => write!(f, "p_{}", self.before),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for Place {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        let read = || {
            let mut parts = text.strip_prefix("p_")?.splitn(2, '_');
            let before = EventNumber(parts.next()?.parse().ok()?);
            let balance = parts.next().map(str::parse).transpose().ok()?;
            Some(Self { before, balance })
        };
        // Only what is written here is read.
        read()
            .filter(|place| place.to_string() == text)
            .ok_or(BadText("this is no cursor of a list"))
    }
}

/// Which entries are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    kind: Option<EntryKind>,
    from: Option<Time>,
    to: Option<Time>,
    q: Option<Text<64>>,
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u16>,
    cursor: Option<String>,
}

impl Wanted {
    fn kind(&self, entry: &Move) -> bool {
        self.kind.is_none_or(|kind| kind == entry.kind)
    }

    /// Whether the entry has the text in its title, note or amount.
    fn text(&self, entry: &Entry) -> bool {
        let Some(Text(text)) = &self.q else {
            return true;
        };
        let text = text.trim().to_lowercase();
        let amount = Fen(entry.amount.saturating_abs()).to_string();
        let texts = [Some(&entry.title), entry.note.as_ref()];
        texts
            .into_iter()
            .flatten()
            .any(|own| own.to_lowercase().contains(&text))
            || amount.starts_with(&text)
    }
}

/// GET entries: a part of the caller's statement.
pub async fn list(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
    Queried(wanted): Queried<Wanted>,
) -> Result<Json<List<Entry>>, ApiError> {
    part(&platform, user, language, &wanted).await.map(Json)
}

/// The newest entries.
pub(super) async fn newest(
    platform: &Platform,
    user: UserId,
    language: Language,
    limit: u16,
) -> Result<Vec<Entry>, ApiError> {
    let wanted = Wanted {
        limit: Some(limit),
        ..Wanted::default()
    };
    Ok(part(platform, user, language, &wanted).await?.data)
}

async fn part(
    platform: &Platform,
    user: UserId,
    language: Language,
    wanted: &Wanted,
) -> Result<List<Entry>, ApiError> {
    let limit = usize::from(wanted.limit.unwrap_or(PAGE_DEFAULT));
    let mut place = start(platform, user, wanted).await?;
    let mut data = Vec::with_capacity(limit);
    let mut looked_at = 0_usize;
    loop {
        let rows = read_before(platform, user, place.before).await?;
        let ended = rows.len() < CHUNK;
        for (event, content) in &rows {
            if wanted.from.is_some_and(|from| content.at() < from.0) {
                return Ok(List::whole(data));
            }
            let entry = Move::of(user, *event, content);
            let balance_after = place.balance;
            place = Place {
                before: *event,
                balance: place.balance.map(|after| {
                    after.saturating_sub(entry.as_ref().map_or(0, |entry| entry.amount))
                }),
            };
            if let Some(entry) = entry.filter(|entry| wanted.kind(entry)) {
                let entry = view(platform, language, &entry, content, balance_after).await?;
                if wanted.text(&entry) {
                    data.push(entry);
                }
            }
            looked_at = looked_at.saturating_add(1);
            if data.len() == limit || looked_at == LOOKED_AT_MAX {
                let next_cursor = Some(place);
                return Ok(List { data, next_cursor });
            }
        }
        if ended {
            return Ok(List::whole(data));
        }
    }
}

/// The events before one that moved the wallet's money, newest first.
async fn read_before(
    platform: &Platform,
    user: UserId,
    before: EventNumber,
) -> Result<Vec<(EventNumber, Event)>, ApiError> {
    let account = Account::Wallet(user);
    ask(platform, move |store| {
        store.entries(account, Some(before), CHUNK)
    })
    .await
}

/// Where the list begins: at the cursor, at the end of the time asked for, or now.
async fn start(platform: &Platform, user: UserId, wanted: &Wanted) -> Result<Place, ApiError> {
    if let Some(cursor) = &wanted.cursor {
        let bad = |error: BadText| ApiError::invalid("query_bad", error.to_string()).at("cursor");
        return cursor.parse().map_err(bad);
    }
    if let Some(Time(to)) = wanted.to {
        let before = ask(platform, move |store| store.first_event_at(to)).await?;
        return Ok(Place {
            before,
            balance: None,
        });
    }
    // The balance before an event yet to come, so that every entry's follows from it.
    let read = move |state: &State| (state.next_event(), state.balance(Account::Wallet(user)));
    let (before, balance) = platform.engine.read(read).await?;
    Ok(Place {
        before,
        balance: balance.map(|balance| balance.0),
    })
}

/// All entries of a time, oldest first, each with the balance after it; at most `most`.
pub(super) async fn between(
    platform: &Platform,
    user: UserId,
    language: Language,
    from: UnixMillis,
    to: UnixMillis,
    most: usize,
) -> Result<Vec<Entry>, ApiError> {
    let mut place = start(platform, user, &Wanted::default()).await?;
    let mut entries = Vec::new();
    loop {
        let rows = read_before(platform, user, place.before).await?;
        let ended = rows.len() < CHUNK || rows.last().is_some_and(|(_, last)| last.at() < from);
        for (event, content) in &rows {
            let balance = place.balance;
            place.before = *event;
            let Some(entry) = Move::of(user, *event, content) else {
                continue;
            };
            place.balance = balance.map(|after| after.saturating_sub(entry.amount));
            if (from..to).contains(&entry.at) {
                if entries.len() == most {
                    let message = format!("more than {most} entries: ask for a shorter time");
                    return Err(ApiError::invalid("too_many_entries", message).at("from"));
                }
                entries.push(view(platform, language, &entry, content, balance).await?);
            }
        }
        if ended {
            entries.reverse();
            return Ok(entries);
        }
    }
}

/// A move as people read it.
async fn view(
    platform: &Platform,
    language: Language,
    entry: &Move,
    content: &Event,
    balance_after: Option<i64>,
) -> Result<Entry, ApiError> {
    Ok(Entry {
        id: EntryRef(entry.event),
        at: entry.at.into(),
        kind: entry.kind,
        amount: entry.amount,
        balance_after,
        title: title(platform, language, entry.other).await?,
        note: note(platform, entry, content).await?,
        order_id: entry.order.map(Into::into),
        state: state(platform, entry).await?,
    })
}

/// Who stands on the other side, as the user reads it.
pub(super) async fn title(
    platform: &Platform,
    language: Language,
    other: Other,
) -> Result<String, ApiError> {
    Ok(match other {
        Other::Shop(merchant) => platform.shop_name(merchant).await?,
        Other::ShopOf(order) => match ask(platform, move |store| store.order(order)).await? {
            Some(story) => platform.shop_name(story.created.merchant).await?,
            None => String::new(),
        },
        Other::Person(user) => names::of(platform, user)?,
        Other::PayeeOf(id) => match ask(platform, move |store| store.remittance(id)).await? {
            Some(story) => transfers::payee_shown(platform, &story)?,
            None => String::new(),
        },
        Other::SenderOf(id) => match ask(platform, move |store| store.packet(id)).await? {
            Some(story) => names::of(platform, story.sent.sender)?,
            None => String::new(),
        },
        Other::Anybody => language.pick("Red packet", "红包").to_owned(),
        Other::Bank => language.pick("Bank", "银行").to_owned(),
        Other::Platform => language.pick("Feiqian", "飞钱").to_owned(),
    })
}

/// What was said with it.
pub(super) async fn note(
    platform: &Platform,
    entry: &Move,
    content: &Event,
) -> Result<Option<String>, ApiError> {
    if let Some(campaign) = entry.campaign {
        let names = Names::of(platform, [campaign]).await?;
        return Ok(Some(names.get(campaign)));
    }
    if let Event::OrderRefunded(event) = content {
        return Ok(event.reason.as_deref().map(str::to_owned));
    }
    if let Some(remittance) = entry.remittance {
        let story = ask(platform, move |store| store.remittance(remittance)).await?;
        return Ok(story.and_then(|story| story.sent.message.as_deref().map(str::to_owned)));
    }
    match (entry.kind, entry.order) {
        (EntryKind::Payment, Some(order)) => {
            let story = ask(platform, move |store| store.order(order)).await?;
            Ok(story.map(|story| story.created.terms.description.clone()))
        }
        _ => Ok(None),
    }
}

/// What became of it by now.
pub(super) async fn state(platform: &Platform, entry: &Move) -> Result<MoveState, ApiError> {
    if entry.state != MoveState::Pending {
        return Ok(entry.state);
    }
    if let Some(transfer) = entry.transfer {
        let story = ask(platform, move |store| store.transfer(transfer)).await?;
        return Ok(bank::became(story.as_ref()));
    }
    if let Some(remittance) = entry.remittance {
        let story = ask(platform, move |store| store.remittance(remittance)).await?;
        return Ok(transfers::became(story.as_ref()));
    }
    Ok(MoveState::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        for (before, balance) in [(0, None), (17, Some(0)), (u64::MAX, Some(-5))] {
            let place = Place {
                before: EventNumber(before),
                balance,
            };
            assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        }
        for bad in ["", "p_", "p_01", "p_1_", "p_1_+2", "p_1_2_3", "p_-1", "e_1"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_entry_id_is_strict() {
        assert_eq!("e_0".parse::<EntryRef>().unwrap().0, EventNumber(0));
        for bad in [
            "",
            "e_",
            "e_01",
            "e_+1",
            "e_-1",
            "1",
            "e_18446744073709551616",
        ] {
            assert!(bad.parse::<EntryRef>().is_err(), "{bad}");
        }
    }
}
