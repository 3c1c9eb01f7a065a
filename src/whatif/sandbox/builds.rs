//! Indexes in the sandbox: building them, finding existing ones by name, and leaving none behind. Plans nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Failure, Query, ReadOptions, Row, Session, Target, WritableSession};
use crate::error::{Error, Result};
use crate::pg::{Bytes, IndexDefinition, IndexTarget, Oid, RelationName};
use crate::snapshot::{Relation, Snapshot};
use crate::whatif::declared::create_sql;
use crate::whatif::{CandidateId, explain};

/// What the names of our indexes begin with. No one else's do, so that leftovers can be told.
const PREFIX: &str = "pgadvise_sandbox_";

const IDENTITY: Query = Query { name: "the database", sql: include_str!("../queries/database_identity.sql") };
const LOCK: &str = include_str!("../queries/sandbox_lock.sql");
const LEFTOVERS: &str = include_str!("../queries/sandbox_leftovers.sql");
const INDEX: &str = include_str!("../queries/sandbox_index.sql");
const STATISTICS: &str = include_str!("../queries/sandbox_statistics.sql");

/// The sandbox's session, and what was built in it. Dropping it drops the indexes.
pub(super) struct Builds {
    session: WritableSession,
    is_superuser: bool,
    built: BTreeMap<CandidateId, Built>,
}

/// An index of the sandbox with its partitions.
#[derive(Debug, Clone, Default)]
pub(super) struct Built {
    /// Its own name, quoted and qualified.
    sql_name: String,
    /// Oid, schema and name of it and of its partitions.
    parts: Vec<(Oid, String, String)>,
    bytes: Bytes,
}

impl Built {
    pub fn bytes(&self) -> Bytes {
        self.bytes
    }

    pub fn oids(&self) -> impl Iterator<Item = Oid> + '_ {
        self.parts.iter().map(|(oid, _, _)| *oid)
    }

    /// Schema and name of it and of its partitions.
    pub fn names(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.parts.iter().map(|(_, schema, name)| (schema.clone(), name.clone()))
    }
}

/// Which database of which cluster.
#[derive(Debug, PartialEq)]
struct Identity {
    system_identifier: String,
    database: Oid,
}

impl Builds {
    /// Connects, refuses the analysed database, keeps other runs out, and drops what a killed one left.
    pub fn connect(target: &Target, analysed: Option<&mut Session>, snapshot: &Snapshot) -> Result<Self> {
        let mut session = WritableSession::connect(target)?;
        let rows = session.query(IDENTITY.sql, &[])?;
        let row = one(&rows)?;
        let sandbox = identity(row)?;
        let (is_standby, is_superuser) = (row.get::<bool>("is_in_recovery")?, row.get::<bool>("is_superuser")?);
        if let Some(analysed) = analysed {
            let rows = analysed.read(&ReadOptions::default(), |transaction| transaction.query(&IDENTITY, &[]))?;
            if identity(one(&rows)?)? == sandbox {
                return Err(Error::usage("the sandbox is the analysed database itself").with_hint(
                    "Name a database of its own, restored from a dump of the analysed one: --sandbox URL.",
                ));
            }
        }
        if is_standby {
            return Err(Error::usage("the sandbox is a standby, where no index can be built")
                .with_hint("Name a database on a server that is not in recovery: --sandbox URL."));
        }
        let rows = session.query(LOCK, &[])?;
        if !one(&rows)?.get::<bool>("is_ours")? {
            return Err(Error::usage("another run of pgadvise uses this sandbox")
                .with_hint("Wait for its end, or name another database: --sandbox URL."));
        }
        session.execute(&format!("SET search_path = {}", explain::search_path(snapshot)))?;
        let mut builds = Self { session, is_superuser, built: BTreeMap::new() };
        builds.drop_leftovers()?;
        Ok(builds)
    }

    /// The session, for planning.
    pub fn session(&mut self) -> &mut WritableSession {
        &mut self.session
    }

    /// Whether indexes are shown through `pg_index`, which only superusers may write.
    pub fn is_superuser(&self) -> bool {
        self.is_superuser
    }

    /// Builds a candidate; the inner error says why the server refuses it.
    pub fn build(
        &mut self,
        id: CandidateId,
        relation: &Relation,
        definition: &IndexDefinition,
    ) -> Result<std::result::Result<Built, String>> {
        match self.try_build(id, relation, definition) {
            Ok(built) => Ok(Ok(built)),
            Err(failure) => explain::refusal(failure).map(Err),
        }
    }

    fn try_build(
        &mut self,
        id: CandidateId,
        relation: &Relation,
        definition: &IndexDefinition,
    ) -> std::result::Result<Built, Failure> {
        let on = relation.name.to_string();
        let rows = self.session.query(STATISTICS, &[&on])?;
        if one(&rows)?.get::<bool>("is_missing")? {
            self.session.execute(&format!("ANALYZE {on}"))?;
        }
        let name = RelationName::new(&relation.name.schema, format!("{PREFIX}{}", id.0));
        self.session.execute(&create_sql(Some(&name.name), relation, definition))?;
        self.built.insert(id, Built { sql_name: name.to_string(), ..Built::default() });
        let built = self.index(&name)?;
        self.built.insert(id, built.clone());
        if self.is_superuser {
            let oids: Vec<Oid> = built.oids().collect();
            self.session.query(super::SHOW.sql, &[&Vec::<Oid>::new(), &oids])?;
        }
        if definition.key_columns.iter().any(|key| matches!(key.target, IndexTarget::Expression(_))) {
            // Only an ANALYZE that finds the index gathers statistics of its expressions, as one after the deploy would.
            self.session.execute(&format!("ANALYZE {on}"))?;
        }
        Ok(built)
    }

    /// The index called `name`, with its partitions.
    fn index(&mut self, name: &RelationName) -> std::result::Result<Built, Failure> {
        let sql_name = name.to_string();
        let mut built = Built { sql_name: sql_name.clone(), ..Built::default() };
        for row in self.session.query(INDEX, &[&sql_name])? {
            built.parts.push((row.get("indexrelid")?, row.get("schema")?, row.get("name")?));
            built.bytes += Bytes(u64::try_from(row.get::<i64>("bytes")?).unwrap_or(0));
        }
        Ok(built)
    }

    /// Existing indexes of the analysed database, as the sandbox has them; those that it lacks are left out.
    pub fn existing(&mut self, names: &[RelationName]) -> std::result::Result<Vec<Built>, Failure> {
        let found: std::result::Result<Vec<Built>, Failure> = names.iter().map(|name| self.index(name)).collect();
        Ok(found?.into_iter().filter(|built| !built.parts.is_empty()).collect())
    }

    /// The oids of candidates and their partitions.
    pub fn oids(&self, candidates: &BTreeSet<CandidateId>) -> Vec<Oid> {
        candidates.iter().filter_map(|id| self.built.get(id)).flat_map(Built::oids).collect()
    }

    /// What has to happen in a transaction before it sees the `visible` candidates alone and the `hidden` existing
    /// indexes no more: nothing for a superuser, who toggles them.
    pub fn setup(&self, visible: &BTreeSet<CandidateId>, hidden: &[Built]) -> String {
        if self.is_superuser {
            return String::new();
        }
        let others = self.built.iter().filter(|(id, _)| !visible.contains(id)).map(|(_, built)| built);
        let names: Vec<&str> = others.chain(hidden).map(|built| built.sql_name.as_str()).collect();
        if names.is_empty() { String::new() } else { format!("DROP INDEX {}", names.join(", ")) }
    }

    fn drop_leftovers(&mut self) -> Result<()> {
        for row in self.session.query(LEFTOVERS, &[&PREFIX])? {
            let name: String = row.get("name")?;
            tracing::info!(index = %name, "dropping an index that a killed run left in the sandbox");
            self.session.execute(&format!("DROP INDEX IF EXISTS {name}"))?;
        }
        Ok(())
    }
}

impl Drop for Builds {
    /// Leaves nothing behind, also after an error or a signal. What cannot be dropped now goes with the next run's start.
    fn drop(&mut self) {
        let names: Vec<&str> = self.built.values().map(|built| built.sql_name.as_str()).collect();
        if names.is_empty() {
            return;
        }
        if let Err(failure) = self.session.end(&format!("DROP INDEX IF EXISTS {}", names.join(", "))) {
            tracing::warn!(reason = %Error::from(failure), "the sandbox keeps its indexes until the next run");
        }
    }
}

fn identity(row: &Row) -> Result<Identity> {
    Ok(Identity { system_identifier: row.get("system_identifier")?, database: row.get("database")? })
}

fn one(rows: &[Row]) -> Result<&Row> {
    rows.first().ok_or_else(|| Error::internal("a query that returns one row returned none"))
}
