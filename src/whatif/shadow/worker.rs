//! One database of the shadow and the session that works in it: makes phantoms there, answers questions there. Shares
//! nothing with the other workers, so that each can toggle indexes without the others seeing it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::login::Door;
use super::phantom::{self, Phantom, Wanted};
use super::pricing::{self, Circumstances, Group, Question};
use super::statistics;
use crate::db::{Failure, Target, WritableSession};
use crate::error::{Error, Result};
use crate::pg::{Oid, RelationName, StatisticsDefinition};
use crate::plan::Plan;
use crate::snapshot::{ExtendedStatistics, Relation};
use crate::whatif::CandidateId;

const EXISTING: &str = include_str!("queries/existing.sql");

/// What one question sees: the phantoms that exist in it, and the existing indexes that do not, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sight {
    /// Phantoms.
    pub visible: BTreeSet<CandidateId>,
    /// Existing indexes, with those attached to them.
    pub hidden: BTreeSet<RelationName>,
}

/// The plan that a question got, and the phantoms in it; or why there is none.
pub(super) type Answer = std::result::Result<(Plan, BTreeSet<CandidateId>), String>;

/// A worker.
pub(super) struct Worker {
    /// Changes catalogs; sends no text of the target's.
    superuser: WritableSession,
    /// Makes indexes and plans statements.
    planner: WritableSession,
    /// How the planner connects.
    target: Target,
    data_directory: PathBuf,
    circumstances: Circumstances,
    /// The database's own indexes.
    existing: BTreeMap<RelationName, Oid>,
    phantoms: BTreeMap<CandidateId, Vec<Oid>>,
    by_name: BTreeMap<RelationName, CandidateId>,
}

impl Worker {
    /// Connects to `database`.
    ///
    /// # Errors
    /// The server is lost.
    pub fn connect(door: &Door, database: &str, data_directory: &Path, circumstances: &Circumstances) -> Result<Self> {
        let mut superuser = WritableSession::connect(&door.as_superuser(database)?)?;
        let target = door.as_planner(database)?;
        let planner = connect(&target, circumstances)?;
        let mut existing = BTreeMap::new();
        for row in superuser.query(EXISTING, &[])? {
            existing.insert(RelationName::new(row.text("schema")?, row.text("name")?), row.get("oid")?);
        }
        Ok(Self {
            superuser,
            planner,
            target,
            data_directory: data_directory.to_owned(),
            circumstances: circumstances.clone(),
            existing,
            phantoms: BTreeMap::new(),
            by_name: BTreeMap::new(),
        })
    }

    /// Makes the phantoms `wanted` of `relation`; for each the reason when it cannot be built.
    ///
    /// # Errors
    /// As [`phantom::create`].
    pub fn create(&mut self, relation: &RelationName, wanted: &[(CandidateId, Wanted)]) -> Result<Vec<Option<String>>> {
        let (ids, wanted): (Vec<CandidateId>, Vec<Wanted>) = wanted.iter().cloned().unzip();
        let renew = || connect(&self.target, &self.circumstances);
        let (superuser, planner) = (&mut self.superuser, &mut self.planner);
        let created = phantom::create(superuser, planner, &renew, &self.data_directory, relation, &wanted)?;
        let note = |(id, created): (CandidateId, std::result::Result<Vec<Phantom>, String>)| match created {
            Err(reason) => Some(reason),
            Ok(phantoms) => {
                self.phantoms.insert(id, phantoms.iter().map(|phantom| phantom.oid).collect());
                self.by_name.extend(phantoms.into_iter().map(|phantom| (phantom.name, id)));
                None
            }
        };
        Ok(ids.into_iter().zip(created).map(note).collect())
    }

    /// Answers questions, each with what it sees.
    ///
    /// # Errors
    /// As [`pricing::answer`].
    pub fn answer(&mut self, questions: &[(&Sight, Question<'_>)]) -> Result<Vec<(usize, Answer)>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut open: Option<&Sight> = None;
        for (sight, question) in questions {
            match groups.last_mut() {
                Some(group) if open == Some(*sight) => group.questions.push(*question),
                _ => {
                    groups.push(self.group(sight, *question));
                    open = Some(*sight);
                }
            }
        }
        let answers = pricing::answer(&mut self.planner, &self.circumstances, &groups)?;
        Ok(answers
            .into_iter()
            .map(|(position, answer)| (position, answer.map(|plan| self.with_phantoms(plan))))
            .collect())
    }

    /// The plan of one question while `settings` hold, each `name = value`.
    ///
    /// # Errors
    /// As [`pricing::answer`].
    pub fn plan(
        &mut self,
        sight: &Sight,
        question: Question<'_>,
        settings: &BTreeSet<&'static str>,
    ) -> Result<std::result::Result<Plan, String>> {
        let group = Group { settings: settings.iter().copied().collect(), ..self.group(sight, question) };
        let answer = pricing::answer(&mut self.planner, &self.circumstances, &[group])?.pop();
        answer.map(|(_, plan)| plan).ok_or_else(|| Error::internal("a question was asked and not answered"))
    }

    /// Makes a statistics object and gives it what `known` says; the server's reason when it cannot be made. One of this
    /// name that is there is replaced.
    ///
    /// # Errors
    /// The server is lost.
    pub fn create_statistics(
        &mut self,
        relation: &Relation,
        definition: &StatisticsDefinition,
        known: &ExtendedStatistics,
    ) -> Result<std::result::Result<(), String>> {
        self.drop_statistics(definition)?;
        match self.planner.execute(&definition.create_sql()) {
            Ok(()) => {}
            Err(Failure::Statement(refused)) => return Ok(Err(refused.message_without_values())),
            Err(lost) => return Err(lost.into()),
        }
        let lost = statistics::load_extended(&mut self.superuser, &mut self.planner, &[(relation, known)])?;
        Ok(if lost.is_empty() { Ok(()) } else { Err("the shadow did not take its statistics".to_owned()) })
    }

    /// Takes a statistics object away again, if it is there.
    ///
    /// # Errors
    /// The server is lost.
    pub fn drop_statistics(&mut self, definition: &StatisticsDefinition) -> Result<()> {
        let sql = format!("DROP STATISTICS IF EXISTS {}", definition.qualified_name());
        self.planner.execute(&sql).map_err(Error::from)
    }

    fn group<'q>(&self, sight: &Sight, question: Question<'q>) -> Group<'q> {
        Group {
            shown: sight.visible.iter().filter_map(|id| self.phantoms.get(id)).flatten().copied().collect(),
            hidden: sight.hidden.iter().filter_map(|name| self.existing.get(name)).copied().collect(),
            settings: Vec::new(),
            questions: vec![question],
        }
    }

    fn with_phantoms(&self, plan: Plan) -> (Plan, BTreeSet<CandidateId>) {
        let used = plan.indexes_used().into_iter();
        let candidates =
            used.filter_map(|(schema, name)| self.by_name.get(&RelationName::new(schema?, name)).copied()).collect();
        (plan, candidates)
    }
}

/// A session of the planner's, in which names are looked up as in the application's.
fn connect(target: &Target, circumstances: &Circumstances) -> Result<WritableSession> {
    let mut session = WritableSession::connect(target)?;
    session.execute(&format!("SET search_path = {}", circumstances.search_path))?;
    Ok(session)
}
