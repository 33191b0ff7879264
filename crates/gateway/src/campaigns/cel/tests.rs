use std::collections::HashSet;

use cel::{Context, Program, Value};
use feiqian_core::campaign::rule::{Facts, Rule};

use super::*;

/// Every form, some of them broken for some payments.
const RULES: [&str; 42] = [
    "true",
    "false || amount > 0",
    "hour >= 11 && hour < 14 && weekday <= FRIDAY",
    "14 > hour && 11 <= hour",
    "weekday in [SATURDAY, SUNDAY]",
    "weekday == SATURDAY || weekday == SUNDAY || weekday in [3, 3]",
    "weekday == 6 || hour == 6",
    "first_payment",
    "!first_payment",
    "first_payment == true",
    "first_payment != false && true",
    "first_payment == (amount > 500)",
    "!(first_payment || amount < 100)",
    "amount % 100 == 88",
    "-amount % 7 == -3",
    "amount / 100 * 100 == amount",
    "(amount - 500) / 3 < -20",
    "100 / (hour - 12) > 3",
    "100 / (hour - 12) > 3 || first_payment",
    "first_payment || 100 / (hour - 12) > 3",
    "first_payment && 100 % (hour - 12) == 0",
    "100 % (hour - 12) == 0 && first_payment",
    "amount * 9223372036854775807 > 0",
    "amount + 9223372036854775807 > 0 && hour > 3",
    "-9223372036854775808 - amount < 0",
    "(first_payment ? 100 : 1000) <= amount",
    "first_payment ? amount > 10 : amount > 700",
    "(hour > 12 ? weekday > 3 : first_payment) == true",
    "hour > 12 ? 1 / (weekday - 3) == 0 : 1 / (weekday - 4) == 0",
    "(tier == FULL ? 1 : tier == VERIFIED ? 2 : 3) == weekday",
    "amount in [1, 2, 3] || amount > 900",
    "amount in []",
    "!(amount in [100, 200, 500])",
    "1 in [1, 2]",
    "-hour in [-3, -4, 5]",
    "merchant == 0 && category in [5812, 5814] && brand != 1",
    "funding == WALLET && tier >= VERIFIED",
    "age_days < 30 || payments_30d == 0 || spend_30d < 10000",
    "payments_30d * 100 > spend_30d / 2 + 7",
    "city == 310100 && segment in [3, 7]",
    "!!first_payment && --hour == hour",
    "hour != 3 // not at night\n && amount >= 1",
];

/// A small generator: tests are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap() % sides
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the others are dice")]
fn facts(dice: &mut Dice) -> Facts {
    let sides = |variable| match variable {
        Variable::Amount => 1_000,
        Variable::Hour => 24,
        Variable::Weekday => 8,
        Variable::Category => 2,
        Variable::Spend30Days => 20_000,
        Variable::City => 2,
        Variable::FirstPayment => 2,
        _ => 9,
    };
    Variable::ALL
        .into_iter()
        .fold(Facts::default(), |facts, variable| {
            let rolled = dice.roll(sides(variable));
            let value = match variable {
                Variable::Category => 5_812 + 2 * rolled,
                Variable::City => 310_100 * rolled,
                _ => rolled,
            };
            facts.with(variable, value)
        })
}

/// What the interpreter of the `cel` crate makes of the same text.
fn interpreted(program: &Program, facts: &Facts) -> Option<bool> {
    let mut context = Context::default();
    for (name, number) in NAMES {
        context.add_variable_from_value(name, Value::Int(number));
    }
    for variable in Variable::ALL {
        let number = facts.get(variable);
        let value = if variable.is_truth() {
            Value::Bool(number != 0)
        } else {
            Value::Int(number)
        };
        context.add_variable_from_value(variable.name(), value);
    }
    match program.execute(&context) {
        Ok(Value::Bool(truth)) => Some(truth),
        Ok(other) => panic!("{other:?} is no truth"),
        Err(_) => None,
    }
}

#[test]
fn a_translated_rule_says_what_the_interpreter_says() {
    let mut dice = Dice(907);
    let (mut mixed, mut broken) = (0, 0);
    for text in RULES {
        let rule = compile(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let program = Program::compile(text).unwrap();
        let mut seen = HashSet::new();
        for _ in 0..500 {
            let facts = facts(&mut dice);
            let holds = rule.holds(&facts);
            assert_eq!(holds, interpreted(&program, &facts), "{text} of {facts:?}");
            seen.insert(holds);
        }
        mixed += usize::from(seen.len() > 1);
        broken += usize::from(seen.contains(&None));
    }
    // Most of them tell payments apart, and some cannot be computed for all.
    assert!(mixed >= 34 && broken >= 6, "{mixed} {broken}");
}

fn only(text: &str) -> Clause {
    let Rule { mut clauses, .. } = compile(text).unwrap();
    assert_eq!(clauses.len(), 1, "{text}");
    clauses.remove(0)
}

#[test]
fn common_conditions_take_their_fast_form() {
    let test = Clause::Test(Variable::Hour, Compare::AtLeast, 11);
    assert_eq!(
        (only("hour >= 11"), only("11 <= hour")),
        (test.clone(), test)
    );
    assert_eq!(
        only("first_payment"),
        Clause::Test(Variable::FirstPayment, Compare::Equal, 1)
    );
    assert_eq!(
        only("!first_payment"),
        Clause::Test(Variable::FirstPayment, Compare::Equal, 0)
    );
    let weekend = Clause::OneOf(Variable::Weekday, vec![6, 7]);
    for text in [
        "weekday in [SUNDAY, 6]",
        "weekday == SUNDAY || (weekday == 6 || 7 == weekday)",
    ] {
        assert_eq!(only(text), weekend, "{text}");
    }
    assert_eq!(
        compile("hour > 1 && (hour < 5 && weekday == 1) && amount > 2")
            .unwrap()
            .clauses
            .len(),
        4
    );
}

#[test]
fn what_rules_do_not_have_is_told() {
    for (text, why) in [
        (
            "hours > 3",
            "`hours` is no variable; there are amount, hour, weekday",
        ),
        (
            "amount",
            "`amount` is a whole number where true or false is needed",
        ),
        (
            "amount > 3 && 1",
            "`1` is a whole number where true or false is needed",
        ),
        (
            "first_payment > 3",
            "`first_payment` is true or false where a whole number is needed",
        ),
        (
            "first_payment == 1",
            "`1` is a whole number where true or false is needed",
        ),
        (
            "amount + first_payment > 1",
            "`first_payment` is true or false",
        ),
        (
            "(hour > 1 ? 1 : true) == 1",
            "`true` is true or false where a whole number is needed",
        ),
        ("amount > 1.5", "whole numbers only"),
        ("amount > 5u", "write 5"),
        ("city == 'Shanghai'", "no texts"),
        ("city == null", "no null"),
        ("size([1]) > 0", "no function `size`"),
        ("amount.abs() > 0", "no function `abs`"),
        ("user.age > 3", "no field `age`"),
        ("[1, 2].exists(x, x > 1)", "no maps, messages or loops"),
        ("{1: 2} == {}", "no maps"),
        ("[1] == [1]", "a list stands after `in` only"),
        ("hour in [hour]", "a list of numbers"),
        (
            "first_payment in [1]",
            "`first_payment` is true or false where a whole number is needed",
        ),
        ("", "not CEL"),
        ("hour >", "not CEL"),
        ("hour > 3 &&& 1", "not CEL"),
        ("hour > 9223372036854775808", "not CEL"),
    ] {
        let told = compile(text).unwrap_err().to_string();
        assert!(told.contains(why), "{text}: {told}");
    }
}

#[test]
fn neither_length_nor_depth_nor_cost_is_unbounded() {
    let repeat = |before: &str, count: usize, after: &str| {
        format!("{}true{}", before.repeat(count), after.repeat(count))
    };
    assert_eq!(compile(&" ".repeat(2_001)), Err(RuleError::TooLong));
    assert_eq!(compile(&repeat("(", 990, ")")), Err(RuleError::TooDeep));
    assert_eq!(compile(&"(".repeat(2_000)), Err(RuleError::TooDeep));
    assert_eq!(compile(&"[{(".repeat(600)), Err(RuleError::TooDeep));
    compile(&repeat("(", 8, ")")).unwrap();
    // Without brackets: these nest in the parser or in its tree.
    let deep = [
        repeat("!", 1_990, ""),
        format!("{}1 > 0", "-".repeat(1_900)),
        format!("{}1 > 0", "1+".repeat(990)),
        "true?".repeat(300),
        format!("{}true", "true?true:".repeat(199)),
        format!("amount{} > 0", ".a".repeat(900)),
        format!("{}1", "1<".repeat(990)),
        format!("{}true", "true||".repeat(330)),
        format!("{}true", "true&&".repeat(330)),
        format!("1{} > 0", " in [1]".repeat(250)),
        format!("1{} > 0", "[0]".repeat(600)),
        "\"".repeat(1_999),
        "`".repeat(1_999),
        "飞".repeat(2_000),
    ];
    for text in deep {
        // Most are refused; what counts is that it comes back.
        let _ = compile(&text);
    }
    let list: Vec<_> = (0..=STEPS_MAX).map(|n| n.to_string()).collect();
    assert_eq!(
        compile(&format!("hour in [{}]", list.join(","))),
        Err(RuleError::TooDear)
    );
    let right = format!("{}1{} > 0", "1-(".repeat(15), ")".repeat(15));
    compile(&right).unwrap();
    assert_eq!(
        compile(&format!("{}true", "hour==1&&".repeat(65))),
        Err(RuleError::TooDear)
    );
}
