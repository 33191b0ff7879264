//! What a fresh sandbox is filled with. Every step carries a number of its own, so that a seeding cut
//! short is simply done again.

use feiqian_core::bank::answer::{Answer, AnswerTransfer};
use feiqian_core::bank::top_up::TopUp;
use feiqian_core::brand::add::AddBrand;
use feiqian_core::merchant::Category;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::user::Tier;
use feiqian_core::user::add::AddUser;
use feiqian_core::{BasisPoints, BrandId, Fen, Number, TransferId};
use feiqian_gateway::platform::{Person, Platform};

use crate::{Failure, folder};

/// The shopper that the printed commands use.
pub const SHOPPER: &str = "mei";

/// Name.
const BRANDS: [&str; 2] = ["灯笼钱包 Lantern", "港湾钱包 Harbour"];

/// Name, category (ISO 18245), fee in basis points.
const MERCHANTS: [(&str, u16, u16); 5] = [
    ("老街面馆 Old Street Noodles", 5812, 60),
    ("清风茶坊 Clear Breeze Tea", 5814, 38),
    ("南山书店 South Hill Books", 5942, 55),
    ("安心药房 Heartsease Pharmacy", 5912, 30),
    ("环城地铁 Ring Line Metro", 4111, 20),
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

const DONE: &str = "seeded";

/// Fills a sandbox once.
pub async fn seed(platform: &Platform) -> Result<(), Failure> {
    if platform.vault.secret(DONE)?.is_some() {
        return Ok(());
    }
    let bar = folder::bar("seeding the sandbox");
    bar.set_length((BRANDS.len() + MERCHANTS.len() + SHOPPERS.len()) as u64);
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
        tier: Tier::Verified,
    };
    let person = Person {
        handle: handle.into(),
        name: name.into(),
        latin_name: Some(latin_name.into()),
        phone: None,
    };
    let (_, user) = platform.add_user(command, &person).await?;
    let number = Number::new("seed-top-up")?;
    let receipt = platform
        .engine
        .submit(TopUp {
            user,
            number,
            amount: Fen(yuan * 100),
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
