//! What ANALYZE found for `CREATE STATISTICS` objects: images of the target's own bytes, and the statistics of their
//! expressions. The objects themselves are the schema's.

use std::collections::{BTreeMap, BTreeSet};

use super::dimensions::Dimensions;
use super::expressions::{self, Asked, ExpressionType};
use super::image::{self, Dimension};
use super::slot::slots;
use super::slots::SlotColumns;
use super::value_types::ValueTypes;
use crate::db::{Failure, Row, ToSql, WritableSession};
use crate::pg::Oid;
use crate::snapshot::{ExtendedImage, ExtendedStatistics, Relation, Snapshot};

const EXTENDED: &str = include_str!("queries/extended.sql");
const CASTS: &str = include_str!("queries/casts.sql");
const DROP_CASTS: &str = include_str!("queries/drop_casts.sql");
const UPDATE: &str = include_str!("queries/update_extended.sql");
const INSERT: &str = include_str!("queries/insert_extended.sql");
const EXPRESSION_SLOTS: &str = include_str!("queries/expression_slots.sql");

/// The first version with a row for the children's rows too.
const INHERITED_SINCE: u32 = 15;

/// An object of the private database.
struct Object {
    oid: Oid,
    /// Its relation, qualified and quoted.
    relation: String,
    columns: Vec<String>,
    numbers: Vec<i16>,
    types: Vec<Oid>,
}

/// An object, what is known of it, and the types of its expressions.
struct Task<'s> {
    object: Object,
    relation: &'s Relation,
    statistics: &'s ExtendedStatistics,
    expressions: Option<Vec<ExpressionType>>,
}

/// Loads what is known of the objects that exist; returns the names of those that lost something.
pub(super) fn load(
    session: &mut WritableSession,
    planner: &mut WritableSession,
    snapshot: &Snapshot,
) -> Result<BTreeSet<String>, Failure> {
    let known: Vec<(&Relation, &ExtendedStatistics)> = snapshot
        .relations
        .iter()
        .flat_map(|relation| relation.extended_statistics.iter().map(move |statistics| (relation, statistics)))
        .filter(|(_, statistics)| !statistics.images.is_empty())
        .collect();
    load_objects(session, planner, &known)
}

/// The same for these objects.
pub(super) fn load_objects(
    session: &mut WritableSession,
    planner: &mut WritableSession,
    known: &[(&Relation, &ExtendedStatistics)],
) -> Result<BTreeSet<String>, Failure> {
    let tasks = tasks(session, planner, known)?;
    if tasks.is_empty() {
        return Ok(BTreeSet::new());
    }
    session.execute(CASTS)?;
    let of_expressions = tasks.iter().filter_map(|task| task.expressions.as_ref()).flatten();
    let types = ValueTypes::read(session, &of_expressions.map(|own| own.value_type).collect())?;
    let dimensions = Dimensions::read(session, &tasks.iter().filter_map(Task::types).flatten().collect())?;
    let mut lost = BTreeSet::new();
    for task in &tasks {
        let list = task.types().and_then(|own| dimensions.of(&own, &task.statistics.enum_labels));
        for found in &task.statistics.images {
            if !load_image(session, task, found, list.as_deref(), &types)? {
                lost.insert(format!("{}.{}", task.statistics.schema, task.statistics.name));
            }
        }
    }
    session.execute(DROP_CASTS)?;
    Ok(lost)
}

fn tasks<'s>(
    session: &mut WritableSession,
    planner: &mut WritableSession,
    known: &[(&'s Relation, &'s ExtendedStatistics)],
) -> Result<Vec<Task<'s>>, Failure> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let mut objects = BTreeMap::new();
    for row in session.query(EXTENDED, &[])? {
        objects.insert((row.text("schema")?, row.text("name")?), object(&row)?);
    }
    let mut tasks = Vec::new();
    for (relation, statistics) in known.iter().copied() {
        if let Some(object) = objects.remove(&(statistics.schema.clone(), statistics.name.clone())) {
            tasks.push(Task { object, relation, statistics, expressions: None });
        }
    }
    let asked: Vec<Asked> = tasks
        .iter()
        .filter(|task| !task.statistics.expressions.is_empty())
        .map(|task| Asked { relation: task.object.relation.clone(), sql: task.statistics.expressions.clone() })
        .collect();
    let found = expressions::types(planner, &asked.iter().collect::<Vec<_>>())?;
    let with_expressions = tasks.iter_mut().filter(|task| !task.statistics.expressions.is_empty());
    for (task, types) in with_expressions.zip(found) {
        task.expressions = types;
    }
    Ok(tasks)
}

fn object(row: &Row) -> Result<Object, Failure> {
    Ok(Object {
        oid: row.get("oid")?,
        relation: row.text("relation")?,
        columns: row.texts("columns")?,
        numbers: row.get("numbers")?,
        types: row.get("types")?,
    })
}

/// Whether the server took all of it.
fn load_image(
    session: &mut WritableSession,
    task: &Task<'_>,
    found: &ExtendedImage,
    list: Option<&[Dimension]>,
    types: &ValueTypes,
) -> Result<bool, Failure> {
    let renumber = |number: i16| task.number_here(number);
    let n_distinct = found.n_distinct.as_deref().map(|hex| image::n_distinct(hex, renumber));
    let dependencies = found.dependencies.as_deref().map(|hex| image::dependencies(hex, renumber));
    let most_common = found.most_common_values.as_deref();
    let most_common = most_common.map(|hex| list.and_then(|list| image::most_common_values(hex, list)));
    let mut is_whole = [&n_distinct, &dependencies, &most_common].into_iter().all(|image| *image != Some(None));
    let sql = if session.server_version().major() >= INHERITED_SINCE { INSERT } else { UPDATE };
    let oid = task.object.oid;
    session.query(
        sql,
        &[&oid, &found.is_inherited, &n_distinct.flatten(), &dependencies.flatten(), &most_common.flatten()],
    )?;
    if !found.expressions.is_empty() {
        is_whole &= load_expressions(session, task, found, types)?;
    }
    Ok(is_whole)
}

impl Task<'_> {
    /// The number that a column of the target has here; negative ones count the expressions and stay.
    fn number_here(&self, number: i16) -> Option<i16> {
        if number < 0 {
            return Some(number);
        }
        let name = &self.relation.columns.iter().find(|column| column.number == number)?.name;
        let position = self.object.columns.iter().position(|column| column == name)?;
        self.object.numbers.get(position).copied()
    }

    /// The types of the columns and expressions, in the order of a list of most common values.
    fn types(&self) -> Option<Vec<Oid>> {
        let mut types = self.object.types.clone();
        match &self.expressions {
            Some(expressions) => types.extend(expressions.iter().map(|own| own.value_type)),
            None if self.statistics.expressions.is_empty() => {}
            None => return None,
        }
        Some(types)
    }
}

fn load_expressions(
    session: &mut WritableSession,
    task: &Task<'_>,
    found: &ExtendedImage,
    types: &ValueTypes,
) -> Result<bool, Failure> {
    let Some(own) = task.expressions.as_ref().filter(|own| own.len() == found.expressions.len()) else {
        return Ok(false);
    };
    let is_known: Vec<&str> =
        found.expressions.iter().map(|known| if known.is_some() { "true" } else { "false" }).collect();
    let statistics: Vec<_> = found.expressions.iter().map(|known| known.clone().unwrap_or_default()).collect();
    let null_fractions: Vec<f64> = statistics.iter().map(|statistics| statistics.null_fraction).collect();
    let widths: Vec<i32> = statistics.iter().map(|statistics| statistics.average_width).collect();
    let n_distinct: Vec<f64> = statistics.iter().map(|statistics| statistics.n_distinct).collect();
    let filled: Vec<_> = statistics
        .iter()
        .zip(own)
        .map(|(statistics, own)| slots(statistics, own.value_type, own.collation, types))
        .collect();
    let columns = SlotColumns::of(filled.iter().map(Vec::as_slice));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&task.object.oid, &found.is_inherited, &is_known, &null_fractions, &widths, &n_distinct];
    parameters.extend(columns.parameters());
    match session.query(EXPRESSION_SLOTS, &parameters) {
        Ok(_) => Ok(true),
        Err(Failure::Statement(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}
