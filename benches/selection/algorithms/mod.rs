//! Published algorithms that choose indexes, written from their papers: what pgadvise is measured against. They ask
//! `Prices` what a statement costs, and know nothing of servers.

pub mod auto_admin;
pub mod db2advis;
pub mod extend;
pub mod per_query;

use std::collections::{BTreeMap, BTreeSet};

/// A column and its table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    pub table: String,
    pub name: String,
}

/// A B-tree on columns of one table, ascending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Index {
    pub table: String,
    pub columns: Vec<String>,
}

/// A set of indexes.
pub type Set = BTreeSet<Index>;

/// What one statement costs with a set of indexes.
#[derive(Debug, Clone)]
pub struct Plan {
    pub cost: f64,
    /// The indexes in the plan.
    pub used: Set,
}

/// Answers what the algorithms ask.
pub trait Prices {
    /// For each statement, the columns that occur in it.
    fn columns(&self) -> &[BTreeSet<Column>];

    /// The plan of a statement when exactly these indexes exist.
    fn plan(&mut self, statement: usize, set: &Set) -> Plan;

    /// The size of an index.
    fn bytes(&mut self, index: &Index) -> f64;
}

impl Index {
    /// The index on one column.
    pub fn on(column: &Column) -> Self {
        Self { table: column.table.clone(), columns: vec![column.name.clone()] }
    }

    /// This index with one more column at its end; `None` when it has the column, or the column is of another table.
    pub fn widened(&self, column: &Column) -> Option<Self> {
        if column.table != self.table || self.columns.contains(&column.name) {
            return None;
        }
        let columns = self.columns.iter().chain([&column.name]).cloned().collect();
        Some(Self { table: self.table.clone(), columns })
    }
}

/// What the statements cost together.
pub fn total(prices: &mut dyn Prices, set: &Set) -> f64 {
    (0..prices.columns().len()).map(|statement| prices.plan(statement, set).cost).sum()
}

/// The bytes of a set.
pub fn bytes(prices: &mut dyn Prices, set: &Set) -> f64 {
    set.iter().map(|index| prices.bytes(index)).sum()
}

/// Every column that occurs in some statement.
pub fn all_columns(prices: &dyn Prices) -> BTreeSet<Column> {
    prices.columns().iter().flatten().cloned().collect()
}

/// Every index of up to `width` of these columns, in every order.
pub fn permutations(columns: &BTreeSet<Column>, width: usize) -> Set {
    let mut of_table: BTreeMap<&str, BTreeSet<&Column>> = BTreeMap::new();
    for column in columns {
        of_table.entry(&column.table).or_default().insert(column);
    }
    let mut all = Set::new();
    for columns in of_table.values() {
        let mut widest: Set = columns.iter().map(|column| Index::on(column)).collect();
        for _ in 1..width {
            let wider = widest.iter().flat_map(|index| columns.iter().filter_map(|column| index.widened(column)));
            let wider: Set = wider.collect();
            all.append(&mut widest);
            widest = wider;
        }
        all.append(&mut widest);
    }
    all
}
