//! Reads a rule written in CEL (<https://github.com/google/cel-spec>) into the clauses that the platform runs.
//!
//! The parser is the `cel` crate's; what it made of the text is translated here, with types, into
//! [`Clause`]s. Of CEL there are whole numbers, truths, `+ - * / %`, comparisons, `&& || !`, `?:`, `in`, the
//! variables of [`Variable`] and the names of [`NAMES`]. Nothing else: no texts, decimals, fields, functions.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::Parser;
use feiqian_core::campaign::rule::{
    CLAUSES_MAX, Clause, Compare, RULE_CHARS_MAX, Rule, STEPS_MAX, Step, Variable,
};

/// Names of numbers: where the money comes from, days of the week, tiers.
pub const NAMES: [(&str, i64); 11] = [
    ("WALLET", 0),
    ("MONDAY", 1),
    ("TUESDAY", 2),
    ("WEDNESDAY", 3),
    ("THURSDAY", 4),
    ("FRIDAY", 5),
    ("SATURDAY", 6),
    ("SUNDAY", 7),
    ("BASIC", 0),
    ("VERIFIED", 1),
    ("FULL", 2),
];

/// Brackets within brackets, and `?:` within `?:`.
const NESTING_MAX: u16 = 16;
/// Room for the parser, many times what the longest text takes of it.
const STACK_BYTES: usize = 16 << 20;

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// More characters than a rule may have.
    #[error("a rule has at most {RULE_CHARS_MAX} characters")]
    TooLong,
    /// Brackets or conditions nest too deep.
    #[error("brackets and conditions nest at most {NESTING_MAX} deep")]
    TooDeep,
    /// More clauses, steps or list members than a payment can be asked.
    #[error("a rule has at most {CLAUSES_MAX} conditions and {STEPS_MAX} steps")]
    TooDear,
    /// Not CEL.
    #[error("this is not CEL: {0}")]
    Syntax(String),
    /// CEL, but with something in it that rules do not have.
    #[error("{0}")]
    Refused(String),
}

/// Reads a rule.
pub fn compile(text: &str) -> Result<Rule, RuleError> {
    if text.chars().count() > RULE_CHARS_MAX {
        return Err(RuleError::TooLong);
    }
    if nesting(text) > NESTING_MAX {
        return Err(RuleError::TooDeep);
    }
    // On a thread of its own: the parser recurses, and a fault of it must not be a fault of ours.
    let owned = text.to_owned();
    let reader = std::thread::Builder::new()
        .name("rule".into())
        .stack_size(STACK_BYTES)
        .spawn(move || clauses(&owned));
    let joined = reader.map(std::thread::JoinHandle::join);
    let clauses = match joined {
        Ok(Ok(clauses)) => clauses?,
        Ok(Err(_)) => return Err(RuleError::Syntax("the parser gave up".into())),
        Err(_) => {
            return Err(RuleError::Syntax(
                "there is no room for the parser now".into(),
            ));
        }
    };
    let rule = Rule {
        text: text.to_owned(),
        clauses,
    };
    // Types fit: what is left is the cost.
    if rule.is_sound() {
        Ok(rule)
    } else {
        Err(RuleError::TooDear)
    }
}

/// How deep brackets nest. What stands in a text or comment counts too: it is at most refused for it.
fn nesting(text: &str) -> u16 {
    let (mut depth, mut deepest) = (0_u16, 0);
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => depth = depth.saturating_add(1),
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn clauses(text: &str) -> Result<Vec<Clause>, RuleError> {
    let parser = Parser::new()
        .max_recursion_depth(NESTING_MAX)
        .error_recovery_limit(0);
    let expression = parser.parse(text).map_err(|errors| {
        let first = errors.errors.first().map(|error| {
            let (line, column) = error.pos;
            format!("line {line}, column {column}: {}", error.msg)
        });
        RuleError::Syntax(first.unwrap_or_default())
    })?;
    let mut clauses = Vec::new();
    each_of(&expression, operators::LOGICAL_AND, &mut |part| {
        clauses.push(clause(part)?);
        Ok(())
    })?;
    Ok(clauses)
}

/// Every operand of a chain of `&&` or `||`, from left to right.
fn each_of<'a>(
    expression: &'a IdedExpr,
    operator: &str,
    each: &mut impl FnMut(&'a IdedExpr) -> Result<(), RuleError>,
) -> Result<(), RuleError> {
    match operation(expression).filter(|call| call.func_name == operator) {
        Some(chain) => chain
            .args
            .iter()
            .try_for_each(|part| each_of(part, operator, each)),
        None => each(expression),
    }
}

/// A condition, in its fastest form.
fn clause(expression: &IdedExpr) -> Result<Clause, RuleError> {
    let mut steps = Steps::default();
    steps.truth(expression)?;
    Ok(test(expression)
        .or_else(|| one_of(expression))
        .unwrap_or(Clause::Steps(steps.0)))
}

/// `variable < 5`, `5 > variable`, `truth`, `!truth`.
fn test(expression: &IdedExpr) -> Option<Clause> {
    if let Some(truth) = variable(expression) {
        return Some(Clause::Test(truth, Compare::Equal, 1));
    }
    let call = operation(expression)?;
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::LOGICAL_NOT, [truth]) => {
            Some(Clause::Test(variable(truth)?, Compare::Equal, 0))
        }
        (name, [left, right]) => {
            let compare = comparison(name)?;
            match (variable(left), constant(right)) {
                (Some(variable), Some(number)) => Some(Clause::Test(variable, compare, number)),
                _ => Some(Clause::Test(
                    variable(right)?,
                    turned(compare),
                    constant(left)?,
                )),
            }
        }
        _ => None,
    }
    .filter(|clause| !matches!(clause, Clause::Test(of, ..) if of.is_truth() && !is_not(call)))
}

fn is_not(call: &CallExpr) -> bool {
    call.func_name == operators::LOGICAL_NOT
}

/// `variable in [1, 2]`, `variable == 1 || variable == 2`, and both together.
fn one_of(expression: &IdedExpr) -> Option<Clause> {
    let (mut found, mut list) = (None, Vec::new());
    let each = each_of(expression, operators::LOGICAL_OR, &mut |part| {
        let members = equal_to(part).filter(|(of, _)| found.is_none_or(|known| known == *of));
        let (of, mut numbers) = members.ok_or(RuleError::TooDear)?;
        found = Some(of);
        list.append(&mut numbers);
        Ok(())
    });
    each.ok()?;
    list.sort_unstable();
    list.dedup();
    Some(Clause::OneOf(found?, list))
}

fn equal_to(expression: &IdedExpr) -> Option<(Variable, Vec<i64>)> {
    let call = operation(expression)?;
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::IN, [of, list]) => Some((variable(of)?, numbers(list)?)),
        (operators::EQUALS, _) => match test(expression)? {
            Clause::Test(of, Compare::Equal, number) => Some((of, vec![number])),
            Clause::Test(..) | Clause::OneOf(..) | Clause::Steps(_) => None,
        },
        _ => None,
    }
}

fn operation(expression: &IdedExpr) -> Option<&CallExpr> {
    let Expr::Call(call) = &expression.expr else {
        return None;
    };
    call.target.is_none().then_some(call)
}

fn variable(expression: &IdedExpr) -> Option<Variable> {
    let Expr::Ident(name) = &expression.expr else {
        return None;
    };
    Variable::ALL.into_iter().find(|known| known.name() == name)
}

/// A number that is written down: as itself, negated, or by its name.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else CEL has is no number that is written down"
)]
fn constant(expression: &IdedExpr) -> Option<i64> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner()),
        Expr::Ident(name) => NAMES
            .iter()
            .find_map(|(known, number)| (known == name).then_some(*number)),
        Expr::Call(call) if call.func_name == operators::NEGATE => {
            constant(call.args.first()?)?.checked_neg()
        }
        _ => None,
    }
}

fn numbers(list: &IdedExpr) -> Option<Vec<i64>> {
    let Expr::List(list) = &list.expr else {
        return None;
    };
    list.elements.iter().map(constant).collect()
}

fn comparison(name: &str) -> Option<Compare> {
    Some(match name {
        operators::LESS => Compare::Less,
        operators::LESS_EQUALS => Compare::AtMost,
        operators::GREATER => Compare::More,
        operators::GREATER_EQUALS => Compare::AtLeast,
        operators::EQUALS => Compare::Equal,
        operators::NOT_EQUALS => Compare::Unequal,
        _ => return None,
    })
}

/// As it reads from the other side.
fn turned(compare: Compare) -> Compare {
    match compare {
        Compare::Less => Compare::More,
        Compare::AtMost => Compare::AtLeast,
        Compare::More => Compare::Less,
        Compare::AtLeast => Compare::AtMost,
        same @ (Compare::Equal | Compare::Unequal) => same,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Number,
    Truth,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "a whole number",
            Self::Truth => "true or false",
        }
    }
}

/// Steps as they are made.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, step: Step) -> Result<(), RuleError> {
        if self.0.len() == STEPS_MAX {
            return Err(RuleError::TooDear);
        }
        self.0.push(step);
        Ok(())
    }

    fn truth(&mut self, expression: &IdedExpr) -> Result<(), RuleError> {
        self.of(expression, Type::Truth)
    }

    fn number(&mut self, expression: &IdedExpr) -> Result<(), RuleError> {
        self.of(expression, Type::Number)
    }

    fn of(&mut self, expression: &IdedExpr, wanted: Type) -> Result<(), RuleError> {
        let found = self.any(expression)?;
        if found == wanted {
            return Ok(());
        }
        let (found, wanted) = (found.name(), wanted.name());
        let what = told(expression);
        Err(RuleError::Refused(format!(
            "{what} is {found} where {wanted} is needed"
        )))
    }

    fn any(&mut self, expression: &IdedExpr) -> Result<Type, RuleError> {
        match &expression.expr {
            Expr::Literal(LiteralValue::Boolean(truth)) => {
                self.push(Step::Truth(*truth.inner()))?;
                Ok(Type::Truth)
            }
            Expr::Ident(_) | Expr::Literal(LiteralValue::Int(_)) => self.leaf(expression),
            Expr::Call(call) if call.target.is_none() => self.call(call),
            Expr::Call(call) => Err(no_function(&call.func_name)),
            Expr::Literal(LiteralValue::UInt(_)) => refused("write 5, not 5u"),
            Expr::Literal(LiteralValue::Double(_)) => {
                refused("a rule has whole numbers only: amounts are fen")
            }
            Expr::Literal(LiteralValue::String(_) | LiteralValue::Bytes(_)) => {
                refused("a rule has no texts: cities and segments are numbers")
            }
            Expr::Literal(LiteralValue::Null) => refused("a rule has no null"),
            Expr::List(_) => refused("a list stands after `in` only"),
            Expr::Select(field) => refused(&format!("there is no field `{}`", field.field)),
            Expr::Comprehension(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                refused("a rule has no maps, messages or loops")
            }
        }
    }

    fn leaf(&mut self, expression: &IdedExpr) -> Result<Type, RuleError> {
        if let Some(number) = constant(expression) {
            self.push(Step::Number(number))?;
            return Ok(Type::Number);
        }
        let Some(variable) = variable(expression) else {
            let known: Vec<_> = Variable::ALL.iter().map(|known| known.name()).collect();
            let (what, known) = (told(expression), known.join(", "));
            return refused(&format!("{what} is no variable; there are {known}"));
        };
        self.push(Step::Load(variable))?;
        Ok(if variable.is_truth() {
            Type::Truth
        } else {
            Type::Number
        })
    }

    fn call(&mut self, call: &CallExpr) -> Result<Type, RuleError> {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.truth(left)?;
                self.truth(right)?;
                let and = name == operators::LOGICAL_AND;
                self.push(if and { Step::And } else { Step::Or })?;
                Ok(Type::Truth)
            }
            (operators::LOGICAL_NOT, [of]) => {
                self.truth(of)?;
                self.push(Step::Not)?;
                Ok(Type::Truth)
            }
            (operators::NEGATE, [of]) => {
                self.number(of)?;
                self.push(Step::Negate)?;
                Ok(Type::Number)
            }
            (operators::CONDITIONAL, [which, yes, no]) => self.choose(which, yes, no),
            (operators::IN, [of, list]) => {
                self.number(of)?;
                let list = numbers(list).ok_or_else(|| {
                    RuleError::Refused("after `in` stands a list of numbers: [1, 2, 3]".into())
                })?;
                self.push(Step::In(list))?;
                Ok(Type::Truth)
            }
            (_, [left, right]) => match (comparison(name), arithmetic(name)) {
                (Some(compare), _) => self.compare(left, compare, right),
                (None, Some(step)) => {
                    self.number(left)?;
                    self.number(right)?;
                    self.push(step)?;
                    Ok(Type::Number)
                }
                (None, None) => Err(no_function(name)),
            },
            _ => Err(no_function(name)),
        }
    }

    /// Two numbers, or whether two truths are the same.
    fn compare(
        &mut self,
        left: &IdedExpr,
        compare: Compare,
        right: &IdedExpr,
    ) -> Result<Type, RuleError> {
        let found = self.any(left)?;
        if found == Type::Truth {
            if !matches!(compare, Compare::Equal | Compare::Unequal) {
                return self.of(left, Type::Number).map(|()| Type::Truth);
            }
            self.truth_as_number()?;
        }
        self.of(right, found)?;
        if found == Type::Truth {
            self.truth_as_number()?;
        }
        self.push(Step::Compare(compare))?;
        Ok(Type::Truth)
    }

    /// `which ? yes : no`, of numbers or of truths.
    fn choose(
        &mut self,
        which: &IdedExpr,
        yes: &IdedExpr,
        no: &IdedExpr,
    ) -> Result<Type, RuleError> {
        self.truth(which)?;
        let found = self.any(yes)?;
        if found == Type::Truth {
            self.truth_as_number()?;
        }
        self.of(no, found)?;
        if found == Type::Truth {
            self.truth_as_number()?;
        }
        self.push(Step::Choose)?;
        if found == Type::Truth {
            self.push(Step::Number(1))?;
            self.push(Step::Compare(Compare::Equal))?;
        }
        Ok(found)
    }

    /// Makes 0 or 1 of a truth: the steps choose between and compare numbers only.
    fn truth_as_number(&mut self) -> Result<(), RuleError> {
        self.push(Step::Number(1))?;
        self.push(Step::Number(0))?;
        self.push(Step::Choose)
    }
}

fn arithmetic(name: &str) -> Option<Step> {
    Some(match name {
        operators::ADD => Step::Add,
        operators::SUBSTRACT => Step::Subtract,
        operators::MULTIPLY => Step::Multiply,
        operators::DIVIDE => Step::Divide,
        operators::MODULO => Step::Remainder,
        _ => return None,
    })
}

fn refused<T>(why: &str) -> Result<T, RuleError> {
    Err(RuleError::Refused(why.to_owned()))
}

fn no_function(name: &str) -> RuleError {
    RuleError::Refused(format!("a rule has no function `{name}`"))
}

/// What an expression is, for people.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else CEL has is refused before it is asked for"
)]
fn told(expression: &IdedExpr) -> String {
    match &expression.expr {
        Expr::Ident(name) => format!("`{name}`"),
        Expr::Literal(LiteralValue::Int(number)) => format!("`{}`", number.inner()),
        Expr::Literal(LiteralValue::Boolean(truth)) => format!("`{}`", truth.inner()),
        Expr::Call(call) => match call.func_name.as_str() {
            operators::CONDITIONAL => "what `?:` gives".into(),
            name => format!("what `{}` gives", name.trim_matches(['_', '@'])),
        },
        _ => "something".into(),
    }
}

#[cfg(test)]
mod tests;
