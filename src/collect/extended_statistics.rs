//! Reads the `CREATE STATISTICS` objects and what ANALYZE found for them. Their expressions are turned into SQL by
//! `definitions`, which waits for no lock.

use std::collections::BTreeMap;

use super::expression;
use super::query::{ENUM_LABELS, EXTENDED_DATA, EXTENDED_DATA_OWNED, EXTENDED_EXPRESSIONS, EXTENDED_STATISTICS};
use super::statistics::column_statistics;
use crate::db::{Failure, Row, Transaction};
use crate::pg::Oid;
use crate::snapshot::{Column, ColumnStatistics, ExtendedImage, ExtendedStatistics};

/// The first version that has expressions.
const EXPRESSIONS_SINCE: u32 = 14;

/// An object whose columns are still numbers.
pub(super) struct ReadStatistics {
    pub oid: Oid,
    schema: String,
    name: String,
    columns: Vec<i16>,
    kinds: Vec<char>,
    /// `pg_ndistinct` as text, of the last image that has one: `{"1, 2": 100, "1, -1": 5}`.
    distinct: Option<String>,
    images: Vec<ExtendedImage>,
    enum_labels: Vec<(Oid, String)>,
}

/// What the role may read of the objects' data, and what is wanted of it.
pub(super) struct Access<'r> {
    pub major: u32,
    /// Whether the role may read the data of those that it does not own.
    pub can_read_data: bool,
    /// The relations whose values are wanted.
    pub with_values: &'r [Oid],
}

impl ReadStatistics {
    /// Whether it has expressions, which are to be read apart.
    pub fn has_expressions(&self) -> bool {
        self.kinds.contains(&'e')
    }
}

/// The objects of `relations`.
pub(super) fn read(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    access: &Access<'_>,
) -> Result<BTreeMap<Oid, Vec<ReadStatistics>>, Failure> {
    let rows = transaction.query(&EXTENDED_STATISTICS, &[&relations])?;
    let mut objects: BTreeMap<Oid, Vec<ReadStatistics>> = BTreeMap::new();
    if rows.is_empty() {
        return Ok(objects);
    }
    let mut data = read_data(transaction, relations, access)?;
    let has_combinations =
        data.values().flat_map(|found| &found.images).any(|image| image.most_common_values.is_some());
    let labels = if has_combinations { read_labels(transaction, &rows)? } else { BTreeMap::new() };
    for row in rows {
        let (oid, relation) = (row.get("oid")?, row.get("relation")?);
        let Data { distinct, images } = data.remove(&oid).unwrap_or_default();
        let object = ReadStatistics {
            oid,
            schema: row.text("schema")?,
            name: row.text("name")?,
            columns: row.get("columns")?,
            kinds: row.texts("kinds")?.iter().filter_map(|kind| kind.chars().next()).collect(),
            distinct,
            images,
            enum_labels: labels.get(&relation).cloned().unwrap_or_default(),
        };
        objects.entry(relation).or_default().push(object);
    }
    Ok(objects)
}

/// The labels of enum types, by the relations of `objects`.
fn read_labels(
    transaction: &mut Transaction<'_>,
    objects: &[Row],
) -> Result<BTreeMap<Oid, Vec<(Oid, String)>>, Failure> {
    let relations: Vec<Oid> = objects.iter().map(|row| row.get("relation")).collect::<Result<_, Failure>>()?;
    let mut labels: BTreeMap<Oid, Vec<(Oid, String)>> = BTreeMap::new();
    for row in transaction.query(&ENUM_LABELS, &[&relations])? {
        labels.entry(row.get("relation")?).or_default().push((row.get("oid")?, row.text("label")?));
    }
    Ok(labels)
}

/// What ANALYZE found for one object.
#[derive(Default)]
struct Data {
    distinct: Option<String>,
    images: Vec<ExtendedImage>,
}

fn read_data(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    access: &Access<'_>,
) -> Result<BTreeMap<Oid, Data>, Failure> {
    let query = if access.can_read_data { &EXTENDED_DATA } else { &EXTENDED_DATA_OWNED };
    let mut expressions = if access.can_read_data && access.major >= EXPRESSIONS_SINCE {
        read_expressions(transaction, relations, access.with_values)?
    } else {
        BTreeMap::new()
    };
    let mut data: BTreeMap<Oid, Data> = BTreeMap::new();
    for row in transaction.query(query, &[&relations, &access.with_values])? {
        let oid = row.get("oid")?;
        let is_inherited = row.get("is_inherited")?;
        let found = data.entry(oid).or_default();
        found.distinct = row.optional_text("combinations")?.or(found.distinct.take());
        found.images.push(ExtendedImage {
            is_inherited,
            n_distinct: row.optional_text("n_distinct")?,
            dependencies: row.optional_text("dependencies")?,
            most_common_values: row.optional_text("most_common_values")?,
            expressions: expressions.remove(&(oid, is_inherited)).unwrap_or_default(),
        });
    }
    Ok(data)
}

type Expressions = BTreeMap<(Oid, bool), Vec<Option<ColumnStatistics>>>;

fn read_expressions(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
    with_values: &[Oid],
) -> Result<Expressions, Failure> {
    let mut read: BTreeMap<(Oid, bool), BTreeMap<i32, Option<ColumnStatistics>>> = BTreeMap::new();
    for row in transaction.query(&EXTENDED_EXPRESSIONS, &[&relations, &with_values])? {
        let is_known: bool = row.get("is_known")?;
        let statistics = if is_known { Some(column_statistics(&row)?) } else { None };
        let object = (row.get("oid")?, row.get("is_inherited")?);
        read.entry(object).or_default().insert(row.get("position")?, statistics);
    }
    Ok(read.into_iter().map(|(object, list)| (object, list.into_values().collect())).collect())
}

/// The object with names for its columns. `expressions` is the list that `pg_get_expr` wrote.
pub(super) fn resolve(read: ReadStatistics, columns: &[Column], expressions: Option<&str>) -> ExtendedStatistics {
    let name_of = |number: i16| columns.iter().find(|column| column.number == number).map(|column| column.name.clone());
    let expressions: Vec<String> = expressions
        .map(expression::split_list)
        .unwrap_or_default()
        .into_iter()
        .map(|sql| expression::without_outer_parentheses(sql).to_owned())
        .collect();
    // Negative numbers count the expressions: −1 is the first.
    let member = |number: i16| match usize::try_from(-i32::from(number) - 1) {
        Ok(position) => expressions.get(position).cloned(),
        Err(_) => name_of(number),
    };
    let n_distinct = read.distinct.as_deref().map(combinations).unwrap_or_default();
    let n_distinct = n_distinct
        .into_iter()
        .filter_map(|(numbers, count)| Some((numbers.into_iter().map(member).collect::<Option<Vec<_>>>()?, count)))
        .collect();
    ExtendedStatistics {
        schema: read.schema,
        name: read.name,
        columns: read.columns.iter().filter_map(|number| name_of(*number)).collect(),
        expressions: expressions.clone(),
        kinds: read.kinds,
        n_distinct,
        images: read.images,
        enum_labels: read.enum_labels,
    }
}

/// `{"1, 2": 100}` as attribute numbers and counts; what cannot be read is left out.
fn combinations(text: &str) -> Vec<(Vec<i16>, f64)> {
    let Ok(object) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) else {
        return Vec::new();
    };
    object
        .iter()
        .filter_map(|(key, count)| {
            let numbers: Option<Vec<i16>> = key.split(',').map(|number| number.trim().parse().ok()).collect();
            Some((numbers?, count.as_f64()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_read_in_the_servers_order() {
        assert_eq!(combinations("{\"2, 3\": 11, \"2, -1\": 5}"), [(vec![2, 3], 11.0), (vec![2, -1], 5.0)]);
        assert!(combinations("").is_empty());
        assert!(combinations("{\"a, b\": 1}").is_empty());
    }
}
