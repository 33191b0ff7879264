//! What every edge shares: the engine, the vault, and the keys that speak for the platform and for
//! its merchants.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::user::add::AddUser;
use feiqian_core::{Event, MerchantId, Mode, UnixMillis, UserId};
use feiqian_engine::{Engine, Receipt, Rejected, Stopped};
use feiqian_store::vault::{Vault, VaultError};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::alipay::app::KnownApps;
use crate::app::outside::Outside;
use crate::app::phone::{self, Phone};
use crate::app::wallet::payees::LookUps;
use crate::app::{Apps, account};
use crate::campaigns::codes::Codes;
use crate::campaigns::persons::Persons;
use crate::codes::token::Seals;
use crate::desk::Desk;
use crate::limiter::Limiter;
use crate::live::Live;
use crate::paycode::PayCodes;
use crate::wechat::aead::ApiV3Key;
use crate::wechat::edge::WechatEdge;
use crate::wechat::ids::{self, Ids};
use crate::wechat::keys::{Authority, MerchantCertificate, RsaKeyPem, Subject};
use crate::wechat::oaep::Decryptor;
use crate::wechat::random;
use crate::wechat::sign::{KeyError, PlatformKey, VerifyingKey};
use crate::wechat_v2::sign::ApiV2Key;

/// Everything that a request handler may need.
pub struct Platform {
    /// Decides and answers.
    pub engine: Engine,
    /// Personal data and secrets.
    pub vault: Vault,
    /// Opaque ids of users, orders and refunds.
    pub ids: Ids,
    /// Play or real.
    pub mode: Mode,
    /// Where the public reaches this server, without a slash at the end.
    pub base_url: String,
    /// Signs answers and notices.
    pub signer: Signer,
    /// Who holds which bearer key.
    pub access: Access,
    /// Unique codes of coupons.
    pub codes: Codes,
    /// Which users are one person.
    pub persons: Persons,
    /// Signs merchants' static codes.
    pub seals: Seals,
    /// Keys of pay codes, and guesses at them.
    pub pay_codes: PayCodes,
    /// How often each has looked somebody up.
    pub look_ups: LookUps,
    /// Who waits for news.
    pub live: Live,
    /// How often each may ask.
    pub limiter: Limiter,
    /// What operators run the platform by.
    pub desk: Desk,
    /// What the apps share.
    pub apps: Apps,
    /// What the WeChat Pay edge keeps while it runs.
    pub wechat: WechatEdge,
    /// Merchants' Alipay apps.
    pub alipay: KnownApps,
    merchants: RwLock<HashMap<MerchantId, Arc<MerchantKeys>>>,
}

/// The platform's own key, under its two names.
pub struct Signer {
    /// Signs.
    pub key: PlatformKey,
    /// Reads sensitive fields.
    pub decryptor: Decryptor,
    /// `PUB_KEY_ID_…`: what public-key mode calls it.
    pub public_key_id: String,
    /// What certificate mode calls it: 40 upper-case hexadecimal digits.
    pub certificate_serial: String,
    /// X.509 PEM of the same key.
    pub certificate_pem: String,
    /// Unix seconds.
    pub not_before: i64,
    /// Unix seconds.
    pub not_after: i64,
}

/// What proves a merchant's requests.
pub struct MerchantKeys {
    /// Whose.
    pub merchant: MerchantId,
    /// WeChat Pay merchant number.
    pub mchid: String,
    /// WeChat app id of this merchant.
    pub appid: String,
    /// What the public calls it.
    pub name: String,
    /// Serial number of its certificate.
    pub serial_no: String,
    /// Verifies its requests.
    pub key: VerifyingKey,
    /// Encrypts notices to it.
    pub api_v3_key: ApiV3Key,
    /// Signs what is said in v2, both ways.
    pub api_v2_key: ApiV2Key,
}

/// What a merchant's engineer puts into an SDK. Shown once in production; kept in a sandbox.
#[derive(Clone, Debug)]
pub struct MerchantCredentials {
    /// Our id.
    pub merchant: MerchantId,
    /// WeChat Pay merchant number.
    pub mchid: String,
    /// WeChat app id.
    pub appid: String,
    /// Serial number of the certificate.
    pub serial_no: String,
    /// X.509 PEM.
    pub certificate_pem: String,
    /// PKCS#8 PEM; none when the merchant brought its own certificate.
    pub private_key_pem: Option<SecretString>,
    /// 32 characters.
    pub api_v3_key: SecretString,
    /// 32 characters.
    pub api_v2_key: SecretString,
}

/// What the vault keeps of a merchant.
#[derive(Serialize, Deserialize)]
struct MerchantRecord {
    certificate_pem: String,
    private_key_pem: Option<String>,
    api_v3_key: String,
    api_v2_key: String,
}

/// What the vault keeps of the platform's own keys.
#[derive(Serialize, Deserialize)]
struct SignerRecord {
    private_key_pem: String,
    public_key_id: String,
    certificate_pem: String,
    not_before: i64,
    not_after: i64,
}

/// A person as the vault keeps them.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Person {
    /// A short name without blanks, for commands and links.
    pub handle: String,
    /// The name, as written on papers.
    pub name: String,
    /// The name in Latin letters, if it is another.
    pub latin_name: Option<String>,
    /// With country code.
    pub phone: Option<String>,
}

/// Why the platform cannot do what it was asked, through no fault of the caller.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A record of the vault is not what this program wrote.
    #[error("the vault's record {0} cannot be read")]
    Record(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] feiqian_store::StoreError),
    /// The engine.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

const PLATFORM: &str = "platform";
const AUTHORITY: &str = "authority";
const ROOT: &str = "authority-root";

impl Platform {
    /// Puts it together; makes the platform's keys on the first start.
    pub async fn open(
        engine: Engine,
        vault: Vault,
        base_url: String,
    ) -> Result<Arc<Self>, PlatformError> {
        Self::open_with(engine, vault, base_url, Outside::of(None, None)).await
    }

    /// As [`Platform::open`], with whom to ask outside. A sandbox asks nobody.
    pub async fn open_with(
        engine: Engine,
        vault: Vault,
        base_url: String,
        outside: Outside,
    ) -> Result<Arc<Self>, PlatformError> {
        let mode = engine
            .read(feiqian_core::State::mode)
            .await?
            .ok_or(Stopped)?;
        let outside = if mode == Mode::Sandbox {
            Outside::sandbox()
        } else {
            outside
        };
        let now = unix_seconds();
        let authority = authority(&vault)?;
        let record = match read_record::<SignerRecord>(&vault, PLATFORM)? {
            Some(record) => record,
            None => new_signer(&vault, &authority, now)?,
        };
        let signer = Signer {
            key: PlatformKey::from_pem(&record.private_key_pem)?,
            decryptor: Decryptor::from_pem(&record.private_key_pem)?,
            certificate_serial: MerchantCertificate::from_pem(&record.certificate_pem)?.serial_no,
            public_key_id: record.public_key_id,
            certificate_pem: record.certificate_pem,
            not_before: record.not_before,
            not_after: record.not_after,
        };
        Ok(Arc::new(Self {
            ids: Ids::new(&*vault.derive("ids")?),
            access: Access::default(),
            codes: Codes::new(&*vault.derive("coupon codes")?),
            persons: Persons::new(&*vault.derive("persons")?),
            seals: Seals::new(&*vault.derive("merchant codes")?),
            pay_codes: PayCodes::default(),
            desk: Desk::default(),
            look_ups: LookUps::default(),
            live: Live::default(),
            limiter: Limiter::new(mode == Mode::Sandbox),
            apps: Apps::new(&vault, outside)?,
            wechat: WechatEdge::default(),
            alipay: KnownApps::default(),
            merchants: RwLock::default(),
            engine,
            vault,
            mode,
            base_url,
            signer,
        }))
    }

    /// Whether this is a sandbox.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.mode == Mode::Sandbox
    }

    /// A merchant's keys, if there is such a merchant.
    pub async fn merchant(
        &self,
        merchant: MerchantId,
    ) -> Result<Option<Arc<MerchantKeys>>, PlatformError> {
        if let Some(keys) = self.known_merchant(merchant) {
            return Ok(Some(keys));
        }
        let Some(record) = read_record::<MerchantRecord>(&self.vault, &merchant_name(merchant))?
        else {
            return Ok(None);
        };
        let Some(name) = self.merchant_name(merchant).await? else {
            return Ok(None);
        };
        let certificate = MerchantCertificate::from_pem(&record.certificate_pem)?;
        let number = u64::from(merchant.0);
        let keys = Arc::new(MerchantKeys {
            merchant,
            mchid: ids::mchid(number),
            appid: self.ids.appid(number),
            name,
            serial_no: certificate.serial_no,
            key: certificate.key,
            api_v3_key: ApiV3Key::new(&record.api_v3_key)
                .map_err(|_| PlatformError::Record(merchant_name(merchant)))?,
            api_v2_key: ApiV2Key::new(record.api_v2_key),
        });
        let mut known = self
            .merchants
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(merchant, keys.clone());
        Ok(Some(keys))
    }

    fn known_merchant(&self, merchant: MerchantId) -> Option<Arc<MerchantKeys>> {
        let known = self
            .merchants
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        known.get(&merchant).cloned()
    }

    /// What the public calls a merchant; empty if there is no such merchant.
    pub async fn shop_name(&self, merchant: MerchantId) -> Result<String, PlatformError> {
        if let Some(keys) = self.merchant(merchant).await? {
            return Ok(keys.name.clone());
        }
        Ok(self.merchant_name(merchant).await?.unwrap_or_default())
    }

    /// The public name, from the event that added the merchant.
    async fn merchant_name(&self, merchant: MerchantId) -> Result<Option<String>, PlatformError> {
        let added = move |state: &feiqian_core::State| state.merchant(merchant).map(|m| m.added);
        let Some(added) = self.engine.read(added).await? else {
            return Ok(None);
        };
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "only this event adds merchants"
        )]
        match self.engine.store().await?.event(added)? {
            Some(Event::MerchantAdded(event)) => Ok(Some(event.name)),
            _ => Ok(None),
        }
    }

    /// Adds a merchant with its keys: its own certificate if it brings one, else a pair made here.
    /// The same command again gives the same credentials, in a sandbox the private key too.
    pub async fn add_merchant(
        &self,
        command: AddMerchant,
        certificate_pem: Option<String>,
    ) -> Result<(Receipt, MerchantCredentials), AddMerchantError> {
        let name = command.name.clone();
        if let Some(pem) = &certificate_pem {
            MerchantCertificate::from_pem(pem).map_err(AddMerchantError::Certificate)?;
        }
        let receipt = self
            .engine
            .submit(command)
            .await
            .map_err(AddMerchantError::Rejected)?;
        let store = self.engine.store().await.map_err(PlatformError::from)?;
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "only this event adds merchants"
        )]
        let merchant = match store.event(receipt.event).map_err(PlatformError::from)? {
            Some(Event::MerchantAdded(event)) => event.merchant,
            _ => return Err(PlatformError::Record("merchant".into()).into()),
        };
        let record = match read_record::<MerchantRecord>(&self.vault, &merchant_name(merchant))? {
            Some(record) => record,
            None => self.new_merchant(merchant, &name, certificate_pem)?,
        };
        Ok((receipt, self.credentials_of(merchant, record)?))
    }

    fn new_merchant(
        &self,
        merchant: MerchantId,
        name: &str,
        certificate_pem: Option<String>,
    ) -> Result<MerchantRecord, PlatformError> {
        let (certificate_pem, private_key_pem) = match certificate_pem {
            Some(pem) => (pem, None),
            None => {
                let pair = RsaKeyPem::generate()?;
                let mchid = ids::mchid(u64::from(merchant.0));
                let subject = Subject::Merchant {
                    mchid: &mchid,
                    name,
                };
                let key = VerifyingKey::from_pem(&pair.public)?;
                let issued = authority(&self.vault)?.issue(subject, &key, unix_seconds())?;
                (issued.pem, Some(pair.private.expose_secret().to_owned()))
            }
        };
        let mut record = MerchantRecord {
            certificate_pem,
            private_key_pem,
            api_v3_key: random::api_v3_key(),
            api_v2_key: random::api_v3_key(),
        };
        // In production the private key is shown once and kept by nobody here.
        let private = record.private_key_pem.take_if(|_| !self.is_sandbox());
        write_record(&self.vault, &merchant_name(merchant), &record)?;
        record.private_key_pem = record.private_key_pem.or(private);
        Ok(record)
    }

    /// A merchant's credentials as the vault keeps them, if there is such a merchant.
    pub fn credentials(
        &self,
        merchant: MerchantId,
    ) -> Result<Option<MerchantCredentials>, PlatformError> {
        read_record::<MerchantRecord>(&self.vault, &merchant_name(merchant))?
            .map(|record| self.credentials_of(merchant, record))
            .transpose()
    }

    fn credentials_of(
        &self,
        merchant: MerchantId,
        record: MerchantRecord,
    ) -> Result<MerchantCredentials, PlatformError> {
        let number = u64::from(merchant.0);
        Ok(MerchantCredentials {
            merchant,
            mchid: ids::mchid(number),
            appid: self.ids.appid(number),
            serial_no: MerchantCertificate::from_pem(&record.certificate_pem)?.serial_no,
            certificate_pem: record.certificate_pem,
            private_key_pem: record.private_key_pem.map(SecretString::from),
            api_v3_key: record.api_v3_key.into(),
            api_v2_key: record.api_v2_key.into(),
        })
    }

    /// Adds a user; the person goes into the vault.
    pub async fn add_user(
        &self,
        command: AddUser,
        person: &Person,
    ) -> Result<(Receipt, UserId), AddUserError> {
        let receipt = self
            .engine
            .submit(command)
            .await
            .map_err(AddUserError::Rejected)?;
        let store = self.engine.store().await.map_err(PlatformError::from)?;
        #[allow(clippy::wildcard_enum_match_arm, reason = "only this event adds users")]
        let user = match store.event(receipt.event).map_err(PlatformError::from)? {
            Some(Event::UserAdded(event)) => event.user,
            _ => return Err(PlatformError::Record("user".into()).into()),
        };
        // Missing: new, or the program stopped in between. Erased stays erased, whoever asks again.
        let erased = self
            .vault
            .secret(&erased_name(user))
            .map_err(PlatformError::from)?
            .is_some();
        if !erased {
            let known = self.person(user)?;
            if known.is_none() {
                self.put_person(user, person)?;
            }
            let person = known.as_ref().unwrap_or(person);
            phone::enter(self, user, phone_of(person).as_ref(), &person.handle)?;
        }
        Ok((receipt, user))
    }

    /// The person behind a user, unless erased.
    pub fn person(&self, user: UserId) -> Result<Option<Person>, PlatformError> {
        let record = self.vault.person(user.0.into())?;
        record
            .map(|bytes| serde_json::from_slice(&bytes).map_err(|_| record_error("person")))
            .transpose()
    }

    /// Keeps what is known of the person behind a user, in place of what was.
    pub(crate) fn put_person(&self, user: UserId, person: &Person) -> Result<(), PlatformError> {
        let record = serde_json::to_vec(person).map_err(|_| record_error("person"))?;
        Ok(self.vault.put_person(user.0.into(), &record)?)
    }

    /// Erases what is known of the person behind a user, for good; nobody signs in as them any more.
    pub fn erase_person(&self, user: UserId) -> Result<(), PlatformError> {
        self.vault.put_secret(&erased_name(user), &[])?;
        if let Some(person) = self.person(user)? {
            let phone = phone_of(&person);
            phone::leave(self, user, phone.as_ref(), &person.handle)?;
        }
        account::forget(self, user)?;
        Ok(self.vault.erase_person(user.0.into())?)
    }

    /// The user of a handle or name, whatever its case. Looks at everybody: for sandboxes.
    pub fn find_person(&self, name: &str) -> Result<Option<UserId>, PlatformError> {
        let wanted = name.trim().to_lowercase();
        for number in self.vault.people() {
            let Ok(user) = u32::try_from(number?).map(UserId) else {
                continue;
            };
            if let Some(person) = self.person(user)? {
                let names = [Some(person.handle), Some(person.name), person.latin_name];
                if names
                    .into_iter()
                    .flatten()
                    .any(|name| name.to_lowercase() == wanted)
                {
                    return Ok(Some(user));
                }
            }
        }
        Ok(None)
    }
}

/// Why a merchant was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddMerchantError {
    /// The certificate that it brought cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(KeyError),
    /// The engine said no.
    #[error(transparent)]
    Rejected(Rejected<feiqian_core::merchant::add::Refusal>),
    /// Something here failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

impl From<VaultError> for AddMerchantError {
    fn from(error: VaultError) -> Self {
        Self::Platform(error.into())
    }
}

/// Why a user was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// The engine said no.
    #[error(transparent)]
    Rejected(Rejected<feiqian_core::user::add::Refusal>),
    /// Something here failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

fn phone_of(person: &Person) -> Option<Phone> {
    person.phone.as_deref().and_then(|phone| phone.parse().ok())
}

fn merchant_name(merchant: MerchantId) -> String {
    format!("merchant/{merchant}")
}

fn erased_name(user: UserId) -> String {
    format!("erased/{user}")
}

fn record_error(name: &str) -> PlatformError {
    PlatformError::Record(name.to_owned())
}

pub(crate) fn read_record<T: for<'a> Deserialize<'a>>(
    vault: &Vault,
    name: &str,
) -> Result<Option<T>, PlatformError> {
    let Some(secret) = vault.secret(name)? else {
        return Ok(None);
    };
    serde_json::from_slice(secret.expose_secret())
        .map(Some)
        .map_err(|_| record_error(name))
}

pub(crate) fn write_record<T: Serialize>(
    vault: &Vault,
    name: &str,
    record: &T,
) -> Result<(), PlatformError> {
    let bytes = serde_json::to_vec(record).map_err(|_| record_error(name))?;
    Ok(vault.put_secret(name, &bytes)?)
}

/// The authority that signs the platform's and the merchants' certificates; made on first use.
pub(crate) fn authority(vault: &Vault) -> Result<Authority, PlatformError> {
    let pem = match read_record::<String>(vault, AUTHORITY)? {
        Some(pem) => SecretString::from(pem),
        None => {
            let pair = RsaKeyPem::generate()?;
            write_record(vault, AUTHORITY, &pair.private.expose_secret())?;
            pair.private
        }
    };
    Ok(Authority::new(&pem)?)
}

/// The authority's own certificate, X.509 PEM; made on first use.
pub(crate) fn root_certificate(vault: &Vault) -> Result<String, PlatformError> {
    if let Some(pem) = read_record::<String>(vault, ROOT)? {
        return Ok(pem);
    }
    let root = authority(vault)?.root(unix_seconds())?;
    write_record(vault, ROOT, &root.pem)?;
    Ok(root.pem)
}

fn new_signer(
    vault: &Vault,
    authority: &Authority,
    now: u64,
) -> Result<SignerRecord, PlatformError> {
    let pair = RsaKeyPem::generate()?;
    let key = VerifyingKey::from_pem(&pair.public)?;
    let issued = authority.issue(Subject::Platform, &key, now)?;
    let digits = vault.derive("public-key-id")?;
    let digits: String = digits
        .iter()
        .take(20)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect();
    let record = SignerRecord {
        private_key_pem: pair.private.expose_secret().to_owned(),
        public_key_id: format!("PUB_KEY_ID_{digits}"),
        certificate_pem: issued.pem,
        not_before: issued.not_before,
        not_after: issued.not_after,
    };
    write_record(vault, PLATFORM, &record)?;
    Ok(record)
}

/// Milliseconds since 1970, as the engine's clock counts them.
pub(crate) fn unix_millis() -> UnixMillis {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn unix_seconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
