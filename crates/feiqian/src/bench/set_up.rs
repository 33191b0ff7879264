//! What a load needs before it starts: brands, merchants, wallets with money.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::{Category, add::AddMerchant};
use feiqian_core::user::{Tier, add::AddUser};
use feiqian_core::{
    BasisPoints, BrandId, Command, EventNumber, Fen, Mode, State, TransferId, UserId,
};
use feiqian_engine::Engine;
use indicatif::ProgressBar;

use super::campaigns;
use super::load::{Load, Pace, Run, Work};
use super::payment::{Numbers, Payments};
use crate::{Failure, folder};

/// Commands under way at once while setting up.
const UNDER_WAY: usize = 32_768;

/// Who there is, and how much is asked at once: what every load has in common.
#[derive(Args, Clone)]
pub struct World {
    /// Wallets, each with money in it
    #[arg(long, default_value_t = 10_000_000)]
    pub wallets: u32,
    /// Merchants; how often each is paid falls with its rank, as among real shops (Zipf, s = 1)
    #[arg(long, default_value_t = 100_000)]
    pub merchants: u32,
    /// Payments under way at once, each with one command
    #[arg(long, default_value_t = 12_288)]
    pub in_flight: usize,
}

impl World {
    /// Opens a folder and makes what is missing in it.
    pub fn open(&self, dir: &Path) -> Result<Engine, Failure> {
        let engine = Engine::open(feiqian_engine::Options::new(dir, Mode::Sandbox))?;
        self.set_up(&engine)?;
        Ok(engine)
    }

    /// Payments between them. Keeps one in `keep_each`.
    pub fn payments(&self, keep_each: u64) -> Payments {
        Payments::new(self.wallets, self.merchants, self.in_flight, keep_each)
    }

    /// Pays as often as fits.
    pub fn pay(&self, engine: &Engine, work: &mut Payments, pace: Pace) -> Result<Run, Failure> {
        let pace = Pace {
            in_flight: self.in_flight,
            ..pace
        };
        Load::new(engine, work, pace).run()
    }

    /// Pays until so many payments are stored.
    pub fn fill(&self, engine: &Engine, payments: u64) -> Result<(), Failure> {
        let set_up = 3 + u64::from(self.merchants) + 3 * u64::from(self.wallets);
        let stored = engine.durable().0.saturating_sub(set_up) / 2;
        let missing = payments.saturating_sub(stored);
        if missing > 0 {
            eprintln!("making {missing} payments …");
            let pace = Pace {
                at_least: missing,
                ..Pace::default()
            };
            self.pay(engine, &mut self.payments(u64::MAX), pace)?;
        }
        wait_for_store(engine)
    }

    /// Adds campaigns, starts them, and gives away their coupons.
    pub fn run_campaigns(&self, engine: &Engine, count: u32) -> Result<(), Failure> {
        let bar = folder::bar("campaigns");
        // One after the other: a step follows the one before it.
        for command in campaigns::run_all(count)? {
            all(engine, &bar, &mut std::iter::once(command))?;
        }
        all(engine, &bar, &mut campaigns::coupons(count, self.wallets))?;
        bar.finish_and_clear();
        wait_for_store(engine)
    }

    fn set_up(&self, engine: &Engine) -> Result<(), Failure> {
        let (brands, shops, users) = have(engine)?;
        let bar = folder::bar("setting up");
        bar.set_length(u64::from(self.wallets) * 3 + u64::from(self.merchants));
        let all = |commands: &mut dyn Iterator<Item = Command>| all(engine, &bar, commands);
        let mut numbers = Numbers::new("brand");
        all(&mut (brands..2).map(|n| add_brand(&mut numbers, n)))?;
        let mut numbers = Numbers::new("merchant");
        all(&mut (shops..self.merchants).map(|n| add_merchant(&mut numbers, n)))?;
        let mut numbers = Numbers::new("user");
        all(&mut (users..self.wallets).map(|n| add_user(&mut numbers, n)))?;
        let (first, new) = (engine.durable().0, self.wallets.saturating_sub(users));
        all(&mut (users..self.wallets).map(top_up))?;
        all(&mut (first..first + u64::from(new)).map(answer))?;
        bar.finish_and_clear();
        wait_for_store(engine)
    }
}

/// Asks for each of these, many at once.
fn all(
    engine: &Engine,
    bar: &ProgressBar,
    commands: &mut dyn Iterator<Item = Command>,
) -> Result<(), Failure> {
    let bar = bar.clone();
    let pace = Pace {
        in_flight: UNDER_WAY,
        at_least: u64::MAX,
        ..Pace::default()
    };
    Load::new(engine, &mut Each { commands, bar }, pace).run()?;
    Ok(())
}

/// How many brands, merchants and users there are.
fn have(engine: &Engine) -> Result<(u32, u32, u32), Failure> {
    let count = |state: &State| {
        (
            state.brands().count(),
            state.merchant_count(),
            state.user_count(),
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (brands, merchants, users) = runtime.block_on(engine.read(count))?;
    Ok((brands.try_into()?, merchants.try_into()?, users.try_into()?))
}

/// Commands of which each is all there is to do.
struct Each<'a> {
    commands: &'a mut dyn Iterator<Item = Command>,
    bar: ProgressBar,
}

impl Work for Each<'_> {
    fn begin(&mut self, _: usize) -> Option<Command> {
        self.commands.next()
    }

    fn go_on(&mut self, _: usize, _: EventNumber) -> Option<Command> {
        self.bar.inc(1);
        None
    }
}

fn add_brand(numbers: &mut Numbers, n: u32) -> Command {
    let (number, name) = (numbers.number(n.into()), format!("Brand {n}"));
    AddBrand { number, name }.into()
}

fn add_merchant(numbers: &mut Numbers, n: u32) -> Command {
    AddMerchant {
        number: numbers.number(n.into()),
        name: format!("Merchant {n}"),
        category: Category(5812),
        fee: BasisPoints(60),
    }
    .into()
}

fn add_user(numbers: &mut Numbers, n: u32) -> Command {
    AddUser {
        number: numbers.number(n.into()),
        brand: BrandId(u16::from(n % 2 == 1)),
        tier: Tier::Full,
    }
    .into()
}

fn top_up(user: u32) -> Command {
    TopUp {
        user: UserId(user),
        number: Numbers::new("top-up").number(0),
        amount: Fen(1_000_000_000),
    }
    .into()
}

fn answer(transfer: u64) -> Command {
    AnswerTransfer {
        transfer: TransferId(EventNumber(transfer)),
        answer: Answer::Done,
    }
    .into()
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
