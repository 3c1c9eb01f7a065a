//! Framework `sql`: files for psql, each of which can be run again after a failure. Spells no index statement itself.

use super::comment::line;
use super::ddl::Statement;
use super::framework::{EmittedFile, Framework, Migration, MigrationFiles, StatisticsMigration};
use super::guards::{check_successor, check_whole, drop_invalid_leftovers};
use super::header;
use super::manifest::search_path_sql;
use crate::advice::Action;

/// Plain SQL files for psql.
#[derive(Debug, Clone, Copy)]
pub struct Sql;

/// The first line that psql acts on.
const STOP: &str = "\\set ON_ERROR_STOP on\n";

/// How long a statement may wait for its locks that others wait behind.
const LOCK_TIMEOUT: &str = "'2s'";

/// No timeouts: one that strikes a concurrent build or drop is what leaves an invalid index behind, and while either
/// waits it blocks neither reads nor writes.
const SETTINGS: &str = "SET statement_timeout = 0;\nSET lock_timeout = 0;\n";

/// What to do when a file stopped half-way.
const CREATE_AGAIN: &str = "run it again, it drops the invalid leftover of a failed build first";
const DROP_AGAIN: &str = "run it again at once, an interrupted drop leaves the index invalid";
const GO_ON: &str = "run it again, it goes on where it stopped";

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
    script += &line("on error", on_error(migration, action));
    let mut body = format!("{STOP}{SETTINGS}");
    match action {
        Action::CreateIndex => {
            body += &set_search_path(migration);
            body += &drop_invalid_leftovers(migration.step);
        }
        Action::DropIndex if migration.step.action == Action::DropIndex => body += &check_successor(migration.step),
        Action::DropIndex if migration.step.partitions.is_empty() => {}
        // Parts that were there are created again, and most of those to be dropped have gone with the whole.
        Action::DropIndex => body += &(set_search_path(migration) + "SET client_min_messages = warning;\n"),
    }
    let mut is_short = false;
    for statement in statements {
        if statement.is_blocking() != is_short {
            is_short = statement.is_blocking();
            body += &format!("SET lock_timeout = {};\n", if is_short { LOCK_TIMEOUT } else { "0" });
        }
        body += &statement.lines();
        body += ";\n";
    }
    if action == Action::CreateIndex && !migration.step.partitions.is_empty() {
        body += &check_whole(migration.step);
    }
    in_utf8(script, &body)
}

/// psql reads the file in the client's encoding, where the bytes of a name could pass for a quote.
fn in_utf8(header: String, body: &str) -> String {
    let encoding = if header.is_ascii() && body.is_ascii() { "" } else { "\\encoding UTF8\n" };
    format!("{encoding}{header}{body}")
}

fn on_error(migration: &Migration<'_>, action: Action) -> &'static str {
    match (action, migration.step.partitions.is_empty()) {
        (Action::CreateIndex, true) => CREATE_AGAIN,
        (Action::DropIndex, true) => DROP_AGAIN,
        (_, false) => GO_ON,
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

#[cfg(test)]
mod tests {
    use super::super::comment::comment_text;
    use super::*;

    #[test]
    fn comments_never_hold_what_readers_misread() {
        for text in [CREATE_AGAIN, DROP_AGAIN, GO_ON] {
            assert_eq!(comment_text(text), text);
        }
    }
}
