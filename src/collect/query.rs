//! The statements that collecting sends: `queries/*.sql`, all of them. Runs nothing.

use crate::db::Query;

/// What marks a statement as pgadvise's own wherever it is counted. The text after it names the file.
pub(super) const MARK: &str = "/* pgadvise:";

/// The statement of a file: what follows the comment that it opens with. The comment is for readers, and would only
/// swell the server's own record of statements.
const fn after_comment(file: &'static str) -> &'static str {
    let bytes = file.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() && bytes[at] == b'-' && bytes[at + 1] == b'-' {
        while at < bytes.len() && bytes[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    file.split_at(at).1
}

macro_rules! queries {
    ($($constant:ident = $file:literal: $name:literal;)+) => {
        $(pub(super) const $constant: Query = Query {
            name: $name,
            sql: after_comment(include_str!(concat!("queries/", $file, ".sql"))),
        };)+

        #[cfg(test)]
        const ALL: &[(&str, &str, Query)] =
            &[$(($file, include_str!(concat!("queries/", $file, ".sql")), $constant)),+];
    };
}

queries! {
    ACTIVITY = "activity": "scan and write counters";
    CASTS = "casts": "casts";
    CHECK_EXPRESSIONS = "check_expressions": "check constraints";
    COLLATIONS = "collations": "collations";
    COLUMN_STATISTICS = "column_statistics": "column statistics";
    COLUMNS = "columns": "columns";
    CONSTRAINTS = "constraints": "constraints";
    DATA_TYPES = "data_types": "types";
    ENUM_LABELS = "enum_labels": "enum labels";
    EXTENDED_DATA = "extended_data": "extended statistics";
    EXTENDED_DATA_OWNED = "extended_data_owned": "extended statistics";
    EXTENDED_EXPRESSIONS = "extended_expressions": "statistics of expressions";
    EXTENDED_STATISTICS = "extended_statistics": "extended statistics";
    EXTENSIONS = "extensions": "extensions";
    FUNCTION_BODIES = "function_bodies": "functions";
    FUNCTIONS = "functions": "functions";
    GENERATION_EXPRESSIONS = "generation_expressions": "generated columns";
    HIDDEN_STATISTICS = "hidden_statistics": "statistics behind row level security";
    INDEX_BUILDS = "index_builds": "running index builds";
    INDEX_COLUMNS = "index_columns": "index columns";
    INDEX_EXPRESSIONS = "index_expressions": "index expressions";
    INDEX_USAGE = "index_usage": "index usage";
    INDEXES = "indexes": "indexes";
    LOCKED_RELATIONS = "locked_relations": "locks";
    NODE = "node": "replication";
    OPERATORS = "operators": "operators";
    OTHER_NAMES = "other_names": "names in use";
    PARTITION_KEYS = "partition_keys": "partition keys";
    POLICIES = "policies": "policies";
    PRIVILEGES = "privileges": "privileges";
    RANGE_STATISTICS = "range_statistics": "statistics of ranges";
    RELATIONS = "relations": "relations";
    ROLES = "roles": "roles";
    RULES = "rules": "rules";
    SCHEMAS = "schemas": "schemas";
    SERVER = "server": "the server";
    SETTING_OVERRIDES = "setting_overrides": "settings of roles and databases";
    SETTINGS = "settings": "settings";
    SIZES = "sizes": "relation sizes";
    STATEMENT_COUNTERS = "statement_counters": "pg_stat_statements";
    STATEMENT_TEXTS = "statement_texts": "texts of pg_stat_statements";
    STATEMENTS_RESET = "statements_reset": "pg_stat_statements_info";
    STATEMENTS_SOURCE = "statements_source": "the state of pg_stat_statements";
    STATISTICS_EXPRESSIONS = "statistics_expressions": "expressions of extended statistics";
    TABLESPACES = "tablespaces": "tablespaces";
    TYPES = "types": "types";
    UNREAD_OBJECTS = "unread_objects": "other objects";
    VIEW_DEFINITIONS = "view_definitions": "view definitions";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_says_what_it_reads_and_is_marked_as_ours() {
        for (file, text, query) in ALL {
            for word in ["-- ", "Rights: ", "Locks: ", "Versions: "] {
                assert!(text.contains(word), "{file}.sql does not say {word}");
            }
            assert!(query.sql.contains(&format!("{MARK}{file} */")), "{file}.sql does not carry its mark");
            assert!(
                query.sql.starts_with("SELECT ") || query.sql.starts_with("WITH "),
                "{file}.sql opens with a comment"
            );
            assert!(!query.sql.contains(';') && !query.sql.contains("--"), "{file}.sql is one statement");
        }
    }

    #[test]
    fn every_file_of_the_folder_is_on_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/collect/queries");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of queries")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        let mut listed: Vec<String> = ALL.iter().map(|(file, _, _)| format!("{file}.sql")).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
