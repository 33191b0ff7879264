//! What the audit knows of one remittance or request for money, and how its story may go on.

use minicbor::{Decode, Encode};

use crate::event::Event;
use crate::ids::{BrandId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::{DAY_MS, HELD_MS, REQUEST_LIFE_MS, SHARES_PER_REQUEST_MAX};
use crate::money::Fen;
use crate::remittance::send::MoneySent;
use crate::remittance::{Delay, To};
use crate::request::ask::MoneyRequested;
use crate::time::UnixMillis;

use super::accounts::Accounts;
use super::story::Book;

/// A remittance that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Remittance {
    #[n(0)]
    payer: UserId,
    #[n(1)]
    to: To,
    #[n(2)]
    amount: Fen,
    #[n(3)]
    due: UnixMillis,
}

/// A request, and those of its shares that are open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Request {
    #[n(0)]
    asker: UserId,
    #[n(1)]
    open: Vec<(UserId, Fen)>,
    #[n(2)]
    until: UnixMillis,
}

/// The book of what a remittance begins, if it waits.
pub(super) fn sent(event: &MoneySent) -> Option<Book> {
    event.due.map(|due| {
        Book::Remittance(Remittance {
            payer: event.payer,
            to: event.to,
            amount: event.amount,
            due,
        })
    })
}

/// The book of a request.
pub(super) fn asked(event: &MoneyRequested) -> Book {
    Book::Request(Request {
        asker: event.asker,
        open: event.shares.clone(),
        until: event.until,
    })
}

/// Checks what a new remittance says of itself.
pub(super) fn check_sent(event: &MoneySent) -> Result<(), String> {
    let wait = match event.to {
        To::Now(_) => None,
        To::Later(_, Delay::TwoHours) => Some(DAY_MS.div_euclid(12)),
        To::Later(_, Delay::Day) => Some(DAY_MS),
        To::Unregistered(_) => Some(HELD_MS),
    };
    if event.to.payee() == Some(event.payer) {
        return Err("its payer is its payee".into());
    }
    if event.due != wait.map(|ms| event.at.plus(ms)) {
        return Err("it is due at another time".into());
    }
    Ok(())
}

/// Checks what a new request says of itself; whether its payers exist is not its business.
pub(super) fn check_asked(event: &MoneyRequested) -> Result<(), String> {
    let mut payers: Vec<_> = event.shares.iter().map(|(payer, _)| *payer).collect();
    payers.sort_unstable();
    payers.dedup();
    let each_once = payers.len() == event.shares.len() && !payers.contains(&event.asker);
    let amounts = event.shares.iter().all(|(_, amount)| amount.is_amount());
    let count = (1..=SHARES_PER_REQUEST_MAX).contains(&event.shares.len());
    if !each_once || !amounts || !count || event.until != event.at.plus(REQUEST_LIFE_MS) {
        return Err("its shares or its end are not so".into());
    }
    Ok(())
}

/// What the postings of a new remittance should be.
pub(super) fn expected(event: &MoneySent, accounts: &Accounts) -> Result<Postings, String> {
    let wallet = Account::Wallet(event.payer);
    match event.to {
        To::Now(payee) => reach(
            wallet,
            event.payer,
            payee,
            event.amount,
            event.reserve,
            accounts,
        ),
        To::Later(..) | To::Unregistered(_) => {
            let waits = Account::Remittance(accounts.brand_of(event.payer)?);
            expect_reserve(event.reserve, Fen::ZERO)?;
            Ok(Postings::new().with(wallet, waits, event.amount))
        }
    }
}

/// What should move when an amount reaches its payee, with so much of it between the reserves.
pub(super) fn reach(
    from: Account,
    payer: UserId,
    payee: UserId,
    amount: Fen,
    reserve: Fen,
    accounts: &Accounts,
) -> Result<Postings, String> {
    let (ours, theirs): (BrandId, BrandId) = (accounts.brand_of(payer)?, accounts.brand_of(payee)?);
    expect_reserve(reserve, if ours == theirs { Fen::ZERO } else { amount })?;
    let (to, of) = (Account::BankReserve(theirs), Account::BankReserve(ours));
    Ok(Postings::new()
        .with(from, Account::Wallet(payee), amount)
        .with(to, of, reserve))
}

/// No more moves between reserves than the amount, as they may have less.
fn expect_reserve(reserve: Fen, most: Fen) -> Result<(), String> {
    if reserve >= Fen::ZERO && reserve <= most {
        Ok(())
    } else {
        Err(format!("{reserve} yuan move between the reserves"))
    }
}

/// Goes on with a remittance or a request: what the event's postings should be.
pub(super) fn go_on(
    book: &mut Option<Book>,
    event: &Event,
    accounts: &Accounts,
) -> Result<Postings, String> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds go on with neither"
    )]
    match event {
        Event::RemittanceArrived(event) => {
            let row = waiting(book)?;
            row.expect((event.payer, event.amount), event.at >= row.due)?;
            if row.to.payee() != Some(event.payee) {
                return Err("it arrives at somebody else".into());
            }
            row.reach(event.payee, event.reserve, accounts)
        }
        Event::RemittanceAccepted(event) => {
            let row = waiting(book)?;
            row.expect((event.payer, event.amount), event.at < row.due)?;
            if row.to.payee().is_some() {
                return Err("it waited for nobody".into());
            }
            row.reach(event.payee, event.reserve, accounts)
        }
        Event::RemittanceTakenBack(event) => {
            let row = waiting(book)?;
            row.expect((event.payer, event.amount), event.at < row.due)?;
            row.back(accounts)
        }
        Event::RemittanceReturned(event) => {
            let row = waiting(book)?;
            row.expect((event.payer, event.amount), event.at >= row.due)?;
            row.back(accounts)
        }
        Event::MoneySent(event) => {
            let request = open(book)?;
            if event.to != To::Now(request.asker) {
                return Err("a share is paid to who did not ask, or not at once".into());
            }
            request.settle(event.payer, Some(event.amount))?;
            expected(event, accounts)
        }
        Event::ShareDeclined(event) => {
            let request = open(book)?;
            request.expect_asker(event.asker)?;
            request.settle(event.payer, None)
        }
        Event::RequestCancelled(event) => {
            let request = open(book)?;
            request.expect_asker(event.asker)?;
            request.end()
        }
        Event::RequestExpired(event) => {
            let request = open(book)?;
            request.expect_asker(event.asker)?;
            if event.at < request.until {
                return Err(format!("it expires before {}", request.until));
            }
            request.end()
        }
        _ => Ok(Postings::new()),
    }
}

/// The remittance that waits; it does so no longer.
fn waiting(book: &mut Option<Book>) -> Result<Remittance, String> {
    match book.take() {
        Some(Book::Remittance(row)) => Ok(row),
        None | Some(Book::Order(_) | Book::Transfer(_) | Book::Request(_) | Book::Packet(_)) => {
            Err("its remittance does not wait".into())
        }
    }
}

/// The request, while any of its shares is open.
fn open(book: &mut Option<Book>) -> Result<&mut Request, String> {
    match book {
        Some(Book::Request(request)) if !request.open.is_empty() => Ok(request),
        None => Err("its request is not open".into()),
        Some(
            Book::Order(_)
            | Book::Transfer(_)
            | Book::Remittance(_)
            | Book::Request(_)
            | Book::Packet(_),
        ) => Err("its request is not open".into()),
    }
}

impl Remittance {
    fn expect(&self, (payer, amount): (UserId, Fen), in_time: bool) -> Result<(), String> {
        if (payer, amount) != (self.payer, self.amount) {
            return Err(format!(
                "it should be {} yuan of user {}",
                self.amount, self.payer
            ));
        }
        if in_time {
            Ok(())
        } else {
            Err(format!("{} decides otherwise", self.due))
        }
    }

    fn reach(&self, payee: UserId, reserve: Fen, accounts: &Accounts) -> Result<Postings, String> {
        let from = Account::Remittance(accounts.brand_of(self.payer)?);
        reach(from, self.payer, payee, self.amount, reserve, accounts)
    }

    fn back(&self, accounts: &Accounts) -> Result<Postings, String> {
        let from = Account::Remittance(accounts.brand_of(self.payer)?);
        Ok(Postings::new().with(from, Account::Wallet(self.payer), self.amount))
    }
}

impl Request {
    fn expect_asker(&self, asker: UserId) -> Result<(), String> {
        if asker == self.asker {
            Ok(())
        } else {
            Err(format!("user {} asked", self.asker))
        }
    }

    /// Settles a payer's open share, paid with so much or declined.
    fn settle(&mut self, payer: UserId, paid: Option<Fen>) -> Result<Postings, String> {
        let mut shares = self.open.iter();
        let place =
            shares.position(|(of, amount)| *of == payer && paid.is_none_or(|paid| paid == *amount));
        let place = place.ok_or("it asks no such share of this payer")?;
        self.open.remove(place);
        Ok(Postings::new())
    }

    fn end(&mut self) -> Result<Postings, String> {
        self.open.clear();
        Ok(Postings::new())
    }
}
