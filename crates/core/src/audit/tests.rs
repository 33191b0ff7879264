use std::sync::Arc;

use super::*;
use crate::bank::answer::Answer::{Declined, Done};
use crate::bank::fee::WithdrawalTerms;
use crate::brand::set_withdrawal_terms::SetWithdrawalTerms;
use crate::ids::{
    BrandId, MerchantId, OrderId, PacketId, RemittanceId, RequestId, TransferId, UserId,
};
use crate::ledger::Postings;
use crate::limits::{DAY_MS, REQUEST_LIFE_MS};
use crate::money::BasisPoints;
use crate::order::expire::OrderExpired;
use crate::packet::draw::Seed;
use crate::remittance::send::SendMoney;
use crate::remittance::{Delay, To};
use crate::testing::{
    CLAIM, LEI, MEI, MEI2, NO_ORDER, NO_SHOP, NOBODY, PACKET, SHOP, World, accept, answer, arrive,
    ask, cancel, change_fee, close, create, decline, expire_packet, expire_request, give_back,
    given, grab, named, nth, number, pay, refund, reverse, send, send_packet, send_to, set_status,
    take_back, top_up, withdraw,
};
use crate::user::{Tier, UserStatus, set_tier::SetTier};

/// Its events by number: opened 0, brands 1–2, merchants 3–4, users 5–8, each user's top-up and
/// its answer 9–16, then those below from 17.
fn good() -> World {
    given([
        create("a", 10_000),                         // 17
        pay(OrderId(nth(0)), MEI),                   // 18, fee 60
        refund("r", OrderId(nth(0)), 4_000, 10_000), // 19, fee 24
        create("b", 500),                            // 20
        close(SHOP, named("b")),                     // 21
        create("c", 1_000),                          // 22
        pay(OrderId(nth(5)), LEI),                   // 23, fee 6
        reverse(SHOP, named("c")),                   // 24
        create("d", 700),                            // 25
        reverse(SHOP, named("d")),                   // 26
        withdraw(MEI, "w", 800),                     // 27
        answer(TransferId(nth(10)), Done),           // 28
        withdraw(LEI, "w", 900),                     // 29
        answer(TransferId(nth(12)), Declined),       // 30
        top_up(MEI, "t", 300),                       // 31
        answer(TransferId(nth(14)), Declined),       // 32
        change_fee(SHOP, 100),                       // 33
        create("e", 10_000),                         // 34
        pay(OrderId(nth(17)), LEI),                  // 35, fee 100
        set_status(LEI, UserStatus::Frozen),         // 36
        create("f", 200_000),                        // 37
    ])
}

/// Finds the same event with all stories at hand, with some, and with none; of several reasons why it
/// cannot be, any may be told.
fn audit(events: &[Event]) -> Result<Totals, Contradiction> {
    let audited = audit_with(WINDOW_DEFAULT, events);
    let event = |audited: &Result<Totals, Contradiction>| match audited {
        Ok(totals) => Ok(*totals),
        Err(found) => Err(found.event),
    };
    for window in [3, 0] {
        let again = audit_with(window, events);
        assert_eq!(event(&again), event(&audited), "window of {window}");
    }
    audited
}

fn audit_with(window: usize, events: &[Event]) -> Result<Totals, Contradiction> {
    let mut audit = Audit::with_window(window);
    let read = events.iter().try_for_each(|event| audit.read(event));
    let finished = audit.finish();
    assert!(read.is_ok() || finished.is_err());
    finished
}

/// The good history's totals are known to the fen, and it reads the same a second time.
#[test]
fn the_totals_of_a_good_history() {
    let totals = audit(&good().events).unwrap();
    let expected = Totals {
        events: 38,
        users: 4,
        merchants: 2,
        orders: 6,
        payments: 3,
        paid: Fen(21_000),
        refunds: 2,
        refunded: Fen(5_000),
        pending_transfers: 0,
        bank_reserve: Fen(399_200),
        wallets: Fen(400_000 - 10_000 + 4_000 - 800 - 10_000),
        merchant_balances: Fen(6_000 - 36 + 9_900),
        transit: Fen(0),
        fee_income: Fen(36 + 100),
        ..Totals::default()
    };
    assert_eq!(totals, expected);
    assert!(totals.to_string().contains("3992.00 yuan"));
}

/// A fault: which event is damaged and found, a part of what the audit says, and the damage.
type Fault = (usize, &'static str, fn(&mut Vec<Event>));

fn find(faults: &[Fault]) {
    find_in(&good(), faults);
}

fn find_in(good: &World, faults: &[Fault]) {
    let good = good.events.clone();
    for (n, (at, what, damage)) in faults.iter().enumerate() {
        let mut events = good.clone();
        damage(&mut events);
        assert_ne!(events, good, "fault {n} damages nothing");
        let found = audit(&events).expect_err(what);
        assert_eq!(found.event, EventNumber(*at as u64), "fault {n}: {found}");
        assert!(found.what.contains(what), "fault {n}: {found}");
    }
}

/// `edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(0))`: changes one event of that kind.
macro_rules! edit {
    ($at:literal $kind:ident $event:ident => $change:expr) => {
        |events| {
            let Event::$kind($event) = &mut events[$at] else {
                panic!("event {} is {:?}", $at, events[$at])
            };
            $change;
        }
    };
}

/// One event comes again at another place.
macro_rules! again {
    ($n:literal at $at:literal) => {
        |events| events.insert($at, events[$n].clone())
    };
}

/// One event is missing.
macro_rules! without {
    ($n:literal) => {
        |events| drop(events.remove($n))
    };
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_order_time_and_numbers() {
    find(&[
        (0, "opened by its first", without!(0)),
        (1, "opened by its first", again!(0 at 1)),
        (20, "before the event before", edit!(20 OrderCreated e => e.at = e.at.plus(-1))),
        (20, "before the event before", edit!(19 OrderRefunded e => e.at = e.at.plus(1))),
        (2, "used twice", edit!(2 BrandAdded e => e.number = number("Red"))),
        (4, "used twice", edit!(4 MerchantAdded e => e.number = number("Noodles"))),
        (6, "used twice", edit!(6 UserAdded e => e.number = number("mei"))),
        (20, "used twice", edit!(20 OrderCreated e => e.number = number("a"))),
        (20, "used twice", again!(17 at 20)),
        (20, "used twice", again!(19 at 20)),
        (28, "used twice", again!(27 at 28)),
        (10, "used twice", again!(9 at 10)),
    ]);
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_brands_users_and_merchants() {
    find(&[
        (2, "where 1 was next", edit!(2 BrandAdded e => e.brand = BrandId(7))),
        (6, "where 1 was next", edit!(6 UserAdded e => e.user = UserId(0))),
        (6, "brand does not exist", edit!(6 UserAdded e => e.brand = BrandId(2))),
        (4, "where 1 was next", edit!(4 MerchantAdded e => e.merchant = MerchantId(2))),
        (33, "does not exist", edit!(33 MerchantChanged e => e.merchant = NO_SHOP)),
        (36, "does not exist", edit!(36 UserStatusSet e => e.user = NOBODY)),
        (18, "fee of 6.00", edit!(3 MerchantAdded e => e.fee = BasisPoints(600))),
        (35, "fee of 0.60", edit!(33 MerchantChanged e => e.fee = None)),
        // Mei's top-up should have gone to the other brand's bank.
        (10, "BankReserve(BrandId(1))", edit!(5 UserAdded e => e.brand = BrandId(1))),
    ]);
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_the_bank() {
    find(&[
        (31, "no amount", edit!(31 TopUpRequested e => e.amount = Fen(0))),
        (31, "does not exist", edit!(31 TopUpRequested e => e.user = NOBODY)),
        (27, "no amount", edit!(27 WithdrawalRequested e => e.amount = Fen(-800))),
        (27, "should be", edit!(27 WithdrawalRequested e => e.amount = Fen(801))),
        (27, "should be", edit!(27 WithdrawalRequested e => e.user = UserId(1))),
        (27, "should be", edit!(27 WithdrawalRequested e => e.postings = Postings::new())),
        (27, "past zero", edit!(27 WithdrawalRequested e => {
            let (wallet, transit) = (Account::Wallet(MEI), Account::Transit(BrandId(0)));
            e.amount = Fen(94_001);
            e.postings = Postings::new().with(wallet, transit, e.amount);
        })),
        (27, "not pending", without!(27)),
        (28, "not pending", edit!(28 TransferAnswered e => e.transfer = TransferId(nth(0)))),
        (29, "not pending", again!(28 at 29)),
        (28, "of user 0", edit!(28 TransferAnswered e => e.user = LEI)),
        (28, "should be", edit!(28 TransferAnswered e => e.answer = Declined)),
        (30, "should be", edit!(30 TransferAnswered e => e.answer = Done)),
        (32, "should be", edit!(32 TransferAnswered e => e.answer = Done)),
        (16, "should be", edit!(16 TransferAnswered e => e.answer = Declined)),
        (10, "should be", edit!(10 TransferAnswered e => e.postings = Postings::new())),
    ]);
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_payments() {
    find(&[
        (20, "no amount", edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(0))),
        (20, "no amount", edit!(20 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(1_000_000_000_001))),
        (20, "does not exist", edit!(20 OrderCreated e => e.merchant = NO_SHOP)),
        (18, "100.01 yuan", edit!(17 OrderCreated e => Arc::make_mut(&mut e.terms).amount = Fen(10_001))),
        (18, "not of merchant", edit!(17 OrderCreated e => e.merchant = MerchantId(1))),
        (18, "100.00 yuan", edit!(18 OrderPaid e => e.amount = Fen(9_999))),
        (18, "fee of 0.60", edit!(18 OrderPaid e => e.fee = Fen(61))),
        (18, "brand 0", edit!(18 OrderPaid e => e.brand = BrandId(1))),
        (18, "does not exist", edit!(18 OrderPaid e => e.payer = NOBODY)),
        (18, "should be", edit!(18 OrderPaid e => e.payer = UserId(1))),
        (18, "does not exist", edit!(18 OrderPaid e => e.order = NO_ORDER)),
        (18, "not of merchant", edit!(18 OrderPaid e => e.merchant = MerchantId(1))),
        (18, "should be", edit!(18 OrderPaid e => e.postings = Postings::new())),
        (18, "should be", edit!(18 OrderPaid e => {
            let (first, fee) = (e.postings[0], e.postings[1]);
            e.postings = Postings::new()
                .with(fee.debit, fee.credit, fee.amount)
                .with(first.debit, first.credit, first.amount);
        })),
        (18, "should be", edit!(18 OrderPaid e => {
            let again = e.postings[0];
            e.postings = e.postings.clone().with(again.debit, again.credit, again.amount);
        })),
        (18, "should be", edit!(18 OrderPaid e => {
            let (first, fee) = (e.postings[0], e.postings[1]);
            let other = Account::FeeIncome(BrandId(1));
            e.postings = Postings::new()
                .with(first.debit, first.credit, first.amount)
                .with(fee.debit, other, fee.amount);
        })),
        (18, "after its end", edit!(17 OrderCreated e => e.expires_at = e.at)),
        (18, "another payer", edit!(17 OrderCreated e => Arc::make_mut(&mut e.terms).only_payer = Some(LEI))),
        (19, "paid twice", again!(18 at 19)),
        (22, "is over", |events| {
            let mut payment = events[18].clone();
            if let Event::OrderPaid(e) = &mut payment {
                e.order = OrderId(nth(3));
            }
            events.insert(22, payment);
        }),
        (38, "past zero", |events| {
            let mut payment = events[35].clone();
            if let Event::OrderPaid(e) = &mut payment {
                let shop = Account::Merchant(SHOP);
                (e.order, e.amount, e.fee) = (OrderId(nth(20)), Fen(200_000), Fen(2_000));
                e.postings = Postings::new()
                    .with(Account::Wallet(e.payer), shop, e.amount)
                    .with(shop, Account::FeeIncome(e.brand), e.fee);
            }
            events.push(payment);
        }),
    ]);
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_ends_and_refunds() {
    find(&[
        (21, "paid and cannot be closed", edit!(21 OrderClosed e => e.order = OrderId(nth(0)))),
        (21, "not of merchant", edit!(21 OrderClosed e => e.merchant = MerchantId(1))),
        (22, "is over", again!(21 at 22)),
        (24, "paid and cannot be closed", |events| {
            let (at, merchant) = (events[24].at(), SHOP);
            let order = OrderId(nth(5));
            events[24] = Event::OrderExpired(OrderExpired { at, order, merchant });
        }),
        (21, "expires before", |events| {
            let (at, merchant) = (events[21].at(), SHOP);
            let order = OrderId(nth(3));
            events[21] = Event::OrderExpired(OrderExpired { at, order, merchant });
        }),
        (18, "not paid", without!(18)),
        (19, "above its amount", edit!(19 OrderRefunded e => e.amount = Fen(10_001))),
        (19, "by nothing", edit!(19 OrderRefunded e => e.amount = Fen(0))),
        (19, "by nothing", edit!(19 OrderRefunded e => e.amount = Fen(-1))),
        (19, "0.24", edit!(19 OrderRefunded e => e.amount = Fen(4_100))),
        (19, "should be", edit!(19 OrderRefunded e => e.amount = Fen(4_001))),
        (19, "0.23 of the fee", edit!(19 OrderRefunded e => e.fee_returned = Fen(23))),
        (19, "paid by user 0", edit!(19 OrderRefunded e => e.payer = LEI)),
        (19, "not of merchant", edit!(19 OrderRefunded e => e.merchant = MerchantId(1))),
        (19, "does not exist", edit!(19 OrderRefunded e => e.order = NO_ORDER)),
        (19, "should be", edit!(19 OrderRefunded e => e.postings = Postings::new())),
        (24, "should 10.00", edit!(24 OrderReversed e => e.amount = Fen(999))),
        (24, "and 0.06", edit!(24 OrderReversed e => e.fee_returned = Fen(0))),
        (24, "should be", edit!(24 OrderReversed e => e.postings = Postings::new())),
        (24, "with refunds", edit!(24 OrderReversed e => e.order = OrderId(nth(0)))),
        (25, "is over", again!(24 at 25)),
        (26, "should 0.00", edit!(26 OrderReversed e => e.amount = Fen(700))),
        (24, "order 22 is not paid", |events| {
            let (mut refund, of) = (events[19].clone(), OrderId(nth(5)));
            if let Event::OrderRefunded(e) = &mut refund {
                (e.number, e.order) = (number("r2"), of);
            }
            events[23] = events[36].clone();
            events[24] = refund;
        }),
    ]);
}

#[test]
fn a_fifty_first_refund_is_a_contradiction() {
    let mut world = good();
    for n in 1..50 {
        world.accept(&refund(&format!("r{n}"), OrderId(nth(0)), 1, 10_000));
    }
    let mut last = world.events.last().unwrap().clone();
    if let Event::OrderRefunded(e) = &mut last {
        e.number = number("r50");
    }
    let found = world.audit.read(&last).unwrap_err();
    assert!(found.what.contains("too often"), "{found}");
}

/// Its first 17 events are as in [`good`].
fn good_people() -> World {
    let day = To::Later(LEI, Delay::Day);
    let mut world = given([
        send("a", To::Now(MEI2), 30).into(),           // 17
        send("b", To::Now(LEI), 40).into(),            // 18, reserve 40
        send("c", day, 50).into(),                     // 19
        send("d", day, 60).into(),                     // 20
        send("e", To::Unregistered(CLAIM), 70).into(), // 21
        send("f", To::Unregistered(CLAIM), 80).into(), // 22
        take_back(MEI, RemittanceId(nth(3))),          // 23: d
        accept(RemittanceId(nth(4)), CLAIM, MEI2),     // 24: e
        ask("q", &[(MEI, 5), (MEI2, 6)]).into(),       // 25
        SendMoney {
            request: Some(RequestId(nth(8))),
            ..send("g", To::Now(LEI), 5)
        }
        .into(), // 26
        decline(RequestId(nth(8)), MEI2),              // 27
        ask("r", &[(MEI, 7)]).into(),                  // 28
        cancel(RequestId(nth(11)), LEI),               // 29
        ask("s", &[(MEI, 8)]).into(),                  // 30
        SetTier {
            user: MEI,
            tier: Tier::Verified,
        }
        .into(), // 31
        send("h", day, 90).into(),                     // 32
    ])
    .after_ms(DAY_MS);
    world.accept(&arrive(RemittanceId(nth(2)))); // 33: c
    world.accept(&give_back(RemittanceId(nth(5)))); // 34: f
    world = world.after_ms(REQUEST_LIFE_MS);
    world.accept(&expire_request(RequestId(nth(13)))); // 35
    world
}

#[test]
fn the_totals_of_people() {
    let totals = audit(&good_people().events).unwrap();
    let (reserve, waits) = (Fen(400_000), Fen(90));
    assert_eq!((totals.bank_reserve, totals.remittances), (reserve, waits));
    assert_eq!(totals.wallets, Fen(399_910));
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_remittances() {
    find_in(&good_people(), &[
        (17, "payer is its payee", edit!(17 MoneySent e => e.to = To::Now(MEI))),
        (17, "no amount", edit!(17 MoneySent e => e.amount = Fen(0))),
        (17, "should be", edit!(17 MoneySent e => e.amount = Fen(31))),
        (17, "should be", edit!(17 MoneySent e => e.to = To::Now(UserId(3)))),
        (17, "does not exist", edit!(17 MoneySent e => e.to = To::Now(NOBODY))),
        (17, "another time", edit!(17 MoneySent e => e.due = Some(e.at))),
        (17, "between the reserves", edit!(17 MoneySent e => e.reserve = Fen(1))),
        (18, "between the reserves", edit!(18 MoneySent e => e.reserve = Fen(41))),
        (18, "should be", edit!(18 MoneySent e => e.reserve = Fen(39))),
        (18, "used twice", edit!(18 MoneySent e => e.number = number("a"))),
        (19, "another time", edit!(19 MoneySent e => e.due = Some(e.at.plus(DAY_MS - 1)))),
        (19, "another time", edit!(19 MoneySent e => e.to = To::Later(LEI, Delay::TwoHours))),
        (23, "does not wait", edit!(23 RemittanceTakenBack e => e.remittance = RemittanceId(nth(0)))),
        (23, "0.60 yuan of user 0", edit!(23 RemittanceTakenBack e => e.payer = LEI)),
        (23, "0.60 yuan of user 0", edit!(23 RemittanceTakenBack e => e.amount = Fen(61))),
        (23, "should be", edit!(23 RemittanceTakenBack e => e.postings = Postings::new())),
        (24, "does not wait", again!(23 at 24)),
        (24, "should be", edit!(24 RemittanceAccepted e => e.payee = UserId(3))),
        (24, "waited for nobody", edit!(24 RemittanceAccepted e => {
            (e.remittance, e.amount) = (RemittanceId(nth(2)), Fen(50));
        })),
        (33, "at somebody else", edit!(33 RemittanceArrived e => e.payee = MEI2)),
        (33, "at somebody else", edit!(19 MoneySent e => e.to = To::Later(MEI2, Delay::Day))),
        (33, "decides otherwise", edit!(33 RemittanceArrived e => {
            (e.remittance, e.amount) = (RemittanceId(nth(15)), Fen(90));
            e.at = e.at.plus(-1);
        })),
        (34, "does not wait", again!(33 at 34)),
        (34, "does not wait", edit!(34 RemittanceReturned e => e.remittance = RemittanceId(nth(2)))),
        (34, "should be", edit!(34 RemittanceReturned e => e.postings = Postings::new())),
        (31, "does not exist", edit!(31 UserTierSet e => e.user = NOBODY)),
    ]);
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_requests() {
    find_in(&good_people(), &[
        (25, "are not so", edit!(25 MoneyRequested e => e.shares.clear())),
        (25, "are not so", edit!(25 MoneyRequested e => e.shares[1].0 = MEI)),
        (25, "are not so", edit!(25 MoneyRequested e => e.shares[1].0 = LEI)),
        (25, "are not so", edit!(25 MoneyRequested e => e.shares[1].1 = Fen(0))),
        (25, "are not so", edit!(25 MoneyRequested e => e.until = e.at)),
        (25, "does not exist", edit!(25 MoneyRequested e => e.asker = NOBODY)),
        (26, "no such share", edit!(25 MoneyRequested e => e.shares[0].1 = Fen(4))),
        (26, "who did not ask", edit!(26 MoneySent e => e.to = To::Now(MEI2))),
        (26, "is not open", edit!(26 MoneySent e => e.request = Some(RequestId(nth(0))))),
        (27, "no such share", edit!(27 ShareDeclined e => e.payer = MEI)),
        (27, "user 2 asked", edit!(27 ShareDeclined e => e.asker = MEI)),
        (28, "is not open", again!(27 at 28)),
        (29, "user 2 asked", edit!(29 RequestCancelled e => e.asker = MEI)),
        (30, "is not open", again!(29 at 30)),
        (35, "expires before", edit!(35 RequestExpired e => e.at = e.at.plus(-DAY_MS - 1))),
        (35, "is not open", edit!(35 RequestExpired e => e.request = RequestId(nth(8)))),
        (36, "is not open", again!(35 at 36)),
    ]);
}

/// Its first 17 events are as in [`good`].
fn good_packets() -> World {
    use crate::packet::Kind::{Equal, Lucky};
    let mut world = given([
        send_packet(MEI, "p", Lucky, 100, 3), // 17
        grab(PACKET, MEI2),                   // 18
        grab(PACKET, LEI),                    // 19, of another brand
        grab(PACKET, MEI),                    // 20, the last share
        send_packet(MEI, "q", Equal, 100, 4), // 21
        grab(packet(4), MEI2),                // 22
        send_to(MEI, "r", 50, MEI2),          // 23
        grab(packet(6), MEI2),                // 24
    ])
    .after_ms(DAY_MS);
    world.accept(&expire_packet(packet(4))); // 25
    world.accept(&send_packet(MEI, "s", Lucky, 40, 2)); // 26
    world
}

const fn packet(n: u64) -> PacketId {
    PacketId::new(nth(n)).expect("few events")
}

#[test]
fn the_totals_of_packets() {
    let totals = audit(&good_packets().events).unwrap();
    assert_eq!(
        (totals.packets, totals.wallets),
        (Fen(40), Fen(400_000 - 40))
    );
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_packets() {
    find_in(&good_packets(), &[
        (17, "are not 0 shares", edit!(17 PacketSent e => e.shares = 0)),
        (17, "are not 501 shares", edit!(17 PacketSent e => e.shares = 501)),
        (17, "cannot be sent", edit!(17 PacketSent e => e.to = Some(MEI))),
        (17, "should be", edit!(17 PacketSent e => e.total = Fen(101))),
        // Too much, too little, and what the seed does not say.
        (18, "the share is", edit!(18 ShareGrabbed e => e.amount = Fen(67))),
        (18, "the share is", edit!(18 ShareGrabbed e => e.amount = Fen(1))),
        (18, "the share is", edit!(17 PacketSent e => e.seed = Seed([8; 16]))),
        (18, "should be", edit!(18 ShareGrabbed e => e.postings = Postings::new())),
        (18, "between the reserves", edit!(18 ShareGrabbed e => e.reserve = Fen(1))),
        (18, "does not exist", edit!(18 ShareGrabbed e => e.packet = packet(1))),
        // A share twice: named, and the same event again.
        (19, "a second share", edit!(19 ShareGrabbed e => e.user = MEI2)),
        (19, "a second share", again!(18 at 19)),
        (19, "between the reserves", edit!(19 ShareGrabbed e => e.reserve = Fen(101))),
        (21, "are not 4 shares", edit!(21 PacketSent e => e.total = Fen(101))),
        (21, "used twice", edit!(21 PacketSent e => e.number = number("p"))),
        (22, "is over", edit!(22 ShareGrabbed e => (e.packet, e.user) = (PACKET, UserId(3)))),
        (23, "cannot be sent", edit!(23 PacketSent e => e.shares = 2)),
        (24, "is not for user", edit!(24 ShareGrabbed e => e.user = LEI)),
        (25, "does not expire now", edit!(25 PacketExpired e => e.at = e.at.plus(-1))),
        (25, "does not expire now", edit!(25 PacketExpired e => e.packet = PACKET)),
        // A return that is not all, and not the sender's.
        (25, "should go back", edit!(25 PacketExpired e => e.amount = Fen(74))),
        (25, "should go back", edit!(25 PacketExpired e => e.amount = Fen(76))),
        (25, "should go back", edit!(25 PacketExpired e => e.sender = MEI2)),
        (25, "should be", edit!(25 PacketExpired e => e.postings = Postings::new())),
        (25, "a second share", again!(24 at 25)),
        (26, "does not expire now", again!(25 at 26)),
    ]);
}

/// A brand that takes 0.1 % above 500 yuan a month, at least 10 fen.
fn good_fees() -> World {
    let terms = SetWithdrawalTerms {
        brand: BrandId(0),
        terms: WithdrawalTerms {
            free_per_month: Fen(50_000),
            rate: BasisPoints(10),
            least: Fen(10),
        },
    };
    given([
        terms.into(),                         // 17
        withdraw(MEI, "a", 40_000),           // 18, free
        withdraw(MEI, "b", 30_000),           // 19, fee 20
        answer(TransferId(nth(1)), Done),     // 20
        answer(TransferId(nth(2)), Declined), // 21
        withdraw(MEI, "c", 10_001),           // 22, fee 10
        answer(TransferId(nth(5)), Done),     // 23
    ])
}

#[test]
fn the_totals_of_fees() {
    let totals = audit(&good_fees().events).unwrap();
    assert_eq!(totals.fee_income, Fen(10));
    assert_eq!(totals.wallets, Fen(400_000 - 40_000 - 10_001 - 10));
}

#[test]
#[rustfmt::skip] // a fault a line
fn faults_of_withdrawal_fees() {
    find_in(&good_fees(), &[
        (17, "does not exist", edit!(17 WithdrawalTermsSet e => e.brand = BrandId(2))),
        (19, "its fee should be", edit!(17 WithdrawalTermsSet e => e.terms.free_per_month = Fen(60_000))),
        (19, "its fee should be", edit!(17 WithdrawalTermsSet e => e.terms.least = Fen(21))),
        (18, "its fee should be", edit!(18 WithdrawalRequested e => e.fee = None)),
        (19, "its fee should be", edit!(19 WithdrawalRequested e => e.fee = Some(Fen(19)))),
        (19, "should be", edit!(19 WithdrawalRequested e => e.postings = Postings::new())),
        (21, "month's quota", edit!(21 TransferAnswered e => e.uncounted = None)),
        (21, "month's quota", edit!(21 TransferAnswered e => e.uncounted = Some(Fen(70_001)))),
        (20, "month's quota", edit!(20 TransferAnswered e => e.uncounted = Some(Fen(1)))),
        (23, "should be", edit!(23 TransferAnswered e => e.postings = Postings::new())),
    ]);
}
