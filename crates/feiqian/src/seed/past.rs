//! A month of payments before today, so that reports have something to say.

use feiqian_core::limits::DAY_MS;
use feiqian_core::order::Attempt;
use feiqian_core::order::create::{Channel, CreateOrder, Terms};
use feiqian_core::order::pay::PayOrder;
use feiqian_core::{Fen, MerchantId, Number, OrderId, UnixMillis, UserId};
use feiqian_engine::Engine;
use tokio::task::JoinSet;

use crate::Failure;

/// Days of it.
pub const DAYS: i64 = 31;
/// Hours of the platform's clock at which people pay.
const HOURS: [i64; 4] = [8, 12, 13, 19];
/// Where they pay: what is sold there, and for how much, in fen.
const SHOPS: [(u32, &str, i64, i64); 5] = [
    (2, "小说 Novel", 2_800, 9_800),
    (3, "感冒药 Cold remedy", 900, 4_500),
    (4, "地铁票 Metro ticket", 300, 900),
    (5, "午餐 Lunch", 1_200, 3_800),
    (6, "便当 Bento", 1_000, 2_600),
];

/// Payments of one day by shoppers of both brands; who has too little pays nothing.
pub async fn day(
    engine: &Engine,
    day: i64,
    users: u32,
    mut at: impl FnMut(UnixMillis),
    midnight: UnixMillis,
) -> Result<(), Failure> {
    for (n, hour) in (0..).zip(HOURS) {
        at(midnight.plus(hour * 60 * 60 * 1_000));
        let mut tasks = JoinSet::new();
        for user in (0..users).filter(|user| wants(day, n, *user)) {
            tasks.spawn(buy(engine.clone(), day, n, user));
        }
        while let Some(done) = tasks.join_next().await {
            done?.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// A number that looks like chance and is the same each time.
fn chance(day: i64, n: i64, user: u32) -> i64 {
    let mixed =
        (day * 7_919 + n * 104_729 + i64::from(user) * 1_299_709).wrapping_mul(2_654_435_761);
    mixed.rem_euclid(1 << 20)
}

/// Odd users are of the second brand, which grows: its shoppers pay more often each week.
fn wants(day: i64, n: i64, user: u32) -> bool {
    let likely = if user.is_multiple_of(2) { 30 } else { 12 + day };
    chance(day, n, user) % 100 < likely
}

type Sent = Result<(), Box<dyn core::error::Error + Send + Sync>>;

async fn buy(engine: Engine, day: i64, n: i64, user: u32) -> Sent {
    let draw = chance(day + DAYS, n, user);
    let at_noon = n == 1 || n == 2;
    let shop = if at_noon { 3 + draw % 2 } else { draw % 5 };
    let (merchant, what, least, most) = SHOPS[usize::try_from(shop)?];
    let number = Number::new(&format!("past-{day}-{n}-{user}"))?;
    let terms = Terms {
        amount: Fen(least + draw / 7 % (most - least)),
        channel: Channel::Scan,
        description: what.into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: None,
        echo: None,
    };
    let create = CreateOrder {
        merchant: MerchantId(merchant),
        number,
        terms: terms.into(),
    };
    let order = OrderId(engine.submit(create).await?.event);
    let pay = PayOrder {
        order,
        payer: UserId(user),
        attempt: Attempt::of(&number),
        at_most: None,
    };
    match engine.submit(pay).await {
        Ok(_) | Err(feiqian_engine::Rejected::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Midnight of the platform's clock, so many days before now.
pub fn midnight(now: UnixMillis, days_before: i64) -> UnixMillis {
    now.plus(-days_before * DAY_MS).day().start()
}
