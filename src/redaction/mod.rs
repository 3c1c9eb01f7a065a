//! A snapshot without the user's data, to be given away: values go, and so do literals and comments of statements. What
//! the schema says stays, as `pg_dump --schema-only` shows it, but for defaults and for code that planning cannot see
//! into. docs/snapshot.md says what that leaves.
//!
//! Every struct is taken apart by all of its fields, none left out: a field that is added to a snapshot does not compile
//! here until somebody has decided whether it stays.

mod relation;
mod schema;
mod statistics;

use crate::snapshot::{Gap, Server, Setting, SettingOverride, Snapshot, StatementEntry, Statements, Tablespace};
use crate::sql;

/// Removes from `snapshot` what is the user's data, and notes in its gaps that this was done.
pub fn redact(snapshot: &mut Snapshot) {
    let Snapshot {
        format_version: _,
        taken_at: _,
        server,
        settings,
        setting_overrides,
        tablespaces,
        relations,
        other_names: _,
        schema,
        statements,
        plans,
        replicas: _,
        gaps,
    } = snapshot;
    keep_server(server);
    settings.iter().for_each(keep_setting);
    setting_overrides.iter().for_each(keep_override);
    tablespaces.iter().for_each(keep_tablespace);
    relations.iter_mut().for_each(relation::redact);
    schema::redact(schema);
    statements.iter_mut().for_each(redact_statements);
    // A plan quotes the values that it was made with, and its text holds them.
    plans.clear();
    gaps.retain(|gap| *gap != redacted());
    gaps.push(redacted());
    gaps.sort();
}

fn redacted() -> Gap {
    let reason = "it was taken with --redact: the planner knows neither most common values nor histograms, so that costs \
                  are those of an even distribution of values";
    Gap::new("snapshot", "values", reason)
}

fn keep_server(server: &Server) {
    let Server {
        version: _,
        version_text: _,
        database: _,
        role: _,
        application_role: _,
        role_is_superuser: _,
        is_in_recovery: _,
        started_at: _,
        stats_reset: _,
        node: _,
        encoding: _,
        collate: _,
        ctype: _,
        locale_provider: _,
        icu_locale: _,
        block_bytes: _,
        search_path: _,
        extensions: _,
        available_extensions: _,
    } = server;
}

/// Settings are read by name from a list of the planner's: none of them holds a secret.
fn keep_setting(setting: &Setting) {
    let Setting { name: _, value: _, unit: _, source: _ } = setting;
}

fn keep_override(setting: &SettingOverride) {
    let SettingOverride { role: _, is_for_database: _, name: _, value: _ } = setting;
}

fn keep_tablespace(tablespace: &Tablespace) {
    let Tablespace { name: _, is_default: _, options: _ } = tablespace;
}

fn redact_statements(statements: &mut Statements) {
    let Statements { source: _, entries, n_utility_rows: _, n_hidden_rows: _, hidden_exec_ms: _ } = statements;
    for entry in entries {
        let StatementEntry {
            queryid: _,
            text,
            is_top_level: _,
            roles: _,
            n_calls: _,
            n_rows: _,
            exec_ms_total: _,
            exec_ms_mean: _,
            exec_ms_stddev: _,
            exec_ms_max: _,
            n_shared_blocks_hit: _,
            n_shared_blocks_read: _,
            n_temp_blocks_written: _,
            wal_bytes: _,
            stats_since: _,
        } = entry;
        *text = text.as_deref().map(sql::without_literals);
    }
}
