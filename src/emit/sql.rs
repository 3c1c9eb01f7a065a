//! Framework `sql`: files for psql, each of which can be run again after a failure. Spells no index statement itself.

use super::comment::line;
use super::ddl::{Statement, drop_index};
use super::framework::{EmittedFile, Framework, Migration, MigrationFiles, StatisticsMigration};
use super::header;
use super::manifest::search_path_sql;
use crate::advice::{Action, Step};
use crate::pg::identifier::{dollar_quote, quote_literal};
use crate::pg::quote_identifier;

/// Plain SQL files for psql.
#[derive(Debug, Clone, Copy)]
pub struct Sql;

/// The first line that psql acts on.
const STOP: &str = "\\set ON_ERROR_STOP on\n";

/// No timeouts: one that strikes a concurrent build or drop is what leaves an invalid index behind, and while either
/// waits it blocks neither reads nor writes.
const SETTINGS: &str = "SET statement_timeout = 0;\nSET lock_timeout = 0;\n";

impl Framework for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn files(&self, migration: &Migration<'_>) -> MigrationFiles {
        let path = format!("{}.sql", migration.file_stem());
        let (does, undoes) = (&migration.statements.ddl, &migration.statements.rollback);
        let undo = match migration.step.action {
            Action::CreateIndex => Action::DropIndex,
            Action::DropIndex => Action::CreateIndex,
        };
        let about = header::migration(migration.step, migration.provenance);
        let rollback_about = header::rollback(migration.step);
        let rollback_path = format!("rollback/{path}");
        MigrationFiles {
            migration: EmittedFile {
                content: script(migration, &about, &path, migration.step.action, does),
                path: path.clone(),
            },
            rollback: EmittedFile {
                content: script(migration, &rollback_about, &rollback_path, undo, undoes),
                path: rollback_path,
            },
        }
    }

    fn statistics_files(&self, migration: &StatisticsMigration<'_>) -> MigrationFiles {
        let path = format!("{}.sql", migration.file_stem());
        let rollback_path = format!("rollback/{path}");
        let about = header::statistics(migration.step, migration.provenance);
        let rollback_about = header::statistics_rollback(migration.step);
        MigrationFiles {
            migration: EmittedFile {
                content: statistics_script(&about, &path, &migration.statements.ddl),
                path: path.clone(),
            },
            rollback: EmittedFile {
                content: statistics_script(&rollback_about, &rollback_path, &migration.statements.rollback),
                path: rollback_path,
            },
        }
    }
}

/// One file about a statistics object: all or nothing, so that it can be run again.
fn statistics_script(about: &str, path: &str, statements: &[Statement]) -> String {
    let mut script = about.to_owned();
    script += &line("run", &format!("psql -X -f {path}   (as the owner of the relation)"));
    script += &line("on error", "nothing is done, run it again");
    let mut body = format!("{STOP}{SETTINGS}BEGIN;\n");
    for statement in statements {
        body += &statement.lines();
        body += ";\n";
    }
    body += "COMMIT;\n";
    in_utf8(script, &body)
}

/// One file: header, how to run it, settings, statements.
fn script(migration: &Migration<'_>, about: &str, path: &str, action: Action, statements: &[Statement]) -> String {
    let mut script = about.to_owned();
    script += &line("run", &format!("psql -X -f {path}   (as the owner of the relation, not with -1)"));
    script += &line("on error", &on_error(action));
    let mut body = format!("{STOP}{SETTINGS}");
    match action {
        Action::CreateIndex => {
            body += &set_search_path(migration);
            body += &drop_invalid_leftover(migration);
        }
        Action::DropIndex if migration.step.action == Action::DropIndex => body += &check_successor(migration.step),
        Action::DropIndex => {}
    }
    for statement in statements {
        body += &statement.lines();
        body += ";\n";
    }
    in_utf8(script, &body)
}

/// psql reads the file in the client's encoding, where the bytes of a name could pass for a quote.
fn in_utf8(header: String, body: &str) -> String {
    let encoding = if header.is_ascii() && body.is_ascii() { "" } else { "\\encoding UTF8\n" };
    format!("{encoding}{header}{body}")
}

fn on_error(action: Action) -> String {
    match action {
        Action::CreateIndex => "run it again, it drops the invalid leftover of a failed build first".to_owned(),
        Action::DropIndex => "run it again at once, an interrupted drop leaves the index invalid".to_owned(),
    }
}

/// The names in an expression mean what they mean to the application, whoever runs the file. With the path that
/// everybody has there is nothing to say.
fn set_search_path(migration: &Migration<'_>) -> String {
    if !migration.has_expressions() || migration.search_path == ["public"] {
        return String::new();
    }
    format!("SET search_path = {};\n", search_path_sql(migration.search_path))
}

/// Drops the index of this name if it is the invalid leftover of a build that failed on this relation, and nobody is
/// building it now. Anything else of that name makes CREATE INDEX fail, as it should.
fn drop_invalid_leftover(migration: &Migration<'_>) -> String {
    let step = migration.step;
    let index = format!("{}.{}", quote_identifier(&step.relation.schema), quote_identifier(&step.id));
    format!(
        "SELECT {drop}\n  FROM pg_catalog.pg_index AS i\n WHERE i.indexrelid = pg_catalog.to_regclass({index})\n   \
         AND i.indrelid = pg_catalog.to_regclass({relation})\n   AND NOT i.indisvalid\n   \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p\n                     \
         JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid\n                    \
         WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid\n                      \
         AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \\gexec\n",
        drop = literal(&drop_index(&step.relation.schema, &step.id).text()),
        index = literal(&index),
        relation = literal(&step.relation.to_string()),
    )
}

/// Stops the file unless the index that takes over is there and valid: whoever drops first, or drops though the build
/// failed, would leave statements without any.
fn check_successor(step: &Step) -> String {
    let Some(successor) = &step.taken_over_by else { return String::new() };
    let index = format!("{}.{}", quote_identifier(&step.relation.schema), quote_identifier(successor));
    let message =
        format!("index {index} is missing or not valid, which does what {} does now", quote_identifier(&step.id));
    let check = format!(
        "BEGIN\n    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i\n                    \
         WHERE i.indexrelid = pg_catalog.to_regclass({index})\n                      \
         AND i.indrelid = pg_catalog.to_regclass({relation})\n                      AND i.indisvalid) THEN\n        \
         RAISE EXCEPTION USING MESSAGE = {message}, HINT = 'Create it first, then run this file again.';\n    \
         END IF;\nEND",
        index = literal(&index),
        relation = literal(&step.relation.to_string()),
        message = literal(&message),
    );
    let quote = dollar_quote(&check);
    format!("DO {quote}\n{check}\n{quote};\n")
}

fn literal(text: &str) -> String {
    quote_literal(text).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::comment::comment_text;
    use super::*;

    #[test]
    fn comments_never_hold_what_readers_misread() {
        for action in [Action::CreateIndex, Action::DropIndex] {
            assert_eq!(comment_text(&on_error(action)), on_error(action));
        }
    }
}
