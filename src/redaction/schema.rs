//! Types, functions and declarations without values: defaults that hold a constant go, and so does code in languages that
//! the planner cannot look into. Labels of enums, bounds, checks, policies, rules and functions in SQL stay.

use crate::pg::RelationName;
use crate::snapshot::schema::{
    Attribute, BaseType, Cast, Collation, DataType, Domain, Function, FunctionKind, Membership, Operator, Policy,
    Range, Role, TypeKind,
};
use crate::snapshot::{ColumnDefault, Declaration, Schema};
use crate::sql;

pub(super) fn redact(schema: &mut Schema) {
    let Schema { schemas: _, roles, collations, types, functions, sequences: _, operators, casts, unread: _ } = schema;
    roles.iter().for_each(keep_role);
    collations.iter().for_each(keep_collation);
    types.iter_mut().for_each(redact_type);
    functions.iter_mut().for_each(redact_function);
    operators.iter().for_each(keep_operator);
    casts.iter().for_each(keep_cast);
}

fn keep_role(role: &Role) {
    let Role { name: _, is_superuser: _, bypasses_row_security: _, memberships } = role;
    for Membership { role: _, inherits: _ } in memberships {}
}

fn keep_collation(collation: &Collation) {
    let Collation { name: _, provider: _, is_deterministic: _, locale: _, ctype: _, rules: _ } = collation;
}

fn redact_type(data_type: &mut DataType) {
    let DataType { oid: _, name: _, extension: _, kind } = data_type;
    match kind {
        TypeKind::Enum(_labels) => {}
        TypeKind::Domain(Domain { base: _, collation: _, is_not_null: _, default, checks: _ }) => {
            default.take_if(|sql| holds_value(sql));
        }
        TypeKind::Composite(attributes) => for Attribute { name: _, type_sql: _, collation: _ } in attributes {},
        TypeKind::Range(Range { subtype: _, opclass: _, collation: _, canonical: _, difference: _, multirange: _ }) => {
        }
        TypeKind::Base(BaseType {
            length: _,
            is_by_value: _,
            alignment: _,
            storage: _,
            category: _,
            is_preferred: _,
            is_collatable: _,
        }) => {}
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
    match kind {
        FunctionKind::Function if language != "sql" => *definition = None,
        FunctionKind::Function | FunctionKind::Aggregate | FunctionKind::Window => {}
    }
}

fn keep_operator(operator: &Operator) {
    let Operator { schema: _, name: _, left: _, right: _, options: _ } = operator;
}

fn keep_cast(cast: &Cast) {
    let Cast { source: _, target: _, method: _ } = cast;
}

pub(super) fn redact_default(default: &mut Option<ColumnDefault>) {
    default.take_if(|default| match default {
        ColumnDefault::Expression(sql) => holds_value(sql),
        ColumnDefault::Stored(_sql) | ColumnDefault::Virtual(_sql) => false,
        ColumnDefault::IdentityAlways(name) | ColumnDefault::IdentityByDefault(name) => {
            let RelationName { schema: _, name: _ } = name;
            false
        }
    });
}

pub(super) fn keep_declaration(declaration: &Declaration) {
    let Declaration { parents: _, partition_bound: _, forces_row_security: _, policies, rules: _, instead_of: _ } =
        declaration;
    for Policy { name: _, is_permissive: _, command: _, roles: _, using: _, check: _ } in policies {}
}

/// Whether an expression holds a constant that is not merely the name of a sequence.
fn holds_value(sql: &str) -> bool {
    !sql.starts_with("nextval(") && sql::without_constants(sql) != sql
}
