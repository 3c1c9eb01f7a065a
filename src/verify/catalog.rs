//! What the live catalog says about the relations of a manifest. Reads; compares nothing.

use super::statistics::{self, LiveStatistics};
use crate::db::{Failure, Query, ReadOptions, Row, Session, Transaction};
use crate::emit::canonical::EXPRESSION_MARK;
use crate::emit::{Canonical, Manifest};
use crate::error::{Error, Result};
use crate::pg::{Oid, RelationName};

const INDEXES: Query = Query { name: "indexes", sql: include_str!("queries/indexes.sql") };
const PARTS: Query = Query { name: "parts of partitioned indexes", sql: include_str!("queries/parts.sql") };
const NAMES: Query = Query { name: "names of relations", sql: include_str!("queries/names.sql") };
const BUILDS: Query = Query { name: "index builds", sql: include_str!("queries/builds.sql") };

/// The live catalog, as far as a manifest is concerned.
#[derive(Debug, Default)]
pub(super) struct LiveCatalog {
    /// Relations of any kind that bear a name that the manifest mentions.
    pub names: Vec<NamedRelation>,
    /// The indexes of the manifest's relations, by relation and name.
    pub indexes: Vec<LiveIndex>,
    /// What those of partitioned tables consist of, by partition.
    pub parts: Vec<LivePart>,
    /// The statistics objects of the manifest's relations, by name.
    pub statistics: Vec<LiveStatistics>,
    /// Builds that ran before or after the indexes were read.
    pub builds: Vec<Build>,
}

/// A relation of any kind.
#[derive(Debug, Clone)]
pub(super) struct NamedRelation {
    pub name: RelationName,
    pub oid: Oid,
    /// `pg_class.relkind`
    pub kind: String,
}

/// An index in the catalog.
#[derive(Debug, Clone)]
pub(super) struct LiveIndex {
    pub relation: RelationName,
    pub name: String,
    pub oid: Oid,
    /// Valid, ready and live.
    pub is_usable: bool,
    /// What it is; the predicate in the server's outer parentheses.
    pub canonical: Canonical,
    /// Scans so far on this node; `None` where there are no counters.
    pub n_scans: Option<i64>,
}

/// A partition's part of a partitioned index.
#[derive(Debug, Clone)]
pub(super) struct LivePart {
    /// The partitioned index at the top.
    pub whole: Oid,
    pub relation: Oid,
    /// The partition, quoted.
    pub relation_name: String,
    /// Schema and name of the attached index; `None` where there is none.
    pub index: Option<(String, String)>,
    /// Whether the partition has no partitions itself.
    pub is_leaf: bool,
    /// It is there, valid, ready and live.
    pub is_usable: bool,
}

/// An index build that runs.
#[derive(Debug, Clone)]
pub(super) struct Build {
    pub pid: i32,
    pub relation: Oid,
    /// The index being built; `None` where the role may not see it.
    pub index: Option<Oid>,
    /// Whether that index is in the catalog yet.
    pub is_visible: bool,
    pub phase: Option<String>,
    pub blocks: Option<(i64, i64)>,
    pub lockers: Option<(i64, i64)>,
}

impl LiveCatalog {
    /// Reads it in one short transaction. Scans are read before anything is planned: planning alone counts as scans.
    pub(super) fn read(session: &mut Session, manifest: &Manifest) -> Result<Self> {
        let options = ReadOptions { settings: pinned_settings(), ..ReadOptions::default() };
        session.read(&options, |transaction| read(transaction, manifest)).map_err(|failure| match failure {
            Failure::Statement(refused) if refused.is_locked_out() || refused.is_cancelled() => {
                Error::inconclusive("could not read the indexes: another session holds a lock on their relation")
                    .with_hint("Run pgadvise verify again when it has finished.")
            }
            failure => failure.while_doing("reading the indexes"),
        })
    }

    /// The relation called `name`, of whatever kind.
    pub(super) fn named(&self, schema: &str, name: &str) -> Option<&NamedRelation> {
        self.names.iter().find(|named| named.name.schema == schema && named.name.name == name)
    }

    /// The parts of the partitioned index `whole`; none of any other index.
    pub(super) fn parts_of(&self, whole: Oid) -> impl Iterator<Item = &LivePart> {
        self.parts.iter().filter(move |part| part.whole == whole)
    }

    /// The indexes of `relation`.
    pub(super) fn indexes_of<'a>(&'a self, relation: &'a RelationName) -> impl Iterator<Item = &'a LiveIndex> {
        self.indexes.iter().filter(move |index| &index.relation == relation)
    }
}

/// Settings that change how the server prints constants in expressions, beyond those that every transaction pins.
pub(super) fn pinned_settings() -> Vec<(&'static str, String)> {
    [("TimeZone", "UTC"), ("extra_float_digits", "1"), ("bytea_output", "hex")]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
}

fn read(transaction: &mut Transaction<'_>, manifest: &Manifest) -> std::result::Result<LiveCatalog, Failure> {
    let mut relations: Vec<&RelationName> = manifest.indexes.iter().map(|index| &index.relation).collect();
    relations.sort();
    relations.dedup();
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        relations.iter().map(|relation| (relation.schema.as_str(), relation.name.as_str())).unzip();
    let mut any_schemas = schemas.clone();
    let mut any_names = names.clone();
    for index in &manifest.indexes {
        any_schemas.push(&index.relation.schema);
        any_names.push(&index.name);
    }
    for statistics in &manifest.statistics {
        any_schemas.push(&statistics.definition.relation.schema);
        any_names.push(&statistics.definition.relation.name);
    }
    // Builds are read before and after: one that ends or begins in between must not make its index look failed.
    let mut builds = transaction.query(&BUILDS, &[])?;
    let named = transaction.query(&NAMES, &[&any_schemas, &any_names])?;
    let indexes = transaction.query(&INDEXES, &[&schemas, &names])?;
    let parts = transaction.query(&PARTS, &[&schemas, &names])?;
    builds.extend(transaction.query(&BUILDS, &[])?);
    let statistics = statistics::read(transaction, manifest)?;
    Ok(LiveCatalog {
        names: named.iter().map(named_relation).collect::<std::result::Result<_, _>>()?,
        indexes: indexes.iter().map(live_index).collect::<std::result::Result<_, _>>()?,
        parts: parts.iter().map(live_part).collect::<std::result::Result<_, _>>()?,
        statistics,
        builds: builds.iter().map(build).collect::<std::result::Result<_, _>>()?,
    })
}

fn named_relation(row: &Row) -> std::result::Result<NamedRelation, Failure> {
    Ok(NamedRelation {
        name: RelationName::new(row.get::<String>("schema_name")?, row.get::<String>("name")?),
        oid: row.get("oid")?,
        kind: row.get("kind")?,
    })
}

fn live_index(row: &Row) -> std::result::Result<LiveIndex, Failure> {
    let expressions: Vec<String> = row.get("expressions")?;
    Ok(LiveIndex {
        relation: RelationName::new(row.get::<String>("schema_name")?, row.get::<String>("relation_name")?),
        name: row.get("index_name")?,
        oid: row.get("index_oid")?,
        is_usable: row.get("is_usable")?,
        canonical: Canonical {
            is_unique: row.get("is_unique")?,
            skeleton: skeleton(row.get("body")?, &expressions),
            expressions,
            predicate: row.optional("predicate")?,
        },
        n_scans: row.optional("n_scans")?,
    })
}

fn live_part(row: &Row) -> std::result::Result<LivePart, Failure> {
    Ok(LivePart {
        whole: row.get("whole_oid")?,
        relation: row.get("relation_oid")?,
        relation_name: row.get("relation_name")?,
        index: row.optional("schema_name")?.zip(row.optional("index_name")?),
        is_leaf: row.get("is_leaf")?,
        is_usable: row.get("is_usable")?,
    })
}

/// The body with a mark for each expression; the longest first, so that none is replaced inside another.
fn skeleton(body: String, expressions: &[String]) -> String {
    let mut longest_first: Vec<&String> = expressions.iter().collect();
    longest_first.sort_by_key(|expression| std::cmp::Reverse(expression.chars().count()));
    longest_first.iter().fold(body, |body, expression| body.replace(expression.as_str(), EXPRESSION_MARK))
}

fn build(row: &Row) -> std::result::Result<Build, Failure> {
    let pair = |done: &str, total: &str| -> std::result::Result<Option<(i64, i64)>, Failure> {
        Ok(row.optional::<i64>(done)?.zip(row.optional::<i64>(total)?))
    };
    Ok(Build {
        pid: row.get("pid")?,
        relation: row.get("relation_oid")?,
        index: row.optional("index_oid")?,
        is_visible: row.get("is_visible")?,
        phase: row.optional("phase")?,
        blocks: pair("blocks_done", "blocks_total")?,
        lockers: pair("lockers_done", "lockers_total")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_bears_the_mark_that_keeps_it_out_of_the_workload() {
        for query in [INDEXES, PARTS, NAMES, BUILDS].iter().chain(&statistics::QUERIES) {
            assert!(query.sql.contains("/* pgadvise:verify_"), "{}", query.name);
        }
    }

    #[test]
    fn expressions_inside_others_are_marked_as_a_whole() {
        let expressions = ["lower(a)".to_owned(), "upper(lower(a))".to_owned()];
        assert_eq!(
            skeleton("USING btree (lower(a), upper(lower(a)) DESC, b)".into(), &expressions),
            "USING btree (<expression>, <expression> DESC, b)"
        );
    }
}
