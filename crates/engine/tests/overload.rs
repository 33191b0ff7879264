//! More is asked than can be done: the queue fills, callers are told "busy", memory stays bounded,
//! and what was acknowledged is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{self, Channel, CreateOrder, Terms};
use feiqian_core::{BasisPoints, Fen, MerchantId, Mode, Number, OrderId};
use feiqian_engine::{Engine, Options, QUEUE_MAX, Receipt, Rejected};

/// How long everybody asks as fast as they can.
const FLOOD: Duration = Duration::from_secs(3);

fn create(text: &str) -> CreateOrder {
    let terms = Terms {
        amount: Fen(1),
        channel: Channel::Scan,
        description: "tea".into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    };
    CreateOrder {
        merchant: MerchantId(0),
        number: Number::new(text).unwrap(),
        terms: terms.into(),
    }
}

type Asked = Pin<Box<dyn Future<Output = Result<Receipt, Rejected<create::Refusal>>> + Send>>;

/// Asks, and goes on without waiting for the answer.
fn ask(
    engine: &Engine,
    number: u64,
) -> (u64, Poll<Result<Receipt, Rejected<create::Refusal>>>, Asked) {
    let engine = engine.clone();
    let mut asked: Asked =
        Box::pin(async move { engine.submit(create(&format!("n{number}"))).await });
    let now = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    (number, now, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_told_busy_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(Options::new(dir.path(), Mode::Sandbox)).unwrap();
    let (name, fee) = ("Shop".to_owned(), BasisPoints(60));
    let shop = AddMerchant {
        number: Number::new("m").unwrap(),
        name,
        category: Category(5812),
        fee,
    };
    engine.submit(shop).await.unwrap();

    let (begin, mut asked, mut busy) = (Instant::now(), 0_u64, 0_u64);
    let mut waiting: Vec<(u64, Asked)> = Vec::new();
    let mut done = Vec::new();
    while begin.elapsed() < FLOOD {
        for _ in 0..1_024 {
            let (number, now, answer) = ask(&engine, asked);
            asked += 1;
            match now {
                Poll::Pending => waiting.push((number, answer)),
                Poll::Ready(Err(Rejected::Busy)) => busy += 1,
                // The processor was taken from us while it was decided and made durable.
                Poll::Ready(Ok(receipt)) => done.push((number, receipt)),
                Poll::Ready(other) => panic!("{other:?} of a new number"),
            }
        }
        engine.observe();
        assert!(engine.metrics().queue_depth.get() <= i64::try_from(QUEUE_MAX).unwrap());
        if waiting.len() > 4 * QUEUE_MAX {
            collect(&mut waiting, &mut done).await;
        }
    }
    // Whoever asks next waits for what was taken before, and for nothing else.
    let ended = Instant::now();
    while matches!(engine.submit(create("after")).await, Err(Rejected::Busy)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let recovered = ended.elapsed();
    collect(&mut waiting, &mut done).await;
    println!(
        "asked {asked}, done {}, busy {busy}, recovered after {recovered:?}",
        done.len()
    );
    assert!(busy > 0 && done.len() as u64 + busy == asked);
    assert!(recovered < Duration::from_secs(10), "{recovered:?}");

    let store = engine.store().await.unwrap();
    for (number, order) in done.iter().step_by(97) {
        let found = store.order(OrderId(order.event)).unwrap().unwrap();
        assert_eq!(
            found.created.number,
            Number::new(&format!("n{number}")).unwrap()
        );
    }
    drop(store);
    let events = engine.durable().0;
    assert_eq!(
        events,
        done.len() as u64 + 3,
        "opened, a merchant, and the one after"
    );
    engine.stop();
}

async fn collect(waiting: &mut Vec<(u64, Asked)>, done: &mut Vec<(u64, Receipt)>) {
    for (number, answer) in waiting.drain(..) {
        done.push((number, answer.await.unwrap()));
    }
}
