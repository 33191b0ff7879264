//! Ask persons for money: one share is a request, several are a split bill.
//!
//! Ledger: none; a share is paid by a remittance that names the request. Invariant: one number asks
//! once for ever.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, Number, RequestId, UserId};
use crate::limits::{
    MESSAGE_CHARS_MAX, REQUEST_LIFE_MS, REQUESTS_PER_USER_MAX, SHARES_PER_REQUEST_MAX,
};
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::request::{Request, Share, ShareState};
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;

/// Command. `number` is the asker's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMoney {
    /// Who asks.
    pub asker: UserId,
    /// The asker's number for it.
    pub number: Number,
    /// Of whom, and how much.
    pub shares: Vec<(UserId, Fen)>,
    /// What for.
    pub note: Box<str>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MoneyRequested {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who asked.
    #[n(1)]
    pub asker: UserId,
    /// The asker's number for it.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// Of whom, and how much.
    #[n(4)]
    pub shares: Vec<(UserId, Fen)>,
    /// What for.
    #[n(5)]
    pub note: Box<str>,
    /// It ends here.
    #[n(6)]
    pub until: UnixMillis,
}

refusals! {
    /// The number names another request. Final.
    NumberReused = "this number was used for another request",
    /// No such user. Final.
    AskerNotFound = "there is no such user",
    /// Frozen or closed. May succeed once thawed.
    AskerNotActive = "this user may not move money",
    /// No share, or more than 50. Final.
    SharesOutOfRange = "money is asked of 1 to 50 persons",
    /// The note is longer than its limit. Final.
    TextTooLong = "a note has at most 60 characters",
    /// A share is of a user whom there is not. Final.
    PayerNotFound = "there is no such payer",
    /// A share is of a closed user. Final.
    PayerClosed = "a payer is closed for good",
    /// A share is of the asker. Final.
    OfOneself = "nobody asks themselves for money",
    /// Two shares are of one user. Final.
    AskedTwice = "a payer has two shares",
    /// A share is outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// The asker has as many open requests as may be. May succeed later.
    TooManyOpen = "this user has 100 open requests already",
}

impl RequestMoney {
    pub(crate) fn key(&self) -> Key {
        key(self.asker, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&(&self.shares, &self.note))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }

    fn flawed_share(&self, state: &State) -> Option<Refusal> {
        for (place, (payer, amount)) in self.shares.iter().enumerate() {
            let earlier = self.shares.iter().take(place);
            match state.user(*payer).map(|row| row.status) {
                None => return Some(Refusal::PayerNotFound),
                Some(UserStatus::Closed) => return Some(Refusal::PayerClosed),
                Some(UserStatus::Active | UserStatus::Frozen) => {}
            }
            if *payer == self.asker {
                return Some(Refusal::OfOneself);
            }
            if earlier.into_iter().any(|(other, _)| other == payer) {
                return Some(Refusal::AskedTwice);
            }
            if !amount.is_amount() {
                return Some(Refusal::AmountOutOfRange);
            }
        }
        None
    }
}

impl MoneyRequested {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.asker, self.number), self.digest)
    }

    /// The request, as it begins.
    #[must_use]
    pub fn request(&self) -> Request {
        let open = |(payer, amount): &(UserId, Fen)| Share {
            payer: *payer,
            amount: *amount,
            state: ShareState::Open,
        };
        Request {
            asker: self.asker,
            shares: self.shares.iter().map(open).collect(),
            until: self.until,
        }
    }
}

fn key(asker: UserId, number: Number) -> Key {
    Key {
        scope: Scope::Requests(asker),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(
    state: &State,
    now: UnixMillis,
    command: &RequestMoney,
) -> Decision<MoneyRequested, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(asker) = state.user(command.asker) else {
        return Decision::Refuse(Refusal::AskerNotFound);
    };
    if asker.status != UserStatus::Active {
        return Decision::Refuse(Refusal::AskerNotActive);
    }
    if !(1..=SHARES_PER_REQUEST_MAX).contains(&command.shares.len()) {
        return Decision::Refuse(Refusal::SharesOutOfRange);
    }
    if command.note.chars().count() > MESSAGE_CHARS_MAX {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    if let Some(refusal) = command.flawed_share(state) {
        return Decision::Refuse(refusal);
    }
    if state.requests.open_of(command.asker) >= REQUESTS_PER_USER_MAX {
        return Decision::Refuse(Refusal::TooManyOpen);
    }
    Decision::Accept(MoneyRequested {
        at: now,
        asker: command.asker,
        number: command.number,
        digest,
        shares: command.shares.clone(),
        note: command.note.clone(),
        until: now.plus(REQUEST_LIFE_MS),
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &MoneyRequested) {
    let id = RequestId(state.next);
    state.requests.insert(id, event.request());
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::testing::{LEI, MEI, MEI2, NOBODY, REQUEST, ask, given, nth, number, set_status};

    #[test]
    fn a_bill_is_split() {
        let world = given([ask("q", &[(MEI, 30), (MEI2, 40)]).into()]);
        let request = world.state.request(REQUEST).unwrap();
        assert_eq!(request.asker, LEI);
        assert_eq!(request.until, world.now.plus(REQUEST_LIFE_MS));
        let open = ShareState::Open;
        let share = |payer, fen| Share {
            payer,
            amount: Fen(fen),
            state: open,
        };
        assert_eq!(request.shares, [share(MEI, 30), share(MEI2, 40)]);
        world
            .when(ask("q", &[(MEI, 30), (MEI2, 40)]))
            .answers_again(nth(0))
            .when(ask("q", &[(MEI, 30), (MEI2, 41)]))
            .refuses(NumberReused);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let long = |shares: &[(UserId, i64)]| RequestMoney {
            note: "冷".repeat(61).into(),
            ..ask("q", shares)
        };
        let of_nobody = RequestMoney {
            asker: NOBODY,
            ..long(&[])
        };
        let many: Vec<_> = (0..51).map(|_| (MEI, 1)).collect();
        given([])
            .refuses_each([
                (of_nobody.into(), AskerNotFound),
                (long(&[]).into(), SharesOutOfRange),
                (long(&many).into(), SharesOutOfRange),
                (long(&[(NOBODY, 0)]).into(), TextTooLong),
                (ask("q", &[(NOBODY, 0)]).into(), PayerNotFound),
                (ask("q", &[(LEI, 0)]).into(), OfOneself),
                (ask("q", &[(MEI, 1), (MEI, 0)]).into(), AskedTwice),
                (ask("q", &[(MEI, 0)]).into(), AmountOutOfRange),
            ])
            .when(set_status(MEI, UserStatus::Closed))
            .when(ask("q", &[(MEI, 0)]))
            .refuses(PayerClosed)
            .when(set_status(LEI, UserStatus::Frozen))
            .when(long(&[]))
            .refuses(AskerNotActive);
    }

    #[test]
    fn a_hundred_are_open_at_most() {
        let mut world = given([]);
        for n in 0..REQUESTS_PER_USER_MAX {
            world.accept(&ask(&format!("q{n}"), &[(MEI, 1)]).into());
        }
        let other = RequestMoney {
            asker: MEI2,
            number: number("q"),
            ..ask("q", &[(MEI, 1)])
        };
        world
            .when(ask("q", &[(MEI, 1)]))
            .refuses(TooManyOpen)
            .when(other)
            .accepts()
            .when(crate::testing::cancel(REQUEST, LEI))
            .accepts()
            .when(ask("q", &[(MEI, 1)]))
            .accepts();
    }
}
