//! The manifest beside the migrations: what was emitted and what has to be true after the deploy. Read by `pgadvise verify`; holds no value of the user's workload.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advice::Action;
use crate::error::{Error, Result, reason};
use crate::pg::{Bytes, IndexDefinition, QueryId, RelationName, StatisticsDefinition, quote_identifier};
use crate::whatif::Backend;

/// The version of the manifest's format, raised when a reader of the old one would misread the new one.
pub const MANIFEST_VERSION: u32 = 1;

/// The manifest's file name in the folder of migrations.
pub const MANIFEST_FILE: &str = "manifest.json";

/// What one run emitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the writer.
    pub manifest_version: u32,
    /// The version of pgadvise that wrote it.
    pub pgadvise_version: String,
    /// When it was emitted.
    pub emitted_at: Timestamp,
    /// The migration framework that the files are for.
    pub framework: String,
    /// The version of the analysed server: `15.18`.
    pub server_version: String,
    /// The analysed database.
    pub database: String,
    /// The schemas that the application's unqualified names were looked up in: expressions are to be read with it.
    pub search_path: Vec<String>,
    /// What the costs were priced with.
    pub what_if: Option<Backend>,
    /// The statistics objects, in the order of the files, which come before those of the indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<ManifestStatistics>,
    /// The indexes, in the order of the files.
    pub indexes: Vec<ManifestIndex>,
}

/// One index that was to be created or dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestIndex {
    /// What was to be done.
    pub action: Action,
    /// The relation.
    pub relation: RelationName,
    /// The index's name; it lives in its relation's schema.
    pub name: String,
    /// What it is.
    pub definition: IndexDefinition,
    /// The file that does it, relative to the manifest.
    pub migration: String,
    /// The file that undoes it, relative to the manifest.
    pub rollback: String,
    /// Its estimated size; for a drop, its size when the server was read.
    pub index_bytes: Bytes,
    /// The statements that it serves, the largest gain first; none for a drop.
    pub statements: Vec<ManifestStatement>,
}

/// A statistics object that was to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestStatistics {
    /// What it is; it lives in its relation's schema.
    pub definition: StatisticsDefinition,
    /// The file that makes and fills it, relative to the manifest.
    pub migration: String,
    /// The file that takes it away, relative to the manifest.
    pub rollback: String,
    /// The statements that get a better plan, the largest gain first.
    pub statements: Vec<ManifestStatement>,
}

/// A statement that an index or a statistics object serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestStatement {
    /// Its queryid when the server was read.
    pub queryid: QueryId,
    /// Its text with every value replaced by a parameter; `None` where that cannot be told.
    pub text: Option<String>,
    /// Executions.
    pub calls: f64,
    /// Planner cost of one execution before.
    pub cost_before: f64,
    /// Planner cost of one execution after.
    pub cost_after: f64,
}

/// `schemas` as SET search_path takes them. An empty path is written as one empty name, which finds nothing.
pub(super) fn search_path_sql(schemas: &[String]) -> String {
    match schemas {
        [] => "\"\"".to_owned(),
        schemas => schemas.iter().map(|schema| quote_identifier(schema)).collect::<Vec<_>>().join(", "),
    }
}

/// The one field that every version of the format has.
#[derive(Deserialize)]
struct Versioned {
    manifest_version: u32,
}

impl Manifest {
    /// The search path as SQL: `app, public`.
    pub fn search_path_sql(&self) -> String {
        search_path_sql(&self.search_path)
    }

    /// The manifest as it is written: indented JSON and a line break.
    ///
    /// # Errors
    /// Only when it cannot be serialised, which is a defect.
    pub fn to_json(&self) -> Result<String> {
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| Error::internal(format!("could not serialise the manifest: {error}")))?;
        Ok(json + "\n")
    }

    /// Reads a manifest's text. `path` is where it came from, for messages.
    ///
    /// # Errors
    /// `Unsupported` when it is no manifest, or one of a version that this pgadvise does not know.
    pub fn parse(json: &str, path: &Path) -> Result<Self> {
        let malformed = |error: serde_json::Error| {
            Error::unsupported(format!("{} is not a manifest of pgadvise", path.display()))
                .with_detail(format!("{}.", describe(&error)))
                .with_hint("Give the manifest.json that pgadvise analyze wrote: pgadvise verify --manifest FILE.")
        };
        let version = serde_json::from_str::<Versioned>(json).map_err(malformed)?.manifest_version;
        if version != MANIFEST_VERSION {
            return Err(Error::unsupported(format!(
                "manifest version {version} of {} is not supported",
                path.display()
            ))
            .with_detail(format!(
                "This is pgadvise {}, which reads version {MANIFEST_VERSION}.",
                env!("CARGO_PKG_VERSION")
            ))
            .with_hint("Verify with the pgadvise that wrote it, or emit again with this one: pgadvise analyze."));
        }
        serde_json::from_str(json).map_err(malformed)
    }

    /// Reads the manifest in file `path`.
    ///
    /// # Errors
    /// `Unsupported` when the file cannot be read, and as [`Manifest::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let json = std::fs::read_to_string(path).map_err(|error| {
            Error::unsupported(format!("could not read manifest {}: {}", path.display(), reason(&error)))
                .with_hint("Write one with pgadvise analyze, or name it: pgadvise verify --manifest FILE.")
        })?;
        Self::parse(&json, path)
    }
}

/// What is wrong and where, without the values that serde_json quotes.
fn describe(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "A field is missing or of another kind",
        serde_json::error::Category::Eof => "It ends too early",
        _ => "It is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::pg::StatisticsKind;

    fn manifest() -> Manifest {
        Manifest {
            manifest_version: MANIFEST_VERSION,
            pgadvise_version: "0.1.0".into(),
            emitted_at: "2026-11-20T18:00:00Z".parse().unwrap(),
            framework: "sql".into(),
            server_version: "15.18".into(),
            database: "shop".into(),
            search_path: vec!["public".into()],
            what_if: Some(Backend::Hypopg),
            statistics: vec![ManifestStatistics {
                definition: StatisticsDefinition {
                    name: "orders_town_postcode_stats".into(),
                    relation: RelationName::new("public", "orders"),
                    columns: vec!["town".into(), "postcode".into()],
                    kinds: vec![StatisticsKind::Dependencies, StatisticsKind::Mcv],
                },
                migration: "0001_orders_town_postcode_stats.sql".into(),
                rollback: "rollback/0001_orders_town_postcode_stats.sql".into(),
                statements: vec![],
            }],
            indexes: vec![ManifestIndex {
                action: Action::CreateIndex,
                relation: RelationName::new("public", "orders"),
                name: "orders_userId_idx".into(),
                definition: IndexDefinition::btree(["userId"]),
                migration: "0001_orders_userId_idx.sql".into(),
                rollback: "rollback/0001_orders_userId_idx.sql".into(),
                index_bytes: Bytes(8192),
                statements: vec![ManifestStatement {
                    queryid: QueryId(-7),
                    text: Some("SELECT * FROM orders WHERE \"userId\" = $1".into()),
                    calls: 3.0,
                    cost_before: 560.97,
                    cost_after: 8.3,
                }],
            }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let json = manifest().to_json().unwrap();
        assert_eq!(Manifest::parse(&json, Path::new("manifest.json")).unwrap(), manifest());
        assert!(json.contains("\"queryid\": \"-7\""));
    }

    #[test]
    fn another_version_is_refused_before_its_fields_are_read() {
        let error = Manifest::parse(r#"{"manifest_version": 7, "steps": 1}"#, Path::new("m.json")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.message(), "manifest version 7 of m.json is not supported");
        assert!(error.hint().is_some());
    }

    #[test]
    fn what_is_no_manifest_is_refused_without_quoting_it() {
        for json in
            ["", "[]", "{}", "{\"manifest_version\": \"s3cret\"}", "{\"manifest_version\": 1, \"indexes\": \"s3cret\"}"]
        {
            let error = Manifest::parse(json, Path::new("m.json")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
