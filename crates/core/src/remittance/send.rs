//! Send money to a person: to a user at once, or later so that it can be taken back, or to somebody
//! who is not registered yet.
//!
//! Ledger: at once, payer's wallet → payee's, and between the brands' bank reserves; else payer's
//! wallet → its brand's remittances, where it waits. Invariants: one number sends once for ever; a
//! share of a request is paid once, by whom it was asked of and in full.

use minicbor::{Decode, Encode};

use crate::archive::{Archive, ArchiveError};
use crate::command::{Decision, refusals};
use crate::ids::{Digest, Number, RemittanceId, RequestId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::MESSAGE_CHARS_MAX;
use crate::money::Fen;
use crate::numbers::{Asked, Key, Scope};
use crate::remittance::{Remittance, To, reach};
use crate::request::ShareState;
use crate::state::State;
use crate::time::UnixMillis;
use crate::user::UserStatus;
use crate::user::limits::{Above, check, spend};

/// Command. `number` is the payer's; send the same one when trying again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMoney {
    /// Who sends.
    pub payer: UserId,
    /// The payer's number for it.
    pub number: Number,
    /// To whom, and when it arrives.
    pub to: To,
    /// How much.
    pub amount: Fen,
    /// What the payer writes to the payee.
    pub message: Option<Box<str>>,
    /// The request of which it pays the payer's share: at once, and to who asked.
    pub request: Option<RequestId>,
}

/// Event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MoneySent {
    /// When.
    #[n(0)]
    pub at: UnixMillis,
    /// Who sent.
    #[n(1)]
    pub payer: UserId,
    /// The payer's number for it.
    #[n(2)]
    pub number: Number,
    /// Digest of the request.
    #[n(3)]
    pub digest: Digest,
    /// To whom, and when it arrives.
    #[n(4)]
    pub to: To,
    /// How much.
    #[n(5)]
    pub amount: Fen,
    /// It arrives or goes back by itself here; none if it has arrived.
    #[n(6)]
    pub due: Option<UnixMillis>,
    /// What the payer writes to the payee.
    #[n(7)]
    pub message: Option<Box<str>>,
    /// The request of which it pays a share.
    #[n(8)]
    pub request: Option<RequestId>,
    /// What moved between the brands' bank reserves.
    #[n(9)]
    pub reserve: Fen,
    /// See the module.
    #[n(10)]
    pub postings: Postings,
}

refusals! {
    /// The number names another remittance. Final.
    NumberReused = "this number was used for another transfer",
    /// No such user. Final.
    PayerNotFound = "there is no such payer",
    /// Frozen or closed. May succeed once thawed.
    PayerNotActive = "this user may not move money",
    /// No such user. Final.
    PayeeNotFound = "there is no such payee",
    /// Frozen or closed. May succeed once thawed.
    PayeeNotActive = "this payee gets no money now",
    /// The payee is the payer. Final.
    ToOneself = "nobody sends money to themselves",
    /// Outside 1 fen … 10¹² fen. Final.
    AmountOutOfRange = "an amount is 1 fen to 1000000000000 fen",
    /// The message is longer than its limit. Final.
    TextTooLong = "a message has at most 60 characters",
    /// No such request is open. Final.
    RequestNotOpen = "this request is not open any more",
    /// It asks nothing of this payer, or somebody else asked. Final.
    NotAsked = "this request asks nothing of this payer for this payee",
    /// The share is paid or declined already. Final.
    ShareSettled = "this share is paid or declined already",
    /// A share is paid in full and at once. May succeed with this amount.
    OtherShare {
        /// The share.
        amount: Fen
    } = "this share is {amount} yuan, and paid at once",
    /// More than the wallet has. May succeed later.
    BalanceShort {
        /// What the wallet has.
        available: Fen
    } = "the wallet has {available} yuan only",
    /// More than the payer's tier may pay. May succeed on another day.
    AboveLimit {
        /// Which limit, and what it leaves.
        above: Above
    } = "{above}",
}

impl SendMoney {
    pub(crate) fn key(&self) -> Key {
        key(self.payer, self.number)
    }

    fn digest(&self) -> Digest {
        Digest::of(&(self.to, self.amount, self.message.as_deref(), self.request))
    }

    pub(crate) fn fetch(
        &self,
        state: &mut State,
        archive: &dyn Archive,
    ) -> Result<(), ArchiveError> {
        state.recall_number(&self.key(), archive)
    }

    /// What a request says against it.
    fn against_request(&self, state: &State) -> Option<Refusal> {
        let request = match self.request {
            None => return None,
            Some(id) => state.request(id),
        };
        let Some(request) = request else {
            return Some(Refusal::RequestNotOpen);
        };
        let share = request.share(self.payer);
        let Some(share) = share.filter(|_| self.to.payee() == Some(request.asker)) else {
            return Some(Refusal::NotAsked);
        };
        if share.state != ShareState::Open {
            return Some(Refusal::ShareSettled);
        }
        let amount = share.amount;
        (self.amount != amount || self.to != To::Now(request.asker))
            .then_some(Refusal::OtherShare { amount })
    }
}

impl MoneySent {
    pub(crate) fn named(&self) -> (Key, Digest) {
        (key(self.payer, self.number), self.digest)
    }
}

fn key(payer: UserId, number: Number) -> Key {
    Key {
        scope: Scope::Remittances(payer),
        number,
    }
}

/// Decides it.
#[must_use]
pub fn decide(state: &State, now: UnixMillis, command: &SendMoney) -> Decision<MoneySent, Refusal> {
    let digest = command.digest();
    match state.numbers.ask(&command.key(), digest) {
        Asked::New => {}
        Asked::Again(event) => return Decision::Again(event),
        Asked::Other => return Decision::Refuse(Refusal::NumberReused),
    }
    let Some(payer) = state.user(command.payer) else {
        return Decision::Refuse(Refusal::PayerNotFound);
    };
    if payer.status != UserStatus::Active {
        return Decision::Refuse(Refusal::PayerNotActive);
    }
    if let Some(payee) = command.to.payee() {
        match state.user(payee).map(|payee| payee.status) {
            None => return Decision::Refuse(Refusal::PayeeNotFound),
            Some(UserStatus::Active) => {}
            Some(UserStatus::Frozen | UserStatus::Closed) => {
                return Decision::Refuse(Refusal::PayeeNotActive);
            }
        }
        if payee == command.payer {
            return Decision::Refuse(Refusal::ToOneself);
        }
    }
    if !command.amount.is_amount() {
        return Decision::Refuse(Refusal::AmountOutOfRange);
    }
    let fits = |text: &str| text.chars().count() <= MESSAGE_CHARS_MAX;
    if !command.message.as_deref().is_none_or(fits) {
        return Decision::Refuse(Refusal::TextTooLong);
    }
    if let Some(refusal) = command.against_request(state) {
        return Decision::Refuse(refusal);
    }
    if payer.balance < command.amount {
        return Decision::Refuse(Refusal::BalanceShort {
            available: payer.balance,
        });
    }
    if let Err(above) = check(state, now, command.payer, command.amount) {
        return Decision::Refuse(Refusal::AboveLimit { above });
    }
    // After this line it must succeed.
    let wallet = Account::Wallet(command.payer);
    let (reserve, postings) = match command.to {
        To::Now(payee) => reach(state, wallet, command.payer, payee, command.amount),
        To::Later(..) | To::Unregistered(_) => {
            let waits = Account::Remittance(payer.brand);
            let postings = Postings::new().with(wallet, waits, command.amount);
            (Fen::ZERO, postings)
        }
    };
    Decision::Accept(MoneySent {
        at: now,
        payer: command.payer,
        number: command.number,
        digest,
        to: command.to,
        amount: command.amount,
        due: command.to.due(now),
        message: command.message.clone(),
        request: command.request,
        reserve,
        postings,
    })
}

/// Applies it.
pub fn evolve(state: &mut State, event: &MoneySent) {
    if let Some(due) = event.due {
        let row = Remittance {
            payer: event.payer,
            to: event.to,
            amount: event.amount,
            at: event.at,
            due,
        };
        state.remittances.insert(RemittanceId(state.next), row);
    }
    if let Some(request) = event.request {
        state
            .requests
            .settle(request, event.payer, ShareState::Paid);
    }
    spend(state, event.at, event.payer, event.amount);
}

#[cfg(test)]
mod tests {
    use super::Refusal::*;
    use super::*;
    use crate::ids::BrandId;
    use crate::remittance::{Claim, Delay};
    use crate::testing::{
        CLAIM, LEI, MEI, MEI2, NOBODY, REQUEST, ask, cancel, given, nth, pay_share, send,
        set_status, withdraw,
    };
    use crate::user::{Tier, limits::Bound, set_tier::SetTier};
    use To::{Later, Now, Unregistered};

    const RED: Account = Account::Remittance(BrandId(0));

    #[test]
    fn at_once_within_a_brand() {
        given([send("s", Now(MEI2), 30).into()])
            .has(Account::Wallet(MEI), 99_970)
            .has(Account::Wallet(MEI2), 100_030)
            .has(Account::BankReserve(BrandId(0)), 200_000)
            .has(RED, 0);
    }

    /// The payee can withdraw what it got: the bank reserve of its brand has it.
    #[test]
    fn between_brands_the_reserve_goes_with_it() {
        given([send("s", Now(LEI), 30).into()])
            .has(Account::Wallet(LEI), 100_030)
            .has(Account::BankReserve(BrandId(0)), 199_970)
            .has(Account::BankReserve(BrandId(1)), 200_030);
        // What is on its way to the bank stays. No more is short yet than what campaigns gave: by hand.
        let world = given([withdraw(MEI2, "w", 100_000)])
            .doctored(Account::BankReserve(BrandId(0)), 100_010);
        let decision = decide(&world.state, world.now, &send("s", Now(LEI), 30));
        let Decision::Accept(event) = decision else {
            panic!("got {decision:?}")
        };
        assert_eq!((event.reserve, event.amount), (Fen(10), Fen(30)));
    }

    #[test]
    fn else_it_waits() {
        for to in [
            Later(LEI, Delay::TwoHours),
            Later(LEI, Delay::Day),
            Unregistered(CLAIM),
        ] {
            given([send("s", to, 30).into()])
                .has(Account::Wallet(MEI), 99_970)
                .has(Account::Wallet(LEI), 100_000)
                .has(RED, 30);
        }
    }

    #[test]
    fn the_same_number_is_answered_again() {
        let sent = || send("s", Now(LEI), 30);
        let others = [
            SendMoney {
                to: Now(MEI2),
                ..sent()
            },
            SendMoney {
                to: Later(LEI, Delay::Day),
                ..sent()
            },
            SendMoney {
                amount: Fen(31),
                ..sent()
            },
            SendMoney {
                message: Some("hi".into()),
                ..sent()
            },
            SendMoney {
                request: Some(REQUEST),
                ..sent()
            },
        ];
        given([sent().into()])
            .when(sent())
            .answers_again(nth(0))
            .refuses_each(others.map(|other| (other.into(), NumberReused)))
            .when(SendMoney {
                payer: MEI2,
                ..sent()
            })
            .accepts();
    }

    #[test]
    fn a_share_is_paid_once_and_in_full() {
        let open = || given([ask("q", &[(MEI, 30), (MEI2, 40)]).into()]);
        let share = pay_share;
        let (mei, amount) = (|| share(MEI, 30), Fen(30));
        open()
            .refuses_each([
                (
                    SendMoney {
                        request: Some(crate::ids::RequestId(nth(9))),
                        ..mei()
                    }
                    .into(),
                    RequestNotOpen,
                ),
                (
                    SendMoney {
                        to: Now(MEI2),
                        ..mei()
                    }
                    .into(),
                    NotAsked,
                ),
                (
                    SendMoney {
                        to: Unregistered(CLAIM),
                        ..mei()
                    }
                    .into(),
                    NotAsked,
                ),
                (
                    SendMoney {
                        payer: crate::ids::UserId(3),
                        ..mei()
                    }
                    .into(),
                    NotAsked,
                ),
                (share(MEI, 29).into(), OtherShare { amount }),
                (
                    SendMoney {
                        to: Later(LEI, Delay::Day),
                        ..mei()
                    }
                    .into(),
                    OtherShare { amount },
                ),
            ])
            .when(mei())
            .accepts()
            .has(Account::Wallet(LEI), 100_030)
            .when(mei())
            .answers_again(nth(1))
            .when(SendMoney {
                number: crate::testing::number("again"),
                ..mei()
            })
            .refuses(ShareSettled)
            .when(share(MEI2, 40))
            .accepts()
            // The last share: it is done.
            .when(cancel(REQUEST, LEI))
            .refuses(crate::request::cancel::Refusal::RequestNotOpen);
    }

    #[test]
    fn refusals_in_order_of_precedence() {
        let frozen = |user| set_status(user, UserStatus::Frozen);
        let text = |chars| Some("冷".repeat(chars).into());
        let bad = |to, fen| SendMoney {
            message: text(61),
            request: Some(REQUEST),
            ..send("s", to, fen)
        };
        let available = Fen(100_000);
        given([]).refuses_each([
            (
                SendMoney {
                    payer: NOBODY,
                    ..bad(Now(NOBODY), 0)
                }
                .into(),
                PayerNotFound,
            ),
            (bad(Now(NOBODY), 0).into(), PayeeNotFound),
            (bad(Now(MEI), 0).into(), ToOneself),
            (bad(Now(LEI), 0).into(), AmountOutOfRange),
            (bad(Unregistered(Claim(0)), -1).into(), AmountOutOfRange),
            (bad(Now(LEI), 100_001).into(), TextTooLong),
            (
                SendMoney {
                    message: text(60),
                    ..bad(Now(LEI), 100_001)
                }
                .into(),
                RequestNotOpen,
            ),
            (
                send("s", Now(LEI), 100_001).into(),
                BalanceShort { available },
            ),
        ]);
        given([frozen(LEI), frozen(MEI)])
            .when(bad(Now(NOBODY), 0))
            .refuses(PayerNotActive)
            .when(SendMoney {
                payer: MEI2,
                ..bad(Later(LEI, Delay::Day), 0)
            })
            .refuses(PayeeNotActive);
        let tier = Tier::Basic;
        let above = Above {
            bound: Bound::Single,
            left: Fen(50_000),
        };
        given([SetTier { user: MEI, tier }.into()])
            .when(send("s", Now(LEI), 100_001))
            .refuses(BalanceShort { available })
            .when(send("s", Now(LEI), 50_001))
            .refuses(AboveLimit { above })
            .when(send("s", Now(LEI), 50_000))
            .accepts();
    }
}
