//! `verify.sql`: the verdict of `pgadvise verify` on each index and statistics object, for plain psql. Whether statements use
//! the indexes it cannot say.

use super::canonical::Canonical;
use super::comment::line;
use super::framework::EmittedFile;
use super::manifest::{Manifest, ManifestIndex};
use crate::advice::Action;
use crate::pg::StatisticsDefinition;
use crate::pg::identifier::{dollar_quote, quote_literal};

/// The file's name in the folder of migrations.
const VERIFY_FILE: &str = "verify.sql";

/// The block that does the work for indexes; its comment at the top is for readers of the source, and `/*tag*/`,
/// `/*expected*/` and `/*search_path*/` are to be filled in.
const INDEXES: &str = include_str!("verify.sql");

/// The block that does the work for statistics objects. It has no `/*search_path*/`.
const STATISTICS: &str = include_str!("verify_statistics.sql");

/// How each block's last words begin.
const LAST_WORDS: &str = "'pgadvise verify: ";

/// Between both blocks: the second is run whatever the first found, which is kept.
const BETWEEN: &str = "\\set pgadvise_indexes_failed :ERROR\n\\set ON_ERROR_STOP on\n";

/// After both: ends with exit code 3 if the first block failed, as the second does by itself. A psql before 11 knows no
/// `ERROR`, fails here for that, and ends with the same code.
const AFTER: &str =
    "SELECT 'DO ''BEGIN RAISE EXCEPTION $m$pgadvise verify: not every index is as expected, see above$m$; END'''
 WHERE :'pgadvise_indexes_failed'::boolean \\gexec\n";

/// The script for the indexes and statistics objects of `manifest`.
pub fn file(manifest: &Manifest) -> EmittedFile {
    let (what, stop, blocks) = match (manifest.indexes.is_empty(), manifest.statistics.is_empty()) {
        (_, true) => ("index of this folder there, valid", "on", indexes_block(manifest, INDEXES)),
        (true, false) => {
            ("statistics object of this folder there, filled", "on", statistics_block(manifest, STATISTICS))
        }
        (false, false) => {
            let indexes = INDEXES.replace(LAST_WORDS, "'pgadvise verify, indexes: ");
            let statistics = STATISTICS.replace(LAST_WORDS, "'pgadvise verify, statistics objects: ");
            let (indexes, statistics) = (indexes_block(manifest, &indexes), statistics_block(manifest, &statistics));
            ("index and statistics object of this folder there", "off", [indexes, statistics].join(BETWEEN) + AFTER)
        }
    };
    let mut header = format!("-- Is each {what} and as it was meant?\n");
    header += &line("run", &format!("psql -X -f {VERIFY_FILE}   (any role, also on a replica, it changes nothing)"));
    header += &line("exit code", "0 everything is as expected, 3 something is not or is still being built");
    if !manifest.indexes.is_empty() {
        header += &line("see also", "pgadvise verify, which also checks that the statements use the indexes");
    }
    let encoding = if blocks.is_ascii() { "" } else { "\\encoding UTF8\n" };
    let content = format!("{encoding}{header}\\set ON_ERROR_STOP {stop}\n\\set VERBOSITY terse\n{blocks}");
    EmittedFile { path: VERIFY_FILE.to_owned(), content }
}

fn indexes_block(manifest: &Manifest, template: &str) -> String {
    let rows: Vec<String> = manifest.indexes.iter().map(expected_row).collect();
    block(template, &rows.join(",\n"), &quote_literal(&manifest.search_path_sql()))
}

fn statistics_block(manifest: &Manifest, template: &str) -> String {
    let rows: Vec<String> =
        manifest.statistics.iter().map(|statistics| expected_statistics_row(&statistics.definition)).collect();
    block(template, &rows.join(",\n"), "")
}

/// `template` without the comment at its top, its places filled in.
fn block(template: &str, rows: &str, path: &str) -> String {
    let body = template.split_once("DO /*tag*/").map_or(template, |(_, block)| block);
    let (before, after) = body.split_once("/*expected*/").unwrap_or((body, ""));
    let tag = dollar_quote(&format!("{rows}{path}"));
    format!("DO {tag}{before}{rows}{}", after.replace("/*tag*/", &tag).replace("/*search_path*/", path))
}

fn literal(text: &str) -> String {
    quote_literal(text).trim_start().to_owned()
}

fn expected_statistics_row(definition: &StatisticsDefinition) -> String {
    let array = |words: Vec<String>| format!("ARRAY[{}]::text[]", words.join(", "));
    format!(
        "    ({}, {}, {}, {}, {})",
        literal(&definition.relation.schema),
        literal(&definition.relation.name),
        literal(&definition.name),
        array(definition.columns.iter().map(|column| literal(column)).collect()),
        array(definition.kinds.iter().map(|kind| literal(kind.as_str())).collect()),
    )
}

fn expected_row(index: &ManifestIndex) -> String {
    let canonical = Canonical::of(&index.definition);
    let expressions: Vec<String> = canonical.expressions.iter().map(|sql| literal(sql)).collect();
    let predicate = canonical.predicate.as_ref().map_or_else(|| "NULL".to_owned(), |sql| literal(sql));
    format!(
        "    ({}, {}, {}, {}, {}, {}, ARRAY[{}]::text[], {predicate}::text)",
        index.action == Action::DropIndex,
        literal(&index.relation.schema),
        literal(&index.relation.name),
        literal(&index.name),
        canonical.is_unique,
        literal(&canonical.skeleton),
        expressions.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_its_places() {
        for (template, n_paths) in [(INDEXES, 1), (STATISTICS, 0)] {
            assert_eq!(template.matches("/*tag*/").count(), 2);
            assert_eq!(template.matches("/*expected*/").count(), 1);
            assert_eq!(template.matches("/*search_path*/").count(), n_paths);
            assert!(template.contains(LAST_WORDS));
        }
    }
}
