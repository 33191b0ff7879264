//! What a campaign changed: payers whom it gave something against those whom it held out.
//!
//! A payer enters at the first payment in which the campaign gave something, or would have but for the control
//! group; the two are told apart by a hash of the payer alone, so they are alike but for the campaign. From
//! that payment on, it included, every payment to whomever counts until the campaign ends. Spending is what orders cost,
//! discounts included; refunds do not lower it.

use feiqian_core::{Fen, UserId};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// Which group a payer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Had something.
    Treated,
    /// Would have.
    Control,
}

/// Sums over the payers of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Sums {
    /// Payers.
    #[n(0)]
    pub users: u64,
    /// Of these, whose first payment ever it was.
    #[n(1)]
    pub new_users: u64,
    /// Payments.
    #[n(2)]
    pub payments: Moments,
    /// Fen spent.
    #[n(3)]
    pub spend: Moments,
}

/// Sum of a number over payers, and of its square: exact, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Σ x.
    pub sum: u128,
    /// Σ x².
    pub squares: u128,
}

/// Both groups of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    /// Who is in it, until the campaign has ended.
    rows: HashMap<UserId, Row, FixedState>,
    /// Who had something.
    pub treated: Sums,
    /// Who would have.
    pub control: Sums,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    spend: u64,
    payments: u32,
    group: Group,
}

const ROW_BYTES: usize = 17;

/// The mean of a group, per payer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// Σ x / n.
    pub mean: f64,
    /// Its variance: the sample's, divided by n.
    variance: f64,
}

/// A difference of means, treated less control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub difference: f64,
    /// Its 95 % confidence interval begins here (Welch, normal approximation).
    pub low: f64,
    /// It ends here.
    pub high: f64,
}

/// Half the width of a 95 % interval, in standard errors.
const Z_95: f64 = 1.959_964;

impl Moments {
    fn change(&mut self, from: u64, to: u64) {
        let square = |x: u64| u128::from(x).saturating_mul(x.into());
        self.sum = self.sum.saturating_add(u128::from(to.saturating_sub(from)));
        self.squares = self
            .squares
            .saturating_add(square(to).saturating_sub(square(from)));
    }

    /// The mean over so many payers; none for fewer than two.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        reason = "statistics are given to a few digits"
    )]
    pub fn mean(&self, users: u64) -> Option<Mean> {
        if users < 2 {
            return None;
        }
        let n = users as f64;
        // n Σx² − (Σx)² is exact; the difference of two rounded ones would not be.
        let spread = u128::from(users).checked_mul(self.squares);
        let spread = spread.zip(self.sum.checked_mul(self.sum));
        let spread = spread.map_or(0, |(all, mean)| all.saturating_sub(mean));
        Some(Mean {
            mean: self.sum as f64 / n,
            variance: spread as f64 / (n * (n - 1.0)) / n,
        })
    }
}

impl Mean {
    /// This less another.
    #[must_use]
    pub fn less(&self, other: &Self) -> Difference {
        let difference = self.mean - other.mean;
        let half = Z_95 * (self.variance + other.variance).sqrt();
        Difference {
            difference,
            low: difference - half,
            high: difference + half,
        }
    }
}

impl Experiment {
    fn sums(&mut self, group: Group) -> &mut Sums {
        match group {
            Group::Treated => &mut self.treated,
            Group::Control => &mut self.control,
        }
    }

    /// A payer is in it from now on; whoever is stays where it is.
    pub(crate) fn enter(&mut self, user: UserId, group: Group, is_new: bool) {
        if self.rows.contains_key(&user) {
            return;
        }
        self.rows.insert(
            user,
            Row {
                spend: 0,
                payments: 0,
                group,
            },
        );
        let sums = self.sums(group);
        sums.users = sums.users.saturating_add(1);
        sums.new_users = sums.new_users.saturating_add(u64::from(is_new));
    }

    /// Counts a payment, if the payer is in it.
    pub(crate) fn paid(&mut self, user: UserId, amount: Fen) {
        let Some(row) = self.rows.get_mut(&user) else {
            return;
        };
        let before = *row;
        row.payments = row.payments.saturating_add(1);
        row.spend = row.spend.saturating_add(amount.0.unsigned_abs());
        let after = *row;
        let sums = self.sums(after.group);
        sums.payments
            .change(before.payments.into(), after.payments.into());
        sums.spend.change(before.spend, after.spend);
    }

    /// The campaign has ended: the sums stay.
    pub(crate) fn end(&mut self) {
        self.rows = HashMap::default();
    }
}

impl Row {
    fn pack(&self, user: UserId) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..4].copy_from_slice(&user.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.payments.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.spend.to_le_bytes());
        bytes[16] = u8::from(self.group == Group::Treated);
        bytes
    }

    fn unpack(bytes: &[u8; ROW_BYTES]) -> (UserId, Self) {
        let half = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(word)
        };
        let row = Self {
            spend: u64::from(half(12)) << 32 | u64::from(half(8)),
            payments: half(4),
            group: if bytes[16] == 0 {
                Group::Control
            } else {
                Group::Treated
            },
        };
        (UserId(half(0)), row)
    }
}

impl<C> Encode<C> for Moments {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let words = [self.sum, self.squares].map(|word| ByteArray::from(word.to_le_bytes()));
        e.encode(words)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Moments {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let words: [ByteArray<16>; 2] = d.decode()?;
        let [sum, squares] = words.map(|word| u128::from_le_bytes(*word));
        Ok(Self { sum, squares })
    }
}

impl<C> Encode<C> for Experiment {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .map(|(user, row)| row.pack(*user))
            .collect();
        // The same totals are the same bytes, in whatever order a table keeps them.
        rows.sort_unstable();
        e.array(3)?.bytes(rows.as_flattened())?;
        self.treated.encode(e, ctx)?;
        self.control.encode(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Experiment {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        if d.array()? != Some(3) {
            return Err(decode::Error::message("an experiment has three parts"));
        }
        let (rows, []) = d.bytes()?.as_chunks() else {
            return Err(decode::Error::message("rows of an experiment are cut"));
        };
        Ok(Self {
            rows: rows.iter().map(Row::unpack).collect(),
            treated: Sums::decode(d, ctx)?,
            control: Sums::decode(d, ctx)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3
    }

    #[test]
    fn means_and_interval_are_welchs() {
        let mut experiment = Experiment::default();
        let mut pay = |user, group, fen: i64| {
            experiment.enter(UserId(user), group, user == 0);
            experiment.paid(UserId(user), Fen(fen));
        };
        // Treated spend 30, 50, 10; the control group 20, 10.
        for (user, fen) in [(0, 10), (0, 20), (1, 50), (2, 10)] {
            pay(user, Group::Treated, fen);
        }
        for (user, fen) in [(7, 20), (8, 10)] {
            pay(user, Group::Control, fen);
        }
        experiment.paid(UserId(99), Fen(1_000));
        let (treated, control) = (experiment.treated, experiment.control);
        assert_eq!((treated.users, treated.new_users, control.users), (3, 1, 2));
        assert_eq!((treated.payments.sum, treated.spend.sum), (4, 90));
        let mean = |sums: &Sums| sums.spend.mean(sums.users).unwrap();
        let effect = mean(&treated).less(&mean(&control));
        // Variances 400 / 3 and 50 / 2: the standard error is 12.5831.
        assert!(near(effect.difference, 15.0), "{effect:?}");
        assert!(
            near(effect.high - effect.low, 2.0 * 1.959_964 * 12.583_057),
            "{effect:?}"
        );
        assert_eq!(control.spend.mean(1), None);

        let bytes = minicbor::to_vec(&experiment).unwrap();
        let mut again: Experiment = minicbor::decode(&bytes).unwrap();
        assert_eq!(minicbor::to_vec(&again).unwrap(), bytes);
        again.enter(UserId(0), Group::Control, false);
        again.paid(UserId(0), Fen(1));
        assert_eq!(
            again.treated.spend.sum, 91,
            "whoever is in it stays where it is"
        );
        again.end();
        again.paid(UserId(0), Fen(1));
        assert_eq!(again.treated.spend.sum, 91);
    }
}
