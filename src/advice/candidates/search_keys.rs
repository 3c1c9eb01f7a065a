//! Indexes by which the values inside columns are searched: containment, overlap, full text, trigrams, distance. From
//! what a scan asks to definitions of GIN and GiST indexes; scans with nothing of the kind have none.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, Oid};
use crate::snapshot::{Relation, Server};
use crate::sql::{Comparand, Comparison, Distance, Qual};

use super::keys::KEY_COLUMNS_MAX;
use super::operator_class::{self, OperatorClass, PATTERN, ValueType};

/// A qual that a scan has by a join: its target, and the operator with that target on the left.
pub type JoinedOperator = (IndexTarget, String);

/// What a scan asks of the values inside columns.
#[derive(Debug, Default)]
pub struct Search {
    /// The operators that each target is on the left of.
    operators: BTreeMap<IndexTarget, Vec<String>>,
    /// Targets that are compared with a document that holds an empty one: `{"a": {}}`.
    with_empty_documents: Vec<IndexTarget>,
    /// The distance that rows are sorted by.
    nearest: Option<Distance>,
    /// Key columns that are compared with one value each.
    equalities: Vec<IndexColumn>,
}

/// The operators by which the whole workload searches each target of each relation.
#[derive(Debug, Default)]
pub struct Operators(BTreeMap<(Oid, IndexTarget), BTreeSet<String>>);

impl Operators {
    /// Adds what a scan of `relation` asks.
    pub fn add(&mut self, relation: Oid, search: &Search) {
        for (target, operators) in &search.operators {
            self.0.entry((relation, target.clone())).or_default().extend(operators.iter().cloned());
        }
    }

    fn of(&self, relation: Oid, target: &IndexTarget) -> Vec<&str> {
        let known = self.0.get(&(relation, target.clone()));
        known.map_or_else(Vec::new, |operators| operators.iter().map(String::as_str).collect())
    }
}

/// The definitions that serve a search, and what was asked for and cannot be, with the reason.
#[derive(Debug, Default)]
pub struct Found {
    /// The fullest use first, for each access method.
    pub definitions: Vec<IndexDefinition>,
    /// What cannot be.
    pub refused: Vec<(IndexDefinition, String)>,
}

impl Search {
    /// What `quals` and joins ask, and the sort key.
    pub fn of(quals: &[Qual], joined: &[JoinedOperator], nearest: Option<&Distance>) -> Self {
        let mut search = Self { nearest: nearest.cloned(), ..Self::default() };
        for qual in quals {
            let operator = match &qual.comparison {
                Comparison::Pattern => PATTERN,
                Comparison::Operator(operator) => operator,
                _ => continue,
            };
            search.add(&qual.target, operator);
            if matches!(&qual.comparand, Comparand::Literal(document) if holds_empty_document(document)) {
                search.with_empty_documents.push(qual.target.clone());
            }
        }
        for (target, operator) in joined {
            search.add(target, operator);
        }
        search
    }

    /// The same beside key columns that are compared with one value each.
    pub fn beside(self, equalities: Vec<IndexColumn>) -> Self {
        Self { equalities, ..self }
    }

    fn add(&mut self, target: &IndexTarget, operator: &str) {
        let operators = self.operators.entry(target.clone()).or_default();
        if !operators.iter().any(|known| known == operator) {
            operators.push(operator.to_owned());
        }
    }

    /// The indexes that serve it on `relation` of `server`, in a workload with these `operators`.
    pub fn indexes(&self, relation: &Relation, server: &Server, workload: &Operators) -> Found {
        let mut found = Found::default();
        let mut keys: BTreeMap<AccessMethod, Vec<IndexColumn>> = BTreeMap::new();
        for (target, operators) in &self.operators {
            let Some(value) = ValueType::of(relation, target) else { continue };
            let operators: Vec<&str> = operators.iter().map(String::as_str).collect();
            let classes = self.classes(target, &value, &operators, &workload.of(relation.oid, target));
            if classes.is_empty() {
                found.refuse(AccessMethod::Gin, target, no_class(&operators, &value));
            }
            found.add_keys(&classes, target, server, &mut keys);
        }
        for (access_method, keys) in &keys {
            let together = one_for_each_target(keys);
            found.add(access_method, together.clone());
            self.add_led_by_equalities(relation, server, access_method, &together, &mut found);
            for key in keys {
                found.add(access_method, vec![key.clone()]);
            }
        }
        self.add_nearest(relation, server, &mut found);
        found
    }

    /// The operator classes for one target: GIN's where there are any, for they answer faster, else GiST's. One that
    /// answers all that the `workload` asks of the target goes before one that only serves these `operators` better.
    fn classes(
        &self,
        target: &IndexTarget,
        value: &ValueType,
        operators: &[&str],
        workload: &[&str],
    ) -> Vec<&'static OperatorClass> {
        let of_method = |access_method| {
            let mut classes = operator_class::answering(access_method, value, operators);
            classes.retain(|class| !class.is_for_scalars());
            let asked = if workload.is_empty() { operators } else { workload };
            without_lesser(classes, asked, self.with_empty_documents.contains(target))
        };
        let gin: Vec<&OperatorClass> = of_method(&AccessMethod::Gin);
        if gin.is_empty() { of_method(&AccessMethod::Gist) } else { gin }
    }

    /// The keys behind the scalars that are compared with one value, where an extension knows these.
    fn add_led_by_equalities(
        &self,
        relation: &Relation,
        server: &Server,
        access_method: &AccessMethod,
        keys: &[IndexColumn],
        found: &mut Found,
    ) {
        let mut led: Vec<IndexColumn> = Vec::new();
        for equality in &self.equalities {
            let class = ValueType::of(relation, &equality.target)
                .and_then(|value| operator_class::beside(access_method, &value));
            match class.map(|class| class.spelling(server)) {
                Some(Ok(_)) => led.push(IndexColumn::ascending(equality.target.clone())),
                Some(Err(reason)) if *access_method == AccessMethod::Gist => {
                    let scalar = IndexColumn::ascending(equality.target.clone());
                    let wanted = std::iter::once(scalar).chain(keys.iter().cloned()).collect();
                    found.refused.push((definition(access_method, wanted), reason));
                }
                _ => {}
            }
        }
        if !led.is_empty() {
            led.truncate(KEY_COLUMNS_MAX.saturating_sub(keys.len()).max(1));
            led.extend(keys.iter().cloned());
            found.add(access_method, led);
        }
    }

    fn add_nearest(&self, relation: &Relation, server: &Server, found: &mut Found) {
        let Some(Distance { target, operator }) = &self.nearest else { return };
        let Some(value) = ValueType::of(relation, target) else { return };
        let Some(class) = operator_class::ordering(&value, operator) else { return };
        match class.spelling(server) {
            Ok(opclass) => {
                let key = IndexColumn { opclass, ..IndexColumn::ascending(target.clone()) };
                self.add_led_by_equalities(relation, server, &AccessMethod::Gist, std::slice::from_ref(&key), found);
                found.add(&AccessMethod::Gist, vec![key]);
            }
            Err(reason) => found.refused.push((class.without_schema(target), reason)),
        }
    }
}

impl Found {
    /// Adds the key that each of `classes` makes of `target` to those of its access method, or the reason why none does.
    fn add_keys(
        &mut self,
        classes: &[&OperatorClass],
        target: &IndexTarget,
        server: &Server,
        keys: &mut BTreeMap<AccessMethod, Vec<IndexColumn>>,
    ) {
        let mut refused = Vec::new();
        let mut n_keys = 0;
        for class in classes {
            match class.spelling(server) {
                Ok(opclass) => {
                    let key = IndexColumn { opclass, ..IndexColumn::ascending(target.clone()) };
                    keys.entry(class.access_method()).or_default().push(key);
                    n_keys += 1;
                }
                Err(reason) => refused.push((class.without_schema(target), reason)),
            }
        }
        if n_keys == 0 {
            self.refused.extend(refused);
        }
    }

    fn add(&mut self, access_method: &AccessMethod, keys: Vec<IndexColumn>) {
        let definition = definition(access_method, keys);
        if !definition.key_columns.is_empty() && !self.definitions.contains(&definition) {
            self.definitions.push(definition);
        }
    }

    fn refuse(&mut self, access_method: AccessMethod, target: &IndexTarget, reason: String) {
        self.refused.push((definition(&access_method, vec![IndexColumn::ascending(target.clone())]), reason));
    }
}

/// The first key for each target: those of one index.
fn one_for_each_target(keys: &[IndexColumn]) -> Vec<IndexColumn> {
    let mut together: Vec<IndexColumn> = Vec::new();
    for key in keys {
        if together.len() < KEY_COLUMNS_MAX && !together.iter().any(|known| known.target == key.target) {
            together.push(key.clone());
        }
    }
    together
}

fn definition(access_method: &AccessMethod, key_columns: Vec<IndexColumn>) -> IndexDefinition {
    IndexDefinition { access_method: access_method.clone(), key_columns, ..IndexDefinition::btree([] as [&str; 0]) }
}

/// Leaves out the classes of which another one answers all that they do of `operators`, and more or the same better. An
/// extension's class for the same operators may be the only one whose operators the statement means: it stays.
fn without_lesser<'c>(
    mut classes: Vec<&'c OperatorClass>,
    operators: &[&str],
    has_empty_documents: bool,
) -> Vec<&'c OperatorClass> {
    if has_empty_documents {
        // jsonb_path_ops has no entry for a document without values, and would read the whole index for it.
        classes.reverse();
    }
    let mut kept: Vec<&OperatorClass> = Vec::new();
    for (position, class) in classes.iter().enumerate() {
        let is_lesser = classes.iter().enumerate().any(|(other_position, other)| {
            let (own, others) = (class.n_answered(operators), other.n_answered(operators));
            class.extension == other.extension && (others > own || others == own && other_position < position)
        });
        if !is_lesser {
            kept.push(class);
        }
    }
    kept
}

fn holds_empty_document(literal: &str) -> bool {
    let dense: String = literal.chars().filter(|c| !c.is_whitespace()).collect();
    dense.contains("{}") || dense.contains("[]")
}

fn no_class(operators: &[&str], value: &ValueType) -> String {
    format!("no operator class known here answers {} over type {}", operators.join(", "), value.name)
}
