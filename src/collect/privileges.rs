//! What the reading role may see, and the statement that lets it see the rest. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::query::PRIVILEGES;
use crate::db::{Failure, Transaction};
use crate::pg::identifier::quote_identifier;
use crate::snapshot::Server;

/// The first version that has pg_read_all_data.
const READ_ALL_DATA_SINCE: u32 = 14;
/// The first version where inheriting is a property of each grant.
const INHERIT_OPTION_SINCE: u32 = 16;
/// How many schemas a remedy spells out.
const SCHEMAS_SHOWN: usize = 5;

/// How the role holds a predefined role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// With its privileges.
    Usable,
    /// By name only: the privileges need a SET ROLE.
    NotInherited,
    No,
}

/// The role's standing with the predefined roles.
#[derive(Debug)]
pub(super) struct Privileges {
    /// The role, quoted.
    role: String,
    major: u32,
    is_superuser: bool,
    held: BTreeMap<String, Held>,
}

impl Privileges {
    pub fn read(transaction: &mut Transaction<'_>, server: &Server) -> Result<Self, Failure> {
        let mut held = BTreeMap::new();
        for row in transaction.query(&PRIVILEGES, &[])? {
            let state = match (row.get("is_usable")?, row.get("is_member")?) {
                (true, _) => Held::Usable,
                (false, true) => Held::NotInherited,
                (false, false) => Held::No,
            };
            held.insert(row.text("role")?, state);
        }
        Ok(Self {
            role: quote_identifier(&server.role).into_owned(),
            major: server.version.major(),
            is_superuser: server.role_is_superuser,
            held,
        })
    }

    /// Of a role without any, for tests.
    #[cfg(test)]
    pub fn of(role: &str, major: u32) -> Self {
        Self { role: quote_identifier(role).into_owned(), major, is_superuser: false, held: BTreeMap::new() }
    }

    fn held(&self, role: &str) -> Held {
        self.held.get(role).copied().unwrap_or(Held::No)
    }

    /// Whether every row of every relation's statistics is shown, row level security aside.
    pub fn can_read_all_data(&self) -> bool {
        self.is_superuser || self.held("pg_read_all_data") == Held::Usable
    }

    /// The statement that shows other roles' statements.
    pub fn to_see_statements(&self) -> String {
        for role in ["pg_monitor", "pg_read_all_stats"] {
            if self.held(role) == Held::NotInherited {
                return self.to_inherit(role);
            }
        }
        format!("run GRANT {} TO {};", self.recommended(), self.role)
    }

    /// The statement that makes relations of `schemas` plannable and shows their statistics.
    pub fn to_read_relations(&self, schemas: &BTreeSet<&str>) -> String {
        if self.held("pg_read_all_data") == Held::NotInherited {
            return self.to_inherit("pg_read_all_data");
        }
        if self.major >= READ_ALL_DATA_SINCE {
            return format!("run GRANT {} TO {};", self.recommended(), self.role);
        }
        let mut grants: Vec<String> =
            schemas.iter().take(SCHEMAS_SHOWN).map(|schema| self.to_read_schema(schema)).collect();
        if schemas.len() > SCHEMAS_SHOWN {
            grants.push(format!("and the same for {} more schemas.", schemas.len() - SCHEMAS_SHOWN));
        }
        format!("run {}", grants.join(" "))
    }

    /// The statement that shows what no view shows of planner statistics.
    pub fn to_read_statistics(&self) -> String {
        if self.held("pg_read_all_data") == Held::NotInherited {
            return self.to_inherit("pg_read_all_data");
        }
        if self.major >= READ_ALL_DATA_SINCE {
            return format!("run GRANT {} TO {};", self.recommended(), self.role);
        }
        format!("run GRANT SELECT ON pg_statistic, pg_statistic_ext_data TO {};", self.role)
    }

    /// The statement that opens a schema.
    pub fn to_use_schema(&self, schema: &str) -> String {
        format!("run GRANT USAGE ON SCHEMA {} TO {};", quote_identifier(schema), self.role)
    }

    /// The role, quoted.
    pub fn role(&self) -> &str {
        &self.role
    }

    fn to_read_schema(&self, schema: &str) -> String {
        let schema = quote_identifier(schema);
        let role = &self.role;
        format!("GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};")
    }

    fn recommended(&self) -> &'static str {
        if self.major >= READ_ALL_DATA_SINCE { "pg_monitor, pg_read_all_data" } else { "pg_monitor" }
    }

    fn to_inherit(&self, role: &str) -> String {
        if self.major >= INHERIT_OPTION_SINCE {
            format!("run GRANT {role} TO {} WITH INHERIT TRUE;", self.role)
        } else {
            format!("run ALTER ROLE {} INHERIT;", self.role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privileges(major: u32, held: &[(&str, Held)]) -> Privileges {
        let held = held.iter().map(|(role, held)| ((*role).to_owned(), *held)).collect();
        Privileges { role: "\"Reader\"".to_owned(), major, is_superuser: false, held }
    }

    #[test]
    fn the_remedy_fits_the_version_and_what_is_held() {
        let schemas = BTreeSet::from(["public", "App"]);
        let none = privileges(15, &[]);
        assert_eq!(none.to_see_statements(), "run GRANT pg_monitor, pg_read_all_data TO \"Reader\";");
        assert_eq!(none.to_read_relations(&schemas), "run GRANT pg_monitor, pg_read_all_data TO \"Reader\";");
        assert_eq!(
            privileges(13, &[]).to_read_relations(&schemas),
            "run GRANT USAGE ON SCHEMA \"App\" TO \"Reader\"; GRANT SELECT ON ALL TABLES IN SCHEMA \"App\" TO \"Reader\"; \
             GRANT USAGE ON SCHEMA public TO \"Reader\"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"Reader\";"
        );
        assert_eq!(privileges(13, &[]).to_see_statements(), "run GRANT pg_monitor TO \"Reader\";");
    }

    #[test]
    fn a_role_that_does_not_inherit_is_told_so_instead_of_granted_again() {
        let held = [("pg_monitor", Held::NotInherited)];
        assert_eq!(privileges(15, &held).to_see_statements(), "run ALTER ROLE \"Reader\" INHERIT;");
        assert_eq!(privileges(16, &held).to_see_statements(), "run GRANT pg_monitor TO \"Reader\" WITH INHERIT TRUE;");
    }
}
