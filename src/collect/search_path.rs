//! Where the application looks up unqualified names. Parses the setting; reads nothing.
//!
//! The reading session itself looks up names in pg_catalog only, and often logs in under another role than the
//! application. The application's search path is taken to be, in this order:
//! 1. the schema that the connection string names for the application (`schema=`, `currentSchema=`);
//! 2. what `ALTER ROLE … SET search_path` gives the role that spent most time in pg_stat_statements, in this database
//!    before in all;
//! 3. what `ALTER DATABASE … SET search_path` gives every role;
//! 4. the reading session's own setting.
//!
//! `"$user"` stands for that role. Schemas that do not exist are left out, and so are pg_catalog and temporary ones.

use crate::snapshot::SettingOverride;

/// What the search path is found from.
#[derive(Debug, Default)]
pub(super) struct Sources<'s> {
    /// The schema that the connection string names.
    pub schema_of_connection: Option<&'s str>,
    /// The setting of the reading session.
    pub setting: &'s str,
    /// The role that the application is taken to use.
    pub role: &'s str,
    /// What roles and databases are given.
    pub overrides: &'s [SettingOverride],
    /// The schemas that exist.
    pub schemas: &'s [String],
}

/// The schemas that the application's unqualified names are looked up in, in order.
pub(super) fn of_application(sources: &Sources<'_>) -> Vec<String> {
    let path = match sources.schema_of_connection {
        Some(schema) => vec![schema.to_owned()],
        None => parse(overridden(sources).unwrap_or(sources.setting)),
    };
    let mut existing: Vec<String> = Vec::new();
    for schema in path {
        let schema = if schema == "$user" { sources.role.to_owned() } else { schema };
        if sources.schemas.contains(&schema) && !existing.contains(&schema) {
            existing.push(schema);
        }
    }
    existing
}

fn overridden<'s>(sources: &Sources<'s>) -> Option<&'s str> {
    let find = |role: Option<&str>, is_for_database: bool| {
        sources
            .overrides
            .iter()
            .find(|o| o.name == "search_path" && o.role.as_deref() == role && o.is_for_database == is_for_database)
            .map(|o| o.value.as_str())
    };
    let role = Some(sources.role);
    find(role, true).or_else(|| find(role, false)).or_else(|| find(None, true))
}

/// The names in a list such as `"$user", public, "A b"`: unquoted ones are folded to lower case.
fn parse(setting: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut characters = setting.chars().peekable();
    while let Some(&first) = characters.peek() {
        if first == ',' || first.is_whitespace() {
            characters.next();
            continue;
        }
        let mut name = String::new();
        if first == '"' {
            characters.next();
            while let Some(character) = characters.next() {
                if character == '"' && characters.next_if_eq(&'"').is_none() {
                    break;
                }
                name.push(character);
            }
        } else {
            while let Some(character) = characters.next_if(|c| *c != ',' && !c.is_whitespace()) {
                name.extend(character.to_lowercase());
            }
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(role: Option<&str>, is_for_database: bool, value: &str) -> SettingOverride {
        SettingOverride {
            role: role.map(str::to_owned),
            is_for_database,
            name: "search_path".to_owned(),
            value: value.to_owned(),
        }
    }

    fn path(sources: Sources<'_>) -> Vec<String> {
        let schemas: Vec<String> = ["public", "app", "A b", "shop", "only"].map(String::from).to_vec();
        of_application(&Sources { schemas: &schemas, ..sources })
    }

    #[test]
    fn reads_the_setting_as_the_server_does() {
        assert_eq!(parse("\"$user\", public,APP , \"A b\",\"q\"\"q\""), ["$user", "public", "app", "A b", "q\"q"]);
        assert_eq!(parse(""), [""; 0]);
        assert_eq!(parse("\"\""), [""; 0]);
        assert_eq!(parse("\"unclosed"), ["unclosed"]);
    }

    #[test]
    fn the_user_is_replaced_and_what_does_not_exist_is_left_out() {
        let setting = "\"$user\", nowhere, \"A b\", public, pg_catalog, public";
        assert_eq!(path(Sources { setting, role: "shop", ..Sources::default() }), ["shop", "A b", "public"]);
        assert_eq!(path(Sources { setting, role: "reader", ..Sources::default() }), ["A b", "public"]);
    }

    #[test]
    fn the_nearer_source_wins() {
        let all = [
            change(None, true, "app"),
            change(Some("shop"), false, "shop"),
            change(Some("shop"), true, "\"A b\""),
            change(Some("other"), true, "public"),
        ];
        let at = |schema_of_connection, overrides| Sources {
            schema_of_connection,
            overrides,
            setting: "public",
            role: "shop",
            ..Sources::default()
        };
        assert_eq!(path(at(Some("only"), &all)), ["only"]);
        assert_eq!(path(at(None, &all)), ["A b"]);
        assert_eq!(path(at(None, &all[..2])), ["shop"]);
        assert_eq!(path(at(None, &all[..1])), ["app"]);
        assert_eq!(path(at(None, &[])), ["public"]);
    }
}
