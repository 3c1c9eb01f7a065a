//! Other values for the parameters of a statement that is planned with typical ones: the most common and the rarest of
//! what it compares with, and none at all. Pure; the values go into the texts and nowhere else.

use std::collections::BTreeMap;

use super::pick::{Picked, Picker};
use super::substitute::{substitute, typed_literal};
use super::typed::Typed;
use super::values;
use crate::pg::Oid;
use crate::snapshot::{Column, ColumnStatistics};
use crate::sql::repair::SQUASHED_LIST_ELEMENTS;
use crate::sql::{self, Comparison, ParameterPlace, ParameterUse};
use crate::workload::{ExplainForm, Variant, VariantKind};

/// How many times more frequent than the rarest value the most common one must be, and which share of the rows it must
/// have, for the two to be planned differently.
const SKEW_MIN: f64 = 3.0;
const COMMON_SHARE_MIN: f64 = 0.02;

/// An equality with a parameter, and the values that the statistics have for it.
struct Equality<'s> {
    number: u32,
    type_sql: &'s str,
    column: &'s Column,
    statistics: &'s ColumnStatistics,
    n_rows: f64,
    /// How many parameters before it are compared with the same column.
    nth: usize,
    is_list: bool,
}

impl Equality<'_> {
    /// The value of `kind` as SQL.
    fn value(&self, kind: VariantKind) -> Option<String> {
        let ranked = match kind {
            VariantKind::Rare => values::rarest_first(self.statistics, self.n_rows),
            _ => values::most_common_first(self.statistics),
        };
        let value = if self.is_list {
            let members = ranked.iter().take(SQUASHED_LIST_ELEMENTS as usize).map(|(value, _)| *value);
            values::array(members)
        } else {
            ranked.get(self.nth % ranked.len().max(1))?.0.to_owned()
        };
        Some(typed_literal(&value, self.type_sql))
    }

    /// The shares of rows of the most common and of the rarest value.
    fn shares(&self) -> Option<(f64, f64)> {
        let common = values::most_common_first(self.statistics).first()?.1;
        let rare = values::rarest_first(self.statistics, self.n_rows).first()?.1;
        Some((common, rare))
    }

    fn skew(&self) -> f64 {
        self.shares().map_or(1.0, |(common, rare)| common / rare.max(f64::MIN_POSITIVE))
    }

    fn is_skewed(&self) -> bool {
        self.skew() >= SKEW_MIN && self.shares().is_some_and(|(common, _)| common >= COMMON_SHARE_MIN)
    }
}

/// The variants of a statement that is planned as `typed` with `values` in the place of its parameters. What they have
/// in common with it is left out: a text that is the same, and the common and rare values of columns without skew.
pub(super) fn variants(
    picker: &Picker<'_>,
    typed: &Typed,
    uses: &BTreeMap<u32, ParameterUse>,
    values: &BTreeMap<u32, Picked>,
) -> Vec<Variant> {
    let typical: BTreeMap<u32, String> =
        values.iter().map(|(number, picked)| (*number, picked.sql().to_owned())).collect();
    let equalities = equalities(picker, typed, uses, values);
    let most_skewed = equalities
        .iter()
        .filter(|equality| equality.is_skewed())
        .max_by(|a, b| a.skew().total_cmp(&b.skew()).then_with(|| b.number.cmp(&a.number)));
    let mut variants = Vec::new();
    for kind in [VariantKind::Common, VariantKind::Rare] {
        let Some(named) = most_skewed else { break };
        let mut sql = typical.clone();
        sql.extend(equalities.iter().filter_map(|equality| Some((equality.number, equality.value(kind)?))));
        let shares = named.shares();
        let share = shares.map(|(common, rare)| if kind == VariantKind::Common { common } else { rare });
        variants.push(Variant {
            kind,
            column: Some(named.column.name.clone()),
            share,
            text: substitute(&typed.text, &sql),
            form: ExplainForm::Plain,
        });
    }
    let own = substitute(&typed.text, &typical);
    variants.retain(|variant| variant.text != own);
    variants.push(Variant {
        kind: VariantKind::Generic,
        column: None,
        share: None,
        text: typed.text.clone(),
        form: ExplainForm::Generic,
    });
    variants.retain(|variant| sql::check_one_plannable(&variant.text).is_ok());
    variants
}

fn equalities<'s>(
    picker: &Picker<'s>,
    typed: &'s Typed,
    uses: &BTreeMap<u32, ParameterUse>,
    values: &BTreeMap<u32, Picked>,
) -> Vec<Equality<'s>> {
    let mut n_compared: BTreeMap<(Oid, &str), usize> = BTreeMap::new();
    let mut equalities = Vec::new();
    for (number, type_sql) in (1..).zip(&typed.types) {
        let Some(ParameterPlace::Compared { relation, target, comparison, is_array }) =
            uses.get(&number).map(|parameter| &parameter.place)
        else {
            continue;
        };
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::In);
        // What the server refused once it would refuse again.
        let is_accepted = values.get(&number).is_some_and(Picked::is_first_choice);
        let column = target.column().and_then(|_| picker.column_of(*relation, target));
        let Some(column) = column.filter(|column| is_equality && is_accepted && is_scalar(column)) else { continue };
        let Some(statistics) = column.best_statistics() else { continue };
        let nth = n_compared.entry((*relation, &column.name)).or_default();
        *nth += 1;
        let n_rows = picker.catalog().relation(*relation).and_then(|relation| relation.n_rows).unwrap_or(1.0);
        let equality = Equality { number, type_sql, column, statistics, n_rows, nth: *nth - 1, is_list: *is_array };
        equalities.push(equality);
    }
    equalities
}

/// Whether a column is compared as a whole: no array, document or the like.
fn is_scalar(column: &Column) -> bool {
    !matches!(column.base_type.category, 'A')
        && !matches!(column.base_type.name.as_str(), "json" | "jsonb" | "tsvector")
}
