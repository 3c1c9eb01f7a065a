//! `verify.sql`: the verdict of `pgadvise verify` on each index, for plain psql. Whether statements use the indexes it cannot say.

use super::canonical::Canonical;
use super::comment::line;
use super::framework::EmittedFile;
use super::manifest::{Manifest, ManifestIndex};
use crate::advice::Action;
use crate::pg::identifier::quote_literal;

/// The file's name in the folder of migrations.
const VERIFY_FILE: &str = "verify.sql";

/// The block that does the work; its comment at the top is for readers of the source, and `/*tag*/`,
/// `/*expected*/` and `/*search_path*/` are to be filled in.
const TEMPLATE: &str = include_str!("verify.sql");

/// The script for the indexes of `manifest`.
pub fn file(manifest: &Manifest) -> EmittedFile {
    let rows: Vec<String> = manifest.indexes.iter().map(expected_row).collect();
    let rows = rows.join(",\n");
    let body = TEMPLATE.split_once("DO /*tag*/").map_or(TEMPLATE, |(_, block)| block);
    let (before, after) = body.split_once("/*expected*/").unwrap_or((body, ""));
    let path = quote_literal(&manifest.search_path_sql());
    let tag = absent_tag(&format!("{rows}{path}"));
    let block = format!("DO {tag}{before}{rows}{}", after.replace("/*tag*/", &tag).replace("/*search_path*/", &path));
    let mut header = String::from("-- Is each index of this folder there, valid and as it was meant?\n");
    header += &line("run", &format!("psql -X -f {VERIFY_FILE}   (any role, also on a replica, it changes nothing)"));
    header += &line("exit code", "0 everything is as expected, 3 something is not or is still being built");
    header += &line("see also", "pgadvise verify, which also checks that the statements use the indexes");
    let encoding = if block.is_ascii() { "" } else { "\\encoding UTF8\n" };
    let content = format!("{encoding}{header}\\set ON_ERROR_STOP on\n\\set VERBOSITY terse\n{block}");
    EmittedFile { path: VERIFY_FILE.to_owned(), content }
}

fn expected_row(index: &ManifestIndex) -> String {
    let canonical = Canonical::of(&index.definition);
    let literal = |text: &str| quote_literal(text).trim_start().to_owned();
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

/// A dollar quote that does not occur in `text`.
fn absent_tag(text: &str) -> String {
    let mut tag = "$pgadvise$".to_owned();
    let mut number = 0;
    while text.contains(&tag) {
        number += 1;
        tag = format!("$pgadvise{number}$");
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_its_places() {
        assert_eq!(TEMPLATE.matches("/*tag*/").count(), 2);
        assert_eq!(TEMPLATE.matches("/*expected*/").count(), 1);
        assert_eq!(TEMPLATE.matches("/*search_path*/").count(), 1);
    }

    #[test]
    fn the_tag_is_absent() {
        assert_eq!(absent_tag("a"), "$pgadvise$");
        assert_eq!(absent_tag("$pgadvise$ $pgadvise1$"), "$pgadvise2$");
    }
}
