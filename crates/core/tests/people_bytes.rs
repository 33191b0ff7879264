//! What persons do among each other, byte for byte in the log and whole in the snapshot: a history of commands
//! that gives every kind of their events. `golden/people.cbor` is never changed: data outlives code.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use feiqian_core::archive::Nothing;
use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::{add::AddBrand, open::Open};
use feiqian_core::limits::{DAY_MS, REQUEST_LIFE_MS};
use feiqian_core::remittance::{
    Claim, Delay, To, accept::AcceptRemittance, arrive::ArriveRemittance,
    give_back::ReturnRemittance, send::SendMoney, take_back::TakeBackRemittance,
};
use feiqian_core::request::{
    ask::RequestMoney, cancel::CancelRequest, decline::DeclineShare, expire::ExpireRequest,
};
use feiqian_core::user::{Tier, add::AddUser, set_tier::SetTier};
use feiqian_core::{
    Account, BrandId, Command, Decision, Event, EventNumber, Fen, Mode, Number, RemittanceId,
    RequestId, State, TransferId, UnixMillis, UserId, decide, evolve, snapshot,
};

const START: UnixMillis = UnixMillis(1_510_329_600_000);
const MEI: UserId = UserId(0);
const LEI: UserId = UserId(1);
const ANN: UserId = UserId(2);

#[derive(Default)]
struct World {
    state: State,
    now: UnixMillis,
    events: Vec<Event>,
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

impl World {
    fn ask(&mut self, command: impl Into<Command>) -> EventNumber {
        let (command, number) = (command.into(), self.state.next_event());
        command.fetch(&mut self.state, &Nothing).unwrap();
        let decision = decide(&self.state, self.now, &command);
        let Decision::Accept(event) = decision else {
            panic!("{command:?} gave {decision:?}")
        };
        evolve(&mut self.state, &event);
        self.events.push(event);
        number
    }

    fn begin() -> Self {
        let mut w = Self {
            now: START,
            ..Self::default()
        };
        w.ask(Open {
            mode: Mode::Sandbox,
        });
        for name in ["Red", "Blue"] {
            let (number, name) = (number(name), name.into());
            w.ask(AddBrand { number, name });
        }
        for (user, brand) in [(MEI, 0), (LEI, 1), (ANN, 0)] {
            let (brand, tier) = (BrandId(brand), Tier::Full);
            let number = number(&format!("u{user}"));
            w.ask(AddUser {
                number,
                brand,
                tier,
            });
            let transfer = TransferId(w.ask(TopUp {
                user,
                number,
                amount: Fen(100_000),
            }));
            let answer = Answer::Done;
            w.ask(AnswerTransfer { transfer, answer });
        }
        w
    }

    fn send(&mut self, text: &str, to: To) -> RemittanceId {
        let message = matches!(to, To::Later(..)).then(|| "生日快乐".into());
        RemittanceId(self.ask(SendMoney {
            payer: MEI,
            number: number(text),
            to,
            amount: Fen(1_234),
            message,
            request: None,
        }))
    }

    fn request(&mut self, text: &str) -> RequestId {
        RequestId(self.ask(RequestMoney {
            asker: LEI,
            number: number(text),
            shares: vec![(MEI, Fen(500)), (ANN, Fen(70_000))],
            note: "火锅".into(),
        }))
    }
}

/// Every kind of event between persons, each of their fields with and without a value; then some that
/// wait.
fn history() -> World {
    let mut w = World::begin();
    let (user, tier) = (MEI, Tier::Verified);
    w.ask(SetTier { user, tier });
    w.send("now", To::Now(LEI));
    let arrives = w.send("2h", To::Later(LEI, Delay::TwoHours));
    let back = w.send("24h", To::Later(ANN, Delay::Day));
    let claim = Claim(u64::MAX);
    let found = w.send("found", To::Unregistered(claim));
    let lost = w.send("lost", To::Unregistered(Claim(1)));
    w.ask(TakeBackRemittance {
        payer: MEI,
        remittance: back,
    });
    w.ask(AcceptRemittance {
        remittance: found,
        claim,
        payee: ANN,
    });
    let bill = w.request("bill");
    w.ask(SendMoney {
        payer: MEI,
        number: number("share"),
        to: To::Now(LEI),
        amount: Fen(500),
        message: None,
        request: Some(bill),
    });
    let (request, payer) = (bill, ANN);
    w.ask(DeclineShare { request, payer });
    let (request, asker) = (w.request("cancelled"), LEI);
    w.ask(CancelRequest { request, asker });
    let expires = w.request("expires");
    w.now = START.plus(DAY_MS);
    w.ask(ArriveRemittance {
        remittance: arrives,
    });
    w.ask(ReturnRemittance { remittance: lost });
    w.now = START.plus(REQUEST_LIFE_MS);
    w.ask(ExpireRequest { request: expires });
    w.send("waits", To::Later(LEI, Delay::Day));
    w.send("held", To::Unregistered(claim));
    w.request("open");
    w
}

#[test]
fn persons_keep_their_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/people.cbor");
    let world = history();
    let mut bytes = Vec::new();
    world
        .events
        .iter()
        .for_each(|event| event.write(&mut bytes));
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &bytes).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    let mut decoder = minicbor::Decoder::new(&golden);
    let (mut audit, mut kinds) = (Audit::new(), BTreeSet::new());
    for event in &world.events {
        let at = decoder.position();
        // [kind, …], the kind in a byte of its own from 24 on.
        if golden[at + 1] == 0x18 {
            kinds.insert(golden[at + 2]);
        }
        let read: Event = decoder.decode().unwrap();
        assert_eq!(&read, event);
        audit.read(&read).unwrap();
    }
    assert_eq!(decoder.position(), golden.len());
    assert_eq!(bytes, golden, "events are written as they were");
    let totals = audit.finish().unwrap();
    assert_eq!(totals.remittances, Fen(2 * 1_234));
    assert!(kinds.into_iter().eq(30..40), "each kind of event is here");
}

#[test]
fn a_snapshot_holds_all_of_persons() {
    let world = history();
    let mut bytes = Vec::new();
    world.state.freeze().write(&mut bytes).unwrap();
    let mut read = snapshot::read(&bytes).unwrap();
    let mut again = Vec::new();
    read.freeze().write(&mut again).unwrap();
    assert_eq!(again, bytes);
    for (account, balance) in world.state.balances() {
        assert_eq!(read.balance(account), Some(balance), "{account}");
    }
    assert_eq!(
        read.balance(Account::Remittance(BrandId(0))),
        Some(Fen(2_468))
    );
    let mut kept = world.state.clone();
    assert_eq!(read.next_due(), kept.next_due());
    let end = UnixMillis(i64::MAX);
    assert_eq!(read.due(end, 99), kept.due(end, 99));
    assert_eq!(read.due(end, 99).len(), 3);
    assert_eq!(read.held_for(Claim(u64::MAX)).count(), 1);
}
