//! What domains demand of values.

use engine::Value;

use super::{CompiledExpression, Context, Layout, compile};
use crate::error::{Error, Result, SqlState};
use crate::tree::{ColumnNumber, DomainRule};

/// The rules of a domain and of those it stands on, in the order they are checked.
#[derive(Clone, Debug)]
pub struct DomainRules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    domain: String,
    check: Option<(String, CompiledExpression)>,
}

impl DomainRules {
    /// Compiles rules whose checks read the value as column `value`.
    pub fn new(value: ColumnNumber, rules: &[DomainRule]) -> Result<DomainRules> {
        let layout = Layout::new([value]);
        let compiled = rules.iter().map(|rule| {
            let check = match &rule.check {
                Some((name, condition)) => Some((name.clone(), compile(condition, &layout)?)),
                None => None,
            };
            Ok(Rule { domain: rule.domain.clone(), check })
        });
        compiled.collect::<Result<_>>().map(DomainRules)
    }

    /// Refuses a value that breaks a rule.
    pub fn check(&self, context: &Context, value: &Value) -> Result<()> {
        for rule in &self.0 {
            match &rule.check {
                None if value.is_null() => {
                    let message = format!("domain {} does not allow null values", rule.domain);
                    return Err(Error::new(SqlState::NotNullViolation, message));
                }
                None => {}
                Some((name, condition)) => {
                    let answer = condition.evaluate_row(context, std::slice::from_ref(value))?;
                    if answer == Value::Bool(false) {
                        let message =
                            format!("value for domain {} violates check constraint \"{name}\"", rule.domain);
                        return Err(Error::new(SqlState::CheckViolation, message).constraint(name));
                    }
                }
            }
        }
        Ok(())
    }
}
