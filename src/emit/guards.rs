//! What a file for psql looks at before and after the statements of a step: leftovers of failed builds, the index that takes
//! over, whether a partitioned index is whole. Spells no index statement itself.

use super::ddl::drop_index;
use crate::advice::{PartitionIndex, Step};
use crate::pg::identifier::{dollar_quote, quote_literal};
use crate::pg::{RelationName, quote_identifier};

/// Of an index `i`: it is not valid, and nobody is building it now.
const IS_LEFTOVER: &str = "NOT i.indisvalid
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
                     JOIN pg_catalog.pg_locks AS l ON l.pid = p.pid AND l.database = p.datid
                    WHERE p.datname = pg_catalog.current_database() AND l.relation = i.indrelid
                      AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted) \\gexec
";

/// Drops the indexes that `step` builds where they are the invalid leftovers of builds that failed on these relations.
/// Anything else of such a name makes CREATE INDEX fail, as it should.
pub(super) fn drop_invalid_leftovers(step: &Step) -> String {
    let is_built = |part: &&PartitionIndex| !part.is_there && !part.is_partitioned;
    if step.partitions.is_empty() {
        return drop_invalid_leftover(&step.relation, &step.id);
    }
    let rows = step.partitions.iter().filter(is_built).map(|part| {
        let drop = drop_index(&part.relation.schema, &part.name).text();
        let index = qualified(&part.relation, &part.name);
        format!("    ({}, {}, {})", literal(&drop), literal(&index), literal(&part.relation.to_string()))
    });
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    // Those that are attached cannot be dropped, and are mended by REINDEX.
    format!(
        "SELECT own.drop\n  FROM (VALUES\n{}) AS own(drop, index, relation)\n  \
         JOIN pg_catalog.pg_index AS i ON i.indexrelid = pg_catalog.to_regclass(own.index)\n \
         WHERE i.indrelid = pg_catalog.to_regclass(own.relation)\n   \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = i.indexrelid)\n   \
         AND {IS_LEFTOVER}",
        rows.join(",\n")
    )
}

fn drop_invalid_leftover(relation: &RelationName, name: &str) -> String {
    format!(
        "SELECT {drop}\n  FROM pg_catalog.pg_index AS i\n WHERE i.indexrelid = pg_catalog.to_regclass({index})\n   \
         AND i.indrelid = pg_catalog.to_regclass({relation})\n   AND {IS_LEFTOVER}",
        drop = literal(&drop_index(&relation.schema, name).text()),
        index = literal(&qualified(relation, name)),
        relation = literal(&relation.to_string()),
    )
}

/// Stops the file unless the index that takes over is there and valid: whoever drops first, or drops though the build
/// failed, would leave statements without any.
pub(super) fn check_successor(step: &Step) -> String {
    let Some(successor) = &step.taken_over_by else { return String::new() };
    let index = qualified(&step.relation, successor);
    let message =
        format!("index {index} is missing or not valid, which does what {} does now", quote_identifier(&step.id));
    do_block(&format!(
        "BEGIN\n    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i\n                    \
         WHERE i.indexrelid = pg_catalog.to_regclass({index})\n                      \
         AND i.indrelid = pg_catalog.to_regclass({relation})\n                      AND i.indisvalid) THEN\n        \
         RAISE EXCEPTION USING MESSAGE = {message}, HINT = 'Create it first, then run this file again.';\n    \
         END IF;\nEND",
        index = literal(&index),
        relation = literal(&step.relation.to_string()),
        message = literal(&message),
    ))
}

/// Fails unless the partitioned index is valid in the end, and says where a part of it is missing: on a partition that
/// was made after this file, or where a part is attached and invalid.
pub(super) fn check_whole(step: &Step) -> String {
    let index = qualified(&step.relation, &step.id);
    let message = format!("index {index} is not valid: a valid part of it is missing on ");
    do_block(&format!(
        "DECLARE\n    lacking text;\nBEGIN\n    \
         IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i\n                    \
         WHERE i.indexrelid = pg_catalog.to_regclass({index})\n                      \
         AND i.indrelid = pg_catalog.to_regclass({relation})\n                      AND i.indisvalid) THEN\n        \
         SELECT pg_catalog.string_agg(t.relid::text, ', ' ORDER BY t.relid::text) INTO lacking\n          \
         FROM pg_catalog.pg_partition_tree({relation}) AS t\n         \
         WHERE t.isleaf AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree({index}) AS p\n                            \
         JOIN pg_catalog.pg_index AS i ON i.indexrelid = p.relid\n                           \
         WHERE i.indrelid = t.relid AND i.indisvalid);\n        \
         RAISE EXCEPTION USING MESSAGE = {message} || coalesce(lacking, 'no partition, so that it has to be attached'),\n            \
         HINT = 'Create it there concurrently and attach it, or rebuild it with REINDEX INDEX CONCURRENTLY, \
         then run this file again.';\n    \
         END IF;\nEND",
        index = literal(&index),
        relation = literal(&step.relation.to_string()),
        message = literal(&message),
    ))
}

fn do_block(body: &str) -> String {
    let quote = dollar_quote(body);
    format!("DO {quote}\n{body}\n{quote};\n")
}

fn qualified(relation: &RelationName, index: &str) -> String {
    format!("{}.{}", quote_identifier(&relation.schema), quote_identifier(index))
}

fn literal(text: &str) -> String {
    quote_literal(text).trim_start().to_owned()
}
