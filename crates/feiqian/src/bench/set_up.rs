//! What a load needs before it starts: brands, merchants, wallets with money.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    BasisPoints, BrandId, Command, EventNumber, Fen, Number, State, TransferId, UserId,
};
use feiqian_engine::{Engine, Outcome, Sink};
use indicatif::ProgressBar;

use crate::{Failure, folder};

/// Commands submitted at once.
const CHUNK: usize = 8_192;
/// Commands under way before answers are waited for.
const UNDER_WAY_MAX: usize = 32_768;

/// Outcomes on their way from the committer to the load.
#[derive(Default)]
pub struct Answers(Mutex<Vec<(u64, Outcome)>>);

impl Sink for Answers {
    fn answers(&self, mut answers: Vec<(u64, Outcome)>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut answers);
    }
}

impl Answers {
    /// Moves what has come into `into`, which is empty, waiting for something.
    pub fn take(&self, engine: &Engine, into: &mut Vec<(u64, Outcome)>) -> Result<(), Failure> {
        loop {
            std::mem::swap(
                &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
                into,
            );
            if !into.is_empty() {
                return Ok(());
            }
            if let Some(why) = engine.failed() {
                return Err(why.into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Makes what is missing in a folder.
pub struct SetUp<'a> {
    engine: &'a Engine,
    answers: &'a Arc<Answers>,
    bar: ProgressBar,
}

impl<'a> SetUp<'a> {
    pub fn new(engine: &'a Engine, answers: &'a Arc<Answers>) -> Self {
        Self {
            engine,
            answers,
            bar: folder::bar("setting up"),
        }
    }

    pub fn run(&self, wallets: u32, merchants: u32) -> Result<(), Failure> {
        let (brands, shops, users) = self.have()?;
        self.bar
            .set_length(u64::from(wallets) * 3 + u64::from(merchants));
        self.all((brands..2).map(|n| {
            AddBrand {
                number: number("brand", n.into()),
                name: format!("Brand {n}"),
            }
            .into()
        }))?;
        self.all((shops..merchants).map(|n| {
            let (number, name) = (number("merchant", n.into()), format!("Merchant {n}"));
            AddMerchant {
                number,
                name,
                category: Category(5812),
                fee: BasisPoints(60),
            }
            .into()
        }))?;
        self.all((users..wallets).map(|n| {
            let brand = BrandId(u16::from(n % 2 == 1));
            AddUser {
                number: number("user", n.into()),
                brand,
                tier: Tier::Basic,
            }
            .into()
        }))?;
        let first = self.engine.durable().0;
        self.all((users..wallets).map(|n| {
            let amount = Fen(1_000_000_000);
            TopUp {
                user: UserId(n),
                number: number("top-up", 0),
                amount,
            }
            .into()
        }))?;
        self.all(
            (first..first + u64::from(wallets.saturating_sub(users))).map(|n| {
                AnswerTransfer {
                    transfer: TransferId(EventNumber(n)),
                    answer: Answer::Done,
                }
                .into()
            }),
        )?;
        self.bar.finish_and_clear();
        wait_for_store(self.engine)
    }

    /// How many brands, merchants and users there are.
    fn have(&self) -> Result<(u32, u32, u32), Failure> {
        let count = |state: &State| {
            (
                state.brands().count(),
                state.merchant_count(),
                state.user_count(),
            )
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let (brands, merchants, users) = runtime.block_on(self.engine.read(count))?;
        Ok((brands.try_into()?, merchants.try_into()?, users.try_into()?))
    }

    /// Submits all and waits until each is done.
    fn all(&self, mut commands: impl Iterator<Item = Command>) -> Result<(), Failure> {
        let sink: Arc<dyn Sink> = self.answers.clone();
        let (mut under_way, mut come) = (0, Vec::new());
        loop {
            let chunk: Vec<_> = commands
                .by_ref()
                .take(CHUNK)
                .map(|command| (command, 0))
                .collect();
            let last = chunk.is_empty();
            under_way += chunk.len();
            self.engine.submit_many(chunk, &sink)?;
            while under_way > if last { 0 } else { UNDER_WAY_MAX } {
                come.clear();
                self.answers.take(self.engine, &mut come)?;
                under_way -= come.len();
                self.bar.inc(come.len() as u64);
                if let Some((_, bad)) = come.iter().find(|(_, o)| !matches!(o, Outcome::Done(_))) {
                    return Err(format!("setting up failed: {bad:?}").into());
                }
            }
            if last {
                return Ok(());
            }
        }
    }
}

/// Waits until the store finds everything that is durable.
pub fn wait_for_store(engine: &Engine) -> Result<(), Failure> {
    while engine.store_now().position() < engine.durable() {
        if let Some(why) = engine.failed() {
            return Err(why.into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// A caller's number.
pub fn number(what: &str, n: u64) -> Number {
    match Number::new(&format!("{what}-{n}")) {
        Ok(number) => number,
        Err(error) => unreachable!("{error}"),
    }
}
