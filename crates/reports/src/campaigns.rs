//! What is kept of each campaign.

use std::collections::BTreeMap;

use feiqian_core::campaign::Status;
use feiqian_core::campaign::add::CampaignAdded;
use feiqian_core::campaign::grant::{Part, Returned};
use feiqian_core::campaign::terms::{self, Funding};
use feiqian_core::time::Day;
use feiqian_core::{BasisPoints, BrandId, Fen, MerchantId, UnixMillis, UserId};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use roaring::RoaringBitmap;

use crate::experiment::Experiment;

/// How a campaign reaches the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Less to pay, at once.
    #[n(0)]
    Discount,
    /// Less to pay for who holds a coupon.
    #[n(1)]
    Coupon,
    /// Money back to the wallet.
    #[n(2)]
    Rebate,
}

impl Kind {
    /// Its name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Coupon => "coupon",
            Self::Rebate => "rebate",
        }
    }
}

/// A campaign.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Campaign {
    /// What the public calls it.
    #[n(0)]
    pub name: String,
    /// How it reaches the payer.
    #[n(1)]
    pub kind: Kind,
    /// The merchant that pays for it, for a part of it, or honours it at its own till.
    #[n(2)]
    pub funder: Option<MerchantId>,
    /// Most that it may have granted and not got back.
    #[n(3)]
    pub budget: Fen,
    /// Where it stands.
    #[n(4)]
    pub status: Status,
    /// The share of payers who never get it.
    #[n(5)]
    pub holdout: BasisPoints,
    /// From when on it gives.
    #[n(6)]
    pub from: UnixMillis,
    /// It ends here, if not before.
    #[n(7)]
    pub until: UnixMillis,
    /// Who got something.
    #[n(8)]
    pub(crate) users: Users,
    /// Each day, by the payers' brand.
    #[n(9)]
    pub days: BTreeMap<(Day, BrandId), CampaignDay>,
    /// Its control group, if it has one.
    #[n(10)]
    pub experiment: Option<Experiment>,
}

/// What a campaign did on one day to one brand's payers. Amounts are of the day of the grant or of the return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct CampaignDay {
    /// Payments to which it gave something.
    #[n(0)]
    pub payments: u64,
    /// Of these, the payer's first ever.
    #[n(1)]
    pub first_payments: u64,
    /// Payers who got something for the first time.
    #[n(2)]
    pub users: u64,
    /// Fen granted by the platform.
    #[n(3)]
    pub platform: i64,
    /// Fen granted by the funder.
    #[n(4)]
    pub funder: i64,
    /// Fen that came back to the platform.
    #[n(5)]
    pub platform_back: i64,
    /// Fen that came back to the funder.
    #[n(6)]
    pub funder_back: i64,
    /// Coupons given, or earned by a payment.
    #[n(7)]
    pub coupons_given: u64,
    /// Coupons used.
    #[n(8)]
    pub coupons_used: u64,
}

impl CampaignDay {
    /// Both together.
    pub(crate) fn add(&mut self, more: &Self) {
        for (sum, more) in [
            (&mut self.payments, more.payments),
            (&mut self.first_payments, more.first_payments),
            (&mut self.users, more.users),
            (&mut self.coupons_given, more.coupons_given),
            (&mut self.coupons_used, more.coupons_used),
        ] {
            *sum = sum.saturating_add(more);
        }
        for (sum, more) in [
            (&mut self.platform, more.platform),
            (&mut self.funder, more.funder),
            (&mut self.platform_back, more.platform_back),
            (&mut self.funder_back, more.funder_back),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    /// Granted by whomever.
    #[must_use]
    pub fn granted(&self) -> i64 {
        self.platform.saturating_add(self.funder)
    }

    /// Come back to whomever.
    #[must_use]
    pub fn returned(&self) -> i64 {
        self.platform_back.saturating_add(self.funder_back)
    }

    /// The platform's expense: what its subsidy account grew by.
    #[must_use]
    pub fn subsidy(&self) -> i64 {
        self.platform.saturating_sub(self.platform_back)
    }
}

/// Who got something of a campaign: each of them while it may give, their number afterwards.
#[derive(Clone, Debug)]
pub(crate) enum Users {
    Each(RoaringBitmap),
    Counted(u64),
}

impl Users {
    /// Whether the user is met for the first time.
    pub fn meet(&mut self, user: UserId) -> bool {
        match self {
            Self::Each(users) => users.insert(user.0),
            Self::Counted(_) => false,
        }
    }

    pub fn count(&self) -> u64 {
        match self {
            Self::Each(users) => users.len(),
            Self::Counted(count) => *count,
        }
    }
}

impl Campaign {
    pub(crate) fn of(added: &CampaignAdded) -> Self {
        let terms = &added.terms;
        Self {
            name: terms.name.clone(),
            kind: match terms.kind {
                terms::Kind::Discount => Kind::Discount,
                terms::Kind::Coupon(_) => Kind::Coupon,
                terms::Kind::Rebate { .. } => Kind::Rebate,
            },
            funder: match terms.funding {
                Funding::Platform => None,
                Funding::Merchant(merchant)
                | Funding::Shared { merchant, .. }
                | Funding::Outside(merchant) => Some(merchant),
            },
            budget: added.budget,
            status: Status::Draft,
            holdout: terms.holdout,
            from: terms.from,
            until: terms.until,
            users: Users::Each(RoaringBitmap::new()),
            days: BTreeMap::new(),
            experiment: (terms.holdout.0 > 0).then(Experiment::default),
        }
    }

    /// Sets where it stands; once it has ended nothing is kept by user.
    pub(crate) fn stands(&mut self, status: Status) {
        self.status = status;
        if status == Status::Ended {
            self.users = Users::Counted(self.users.count());
            if let Some(experiment) = &mut self.experiment {
                experiment.end();
            }
        }
    }

    /// Payers who got something.
    #[must_use]
    pub fn users(&self) -> u64 {
        self.users.count()
    }

    /// All days together.
    #[must_use]
    pub fn sum(&self) -> CampaignDay {
        self.days
            .values()
            .fold(CampaignDay::default(), |mut sum, day| {
                sum.add(day);
                sum
            })
    }
}

/// What a refund gave back to each campaign: of discounts and coupons, and of the rebate.
pub(crate) fn parts(returned: &Returned) -> impl Iterator<Item = &Part> {
    let rebate = returned.rebate.iter().map(|back| &back.part);
    returned.grants.iter().chain(rebate)
}

impl<C> Encode<C> for Users {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Counted(count) => e.u64(*count)?.ok(),
            Self::Each(users) => {
                let mut bytes = Vec::with_capacity(users.serialized_size());
                users
                    .serialize_into(&mut bytes)
                    .map_err(|_| encode::Error::message("memory takes every byte"))?;
                e.bytes(&bytes)?.ok()
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Users {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        if d.datatype()? == minicbor::data::Type::Bytes {
            let users = RoaringBitmap::deserialize_from(d.bytes()?);
            users
                .map(Self::Each)
                .map_err(|_| decode::Error::message("no set of users"))
        } else {
            d.u64().map(Self::Counted)
        }
    }
}
