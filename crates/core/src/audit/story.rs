//! What the audit knows of one order, transfer or red packet, and how its story may go on.

use minicbor::{Decode, Encode};

use crate::bank::Direction;
use crate::bank::answer::{Answer, TransferAnswered};
use crate::campaign::grant::{Granted, Part, RebateBack, RebateStage, Returned};
use crate::campaign::payout::RebatePaid;
use crate::event::Event;
use crate::ids::{
    EventNumber, MerchantId, OrderId, PacketId, RemittanceId, RequestId, TransferId, UserId,
};
use crate::ledger::{Account, Postings};
use crate::limits::{PAY_CODE_UNASKED_MAX, REFUNDS_PER_ORDER_MAX};
use crate::money::Fen;
use crate::order::decline::OrderDeclined;
use crate::order::pay::OrderPaid;
use crate::order::refund::OrderRefunded;
use crate::order::reverse::OrderReversed;
use crate::order::spend_code::CodeSpent;
use crate::time::UnixMillis;

use super::accounts::Accounts;
use super::packets::{self, Packet};
use super::people;

/// An order, a transfer that the bank has not answered, a remittance that waits, a request, or a red
/// packet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Book {
    #[n(0)]
    Order(#[n(0)] Order),
    #[n(1)]
    Transfer(#[n(0)] Transfer),
    #[n(2)]
    Remittance(#[n(0)] people::Remittance),
    #[n(3)]
    Request(#[n(0)] people::Request),
    #[n(4)]
    Packet(#[n(0)] Box<Packet>),
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
    /// Who showed a pay code last, and whether it waits for that shopper's consent.
    #[n(2)]
    shown: Option<(UserId, bool)>,
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
    #[n(4)]
    given: Option<Box<Given>>,
    /// Reversed: only its rebate may still be paid out, of which nothing is left.
    #[n(5)]
    undone: bool,
}

/// What campaigns had in a payment, and what they got back so far.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Given {
    #[n(0)]
    granted: Granted,
    /// Platform's and funder's parts, of each grant.
    #[n(1)]
    back: Vec<(Fen, Fen)>,
    /// The same of the rebate.
    #[n(2)]
    rebate_back: (Fen, Fen),
    #[n(3)]
    arrived: bool,
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
    /// Of a withdrawal that was counted.
    #[n(3)]
    fee: Option<Fen>,
    #[n(4)]
    month: (i32, u8),
}

/// The order, transfer or packet that the event begins.
pub(super) fn begun(event: &Event) -> Option<Book> {
    let transfer = |user, way, amount, fee| {
        Some(Book::Transfer(Transfer {
            user,
            way,
            amount,
            fee,
            month: event.at().day().year_and_month(),
        }))
    };
    #[allow(clippy::wildcard_enum_match_arm, reason = "few kinds begin a story")]
    match event {
        Event::OrderCreated(event) => Some(Book::Order(Order {
            merchant: event.merchant,
            amount: event.terms.amount,
            stage: Stage::Open(Open {
                until: event.expires_at,
                only_payer: event.terms.only_payer,
                shown: None,
            }),
        })),
        Event::TopUpRequested(event) => transfer(event.user, Direction::TopUp, event.amount, None),
        Event::WithdrawalRequested(event) => {
            transfer(event.user, Direction::Withdrawal, event.amount, event.fee)
        }
        Event::PacketSent(event) => Some(Book::Packet(Box::new(Packet::of(event)))),
        Event::MoneySent(event) => people::sent(event),
        Event::MoneyRequested(event) => Some(people::asked(event)),
        _ => None,
    }
}

/// The event that began the story with which this one goes on.
pub(super) fn beginning(event: &Event) -> Option<EventNumber> {
    let order = event.order().map(|OrderId(began)| began);
    order
        .or_else(|| event.packet().map(PacketId::event))
        .or_else(|| event.transfer().map(|TransferId(began)| began))
        .or_else(|| event.remittance().map(|RemittanceId(began)| began))
        .or_else(|| event.request().map(|RequestId(began)| began))
}

/// What the postings should be of an event that goes on with no earlier one.
pub(super) fn expected(
    number: EventNumber,
    event: &Event,
    accounts: &Accounts,
) -> Result<Postings, String> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "few kinds move money")]
    match event {
        Event::BrandFunded(event) => {
            let (reserve, capital) = (
                Account::BankReserve(event.brand),
                Account::Capital(event.brand),
            );
            Ok(Postings::new().with(reserve, capital, event.amount))
        }
        Event::CampaignStepped(_) | Event::CampaignEnded(_) | Event::BudgetChanged(_) => {
            accounts.campaigns.expected(event)
        }
        Event::SubsidyPaid(event) => {
            let (payer, payee) = (
                Account::Merchant(event.payer),
                Account::Merchant(event.payee),
            );
            Ok(Postings::new().with(payer, payee, event.amount))
        }
        Event::SubsidyReturned(event) => {
            let (payer, payee) = (
                Account::Merchant(event.payer),
                Account::Merchant(event.merchant),
            );
            Ok(Postings::new().with(payee, payer, event.amount))
        }
        Event::WithdrawalRequested(event) => {
            let transit = Account::Transit(accounts.brand_of(event.user)?);
            let fee = event.fee.unwrap_or_default();
            let total = event.amount.plus(fee).ok_or("its fee overflows")?;
            Ok(Postings::new().with(Account::Wallet(event.user), transit, total))
        }
        Event::PacketSent(event) => packets::sent(number, event, accounts),
        Event::MoneySent(event) => people::expected(event, accounts),
        _ => Ok(Postings::new()),
    }
}

/// Goes on with a story: what the event's postings should be, from what is known of the order,
/// transfer or packet.
pub(super) fn go_on(
    book: &mut Option<Book>,
    number: EventNumber,
    event: &Event,
    accounts: &Accounts,
) -> Result<Postings, String> {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds are of persons"
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
        Event::CodeSpent(event) => {
            known(book, event.order, event.merchant)?.code_spent(event)?;
            Ok(Postings::new())
        }
        Event::OrderDeclined(event) => {
            known(book, event.order, event.merchant)?.declined(event)?;
            Ok(Postings::new())
        }
        Event::OrderReversed(event) => {
            let order = known(book, event.order, event.merchant)?;
            order.reversed(event, number, accounts)
        }
        Event::OrderRefunded(event) => {
            let order = known(book, event.order, event.merchant)?;
            order.refunded(event, number, accounts)
        }
        Event::RebatePaid(event) => match book {
            Some(Book::Order(order)) => order.rebate_paid(event),
            None => Err(format!("order {} does not exist", event.order)),
            Some(Book::Transfer(_) | Book::Remittance(_) | Book::Request(_) | Book::Packet(_)) => {
                Err(format!("order {} does not exist", event.order))
            }
        },
        Event::ShareGrabbed(event) => packet(book, event.packet)?.grabbed(event, accounts),
        Event::PacketExpired(event) => packet(book, event.packet)?.expired(event),
        other => people::go_on(book, other, accounts),
    }
}

fn answered(
    book: &mut Option<Book>,
    event: &TransferAnswered,
    accounts: &Accounts,
) -> Result<Postings, String> {
    let id = event.transfer;
    let Some(Book::Transfer(transfer)) = *book else {
        return Err(format!("transfer {id} is not pending"));
    };
    *book = None;
    let Transfer {
        user, way, amount, ..
    } = transfer;
    if user != event.user {
        return Err(format!(
            "transfer {id} is of user {user}, not {}",
            event.user
        ));
    }
    let declined = event.answer == Answer::Declined && transfer.fee.is_some();
    let same_month = transfer.month == event.at.day().year_and_month();
    let back = (declined && same_month).then_some(amount);
    if event.uncounted != back {
        return Err(format!("{back:?} should go back to the month's quota"));
    }
    let fee = transfer.fee.unwrap_or_default();
    let total = amount.plus(fee).ok_or("its fee overflows")?;
    let brand = accounts.brand_of(user)?;
    let (wallet, income) = (Account::Wallet(user), Account::FeeIncome(brand));
    let (reserve, transit) = (Account::BankReserve(brand), Account::Transit(brand));
    Ok(match (way, event.answer) {
        (Direction::TopUp, Answer::Done) => Postings::new().with(reserve, wallet, amount),
        (Direction::TopUp, Answer::Declined) => Postings::new(),
        (Direction::Withdrawal, Answer::Done) => Postings::new()
            .with(transit, reserve, amount)
            .with(transit, income, fee),
        (Direction::Withdrawal, Answer::Declined) => Postings::new().with(transit, wallet, total),
    })
}

fn packet(book: &mut Option<Book>, id: PacketId) -> Result<&mut Packet, String> {
    match book {
        Some(Book::Packet(packet)) => Ok(packet),
        None => Err(format!("packet {id} does not exist")),
        Some(Book::Order(_) | Book::Transfer(_) | Book::Remittance(_) | Book::Request(_)) => {
            Err(format!("packet {id} does not exist"))
        }
    }
}

fn known(book: &mut Option<Book>, id: OrderId, of: MerchantId) -> Result<&mut Order, String> {
    match book {
        None => Err(format!("order {id} does not exist")),
        Some(Book::Transfer(_) | Book::Remittance(_) | Book::Request(_) | Book::Packet(_)) => {
            Err(format!("order {id} does not exist"))
        }
        Some(Book::Order(order)) if order.merchant != of => {
            Err(format!("order {id} is not of merchant {of}"))
        }
        Some(Book::Order(Order {
            stage: Stage::Over | Stage::Paid(Paid { undone: true, .. }),
            ..
        })) => Err(format!("order {id} is over")),
        Some(Book::Order(order)) => Ok(order),
    }
}

impl Open {
    /// Whether it may be paid so.
    fn check(&self, event: &OrderPaid) -> Result<(), String> {
        if event.at >= self.until {
            return Err(format!("order {} is paid after its end", event.order));
        }
        let shown = self.shown.map(|(payer, _)| payer);
        let mut only = self.only_payer.iter().chain(&shown);
        if only.any(|only| *only != event.payer) {
            return Err(format!("order {} is for another payer", event.order));
        }
        Ok(())
    }
}

impl Order {
    fn paid(&mut self, event: &OrderPaid, accounts: &Accounts) -> Result<Postings, String> {
        let brand = accounts.brand_of(event.payer)?;
        let Stage::Open(open) = &self.stage else {
            return Err(format!("order {} is paid twice", event.order));
        };
        if event.amount != self.amount {
            return Err(format!("it should be {} yuan", self.amount));
        }
        open.check(event)?;
        self.stage = Stage::Paid(Paid {
            payer: event.payer,
            fee: event.fee,
            refunded: Fen::ZERO,
            refunds: 0,
            undone: false,
            given: event.granted.as_deref().map(|granted| {
                Box::new(Given {
                    back: vec![(Fen::ZERO, Fen::ZERO); granted.grants.len()],
                    rebate_back: (Fen::ZERO, Fen::ZERO),
                    arrived: granted.rebate.is_some_and(|rebate| rebate.due.is_none()),
                    granted: granted.clone(),
                })
            }),
        });
        let account = Account::Merchant(event.merchant);
        let wallet = Account::Wallet(event.payer);
        let granted = event.granted.as_deref().cloned().unwrap_or_default();
        let payable = self.amount.minus(granted.discount());
        let payable = payable.ok_or("campaigns grant more than its amount")?;
        let mut postings = Postings::new().with(wallet, account, payable);
        let given = |postings: Postings, id, amount: Fen, platform, to| {
            let funder = amount.minus(platform).unwrap_or_default();
            postings.with(Account::Subsidy(id), to, platform).with(
                Account::CampaignFund(id),
                to,
                funder,
            )
        };
        for grant in &granted.grants {
            postings = given(
                postings,
                grant.campaign,
                grant.amount,
                grant.platform,
                account,
            );
        }
        postings = postings.with(account, Account::FeeIncome(brand), event.fee);
        if let Some(rebate) = granted.rebate {
            let pending = Account::PendingRebate(rebate.campaign);
            let to = if rebate.due.is_some() {
                pending
            } else {
                wallet
            };
            postings = given(
                postings,
                rebate.campaign,
                rebate.amount,
                rebate.platform,
                to,
            );
        }
        Ok(postings)
    }

    fn code_spent(&mut self, event: &CodeSpent) -> Result<(), String> {
        let Stage::Open(open) = &mut self.stage else {
            return Err(format!("order {} is paid and takes no code", event.order));
        };
        if event.at >= open.until || open.only_payer.is_some_and(|only| only != event.payer) {
            return Err(format!("order {} takes no code of theirs", event.order));
        }
        if open.shown.is_some_and(|(_, asked)| asked) {
            return Err(format!("order {} waits for a shopper", event.order));
        }
        if !event.code.is_good_at(event.at) {
            return Err("its code is not of that time".into());
        }
        if event.asked_until.is_none() && self.amount > PAY_CODE_UNASKED_MAX {
            return Err("so much is not paid unasked".into());
        }
        if event.asked_until.is_some_and(|end| end > open.until) {
            return Err(format!(
                "order {} ends before {:?}",
                event.order, event.asked_until
            ));
        }
        open.shown = Some((event.payer, event.asked_until.is_some()));
        open.until = event.asked_until.unwrap_or(open.until);
        Ok(())
    }

    fn declined(&mut self, event: &OrderDeclined) -> Result<(), String> {
        match &self.stage {
            Stage::Open(open) if open.shown == Some((event.payer, true)) => {}
            Stage::Open(_) | Stage::Paid(_) | Stage::Over => {
                return Err(format!("order {} did not wait for them", event.order));
            }
        }
        self.stage = Stage::Over;
        Ok(())
    }

    fn rebate_paid(&mut self, event: &RebatePaid) -> Result<Postings, String> {
        let Stage::Paid(Paid {
            payer,
            given: Some(given),
            ..
        }) = &mut self.stage
        else {
            return Err(format!("order {} has no rebate", event.order));
        };
        let rebate = given.granted.rebate.filter(|_| !given.arrived);
        let rebate =
            rebate.ok_or_else(|| format!("order {} has no rebate that waits", event.order))?;
        let (platform, funder) = given.rebate_back;
        let left = rebate
            .amount
            .minus(platform)
            .and_then(|left| left.minus(funder));
        let stated = (event.campaign, event.payer, Some(event.amount));
        if stated != (rebate.campaign, *payer, left) || rebate.due.is_none_or(|due| event.at < due)
        {
            return Err(format!("the rebate of order {} is not so", event.order));
        }
        given.arrived = true;
        let pending = Account::PendingRebate(rebate.campaign);
        Ok(Postings::new().with(pending, Account::Wallet(*payer), event.amount))
    }

    /// Ends an order that was not paid; answers until when it could have been.
    fn end_open(&mut self, id: OrderId) -> Result<UnixMillis, String> {
        let Stage::Open(Open { until, .. }) = self.stage else {
            return Err(format!("order {id} is paid and cannot be closed"));
        };
        self.stage = Stage::Over;
        Ok(until)
    }

    fn reversed(
        &mut self,
        event: &OrderReversed,
        number: EventNumber,
        accounts: &Accounts,
    ) -> Result<Postings, String> {
        let stated = (event.amount, event.fee_returned);
        if let Stage::Paid(paid) = &self.stage {
            if paid.refunds > 0 {
                return Err("an order with refunds is reversed".into());
            }
            expect_returned(stated, (self.amount, paid.fee))?;
            let returned = event.returned.as_deref();
            let back = self.give_back(event.order, self.amount, returned)?;
            if let Stage::Paid(paid) = &mut self.stage {
                paid.undone = true;
            }
            return back.postings(event.merchant, returned, number, accounts);
        }
        self.stage = Stage::Over;
        expect_returned(stated, (Fen::ZERO, Fen::ZERO))?;
        Ok(Postings::new())
    }

    fn refunded(
        &mut self,
        event: &OrderRefunded,
        number: EventNumber,
        accounts: &Accounts,
    ) -> Result<Postings, String> {
        let returned = event.returned.as_deref();
        let back = self.give_back(event.order, event.amount, returned)?;
        expect_returned((event.amount, event.fee_returned), (back.amount, back.fee))?;
        if event.payer != back.payer {
            return Err(format!(
                "order {} was paid by user {}",
                event.order, back.payer
            ));
        }
        back.postings(event.merchant, returned, number, accounts)
    }

    fn give_back(
        &mut self,
        id: OrderId,
        amount: Fen,
        returned: Option<&Returned>,
    ) -> Result<GivenBack, String> {
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
        match (&mut paid.given, returned) {
            (None, None) => {}
            (Some(given), Some(returned)) => {
                given.take_back(returned, amount, refunded, self.amount)?;
            }
            (None, Some(_)) | (Some(_), None) => {
                return Err("what goes to campaigns is missing, or there were none".into());
            }
        }
        let payer = paid.payer;
        Ok(GivenBack { payer, amount, fee })
    }
}

struct GivenBack {
    payer: UserId,
    amount: Fen,
    fee: Fen,
}

impl Given {
    /// Checks what goes back to campaigns: all together the amount, no part more than it gave, and when all of
    /// the order is refunded every part to the fen.
    fn take_back(
        &mut self,
        returned: &Returned,
        amount: Fen,
        refunded: Fen,
        whole: Fen,
    ) -> Result<(), String> {
        let granted = &self.granted;
        let ids = returned.grants.iter().map(|part| part.campaign);
        if !ids.eq(granted.grants.iter().map(|grant| grant.campaign)) {
            return Err("it gives back to other campaigns than those that granted".into());
        }
        let mut sum = Some(returned.payer);
        for (part, (back, grant)) in returned
            .grants
            .iter()
            .zip(self.back.iter_mut().zip(&granted.grants))
        {
            let gave = (grant.amount, grant.platform);
            add_back(back, part, gave, refunded == whole)?;
            sum = sum.and_then(|sum| sum.plus(part.platform)?.plus(part.funder));
        }
        if sum != Some(amount) {
            return Err("the parts that go back do not add up".into());
        }
        match (&granted.rebate, &returned.rebate) {
            (None, None) => Ok(()),
            (Some(rebate), Some(back)) => {
                let arrived = back.from == RebateStage::Arrived;
                if back.part.campaign != rebate.campaign || arrived != self.arrived {
                    return Err("it takes back another rebate".into());
                }
                let gave = (rebate.amount, rebate.platform);
                add_back(&mut self.rebate_back, &back.part, gave, refunded == whole)
            }
            (None, Some(_)) | (Some(_), None) => {
                Err("a rebate is not taken back, or there is none".into())
            }
        }
    }
}

fn add_back(
    back: &mut (Fen, Fen),
    part: &Part,
    (amount, platform): (Fen, Fen),
    all: bool,
) -> Result<(), String> {
    let gave = (platform, amount.minus(platform).unwrap_or_default());
    let sum = back.0.plus(part.platform).zip(back.1.plus(part.funder));
    *back = sum
        .filter(|sum| sum.0 <= gave.0 && sum.1 <= gave.1 && (!all || *sum == gave))
        .ok_or_else(|| format!("campaign {} gets back what it did not give", part.campaign))?;
    Ok(())
}

impl GivenBack {
    fn postings(
        &self,
        merchant: MerchantId,
        returned: Option<&Returned>,
        number: EventNumber,
        accounts: &Accounts,
    ) -> Result<Postings, String> {
        let account = Account::Merchant(merchant);
        let wallet = Account::Wallet(self.payer);
        let brand = accounts.brand_of(self.payer)?;
        let fees = Account::FeeIncome(brand);
        let postings = Postings::new().with(fees, account, self.fee);
        let Some(returned) = returned else {
            return Ok(postings.with(account, wallet, self.amount));
        };
        let campaigns = &accounts.campaigns;
        let mut postings = postings.with(account, wallet, returned.payer);
        for part in &returned.grants {
            postings = campaigns.back(number, postings, account, part)?;
        }
        let Some(RebateBack { part, from, lost }) = returned.rebate else {
            return Ok(postings);
        };
        if from == RebateStage::Waits {
            let pending = Account::PendingRebate(part.campaign);
            return campaigns.back(number, postings, pending, &part);
        }
        // What is lost is the platform's, as far as its part goes.
        let platform = lost.min(part.platform);
        let lost = Part {
            platform,
            funder: lost.minus(platform).unwrap_or_default(),
            ..part
        };
        let had = Part {
            platform: part.platform.minus(lost.platform).unwrap_or_default(),
            funder: part
                .funder
                .minus(lost.funder)
                .ok_or("more is lost than was given")?,
            ..part
        };
        let postings = campaigns.back(number, postings, wallet, &had)?;
        campaigns.back(number, postings, Account::RebateLoss(brand), &lost)
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
