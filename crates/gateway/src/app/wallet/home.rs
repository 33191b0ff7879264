//! What the wallet opens with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::bank::Direction;
use feiqian_core::{Account, Event, Fen, PacketId, RemittanceId, State, UserId};
use feiqian_store::List;
use serde::Serialize;

use super::Shopper;
use super::confirmations::{self, Confirmation};
use super::entries::{Entry, newest};
use super::requests::{self, MoneyRequest};
use super::words::Language;
use crate::platform::{Platform, unix_millis};
use crate::v1::ask;
use crate::v1::error::ApiError;

/// Entries shown at home.
const RECENT: u16 = 5;
/// What was sent is taken or back after a day; the timers have an hour more.
const SENT_SINCE_MS: i64 = 25 * 60 * 60 * 1_000;
/// Most transfers and packets looked at.
const SENT_MAX: usize = 500;

/// Everything at a glance.
#[derive(Debug, Serialize)]
pub struct Home {
    balance: i64,
    on_the_way: i64,
    confirmations: Vec<Confirmation>,
    requests: Vec<MoneyRequest>,
    recent: Vec<Entry>,
}

/// What this user sent of late that may not have been taken yet; it takes a day at most.
async fn waiting(
    platform: &Platform,
    user: UserId,
) -> Result<(Vec<RemittanceId>, Vec<PacketId>), ApiError> {
    let since = unix_millis().0.saturating_sub(SENT_SINCE_MS);
    ask(platform, move |store| {
        let fresh = |event: &Event| event.at().0 >= since;
        let sent = store.list(List::Remittances(user), None, SENT_MAX)?;
        let sent = sent.into_iter().filter_map(|(number, event)| match &event {
            Event::MoneySent(money) if money.payer == user && fresh(&event) => {
                Some(RemittanceId(number))
            }
            _ => None,
        });
        let packets = store.list(List::Packets(user), None, SENT_MAX)?;
        let packets = packets
            .into_iter()
            .filter_map(|(number, event)| match &event {
                Event::PacketSent(packet) if packet.sender == user && fresh(&event) => {
                    PacketId::new(number)
                }
                _ => None,
            });
        Ok((sent.collect(), packets.collect()))
    })
    .await
}

/// GET home
pub async fn show(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Home>, ApiError> {
    let (sent, packets) = waiting(&platform, user).await?;
    let read = move |state: &State| {
        let withdrawals = state
            .pending_transfers()
            .into_iter()
            .filter(|(_, transfer)| {
                transfer.user == user && transfer.direction == Direction::Withdrawal
            });
        let withdrawn = withdrawals.map(|(_, transfer)| transfer.with_fee().0);
        let sent = sent
            .into_iter()
            .filter_map(|id| Some(state.remittance(id)?.amount.0));
        let left = packets.into_iter();
        let left = left.filter_map(|id| Some(state.balance(Account::Packet(id))?.0));
        let on_the_way = withdrawn.chain(sent).chain(left).sum::<i64>();
        (state.balance(Account::Wallet(user)), on_the_way)
    };
    let (balance, on_the_way) = platform.engine.read(read).await?;
    Ok(Json(Home {
        balance: balance.unwrap_or(Fen::ZERO).0,
        on_the_way,
        confirmations: confirmations::waiting(&platform, user, language).await?,
        requests: requests::waiting(&platform, user).await?,
        recent: newest(&platform, user, language, RECENT).await?,
    }))
}
