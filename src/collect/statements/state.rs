//! In which state pg_stat_statements is, and what to do about each. Reads the state, not the statements.

use jiff::{SignedDuration, Timestamp};

use crate::collect::privileges::Privileges;
use crate::collect::query::{STATEMENTS_RESET, STATEMENTS_SOURCE};
use crate::collect::time;
use crate::db::{Failure, ServerError, Transaction};
use crate::error::Error;
use crate::pg::quote_identifier;
use crate::snapshot::{Gap, Statements, StatementsSource};

/// Counters younger than this say little: most workloads have a daily rhythm.
const YOUNG: SignedDuration = SignedDuration::from_hours(24);
/// Each eviction frees this share of the entries, and at least [`EVICTED_MIN`] (`USAGE_DEALLOC_PERCENT` and
/// `entry_dealloc` in pg_stat_statements.c).
const EVICTED_SHARE: f64 = 0.05;
/// The fewest entries that an eviction frees.
const EVICTED_MIN: f64 = 10.0;

/// What the catalog and the settings say about the extension.
pub(super) struct State {
    /// Its version and schema, when it is created in the database.
    pub created: Option<Created>,
    is_available: bool,
    /// The setting shared_preload_libraries; `None` when the role may not see it.
    preload_libraries: Option<String>,
    track: Option<String>,
    n_entries_max: Option<i64>,
    compute_query_id: Option<String>,
}

/// The extension as created in the database.
pub(super) struct Created {
    pub version: String,
    pub schema: String,
    can_use_schema: bool,
    has_resets: bool,
}

impl State {
    pub fn read(transaction: &mut Transaction<'_>) -> Result<Self, Failure> {
        let rows = transaction.query(&STATEMENTS_SOURCE, &[])?;
        let Some(row) = rows.first() else {
            return Err(Error::internal("the state of pg_stat_statements is one row").into());
        };
        let created = match (row.optional_text("version")?, row.optional_text("schema")?) {
            (Some(version), Some(schema)) => Some(Created {
                version,
                schema,
                can_use_schema: row.optional("can_use_schema")?.unwrap_or(false),
                has_resets: row.get("has_resets")?,
            }),
            _ => None,
        };
        Ok(Self {
            created,
            is_available: row.get("is_available")?,
            preload_libraries: row.optional_text("preload_libraries")?,
            track: row.optional_text("track")?,
            n_entries_max: row.optional("n_entries_max")?,
            compute_query_id: row.optional_text("compute_query_id")?,
        })
    }

    /// Why there is nothing to read, if the catalog says so already.
    pub fn obstacle(&self, privileges: &Privileges) -> Option<Gap> {
        match &self.created {
            Some(created) if !created.can_use_schema => Some(gap(format!(
                "role {} may not use schema {}, which holds pg_stat_statements; {}",
                privileges.role(),
                quote_identifier(&created.schema),
                privileges.to_use_schema(&created.schema)
            ))),
            Some(_) => None,
            None if self.is_available => Some(gap(format!(
                "pg_stat_statements is available but not created in this database; {}run CREATE EXTENSION pg_stat_statements;",
                if self.is_loaded() { String::new() } else { format!("{}, then ", self.to_preload()) }
            ))),
            None => Some(gap(
                "pg_stat_statements is not available on this server; install the package with PostgreSQL's contrib modules \
                 (postgresql-contrib), or allow the extension in the provider's console"
                    .to_owned(),
            )),
        }
    }

    /// Its settings exist only where the library is loaded.
    fn is_loaded(&self) -> bool {
        self.track.is_some()
    }

    fn to_preload(&self) -> String {
        let others = self.preload_libraries.as_deref().map(str::trim).filter(|list| !list.is_empty());
        match others {
            Some(list) if list.contains("pg_stat_statements") => {
                "restart the server, which has pg_stat_statements in shared_preload_libraries".to_owned()
            }
            Some(list) => {
                format!(
                    "set shared_preload_libraries = '{list}, pg_stat_statements' in postgresql.conf and restart the server"
                )
            }
            None => {
                "run ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; (behind what it names already) and \
                     restart the server"
                    .to_owned()
            }
        }
    }

    /// What a refusal of the server means.
    pub fn refusal(&self, refused: &ServerError, privileges: &Privileges) -> Gap {
        gap(match refused.code.as_str() {
            // object_not_in_prerequisite_state
            "55000" => format!("pg_stat_statements is created but its library is not loaded; {}", self.to_preload()),
            "42501" => format!(
                "role {} may not read pg_stat_statements; run GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {};",
                privileges.role(),
                quote_identifier(self.created.as_ref().map_or("public", |created| &created.schema)),
                privileges.role()
            ),
            // undefined_function, undefined_column: the extension is older than 1.2
            "42883" | "42703" => {
                "pg_stat_statements is of a version too old to be read; run ALTER EXTENSION pg_stat_statements UPDATE;"
                    .to_owned()
            }
            "57014" => "pg_stat_statements did not answer in time; run the command again when the server is less busy"
                .to_owned(),
            code => {
                format!("pg_stat_statements could not be read: {} (SQLSTATE {code})", refused.message_without_values())
            }
        })
    }

    /// The version, and what is known of resets and evictions.
    pub fn source(&self, transaction: &mut Transaction<'_>) -> Result<StatementsSource, Failure> {
        let mut source = StatementsSource {
            extension_version: self.created.as_ref().map(|created| created.version.clone()).unwrap_or_default(),
            stats_reset: None,
            n_evictions: None,
            n_entries_max: self.n_entries_max,
            track: self.track.clone(),
        };
        if let Some(created) = self.created.as_ref().filter(|created| created.has_resets) {
            transaction.query_each_in_schema(&STATEMENTS_RESET, &created.schema, &[], |row| {
                source.n_evictions = row.optional("n_evictions")?;
                source.stats_reset = time::of_row(&row, "stats_reset")?;
                Ok(())
            })?;
        }
        Ok(source)
    }

    /// What makes the counters less than the truth. `n_entries` counts those of the whole cluster.
    pub fn reservations(&self, statements: &Statements, n_entries: i64, now: Timestamp) -> Vec<Gap> {
        let source = &statements.source;
        let is_empty = statements.entries.is_empty() && statements.n_hidden_rows == 0;
        let mut reasons = Vec::new();
        if self.track.as_deref() == Some("none") {
            reasons.push("nothing is counted: pg_stat_statements.track is none; run ALTER SYSTEM SET pg_stat_statements.track = 'top'; SELECT pg_reload_conf();".to_owned());
        } else if self.compute_query_id.as_deref() == Some("off") {
            reasons.push("nothing is counted: compute_query_id is off; run ALTER SYSTEM SET compute_query_id = 'auto'; SELECT pg_reload_conf();".to_owned());
        } else if is_empty {
            reasons.push("no statement of this database has been counted yet; let the application run, then run the command again".to_owned());
        }
        if let Some(reset) = source.stats_reset.filter(|reset| now.duration_since(*reset) < YOUNG) {
            let hours = now.duration_since(reset).as_hours();
            reasons.push(format!(
                "the counters were reset {hours} hours ago: what runs less often than that is not in them"
            ));
        }
        match source.n_evictions {
            Some(evictions) if evictions > 0 => reasons.push(format!(
                "statements were evicted {evictions} times for lack of room, so that what is seen is not all; {}",
                self.to_enlarge()
            )),
            None if self.n_entries_max.is_some_and(|most| is_as_full_as_after_eviction(n_entries, most)) => reasons
                .push(format!(
                    "all room for statements is taken, so that some have most likely been evicted; {}",
                    self.to_enlarge()
                )),
            _ => {}
        }
        reasons.into_iter().map(gap).collect()
    }

    fn to_enlarge(&self) -> String {
        let more = self.n_entries_max.unwrap_or(5_000).saturating_mul(4);
        format!("run ALTER SYSTEM SET pg_stat_statements.max = {more}; and restart the server")
    }
}

/// Without a count of evictions (before 14), having no more room than one leaves is a sign of them.
fn is_as_full_as_after_eviction(n_entries: i64, n_entries_max: i64) -> bool {
    let most = n_entries_max as f64;
    n_entries as f64 >= most - (EVICTED_SHARE * most).max(EVICTED_MIN)
}

/// A gap about the extension as a whole.
pub(super) fn gap(reason: String) -> Gap {
    Gap::new("workload", "pg_stat_statements", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eviction_is_inferred_from_how_full_it_leaves_the_entries() {
        assert!(is_as_full_as_after_eviction(4_750, 5_000) && !is_as_full_as_after_eviction(4_749, 5_000));
        assert!(is_as_full_as_after_eviction(90, 100) && !is_as_full_as_after_eviction(89, 100));
    }

    #[test]
    fn a_server_without_the_package_is_told_so() {
        let state = State {
            created: None,
            is_available: false,
            preload_libraries: None,
            track: None,
            n_entries_max: None,
            compute_query_id: None,
        };
        let obstacle = state.obstacle(&Privileges::of("reader", 15)).expect("an obstacle");
        assert!(obstacle.reason.contains("is not available on this server; install the package"));
    }

    #[test]
    fn what_is_preloaded_already_is_kept() {
        let state = |libraries: &str| State {
            created: None,
            is_available: true,
            preload_libraries: Some(libraries.to_owned()),
            track: None,
            n_entries_max: None,
            compute_query_id: None,
        };
        assert!(state("auto_explain").to_preload().contains("'auto_explain, pg_stat_statements'"));
        assert!(state("auto_explain,pg_stat_statements").to_preload().starts_with("restart the server"));
    }
}
