//! How collecting talks to the server: one short transaction for each piece, and a piece that meets a lock or its time
//! limit is halved until what is in the way is alone. Knows none of the things that are read.

use std::collections::BTreeSet;

use super::query::LOCKED_RELATIONS;
use crate::db::{Failure, ReadOptions, ServerError, Session, Transaction};
use crate::error::Result;
use crate::pg::Oid;
use crate::snapshot::Gap;

/// `statement_timeout` of what collecting sends, in ms. The longest piece, the texts of 10,000 statements, took 0.15 s on
/// an idle server and 2.4 s on one with ten times more work than processors: this leaves room for a busier one.
const STATEMENT_TIMEOUT_MS: u32 = 20_000;
/// How many pieces may be refused one by one before the rest is given up: each costs `lock_timeout` on the way.
const REFUSALS_MAX: usize = 50;

/// A session that collects, and what it could not read.
pub(super) struct Reader<'s> {
    session: &'s mut Session,
    options: ReadOptions,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    n_refusals: usize,
}

/// What a guarded read brought, and the relations that it had to leave out.
pub(super) struct Guarded<T> {
    /// The results of the pieces.
    pub values: Vec<T>,
    /// Relations that are locked, or too slow to read.
    pub refused: BTreeSet<Oid>,
}

impl<'s> Reader<'s> {
    pub fn new(session: &'s mut Session) -> Self {
        let options = ReadOptions { statement_timeout_ms: STATEMENT_TIMEOUT_MS, ..ReadOptions::default() };
        Self { session, options, gaps: Vec::new(), n_refusals: 0 }
    }

    /// From now on takes one processor of the server at most, and none of its time to compile a query that runs once.
    pub fn spare_the_server(&mut self) {
        self.options.settings.push(("jit", "off".to_owned()));
        self.options.settings.push(("max_parallel_workers_per_gather", "0".to_owned()));
    }

    /// From now on asks for texts as the bytes that they are: a database of encoding SQL_ASCII converts nothing, and
    /// would refuse to send what is not valid UTF-8.
    pub fn ask_for_raw_texts(&mut self) {
        self.options.settings.push(("client_encoding", "SQL_ASCII".to_owned()));
    }

    /// Runs `work` in a transaction of its own; what the server refuses is left to the caller to understand.
    pub fn try_read<T>(
        &mut self,
        work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        self.session.read(&self.options, work)
    }

    /// Runs `work` in a transaction of its own. Without what it reads there is no snapshot.
    pub fn read<T>(&mut self, work: impl FnOnce(&mut Transaction<'_>) -> std::result::Result<T, Failure>) -> Result<T> {
        self.try_read(work).map_err(|failure| failure.while_doing("could not read the catalog"))
    }

    /// Runs `work` about `relations` in pieces of `n_relations`, each in a transaction of its own, where `work` opens
    /// the relations and so could wait for a lock. Those that are locked are left out beforehand; when `work` is
    /// refused all the same (a lock taken since, a view over a locked table, no time), it is tried on either half.
    pub fn read_guarded<T>(
        &mut self,
        relations: &[Oid],
        n_relations: usize,
        work: &impl Fn(&mut Transaction<'_>, &[Oid]) -> std::result::Result<T, Failure>,
    ) -> Result<Guarded<T>> {
        let mut guarded = Guarded { values: Vec::new(), refused: BTreeSet::new() };
        // The last piece is the next to be read: the order of the values does not matter to any caller.
        let mut pieces: Vec<&[Oid]> = relations.chunks(n_relations.max(1)).collect();
        while let Some(piece) = pieces.pop() {
            if self.n_refusals >= REFUSALS_MAX {
                guarded.refused.extend(piece);
                continue;
            }
            match self.try_read(|transaction| read_unlocked(transaction, piece, work)) {
                Ok((value, locked)) => {
                    guarded.values.push(value);
                    guarded.refused.extend(locked);
                }
                Err(Failure::Statement(refused)) if is_about_one_relation(&refused) => {
                    if let [relation] = piece {
                        self.n_refusals += 1;
                        guarded.refused.insert(*relation);
                    } else {
                        let (first, second) = piece.split_at(piece.len() / 2);
                        pieces.extend([second, first]);
                    }
                }
                Err(failure) => return Err(failure.while_doing("could not read the catalog")),
            }
        }
        Ok(guarded)
    }
}

/// Whether a smaller piece may fare better: a lock or the time limit was met, or a relation was dropped while its parts
/// were turned into SQL, which the server tells as an internal error or as something undefined.
fn is_about_one_relation(refused: &ServerError) -> bool {
    refused.is_locked_out() || refused.is_cancelled() || matches!(refused.code.as_str(), "XX000" | "42P01" | "42704")
}

/// Runs `work` about those of `relations` that nobody holds or awaits in ACCESS EXCLUSIVE mode; the others are returned.
fn read_unlocked<T>(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    work: &impl Fn(&mut Transaction<'_>, &[Oid]) -> std::result::Result<T, Failure>,
) -> std::result::Result<(T, BTreeSet<Oid>), Failure> {
    let mut locked = BTreeSet::new();
    for row in transaction.query(&LOCKED_RELATIONS, &[])? {
        locked.insert(row.get::<Oid>("oid")?);
    }
    let (locked, free): (Vec<Oid>, Vec<Oid>) = relations.iter().partition(|relation| locked.contains(relation));
    Ok((work(transaction, &free)?, locked.into_iter().collect()))
}
