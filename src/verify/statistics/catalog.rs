//! What the live catalog says about the statistics objects of a manifest's relations. Reads; compares nothing.

use std::collections::BTreeMap;

use crate::db::{Failure, Query, Row, Transaction};
use crate::emit::Manifest;
use crate::pg::{Oid, RelationName, StatisticsKind};

const STATISTICS: Query = Query { name: "statistics objects", sql: include_str!("../queries/statistics.sql") };
const DATA: Query = Query { name: "data of statistics objects", sql: include_str!("../queries/statistics_data.sql") };
const DATA_SHOWN: Query =
    Query { name: "data of statistics objects", sql: include_str!("../queries/statistics_data_shown.sql") };

#[cfg(test)]
pub(in crate::verify) const QUERIES: [Query; 3] = [STATISTICS, DATA, DATA_SHOWN];

/// What says in `pg_statistic_ext.stxkind` that an object has expressions.
const EXPRESSIONS: &str = "e";

/// A statistics object in the catalog.
#[derive(Debug, Clone)]
pub(in crate::verify) struct LiveStatistics {
    /// Its schema and name.
    pub name: RelationName,
    pub relation: RelationName,
    /// In the relation's order.
    pub columns: Vec<String>,
    pub has_expressions: bool,
    pub kinds: Vec<StatisticsKind>,
    /// The kinds that ANALYZE has put something into; `None` where the role may not see it.
    pub filled: Option<Vec<StatisticsKind>>,
}

/// The objects of the manifest's relations, and those that bear the names of its objects.
pub(in crate::verify) fn read(
    transaction: &mut Transaction<'_>,
    manifest: &Manifest,
) -> Result<Vec<LiveStatistics>, Failure> {
    if manifest.statistics.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = manifest.statistics.iter().map(|statistics| &statistics.definition);
    let schemas: Vec<&str> = wanted.clone().map(|definition| definition.relation.schema.as_str()).collect();
    let relations: Vec<&str> = wanted.clone().map(|definition| definition.relation.name.as_str()).collect();
    let names: Vec<&str> = wanted.map(|definition| definition.name.as_str()).collect();
    let rows = transaction.query(&STATISTICS, &[&schemas, &relations, &names])?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let can_read_data = first.get("can_read_data")?;
    let oids = rows.iter().map(|row| row.get("oid")).collect::<Result<Vec<Oid>, _>>()?;
    let data = if can_read_data { &DATA } else { &DATA_SHOWN };
    let mut filled = BTreeMap::new();
    for row in transaction.query(data, &[&oids])? {
        filled.insert(row.get::<Oid>("oid")?, kinds(&row.get::<Vec<String>>("filled")?));
    }
    let live = rows.iter().map(|row| live_statistics(row, can_read_data, &mut filled));
    let mut live = live.collect::<Result<Vec<_>, _>>()?;
    live.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(live)
}

fn live_statistics(
    row: &Row,
    can_read_data: bool,
    filled: &mut BTreeMap<Oid, Vec<StatisticsKind>>,
) -> Result<LiveStatistics, Failure> {
    let codes: Vec<String> = row.get("kinds")?;
    let is_told = can_read_data || row.get("is_shown")?;
    Ok(LiveStatistics {
        name: RelationName::new(row.text("schema_name")?, row.text("name")?),
        relation: RelationName::new(row.text("relation_schema")?, row.text("relation_name")?),
        columns: row.texts("columns")?,
        has_expressions: codes.iter().any(|code| code == EXPRESSIONS),
        kinds: kinds(&codes),
        filled: filled.remove(&row.get::<Oid>("oid")?).or_else(|| is_told.then(Vec::new)),
    })
}

/// The kinds among `codes`. One that pgadvise does not know was not asked for either.
fn kinds(codes: &[String]) -> Vec<StatisticsKind> {
    let is_among = |kind: &StatisticsKind| codes.iter().any(|code| code.chars().eq([kind.code()]));
    StatisticsKind::ALL.into_iter().filter(is_among).collect()
}
