//! What a run reached: each command's acceptance, each refusal, each kind of fault.

use std::collections::BTreeMap;

use feiqian_core::campaign::end::EndedBy;
use feiqian_core::campaign::grant::{Granted, RebateStage, Returned, Why};
use feiqian_core::{Command, Refusal};

use crate::books::What;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process ends; what it wrote stays.
    Kill,
    /// The power goes.
    PowerCut,
    /// The power went, and everything since the last syncs was lost.
    LostWrites,
    /// The power went, and some sectors and names were lost.
    TornWrites,
    /// The power went again while starting.
    RestartInRestart,
    /// A sync failed.
    FailedSync,
    /// A write failed, with some of its bytes written.
    FailedWrite,
    /// The disk was full for a while.
    DiskFull,
    /// A read failed.
    ReadError,
    /// A bit of the store flipped.
    StoreFlip,
    /// A bit of a snapshot flipped.
    SnapshotFlip,
    /// A bit of the log flipped.
    LogFlip,
    /// The store was deleted.
    StoreDeleted,
    /// An old copy of the store was put back.
    StoreStale,
    /// The snapshots were deleted.
    SnapshotsDeleted,
    /// Old snapshots were put back.
    SnapshotsStale,
    /// The clock went back.
    ClockBack,
    /// An answer did not reach the client.
    LostAnswer,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Kill,
        Self::PowerCut,
        Self::LostWrites,
        Self::TornWrites,
        Self::RestartInRestart,
        Self::FailedSync,
        Self::FailedWrite,
        Self::DiskFull,
        Self::ReadError,
        Self::StoreFlip,
        Self::SnapshotFlip,
        Self::LogFlip,
        Self::StoreDeleted,
        Self::StoreStale,
        Self::SnapshotsDeleted,
        Self::SnapshotsStale,
        Self::ClockBack,
        Self::LostAnswer,
    ];
}

/// How often each fault struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Fault, u64>);

impl Tally {
    /// Once more.
    pub fn add(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }
}

/// Commands that are accepted, by name.
const ACCEPTED: [&str; 40] = [
    "Open",
    "AddBrand",
    "AddUser",
    "SetUserStatus",
    "AddMerchant",
    "ChangeMerchant",
    "TopUp",
    "Withdraw",
    "AnswerTransfer",
    "CreateOrder",
    "PayOrder",
    "CloseOrder",
    "ExpireOrder",
    "ReverseOrder",
    "RefundOrder",
    "FundBrand",
    "SetTraits",
    "AddCampaign",
    "StepCampaign",
    "ChangeBudget",
    "EndCampaign",
    "GiveCoupon",
    "PayRebate",
    "Sweep",
    "SetTier",
    "SendMoney",
    "TakeBackRemittance",
    "AcceptRemittance",
    "ArriveRemittance",
    "ReturnRemittance",
    "RequestMoney",
    "DeclineShare",
    "CancelRequest",
    "ExpireRequest",
    "SendPacket",
    "GrabShare",
    "ExpirePacket",
    "SpendCode",
    "DeclineOrder",
    "SetWithdrawalTerms",
];

/// Commands that are answered again.
const AGAIN: [&str; 22] = [
    "Open",
    "AddBrand",
    "AddUser",
    "AddMerchant",
    "TopUp",
    "Withdraw",
    "CreateOrder",
    "PayOrder",
    "CloseOrder",
    "ReverseOrder",
    "RefundOrder",
    "FundBrand",
    "AddCampaign",
    "StepCampaign",
    "ChangeBudget",
    "GiveCoupon",
    "SendMoney",
    "RequestMoney",
    "SendPacket",
    "GrabShare",
    "SpendCode",
    "DeclineOrder",
];

/// Commands that time asks for.
const TIMERS: [&str; 8] = [
    "ExpireOrder",
    "EndCampaign",
    "PayRebate",
    "ArriveRemittance",
    "ReturnRemittance",
    "ExpireRequest",
    "ExpirePacket",
    "Sweep",
];

/// What campaigns do to payments and refunds.
const CAMPAIGNS: [&str; 13] = [
    "ended by time",
    "ended by budget",
    "a grant that a merchant funds",
    "a discount",
    "a coupon used",
    "several grants",
    "a coupon earned",
    "control group",
    "a rebate at once",
    "a rebate that waits",
    "a waiting rebate taken back",
    "a rebate taken from the wallet",
    "a coupon given back",
];

/// Why campaigns do not apply.
const WHYS: [Why; 10] = [
    Why::AnotherGivesMore,
    Why::BudgetSpent,
    Why::DaySpent,
    Why::UserLimit,
    Why::UsersLimit,
    Why::BelowMinimum,
    Why::NotEligible,
    Why::RuleBroken,
    Why::NoCoupon,
    Why::NothingLeft,
];

/// Every refusal of every command that a world can reach.
const REFUSED: [(&str, &[&str]); 40] = [
    ("Open", &["OtherMode"]),
    ("AddBrand", &["NumberReused", "BadName", "TooMany"]),
    ("AddUser", &["NumberReused", "BrandNotFound"]),
    ("SetUserStatus", &["UserNotFound", "UserClosed"]),
    (
        "AddMerchant",
        &["NumberReused", "BadName", "BadCategory", "FeeTooHigh"],
    ),
    ("ChangeMerchant", &["MerchantNotFound", "FeeTooHigh"]),
    (
        "TopUp",
        &[
            "NumberReused",
            "UserNotFound",
            "UserNotActive",
            "AmountOutOfRange",
        ],
    ),
    (
        "Withdraw",
        &[
            "NumberReused",
            "UserNotFound",
            "UserNotActive",
            "AmountOutOfRange",
            "BalanceShort",
            "AboveLimit",
        ],
    ),
    ("AnswerTransfer", &["NotPending"]),
    (
        "CreateOrder",
        &[
            "NumberReused",
            "MerchantNotFound",
            "MerchantNotActive",
            "AmountOutOfRange",
            "TextTooLong",
            "ExpiryOutOfRange",
            "PayerNotFound",
        ],
    ),
    (
        "PayOrder",
        &[
            "OrderNotFound",
            "AlreadyPaid",
            "OrderClosed",
            "OrderExpired",
            "PayerNotFound",
            "OtherPayer",
            "PayerNotActive",
            "MerchantNotActive",
            "PriceChanged",
            "CampaignSpent",
            "BalanceShort",
            "AboveLimit",
        ],
    ),
    ("CloseOrder", &["OrderNotFound", "AlreadyPaid"]),
    ("ExpireOrder", &["OrderNotFound", "NotOpen", "NotDue"]),
    (
        "ReverseOrder",
        &[
            "OrderNotFound",
            "AlreadyRefunded",
            "TooLate",
            "BalanceShort",
        ],
    ),
    (
        "RefundOrder",
        &[
            "NumberReused",
            "OrderNotFound",
            "NotPaid",
            "Reversed",
            "OtherOrderAmount",
            "TextTooLong",
            "TooLate",
            "TooMany",
            "AboveRefundable",
            "BalanceShort",
        ],
    ),
    (
        "FundBrand",
        &["NumberReused", "BrandNotFound", "AmountOutOfRange"],
    ),
    ("SetTraits", &["UserNotFound", "OtherPerson"]),
    (
        "AddCampaign",
        &[
            "NumberReused",
            "Flawed",
            "BrandNotFound",
            "MerchantNotFound",
        ],
    ),
    (
        "StepCampaign",
        &[
            "CampaignNotFound",
            "WrongStatus",
            "TimeOver",
            "SameOperator",
            "BalanceShort",
            "TooManyRunning",
        ],
    ),
    (
        "ChangeBudget",
        &[
            "NumberReused",
            "CampaignNotFound",
            "Ended",
            "OtherBudget",
            "AmountOutOfRange",
            "BelowUsed",
            "BalanceShort",
        ],
    ),
    ("EndCampaign", &["NotOver"]),
    (
        "GiveCoupon",
        &[
            "NumberReused",
            "CampaignNotFound",
            "UserNotFound",
            "UserNotActive",
            "OtherBrand",
            "NotClaimed",
            "NotRunning",
            "Spent",
            "UserLimit",
        ],
    ),
    ("PayRebate", &["NotDue"]),
    ("Sweep", &["NotDue"]),
    ("SetTier", &["UserNotFound", "UserClosed"]),
    (
        "SendMoney",
        &[
            "NumberReused",
            "PayerNotFound",
            "PayerNotActive",
            "PayeeNotFound",
            "PayeeNotActive",
            "ToOneself",
            "AmountOutOfRange",
            "TextTooLong",
            "RequestNotOpen",
            "NotAsked",
            "ShareSettled",
            "OtherShare",
            "BalanceShort",
            "AboveLimit",
        ],
    ),
    ("TakeBackRemittance", &["NotWaiting", "NotYours"]),
    (
        "AcceptRemittance",
        &[
            "NotWaiting",
            "OtherClaim",
            "PayeeNotFound",
            "PayeeNotActive",
        ],
    ),
    ("ArriveRemittance", &["NotWaiting", "Unclaimed", "NotDue"]),
    ("ReturnRemittance", &["NotWaiting", "CanArrive", "NotDue"]),
    (
        "RequestMoney",
        &[
            "NumberReused",
            "AskerNotFound",
            "AskerNotActive",
            "SharesOutOfRange",
            "TextTooLong",
            "PayerNotFound",
            "PayerClosed",
            "OfOneself",
            "AskedTwice",
            "AmountOutOfRange",
        ],
    ),
    (
        "DeclineShare",
        &["RequestNotOpen", "NotAsked", "ShareSettled"],
    ),
    ("CancelRequest", &["RequestNotOpen", "NotYours"]),
    ("ExpireRequest", &["RequestNotOpen", "NotDue"]),
    (
        "SendPacket",
        &[
            "NumberReused",
            "UserNotFound",
            "UserNotActive",
            "PayeeNotFound",
            "PayeeIsSender",
            "SharesOutOfRange",
            "AmountOutOfRange",
            "BelowShares",
            "Uneven",
            "TextTooLong",
            "BalanceShort",
            "AboveLimit",
        ],
    ),
    (
        "GrabShare",
        &[
            "PacketNotFound",
            "UserNotFound",
            "UserNotActive",
            "ForAnother",
            "Empty",
            "Expired",
        ],
    ),
    ("ExpirePacket", &["NotOpen", "NotDue"]),
    (
        "SpendCode",
        &[
            "CodeSpent",
            "OrderNotFound",
            "AlreadyPaid",
            "OrderClosed",
            "OrderExpired",
            "PayerNotFound",
            "OtherPayer",
            "AnotherIsAsked",
            "PayerNotActive",
            "NotNow",
        ],
    ),
    (
        "SetWithdrawalTerms",
        &[
            "BrandNotFound",
            "FreeOutOfRange",
            "FeeTooHigh",
            "LeastOutOfRange",
        ],
    ),
    (
        "DeclineOrder",
        &["OrderNotFound", "NotAsked", "AlreadyPaid"],
    ),
];

/// Refusals that no world reaches, and why.
pub const UNREACHABLE: [(&str, &str, &str); 6] = [
    ("AddUser", "TooMany", "needs 2^32 users"),
    ("AddMerchant", "TooMany", "needs 2^32 merchants"),
    (
        "AnswerTransfer",
        "ReserveFull",
        "needs nine million top-ups of the largest amount",
    ),
    (
        "Withdraw",
        "ReserveShort",
        "a rebate is at most what was paid, and goes back with it: wallets together never hold more than \
         was topped up, until merchants are paid out",
    ),
    (
        "FundBrand",
        "ReserveFull",
        "needs nine million payments of the largest amount",
    ),
    ("AddCampaign", "TooMany", "needs 100000 campaigns"),
];

/// How often each thing was reached.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    accepted: BTreeMap<&'static str, u64>,
    again: BTreeMap<&'static str, u64>,
    refused: BTreeMap<(&'static str, &'static str), u64>,
    timers: BTreeMap<&'static str, u64>,
    campaigns: BTreeMap<&'static str, u64>,
    whys: BTreeMap<Why, u64>,
    faults: Tally,
}

impl Coverage {
    /// A command was accepted, now or before.
    pub fn done(&mut self, command: &Command, again: bool) {
        let counts = if again {
            &mut self.again
        } else {
            &mut self.accepted
        };
        *counts.entry(command.name()).or_default() += 1;
    }

    /// A log was opened for the first time.
    pub fn opened(&mut self) {
        *self.accepted.entry("Open").or_default() += 1;
    }

    /// A timer struck.
    pub fn struck_by_time(&mut self, command: &Command) {
        *self.timers.entry(command.name()).or_default() += 1;
        *self.accepted.entry(command.name()).or_default() += 1;
    }

    /// Something happened: what of it concerns campaigns.
    pub fn happened(&mut self, what: &What) {
        #[allow(clippy::wildcard_enum_match_arm, reason = "nothing else is counted")]
        match what {
            What::OrderPaid {
                granted: Some(granted),
                ..
            } => self.granted(granted),
            What::OrderReversed {
                returned: Some(returned),
                ..
            }
            | What::OrderRefunded {
                returned: Some(returned),
                ..
            } => self.returned(returned),
            What::CampaignEnded { by, .. } => {
                let by = match by {
                    EndedBy::Time => "ended by time",
                    EndedBy::Budget => "ended by budget",
                };
                *self.campaigns.entry(by).or_default() += 1;
            }
            _ => {}
        }
    }

    fn granted(&mut self, granted: &Granted) {
        let mut reached = |what, times: usize| {
            *self.campaigns.entry(what).or_default() += times as u64;
        };
        let coupons = granted.grants.iter().filter(|grant| grant.coupon.is_some());
        let coupons = coupons.count();
        reached("a discount", granted.grants.len() - coupons);
        reached("a coupon used", coupons);
        reached("several grants", usize::from(granted.grants.len() > 1));
        reached("a coupon earned", usize::from(granted.earned.is_some()));
        reached("control group", granted.held_out.len());
        let waits = granted.rebate.map(|rebate| rebate.due.is_some());
        reached("a rebate at once", usize::from(waits == Some(false)));
        reached("a rebate that waits", usize::from(waits == Some(true)));
        let own = granted
            .grants
            .iter()
            .filter(|grant| grant.platform < grant.amount);
        reached("a grant that a merchant funds", own.count());
        for passed_over in &granted.passed_over {
            self.passed_over(passed_over.why);
        }
    }

    fn returned(&mut self, returned: &Returned) {
        let mut reached = |what, is: bool| {
            *self.campaigns.entry(what).or_default() += u64::from(is);
        };
        let rebate = returned.rebate;
        let stage = rebate.map(|back| back.from);
        reached(
            "a waiting rebate taken back",
            stage == Some(RebateStage::Waits),
        );
        reached(
            "a rebate taken from the wallet",
            stage == Some(RebateStage::Arrived),
        );
        reached("a coupon given back", !returned.coupons.is_empty());
    }

    /// Why a campaign did not apply.
    pub fn passed_over(&mut self, why: Why) {
        *self.whys.entry(why).or_default() += 1;
    }

    /// A command was refused.
    pub fn refused(&mut self, refusal: &Refusal) {
        *self.refused.entry(refusal.names()).or_default() += 1;
    }

    /// A fault struck.
    pub fn struck(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Adds faults that a disk counted.
    pub fn add_faults(&mut self, tally: &Tally) {
        for (fault, count) in &tally.0 {
            *self.faults.0.entry(*fault).or_default() += count;
        }
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.accepted {
            *self.accepted.entry(name).or_default() += count;
        }
        for (name, count) in &other.again {
            *self.again.entry(name).or_default() += count;
        }
        for (name, count) in &other.timers {
            *self.timers.entry(name).or_default() += count;
        }
        for (what, count) in &other.campaigns {
            *self.campaigns.entry(what).or_default() += count;
        }
        for (why, count) in &other.whys {
            *self.whys.entry(*why).or_default() += count;
        }
        for (names, count) in &other.refused {
            *self.refused.entry(*names).or_default() += count;
        }
        self.add_faults(&other.faults);
    }

    /// Everything that there is to reach, with how often it was.
    #[must_use]
    pub fn table(&self) -> Vec<(String, u64)> {
        let count = |counts: &BTreeMap<&'static str, u64>, name| {
            counts.get(name).copied().unwrap_or_default()
        };
        let mut table = Vec::new();
        for name in ACCEPTED {
            table.push((format!("{name} accepted"), count(&self.accepted, name)));
        }
        for name in AGAIN {
            table.push((format!("{name} again"), count(&self.again, name)));
        }
        let expected: Vec<_> = REFUSED
            .iter()
            .flat_map(|(command, refusals)| refusals.iter().map(|refusal| (*command, *refusal)))
            .collect();
        let others = self
            .refused
            .keys()
            .filter(|names| !expected.contains(names));
        for names in expected.iter().chain(others) {
            let reached = self.refused.get(names).copied().unwrap_or_default();
            table.push((format!("{} refused: {}", names.0, names.1), reached));
        }
        for name in TIMERS {
            table.push((format!("{name} by time"), count(&self.timers, name)));
        }
        for what in CAMPAIGNS {
            table.push((format!("campaigns: {what}"), count(&self.campaigns, what)));
        }
        for why in WHYS {
            let reached = self.whys.get(&why).copied().unwrap_or_default();
            table.push((format!("campaigns: not applied, {why:?}"), reached));
        }
        for fault in Fault::ALL {
            let struck = self.faults.0.get(&fault).copied().unwrap_or_default();
            table.push((format!("fault {fault:?}"), struck));
        }
        table
    }

    /// What was never reached, and what was though it is said to be out of reach.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let missed = self.table().into_iter().filter(|(_, count)| *count == 0);
        let mut gaps: Vec<String> = missed
            .map(|(name, _)| format!("never reached: {name}"))
            .collect();
        for (command, refusal, _) in UNREACHABLE {
            if self.refused.contains_key(&(command, refusal)) {
                gaps.push(format!("reached after all: {command} refused: {refusal}"));
            }
        }
        gaps
    }
}
