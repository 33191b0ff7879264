//! Ten thousand users race for a hundred shares of a red packet.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and tells its cases in one place"
)]

use std::time::Duration;

use feiqian_core::audit::Audit;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::packet::Kind;
use feiqian_core::packet::draw::Seed;
use feiqian_core::packet::grab::{GrabShare, Refusal};
use feiqian_core::packet::send::SendPacket;
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    Account, BrandId, Event, EventNumber, Fen, Keep, Mode, Number, PacketId, TransferId, UserId,
};
use feiqian_engine::{Engine, KEEP_DEFAULT, Next, Options, Rejected};
use tokio::task::JoinSet;

const GRABBERS: u32 = 10_000;
const SHARES: u16 = 100;
const TOTAL: Fen = Fen(20_000);
const SENDER: UserId = UserId(0);

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

/// A sender with a packet's money, and everybody else.
async fn open(options: Options) -> Engine {
    let engine = Engine::open(options).unwrap();
    let name = "Red".to_owned();
    let number_of_brand = number("b");
    let brand = AddBrand {
        number: number_of_brand,
        name,
    };
    engine.submit(brand).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..=GRABBERS {
        let engine = engine.clone();
        let user = AddUser {
            number: number(&format!("u{n}")),
            brand: BrandId(0),
            tier: Tier::Full,
        };
        tasks.spawn(async move { engine.submit(user).await.unwrap() });
    }
    tasks.join_all().await;
    let top_up = TopUp {
        user: SENDER,
        number: number("t"),
        amount: TOTAL,
    };
    let transfer = TransferId(engine.submit(top_up).await.unwrap().event);
    let answer = Answer::Done;
    let answered = engine.submit(AnswerTransfer { transfer, answer }).await;
    answered.unwrap();
    engine
}

async fn send(engine: &Engine) -> PacketId {
    let packet = SendPacket {
        sender: SENDER,
        number: number("p"),
        kind: Kind::Lucky,
        to: None,
        total: TOTAL,
        shares: SHARES,
        message: None,
        seed: Seed([1; 16]),
    };
    PacketId::new(engine.submit(packet).await.unwrap().event).unwrap()
}

/// Everybody but the sender grabs twice at once: how many got a share.
async fn race(engine: &Engine, packet: PacketId) -> usize {
    let mut tasks = JoinSet::new();
    for n in 1..=GRABBERS {
        let engine = engine.clone();
        let user = UserId(n);
        tasks.spawn(async move {
            let grab = GrabShare { packet, user };
            let (first, second) = tokio::join!(engine.submit(grab.clone()), engine.submit(grab));
            match (first, second) {
                (Ok(first), Ok(second)) => {
                    assert_eq!(first.event, second.event);
                    assert!(first.again != second.again);
                    1
                }
                (
                    Err(Rejected::Refused(Refusal::Empty)),
                    Err(Rejected::Refused(Refusal::Empty)),
                ) => 0,
                other => panic!("{other:?}"),
            }
        });
    }
    tasks.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_shares_go_to_exactly_a_hundred() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(Options::new(dir.path(), Mode::Sandbox)).await;
    let packet = send(&engine).await;
    assert_eq!(race(&engine, packet).await, usize::from(SHARES));
    let balances = engine.read(move |state| {
        let wallets = (0..=GRABBERS).map(|n| state.user(UserId(n)).unwrap().balance.0);
        (wallets.sum::<i64>(), state.balance(Account::Packet(packet)))
    });
    assert_eq!(balances.await.unwrap(), (TOTAL.0, Some(Fen::ZERO)));
    let (mut audit, mut shares, mut sum) = (Audit::new(), 0, 0);
    let mut feed = engine.feed(EventNumber(0));
    while let Next::Batch(batch) = feed.next(Duration::from_millis(100)) {
        for (_, event) in &batch.events {
            audit.read(event).unwrap();
            if let Event::ShareGrabbed(share) = event {
                (shares, sum) = (shares + 1, sum + share.amount.0);
            }
        }
    }
    assert_eq!((shares, sum), (SHARES, TOTAL.0));
    assert_eq!(audit.finish().unwrap().packets, Fen::ZERO);
    engine.stop();
}

/// A packet that is over and has left memory still answers who drew, and refuses others.
#[tokio::test]
async fn one_that_left_memory_comes_back_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let keep = Keep {
        shares: 0,
        ..KEEP_DEFAULT
    };
    let options = Options {
        keep,
        ..Options::new(dir.path(), Mode::Sandbox)
    };
    let engine = open(options).await;
    let packet = send(&engine).await;
    let grab = |n| GrabShare {
        packet,
        user: UserId(n),
    };
    let mut drawn = Vec::new();
    for n in 1..=u32::from(SHARES) {
        drawn.push(engine.submit(grab(n)).await.unwrap().event);
    }
    // Something else happens, so that the writer lets go of it once the store has it.
    loop {
        let user = AddUser {
            number: number(&format!("later{}", engine.durable())),
            brand: BrandId(0),
            tier: Tier::Full,
        };
        engine.submit(user).await.unwrap();
        if engine
            .read(move |state| state.packet(packet).is_none())
            .await
            .unwrap()
        {
            break;
        }
    }
    let again = engine.submit(grab(7)).await.unwrap();
    assert_eq!((again.event, again.again), (drawn[6], true));
    let late = engine.submit(grab(GRABBERS)).await;
    assert!(
        matches!(late, Err(Rejected::Refused(Refusal::Empty))),
        "{late:?}"
    );
    engine.stop();
}
