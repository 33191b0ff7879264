//! Eligibility rules: what a payment must be like, as clauses over whole numbers.
//!
//! People write a rule as a CEL expression; the gateway translates it once, when it is saved. The rules of
//! the platform run the clauses: no parser, no memory, a bounded number of steps. All clauses must hold.
//! What cannot be computed (a division by zero, a sum that overflows) is neither true nor false, as in
//! CEL; a rule that comes out so does not apply.

use minicbor::{Decode, Encode};
use smallvec::SmallVec;

/// Clauses of one rule.
pub const CLAUSES_MAX: usize = 64;
/// Steps of all clauses together, members of lists among them.
pub const STEPS_MAX: usize = 512;
/// Characters of a rule's text.
pub const RULE_CHARS_MAX: usize = 2_000;
/// Values that wait at once while a clause is computed.
const DEPTH_MAX: usize = 32;

/// What a rule may ask of a payment and its payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Variable {
    /// The order's amount, in fen.
    #[n(0)]
    Amount,
    /// Hour of the platform's clock, 0 to 23.
    #[n(1)]
    Hour,
    /// Day of the week, 1 for Monday to 7 for Sunday.
    #[n(2)]
    Weekday,
    /// The merchant's id.
    #[n(3)]
    Merchant,
    /// The merchant's category code (ISO 18245).
    #[n(4)]
    Category,
    /// The payer's brand.
    #[n(5)]
    Brand,
    /// Where the money comes from; the wallet is 0.
    #[n(6)]
    Funding,
    /// Days since the payer was added.
    #[n(7)]
    AgeDays,
    /// The payer's tier: 0 basic, 1 verified, 2 full.
    #[n(8)]
    Tier,
    /// Whether the payer never paid before.
    #[n(9)]
    FirstPayment,
    /// The payer's payments today and in the 29 days before.
    #[n(10)]
    Payments30Days,
    /// Their amounts, in fen.
    #[n(11)]
    Spend30Days,
    /// The payer's city, as the operator tags it; 0 for none.
    #[n(12)]
    City,
    /// The payer's segment, as the operator tags it; 0 for none.
    #[n(13)]
    Segment,
}

impl Variable {
    /// All of them, in the order of their places in [`Facts`].
    pub const ALL: [Self; 14] = [
        Self::Amount,
        Self::Hour,
        Self::Weekday,
        Self::Merchant,
        Self::Category,
        Self::Brand,
        Self::Funding,
        Self::AgeDays,
        Self::Tier,
        Self::FirstPayment,
        Self::Payments30Days,
        Self::Spend30Days,
        Self::City,
        Self::Segment,
    ];

    /// Its name in a rule's text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Merchant => "merchant",
            Self::Category => "category",
            Self::Brand => "brand",
            Self::Funding => "funding",
            Self::AgeDays => "age_days",
            Self::Tier => "tier",
            Self::FirstPayment => "first_payment",
            Self::Payments30Days => "payments_30d",
            Self::Spend30Days => "spend_30d",
            Self::City => "city",
            Self::Segment => "segment",
        }
    }

    /// Whether it is true or false, rather than a whole number.
    #[must_use]
    pub fn is_truth(self) -> bool {
        self == Self::FirstPayment
    }
}

/// The values of all variables for one payment; truths are 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts([i64; Variable::ALL.len()]);

impl Facts {
    /// One variable's value.
    #[must_use]
    pub fn get(&self, variable: Variable) -> i64 {
        self.0[variable as usize]
    }

    /// With a variable set.
    #[must_use]
    pub fn with(mut self, variable: Variable, value: i64) -> Self {
        self.0[variable as usize] = value;
        self
    }
}

/// How two whole numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Compare {
    /// `<`
    #[n(0)]
    Less,
    /// `<=`
    #[n(1)]
    AtMost,
    /// `>`
    #[n(2)]
    More,
    /// `>=`
    #[n(3)]
    AtLeast,
    /// `==`
    #[n(4)]
    Equal,
    /// `!=`
    #[n(5)]
    Unequal,
}

impl Compare {
    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
        }
    }
}

/// A step of a clause, in postfix order: takes values from the stack, leaves one there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Step {
    /// A variable's value.
    #[n(0)]
    Load(#[n(0)] Variable),
    /// This value.
    #[n(1)]
    Number(#[n(0)] i64),
    /// True or false.
    #[n(2)]
    Truth(#[n(0)] bool),
    /// `a + b`
    #[n(3)]
    Add,
    /// `a - b`
    #[n(4)]
    Subtract,
    /// `a * b`
    #[n(5)]
    Multiply,
    /// `a / b`, towards zero.
    #[n(6)]
    Divide,
    /// `a % b`, with the sign of `a`.
    #[n(7)]
    Remainder,
    /// `-a`
    #[n(8)]
    Negate,
    /// `a < b` and so on.
    #[n(9)]
    Compare(#[n(0)] Compare),
    /// `a in [1, 2]`
    #[n(10)]
    In(#[n(0)] Vec<i64>),
    /// `!a`
    #[n(11)]
    Not,
    /// `a && b`: false if one of them is, whatever the other.
    #[n(12)]
    And,
    /// `a || b`: true if one of them is, whatever the other.
    #[n(13)]
    Or,
    /// `a ? b : c` of numbers.
    #[n(14)]
    Choose,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Clause {
    /// A variable compared with a number: most clauses are, and it is the fastest.
    #[n(0)]
    Test(#[n(0)] Variable, #[n(1)] Compare, #[n(2)] i64),
    /// A variable is one of these numbers, sorted.
    #[n(1)]
    OneOf(#[n(0)] Variable, #[n(1)] Vec<i64>),
    /// Anything else.
    #[n(2)]
    Steps(#[n(0)] Vec<Step>),
}

/// A rule: its text, for people, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Rule {
    /// As it was written.
    #[n(0)]
    pub text: String,
    /// All of them must hold.
    #[n(1)]
    pub clauses: Vec<Clause>,
}

/// A value that waits; none for what could not be computed. Truths are 0 and 1.
type Value = Option<i64>;

impl Rule {
    /// Whether it keeps the limits and every clause comes out as true or false.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        #[allow(clippy::wildcard_enum_match_arm, reason = "all other steps cost alike")]
        let steps = |clause: &Clause| match clause {
            Clause::Test(..) => 1,
            Clause::OneOf(_, list) => list.len(),
            Clause::Steps(steps) => steps.iter().fold(0_usize, |sum, step| {
                sum.saturating_add(match step {
                    Step::In(list) => list.len(),
                    _ => 1,
                })
            }),
        };
        let sum = self
            .clauses
            .iter()
            .fold(0_usize, |sum, clause| sum.saturating_add(steps(clause)));
        self.text.chars().count() <= RULE_CHARS_MAX
            && self.clauses.len() <= CLAUSES_MAX
            && sum <= STEPS_MAX
            && self.clauses.iter().all(Clause::is_sound)
    }

    /// Whether it holds for a payment; none when that cannot be computed.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> Option<bool> {
        let mut all = Some(true);
        for clause in &self.clauses {
            match clause.holds(facts) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all
    }
}

impl Clause {
    fn holds(&self, facts: &Facts) -> Option<bool> {
        match self {
            Self::Test(variable, compare, value) => {
                Some(compare.holds(facts.get(*variable), *value))
            }
            Self::OneOf(variable, list) => Some(list.binary_search(&facts.get(*variable)).is_ok()),
            Self::Steps(steps) => run(steps, facts).map(|value| value != 0),
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Self::Test(..) => true,
            Self::OneOf(_, list) => list.is_sorted(),
            Self::Steps(steps) => types(steps) == Some(Type::Truth),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    Truth,
}

/// The type of what steps leave, if they fit together.
fn types(steps: &[Step]) -> Option<Type> {
    use Type::{Number, Truth};
    let mut stack = Vec::new();
    for step in steps {
        let (takes, leaves): (&[Type], Type) = match step {
            Step::Load(variable) if variable.is_truth() => (&[], Truth),
            Step::Load(_) | Step::Number(_) => (&[], Number),
            Step::Truth(_) => (&[], Truth),
            Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Remainder => {
                (&[Number, Number], Number)
            }
            Step::Negate => (&[Number], Number),
            Step::Compare(_) => (&[Number, Number], Truth),
            Step::In(_) => (&[Number], Truth),
            Step::Not => (&[Truth], Truth),
            Step::And | Step::Or => (&[Truth, Truth], Truth),
            Step::Choose => (&[Truth, Number, Number], Number),
        };
        for wanted in takes.iter().rev() {
            if stack.pop() != Some(*wanted) {
                return None;
            }
        }
        stack.push(leaves);
        if stack.len() > DEPTH_MAX {
            return None;
        }
    }
    let result = stack.pop()?;
    stack.is_empty().then_some(result)
}

fn run(steps: &[Step], facts: &Facts) -> Value {
    let mut stack = SmallVec::<[Value; DEPTH_MAX]>::new();
    for step in steps {
        let value = match step {
            Step::Load(variable) => Some(facts.get(*variable)),
            Step::Number(value) => Some(*value),
            Step::Truth(value) => Some(i64::from(*value)),
            Step::Negate => stack.pop()?.and_then(i64::checked_neg),
            Step::In(list) => stack.pop()?.map(|value| i64::from(list.contains(&value))),
            Step::Not => stack.pop()?.map(|value| i64::from(value == 0)),
            Step::Choose => {
                let (no, yes, which) = (stack.pop()?, stack.pop()?, stack.pop()?);
                which.and_then(|which| if which != 0 { yes } else { no })
            }
            Step::And => match (stack.pop()?, stack.pop()?) {
                (Some(0), _) | (_, Some(0)) => Some(0),
                (right, left) => right.and(left),
            },
            Step::Or => match (stack.pop()?, stack.pop()?) {
                (Some(1), _) | (_, Some(1)) => Some(1),
                (right, left) => right.and(left),
            },
            Step::Add => two(&mut stack, i64::checked_add)?,
            Step::Subtract => two(&mut stack, i64::checked_sub)?,
            Step::Multiply => two(&mut stack, i64::checked_mul)?,
            Step::Divide => two(&mut stack, i64::checked_div)?,
            Step::Remainder => two(&mut stack, i64::checked_rem)?,
            Step::Compare(compare) => two(&mut stack, |left, right| {
                Some(i64::from(compare.holds(left, right)))
            })?,
        };
        stack.push(value);
    }
    stack.pop()?
}

/// Takes two numbers; the inner is none when one was, or when the result is no number.
fn two(
    stack: &mut SmallVec<[Value; DEPTH_MAX]>,
    operation: impl FnOnce(i64, i64) -> Value,
) -> Option<Value> {
    let (right, left) = (stack.pop()?, stack.pop()?);
    Some(
        left.zip(right)
            .and_then(|(left, right)| operation(left, right)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(clauses: Vec<Clause>) -> Rule {
        Rule {
            text: String::new(),
            clauses,
        }
    }

    fn steps(steps: impl IntoIterator<Item = Step>) -> Rule {
        rule(vec![Clause::Steps(steps.into_iter().collect())])
    }

    #[test]
    fn all_clauses_must_hold() {
        let lunch = rule(vec![
            Clause::Test(Variable::Hour, Compare::AtLeast, 11),
            Clause::Test(Variable::Hour, Compare::Less, 14),
            Clause::OneOf(Variable::Category, vec![5812, 5814]),
        ]);
        assert!(lunch.is_sound());
        let at = |hour| {
            Facts::default()
                .with(Variable::Hour, hour)
                .with(Variable::Category, 5814)
        };
        for (hour, holds) in [(10, false), (11, true), (13, true), (14, false)] {
            assert_eq!(lunch.holds(&at(hour)), Some(holds), "{hour}");
        }
        let other = at(12).with(Variable::Category, 5411);
        assert_eq!(lunch.holds(&other), Some(false));
        assert_eq!(rule(vec![]).holds(&other), Some(true));
    }

    #[test]
    fn what_cannot_be_computed_is_neither() {
        let broken = || {
            [
                Step::Number(1),
                Step::Load(Variable::Amount),
                Step::Divide,
                Step::Number(0),
                Step::Compare(Compare::More),
            ]
        };
        let facts = Facts::default();
        assert_eq!(steps(broken()).holds(&facts), None);
        // As in CEL, the other side may decide alone.
        for (truth, step, holds) in [
            (true, Step::Or, Some(true)),
            (false, Step::Or, None),
            (true, Step::And, None),
            (false, Step::And, Some(false)),
        ] {
            let sides = broken().into_iter().chain([Step::Truth(truth), step]);
            assert_eq!(steps(sides).holds(&facts), holds);
        }
        let both = rule(vec![
            Clause::Steps(broken().into()),
            Clause::Test(Variable::Amount, Compare::More, 0),
        ]);
        assert_eq!(both.holds(&facts), Some(false));
    }

    #[test]
    fn steps_compute_as_written() {
        use Step::*;
        let load = |variable| Load(variable);
        // amount % 100 == 88 ? 3 : -(2 * 5 - 1)
        let chosen = || {
            vec![
                load(Variable::Amount),
                Number(100),
                Remainder,
                Number(88),
                Compare(super::Compare::Equal),
                Number(3),
                Number(2),
                Number(5),
                Multiply,
                Number(1),
                Subtract,
                Negate,
                Choose,
            ]
        };
        for (amount, value) in [(188, 3), (189, -9)] {
            let facts = Facts::default().with(Variable::Amount, amount);
            let mut all = chosen();
            all.extend([In(vec![value]), load(Variable::FirstPayment), Not, And]);
            let rule = steps(all);
            assert!(rule.is_sound());
            assert_eq!(rule.holds(&facts), Some(true));
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        use Step::*;
        let unsound = [
            vec![],
            vec![Number(1)],
            vec![Add],
            vec![Truth(true), Number(1), Add, Not],
            vec![Truth(true), Truth(true)],
            vec![
                Load(Variable::FirstPayment),
                Number(1),
                Compare(super::Compare::Equal),
            ],
            vec![Load(Variable::Amount), Not],
            (0..=DEPTH_MAX)
                .map(|_| Truth(true))
                .chain((0..DEPTH_MAX).map(|_| And))
                .collect(),
        ];
        for unsound in unsound {
            assert!(!steps(unsound.clone()).is_sound(), "{unsound:?}");
            // What runs it all the same stops, and does not panic.
            let _ = steps(unsound).holds(&Facts::default());
        }
        assert!(!rule(vec![Clause::OneOf(Variable::City, vec![2, 1])]).is_sound());
        let test = Clause::Test(Variable::Amount, super::Compare::More, 0);
        assert!(rule(vec![test.clone(); CLAUSES_MAX]).is_sound());
        assert!(!rule(vec![test; CLAUSES_MAX + 1]).is_sound());
        let list = |len| rule(vec![Clause::OneOf(Variable::City, vec![7; len])]);
        assert!(list(STEPS_MAX).is_sound() && !list(STEPS_MAX + 1).is_sound());
    }
}
