//! What the wallet opens with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Extract;
use feiqian_core::bank::Direction;
use feiqian_core::{Account, Fen, State};
use serde::Serialize;

use super::Shopper;
use super::entries::{Entry, newest};
use super::requests::{self, MoneyRequest};
use super::words::Language;
use crate::platform::Platform;
use crate::v1::error::ApiError;

/// Entries shown at home.
const RECENT: usize = 5;

/// Everything at a glance.
#[derive(Debug, Serialize)]
pub struct Home {
    balance: i64,
    on_the_way: i64,
    requests: Vec<MoneyRequest>,
    recent: Vec<Entry>,
}

/// GET home
pub async fn show(
    Shopper { user, .. }: Shopper,
    language: Language,
    Extract(platform): Extract<Arc<Platform>>,
) -> Result<Json<Home>, ApiError> {
    let read = move |state: &State| {
        let withdrawals = state.pending_transfers().into_iter().filter(|(_, transfer)| {
            transfer.user == user && transfer.direction == Direction::Withdrawal
        });
        let on_the_way = withdrawals.map(|(_, transfer)| transfer.amount.0).sum();
        (state.balance(Account::Wallet(user)), on_the_way)
    };
    let (balance, on_the_way) = platform.engine.read(read).await?;
    Ok(Json(Home {
        balance: balance.unwrap_or(Fen::ZERO).0,
        on_the_way,
        requests: requests::waiting(&platform, user).await?,
        recent: newest(&platform, user, language, RECENT).await?,
    }))
}
