//! Money in and out: top-ups and withdrawals, pending until the bank answers.

pub mod answer;
pub mod fee;
pub mod top_up;
pub mod withdraw;

use minicbor::{Decode, Encode};

use crate::ids::UserId;
use crate::money::Fen;
use crate::time::UnixMillis;

/// A top-up or withdrawal that the bank has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Transfer {
    /// Whose wallet.
    #[n(0)]
    pub user: UserId,
    /// In or out.
    #[n(1)]
    pub direction: Direction,
    /// How much.
    #[n(2)]
    pub amount: Fen,
    /// When the bank was asked.
    #[n(3)]
    pub at: UnixMillis,
    /// What the platform takes once the bank pays; none if the brand had no terms.
    #[n(4)]
    pub fee: Option<Fen>,
}

impl Transfer {
    /// What left the wallet, or will reach it.
    #[must_use]
    pub fn with_fee(&self) -> Fen {
        let fee = self.fee.unwrap_or_default();
        self.amount.plus(fee).expect("the wallet had both")
    }
}

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Direction {
    /// From the bank into the wallet.
    #[n(0)]
    TopUp,
    /// From the wallet to the bank.
    #[n(1)]
    Withdrawal,
}
