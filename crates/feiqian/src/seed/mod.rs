//! What a fresh sandbox is filled with. Every step carries a number of its own, so that a seeding cut
//! short is simply done again.

mod campaigns;
mod clock;
mod past;
pub mod till;

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::brand::fund::FundBrand;
use feiqian_core::merchant::Category;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::user::Tier;
use feiqian_core::user::add::AddUser;
use feiqian_core::{Account, BasisPoints, BrandId, Fen, Number, State, TransferId, UserId};
use feiqian_engine::system_clock;
use feiqian_gateway::platform::{Person, Platform};

pub use clock::SandboxClock;

use crate::{Failure, folder};

/// The shopper that the printed commands use.
pub const SHOPPER: &str = "mei";

/// Name.
const BRANDS: [&str; 2] = ["灯笼钱包 Lantern", "港湾钱包 Harbour"];

/// Name, category (ISO 18245), fee in basis points.
const MERCHANTS: [(&str, u16, u16); 7] = [
    ("老街面馆 Old Street Noodles", 5812, 60),
    ("清风茶坊 Clear Breeze Tea", 5814, 38),
    ("南山书店 South Hill Books", 5942, 55),
    ("安心药房 Heartsease Pharmacy", 5912, 30),
    ("环城地铁 Ring Line Metro", 4111, 20),
    ("巷口小馆 Corner Kitchen", 5812, 60),
    ("百味便当 Hundred Flavours Bento", 5814, 38),
];

/// Handle, Chinese name, Latin name, first balance in yuan. Even ones are of the first brand.
const SHOPPERS: [(&str, &str, &str, i64); 20] = [
    (SHOPPER, "韩梅", "Han Mei", 5_000),
    ("lei", "李雷", "Li Lei", 5_000),
    ("fang", "王芳", "Wang Fang", 3_200),
    ("wei", "张伟", "Zhang Wei", 2_800),
    ("xiu", "陈秀", "Chen Xiu", 1_500),
    ("jun", "刘军", "Liu Jun", 900),
    ("na", "杨娜", "Yang Na", 4_100),
    ("tao", "黄涛", "Huang Tao", 650),
    ("yan", "周燕", "Zhou Yan", 2_300),
    ("bo", "吴波", "Wu Bo", 1_100),
    ("ling", "徐玲", "Xu Ling", 780),
    ("hao", "孙浩", "Sun Hao", 3_600),
    ("jing", "马静", "Ma Jing", 1_950),
    ("peng", "朱鹏", "Zhu Peng", 420),
    ("hui", "胡慧", "Hu Hui", 2_650),
    ("alice", "艾丽丝", "Alice Grant", 1_800),
    ("qiang", "郭强", "Guo Qiang", 1_250),
    ("tom", "汤姆", "Tom Reed", 500),
    ("lan", "何兰", "He Lan", 3_050),
    ("poor", "穷小二", "Poor Er", 1),
];

/// What the operator puts into each brand's reserve, for its campaigns.
const CAPITAL_YUAN: i64 = 100_000;

/// By then the bookshop has what it needs to pay in advance.
const COUPON_DAY: i64 = 14;

const DONE: &str = "seeded";

/// Fills a sandbox once.
pub async fn seed(platform: &Platform, clock: &SandboxClock) -> Result<(), Failure> {
    if platform.vault.secret(DONE)?.is_some() {
        clock.release();
        return Ok(());
    }
    let bar = folder::bar("seeding the sandbox");
    bar.set_length(
        (BRANDS.len() + MERCHANTS.len() + SHOPPERS.len()) as u64 + past::DAYS.unsigned_abs(),
    );
    let now = system_clock()();
    for (index, name) in BRANDS.into_iter().enumerate() {
        let number = Number::new(&format!("seed-brand-{index}"))?;
        platform
            .engine
            .submit(AddBrand {
                number,
                name: name.into(),
            })
            .await?;
        bar.inc(1);
    }
    for (index, (name, category, fee)) in MERCHANTS.into_iter().enumerate() {
        let command = AddMerchant {
            number: Number::new(&format!("seed-merchant-{index}"))?,
            name: name.into(),
            category: Category(category),
            fee: BasisPoints(fee),
        };
        platform.add_merchant(command, None).await?;
        bar.inc(1);
    }
    for (index, shopper) in SHOPPERS.into_iter().enumerate() {
        add_shopper(platform, index, shopper).await?;
        bar.inc(1);
    }
    let users = u32::try_from(SHOPPERS.len())?;
    for (index, _) in BRANDS.iter().enumerate() {
        let capital = FundBrand {
            brand: BrandId(u16::try_from(index)?),
            number: Number::new("seed-capital")?,
            amount: Fen(CAPITAL_YUAN * 100),
        };
        platform.engine.submit(capital).await?;
    }
    campaigns::add(platform, past::midnight(now, past::DAYS)).await?;
    for day in 0..past::DAYS {
        let midnight = past::midnight(now, past::DAYS - day);
        if day == COUPON_DAY {
            campaigns::add_coupon(platform, midnight).await?;
        }
        let at = |at| clock.set(at);
        past::day(&platform.engine, day, users, at, midnight).await?;
        bar.inc(1);
    }
    for user in (0..users).map(UserId) {
        campaigns::give(platform, user).await?;
    }
    clock.release();
    for (index, (_, _, _, yuan)) in SHOPPERS.into_iter().enumerate() {
        fill_up(platform, UserId(u32::try_from(index)?), Fen(yuan * 100)).await?;
    }
    platform.vault.put_secret(DONE, b"yes")?;
    bar.finish_and_clear();
    Ok(())
}

async fn add_shopper(
    platform: &Platform,
    index: usize,
    (handle, name, latin_name, yuan): (&str, &str, &str, i64),
) -> Result<(), Failure> {
    let command = AddUser {
        number: Number::new(&format!("seed-user-{index}"))?,
        brand: BrandId(u16::from(index % 2 == 1)),
        tier: Tier::Full,
    };
    let person = Person {
        handle: handle.into(),
        name: name.into(),
        latin_name: Some(latin_name.into()),
        phone: None,
    };
    let (_, user) = platform.add_user(command, &person).await?;
    top_up(platform, user, "seed-top-up", Fen(yuan * 100)).await
}

/// After the month everybody has what the list says, at least.
async fn fill_up(platform: &Platform, user: UserId, wanted: Fen) -> Result<(), Failure> {
    let balance = move |state: &State| state.balance(Account::Wallet(user));
    let has = platform.engine.read(balance).await?.unwrap_or_default();
    match wanted.minus(has) {
        Some(missing) if missing > Fen::ZERO => {
            top_up(platform, user, "seed-fill-up", missing).await
        }
        Some(_) | None => Ok(()),
    }
}

async fn top_up(
    platform: &Platform,
    user: UserId,
    number: &str,
    amount: Fen,
) -> Result<(), Failure> {
    let number = Number::new(number)?;
    let receipt = platform
        .engine
        .submit(TopUp {
            user,
            number,
            amount,
        })
        .await?;
    let pending = TransferId(receipt.event);
    let answer = AnswerTransfer {
        transfer: pending,
        answer: Answer::Done,
    };
    match platform.engine.submit(answer).await {
        Ok(_) => Ok(()),
        // Answered before the seeding was cut short.
        Err(_) if receipt.again => Ok(()),
        Err(error) => Err(error.into()),
    }
}
