//! What lies in logs and snapshots, byte for byte, and what bytes that are neither may do.
//!
//! A golden line is never changed: data outlives code. A new field gets a new number, and a new line.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, TransferAnswered};
use feiqian_core::bank::{top_up::TopUpRequested, withdraw::WithdrawalRequested};
use feiqian_core::brand::{add::BrandAdded, open::Opened};
use feiqian_core::ids::Digest;
use feiqian_core::merchant::{
    Category, MerchantStatus, add::MerchantAdded, change::MerchantChanged,
};
use feiqian_core::order::create::{Channel, Notify, NotifyForm, OrderCreated, Terms};
use feiqian_core::order::{
    Attempt, close::OrderClosed, expire::OrderExpired, pay::OrderPaid, refund::OrderRefunded,
    reverse::OrderReversed,
};
use feiqian_core::user::{Tier, UserStatus, add::UserAdded, set_status::UserStatusSet};
use feiqian_core::{
    Account, BasisPoints, BrandId, Event, EventNumber, Fen, MerchantId, Mode, Number, OrderId,
    Postings, State, TransferId, UnixMillis, UserId, evolve, snapshot,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const AT: UnixMillis = UnixMillis(1_510_329_600_000);
const DIGEST: Digest = Digest([0xab; 16]);
// Different numbers, so that two fields that change places are seen.
const BRAND: BrandId = BrandId(1);
const USER: UserId = UserId(2);
const SHOP: MerchantId = MerchantId(3);
const WALLET: Account = Account::Wallet(USER);
const TILL: Account = Account::Merchant(SHOP);
const FEES: Account = Account::FeeIncome(BRAND);
const TRANSIT: Account = Account::Transit(BRAND);
const BANK: Account = Account::BankReserve(BRAND);

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn moves<const N: usize>(all: [(Account, Account, i64); N]) -> Postings {
    let add = |sum: Postings, (debit, credit, fen)| sum.with(debit, credit, Fen(fen));
    all.into_iter().fold(Postings::new(), add)
}

fn notify(form: NotifyForm) -> Option<Notify> {
    Some(Notify {
        url: "https://a.cn/n".into(),
        form,
    })
}

fn opened() -> Event {
    Event::Opened(Opened {
        at: AT,
        mode: Mode::Production,
    })
}

fn brand_added(n: u16) -> Event {
    let (number, name) = (number(&format!("b{n}")), "飞钱".into());
    Event::BrandAdded(BrandAdded {
        at: AT,
        number,
        digest: DIGEST,
        brand: BrandId(n),
        name,
    })
}

fn user_added(n: u32) -> Event {
    let (number, tier) = (number(&format!("u{n}")), Tier::Full);
    let (user, brand) = (UserId(n), BRAND);
    Event::UserAdded(UserAdded {
        at: AT,
        number,
        digest: DIGEST,
        user,
        brand,
        tier,
    })
}

fn merchant_added(n: u32) -> Event {
    Event::MerchantAdded(MerchantAdded {
        at: AT,
        number: number(&format!("m{n}")),
        digest: DIGEST,
        merchant: MerchantId(n),
        name: "面".into(),
        category: Category(5812),
        fee: BasisPoints(60),
    })
}

fn top_up(text: &str) -> Event {
    let (number, amount) = (number(text), Fen(100_000));
    Event::TopUpRequested(TopUpRequested {
        at: AT,
        number,
        digest: DIGEST,
        user: USER,
        amount,
    })
}

fn answered(event: u64, answer: Answer, postings: Postings) -> Event {
    let transfer = TransferId(EventNumber(event));
    Event::TransferAnswered(TransferAnswered {
        at: AT,
        transfer,
        user: USER,
        answer,
        postings,
        uncounted: None,
    })
}

fn withdrawal() -> Event {
    Event::WithdrawalRequested(Box::new(WithdrawalRequested {
        at: AT,
        number: number("w"),
        digest: DIGEST,
        user: USER,
        amount: Fen(500),
        postings: moves([(WALLET, TRANSIT, 500)]),
        fee: None,
    }))
}

fn created(text: &str, terms: Terms) -> Event {
    let (number, expires_at) = (number(text), AT.plus(600_000));
    let digest = DIGEST;
    Event::OrderCreated(OrderCreated {
        at: AT,
        merchant: SHOP,
        number,
        digest,
        expires_at,
        terms: terms.into(),
    })
}

fn full_terms() -> Terms {
    Terms {
        amount: Fen(10_000),
        channel: Channel::PayCode,
        description: "noodles".into(),
        attach: Some("table 7".into()),
        notify: notify(NotifyForm::WechatCertificate),
        expires_at: Some(AT.plus(600_000)),
        only_payer: Some(USER),
        echo: Some("{}".into()),
    }
}

fn short_terms() -> Terms {
    Terms {
        channel: Channel::Scan,
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
        ..full_terms()
    }
}

fn paid(order: OrderId) -> Event {
    Event::OrderPaid(OrderPaid {
        at: AT,
        order,
        merchant: SHOP,
        payer: USER,
        brand: BRAND,
        attempt: Attempt(0x0102_0304_0506_0708),
        amount: Fen(10_000),
        fee: Fen(60),
        postings: moves([(WALLET, TILL, 10_000), (TILL, FEES, 60)]),
        granted: None,
    })
}

fn refunded(order: OrderId) -> Event {
    Event::OrderRefunded(Box::new(OrderRefunded {
        at: AT,
        merchant: SHOP,
        number: number("r"),
        digest: DIGEST,
        order,
        payer: USER,
        amount: Fen(5_000),
        fee_returned: Fen(30),
        reason: Some("cold".into()),
        notify: notify(NotifyForm::WechatPublicKey).map(Box::new),
        postings: moves([(FEES, TILL, 30), (TILL, WALLET, 5_000)]),
        returned: None,
    }))
}

fn reversed(order: OrderId) -> Event {
    Event::OrderReversed(OrderReversed {
        at: AT,
        order,
        merchant: SHOP,
        amount: Fen(10_000),
        fee_returned: Fen(60),
        postings: moves([(FEES, TILL, 60), (TILL, WALLET, 10_000)]),
        returned: None,
    })
}

/// A history that holds every kind of event, and each optional field with and without a value.
fn history() -> Vec<Event> {
    let order = |event| OrderId(EventNumber(event));
    let at = AT;
    vec![
        opened(),
        brand_added(0),
        brand_added(1),
        merchant_added(0),
        merchant_added(1),
        merchant_added(2),
        merchant_added(3),
        user_added(0),
        user_added(1),
        user_added(2),
        top_up("t"),
        answered(10, Answer::Done, moves([(BANK, WALLET, 100_000)])),
        withdrawal(),
        answered(12, Answer::Declined, moves([(TRANSIT, WALLET, 500)])),
        created("a", full_terms()),
        paid(order(14)),
        refunded(order(14)),
        created("b", short_terms()),
        paid(order(17)),
        reversed(order(17)),
        created("c", short_terms()),
        Event::OrderClosed(OrderClosed {
            at,
            order: order(20),
            merchant: SHOP,
        }),
        created("d", short_terms()),
        Event::OrderExpired(OrderExpired {
            at,
            order: order(22),
            merchant: SHOP,
        }),
        Event::MerchantChanged(MerchantChanged {
            at,
            merchant: SHOP,
            fee: Some(BasisPoints(70)),
            status: Some(MerchantStatus::Paused),
        }),
        Event::MerchantChanged(MerchantChanged {
            at,
            merchant: SHOP,
            fee: None,
            status: None,
        }),
        Event::UserStatusSet(UserStatusSet {
            at,
            user: USER,
            status: UserStatus::Frozen,
        }),
        top_up("t2"),
        created("e", full_terms()),
    ]
}

/// The same as the rules would have it: the order that expires is due when it does.
fn possible(mut history: Vec<Event>) -> Vec<Event> {
    for event in &mut history {
        if let Event::OrderCreated(created) = event
            && created.number == number("d")
        {
            created.expires_at = AT;
        }
    }
    history
}

/// Each event of [`history`].
const GOLDEN: [&str; 29] = [
    "820081a2001b0000015fa6a8c8000101",
    "820181a5001b0000015fa6a8c800016262300250abababababababababababababababab03000466e9a39ee992b1",
    "820181a5001b0000015fa6a8c800016262310250abababababababababababababababab03010466e9a39ee992b1",
    "820481a7001b0000015fa6a8c80001626d300250abababababababababababababababab03000463e99da2051916b406183c",
    "820481a7001b0000015fa6a8c80001626d310250abababababababababababababababab03010463e99da2051916b406183c",
    "820481a7001b0000015fa6a8c80001626d320250abababababababababababababababab03020463e99da2051916b406183c",
    "820481a7001b0000015fa6a8c80001626d330250abababababababababababababababab03030463e99da2051916b406183c",
    "820281a6001b0000015fa6a8c800016275300250abababababababababababababababab030004010502",
    "820281a6001b0000015fa6a8c800016275310250abababababababababababababababab030104010502",
    "820281a6001b0000015fa6a8c800016275320250abababababababababababababababab030204010502",
    "820681a5001b0000015fa6a8c8000161740250abababababababababababababababab0302041a000186a0",
    "820881a5001b0000015fa6a8c800010a020203000481831901041902011a000186a0",
    "820781a6001b0000015fa6a8c8000161770250abababababababababababababababab0302041901f40581831902011901031901f4",
    "820881a5001b0000015fa6a8c800010c020203010481831901031902011901f4",
    "820981a6001b0000015fa6a8c80001030261610350abababababababababababababababab041b0000015fa6b1efc005a800192710010402676e6f6f646c657303677461626c65203704a2006e68747470733a2f2f612e636e2f6e0101051b0000015fa6b1efc0060207627b7d",
    "820a81a9001b0000015fa6a8c800010e020303020401051b01020304050607080619271007183c08828319020119030219271083190302190105183c",
    "820e81ab001b0000015fa6a8c80001030261720350abababababababababababababababab040e05020619138807181e0864636f6c6409a2006e68747470733a2f2f612e636e2f6e01000a8283190105190302181e83190302190201191388",
    "820981a6001b0000015fa6a8c80001030261620350abababababababababababababababab041b0000015fa6b1efc005a300192710010002676e6f6f646c6573",
    "820a81a9001b0000015fa6a8c8000111020303020401051b01020304050607080619271007183c08828319020119030219271083190302190105183c",
    "820d81a6001b0000015fa6a8c800011102030319271004183c058283190105190302183c83190302190201192710",
    "820981a6001b0000015fa6a8c80001030261630350abababababababababababababababab041b0000015fa6b1efc005a300192710010002676e6f6f646c6573",
    "820b81a3001b0000015fa6a8c80001140203",
    "820981a6001b0000015fa6a8c80001030261640350abababababababababababababababab041b0000015fa6b1efc005a300192710010002676e6f6f646c6573",
    "820c81a3001b0000015fa6a8c80001160203",
    "820581a4001b0000015fa6a8c80001030218460301",
    "820581a2001b0000015fa6a8c8000103",
    "820381a3001b0000015fa6a8c80001020201",
    "820681a5001b0000015fa6a8c800016274320250abababababababababababababababab0302041a000186a0",
    "820981a6001b0000015fa6a8c80001030261650350abababababababababababababababab041b0000015fa6b1efc005a800192710010402676e6f6f646c657303677461626c65203704a2006e68747470733a2f2f612e636e2f6e0101051b0000015fa6b1efc0060207627b7d",
];

/// The state after [`history`].
const GOLDEN_SNAPSHOT: &str = "b0000101181d0282a800010166e9a39ee992b1020003000400050006000700a800020166e9a39ee992b1021a000186a0030004181e05000600070003030404050106010781831944490100080009800a000b000c000d000e001400582400000000000000000100000200000000000000000100000218730100000000000100010284850003183c001916b4850004183c001916b4850005183c001916b48519136a061846011916b48182181c8603192710021b0000015fa6b1efc0820080181c8182181b8402001a000186a01b0000015fa6a8c800586000000000000000000000000000000000000000007c190000000000000000000000000000000000000000000000000000000000007c1900000000000001000000204e0000000000000200000000000000000001007c197c190000000002000000500200000002000000204e000000000000";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(core::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

fn snapshot_of(events: &[Event]) -> Vec<u8> {
    let mut state = State::default();
    events.iter().for_each(|event| evolve(&mut state, event));
    let mut bytes = Vec::new();
    state.freeze().write(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_event_keeps_its_bytes() {
    let history = history();
    let mut kinds = BTreeSet::new();
    for (n, event) in history.iter().enumerate() {
        let bytes = minicbor::to_vec(event).unwrap();
        let golden = GOLDEN.get(n).copied().unwrap_or_default();
        assert_eq!(hex(&bytes), golden, "event {n}: {event:?}");
        assert_eq!(&minicbor::decode::<Event>(&unhex(golden)).unwrap(), event);
        kinds.insert(bytes[1]);
    }
    let mut audit = Audit::new();
    for event in possible(history) {
        audit.read(&event).unwrap();
    }
    audit.finish().unwrap();
    assert!(
        kinds.into_iter().eq(0..15),
        "a kind of event has no golden line"
    );
}

#[test]
fn a_snapshot_keeps_its_bytes() {
    let bytes = snapshot_of(&history());
    assert_eq!(hex(&bytes), GOLDEN_SNAPSHOT);
    let state = snapshot::read(&bytes).unwrap();
    assert_eq!(state.next_event(), EventNumber(29));
    assert_eq!(state.balance(WALLET), Some(Fen(95_000)));
    assert_eq!(state.balance(TILL), Some(Fen(4_970)));
    assert_eq!(state.balance(FEES), Some(Fen(30)));
    assert_eq!(state.balance(BANK), Some(Fen(100_000)));
    assert_eq!(state.orders_in_memory(), 1);
    assert_eq!(state.pending_transfers().len(), 1);
}

/// Fields are only ever added: an older build passes over those that it does not know.
#[test]
fn a_field_of_a_later_version_is_passed_over() {
    // [11, [{0: at, 1: order, 2: merchant, 99: "new"}]]
    let later = unhex("820b81a4001b0000015fa6a8c800010802031863636e6577");
    let event = minicbor::decode::<Event>(&later).unwrap();
    let order = OrderId(EventNumber(8));
    assert_eq!(
        event,
        Event::OrderClosed(OrderClosed {
            at: AT,
            order,
            merchant: SHOP
        })
    );
}

/// Damages bytes: each change sets, removes or inserts one byte, or cuts the rest off.
fn damage(mut bytes: Vec<u8>, changes: &[(u8, u16, u8)]) -> Vec<u8> {
    for (kind, at, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(*at) % bytes.len();
        match kind % 8 {
            0 => bytes.truncate(at),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *byte),
            3 => bytes[at] ^= 1 << (byte % 8),
            4 => bytes[at] = bytes[at].wrapping_add(1),
            5 => bytes[at] = bytes[at].wrapping_sub(1),
            _ => bytes[at] = *byte,
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u8, u16, u8)>> {
    prop::collection::vec(any::<(u8, u16, u8)>(), 1..5)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(2_048))]

    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = minicbor::decode::<Event>(&bytes);
        let _ = snapshot::read(&bytes);
    }

    /// What still decodes is another event, and the audit reads it without a panic.
    #[test]
    fn no_damaged_event_makes_decoding_or_the_audit_panic(
        n in 0..history().len(),
        window in 0_usize..8,
        changes in changes(),
    ) {
        let mut history = history();
        let bytes = damage(minicbor::to_vec(&history[n]).unwrap(), &changes);
        if let Ok(event) = minicbor::decode::<Event>(&bytes) {
            let again = minicbor::to_vec(&event).unwrap();
            prop_assert_eq!(&minicbor::decode::<Event>(&again).unwrap(), &event);
            history[n] = event;
            let mut audit = Audit::with_window(window);
            let _ = possible(history).iter().try_for_each(|event| audit.read(event));
            let _ = audit.finish();
        }
    }

    /// What is still read can be written and is the same when read again.
    #[test]
    fn no_damaged_snapshot_makes_reading_panic(changes in changes()) {
        if let Ok(state) = snapshot::read(&damage(snapshot_of(&history()), &changes)) {
            let mut bytes = Vec::new();
            state.freeze().write(&mut bytes).unwrap();
            let _ = snapshot::read(&bytes).unwrap();
        }
    }
}
