//! Functions and aggregates. Planning looks into few of them: the others, and those whose language or library is not on
//! this machine, are made with their signature and a body that is never run.

use super::step::Step;
use crate::snapshot::schema::{Function, FunctionKind};

/// `None` for what has no definition and can have no stand-in: aggregates and window functions of missing extensions.
pub(super) fn step(function: &Function) -> Option<Step> {
    let name = format!("{}({})", function.name, function.identity_arguments);
    if function.kind != FunctionKind::Function {
        return function.definition.clone().map(|sql| Step::one("function", name, sql));
    }
    let stub = with_result(function, stub(function));
    Some(match &function.definition {
        Some(definition) if function.is_leakproof => {
            Step::stand_in("function", name, with_result(function, not_leakproof(definition)), NOT_LEAKPROOF)
                .or(stub, "a function of the same signature that returns NULL takes its place in the shadow")
        }
        Some(definition) => Step::exact("function", name, with_result(function, definition.clone()))
            .or(stub, "a function of the same signature that returns NULL takes its place in the shadow"),
        None if is_opaque(function) => Step::exact("function", name, stub),
        None => Step::stand_in(
            "function",
            name,
            stub,
            "its definition is not on this machine: a function of the same signature that returns NULL takes its place \
             in the shadow",
        ),
    })
}

/// What it means that only a superuser may make a leakproof function, which is one that nobody looks into.
const NOT_LEAKPROOF: &str = "it is not leakproof in the shadow, so that quals with it stay above row level security";

/// The definition without the word, which `pg_get_functiondef` writes among the attributes, before the body.
fn not_leakproof(definition: &str) -> String {
    definition.replacen(" LEAKPROOF", "", 1)
}

/// `create`, after a statement that fails where the result's type does not exist yet: `CREATE FUNCTION` would make a shell
/// of that name, which then is in the type's way.
fn with_result(function: &Function, create: String) -> Vec<String> {
    let result = function.result.as_deref().unwrap_or_default();
    let result = result.strip_prefix("SETOF ").unwrap_or(result);
    let is_own = result.contains('.') && !result.starts_with("TABLE(");
    is_own.then(|| format!("SELECT NULL::{result} WHERE false")).into_iter().chain([create]).collect()
}

/// Whether planning never looks into it, so that a stand-in is exact.
fn is_opaque(function: &Function) -> bool {
    function.volatility == 'v' && function.language != "sql"
}

/// A function of the same signature and of the same weight for the planner. Not in SQL, which would be inlined.
fn stub(function: &Function) -> String {
    let result = function.result.as_deref().unwrap_or("void");
    let has_no_value = result == "void"
        || result.starts_with("SETOF ")
        || result.starts_with("TABLE(")
        || function.identity_arguments.contains("OUT ")
        || function.arguments.contains("OUT ");
    let body = if has_no_value { "BEGIN RETURN; END" } else { "BEGIN RETURN NULL; END" };
    let volatility = match function.volatility {
        'i' => "IMMUTABLE",
        's' => "STABLE",
        _ => "VOLATILE",
    };
    let parallel = match function.parallel {
        's' => "SAFE",
        'r' => "RESTRICTED",
        _ => "UNSAFE",
    };
    let mut sql = format!(
        "CREATE OR REPLACE FUNCTION {}({}) RETURNS {result} LANGUAGE plpgsql {volatility} PARALLEL {parallel} COST {}",
        function.name, function.arguments, function.cost
    );
    if function.n_rows > 0.0 {
        sql.push_str(&format!(" ROWS {}", function.n_rows));
    }
    if function.is_strict {
        sql.push_str(" STRICT");
    }
    format!("{sql} AS '{body}'")
}
