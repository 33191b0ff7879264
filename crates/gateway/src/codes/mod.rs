//! Codes that a merchant shows: static ones, with the amount open or fixed, those of an order, and what any
//! scanned text is.
//!
//! A merchant code is either a link (`…/q/m/TOKEN`, of an order `…/q/TOKEN`), which any camera app opens, or an
//! EMV payload ([`emv`]) that holds the link and is signed as a whole, so that a changed one is noticed. The
//! token ([`token`]) proves itself: nothing is stored of it. What a shopper shows as EMV payload is in [`cpm`].

pub mod emv;
pub mod token;

pub mod cpm;

pub mod barcode;
pub mod picture;
pub mod sticker;

use feiqian_core::ids::Digest;
use feiqian_core::order::create::{self, Channel, CreateOrder, Terms};
use feiqian_core::{Fen, MerchantId, Number, OrderId, State, UserId};
use feiqian_engine::{Rejected, Stopped};

use crate::platform::{Platform, PlatformError};
use emv::{Fault, MerchantCode, Object, put};
use token::Asks;

/// By what our objects within a payload are known (EMV QRCPS 4.7.6: a reversed domain).
const GUID: &str = "org.feiqian";
/// The object that names our merchant.
const ACCOUNT: u8 = 26;
/// The object that names the merchant in another language.
const LANGUAGE: u8 = 64;
/// The object that holds our link.
const LINK: u8 = 80;
/// The object that holds our signature: the last before the sum.
const SEAL: u8 = 81;
/// ISO 4217, of the yuan.
const CNY: u16 = 156;

/// What a scanned text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// An order that waits for its shopper; its token.
    Order(String),
    /// A merchant's static code; its token, and whether the payload it came in was signed by us.
    Merchant {
        /// For [`order_from_code`].
        token: String,
        /// What it says.
        asks: Asks,
        /// A link alone is not signed as a payload, but its token is.
        signed: bool,
    },
    /// `/q/p/…`: a red packet's token, not verified.
    Packet(String),
    /// `/q/u/…`: a user's handle, not verified.
    User(String),
    /// Another system's merchant code.
    Foreign(MerchantCode),
}

/// Why a text is nothing that can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Neither a link of ours nor an EMV code.
    #[error("this is no payment code that is understood here")]
    NotUnderstood,
    /// A link or payload of ours that we did not make so.
    #[error("this code was changed after it was made; do not pay by it")]
    Forged,
    /// An EMV code with a fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why no order was made from a code.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The token is none of ours.
    #[error("there is no such merchant code")]
    CodeNotFound,
    /// The code leaves the amount open.
    #[error("say how much is to be paid")]
    AmountMissing,
    /// The code says another amount.
    #[error("this code is for {0} yuan")]
    OtherAmount(Fen),
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejected<create::Refusal>),
    /// Something here failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

/// The link of a merchant's static code; none if the amount is above any order's.
#[must_use]
pub fn merchant_link(platform: &Platform, asks: Asks) -> Option<String> {
    let token = platform.seals.token(asks)?;
    Some(format!("{}/q/m/{token}", platform.base_url))
}

/// The EMV payload of a merchant's static code, for its QR; none if there is no such merchant or the
/// amount is none.
pub async fn merchant_code(
    platform: &Platform,
    merchant: MerchantId,
    amount: Option<Fen>,
) -> Result<Option<String>, PlatformError> {
    let Some(token) = platform.seals.token(Asks { merchant, amount }) else {
        return Ok(None);
    };
    let path = format!("m/{token}");
    payload(platform, (merchant, amount), true, &path).await
}

/// The EMV payload of an order, for its QR; none if there is no such merchant.
pub async fn order_code(
    platform: &Platform,
    order: OrderId,
    merchant: MerchantId,
    amount: Fen,
) -> Result<Option<String>, PlatformError> {
    let path = platform.ids.code_token(order.0.0);
    payload(platform, (merchant, Some(amount)), false, &path).await
}

/// A payload that holds the link `/q/{path}`.
async fn payload(
    platform: &Platform,
    (merchant, amount): (MerchantId, Option<Fen>),
    fixed: bool,
    path: &str,
) -> Result<Option<String>, PlatformError> {
    let category = move |state: &State| state.merchant(merchant).map(|row| row.category.0);
    let Some(category) = platform.engine.read(category).await? else {
        return Ok(None);
    };
    let name = platform.shop_name(merchant).await?;
    let latin = name.is_ascii() && (1..=25).contains(&name.len());
    let code = MerchantCode {
        fixed,
        category,
        currency: CNY,
        amount: amount.map(|fen| fen.to_string()),
        country: "CN".into(),
        name: if latin {
            name.clone()
        } else {
            format!("SHOP {:08}", merchant.0)
        },
        city: "CHINA".into(),
        others: Vec::new(),
    };
    let language = (!latin).then_some(name.as_str());
    Ok(signed(platform, merchant, code, language, path))
}

/// The code with our objects, the last of which signs it.
fn signed(
    platform: &Platform,
    merchant: MerchantId,
    mut code: MerchantCode,
    chinese: Option<&str>,
    path: &str,
) -> Option<String> {
    let account = template(&[&format!("{:08}", merchant.0)])?;
    // Short enough for its object, or the path alone: whoever reads it knows the address.
    let link = template(&[&format!("{}/q/{path}", platform.base_url)]);
    let link = link.filter(|text| text.chars().count() <= 99);
    let link = link.or_else(|| template(&[path]))?;
    let mut add = |id, value| code.others.push(Object { id, value });
    add(ACCOUNT, account);
    if let Some(name) = chinese {
        let mut language = String::new();
        put(&mut language, 0, "ZH")?;
        put(&mut language, 1, &name.chars().take(25).collect::<String>())?;
        add(LANGUAGE, language);
    }
    add(LINK, link);
    let unsigned = code.write()?;
    let seal = platform.seals.sign(signed_part(&unsigned)?);
    let value = template(&[&seal])?;
    code.others.push(Object { id: SEAL, value });
    code.write()
}

/// Objects under our name.
fn template(values: &[&str]) -> Option<String> {
    let mut text = String::new();
    put(&mut text, 0, GUID)?;
    for (id, value) in (1..).zip(values) {
        put(&mut text, id, value)?;
    }
    Some(text)
}

/// Of a payload without signature: all before the sum.
fn signed_part(unsigned: &str) -> Option<&str> {
    unsigned.get(..unsigned.len().checked_sub(8)?)
}

/// What a scanned text is.
///
/// # Errors
/// See [`ScanError`].
pub fn scan(platform: &Platform, text: &str) -> Result<Scanned, ScanError> {
    let text = text.trim();
    if let Some((_, path)) = text.split_once("/q/")
        && (text.starts_with("http://") || text.starts_with("https://"))
    {
        return scan_link(platform, path);
    }
    match MerchantCode::read(text) {
        Ok(code) => scan_payload(platform, text, code),
        Err(Fault::NotEmv) => Err(ScanError::NotUnderstood),
        Err(fault) => Err(fault.into()),
    }
}

fn scan_link(platform: &Platform, path: &str) -> Result<Scanned, ScanError> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if let Some(token) = path.strip_prefix("m/") {
        let asks = platform.seals.read(token).ok_or(ScanError::Forged)?;
        let (token, signed) = (token.to_owned(), true);
        return Ok(Scanned::Merchant {
            token,
            asks,
            signed,
        });
    }
    if let Some(token) = path.strip_prefix("p/") {
        return Ok(Scanned::Packet(token.to_owned()));
    }
    if let Some(handle) = path.strip_prefix("u/") {
        return Ok(Scanned::User(handle.to_owned()));
    }
    match platform.ids.read_code_token(path) {
        Some(_) => Ok(Scanned::Order(path.to_owned())),
        None => Err(ScanError::NotUnderstood),
    }
}

fn scan_payload(platform: &Platform, text: &str, code: MerchantCode) -> Result<Scanned, ScanError> {
    let Some(link) = ours(&code, LINK)? else {
        return Ok(Scanned::Foreign(code));
    };
    let seal = ours(&code, SEAL)?.ok_or(ScanError::Forged)?;
    // The signature's object is the last: its id, length and value, then the sum.
    let object = template(&[&seal]).ok_or(ScanError::Forged)?;
    let end = text.len().checked_sub(8 + 4 + object.len());
    let before = end
        .and_then(|end| text.get(..end))
        .ok_or(ScanError::Forged)?;
    if !platform.seals.is_signed(before, &seal) {
        return Err(ScanError::Forged);
    }
    let path = link.split_once("/q/").map_or(&*link, |(_, path)| path);
    // What bears our signature and is none of these would be our own mistake.
    match scan_link(platform, path)? {
        known @ (Scanned::Merchant { .. } | Scanned::Order(_)) => Ok(known),
        Scanned::Packet(_) | Scanned::User(_) | Scanned::Foreign(_) => Err(ScanError::Forged),
    }
}

/// The first value under our name in an object.
fn ours(code: &MerchantCode, id: u8) -> Result<Option<String>, Fault> {
    let within = code.within(id)?.unwrap_or_default();
    let ours = within.first().is_some_and(|object| {
        *object
            == Object {
                id: 0,
                value: GUID.into(),
            }
    });
    let value = within.into_iter().find(|object| object.id == 1);
    Ok(value.filter(|_| ours).map(|object| object.value))
}

/// Makes the merchant's order that a static code asks for. `key` is the payer's number for it: the same one
/// again gives the same order.
///
/// # Errors
/// See [`OrderError`].
pub async fn order_from_code(
    platform: &Platform,
    token: &str,
    amount: Option<Fen>,
    note: Option<&str>,
    payer: UserId,
    key: &Number,
) -> Result<OrderId, OrderError> {
    let asks = platform.seals.read(token).ok_or(OrderError::CodeNotFound)?;
    let amount = match (asks.amount, amount) {
        (Some(fixed), Some(other)) if fixed != other => {
            return Err(OrderError::OtherAmount(fixed));
        }
        (Some(amount), _) | (None, Some(amount)) => amount,
        (None, None) => return Err(OrderError::AmountMissing),
    };
    let shop = platform.shop_name(asks.merchant).await?;
    let terms = Terms {
        amount,
        channel: Channel::Scan,
        description: note.filter(|note| !note.is_empty()).unwrap_or(&shop).into(),
        attach: None,
        notify: None,
        expires_at: None,
        only_payer: Some(payer),
        echo: None,
    };
    let create = CreateOrder {
        merchant: asks.merchant,
        number: number(payer, key),
        terms: terms.into(),
    };
    Ok(OrderId(platform.engine.submit(create).await?.event))
}

impl From<Stopped> for OrderError {
    fn from(stopped: Stopped) -> Self {
        Self::Platform(stopped.into())
    }
}

/// A number of the merchant's series that no other payer's key gives.
fn number(payer: UserId, key: &Number) -> Number {
    let Digest(bytes) = Digest::of(&(payer, key));
    let text = bytes.iter().fold(String::from("scan."), |text, byte| {
        format!("{text}{byte:02x}")
    });
    Number::new(&text).expect("letters and digits, 37 of them")
}
