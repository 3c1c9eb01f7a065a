//! Reads functions and aggregates, in pages. Bodies that the server has parsed name relations, so they are read in guarded
//! pieces.

use std::collections::BTreeMap;

use super::{code, name, or_gap};
use crate::collect::query::{FUNCTION_BODIES, FUNCTIONS};
use crate::collect::reader::Reader;
use crate::db::{Failure, Row};
use crate::error::Result;
use crate::pg::Oid;
use crate::snapshot::Gap;
use crate::snapshot::schema::{Function, FunctionKind};

/// Functions in one page: of 2 kB each, as generated interfaces have them, 2 MB.
const PAGE_ROWS: i64 = 1_000;
/// Parsed bodies in one transaction: the relations that they name stay locked (ACCESS SHARE) until it ends, and the
/// server has room for few locks (`max_locks_per_transaction`, 64 by default).
const BODIES_MAX: usize = 50;

/// One page.
#[derive(Default)]
struct Page {
    functions: Vec<Function>,
    /// Functions whose bodies are to be read apart.
    parsed: Vec<Oid>,
    /// The last function read; `None` when this was the last page.
    last: Option<Oid>,
}

/// The functions, in the order in which they were created.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    let mut parsed = Vec::new();
    let mut last = Some(Oid(0));
    while let Some(after) = last {
        let page =
            or_gap(reader, "functions", |transaction| page(&transaction.query(&FUNCTIONS, &[&after, &PAGE_ROWS])?))?;
        functions.extend(page.functions);
        parsed.extend(page.parsed);
        last = page.last;
    }
    let mut bodies = read_bodies(reader, &parsed)?;
    for function in &mut functions {
        function.definition = bodies.remove(&function.oid).or(function.definition.take());
    }
    Ok(functions)
}

fn page(rows: &[Row]) -> std::result::Result<Page, Failure> {
    let mut page = Page::default();
    for row in rows {
        let Some(function) = function(row)? else { continue };
        if row.get("is_parsed")? {
            page.parsed.push(function.oid);
        }
        page.functions.push(function);
    }
    if rows.len() as i64 == PAGE_ROWS {
        page.last = rows.last().map(|row| row.get("oid")).transpose()?;
    }
    Ok(page)
}

fn function(row: &Row) -> std::result::Result<Option<Function>, Failure> {
    let Some(kind) = FunctionKind::from_code(code(row, "kind")?) else { return Ok(None) };
    let name = name(row)?;
    let identity_arguments = row.optional_text("identity_arguments")?.unwrap_or_default();
    let definition = row.optional_text("definition")?.map(|definition| match kind {
        FunctionKind::Aggregate => {
            let arguments = if identity_arguments.is_empty() { "*" } else { &identity_arguments };
            format!("CREATE AGGREGATE {name}({arguments}) ({definition})")
        }
        FunctionKind::Function | FunctionKind::Window => definition,
    });
    Ok(Some(Function {
        oid: row.get("oid")?,
        arguments: row.optional_text("arguments")?.unwrap_or_default(),
        result: row.optional_text("result")?,
        extension: row.optional_text("extension")?,
        kind,
        language: row.text("language")?,
        volatility: code(row, "volatility")?,
        is_strict: row.get("is_strict")?,
        is_leakproof: row.get("is_leakproof")?,
        parallel: code(row, "parallel")?,
        cost: row.get("cost")?,
        n_rows: row.get("n_rows")?,
        takes_rows: row.get("takes_rows")?,
        definition,
        identity_arguments,
        name,
    }))
}

/// The definitions of `functions`, whose bodies name relations. Those that name a locked one are left out, and said.
fn read_bodies(reader: &mut Reader<'_>, functions: &[Oid]) -> Result<BTreeMap<Oid, String>> {
    let guarded = reader.read_guarded(functions, BODIES_MAX, &|transaction, piece| {
        let mut bodies = Vec::new();
        for row in transaction.query(&FUNCTION_BODIES, &[&piece])? {
            if let Some(definition) = row.optional_text("definition")? {
                bodies.push((row.get("oid")?, definition));
            }
        }
        Ok(bodies)
    })?;
    if !guarded.refused.is_empty() {
        let reason = "their bodies name relations that another session has locked: a shadow plans calls of them as if they \
                      were not SQL";
        reader.gaps.push(Gap::new("schema", format!("{} functions", guarded.refused.len()), reason));
    }
    Ok(guarded.values.into_iter().flatten().collect())
}
