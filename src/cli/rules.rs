//! `pgadvise rules`: the rules, a line each.

use super::output;
use crate::error::Result;
use crate::rules::RULES;

pub(super) fn run() -> Result<u8> {
    let width = RULES.iter().map(|rule| rule.meta().id.len()).max().unwrap_or(0);
    let lines: String =
        RULES.iter().map(|rule| format!("{:width$}  {}\n", rule.meta().id, rule.meta().summary())).collect();
    output::result(&lines, None)?;
    Ok(0)
}
