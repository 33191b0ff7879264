//! Red packets: sent to one person or as a link, opened once by each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::packet::draw::Seed;
use feiqian_core::packet::grab::GrabShare;
use feiqian_core::packet::send::SendPacket;
use feiqian_core::packet::{self};
use feiqian_core::{Event, EventNumber, Fen, PacketId, UserId};
use feiqian_store::{List, PacketStory};
use serde::{Deserialize, Serialize};

use super::payees::{self, Asker, Peer};
use super::{Nothing, Shopper, SignedShopper, names};
use crate::app::pin;
use crate::platform::{Platform, unix_millis};
use crate::v1::error::ApiError;
use crate::v1::fields::{Amount, Cursor, Text, Time};
use crate::v1::input::{Id, Made, Page, Paging};
use crate::v1::{ask, misplaced};

/// How it is divided.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All shares are alike.
    Equal,
    /// By luck.
    Lucky,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Shares are left.
    Open,
    /// All are taken.
    Empty,
    /// A day has passed; what was left went back.
    Expired,
}

/// A red packet as one person sees it.
#[derive(Debug, Serialize)]
pub struct Packet {
    token: String,
    link: String,
    kind: Kind,
    from: String,
    mine: bool,
    message: String,
    /// Known to the sender and to who opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    shares: u16,
    opened: usize,
    status: Status,
    expires_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    mine_amount: Option<i64>,
    draws: Vec<Draw>,
}

/// A share that somebody took.
#[derive(Debug, Serialize)]
struct Draw {
    who: String,
    amount: i64,
    at: Time,
    mine: bool,
    /// Once all shares are taken.
    luckiest: bool,
}

/// A new red packet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPacket {
    kind: Kind,
    total: Amount,
    shares: u16,
    to: Option<String>,
    message: Option<Text<60>>,
    pin: Option<String>,
}

fn unknown() -> ApiError {
    ApiError::not_found("packet_not_found", "red packet")
}

fn packet_of(platform: &Platform, token: &str) -> Result<PacketId, ApiError> {
    let number = platform.ids.read_packet_token(token).ok_or_else(unknown)?;
    PacketId::new(EventNumber(number)).ok_or_else(unknown)
}

/// POST packets
pub async fn send(
    Peer(address): Peer,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<NewPacket>,
) -> Result<Made<Packet>, ApiError> {
    let SignedShopper {
        shopper,
        number,
        value: new,
    } = signed;
    let (sender, total) = (shopper.user, Fen::from(new.total));
    pin::check(&platform, shopper, number, new.pin.as_deref(), total).await?;
    let to = match &new.to {
        Some(to) => {
            Some(payees::registered(&platform, Asker { shopper, address }, to, "to").await?)
        }
        None => None,
    };
    let mut seed = [0; 16];
    aws_lc_rs::rand::fill(&mut seed).map_err(|error| ApiError::internal(&error))?;
    let receipt = platform
        .engine
        .submit(SendPacket {
            sender,
            number,
            kind: match new.kind {
                Kind::Equal => packet::Kind::Equal,
                Kind::Lucky => packet::Kind::Lucky,
            },
            to,
            total,
            shares: new.shares,
            message: new.message.map(|text| text.0.into()),
            seed: Seed(seed),
        })
        .await?;
    let id = PacketId::new(receipt.event).ok_or_else(|| misplaced(receipt.event))?;
    let value = find(&platform, sender, id).await?;
    Ok(Made {
        again: receipt.again,
        value: value.ok_or_else(|| misplaced(receipt.event))?,
    })
}

/// GET packets/{token}
pub async fn show(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    Id(token): Id<String>,
) -> Result<Json<Packet>, ApiError> {
    let id = packet_of(&platform, &token)?;
    let found = find(&platform, user, id).await?;
    found.map(Json).ok_or_else(unknown)
}

/// POST packets/{token}/open
pub async fn open(
    Id(token): Id<String>,
    Extract(platform): Extract<Arc<Platform>>,
    signed: SignedShopper<Nothing>,
) -> Result<Made<Packet>, ApiError> {
    let (packet, user) = (packet_of(&platform, &token)?, signed.shopper.user);
    let receipt = platform.engine.submit(GrabShare { packet, user }).await?;
    let value = find(&platform, user, packet).await?;
    Ok(Made {
        again: receipt.again,
        value: value.ok_or_else(|| misplaced(receipt.event))?,
    })
}

/// GET packets: sent and received, newest first.
pub async fn list(
    Shopper { user, .. }: Shopper,
    Extract(platform): Extract<Arc<Platform>>,
    paging: Paging,
) -> Result<Json<Page<Packet>>, ApiError> {
    let before = paging.cursor.map(|cursor| EventNumber(cursor.0));
    let limit = paging.limit();
    let rows = ask(&platform, move |store| {
        store.list(List::Packets(user), before, limit.saturating_add(1))
    })
    .await?;
    let rows = Page::cut(rows, limit, |(number, _)| Cursor(number.0));
    let mut ids: Vec<PacketId> = Vec::new();
    for (number, event) in &rows.data {
        let id = match event {
            Event::ShareGrabbed(event) => Some(event.packet),
            _ => PacketId::new(*number),
        };
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    let mut data = Vec::with_capacity(ids.len());
    for id in ids {
        data.extend(find(&platform, user, id).await?);
    }
    Ok(Json(Page {
        data,
        next_cursor: rows.next_cursor,
    }))
}

/// The packet as this user sees it; none if it is for another alone.
async fn find(platform: &Platform, user: UserId, id: PacketId) -> Result<Option<Packet>, ApiError> {
    let story = ask(platform, move |store| store.packet(id)).await?;
    let concerns = |story: &PacketStory| {
        let to = story.sent.to;
        to.is_none_or(|to| to == user) || story.sent.sender == user
    };
    match story.filter(concerns) {
        Some(story) => view(platform, user, id, &story).map(Some),
        None => Ok(None),
    }
}

fn view(
    platform: &Platform,
    user: UserId,
    id: PacketId,
    story: &PacketStory,
) -> Result<Packet, ApiError> {
    let (sent, packet) = (&story.sent, story.packet());
    let status = if packet.shares_left() == 0 {
        Status::Empty
    } else if packet.expired || unix_millis() >= packet.ends() {
        Status::Expired
    } else {
        Status::Open
    };
    let mut draws = Vec::new();
    for (_, event) in &story.later {
        if let Event::ShareGrabbed(event) = event {
            draws.push(Draw {
                who: names::of(platform, event.user)?,
                amount: event.amount.0,
                at: event.at.into(),
                mine: event.user == user,
                luckiest: false,
            });
        }
    }
    let most = draws.iter().map(|draw| draw.amount).max();
    if status == Status::Empty
        && sent.kind == packet::Kind::Lucky
        && sent.shares > 1
        && let Some(luckiest) = draws.iter_mut().find(|draw| Some(draw.amount) == most)
    {
        luckiest.luckiest = true;
    }
    let mine = sent.sender == user;
    let mine_amount = draws.iter().find(|draw| draw.mine).map(|draw| draw.amount);
    let knows = mine || mine_amount.is_some();
    let opened = draws.len();
    if !knows {
        draws.clear();
    }
    let token = platform.ids.packet_token(id.event().0);
    Ok(Packet {
        link: format!("{}/q/p/{token}", platform.base_url),
        token,
        kind: match sent.kind {
            packet::Kind::Equal => Kind::Equal,
            packet::Kind::Lucky => Kind::Lucky,
        },
        from: names::of(platform, sent.sender)?,
        mine,
        message: sent.message.as_deref().unwrap_or_default().to_owned(),
        total: knows.then_some(sent.total.0),
        shares: sent.shares,
        opened,
        status,
        expires_at: packet.ends().into(),
        mine_amount,
        draws,
    })
}
