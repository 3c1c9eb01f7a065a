//! Stand-ins for base types whose C code is not on this machine: of the same layout and name, with another type's input
//! and output, and without its operators.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::login;
use super::extensions::Missing;
use super::step::Step;
use crate::pg::identifier::quote_literal;
use crate::pg::{RelationName, quote_identifier};
use crate::snapshot::schema::{BaseType, DataType, TypeKind};

/// The types that have stand-ins, as `format_type` prints them.
pub(super) struct Stubs(BTreeSet<String>);

impl Stubs {
    pub fn new(types: &[DataType], missing: &Missing) -> Self {
        let is_stub = |data_type: &&DataType| {
            matches!(data_type.kind, TypeKind::Base(_)) && missing.is_own(data_type.extension.as_deref())
        };
        Self(types.iter().filter(is_stub).map(|data_type| data_type.name.to_string()).collect())
    }

    /// `type_sql` as it can be written here: stand-ins take no modifiers (`geometry(Point,4326)`).
    pub fn writable<'t>(&self, type_sql: &'t str) -> Cow<'t, str> {
        let stub = self.0.iter().find(|stub| type_sql.starts_with(&format!("{stub}(")));
        match (stub, type_sql.rfind(')')) {
            (Some(stub), Some(end)) => Cow::Owned(format!("{stub}{}", &type_sql[end + 1..])),
            _ => Cow::Borrowed(type_sql),
        }
    }
}

/// A stand-in for the type `name`.
///
/// One of strings (citext) casts to text without a function, so that comparisons, functions and indexes of text take it.
pub(super) fn base_type(name: &RelationName, base: &BaseType) -> Step {
    let sql = name.to_string();
    let Some((input, output)) = functions(base) else {
        let statement = format!("CREATE TYPE {sql}");
        let loss = "its layout has no stand-in: relations with columns of this type are missing in the shadow";
        return Step::stand_in("type", sql, vec![statement], loss).by_superuser();
    };
    let function = |suffix: &str| {
        RelationName::new(
            name.schema.clone(),
            format!("pgadvise {suffix} {}", name.name.chars().take(40).collect::<String>()),
        )
    };
    let (own_input, own_output) = (function("in"), function("out"));
    let mut statements = vec![
        format!("CREATE TYPE {sql}"),
        format!(
            "CREATE FUNCTION {own_input}(cstring) RETURNS {sql} LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS '{input}'"
        ),
        format!(
            "CREATE FUNCTION {own_output}({sql}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS '{output}'"
        ),
        format!("CREATE TYPE {sql} (INPUT = {own_input}, OUTPUT = {own_output}, {})", layout(base)),
    ];
    let is_string = base.category == 'S' && base.length == -1;
    if is_string {
        statements.push(format!("CREATE CAST ({sql} AS text) WITHOUT FUNCTION AS IMPLICIT"));
        statements.push(format!("CREATE CAST (text AS {sql}) WITHOUT FUNCTION AS ASSIGNMENT"));
    }
    let loss = if is_string {
        "it is not available on this machine: the shadow plans it as text"
    } else {
        "it is not available on this machine: the shadow has a type of its layout without its operators, so that \
         statements with those cannot be planned"
    };
    statements.push(format!("ALTER TYPE {sql} OWNER TO {}", login::PLANNER));
    Step::stand_in("type", sql, statements, loss).by_superuser()
}

/// Input and output functions of a built-in type of the same length.
fn functions(base: &BaseType) -> Option<(&'static str, &'static str)> {
    Some(match (base.length, base.is_by_value) {
        (-1, false) => ("textin", "textout"),
        (1, true) => ("charin", "charout"),
        (2, true) => ("int2in", "int2out"),
        (4, true) => ("int4in", "int4out"),
        (8, true) => ("int8in", "int8out"),
        (6, false) => ("tidin", "tidout"),
        (16, false) => ("uuid_in", "uuid_out"),
        _ => return None,
    })
}

fn layout(base: &BaseType) -> String {
    let alignment = match base.alignment {
        'c' => "char",
        's' => "int2",
        'd' => "double",
        _ => "int4",
    };
    let storage = match base.storage {
        'e' => "external",
        'm' => "main",
        'x' => "extended",
        _ => "plain",
    };
    let length = if base.length == -1 { "VARIABLE".to_owned() } else { base.length.to_string() };
    let mut layout = format!("INTERNALLENGTH = {length}, ALIGNMENT = {alignment}, STORAGE = {storage}");
    layout.push_str(&format!(
        ", CATEGORY = {}, PREFERRED = {}",
        quote_literal(&base.category.to_string()),
        base.is_preferred
    ));
    if base.is_by_value {
        layout.push_str(", PASSEDBYVALUE");
    }
    if base.is_collatable {
        layout.push_str(", COLLATABLE = true");
    }
    layout
}

/// The trigger function that stands for any INSTEAD OF trigger: it makes a view writable, and is never run.
pub(super) fn trigger_function(schema: &str) -> (String, String) {
    let name = format!("{}.\"pgadvise instead of\"", quote_identifier(schema));
    let create =
        format!("CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    (name, create)
}
