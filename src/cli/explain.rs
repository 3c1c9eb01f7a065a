//! `pgadvise explain RULE`: a rule's documentation.

use super::arguments::ExplainArguments;
use super::output;
use crate::error::{Error, Result};
use crate::rules::{RULES, docs};

pub(super) fn run(arguments: &ExplainArguments) -> Result<u8> {
    let rule = RULES.iter().find(|rule| rule.meta().id == arguments.rule).ok_or_else(|| {
        Error::usage(format!("there is no rule \"{}\"", arguments.rule))
            .with_hint("List the rules with: pgadvise rules")
    })?;
    output::result(&docs::page(rule.meta()), None)?;
    Ok(0)
}
