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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::test_catalog::{column, orders};
    use crate::snapshot::Extension;
    use crate::workload::test_workload;

    fn relation() -> Relation {
        let mut relation = orders();
        relation.columns.extend([
            column(20, "data", "jsonb", -1.0),
            column(21, "tags", "_text", -1.0),
            column(22, "during", "tstzrange", -1.0),
            column(23, "place", "point", -1.0),
        ]);
        relation.columns.iter_mut().for_each(|column| {
            column.base_type.category = match column.base_type.name.as_str() {
                "_text" => 'A',
                "tstzrange" => 'R',
                _ => column.base_type.category,
            }
        });
        relation
    }

    fn server(extensions: &[&str]) -> Server {
        let mut server = test_workload::snapshot().server;
        let created =
            |name: &&str| Extension { name: (*name).to_owned(), schema: "Ext".to_owned(), version: "1.0".to_owned() };
        server.extensions = extensions.iter().map(created).collect();
        server.available_extensions = vec!["pg_trgm".to_owned()];
        server
    }

    fn qual(name: &str, comparison: Comparison, comparand: &str) -> Qual {
        let comparand = Comparand::Literal(comparand.to_owned());
        Qual { target: IndexTarget::Column(name.to_owned()), comparison, comparand }
    }

    fn operator(name: &str, operator: &str) -> Qual {
        qual(name, Comparison::Operator(operator.to_owned()), "'x'")
    }

    fn found(search: &Search, server: &Server) -> (Vec<String>, Vec<String>) {
        let found = search.indexes(&relation(), server, &Operators::default());
        let shown = found.definitions.iter().map(|definition| definition.body().replace("USING ", "")).collect();
        (shown, found.refused.into_iter().map(|(_, reason)| reason).collect())
    }

    fn indexes(quals: &[Qual]) -> Vec<String> {
        found(&Search::of(quals, &[], None), &server(&["pg_trgm"])).0
    }

    #[test]
    fn documents_take_the_class_that_answers_all_their_operators() {
        assert_eq!(indexes(&[operator("data", "@>")]), ["gin (data jsonb_path_ops)"]);
        assert_eq!(indexes(&[operator("data", "?")]), ["gin (data)"]);
        assert_eq!(indexes(&[operator("data", "@>"), operator("data", "?&")]), ["gin (data)"]);
        let empty = qual("data", Comparison::Operator("@>".to_owned()), "'{\"a\": { }}'");
        assert_eq!(indexes(&[empty]), ["gin (data)"], "jsonb_path_ops knows no empty documents");
    }

    #[test]
    fn another_statement_decides_with_it() {
        let contains = Search::of(&[operator("data", "@>")], &[], None);
        let mut workload = Operators::default();
        workload.add(Oid(1), &contains);
        workload.add(Oid(1), &Search::of(&[operator("data", "?")], &[], None));
        let found = contains.indexes(&relation(), &server(&[]), &workload);
        assert_eq!(found.definitions[0].body(), "USING gin (data)");
    }

    #[test]
    fn each_type_has_its_access_method() {
        assert_eq!(indexes(&[operator("tags", "&&")]), ["gin (tags)"]);
        assert_eq!(indexes(&[operator("during", "@>")]), ["gist (during)"]);
        assert_eq!(indexes(&[operator("place", "<@")]), ["gist (place)"]);
        assert_eq!(
            indexes(&[operator("tags", "@>"), operator("data", "@>")]),
            ["gin (data jsonb_path_ops, tags)", "gin (data jsonb_path_ops)", "gin (tags)"]
        );
        let nearest = Distance { target: IndexTarget::Column("place".to_owned()), operator: "<->".to_owned() };
        assert_eq!(found(&Search::of(&[], &[], Some(&nearest)), &server(&[])).0, ["gist (place)"]);
    }

    #[test]
    fn a_class_of_an_extension_needs_it_and_is_named_with_its_schema() {
        let infix = || Search::of(&[qual("note", Comparison::Pattern, "'%x%'")], &[], None);
        assert_eq!(found(&infix(), &server(&["pg_trgm"])).0, ["gin (note \"Ext\".gin_trgm_ops)"]);
        let (shown, refused) = found(&infix(), &server(&[]));
        assert!(shown.is_empty() && refused[0].contains("CREATE EXTENSION pg_trgm"), "{refused:?}");
        let mut nowhere = server(&[]);
        nowhere.available_extensions.clear();
        assert!(found(&infix(), &nowhere).1[0].contains("not available"));
    }

    #[test]
    fn scalars_stand_before_a_range_where_btree_gist_is() {
        let search = || Search::of(&[operator("during", "&&")], &[], None).beside(vec!["tenant".into()]);
        assert_eq!(found(&search(), &server(&["btree_gist"])).0, ["gist (during)", "gist (tenant, during)"]);
        assert_eq!(found(&search(), &server(&[])).0, ["gist (during)"]);
    }

    #[test]
    fn an_operator_that_no_class_answers_is_refused_by_name() {
        let (shown, refused) = found(&Search::of(&[operator("payload", "@>")], &[], None), &server(&[]));
        assert!(shown.is_empty());
        assert_eq!(refused, ["no operator class known here answers @> over type json"]);
    }
}
