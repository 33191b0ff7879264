//! Where merchants want to be told of their coupons: one address for each merchant and API, in the vault.
//!
//! They are no facts of the ledger: the newest one holds for whatever is told from now on.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use feiqian_core::MerchantId;
use feiqian_core::order::create::{Notify, NotifyForm};
use serde::{Deserialize, Serialize};

use super::stock_echo::Api;
use crate::platform::{Platform, PlatformError, read_record, write_record};

/// An address as the vault keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub url: String,
    /// Whether it is told at all.
    pub on: bool,
    /// Under which name of our key: that of the certificate.
    pub certificate: bool,
}

/// Those that were asked for.
#[derive(Default)]
pub(crate) struct Callbacks(RwLock<HashMap<(MerchantId, bool), Option<Callback>>>);

impl Callbacks {
    /// A merchant's address, if it has set one.
    pub fn get(
        &self,
        platform: &Platform,
        api: Api,
        merchant: MerchantId,
    ) -> Result<Option<Callback>, PlatformError> {
        let key = (merchant, api == Api::Favor);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = known.get(&key) {
            return Ok(callback.clone());
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let callback = read_record::<Callback>(&platform.vault, &name(api, merchant))?;
        known.insert(key, callback.clone());
        Ok(callback)
    }

    /// Sets a merchant's address.
    pub fn set(
        &self,
        platform: &Platform,
        api: Api,
        merchant: MerchantId,
        callback: Callback,
    ) -> Result<(), PlatformError> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        write_record(&platform.vault, &name(api, merchant), &callback)?;
        known.insert((merchant, api == Api::Favor), Some(callback));
        Ok(())
    }
}

impl Callback {
    /// Whom to tell, unless it is switched off.
    pub fn notify(self) -> Option<Notify> {
        let form = if self.certificate {
            NotifyForm::WechatCertificate
        } else {
            NotifyForm::WechatPublicKey
        };
        self.on.then_some(Notify {
            url: self.url,
            form,
        })
    }
}

fn name(api: Api, merchant: MerchantId) -> String {
    let api = match api {
        Api::Favor => "favor",
        Api::Busifavor | Api::None => "busifavor",
    };
    format!("callback/{api}/{merchant}")
}
