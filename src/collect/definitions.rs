//! Reads what the server has to turn back into SQL, for which it opens the relation: index expressions and predicates,
//! check constraints, generated columns, partition keys, policies, rules, views; and sizes. A relation that another
//! session has locked is left out, and said.

use std::collections::{BTreeMap, BTreeSet};

use super::constraints::CheckDefinition;
use super::index_definition::Expressions;
use super::query::{
    CHECK_EXPRESSIONS, GENERATION_EXPRESSIONS, INDEX_EXPRESSIONS, PARTITION_KEYS, POLICIES, RULES, SIZES,
    STATISTICS_EXPRESSIONS, VIEW_DEFINITIONS,
};
use super::reader::{Guarded, Reader};
use crate::db::{Failure, Row, Transaction};
use crate::error::Result;
use crate::pg::Oid;
use crate::snapshot::schema::Policy;

/// Relations in one transaction. Each is locked for a moment only.
const RELATIONS_MAX: usize = 1_000;
/// Views in one transaction: those and the relations that they read stay locked (ACCESS SHARE) until it ends, and the
/// server has room for few locks (`max_locks_per_transaction`, 64 by default).
const VIEWS_MAX: usize = 50;

/// The SQL of what belongs to relations.
#[derive(Default)]
pub(super) struct Definitions {
    /// By index.
    pub indexes: BTreeMap<Oid, Expressions>,
    /// Check and exclusion constraints, by constraint.
    pub checks: BTreeMap<Oid, CheckDefinition>,
    /// Generation expressions, by relation and attribute number.
    pub generated: BTreeMap<(Oid, i16), String>,
    /// Policies, by relation.
    pub policies: BTreeMap<Oid, Vec<Policy>>,
    /// Expressions of extended statistics, by object.
    pub statistics: BTreeMap<Oid, String>,
    /// By relation.
    pub partition_keys: BTreeMap<Oid, String>,
    /// Relations that were locked.
    pub refused: BTreeSet<Oid>,
}

/// The definitions of what belongs to `relations`, but not of views.
pub(super) fn read(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<Definitions> {
    let Guarded { values, refused } = reader.read_guarded(relations, RELATIONS_MAX, &read_piece)?;
    let mut definitions = Definitions { refused, ..Definitions::default() };
    for piece in values {
        definitions.indexes.extend(piece.indexes);
        definitions.checks.extend(piece.checks);
        definitions.generated.extend(piece.generated);
        definitions.policies.extend(piece.policies);
        definitions.statistics.extend(piece.statistics);
        definitions.partition_keys.extend(piece.partition_keys);
    }
    Ok(definitions)
}

fn read_piece(transaction: &mut Transaction<'_>, relations: &[Oid]) -> std::result::Result<Definitions, Failure> {
    let mut indexes = BTreeMap::new();
    for row in transaction.query(&INDEX_EXPRESSIONS, &[&relations])? {
        let read =
            Expressions { expressions: row.optional_text("expressions")?, predicate: row.optional_text("predicate")? };
        indexes.insert(row.get("index")?, read);
    }
    Ok(Definitions {
        indexes,
        checks: read_checks(transaction, relations)?,
        generated: read_generated(transaction, relations)?,
        policies: read_policies(transaction, relations)?,
        statistics: texts(&transaction.query(&STATISTICS_EXPRESSIONS, &[&relations])?, "oid", "expressions")?,
        partition_keys: texts(&transaction.query(&PARTITION_KEYS, &[&relations])?, "relation", "definition")?,
        refused: BTreeSet::new(),
    })
}

fn read_checks(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> std::result::Result<BTreeMap<Oid, CheckDefinition>, Failure> {
    let mut checks = BTreeMap::new();
    for row in transaction.query(&CHECK_EXPRESSIONS, &[&relations])? {
        let read = CheckDefinition {
            expression: row.optional_text("expression")?,
            definition: row.optional_text("definition")?,
        };
        checks.insert(row.get("oid")?, read);
    }
    Ok(checks)
}

fn read_generated(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> std::result::Result<BTreeMap<(Oid, i16), String>, Failure> {
    let mut generated = BTreeMap::new();
    for row in transaction.query(&GENERATION_EXPRESSIONS, &[&relations])? {
        if let Some(expression) = row.optional_text("expression")? {
            generated.insert((row.get("relation")?, row.get("number")?), expression);
        }
    }
    Ok(generated)
}

fn read_policies(
    transaction: &mut Transaction<'_>,
    relations: &[Oid],
) -> std::result::Result<BTreeMap<Oid, Vec<Policy>>, Failure> {
    let mut policies: BTreeMap<Oid, Vec<Policy>> = BTreeMap::new();
    for row in transaction.query(&POLICIES, &[&relations])? {
        let policy = Policy {
            name: row.text("name")?,
            is_permissive: row.get("is_permissive")?,
            command: row.text("command")?,
            roles: row.texts("roles")?,
            using: row.optional_text("using")?,
            check: row.optional_text("check")?,
        };
        policies.entry(row.get("relation")?).or_default().push(policy);
    }
    Ok(policies)
}

/// Rewrite rules by relation.
pub(super) type Rules = BTreeMap<Oid, Vec<String>>;

/// The rewrite rules of `relations`, and the relations that are locked or whose rules name a locked one.
pub(super) fn read_rules(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<(Rules, BTreeSet<Oid>)> {
    let guarded = reader.read_guarded(relations, VIEWS_MAX, &|transaction, piece| {
        let mut rules = Rules::new();
        for row in transaction.query(&RULES, &[&piece])? {
            if let Some(definition) = row.optional_text("definition")? {
                rules.entry(row.get("relation")?).or_default().push(definition);
            }
        }
        Ok(rules)
    })?;
    Ok((guarded.values.into_iter().flatten().collect(), guarded.refused))
}

/// The queries of `views`, and the views that read, or are, a locked relation.
pub(super) fn read_views(reader: &mut Reader<'_>, views: &[Oid]) -> Result<(BTreeMap<Oid, String>, BTreeSet<Oid>)> {
    let guarded = reader.read_guarded(views, VIEWS_MAX, &|transaction, piece| {
        texts(&transaction.query(&VIEW_DEFINITIONS, &[&piece])?, "relation", "definition")
    })?;
    Ok((guarded.values.into_iter().flatten().collect(), guarded.refused))
}

/// The current sizes in blocks of `relations` and of their indexes, and the relations that are locked.
pub(super) fn read_blocks(reader: &mut Reader<'_>, relations: &[Oid]) -> Result<(BTreeMap<Oid, u64>, BTreeSet<Oid>)> {
    let guarded = reader.read_guarded(relations, RELATIONS_MAX, &|transaction, piece| {
        let mut sizes = Vec::new();
        for row in transaction.query(&SIZES, &[&piece])? {
            sizes.push((row.get("oid")?, row.get::<i64>("n_pages")?.unsigned_abs()));
        }
        Ok(sizes)
    })?;
    Ok((guarded.values.into_iter().flatten().collect(), guarded.refused))
}

/// The texts of `rows` by oid; a NULL, of something dropped in between, is left out.
fn texts(rows: &[Row], oid: &str, text: &str) -> std::result::Result<BTreeMap<Oid, String>, Failure> {
    let mut texts = BTreeMap::new();
    for row in rows {
        if let Some(text) = row.optional_text(text)? {
            texts.insert(row.get(oid)?, text);
        }
    }
    Ok(texts)
}
