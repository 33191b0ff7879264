//! Red packets, from the log alone: what each event says must fit the ones before it.

use std::collections::{BTreeMap, BTreeSet};

use feiqian_core::{Event, PacketId, UserId};

/// What is left of a packet.
#[derive(Debug)]
struct Left {
    sender: UserId,
    fen: i64,
    shares: i64,
    takers: BTreeSet<UserId>,
}

/// All packets of a log.
#[derive(Debug, Default)]
pub(super) struct Packets {
    open: BTreeMap<PacketId, Left>,
}

impl Packets {
    /// Reads the next event.
    ///
    /// # Errors
    /// A second share, a draw beyond its bounds, a return that is not all.
    pub fn read(&mut self, number: u64, event: &Event) -> Result<(), String> {
        #[allow(clippy::wildcard_enum_match_arm, reason = "the rest is not of packets")]
        match event {
            Event::PacketSent(event) => {
                let left = Left {
                    sender: event.sender,
                    fen: event.total.0,
                    shares: event.shares.into(),
                    takers: BTreeSet::new(),
                };
                self.open.insert(super::packets::packet_id(number), left);
            }
            Event::ShareGrabbed(event) => {
                let Some(left) = self.open.get_mut(&event.packet) else {
                    return Err(format!("{event:?} is of no open packet"));
                };
                left.draw(event.user, event.amount.0)?;
                if left.shares == 0 {
                    self.open.remove(&event.packet);
                }
            }
            Event::PacketExpired(event) => {
                let left = self.open.remove(&event.packet);
                let right = left.map(|left| (left.sender, left.fen));
                if right != Some((event.sender, event.amount.0)) {
                    return Err(format!("{event:?} should give back {right:?}"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Packets that have something in them still.
    pub fn open(&self) -> usize {
        self.open.len()
    }
}

impl Left {
    /// Between a fen and twice the mean of what is left, and a fen stays for each other; the last takes all.
    fn draw(&mut self, user: UserId, fen: i64) -> Result<(), String> {
        let (left, shares) = (self.fen, self.shares);
        let bounds = if shares == 1 {
            left..=left
        } else {
            1..=(2 * left / shares).min(left - shares + 1)
        };
        let first = self.takers.insert(user);
        if !first || !bounds.contains(&fen) {
            return Err(format!("user {user} takes {fen} fen of {self:?}"));
        }
        (self.fen, self.shares) = (left - fen, shares - 1);
        Ok(())
    }
}
