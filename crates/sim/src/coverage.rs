//! What a run reached: each command's acceptance, each refusal, each kind of fault.

use std::collections::BTreeMap;

use feiqian_core::{Command, Refusal};

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
const ACCEPTED: [&str; 15] = [
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
];

/// Commands that are answered again.
const AGAIN: [&str; 11] = [
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
];

/// Every refusal of every command that a world can reach.
const REFUSED: [(&str, &[&str]); 15] = [
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
            "BalanceShort",
        ],
    ),
    ("CloseOrder", &["OrderNotFound", "AlreadyPaid"]),
    ("ExpireOrder", &["OrderNotFound", "NotOpen", "NotDue"]),
    (
        "ReverseOrder",
        &["OrderNotFound", "AlreadyRefunded", "TooLate"],
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
        ],
    ),
];

/// Refusals that no world reaches, and why.
pub const UNREACHABLE: [(&str, &str, &str); 5] = [
    ("AddUser", "TooMany", "needs 2^32 users"),
    ("AddMerchant", "TooMany", "needs 2^32 merchants"),
    (
        "AnswerTransfer",
        "ReserveFull",
        "needs nine million top-ups of the largest amount",
    ),
    (
        "ReverseOrder",
        "BalanceShort",
        "money leaves a merchant by refunds and reversals only, and each takes no more than its own \
         order brought, so that the rest of an order is always there",
    ),
    (
        "RefundOrder",
        "BalanceShort",
        "as for ReverseOrder, until merchants are paid out",
    ),
];

/// How often each thing was reached.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    accepted: BTreeMap<&'static str, u64>,
    again: BTreeMap<&'static str, u64>,
    refused: BTreeMap<(&'static str, &'static str), u64>,
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

    /// A timer struck.
    pub fn expired(&mut self) {
        *self.accepted.entry("ExpireOrder").or_default() += 1;
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
