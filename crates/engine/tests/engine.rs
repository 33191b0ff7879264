//! The engine over real files: what was answered is there afterwards, however it was stopped.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::{self, PayOrder};
use feiqian_core::order::refund::RefundOrder;
use feiqian_core::order::{Attempt, OrderRef, OrderState};
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    Account, BasisPoints, BrandId, Fen, Keep, MerchantId, Mode, Number, OrderId, TransferId,
    UnixMillis, UserId,
};
use feiqian_engine::{Engine, OpenError, Options, Rejected, Stage};

const SHOP: MerchantId = MerchantId(0);
const PAYER: UserId = UserId(0);

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn open(dir: &Path) -> Engine {
    Engine::open(Options::new(dir, Mode::Sandbox)).unwrap()
}

async fn set_up(engine: &Engine) {
    engine
        .submit(AddBrand {
            number: number("b"),
            name: "Brand".into(),
        })
        .await
        .unwrap();
    let (name, fee) = ("Shop".to_owned(), BasisPoints(60));
    let shop = AddMerchant {
        number: number("m"),
        name,
        category: Category(5812),
        fee,
    };
    engine.submit(shop).await.unwrap();
    let user = AddUser {
        number: number("u"),
        brand: BrandId(0),
        tier: Tier::Full,
    };
    engine.submit(user).await.unwrap();
    let top_up = TopUp {
        user: PAYER,
        number: number("t"),
        amount: Fen(1_000_000),
    };
    let transfer = TransferId(engine.submit(top_up).await.unwrap().event);
    engine
        .submit(AnswerTransfer {
            transfer,
            answer: Answer::Done,
        })
        .await
        .unwrap();
}

fn create(text: &str, fen: i64) -> CreateOrder {
    let terms = Terms {
        amount: Fen(fen),
        channel: Channel::Scan,
        description: "tea".into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    };
    CreateOrder {
        merchant: SHOP,
        number: number(text),
        terms: terms.into(),
    }
}

fn pay(order: OrderId) -> PayOrder {
    PayOrder {
        order,
        payer: PAYER,
        attempt: Attempt(1),
        at_most: None,
    }
}

fn refund(text: &str, order: &str, fen: i64, order_fen: i64) -> RefundOrder {
    RefundOrder {
        merchant: SHOP,
        number: number(text),
        order: OrderRef::Number(number(order)),
        amount: Fen(fen),
        order_amount: Fen(order_fen),
        reason: None,
        notify: None,
    }
}

async fn paid(engine: &Engine, text: &str, fen: i64) -> OrderId {
    let order = OrderId(engine.submit(create(text, fen)).await.unwrap().event);
    engine.submit(pay(order)).await.unwrap();
    order
}

async fn wallet(engine: &Engine) -> Fen {
    engine
        .read(|state| state.balance(Account::Wallet(PAYER)))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn what_was_answered_is_found_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    set_up(&engine).await;
    let order = paid(&engine, "one", 1_000).await;
    let story = engine.store().await.unwrap().order(order).unwrap().unwrap();
    assert_eq!(story.later.len(), 1);
    let again = engine.submit(create("one", 1_000)).await.unwrap();
    assert!(again.again && OrderId(again.event) == order);
    engine.stop();
    assert!(matches!(
        engine.submit(pay(order)).await,
        Err(Rejected::Busy | Rejected::Unknown)
    ));
    drop(engine);

    // With the snapshot, without it, without the store, without both.
    for missing in [&[][..], &["state"], &["store"], &["state", "store"]] {
        for part in missing {
            std::fs::remove_dir_all(dir.path().join(part)).unwrap();
        }
        let engine = open(dir.path());
        assert_eq!(wallet(&engine).await, Fen(999_000), "without {missing:?}");
        assert!(engine.submit(create("one", 1_000)).await.unwrap().again);
        let refused = engine
            .submit(PayOrder {
                attempt: Attempt(2),
                ..pay(order)
            })
            .await;
        assert!(matches!(
            refused,
            Err(Rejected::Refused(pay::Refusal::AlreadyPaid))
        ));
        engine.stop();
    }
}

#[tokio::test]
async fn without_a_snapshot_the_log_is_replayed_onto_the_same_store() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let engine = open(dir.path());
        if round == 0 {
            set_up(&engine).await;
        }
        paid(&engine, &format!("order-{round}"), 100).await;
        assert_eq!(wallet(&engine).await, Fen(1_000_000 - 100 * (round + 1)));
        engine.stop();
        std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    }
}

/// A refund after the snapshot goes on with an order that the snapshot does not hold, and the store
/// has seen the refund already when the log is replayed.
#[tokio::test]
async fn what_was_settled_before_the_snapshot_is_refunded_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    set_up(&engine).await;
    paid(&engine, "old", 1_000).await;
    engine.stop();
    drop(engine);
    let snapshots = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    for file in std::fs::read_dir(&state).unwrap().flatten() {
        std::fs::copy(file.path(), snapshots.path().join(file.file_name())).unwrap();
    }
    let engine = open(dir.path());
    engine
        .submit(refund("r1", "old", 300, 1_000))
        .await
        .unwrap();
    engine
        .submit(refund("r2", "old", 300, 1_000))
        .await
        .unwrap();
    engine.stop();
    drop(engine);
    // As after `kill -9`: the old snapshot, with a store that is ahead of it.
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(snapshots.keep(), &state).unwrap();
    let engine = open(dir.path());
    assert_eq!(wallet(&engine).await, Fen(999_600));
    engine
        .submit(refund("r3", "old", 400, 1_000))
        .await
        .unwrap();
    assert!(engine.submit(refund("r4", "old", 1, 1_000)).await.is_err());
    engine.stop();
}

#[tokio::test]
async fn a_thousand_at_once_make_one_order_and_one_payment() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    set_up(&engine).await;
    let mut tasks = Vec::new();
    for n in 0..1_000_u64 {
        let engine = engine.clone();
        tasks.push(tokio::spawn(async move {
            let order = OrderId(engine.submit(create("same", 500)).await.unwrap().event);
            let attempt = Attempt(n);
            engine
                .submit(PayOrder {
                    order,
                    payer: PAYER,
                    attempt,
                    at_most: None,
                })
                .await
                .is_ok()
        }));
    }
    let mut paid = 0;
    for task in tasks {
        paid += u32::from(task.await.unwrap());
    }
    assert_eq!(paid, 1);
    assert_eq!(wallet(&engine).await, Fen(999_500));
    engine.stop();
}

#[tokio::test]
async fn what_left_memory_comes_back_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(Options {
        keep: Keep {
            numbers: 2,
            orders: 2,
            shares: 2,
        },
        ..Options::new(dir.path(), Mode::Sandbox)
    })
    .unwrap();
    set_up(&engine).await;
    for n in 0..50 {
        paid(&engine, &format!("order-{n}"), 100).await;
    }
    let in_memory = engine
        .read(feiqian_core::State::orders_in_memory)
        .await
        .unwrap();
    assert!(in_memory < 10, "{in_memory} orders are in memory");
    engine
        .submit(refund("r1", "order-3", 40, 100))
        .await
        .unwrap();
    for n in 0..50 {
        assert!(
            engine
                .submit(create(&format!("order-{n}"), 100))
                .await
                .unwrap()
                .again
        );
    }
    assert!(
        engine
            .submit(refund("r1", "order-3", 40, 100))
            .await
            .unwrap()
            .again
    );
    engine
        .submit(refund("r2", "order-3", 60, 100))
        .await
        .unwrap();
    assert!(
        engine
            .submit(refund("r3", "order-3", 1, 100))
            .await
            .is_err()
    );
    assert_eq!(wallet(&engine).await, Fen(1_000_000 - 49 * 100));
    engine.stop();
}

#[tokio::test]
async fn an_order_expires_when_the_clock_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = now.clone();
    let options = Options {
        clock: Arc::new(move || UnixMillis(clock.load(Ordering::SeqCst))),
        ..Options::new(dir.path(), Mode::Sandbox)
    };
    let engine = Engine::open(options).unwrap();
    set_up(&engine).await;
    let mut order = create("soon", 100);
    Arc::make_mut(&mut order.terms).expires_at = Some(UnixMillis(1_700_000_060_000));
    let order = OrderId(engine.submit(order).await.unwrap().event);
    now.store(1_700_000_060_000, Ordering::SeqCst);
    let refused = engine.submit(pay(order)).await;
    assert!(matches!(
        refused,
        Err(Rejected::Refused(
            pay::Refusal::OrderExpired | pay::Refusal::OrderClosed
        ))
    ));
    for _ in 0..200 {
        let state = engine.read(move |state| state.order(order).map(|o| o.state.clone()));
        if state.await.unwrap() == Some(OrderState::Closed) {
            engine.stop();
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the order did not expire");
}

#[tokio::test]
async fn time_does_not_go_back_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = UnixMillis(0);
    for at in [1_700_000_000_000, 1_600_000_000_000] {
        let options = Options {
            clock: Arc::new(move || UnixMillis(at)),
            ..Options::new(dir.path(), Mode::Sandbox)
        };
        let engine = Engine::open(options).unwrap();
        let brand = AddBrand {
            number: number(&at.to_string()),
            name: "Brand".into(),
        };
        let receipt = engine.submit(brand).await.unwrap();
        assert!(receipt.at >= last, "{receipt:?}");
        last = receipt.at;
        engine.stop();
    }
}

#[tokio::test]
async fn a_folder_keeps_its_mode_and_its_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let second = Engine::open(Options::new(dir.path(), Mode::Sandbox));
    assert!(matches!(
        second,
        Err(OpenError::Log(feiqian_log::OpenError::Locked { .. }))
    ));
    engine.stop();
    drop(engine);
    let other = Engine::open(Options::new(dir.path(), Mode::Production));
    assert!(matches!(other, Err(OpenError::OtherMode { .. })));
}

#[tokio::test]
async fn a_log_that_lost_its_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    set_up(&engine).await;
    paid(&engine, "one", 100).await;
    engine.stop();
    drop(engine);
    let log = dir.path().join("log/0000000000000000.log");
    let bytes = std::fs::read(&log).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    std::fs::write(&log, &bytes[..end]).unwrap();
    let cut = std::fs::read(&log).unwrap();
    // The snapshot and the store saw the last payment, so a log without it must not be used, and must
    // be left as it is.
    for gone in ["none", "state"] {
        drop(std::fs::remove_dir_all(dir.path().join(gone)));
        assert!(matches!(
            Engine::open(Options::new(dir.path(), Mode::Sandbox)),
            Err(OpenError::Log(feiqian_log::OpenError::EventsMissing { .. }))
        ));
        assert!(std::fs::read(&log).unwrap() == cut, "the log was changed");
    }
}

/// A folder with an order paid long ago, whose store is on disk.
async fn with_old_order() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    set_up(&engine).await;
    paid(&engine, "old", 1_000).await;
    engine.submit(refund("r1", "old", 1, 1_000)).await.unwrap();
    engine.stop();
    dir
}

/// Opens it and says whether the store was made anew.
fn open_told(dir: &Path) -> (Engine, bool) {
    let stages = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = stages.clone();
    let mut options = Options::new(dir, Mode::Sandbox);
    options.progress = Some(Box::new(move |stage| told.lock().unwrap().push(stage)));
    let engine = Engine::open(options).unwrap();
    let anew = stages.lock().unwrap().contains(&Stage::Rebuild);
    (engine, anew)
}

/// The files of the store.
fn store_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("store")).unwrap().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| !file.ends_with("LOCK"));
    files.sort();
    files
}

#[tokio::test]
async fn a_store_that_is_damaged_missing_or_old_is_made_anew() {
    let dir = with_old_order().await;
    let files = store_files(dir.path());
    assert!(files.len() >= 2, "{files:?}");
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("cut", |file| {
            let bytes = std::fs::read(file).unwrap();
            std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("removed", |file| std::fs::remove_file(file).unwrap()),
        ("of another version", |file| {
            std::fs::write(file, "feiqian store 99\n").unwrap();
        }),
    ];
    let mut refunds = 1;
    for (what, harm) in harms {
        for file in store_files(dir.path()) {
            refunds += 1;
            harm(&file);
            let (engine, anew) = open_told(dir.path());
            assert!(anew, "{} {what}", file.display());
            let more = engine
                .submit(refund(&format!("r{refunds}"), "old", 1, 1_000))
                .await;
            assert!(more.is_ok(), "{} {what}", file.display());
            assert!(engine.submit(create("old", 1_000)).await.unwrap().again);
            engine.stop();
        }
    }
    let store = dir.path().join("store");
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::create_dir_all(store.join("index")).unwrap();
    std::fs::write(store.join("FORMAT"), "feiqian store 1\n").unwrap();
    let (engine, anew) = open_told(dir.path());
    assert!(anew && !store.join("index").exists());
    assert!(engine.submit(create("old", 1_000)).await.unwrap().again);
    engine.stop();
    drop(engine);
    // What is no store is not touched, and what is sound is not made anew.
    assert!(!open_told(dir.path()).1);
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(store.join("thesis.txt"), "years of work").unwrap();
    assert!(Engine::open(Options::new(dir.path(), Mode::Sandbox)).is_err());
    assert!(store.join("thesis.txt").exists());
}

/// A damaged block is met only when it is read: by the replay, or by whoever asks.
#[tokio::test]
async fn damage_inside_the_store_is_told_and_the_next_start_is_sound() {
    let dir = with_old_order().await;
    let run = |dir: &Path| {
        let files = store_files(dir);
        let run = files
            .iter()
            .find(|file| file.extension().is_some_and(|e| e == "run"));
        run.unwrap().clone()
    };
    let mut bytes = std::fs::read(run(dir.path())).unwrap();
    // The second block of 4 KiB has the stories of orders.
    bytes[4096 + 100] ^= 1;
    std::fs::write(run(dir.path()), &bytes).unwrap();
    let (engine, anew) = open_told(dir.path());
    assert!(!anew);
    assert_eq!(wallet(&engine).await, Fen(999_001));
    let asked = engine.submit(refund("r2", "old", 1, 1_000)).await;
    assert!(matches!(asked, Err(Rejected::Unknown)), "{asked:?}");
    assert_eq!(engine.metrics().unreadable.get(), 1);
    // Others are served.
    paid(&engine, "new", 10).await;
    engine.stop();
    drop(engine);

    // What was settled before the snapshot is read by the replay of what was refunded after it.
    std::fs::remove_dir_all(dir.path().join("store")).unwrap();
    let (engine, anew) = open_told(dir.path());
    assert!(!anew, "a store that is not there has nothing wrong");
    engine.submit(refund("r2", "old", 1, 1_000)).await.unwrap();
    engine.stop();
}

/// What was settled before the snapshot and refunded after it is read from the store by the replay.
#[tokio::test]
async fn damage_that_the_replay_meets_is_put_right_too() {
    let dir = with_old_order().await;
    let (state, older) = (dir.path().join("state"), dir.path().join("older"));
    std::fs::rename(&state, &older).unwrap();
    let engine = open(dir.path());
    engine.submit(refund("r2", "old", 1, 1_000)).await.unwrap();
    engine.stop();
    drop(engine);
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&older, &state).unwrap();
    for file in store_files(dir.path()) {
        let mut bytes = std::fs::read(&file).unwrap();
        if bytes.len() > 8192 {
            bytes[4096 + 100] ^= 1;
            std::fs::write(&file, bytes).unwrap();
        }
    }
    let (engine, anew) = open_told(dir.path());
    assert!(anew);
    assert_eq!(wallet(&engine).await, Fen(999_002));
    engine
        .submit(refund("r3", "old", 998, 1_000))
        .await
        .unwrap();
    engine.stop();
}
