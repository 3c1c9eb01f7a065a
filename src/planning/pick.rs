//! Which value stands for which parameter: a list of candidates each, the best first. Pure; knows the catalog and its
//! statistics, asks no server.

use std::collections::BTreeMap;

use super::call_argument::{fitting_words, regular_expressions};
use super::default_value::default_value;
use super::substitute::typed_literal;
use super::typed::Typed;
use super::{document, values};
use crate::pg::{IndexTarget, Oid};
use crate::snapshot::{Catalog, Column, ColumnStatistics, Snapshot};
use crate::sql::repair::SQUASHED_LIST_ELEMENTS;
use crate::sql::{Comparison, ParameterPlace, ParameterUse};
use crate::workload::Statement;

/// The page that a LIMIT is taken for when the rows of the statement do not say more.
const PAGE_ROWS: f64 = 20.0;
/// What a text parameter of unknown use may have to be: a number, a unit of time, a zone, JSON.
const OTHER_TEXTS: [&str; 4] = ["1", "day", "UTC", "{}"];

/// The candidates of one parameter as SQL, and which one is in use.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picked {
    candidates: Vec<String>,
    at: usize,
    /// Whether the first candidate comes from statistics or from the parameter's place, not from its type alone.
    is_known: bool,
}

impl Picked {
    /// Whether the first value that was thought of is in use: the server has not refused it.
    pub(super) fn is_first_choice(&self) -> bool {
        self.at == 0
    }

    /// The SQL that takes the parameter's place.
    pub(super) fn sql(&self) -> &str {
        self.candidates.get(self.at).map_or("NULL", String::as_str)
    }
}

/// Picks values from the statistics of one snapshot.
pub(super) struct Picker<'s> {
    catalog: Catalog<'s>,
}

impl<'s> Picker<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        Self { catalog: Catalog::new(snapshot) }
    }

    pub(super) fn catalog(&self) -> &Catalog<'s> {
        &self.catalog
    }

    /// A value for each parameter for which there is one. `uses` says where the parameters of `typed` stand.
    pub(super) fn values(
        &self,
        typed: &Typed,
        uses: &BTreeMap<u32, ParameterUse>,
        statement: &Statement,
    ) -> BTreeMap<u32, Picked> {
        let words = fitting_words(&typed.text);
        let regular_expressions = regular_expressions(&typed.text);
        let mut n_compared: BTreeMap<(Oid, &str), usize> = BTreeMap::new();
        let mut picked = BTreeMap::new();
        // `at >= $1 AND at < $2 + interval $3`: a time that is compared with nothing is taken for the one before it.
        let mut moment: Option<String> = None;
        for (number, type_sql) in (1..).zip(&typed.types) {
            let time = moment.clone().filter(|_| is_time(type_sql));
            let best = match uses.get(&number).map(|parameter| (&parameter.place, parameter.other_end)) {
                Some((ParameterPlace::Limit, _)) => Some(limit(statement).to_string()),
                Some((ParameterPlace::Offset, _)) => Some("0".to_owned()),
                Some((ParameterPlace::Compared { relation, target, comparison, .. }, other_end)) => {
                    self.column_of(*relation, target).and_then(|column| {
                        let nth = n_compared.entry((*relation, &column.name)).or_default();
                        *nth += 1;
                        let is_regex = regular_expressions.contains(&number);
                        let wanted = Wanted { column, target, comparison, type_sql, is_regex, nth: *nth - 1 };
                        self.compared(&wanted, other_end.is_some())
                    })
                }
                _ => words.get(&number).map(|word| (*word).to_owned()).or(time),
            };
            if moment.is_none() && is_time(type_sql) {
                moment.clone_from(&best);
            }
            if let Some(value) = self.candidates(best, type_sql) {
                picked.insert(number, value);
            }
        }
        picked
    }

    /// Exchanges the value that the server refused, or where it does not say which one, all those that are only
    /// guesses from types. A parameter that runs out of candidates gets none. Whether anything changed.
    pub(super) fn replace(values: &mut BTreeMap<u32, Picked>, culprit: Option<u32>) -> bool {
        let is_guess = |picked: &Picked| !picked.is_known || picked.at > 0;
        let all: Vec<u32> = values.keys().copied().collect();
        let guesses: Vec<u32> = all.iter().copied().filter(|number| values.get(number).is_some_and(is_guess)).collect();
        let chosen = match culprit {
            Some(number) => vec![number],
            None if guesses
                .iter()
                .any(|number| values.get(number).is_some_and(|picked| picked.at + 1 < picked.candidates.len())) =>
            {
                guesses
            }
            None => all,
        };
        for number in &chosen {
            let is_exhausted = values.get_mut(number).is_some_and(|picked| {
                picked.at += 1;
                picked.at >= picked.candidates.len()
            });
            if is_exhausted {
                values.remove(number);
            }
        }
        !chosen.is_empty()
    }

    /// The best value, then what the type alone allows, as constants of the type.
    fn candidates(&self, best: Option<String>, type_sql: &str) -> Option<Picked> {
        let is_known = best.is_some();
        let mut texts: Vec<String> = best.into_iter().collect();
        texts
            .extend(default_value(type_sql, self.catalog.snapshot().taken_at).or_else(|| self.value_of_type(type_sql)));
        if matches!(type_sql, "text" | "character varying") {
            texts.extend(OTHER_TEXTS.iter().map(|text| (*text).to_owned()));
        }
        let mut candidates: Vec<String> = texts.iter().map(|text| typed_literal(text, type_sql)).collect();
        candidates.dedup();
        (!candidates.is_empty()).then_some(Picked { candidates, at: 0, is_known })
    }

    /// A value that some column of the type holds: for enums, domains and the types of extensions.
    fn value_of_type(&self, type_sql: &str) -> Option<String> {
        let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let element_type = type_sql.strip_suffix("[]");
        let wanted = bare(element_type.unwrap_or(type_sql));
        let columns = self.catalog.snapshot().relations.iter().flat_map(|relation| &relation.columns);
        let mut of_type = columns.filter(|column| bare(&column.type_sql) == wanted);
        let value = of_type.find_map(|column| values::equal(column.best_statistics()?, 0))?;
        Some(if element_type.is_some() { values::array([value]) } else { value.to_owned() })
    }

    /// The column that is compared, or the only one that the compared expression names.
    pub(super) fn column_of(&self, relation: Oid, target: &IndexTarget) -> Option<&'s Column> {
        let relation = self.catalog.relation(relation)?;
        match target {
            IndexTarget::Column(name) => relation.column(name),
            IndexTarget::Expression(sql) => {
                let names = super::phrase::Phrase::new(sql).names();
                let mut columns = relation.columns.iter().filter(|column| names.contains(&column.name));
                columns.next().filter(|_| columns.next().is_none())
            }
        }
    }

    /// A value for a comparison with a column, from its statistics.
    fn compared(&self, wanted: &Wanted<'_>, is_one_of_two_ends: bool) -> Option<String> {
        let statistics = wanted.column.best_statistics()?;
        let typical = || values::equal(statistics, wanted.nth).map(str::to_owned);
        if let (IndexTarget::Expression(sql), 'U') = (wanted.target, wanted.column.base_type.category) {
            let document = values::equal(statistics, wanted.nth)?;
            return document::member(document, sql);
        }
        match wanted.comparison {
            Comparison::Greater | Comparison::GreaterOrEqual if is_one_of_two_ends => {
                values::interval(statistics).map(|(low, _)| low)
            }
            Comparison::Less | Comparison::LessOrEqual if is_one_of_two_ends => {
                values::interval(statistics).map(|(_, high)| high)
            }
            Comparison::Greater | Comparison::GreaterOrEqual => values::above(statistics),
            Comparison::Less | Comparison::LessOrEqual => values::below(statistics),
            Comparison::LikePrefix => typical().map(|value| values::like_prefix(&value)),
            _ if wanted.is_regex => typical().map(|value| values::regex_prefix(&value)),
            _ if wanted.is_element() => values::element(statistics, wanted.nth).map(str::to_owned),
            Comparison::Pattern => typical().map(|value| values::like_anywhere(&value)),
            Comparison::Operator(operator) => {
                for_operator(operator, wanted, statistics).or_else(|| typical().filter(|_| wanted.has_type_of_column()))
            }
            _ if wanted.is_list() => list(statistics),
            _ => typical(),
        }
    }
}

/// What a parameter is compared with.
struct Wanted<'a> {
    column: &'a Column,
    target: &'a IndexTarget,
    comparison: &'a Comparison,
    /// The parameter's type.
    type_sql: &'a str,
    /// Whether it is a regular expression.
    is_regex: bool,
    /// How many parameters before it are compared with the same column.
    nth: usize,
}

impl Wanted<'_> {
    /// Whether the parameter takes the column's own values.
    fn has_type_of_column(&self) -> bool {
        self.column.type_sql.starts_with(self.type_sql)
    }

    /// `tags[1] = $1`
    fn is_element(&self) -> bool {
        self.column.base_type.category == 'A' && !self.type_sql.ends_with("[]")
    }

    /// `= ANY ($1)` over a column that is no array itself.
    fn is_list(&self) -> bool {
        self.type_sql.ends_with("[]") && self.column.base_type.category != 'A'
    }
}

/// An array of different values.
fn list(statistics: &ColumnStatistics) -> Option<String> {
    let mut members: Vec<&str> =
        (0..SQUASHED_LIST_ELEMENTS as usize).filter_map(|nth| values::equal(statistics, nth)).collect();
    members.sort_unstable();
    members.dedup();
    (!members.is_empty()).then(|| values::array(members))
}

/// A value for an operator that searches within the column's values.
fn for_operator(operator: &str, wanted: &Wanted<'_>, statistics: &ColumnStatistics) -> Option<String> {
    let element = values::element(statistics, wanted.nth);
    let document = || values::equal(statistics, wanted.nth);
    match (operator, wanted.type_sql) {
        ("@>" | "&&" | "<@", array) if array.ends_with("[]") => element.map(|element| values::array([element])),
        ("@@", "tsquery" | "text") => element.map(|lexeme| format!("'{}'", lexeme.replace('\'', "''"))),
        ("@>", "jsonb") => document().and_then(document::part),
        ("?", "text") => document().and_then(document::key),
        ("?|" | "?&", "text[]") => document().and_then(document::key).map(|key| values::array([key.as_str()])),
        _ => None,
    }
}

fn is_time(type_sql: &str) -> bool {
    type_sql == "date" || type_sql.starts_with("timestamp")
}

/// The rows of a page. Where every call returned the same number of rows, the LIMIT is what stopped them; else it is
/// at least the mean.
fn limit(statement: &Statement) -> f64 {
    let rows_per_call = statement.n_rows.filter(|_| statement.n_calls > 0.0).map(|n_rows| n_rows / statement.n_calls);
    match rows_per_call {
        Some(rows) if rows >= 1.0 && rows.fract() == 0.0 => rows,
        Some(rows) => rows.ceil().max(PAGE_ROWS),
        None => PAGE_ROWS,
    }
}

#[cfg(test)]
#[path = "pick_tests.rs"]
mod tests;
