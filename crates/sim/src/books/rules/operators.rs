//! What operators ask for: the installation, brands, users, merchants.

use feiqian_core::brand::add::AddBrand;
use feiqian_core::brand::open::Open;
use feiqian_core::merchant::add::AddMerchant;
use feiqian_core::merchant::change::ChangeMerchant;
use feiqian_core::user::add::AddUser;
use feiqian_core::user::set_status::SetUserStatus;
use feiqian_core::user::{UserStatus, set_status};
use feiqian_core::{Refusal, brand, merchant, user};

use super::super::{Books, Fact, Verdict, What};
use super::refused;

pub(super) fn is_name(name: &str) -> bool {
    let characters = name.chars().count();
    (1..=64).contains(&characters)
        && name.chars().any(|c| !c.is_whitespace())
        && !name.chars().any(char::is_control)
}

pub(super) fn happens(at: i64, what: What) -> Verdict {
    let moves = Vec::new();
    Verdict::Happens(Fact { at, what, moves })
}

impl Books {
    pub(super) fn open(&self, now: i64, asked: &Open) -> Verdict {
        match self.mode {
            None => happens(now, What::Opened(asked.mode)),
            Some(mode) if mode == asked.mode => Verdict::Again(0),
            Some(_) => refused(Refusal::Open(brand::open::Refusal::OtherMode)),
        }
    }

    pub(super) fn add_brand(&self, now: i64, asked: &AddBrand) -> Verdict {
        use brand::add::Refusal as R;
        self.numbered(What::BrandAdded(asked.clone()), now, || {
            if !is_name(&asked.name) {
                return Some(R::BadName);
            }
            (self.brands >= 100).then_some(R::TooMany)
        })
        .map_refusal(R::NumberReused, Refusal::AddBrand)
    }

    pub(super) fn add_user(&self, now: i64, asked: &AddUser) -> Verdict {
        use user::add::Refusal as R;
        self.numbered(What::UserAdded(asked.clone()), now, || {
            (asked.brand.0 >= self.brands).then_some(R::BrandNotFound)
        })
        .map_refusal(R::NumberReused, Refusal::AddUser)
    }

    pub(super) fn set_user_status(&self, now: i64, asked: &SetUserStatus) -> Verdict {
        use set_status::Refusal as R;
        let Some(user) = self.user(asked.user) else {
            return refused(Refusal::SetUserStatus(R::UserNotFound));
        };
        if user.status == UserStatus::Closed && asked.status != UserStatus::Closed {
            return refused(Refusal::SetUserStatus(R::UserClosed));
        }
        happens(now, What::UserStatusSet(asked.clone()))
    }

    pub(super) fn add_merchant(&self, now: i64, asked: &AddMerchant) -> Verdict {
        use merchant::add::Refusal as R;
        self.numbered(What::MerchantAdded(asked.clone()), now, || {
            if !is_name(&asked.name) {
                return Some(R::BadName);
            }
            if asked.category.0 > 9_999 {
                return Some(R::BadCategory);
            }
            (asked.fee.0 > 1_000).then_some(R::FeeTooHigh)
        })
        .map_refusal(R::NumberReused, Refusal::AddMerchant)
    }

    pub(super) fn change_merchant(&self, now: i64, asked: &ChangeMerchant) -> Verdict {
        use merchant::change::Refusal as R;
        if self.merchant(asked.merchant).is_none() {
            return refused(Refusal::ChangeMerchant(R::MerchantNotFound));
        }
        if asked.fee.is_some_and(|fee| fee.0 > 1_000) {
            return refused(Refusal::ChangeMerchant(R::FeeTooHigh));
        }
        happens(now, What::MerchantChanged(asked.clone()))
    }
}
