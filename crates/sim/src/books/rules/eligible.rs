//! Eligibility rules, read from their end: the last step says what it needs.

use feiqian_core::campaign::rule::{Clause, Compare, Rule, Step, Variable};

/// The values of all variables for one payment.
pub type Facts<'a> = &'a dyn Fn(Variable) -> i64;

/// What a step gives: its type, and the values that wait at once while it is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Number(usize),
    Truth(usize),
}

/// Whether it keeps the limits and comes out as true or false.
pub fn is_sound(rule: &Rule) -> bool {
    let steps = |clause: &Clause| match clause {
        Clause::Test(..) => 1,
        Clause::OneOf(_, list) => list.len(),
        Clause::Steps(steps) => steps.iter().map(weight).sum(),
    };
    rule.text.chars().count() <= 2_000
        && rule.clauses.len() <= 64
        && rule.clauses.iter().map(steps).sum::<usize>() <= 512
        && rule.clauses.iter().all(|clause| match clause {
            Clause::Test(..) => true,
            Clause::OneOf(_, list) => list.windows(2).all(|two| two[0] <= two[1]),
            Clause::Steps(steps) => {
                let mut rest = &steps[..];
                let shape = shape(&mut rest);
                rest.is_empty() && matches!(shape, Some(Shape::Truth(depth)) if depth <= 32)
            }
        })
}

fn weight(step: &Step) -> usize {
    if let Step::In(list) = step {
        list.len()
    } else {
        1
    }
}

/// Takes the last step and what it needs.
fn shape(rest: &mut &[Step]) -> Option<Shape> {
    let (last, before) = rest.split_last()?;
    *rest = before;
    let mut number = || match shape(rest)? {
        Shape::Number(depth) => Some(depth),
        Shape::Truth(_) => None,
    };
    Some(match last {
        Step::Load(Variable::FirstPayment) | Step::Truth(_) => Shape::Truth(1),
        Step::Load(_) | Step::Number(_) => Shape::Number(1),
        Step::Negate => Shape::Number(number()?),
        Step::In(_) => Shape::Truth(number()?),
        Step::Add | Step::Subtract | Step::Multiply | Step::Divide | Step::Remainder => {
            let (right, left) = (number()?, number()?);
            Shape::Number(left.max(right + 1))
        }
        Step::Compare(_) => {
            let (right, left) = (number()?, number()?);
            Shape::Truth(left.max(right + 1))
        }
        Step::Not => Shape::Truth(truth(rest)?),
        Step::And | Step::Or => {
            let (right, left) = (truth(rest)?, truth(rest)?);
            Shape::Truth(left.max(right + 1))
        }
        Step::Choose => {
            let (no, yes) = (number()?, number()?);
            Shape::Number(truth(rest)?.max(yes + 1).max(no + 2))
        }
    })
}

fn truth(rest: &mut &[Step]) -> Option<usize> {
    match shape(rest)? {
        Shape::Truth(depth) => Some(depth),
        Shape::Number(_) => None,
    }
}

/// Whether it holds; none when that cannot be computed.
pub fn holds(rule: &Rule, facts: Facts<'_>) -> Option<bool> {
    let each: Vec<Option<bool>> = rule
        .clauses
        .iter()
        .map(|clause| one(clause, facts))
        .collect();
    if each.contains(&Some(false)) {
        return Some(false);
    }
    (!each.contains(&None)).then_some(true)
}

fn one(clause: &Clause, facts: Facts<'_>) -> Option<bool> {
    match clause {
        Clause::Test(variable, compare, value) => Some(is(*compare, facts(*variable), *value)),
        Clause::OneOf(variable, list) => Some(list.contains(&facts(*variable))),
        Clause::Steps(steps) => value(&mut &steps[..], facts).map(|value| value == 1),
    }
}

fn is(compare: Compare, left: i64, right: i64) -> bool {
    let order = left.cmp(&right);
    match compare {
        Compare::Less => order.is_lt(),
        Compare::AtMost => order.is_le(),
        Compare::More => order.is_gt(),
        Compare::AtLeast => order.is_ge(),
        Compare::Equal => order.is_eq(),
        Compare::Unequal => order.is_ne(),
    }
}

/// Takes the last step and what it needs; none for what cannot be computed. Truths are 0 and 1.
fn value(rest: &mut &[Step], facts: Facts<'_>) -> Option<i64> {
    let (last, before) = rest.split_last()?;
    *rest = before;
    let mut next = || value(rest, facts);
    match last {
        Step::Load(variable) => Some(facts(*variable)),
        Step::Number(number) => Some(*number),
        Step::Truth(truth) => Some(i64::from(*truth)),
        Step::Negate => next().and_then(|value| 0_i64.checked_sub(value)),
        Step::In(list) => next().map(|value| i64::from(list.contains(&value))),
        Step::Not => next().map(|value| 1 - value),
        Step::And => match (next(), next()) {
            (Some(1), Some(1)) => Some(1),
            (right, left) => (right == Some(0) || left == Some(0)).then_some(0),
        },
        Step::Or => match (next(), next()) {
            (Some(0), Some(0)) => Some(0),
            (right, left) => (right == Some(1) || left == Some(1)).then_some(1),
        },
        Step::Choose => {
            let (no, yes, which) = (next(), next(), next());
            if which? == 1 { yes } else { no }
        }
        Step::Add
        | Step::Subtract
        | Step::Multiply
        | Step::Divide
        | Step::Remainder
        | Step::Compare(_) => {
            let (right, left) = (next(), next());
            let (left, right) = (i128::from(left?), i128::from(right?));
            computed(last, left, right)
        }
    }
}

/// In numbers wide enough for every result; what an i64 cannot hold is none.
fn computed(step: &Step, left: i128, right: i128) -> Option<i64> {
    let narrow = |value: i128| i64::try_from(value).ok();
    match step {
        Step::Add => narrow(left + right),
        Step::Subtract => narrow(left - right),
        Step::Multiply => narrow(left * right),
        Step::Divide => narrow(left.checked_div(right)?),
        // The smallest number has no quotient by -1, and so no remainder.
        Step::Remainder => narrow(left.checked_div(right)?).and(narrow(left % right)),
        Step::Compare(compare) => Some(i64::from(is(*compare, narrow(left)?, narrow(right)?))),
        Step::Load(_)
        | Step::Number(_)
        | Step::Truth(_)
        | Step::Negate
        | Step::In(_)
        | Step::Not
        | Step::And
        | Step::Or
        | Step::Choose => None,
    }
}
