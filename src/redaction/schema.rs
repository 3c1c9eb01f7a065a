//! The schema without defaults of columns and domains, and without the bodies of functions that planning cannot see into. SQL bodies stay, as
//! views do: the planner puts them in the place of their calls.

use crate::snapshot::schema::{
    BaseType, Cast, Collation, DataType, Domain, Function, FunctionKind, Operator, Range, Role, TypeKind,
};
use crate::snapshot::{ColumnDefault, Declaration, Schema};

/// The language of functions that the planner puts in the place of their calls.
const INLINED: &str = "sql";

pub(super) fn redact(schema: &mut Schema) {
    let Schema { schemas: _, roles, collations, types, functions, sequences: _, operators, casts, unread: _ } = schema;
    roles.iter().for_each(keep_role);
    collations.iter().for_each(keep_collation);
    types.iter_mut().for_each(redact_type);
    functions.iter_mut().for_each(redact_function);
    operators.iter().for_each(keep_operator);
    casts.iter().for_each(keep_cast);
}

/// A default can be a value; what is computed or counted cannot.
pub(super) fn redact_default(default: &mut Option<ColumnDefault>) {
    match default {
        Some(ColumnDefault::Expression(_)) => *default = None,
        Some(
            ColumnDefault::Stored(_)
            | ColumnDefault::Virtual(_)
            | ColumnDefault::IdentityAlways(_)
            | ColumnDefault::IdentityByDefault(_),
        )
        | None => {}
    }
}

/// Policies and rules stay: they are the schema, and plans depend on them.
pub(super) fn keep_declaration(declaration: &Declaration) {
    let Declaration { parents: _, partition_bound: _, forces_row_security: _, policies: _, rules: _, instead_of: _ } =
        declaration;
}

fn keep_role(role: &Role) {
    let Role { name: _, is_superuser: _, bypasses_row_security: _, memberships: _ } = role;
}

fn keep_collation(collation: &Collation) {
    let Collation { name: _, provider: _, is_deterministic: _, locale: _, ctype: _, rules: _ } = collation;
}

fn redact_type(data_type: &mut DataType) {
    let DataType { oid: _, name: _, extension: _, kind } = data_type;
    match kind {
        TypeKind::Domain(domain) => {
            let Domain { base: _, collation: _, is_not_null: _, default, checks: _ } = domain;
            *default = None;
        }
        TypeKind::Range(range) => {
            let Range { subtype: _, opclass: _, collation: _, canonical: _, difference: _, multirange: _ } = range;
        }
        TypeKind::Base(base) => {
            let BaseType {
                length: _,
                is_by_value: _,
                alignment: _,
                storage: _,
                category: _,
                is_preferred: _,
                is_collatable: _,
            } = base;
        }
        TypeKind::Enum(_) | TypeKind::Composite(_) => {}
    }
}

fn redact_function(function: &mut Function) {
    let Function {
        oid: _,
        name: _,
        identity_arguments: _,
        arguments: _,
        result: _,
        extension: _,
        kind,
        language,
        volatility: _,
        is_strict: _,
        is_leakproof: _,
        parallel: _,
        cost: _,
        n_rows: _,
        takes_rows: _,
        definition,
    } = function;
    // Defaults of arguments stay: without them, calls that leave arguments out could not be planned.
    if *kind == FunctionKind::Function && language != INLINED {
        *definition = None;
    }
}

fn keep_operator(operator: &Operator) {
    let Operator { schema: _, name: _, left: _, right: _, options: _ } = operator;
}

fn keep_cast(cast: &Cast) {
    let Cast { source: _, target: _, method: _ } = cast;
}
