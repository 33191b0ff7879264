//! The state at a position as a file, so that a restart replays only what came later.
//!
//! A CBOR sequence (RFC 8742): a head, then rows in blocks, users packed. Numbers and settled orders are not in
//! it: the archive has them. Freezing is cheap and shares memory with the living state; writing it
//! out is done by another thread.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::bank::Transfer;
use crate::brand::Brand;
use crate::ids::{EventNumber, OrderId, TransferId};
use crate::merchant::Merchant;
use crate::order::{Order, OrderState};
use crate::state::{Mode, State};
use crate::table::{Rows, Table};
use crate::user::User;

/// Rows per block: bounds what is held in memory while writing and reading.
const BLOCK: usize = 4_096;

/// The state at one instant, unchanging.
#[derive(Clone, Debug)]
pub struct Frozen {
    mode: Option<Mode>,
    next: EventNumber,
    brands: Vec<Brand>,
    users: Rows<User>,
    merchants: Rows<Merchant>,
    orders: Table<OrderId, Order>,
    transfers: Table<TransferId, Transfer>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Head {
    #[n(0)]
    mode: Option<Mode>,
    #[n(1)]
    next: EventNumber,
    #[n(2)]
    brands: Vec<Brand>,
    #[n(3)]
    users: u64,
    #[n(4)]
    merchants: u64,
    #[n(5)]
    orders: u64,
    #[n(6)]
    transfers: u64,
}

impl State {
    /// The state as it is now. Cheap: memory is shared until rows change.
    #[must_use]
    pub fn freeze(&self) -> Frozen {
        Frozen {
            mode: self.mode,
            next: self.next,
            brands: self.brands.clone(),
            users: self.users.clone(),
            merchants: self.merchants.clone(),
            orders: self.orders.rows().clone(),
            transfers: self.transfers.clone(),
        }
    }
}

impl Frozen {
    /// It holds the effect of every event before this one.
    #[must_use]
    pub fn next_event(&self) -> EventNumber {
        self.next
    }

    /// Writes it.
    pub fn write<W: encode::Write>(&self, out: W) -> Result<(), encode::Error<W::Error>> {
        let open: Vec<(OrderId, &Order)> = self
            .orders
            .sorted()
            .into_iter()
            .filter(|(_, order)| order.state == OrderState::Open)
            .collect();
        let transfers = self.transfers.sorted();
        let mut e = Encoder::new(out);
        e.encode(Head {
            mode: self.mode,
            next: self.next,
            brands: self.brands.clone(),
            users: self.users.len() as u64,
            merchants: self.merchants.len() as u64,
            orders: open.len() as u64,
            transfers: transfers.len() as u64,
        })?;
        packed_users(&mut e, &self.users)?;
        blocks(&mut e, self.merchants.len(), self.merchants.iter())?;
        blocks(&mut e, open.len(), open.iter())?;
        blocks(&mut e, transfers.len(), transfers.iter())
    }
}

/// Users are by far the most rows, so each is packed into 12 bytes, a block of them in a byte string.
fn packed_users<W: encode::Write>(
    e: &mut Encoder<W>,
    users: &Rows<User>,
) -> Result<(), encode::Error<W::Error>> {
    let (mut iter, mut block) = (users.iter().peekable(), Vec::new());
    while iter.peek().is_some() {
        block.clear();
        for user in iter.by_ref().take(BLOCK) {
            block.extend_from_slice(&user.pack());
        }
        e.bytes(&block)?;
    }
    Ok(())
}

fn unpack_users(d: &mut Decoder, count: u64, users: &mut Rows<User>) -> Result<(), decode::Error> {
    while (users.len() as u64) < count {
        let (packed, rest) = d.bytes()?.as_chunks();
        if packed.is_empty() || !rest.is_empty() {
            return Err(wrong_length());
        }
        for user in packed {
            let user = User::unpack(*user).ok_or_else(|| decode::Error::message("not a user"))?;
            users.push(user);
        }
    }
    if users.len() as u64 == count {
        Ok(())
    } else {
        Err(wrong_length())
    }
}

fn wrong_length() -> decode::Error {
    decode::Error::message("a block of the snapshot has a wrong length")
}

fn blocks<W: encode::Write, T: Encode<()>>(
    e: &mut Encoder<W>,
    rows: usize,
    mut iter: impl Iterator<Item = T>,
) -> Result<(), encode::Error<W::Error>> {
    let mut left = rows;
    while left > 0 {
        let size = left.min(BLOCK);
        e.array(size as u64)?;
        for row in iter.by_ref().take(size) {
            e.encode(row)?;
        }
        left = left.saturating_sub(size);
    }
    Ok(())
}

/// Reads a snapshot. Whoever stores it guards it against damage; what does not parse is an error.
pub fn read(bytes: &[u8]) -> Result<State, decode::Error> {
    let mut d = Decoder::new(bytes);
    let head: Head = d.decode()?;
    let mut state = State {
        mode: head.mode,
        next: head.next,
        brands: head.brands,
        ..State::default()
    };
    unpack_users(&mut d, head.users, &mut state.users)?;
    rows(&mut d, head.merchants, |row| state.merchants.push(row))?;
    rows(&mut d, head.orders, |(id, order): (OrderId, Order)| {
        state.orders.insert(id, order);
    })?;
    rows(
        &mut d,
        head.transfers,
        |(id, transfer): (TransferId, Transfer)| {
            state.transfers.insert(id, transfer);
        },
    )?;
    if d.position() != bytes.len() {
        return Err(decode::Error::message(
            "bytes are left over after the snapshot",
        ));
    }
    Ok(state)
}

fn rows<'b, T: Decode<'b, ()>>(
    d: &mut Decoder<'b>,
    count: u64,
    mut push: impl FnMut(T),
) -> Result<(), decode::Error> {
    let mut left = count;
    while left > 0 {
        let size = d.array()?.unwrap_or(0);
        if size == 0 || size > left {
            return Err(wrong_length());
        }
        for _ in 0..size {
            push(d.decode()?);
        }
        left = left.saturating_sub(size);
    }
    Ok(())
}
