//! The rows of pg_statistic that a snapshot asks for, each with its place in the private database. Sends nothing.

use super::places::{Place, Places};
use crate::snapshot::{ColumnStatistics, Relation, Snapshot};

/// A row to be.
#[derive(Debug, Clone)]
pub(super) struct Row<'s> {
    /// The schema of the relation.
    pub schema: &'s str,
    /// The relation, or the index whose expression it is about.
    pub relation: &'s str,
    /// The column's name, or the index column's number: for gaps.
    pub column: String,
    /// Where it goes.
    pub place: Place,
    /// Over the children's rows too (`stainherit`).
    pub is_inherited: bool,
    /// What it says.
    pub statistics: &'s ColumnStatistics,
}

impl Row<'_> {
    /// `schema.relation.column`.
    pub fn name(&self) -> String {
        format!("{}.{}.{}", self.schema, self.relation, self.column)
    }

    /// About how many bytes its values are.
    pub fn bytes(&self) -> usize {
        let statistics = self.statistics;
        let lists = [
            &statistics.most_common_values,
            &statistics.histogram_bounds,
            &statistics.most_common_elements,
            &statistics.range_bounds_histogram,
        ];
        200 + lists.into_iter().flatten().map(|value| value.len() + 16).sum::<usize>()
    }
}

/// Every row whose relation and column exist in the private database.
pub(super) fn of_snapshot<'s>(snapshot: &'s Snapshot, places: &Places) -> Vec<Row<'s>> {
    snapshot.relations.iter().flat_map(|relation| of_relation(relation, places)).collect()
}

fn of_relation<'s>(relation: &'s Relation, places: &Places) -> Vec<Row<'s>> {
    let (schema, name) = (relation.name.schema.as_str(), relation.name.name.as_str());
    let mut rows = Vec::new();
    for column in &relation.columns {
        for (is_inherited, statistics) in [(false, &column.statistics), (true, &column.inherited_statistics)] {
            if let (Some(statistics), Some(place)) = (statistics, places.column(schema, name, &column.name)) {
                let (column, place) = (column.name.clone(), place.clone());
                rows.push(Row { schema, relation: name, column, place, is_inherited, statistics });
            }
        }
    }
    for index in &relation.indexes {
        for (number, statistics) in (1_i16..).zip(&index.expression_statistics) {
            if let (Some(statistics), Some(place)) = (statistics, places.numbered(schema, &index.name, number)) {
                let (column, place) = (number.to_string(), place.clone());
                rows.push(Row { schema, relation: &index.name, column, place, is_inherited: false, statistics });
            }
        }
    }
    rows
}
