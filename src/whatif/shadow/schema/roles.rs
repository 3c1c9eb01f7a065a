//! Roles: with what row level security asks of them, and without a login.

use std::collections::BTreeMap;

use super::super::login;
use super::step::Step;
use crate::db::WritableSession;
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use crate::snapshot::schema::{Membership, Role, Schema};

/// The first version in which a membership says for itself whether it inherits.
const MEMBERSHIP_OPTIONS_SINCE: u32 = 16;
/// Names that the server keeps for its own roles begin with this.
const RESERVED: &str = "pg_";

/// The roles of the server, and whether each is the session's own.
pub(super) fn existing(session: &mut WritableSession) -> Result<BTreeMap<String, bool>> {
    let rows = session.query("SELECT rolname::text AS name, rolname = current_user AS is_own FROM pg_roles", &[]);
    let mut roles = BTreeMap::new();
    for row in rows.map_err(Error::from)? {
        roles.insert(row.text("name").map_err(Error::from)?, row.get("is_own").map_err(Error::from)?);
    }
    Ok(roles)
}

/// The roles of `schema` and, once all exist, their memberships. The session's own role stays what it is.
pub(super) fn steps(schema: &Schema, existing: &BTreeMap<String, bool>, major: u32) -> Vec<Step> {
    let is_own = |role: &Role| existing.get(&role.name).copied().unwrap_or(false);
    let roles = || schema.roles.iter().filter(|role| !role.name.starts_with(RESERVED) && !is_own(role));
    // Memberships in the superuser and in the server's own roles would open this machine's files and programs.
    let is_harmless = |membership: &&Membership| roles().any(|role| role.name == membership.role);
    let mut steps: Vec<Step> = roles().map(|role| create(role, existing.contains_key(&role.name), major)).collect();
    for role in roles() {
        for membership in role.memberships.iter().filter(is_harmless) {
            let (group, member) = (quote_identifier(&membership.role), quote_identifier(&role.name));
            let mut grant = format!("GRANT {group} TO {member}");
            if major >= MEMBERSHIP_OPTIONS_SINCE {
                grant.push_str(if membership.inherits { " WITH INHERIT TRUE" } else { " WITH INHERIT FALSE" });
            }
            steps.push(Step::one("role", format!("{group} of {member}"), grant).by_superuser());
        }
    }
    steps.extend(roles().map(|role| {
        let name = quote_identifier(&role.name);
        Step::one("role", name.clone(), format!("GRANT {name} TO {}", login::PLANNER)).by_superuser()
    }));
    steps
}

/// A superuser of the target is none here; what it means for row level security it keeps.
fn create(role: &Role, exists: bool, major: u32) -> Step {
    let name = quote_identifier(&role.name).into_owned();
    let option = |is_on: bool, name: &str| format!("{}{name}", if is_on { "" } else { "NO" });
    let mut sql = format!(
        "{} ROLE {name} NOSUPERUSER {}",
        if exists { "ALTER" } else { "CREATE" },
        option(role.is_superuser || role.bypasses_row_security, "BYPASSRLS"),
    );
    if major < MEMBERSHIP_OPTIONS_SINCE {
        let inherits = role.memberships.iter().all(|membership| membership.inherits);
        sql.push_str(&format!(" {}", option(inherits, "INHERIT")));
    }
    Step::one("role", name, sql).by_superuser()
}
