//! What the audit knows of one order or transfer, and how its story may go on.

use minicbor::{Decode, Encode};

use crate::bank::Direction;
use crate::bank::answer::{Answer, TransferAnswered};
use crate::event::Event;
use crate::ids::{EventNumber, MerchantId, OrderId, TransferId, UserId};
use crate::ledger::{Account, Postings};
use crate::limits::REFUNDS_PER_ORDER_MAX;
use crate::money::Fen;
use crate::order::pay::OrderPaid;
use crate::order::refund::OrderRefunded;
use crate::order::reverse::OrderReversed;
use crate::time::UnixMillis;

use super::accounts::Accounts;

/// An order, or a transfer that the bank has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Book {
    #[n(0)]
    Order(#[n(0)] Order),
    #[n(1)]
    Transfer(#[n(0)] Transfer),
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Order {
    #[n(0)]
    merchant: MerchantId,
    #[n(1)]
    amount: Fen,
    #[n(2)]
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
enum Stage {
    #[n(0)]
    Open(#[n(0)] Open),
    #[n(1)]
    Paid(#[n(0)] Paid),
    #[n(2)]
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Open {
    #[n(0)]
    until: UnixMillis,
    #[n(1)]
    only_payer: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Paid {
    #[n(0)]
    payer: UserId,
    #[n(1)]
    fee: Fen,
    #[n(2)]
    refunded: Fen,
    #[n(3)]
    refunds: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Transfer {
    #[n(0)]
    user: UserId,
    #[n(1)]
    way: Direction,
    #[n(2)]
    amount: Fen,
}

/// The order or transfer that the event begins.
pub(super) fn begun(event: &Event) -> Option<Book> {
    let transfer = |user, way, amount| Some(Book::Transfer(Transfer { user, way, amount }));
    #[allow(clippy::wildcard_enum_match_arm, reason = "three kinds begin a story")]
    match event {
        Event::OrderCreated(event) => Some(Book::Order(Order {
            merchant: event.merchant,
            amount: event.terms.amount,
            stage: Stage::Open(Open {
                until: event.expires_at,
                only_payer: event.terms.only_payer,
            }),
        })),
        Event::TopUpRequested(event) => transfer(event.user, Direction::TopUp, event.amount),
        Event::WithdrawalRequested(event) => {
            transfer(event.user, Direction::Withdrawal, event.amount)
        }
        _ => None,
    }
}

/// The event that began the story with which this one goes on.
pub(super) fn beginning(event: &Event) -> Option<EventNumber> {
    let order = event.order().map(|OrderId(began)| began);
    order.or_else(|| event.transfer().map(|TransferId(began)| began))
}

/// What the postings should be of an event that goes on with no earlier one.
pub(super) fn expected(event: &Event, accounts: &Accounts) -> Result<Postings, String> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "one kind moves money")]
    match event {
        Event::WithdrawalRequested(event) => {
            let transit = Account::Transit(accounts.brand_of(event.user)?);
            Ok(Postings::new().with(Account::Wallet(event.user), transit, event.amount))
        }
        _ => Ok(Postings::new()),
    }
}

/// Goes on with a story: what the event's postings should be, from what is known of the order or
/// transfer.
pub(super) fn go_on(
    book: &mut Option<Book>,
    event: &Event,
    accounts: &Accounts,
) -> Result<Postings, String> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds go on with nothing"
    )]
    match event {
        Event::TransferAnswered(event) => answered(book, event, accounts),
        Event::OrderPaid(event) => {
            let order = known(book, event.order, event.merchant)?;
            order.paid(event, accounts)
        }
        Event::OrderClosed(event) => {
            known(book, event.order, event.merchant)?.end_open(event.order)?;
            Ok(Postings::new())
        }
        Event::OrderExpired(event) => {
            let order = known(book, event.order, event.merchant)?;
            let until = order.end_open(event.order)?;
            if event.at < until {
                return Err(format!("order {} expires before {until}", event.order));
            }
            Ok(Postings::new())
        }
        Event::OrderReversed(event) => {
            let order = known(book, event.order, event.merchant)?;
            order.reversed(event, accounts)
        }
        Event::OrderRefunded(event) => {
            let order = known(book, event.order, event.merchant)?;
            order.refunded(event, accounts)
        }
        _ => Ok(Postings::new()),
    }
}

fn answered(
    book: &mut Option<Book>,
    event: &TransferAnswered,
    accounts: &Accounts,
) -> Result<Postings, String> {
    let id = event.transfer;
    let Some(Book::Transfer(Transfer { user, way, amount })) = *book else {
        return Err(format!("transfer {id} is not pending"));
    };
    *book = None;
    if user != event.user {
        return Err(format!(
            "transfer {id} is of user {user}, not {}",
            event.user
        ));
    }
    let brand = accounts.brand_of(user)?;
    let wallet = Account::Wallet(user);
    let (reserve, transit) = (Account::BankReserve(brand), Account::Transit(brand));
    Ok(match (way, event.answer) {
        (Direction::TopUp, Answer::Done) => Postings::new().with(reserve, wallet, amount),
        (Direction::TopUp, Answer::Declined) => Postings::new(),
        (Direction::Withdrawal, Answer::Done) => Postings::new().with(transit, reserve, amount),
        (Direction::Withdrawal, Answer::Declined) => Postings::new().with(transit, wallet, amount),
    })
}

fn known(book: &mut Option<Book>, id: OrderId, of: MerchantId) -> Result<&mut Order, String> {
    match book {
        None | Some(Book::Transfer(_)) => Err(format!("order {id} does not exist")),
        Some(Book::Order(order)) if order.merchant != of => {
            Err(format!("order {id} is not of merchant {of}"))
        }
        Some(Book::Order(order)) if order.stage == Stage::Over => {
            Err(format!("order {id} is over"))
        }
        Some(Book::Order(order)) => Ok(order),
    }
}

impl Order {
    fn paid(&mut self, event: &OrderPaid, accounts: &Accounts) -> Result<Postings, String> {
        let brand = accounts.brand_of(event.payer)?;
        let Stage::Open(Open { until, only_payer }) = self.stage else {
            return Err(format!("order {} is paid twice", event.order));
        };
        if event.amount != self.amount {
            return Err(format!("it should be {} yuan", self.amount));
        }
        if event.at >= until {
            return Err(format!("order {} is paid after its end", event.order));
        }
        if only_payer.is_some_and(|only| only != event.payer) {
            return Err(format!("order {} is for another payer", event.order));
        }
        self.stage = Stage::Paid(Paid {
            payer: event.payer,
            fee: event.fee,
            refunded: Fen::ZERO,
            refunds: 0,
        });
        let account = Account::Merchant(event.merchant);
        Ok(Postings::new()
            .with(Account::Wallet(event.payer), account, self.amount)
            .with(account, Account::FeeIncome(brand), event.fee))
    }

    /// Ends an order that was not paid; answers until when it could have been.
    fn end_open(&mut self, id: OrderId) -> Result<UnixMillis, String> {
        let Stage::Open(Open { until, .. }) = self.stage else {
            return Err(format!("order {id} is paid and cannot be closed"));
        };
        self.stage = Stage::Over;
        Ok(until)
    }

    fn reversed(&mut self, event: &OrderReversed, accounts: &Accounts) -> Result<Postings, String> {
        let stated = (event.amount, event.fee_returned);
        if let Stage::Paid(paid) = &self.stage {
            if paid.refunds > 0 {
                return Err("an order with refunds is reversed".into());
            }
            expect_returned(stated, (self.amount, paid.fee))?;
            let back = self.give_back(event.order, self.amount)?;
            self.stage = Stage::Over;
            return back.postings(event.merchant, accounts);
        }
        self.stage = Stage::Over;
        expect_returned(stated, (Fen::ZERO, Fen::ZERO))?;
        Ok(Postings::new())
    }

    fn refunded(&mut self, event: &OrderRefunded, accounts: &Accounts) -> Result<Postings, String> {
        let back = self.give_back(event.order, event.amount)?;
        expect_returned((event.amount, event.fee_returned), (back.amount, back.fee))?;
        if event.payer != back.payer {
            return Err(format!(
                "order {} was paid by user {}",
                event.order, back.payer
            ));
        }
        back.postings(event.merchant, accounts)
    }

    fn give_back(&mut self, id: OrderId, amount: Fen) -> Result<GivenBack, String> {
        let Stage::Paid(paid) = &mut self.stage else {
            return Err(format!("order {id} is not paid and cannot be refunded"));
        };
        let sum = paid.refunded.plus(amount);
        let refunded = sum
            .filter(|sum| *sum <= self.amount)
            .ok_or_else(|| format!("order {id} is refunded above its amount"))?;
        if amount < Fen(1) || paid.refunds >= REFUNDS_PER_ORDER_MAX {
            return Err(format!("order {id} is refunded by nothing or too often"));
        }
        let share = |of| paid.fee.share(of, self.amount);
        let fee = share(refunded)
            .minus(share(paid.refunded))
            .ok_or("its fee share shrinks")?;
        paid.refunded = refunded;
        paid.refunds = paid.refunds.saturating_add(1);
        let payer = paid.payer;
        Ok(GivenBack { payer, amount, fee })
    }
}

struct GivenBack {
    payer: UserId,
    amount: Fen,
    fee: Fen,
}

impl GivenBack {
    fn postings(&self, merchant: MerchantId, accounts: &Accounts) -> Result<Postings, String> {
        let account = Account::Merchant(merchant);
        let fees = Account::FeeIncome(accounts.brand_of(self.payer)?);
        Ok(Postings::new().with(fees, account, self.fee).with(
            account,
            Account::Wallet(self.payer),
            self.amount,
        ))
    }
}

/// An amount and the fee given back with it.
fn expect_returned(stated: (Fen, Fen), expected: (Fen, Fen)) -> Result<(), String> {
    if stated == expected {
        Ok(())
    } else {
        let ((amount, fee), (right, right_fee)) = (stated, expected);
        Err(format!(
            "it gives back {amount} yuan and {fee} of the fee, but should {right} and {right_fee}"
        ))
    }
}

/// Compares an event's postings with what they should be.
pub(super) fn expect_postings(event: &Event, expected: &Postings) -> Result<(), String> {
    let stated = event.postings().map_or(&[][..], |postings| postings);
    if *stated == **expected {
        Ok(())
    } else {
        Err(format!(
            "its postings are {stated:?}, but should be {:?}",
            &**expected
        ))
    }
}
