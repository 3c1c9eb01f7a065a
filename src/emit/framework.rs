//! Migration frameworks: what each makes of a step. One file per framework; none decides what a step says.

use super::ddl::Statements;
use super::header::Provenance;
use crate::advice::{StatisticsStep, Step};
use crate::pg::IndexColumn;

/// A step with all that a file about it says.
#[derive(Debug, Clone)]
pub struct Migration<'a> {
    /// Its place in the order, from 1.
    pub number: usize,
    /// The step.
    pub step: &'a Step,
    /// Its statements, safe to write.
    pub statements: Statements,
    /// Where its numbers come from.
    pub provenance: Provenance,
    /// The schemas that unqualified names in expressions are looked up in.
    pub search_path: &'a [String],
}

/// A statistics object to make, with all that a file about it says.
#[derive(Debug, Clone)]
pub struct StatisticsMigration<'a> {
    /// Its place in the order, from 1.
    pub number: usize,
    /// The object.
    pub step: &'a StatisticsStep,
    /// Its statements, safe to write.
    pub statements: Statements,
    /// Where its numbers come from.
    pub provenance: Provenance,
}

/// A file to be written: where, relative to the folder of migrations, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmittedFile {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// UTF-8 text.
    pub content: String,
}

/// The files of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationFiles {
    /// Does the step.
    pub migration: EmittedFile,
    /// Undoes it.
    pub rollback: EmittedFile,
}

/// Writes steps as the migrations of one tool.
pub trait Framework {
    /// The name that `--framework` takes.
    fn name(&self) -> &'static str;

    /// The files of one step.
    fn files(&self, migration: &Migration<'_>) -> MigrationFiles;

    /// The files of one statistics object.
    fn statistics_files(&self, migration: &StatisticsMigration<'_>) -> MigrationFiles;
}

impl Migration<'_> {
    /// Whether the definition has names that are looked up along the search path.
    pub fn has_expressions(&self) -> bool {
        let definition = &self.step.index;
        let has_names = |key: &IndexColumn| key.target.column().is_none() || key.opclass.is_some();
        definition.predicate.is_some() || definition.key_columns.iter().any(has_names)
    }

    /// `0001_orders_customer_id_idx`
    pub fn file_stem(&self) -> String {
        file_stem(self.number, &self.step.id)
    }
}

impl StatisticsMigration<'_> {
    /// `0001_orders_town_postcode_stats`
    pub fn file_stem(&self) -> String {
        file_stem(self.number, &self.step.definition.name)
    }
}

/// The number keeps names apart, so the object's name is cut to what every file system takes.
fn file_stem(number: usize, name: &str) -> String {
    const CHARS_MAX: usize = 80;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name = name.chars().map(|c| if is_plain(c) { c } else { '_' });
    format!("{number:04}_{}", name.take(CHARS_MAX).collect::<String>())
}
