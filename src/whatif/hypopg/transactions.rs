//! What HypoPG is told, and the short read-only transactions in which it happens. Understands no plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::stand_in;
use crate::db::{Failure, Query, ReadOptions, Session, Transaction};
use crate::error::{Error, Result};
use crate::pg::{Bytes, IndexDefinition, Oid, quote_identifier};
use crate::plan::Plan;
use crate::snapshot::{Catalog, Relation, Snapshot};
use crate::whatif::declared::{Declared, create_sql};
use crate::whatif::{CandidateId, explain};
use crate::workload::Planned;

/// How long a transaction goes on asking before the next one takes over: it holds ACCESS SHARE locks on the relations
/// that its statements name, and a snapshot.
const TRANSACTION_TIME: Duration = Duration::from_millis(250);
/// Indexes that are declared in one call.
const DECLARED_AT_ONCE: usize = 250;
/// HypoPG hides existing indexes from this version on.
const HIDES_SINCE: (u32, u32) = (1, 4);

const EXTENSION: Query = Query { name: "HypoPG", sql: include_str!("../queries/hypopg_extension.sql") };
const CREATE: Query = Query { name: "hypothetical indexes", sql: include_str!("../queries/hypopg_create.sql") };
const DROP: Query = Query { name: "hypothetical indexes", sql: include_str!("../queries/hypopg_drop.sql") };
const HIDE: Query = Query { name: "hidden indexes", sql: include_str!("../queries/hypopg_hide.sql") };
const UNHIDE: Query = Query { name: "hidden indexes", sql: include_str!("../queries/hypopg_unhide.sql") };
const SERVER_START: Query = Query { name: "the server's start", sql: include_str!("../queries/server_start.sql") };

/// One hypothetical index as HypoPG gets it: a candidate itself (variant 0), or a stand-in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId {
    pub candidate: CandidateId,
    pub variant: u8,
}

impl SlotId {
    /// The candidate itself.
    pub fn of(candidate: CandidateId) -> Self {
        Self { candidate, variant: 0 }
    }
}

/// The indexes of a question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Configuration {
    pub slots: BTreeSet<SlotId>,
    pub hidden: BTreeSet<Oid>,
}

/// One statement to be planned with the indexes of a configuration.
#[derive(Debug, Clone)]
pub(super) struct Question<'w> {
    /// Its position among the caller's asks.
    pub position: usize,
    pub planned: &'w Planned,
    pub configuration: Configuration,
}

/// HypoPG in one database, and the definitions that it was given.
pub(super) struct Hypotheses {
    schema: String,
    version: String,
    can_hide: bool,
    options: ReadOptions,
    definitions: BTreeMap<SlotId, String>,
    n_calls: u64,
}

/// What HypoPG holds at a moment of a transaction.
#[derive(Default)]
struct Held {
    slots: BTreeMap<SlotId, Oid>,
    hidden: BTreeSet<Oid>,
}

impl Hypotheses {
    /// HypoPG as the server of `session` has it.
    pub fn of_server(session: &mut Session, snapshot: &Snapshot) -> Result<Self> {
        let found = session.read(&ReadOptions::default(), |transaction| {
            let rows = transaction.query(&EXTENSION, &[])?;
            let row = rows.first().ok_or_else(|| Error::internal("the query for HypoPG returned no row"))?;
            Ok((row.get::<Option<String>>("schema")?, row.get::<Option<String>>("version")?, row.get("is_available")?))
        })?;
        let (Some(schema), Some(version), _) = found else {
            return Err(super::super::choose::no_hypopg(&snapshot.server, found.2));
        };
        let can_hide = major_minor(&version) >= HIDES_SINCE;
        let quoted = quote_identifier(&schema);
        let mut after = format!("SELECT {quoted}.hypopg_reset()");
        if can_hide {
            after.push_str(&format!("; SELECT {quoted}.hypopg_unhide_all_indexes()"));
        }
        let options = ReadOptions {
            search_path: Some(explain::search_path(snapshot)),
            settings: vec![("hypopg.enabled", "on".to_owned())],
            after: Some(after),
            ..ReadOptions::default()
        };
        Ok(Self { schema, version, can_hide, options, definitions: BTreeMap::new(), n_calls: 0 })
    }

    /// How many statements were planned.
    pub fn n_calls(&self) -> u64 {
        self.n_calls
    }

    /// Why existing indexes cannot be hidden.
    pub fn can_hide(&self) -> std::result::Result<(), String> {
        if self.can_hide {
            return Ok(());
        }
        Err(format!("hiding an existing index needs HypoPG 1.4 or later, this is {}", self.version))
    }

    /// Creates one hypothetical index and plans with it, to see that the server is still the same afterwards: HypoPG is
    /// C code, and a crash of its backend ends every session of the server.
    pub fn try_one(&self, session: &mut Session, catalog: &Catalog) -> Result<()> {
        let Some((relation, column)) = canary(catalog) else { return Ok(()) };
        let sql = create_sql(None, relation, &IndexDefinition::btree([column]));
        let statement = format!("SELECT 1 FROM {} WHERE {} IS NOT NULL", relation.name, quote_identifier(column));
        let broken = |reason: &str| {
            Error::connection(format!("HypoPG {} did not survive its first hypothetical index: {reason}", self.version))
                .with_hint("Update HypoPG, or give a database to build candidates in with --sandbox URL.")
        };
        let before = started_at(session)?;
        let tried = session.read(&self.options, |transaction| {
            self.create(transaction, &[sql])?;
            transaction.explain("EXPLAIN (FORMAT JSON) ", &statement)
        });
        match tried {
            Err(Failure::Session(error)) if error.kind() == crate::error::ErrorKind::Connection => {
                return Err(broken(error.message()));
            }
            Err(Failure::Session(error)) => return Err(error),
            // A missing privilege on the relation, or a lock: nothing that concerns HypoPG.
            Err(Failure::Statement(_)) | Ok(_) => {}
        }
        if started_at(session)? != before { Err(broken("the server was started again")) } else { Ok(()) }
    }

    /// Tries definitions: for each its size, or why the server refuses it.
    pub fn declare(
        &mut self,
        session: &mut Session,
        wanted: &[(CandidateId, String)],
    ) -> Result<Vec<(CandidateId, std::result::Result<Bytes, String>)>> {
        let mut outcomes = Vec::new();
        for part in wanted.chunks(DECLARED_AT_ONCE) {
            self.declare_part(session, part, &mut outcomes)?;
        }
        for ((id, outcome), (_, sql)) in outcomes.iter().zip(wanted) {
            if outcome.is_ok() {
                self.definitions.insert(SlotId::of(*id), sql.clone());
            }
        }
        Ok(outcomes)
    }

    /// One refusal spoils the whole call, so that halves are tried until it stands alone.
    fn declare_part(
        &self,
        session: &mut Session,
        wanted: &[(CandidateId, String)],
        outcomes: &mut Vec<(CandidateId, std::result::Result<Bytes, String>)>,
    ) -> Result<()> {
        let definitions: Vec<String> = wanted.iter().map(|(_, sql)| sql.clone()).collect();
        match session.read(&self.options, |transaction| self.create(transaction, &definitions)) {
            Ok(created) => {
                let sizes = wanted.iter().zip(created).map(|((id, _), (_, bytes))| (*id, Ok(bytes)));
                outcomes.extend(sizes);
            }
            Err(Failure::Statement(refused)) if wanted.len() == 1 => {
                outcomes.push((wanted[0].0, Err(in_own_words(&refused.message))));
            }
            Err(Failure::Statement(_)) => {
                let (left, right) = wanted.split_at(wanted.len() / 2);
                self.declare_part(session, left, outcomes)?;
                self.declare_part(session, right, outcomes)?;
            }
            Err(Failure::Session(error)) => return Err(error),
        }
        Ok(())
    }

    /// Prepares the stand-ins of a partial candidate, and returns them.
    pub fn add_stand_ins(
        &mut self,
        catalog: &Catalog,
        id: CandidateId,
        declared: &Declared,
    ) -> Vec<(SlotId, IndexDefinition)> {
        let Some(relation) = catalog.relation(declared.relation) else { return Vec::new() };
        let clauses = declared.definition.predicate.as_deref().and_then(stand_in::clauses);
        let definitions = clauses.map(|clauses| stand_in::stand_ins(&declared.definition, &clauses));
        let slots = (1..).map(|variant| SlotId { candidate: id, variant });
        let stand_ins: Vec<_> = slots.zip(definitions.unwrap_or_default()).collect();
        for (slot, definition) in &stand_ins {
            self.definitions.insert(*slot, create_sql(None, relation, definition));
        }
        stand_ins
    }

    /// The stand-ins of a candidate.
    pub fn stand_ins(&self, candidate: CandidateId) -> Vec<SlotId> {
        let first = SlotId { candidate, variant: 1 };
        let last = SlotId { candidate, variant: u8::MAX };
        self.definitions.range(first..=last).map(|(slot, _)| *slot).collect()
    }

    /// Plans the questions, those of one configuration together, and hands each plan to `judge` with the hypothetical
    /// indexes by their oid. A question that the server refuses gets its refusal and spoils no other.
    pub fn plan<T>(
        &mut self,
        session: &mut Session,
        questions: &[Question<'_>],
        judge: impl Fn(&Question<'_>, &Plan, &BTreeMap<Oid, SlotId>) -> T,
    ) -> Result<Vec<std::result::Result<T, String>>> {
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by(|a, b| questions[*a].configuration.cmp(&questions[*b].configuration).then(a.cmp(b)));
        let mut outcomes: Vec<Option<std::result::Result<T, String>>> = questions.iter().map(|_| None).collect();
        let mut n_done = 0;
        let mut n_calls = 0;
        while n_done < order.len() {
            let asked = session.read(&self.options, |transaction| {
                let until = Instant::now() + TRANSACTION_TIME;
                let mut held = Held::default();
                let n_before = n_done;
                while let Some(position) = order.get(n_done).filter(|_| n_done == n_before || Instant::now() < until) {
                    let question = &questions[*position];
                    self.switch(transaction, &mut held, &question.configuration)?;
                    n_calls += 1;
                    let plan = explain::plan(transaction, question.planned)?;
                    let by_oid = held.slots.iter().map(|(slot, oid)| (*oid, *slot)).collect();
                    outcomes[*position] = Some(plan.map(|plan| judge(question, &plan, &by_oid)));
                    n_done += 1;
                }
                Ok(())
            });
            if let Err(failure) = asked {
                let refusal = explain::refusal(failure)?;
                if let Some(position) = order.get(n_done) {
                    outcomes[*position] = Some(Err(refusal));
                }
                n_done += 1;
            }
        }
        self.n_calls += n_calls;
        let missing = || Error::internal("a question was left without an answer");
        outcomes.into_iter().map(|outcome| outcome.ok_or_else(missing)).collect()
    }

    /// Makes HypoPG hold exactly what `wanted` says, by as few changes as possible.
    fn switch(
        &self,
        transaction: &mut Transaction<'_>,
        held: &mut Held,
        wanted: &Configuration,
    ) -> std::result::Result<(), Failure> {
        let superfluous: Vec<SlotId> = held.slots.keys().filter(|slot| !wanted.slots.contains(slot)).copied().collect();
        if !superfluous.is_empty() {
            let oids: Vec<Oid> = superfluous.iter().filter_map(|slot| held.slots.remove(slot)).collect();
            transaction.query_each_in_schema(&DROP, &self.schema, &[&oids], |_| Ok(()))?;
        }
        let missing: Vec<(SlotId, &String)> = wanted
            .slots
            .iter()
            .filter(|slot| !held.slots.contains_key(slot))
            .filter_map(|slot| self.definitions.get_key_value(slot).map(|(slot, sql)| (*slot, sql)))
            .collect();
        if !missing.is_empty() {
            let definitions: Vec<String> = missing.iter().map(|(_, sql)| (*sql).clone()).collect();
            let created = self.create(transaction, &definitions)?;
            held.slots.extend(missing.iter().map(|(slot, _)| *slot).zip(created.into_iter().map(|(oid, _)| oid)));
        }
        if held.hidden != wanted.hidden {
            if !held.hidden.is_empty() {
                transaction.query_each_in_schema(&UNHIDE, &self.schema, &[], |_| Ok(()))?;
            }
            let oids: Vec<Oid> = wanted.hidden.iter().copied().collect();
            transaction.query_each_in_schema(&HIDE, &self.schema, &[&oids], |_| Ok(()))?;
            held.hidden.clone_from(&wanted.hidden);
        }
        Ok(())
    }

    /// Oid and size of each new hypothetical index, in the order of `definitions`.
    fn create(
        &self,
        transaction: &mut Transaction<'_>,
        definitions: &[String],
    ) -> std::result::Result<Vec<(Oid, Bytes)>, Failure> {
        let mut created = BTreeMap::new();
        transaction.query_each_in_schema(&CREATE, &self.schema, &[&definitions], |row| {
            let bytes = u64::try_from(row.get::<i64>("bytes")?).unwrap_or(0);
            created.insert(row.get::<i64>("position")?, (row.get::<Oid>("indexrelid")?, Bytes(bytes)));
            Ok(())
        })?;
        if created.len() != definitions.len() {
            return Err(Error::internal("HypoPG created fewer indexes than it was given").into());
        }
        Ok(created.into_values().collect())
    }
}

/// The smallest relation that an index can be created on, and a column of it.
fn canary<'s>(catalog: &Catalog<'s>) -> Option<(&'s Relation, &'s str)> {
    let relations =
        catalog.snapshot().relations.iter().filter(|relation| relation.is_indexable() && relation.can_select);
    relations
        .filter_map(|relation| Some((relation, relation.columns.iter().find(|column| column.has_btree_opclass)?)))
        .min_by_key(|(relation, _)| relation.n_pages)
        .map(|(relation, column)| (relation, column.name.as_str()))
}

fn started_at(session: &mut Session) -> Result<String> {
    let started = session.read(&ReadOptions::default(), |transaction| {
        let rows = transaction.query(&SERVER_START, &[])?;
        rows.first().ok_or_else(|| Error::internal("the server did not say when it was started"))?.get("started_at")
    });
    Ok(started?)
}

fn major_minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// A refusal without HypoPG's name before it.
fn in_own_words(message: &str) -> String {
    message.strip_prefix("hypopg: ").unwrap_or(message).to_owned()
}
