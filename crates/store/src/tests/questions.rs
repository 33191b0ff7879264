//! Asks a store everything and compares with the plain list of events.

use std::ops::ControlFlow;

use feiqian_core::archive::Archive;
use feiqian_core::ids::BrandId;
use feiqian_core::order::Order;
use feiqian_core::remittance::{Delay, To};
use feiqian_core::{
    Account, Event, EventNumber, MerchantId, OrderId, RemittanceId, RequestId, TransferId,
    UnixMillis, UserId,
};

use super::script::{BEGIN, Script, order_key};
use crate::{List, RemittanceStage, RequestStage, Store};

pub fn accounts() -> impl Iterator<Item = Account> {
    let wallets = (0..4).map(|user| Account::Wallet(UserId(user)));
    let merchants = (0..3).map(|merchant| Account::Merchant(MerchantId(merchant)));
    let brand = [
        Account::Transit(BrandId(0)),
        Account::BankReserve(BrandId(0)),
    ];
    wallets.chain(merchants).chain(brand)
}

fn touches(event: &Event, account: Account) -> bool {
    let postings = event
        .postings()
        .map(|postings| &**postings)
        .unwrap_or_default();
    postings
        .iter()
        .any(|posting| posting.debit == account || posting.credit == account)
}

pub fn history(
    script: &Script,
    account: Account,
    before: EventNumber,
) -> Vec<(EventNumber, Event)> {
    let touching = script
        .numbered()
        .filter(|(n, event)| *n < before && touches(event, account));
    touching.map(|(n, event)| (n, event.clone())).collect()
}

/// The store knows all of the script.
pub fn ask_all(store: &Store, script: &Script) {
    let end = EventNumber(script.events.len() as u64);
    assert_eq!(store.position(), end);
    assert_eq!(store.event(end).unwrap(), None);
    for (number, event) in script.numbered() {
        assert_eq!(
            store.event(number).unwrap().as_ref(),
            Some(event),
            "event {number}"
        );
        ask_story(store, script, number, end);
    }
    for (key, number) in script.keys() {
        let found = store.number(&key).unwrap().expect("a known number");
        assert_eq!((found.0, &found.1), (number, script.event(number)));
        let known = Archive::number(store, &key).unwrap();
        assert_eq!(known, found.1.named(number).map(|(_, known)| known));
    }
    for n in 0..50 {
        assert_eq!(store.number(&order_key(MerchantId(9), n)).unwrap(), None);
    }
    for account in accounts() {
        for page in [1, 7, 1_000_000] {
            ask_pages(store, script, account, page);
        }
        ask_between(store, script, account, end);
    }
    for user in (0..5).map(UserId) {
        for list in [List::Remittances(user), List::Requests(user)] {
            ask_list(store, script, list);
        }
    }
    let income = Account::FeeIncome(BrandId(0));
    assert_eq!(store.entries(income, None, 10).unwrap(), []);
    let last = script.events.last().map_or(BEGIN, Event::at);
    for ms in -2..=(last.0 - BEGIN.0 + 2) {
        ask_time(store, script, BEGIN.plus(ms));
    }
}

/// A few questions about the newest and the oldest events; the store stands at `end`.
pub fn ask_some(store: &Store, script: &Script, end: EventNumber) {
    assert_eq!(store.position(), end);
    let newest = (0..end.0).rev().take(3);
    for number in newest.chain(0..end.0.min(3)).map(EventNumber) {
        let event = script.event(number);
        assert_eq!(
            store.event(number).unwrap().as_ref(),
            Some(event),
            "event {number}"
        );
        ask_story(store, script, number, end);
        if let Some((key, _)) = event.named(number) {
            assert_eq!(store.number(&key).unwrap(), Some((number, event.clone())));
        }
    }
    for account in accounts() {
        let expected = history(script, account, end);
        let found = store.entries(account, None, 5).unwrap();
        assert!(
            found.iter().eq(expected.iter().rev().take(5)),
            "{account} at {end}"
        );
    }
}

/// As [`ask_some`] about one thing, while the store goes on from `known`.
pub fn ask_racing(store: &Store, script: &Script, known: EventNumber, seed: u64) {
    let Some(number) = seed
        .wrapping_mul(7_919)
        .checked_rem(known.0)
        .map(EventNumber)
    else {
        return;
    };
    let event = script.event(number);
    assert_eq!(store.event(number).unwrap().as_ref(), Some(event));
    if let Some((key, _)) = event.named(number) {
        assert_eq!(
            store.number(&key).unwrap().map(|found| found.0),
            Some(number)
        );
    }
    let account = accounts().nth((seed % 9) as usize).unwrap();
    let (all, sure) = (
        history(script, account, EventNumber(u64::MAX)),
        history(script, account, known).len(),
    );
    // The newest entries, up to some event that is not before `known`.
    let found = store.entries(account, None, 30).unwrap();
    let newest = found.first().map(|newest| newest.0);
    let seen = all
        .iter()
        .take_while(|(number, _)| Some(*number) <= newest)
        .count();
    assert!(
        seen >= sure,
        "{account}: {seen} entries, {sure} were known before"
    );
    assert!(
        found.iter().eq(all[..seen].iter().rev().take(30)),
        "{account} at {known}"
    );
    // All before `known`.
    let mut found = Vec::new();
    let mut each = |number, event| {
        found.push((number, event));
        ControlFlow::Continue(())
    };
    store
        .entries_between(account, EventNumber(0), known, &mut each)
        .unwrap();
    assert!(found == all[..sure], "{account} before {known}");
    let time = event.at();
    let first = script
        .events
        .iter()
        .position(|event| event.at() >= time)
        .unwrap();
    assert_eq!(store.first_event_at(time).unwrap().0, first as u64);
}

/// Whether an event puts something on a list, in other words than the store's.
fn is_on(list: List, event: &Event) -> bool {
    match (list, event) {
        (List::Remittances(user), Event::MoneySent(sent)) => {
            let later = sent.to == To::Later(user, Delay::Day);
            sent.payer == user || sent.to == To::Now(user) || later
        }
        (List::Remittances(user), Event::RemittanceAccepted(found)) => found.payee == user,
        (List::Requests(user), Event::MoneyRequested(asked)) => {
            asked.asker == user || asked.shares.iter().any(|(payer, _)| *payer == user)
        }
        _ => false,
    }
}

fn ask_list(store: &Store, script: &Script, list: List) {
    let events = script.numbered().rev();
    let expected = events.filter(|(_, event)| is_on(list, event));
    let expected: Vec<_> = expected.map(|(n, event)| (n, event.clone())).collect();
    for page in [1, 7, 1_000_000] {
        let mut found: Vec<(EventNumber, Event)> = Vec::new();
        loop {
            let before = found.last().map(|(number, _)| *number);
            let next = store.list(list, before, page).unwrap();
            assert!(next.len() <= page);
            if next.is_empty() {
                break;
            }
            found.extend(next);
        }
        assert!(found == expected, "{list:?} by {page}");
    }
}

fn ask_people(store: &Store, number: EventNumber, event: &Event, later: &[(EventNumber, Event)]) {
    let remittance = store.remittance(RemittanceId(number)).unwrap();
    let request = store.request(RequestId(number)).unwrap();
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "two kinds have such stories"
    )]
    match event {
        Event::MoneySent(sent) => {
            let story = remittance.expect("a remittance");
            assert_eq!((&story.sent, story.end.as_ref()), (&**sent, later.first()));
            let waits = matches!(story.stage(), RemittanceStage::Waiting(_));
            assert_eq!(waits, sent.due.is_some() && later.is_empty());
        }
        Event::MoneyRequested(asked) => {
            let story = request.expect("a request");
            assert_eq!((&story.asked, &*story.later), (&**asked, later));
            let shares = story.shares();
            let settled = shares.iter().filter(|(_, at)| at.is_some()).count();
            assert_eq!(shares.len(), 3);
            assert!(settled <= later.len());
            let cancelled = later
                .iter()
                .any(|(_, event)| matches!(event, Event::RequestCancelled(_)));
            assert_eq!(story.stage() == RequestStage::Cancelled, cancelled);
        }
        _ => assert!(remittance.is_none() && request.is_none()),
    }
}

fn ask_story(store: &Store, script: &Script, number: EventNumber, end: EventNumber) {
    let (order, transfer) = (OrderId(number), TransferId(number));
    let event = script.event(number);
    let mut later = script.later(number);
    later.retain(|(number, _)| *number < end);
    let story = store.order(order).unwrap();
    let replayed = story.as_ref().map(|story| story.order());
    assert_eq!(Archive::order(store, order).unwrap(), replayed);
    if let Event::OrderCreated(created) = event {
        let story = story.expect("an order");
        assert_eq!((&story.created, &story.later), (created, &later));
        let events = later.iter().map(|(number, event)| (*number, event));
        assert_eq!(
            replayed,
            Order::replay([(number, event)].into_iter().chain(events))
        );
        assert_eq!(store.transfer(transfer).unwrap(), None);
    } else if let Some(story) = store.transfer(transfer).unwrap() {
        assert_eq!(
            (&story.request, story.answer.as_ref()),
            (event, later.first())
        );
    } else {
        let people = matches!(event, Event::MoneySent(_) | Event::MoneyRequested(_));
        assert!(story.is_none() && (later.is_empty() || people));
    }
    if end.0 == script.events.len() as u64 {
        ask_people(store, number, event, &later);
    }
}

fn ask_pages(store: &Store, script: &Script, account: Account, page: usize) {
    let mut found = Vec::new();
    loop {
        let before = found.last().map(|(number, _)| *number);
        let next = store.entries(account, before, page).unwrap();
        assert!(next.len() <= page);
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    found.reverse();
    assert!(
        found == history(script, account, EventNumber(u64::MAX)),
        "{account} by {page}"
    );
    assert_eq!(store.entries(account, None, 0).unwrap(), []);
}

fn ask_between(store: &Store, script: &Script, account: Account, end: EventNumber) {
    let all = history(script, account, end);
    let cuts = [
        0,
        1,
        end.0 / 3,
        end.0 / 2,
        end.0.saturating_sub(1),
        end.0,
        u64::MAX,
    ];
    for (from, to) in cuts
        .iter()
        .flat_map(|from| cuts.map(|to| (EventNumber(*from), EventNumber(to))))
    {
        let expected = all.iter().filter(|(number, _)| (from..to).contains(number));
        let mut found = Vec::new();
        let mut each = |number, event| {
            found.push((number, event));
            ControlFlow::Continue(())
        };
        store.entries_between(account, from, to, &mut each).unwrap();
        assert!(found.iter().eq(expected), "{account} from {from} to {to}");
    }
    let mut calls = 0;
    let mut once = |_, _| {
        calls += 1;
        ControlFlow::Break(())
    };
    store
        .entries_between(account, EventNumber(0), end, &mut once)
        .unwrap();
    assert_eq!(calls, all.len().min(1));
}

fn ask_time(store: &Store, script: &Script, time: UnixMillis) {
    let first = script.events.iter().position(|event| event.at() >= time);
    let first = first.unwrap_or(script.events.len());
    assert_eq!(
        store.first_event_at(time).unwrap().0,
        first as u64,
        "at {time}"
    );
}
