//! A disk that is nearly full: nothing new is accepted, everything else goes on, and when there is
//! room again it goes on by itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::{OrderRef, OrderState, close::CloseOrder};
use feiqian_core::{BasisPoints, Fen, MerchantId, Mode, Number, OrderId, UnixMillis};
use feiqian_engine::{Engine, Folders, Options, RESERVE_BYTES, Rejected};
use feiqian_log::{Disk, DiskFile, Files};

/// Files on a disk whose free space the test says.
struct Measured {
    files: Files,
    free: Arc<AtomicU64>,
}

impl Disk for Measured {
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.files.lock()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.files.list()
    }
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.files.create(name)
    }
    fn open_read(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.files.open_read(name)
    }
    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.files.open_write(name)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(from, to)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.files.sync_names()
    }
    fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.free.load(Ordering::Relaxed))
    }
}

struct World {
    free: Arc<AtomicU64>,
    now: Arc<AtomicI64>,
    engine: Engine,
}

impl World {
    async fn open(dir: &Path) -> Self {
        let free = Arc::new(AtomicU64::new(u64::MAX));
        let now = Arc::new(AtomicI64::new(1_000_000));
        let mut options = Options::new(dir, Mode::Sandbox);
        let measured = |name| -> Arc<dyn Disk> {
            let (files, free) = (Files::new(&dir.join(name)), free.clone());
            Arc::new(Measured { files, free })
        };
        options.folders = Folders {
            log: measured("log"),
            ..Folders::in_dir(dir)
        };
        let clock = now.clone();
        options.clock = Arc::new(move || UnixMillis(clock.load(Ordering::Relaxed)));
        let engine = Engine::open(options).unwrap();
        let (name, fee) = ("Shop".to_owned(), BasisPoints(60));
        let shop = AddMerchant {
            number: number("shop"),
            name,
            category: Category(5812),
            fee,
        };
        engine.submit(shop).await.unwrap();
        Self { free, now, engine }
    }

    /// Sets what is free, and waits until the engine knows.
    async fn set_free(&self, bytes: u64, full: bool) {
        self.free.store(bytes, Ordering::Relaxed);
        self.now.fetch_add(1_000, Ordering::Relaxed);
        for _ in 0..500 {
            if self.engine.metrics().disk_full.get() == i64::from(full) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("full should be {full} with {bytes} free");
    }

    async fn state(&self, order: OrderId) -> Option<OrderState> {
        let state = move |state: &feiqian_core::State| state.order(order).map(|o| o.state.clone());
        self.engine.read(state).await.unwrap()
    }
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn create(text: &str, fen: i64, expires_at: i64) -> CreateOrder {
    let terms = Terms {
        amount: Fen(fen),
        channel: Channel::Scan,
        description: "tea".into(),
        attach: None,
        notify: None,
        expires_at: Some(UnixMillis(expires_at)),
        only_payer: None,
        echo: None,
    };
    CreateOrder {
        merchant: MerchantId(0),
        number: number(text),
        terms: terms.into(),
    }
}

#[tokio::test]
async fn nothing_new_is_accepted_until_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path()).await;
    let engine = &world.engine;
    let day = 86_400_000;
    let order = OrderId(engine.submit(create("a", 10, day)).await.unwrap().event);

    world.set_free(RESERVE_BYTES - 1, true).await;
    let end = engine.durable();
    let new = engine.submit(create("b", 10, day)).await;
    assert!(matches!(new, Err(Rejected::DiskFull)), "{new:?}");
    // What writes nothing goes on: what was asked before, what the rules refuse, what is read.
    let again = engine.submit(create("a", 10, day)).await.unwrap();
    assert!(again.again && again.event == order.0);
    let refused = engine.submit(create("a", 11, day)).await;
    assert!(matches!(refused, Err(Rejected::Refused(_))), "{refused:?}");
    assert!(
        engine
            .store()
            .await
            .unwrap()
            .order(order)
            .unwrap()
            .is_some()
    );
    // Timers wait.
    world.now.store(2 * day, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(matches!(world.state(order).await, Some(OrderState::Open)));
    // A little more is not enough.
    world.free.store(RESERVE_BYTES + 1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        (engine.metrics().disk_full.get(), engine.durable()),
        (1, end)
    );

    world
        .set_free(RESERVE_BYTES + RESERVE_BYTES / 4, false)
        .await;
    engine.submit(create("b", 10, 3 * day)).await.unwrap();
    let close = CloseOrder {
        merchant: MerchantId(0),
        order: OrderRef::Id(order),
    };
    drop(engine.submit(close).await);
    assert!(!matches!(world.state(order).await, Some(OrderState::Open)));
    assert!(engine.failed().is_none());
    engine.stop();
}
