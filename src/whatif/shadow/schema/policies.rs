//! Row level security: policies, and the owners and privileges that it asks for. Everybody may do everything in the
//! shadow but get around a policy.

use super::step::Step;
use crate::pg::quote_identifier;
use crate::snapshot::schema::{Policy, Role};
use crate::snapshot::{Relation, RelationKind};

/// The policies of `relation`, and whether they are in force.
pub(super) fn steps(relation: &Relation) -> Vec<Step> {
    if !relation.has_row_security {
        return Vec::new();
    }
    let table = relation.name.to_string();
    let mut steps: Vec<Step> = relation.declaration.policies.iter().map(|policy| create(&table, policy)).collect();
    let force = if relation.declaration.forces_row_security { ", FORCE ROW LEVEL SECURITY" } else { "" };
    steps.push(Step::one("policy", table.clone(), format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY{force}")));
    steps
}

fn create(table: &str, policy: &Policy) -> Step {
    let name = quote_identifier(&policy.name);
    let kind = if policy.is_permissive { "PERMISSIVE" } else { "RESTRICTIVE" };
    let mut sql = format!("CREATE POLICY {name} ON {table} AS {kind} FOR {}", policy.command);
    if !policy.roles.is_empty() {
        let roles: Vec<_> = policy.roles.iter().map(|role| quote_identifier(role)).collect();
        sql.push_str(&format!(" TO {}", roles.join(", ")));
    }
    if let Some(using) = &policy.using {
        sql.push_str(&format!(" USING ({using})"));
    }
    if let Some(check) = &policy.check {
        sql.push_str(&format!(" WITH CHECK ({check})"));
    }
    Step::one("policy", format!("{name} of {table}"), sql)
}

/// Owners, where they decide on row level security: of tables that have it, and of views, which read as their owner. Where
/// no table has it, nobody's rights matter.
pub(super) fn owners(relations: &[&Relation], roles: &[Role]) -> Vec<Step> {
    if !relations.iter().any(|relation| relation.has_row_security) {
        return Vec::new();
    }
    let matters = |relation: &&&Relation| relation.has_row_security || relation.kind == RelationKind::View;
    // The planner's role sees through row level security, as the superuser does that it stands for.
    let is_superuser = |name: &str| roles.iter().any(|role| role.name == name && role.is_superuser);
    let owned = relations.iter().filter(matters).filter(|relation| !is_superuser(&relation.owner));
    owned
        .map(|relation| {
            let kind = if relation.kind == RelationKind::View { "VIEW" } else { "TABLE" };
            let sql = format!("ALTER {kind} {} OWNER TO {}", relation.name, quote_identifier(&relation.owner));
            Step::one("owner", relation.name.to_string(), sql)
        })
        .collect()
}

/// Everybody may do everything with what will be made.
pub(super) fn privileges() -> Step {
    let grants = ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"]
        .map(|objects| format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON {objects} TO PUBLIC"));
    Step::exact("privileges", "PUBLIC", grants.to_vec())
}

/// Everybody may read the relations of extensions, whose owner is the superuser.
pub(super) fn extension_privileges(schemas: &[String]) -> impl Iterator<Item = Step> {
    schemas.iter().map(|schema| {
        let name = quote_identifier(schema);
        let sql = format!("GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO PUBLIC");
        Step::one("privileges", name, sql).by_superuser()
    })
}
