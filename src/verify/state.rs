//! One index of a manifest against the live catalog: its state. Pure, given which live indexes are the same.

use super::catalog::{Build, LiveCatalog, LiveIndex};
use super::compare::differences;
use super::verdict::{IndexState, IndexVerdict, Usage};
use crate::advice::Action;
use crate::emit::{Canonical, ManifestIndex};
use crate::pg::{Oid, quote_identifier};

/// A live index of the relation, and whether it is what is wanted; `None` when that cannot be told.
pub(super) type Candidate<'a> = (&'a LiveIndex, Option<bool>);

/// The verdict on `wanted`, without its statements.
pub(super) fn judge(wanted: &ManifestIndex, candidates: &[Candidate<'_>], catalog: &LiveCatalog) -> IndexVerdict {
    let own = candidates.iter().find(|(index, _)| index.name == wanted.name);
    let relation = catalog.named(&wanted.relation.schema, &wanted.relation.name).map(|named| named.oid);
    let mut verdict = IndexVerdict {
        action: wanted.action,
        relation: wanted.relation.clone(),
        name: wanted.name.clone(),
        state: IndexState::Missing,
        differences: vec![],
        equivalents: vec![],
        note: None,
        n_scans: own.and_then(|(index, _)| index.n_scans),
        usage: Usage::NotApplicable,
        names_in_plans: vec![],
        statements: vec![],
    };
    match wanted.action {
        Action::CreateIndex => judge_created(&mut verdict, wanted, own, relation, catalog),
        Action::DropIndex => verdict.state = state_of_dropped(own),
    }
    if wanted.action == Action::CreateIndex {
        apply_equivalents(&mut verdict, candidates);
    }
    verdict.names_in_plans = names_in_plans(&verdict, catalog);
    verdict
}

fn judge_created(
    verdict: &mut IndexVerdict,
    wanted: &ManifestIndex,
    own: Option<&Candidate<'_>>,
    relation: Option<Oid>,
    catalog: &LiveCatalog,
) {
    let Some(relation) = relation else {
        verdict.state = IndexState::MissingRelation;
        return;
    };
    let builds: Vec<&Build> = catalog.builds.iter().filter(|build| build.relation == relation).collect();
    let builds_part = |whole: Oid, build: &&Build| {
        catalog.parts_of(whole).any(|part| part.relation == build.relation && !part.is_usable)
    };
    let build = match own {
        Some((index, _)) if index.is_usable => None,
        Some((index, _)) => {
            let own = builds.into_iter().find(|build| build.index.is_none_or(|oid| oid == index.oid));
            own.or_else(|| catalog.builds.iter().find(|build| builds_part(index.oid, build)))
        }
        None if catalog.named(&wanted.relation.schema, &wanted.name).is_some() => None,
        None => builds.into_iter().find(|build| may_be_unseen(build, verdict, catalog)),
    };
    verdict.state = match (own, build) {
        (_, Some(build)) => {
            verdict.note = Some(progress(build));
            IndexState::Building
        }
        (Some((index, _)), None) if !index.is_usable => {
            verdict.note = Some(how_to_mend(wanted, index, catalog));
            IndexState::Invalid
        }
        (Some((_, Some(true))), None) => IndexState::Ok,
        (Some((index, Some(false))), None) => {
            verdict.differences = differences(&Canonical::of(&wanted.definition), &index.canonical);
            IndexState::Different
        }
        (Some((_, None)), None) => {
            let relation = &wanted.relation;
            verdict.note =
                Some(format!("the role may not SELECT from {relation}, so that definitions can be compared"));
            IndexState::NotComparable
        }
        (None, None) => match catalog.named(&wanted.relation.schema, &wanted.name) {
            Some(holder) => {
                verdict.note = Some(format!("{} has the name", kind_of_relation(&holder.kind)));
                IndexState::NameTaken
            }
            None => IndexState::Missing,
        },
    };
}

/// What to do about an index that is not valid.
fn how_to_mend(wanted: &ManifestIndex, index: &LiveIndex, catalog: &LiveCatalog) -> String {
    let migration = &wanted.migration;
    if catalog.parts_of(index.oid).next().is_none() {
        return format!("run {migration} again, which drops it first");
    }
    let leaves = catalog.parts_of(index.oid).filter(|part| part.is_leaf && !part.is_usable);
    let lacking: Vec<&str> = leaves.map(|part| part.relation_name.as_str()).collect();
    let why = match lacking.as_slice() {
        [] => "its parts are not attached".to_owned(),
        lacking => format!("a valid part of it is missing on {}", lacking.join(", ")),
    };
    format!("{why}: run {migration} again, which goes on where it stopped")
}

/// Whether `build` may be building an index that the catalog does not show yet: it is seen to build one that is not
/// visible, or it is not seen what it builds, and no invalid index of the relation accounts for it.
fn may_be_unseen(build: &Build, verdict: &IndexVerdict, catalog: &LiveCatalog) -> bool {
    match build.index {
        Some(_) => !build.is_visible,
        None => catalog.indexes_of(&verdict.relation).all(|index| index.is_usable),
    }
}

/// A drop is judged by name and definition: another index that took the name since is not the one to be dropped.
fn state_of_dropped(own: Option<&Candidate<'_>>) -> IndexState {
    match own {
        Some((_, Some(true) | None)) => IndexState::NotDropped,
        Some((_, Some(false))) | None => IndexState::Dropped,
    }
}

/// An index that is the same under another name does what was promised.
fn apply_equivalents(verdict: &mut IndexVerdict, candidates: &[Candidate<'_>]) {
    let others = candidates
        .iter()
        .filter(|(index, is_same)| *is_same == Some(true) && index.is_usable && index.name != verdict.name);
    verdict.equivalents = others.clone().map(|(index, _)| index.name.clone()).collect();
    let can_stand_in = matches!(
        verdict.state,
        IndexState::Missing | IndexState::Different | IndexState::NameTaken | IndexState::NotComparable
    );
    if can_stand_in && !verdict.equivalents.is_empty() {
        verdict.state = IndexState::OtherName;
        verdict.n_scans = others.filter_map(|(index, _)| index.n_scans).max();
    }
}

fn progress(build: &Build) -> String {
    let mut text = format!("pid {}", build.pid);
    if let Some(phase) = &build.phase {
        text += &format!(", {phase}");
    }
    if let Some((done, total)) = build.blocks.filter(|(_, total)| *total > 0) {
        text += &format!(", block {done} of {total}");
    }
    if let Some((done, total)) = build.lockers.filter(|(_, total)| *total > 0) {
        text += &format!(", waited for {done} of {total} transactions");
    }
    text
}

/// `pg_class.relkind` in words.
fn kind_of_relation(code: &str) -> &'static str {
    match code {
        "r" | "p" => "a table",
        "i" | "I" => "an index of another relation",
        "S" => "a sequence",
        "v" | "m" => "a view",
        "c" => "a composite type",
        "f" => "a foreign table",
        _ => "another relation",
    }
}

/// The schemas and names that count as the index in a plan: its own, where it is what was meant, and its equivalents, and of
/// partitioned ones those of their parts.
fn names_in_plans(verdict: &IndexVerdict, catalog: &LiveCatalog) -> Vec<(String, String)> {
    let own = (verdict.state == IndexState::Ok).then_some(&verdict.name);
    let is_meant = |name: &String| own == Some(name) || verdict.equivalents.contains(name);
    let mut names = Vec::new();
    for index in catalog.indexes_of(&verdict.relation).filter(|index| is_meant(&index.name)) {
        names.push((verdict.relation.schema.clone(), index.name.clone()));
        names.extend(catalog.parts_of(index.oid).filter_map(|part| part.index.clone()));
    }
    names
}

/// `public.orders_idx`, quoted.
pub fn qualified(verdict: &IndexVerdict) -> String {
    format!("{}.{}", quote_identifier(&verdict.relation.schema), quote_identifier(&verdict.name))
}
