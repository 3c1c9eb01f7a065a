//! Reads pg_stat_statements: its state first, then numbers, then the texts of the heaviest statements. What is missing
//! is said, and never ends the run.

mod counters;
mod state;
mod texts;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::counters::{Counters, Key};
use self::state::{State, gap};
use self::texts::Text;
use super::CollectOptions;
use super::privileges::Privileges;
use super::reader::Reader;
use crate::db::{Failure, ServerError};
use crate::error::Result;
use crate::pg::QueryId;
use crate::snapshot::{Gap, StatementEntry, Statements, StatementsSource};

/// The SQLSTATE of a text that is not valid in the database's encoding.
const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";
/// The SQLSTATE of a text that cannot be converted to the database's encoding.
const UNTRANSLATABLE_CHARACTER: &str = "22P05";

/// The statements, and the role that most of their time was spent for.
pub(super) struct Read {
    pub statements: Statements,
    pub main_role: Option<String>,
}

/// Reads what there is; `None` with a gap where there is nothing.
pub(super) fn read(
    reader: &mut Reader<'_>,
    privileges: &Privileges,
    options: &CollectOptions,
    now: Timestamp,
) -> Result<Option<Read>> {
    let state = reader.read(State::read)?;
    if let Some(obstacle) = state.obstacle(privileges) {
        reader.gaps.push(obstacle);
        return Ok(None);
    }
    let Some(created) = &state.created else { return Ok(None) };
    let counted =
        reader.try_read(|transaction| Ok((counters::read(transaction, &created.schema)?, state.source(transaction)?)));
    let (counters, source) = match counted {
        Ok(counted) => counted,
        Err(Failure::Statement(refused)) => {
            reader.gaps.push(state.refusal(&refused, privileges));
            return Ok(None);
        }
        Err(Failure::Session(error)) => return Err(error),
    };
    reader.gaps.extend(hidden(&counters, privileges));
    let n_entries = counters.n_entries_of_cluster;
    let texts = read_texts(reader, &created.schema, &counters, options)?;
    let read = assemble(counters, &texts, source);
    reader.gaps.extend(state.reservations(&read.statements, n_entries, now));
    reader.gaps.extend(without_text(&read.statements.entries, &texts));
    Ok(Some(read))
}

/// The texts that can be had.
struct Texts {
    by_row: BTreeMap<Key, Text>,
    /// Whether they were read; if not, a gap has said why.
    were_read: bool,
}

fn read_texts(reader: &mut Reader<'_>, schema: &str, counters: &Counters, options: &CollectOptions) -> Result<Texts> {
    let queryids: Vec<QueryId> = counters::heaviest(&counters.rows, options.n_texts_max);
    let read = reader.try_read(|transaction| texts::read(transaction, schema, &queryids, options.text_bytes_max));
    match read {
        Ok(by_row) => Ok(Texts { by_row, were_read: true }),
        Err(Failure::Statement(refused)) => {
            reader.gaps.push(gap(why_no_texts(&refused)));
            Ok(Texts { by_row: BTreeMap::new(), were_read: false })
        }
        Err(Failure::Session(error)) => Err(error),
    }
}

fn why_no_texts(refused: &ServerError) -> String {
    let cause = match refused.code.as_str() {
        CHARACTER_NOT_IN_REPERTOIRE | UNTRANSLATABLE_CHARACTER => {
            "a statement of another database of this server is not valid in this database's encoding, and \
             pg_stat_statements refuses to show any text then; find it from that database (usually one of encoding \
             SQL_ASCII) and remove it there with SELECT pg_stat_statements_reset(userid, dbid, queryid), or analyse a \
             workload file: pgadvise analyze --workload FILE"
                .to_owned()
        }
        "57014" => "the server did not send the texts in time; run the command again when it is less busy".to_owned(),
        code => format!("the server refused the texts: {} (SQLSTATE {code})", refused.message_without_values()),
    };
    format!("statements are known by their numbers only: {cause}")
}

/// The entries of application queries, with their texts.
fn assemble(mut counters: Counters, texts: &Texts, source: StatementsSource) -> Read {
    let mut n_utility_rows = 0;
    counters.rows.retain(|row| match texts.by_row.get(&row.key) {
        Some(Text::Utility) => {
            n_utility_rows += 1;
            false
        }
        Some(Text::Own) => false,
        _ => true,
    });
    let mut by_queryid: BTreeMap<QueryId, &str> = BTreeMap::new();
    for (key, text) in &texts.by_row {
        if let Text::Query(text) = text {
            by_queryid.entry(key.0).or_insert(text);
        }
    }
    let mut entries = counters::merge(&counters.rows);
    for entry in &mut entries {
        entry.text = by_queryid.get(&entry.queryid).map(|text| (*text).to_owned());
    }
    Read {
        main_role: counters::main_role(&counters.rows),
        statements: Statements {
            source,
            entries,
            n_utility_rows,
            n_hidden_rows: counters.n_hidden_rows,
            hidden_exec_ms: counters.hidden_exec_ms,
        },
    }
}

fn hidden(counters: &Counters, privileges: &Privileges) -> Option<Gap> {
    (counters.n_hidden_rows > 0).then(|| {
        let seen: f64 = counters.rows.iter().map(|row| row.exec_ms_total).sum();
        gap(format!(
            "{} statements of other roles, {} of the total execution time, are hidden from role {}; {}",
            counters.n_hidden_rows,
            share(counters.hidden_exec_ms, seen + counters.hidden_exec_ms),
            privileges.role(),
            privileges.to_see_statements()
        ))
    })
}

/// Why statements are left without a text, one gap for each reason.
fn without_text(entries: &[StatementEntry], texts: &Texts) -> Vec<Gap> {
    if !texts.were_read {
        return Vec::new();
    }
    let total: f64 = entries.iter().map(|entry| entry.exec_ms_total).sum();
    let mut reasons: BTreeMap<&'static str, (u64, f64)> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.text.is_none()) {
        let rows = texts.by_row.range((entry.queryid, 0, false)..=(entry.queryid, u32::MAX, true));
        let reason = match rows.map(|(_, text)| text).next() {
            None => "take less time than those whose texts were read",
            Some(Text::TooLong) => "have a text that is too long to be read",
            Some(_) => {
                "have lost their text on the server, which drops texts that need too much room or belong to statements just evicted"
            }
        };
        let sum = reasons.entry(reason).or_default();
        *sum = (sum.0 + 1, sum.1 + entry.exec_ms_total);
    }
    let gap = |(reason, (count, time))| {
        gap(format!("{count} statements, {} of the total execution time, {reason}", share(time, total)))
    };
    reasons.into_iter().map(gap).collect()
}

/// A share in percent, with one decimal where it is small.
fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    if percent > 0.0 && percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}
