//! Column statistics as rows of pg_statistic, which a superuser may write: the only way before 18, which has functions
//! for it (`restore`).

use std::collections::BTreeSet;

use super::array;
use super::pieces::send_in_pieces;
use super::rows::Row;
use super::slot::{SLOTS, Slot, slots};
use super::value_types::ValueTypes;
use crate::db::{Failure, ToSql, WritableSession};
use crate::pg::Oid;

const INSERT_SLOTS: &str = include_str!("queries/insert_slots.sql");
const TRY_VALUES: &str = include_str!("queries/try_values.sql");

/// Inserts `rows`; returns the names of columns whose values this server does not take, which are left out.
pub(super) fn load(session: &mut WritableSession, rows: &[Row<'_>]) -> Result<BTreeSet<String>, Failure> {
    let types: BTreeSet<Oid> = rows.iter().filter_map(|row| row.place.value_type).collect();
    let types = ValueTypes::read(session, &types)?;
    let mut refused = Vec::new();
    let send = |piece: &[Row<'_>]| {
        let filled: Vec<Filled<'_>> = piece.iter().map(|row| Filled::of(row, &types)).collect();
        insert(session, &filled)
    };
    send_in_pieces(rows, Row::bytes, send, |row, _| {
        refused.push(row.clone());
        Ok(())
    })?;
    let mut incomplete: BTreeSet<String> =
        rows.iter().filter(|row| row.place.value_type.is_none()).map(Row::name).collect();
    for row in &refused {
        insert_partly(session, row, &types)?;
        incomplete.insert(row.name());
    }
    Ok(incomplete)
}

/// A row and its slots.
pub(super) struct Filled<'r> {
    row: &'r Row<'r>,
    slots: Vec<Slot>,
}

impl<'r> Filled<'r> {
    fn of(row: &'r Row<'r>, types: &ValueTypes) -> Self {
        let slots = row.place.value_type.map(|own| slots(row.statistics, own, row.place.collation, types));
        Self { row, slots: slots.unwrap_or_default() }
    }
}

/// Inserts the row without the slots whose values are refused.
fn insert_partly(session: &mut WritableSession, row: &Row<'_>, types: &ValueTypes) -> Result<(), Failure> {
    let mut filled = Filled::of(row, types);
    let mut taken = Vec::new();
    for slot in std::mem::take(&mut filled.slots) {
        if are_values_taken(session, &slot)? {
            taken.push(slot);
        }
    }
    filled.slots = taken;
    match insert(session, &[filled]) {
        // Not for its values: then nothing is known of the column.
        Err(Failure::Statement(_)) => Ok(()),
        outcome => outcome,
    }
}

fn are_values_taken(session: &mut WritableSession, slot: &Slot) -> Result<bool, Failure> {
    let Some((values, element)) = &slot.values else { return Ok(true) };
    match session.query(TRY_VALUES, &[values, element]) {
        Ok(_) => Ok(true),
        Err(Failure::Statement(_)) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn insert(session: &mut WritableSession, rows: &[Filled<'_>]) -> Result<(), Failure> {
    let relations: Vec<Oid> = rows.iter().map(|filled| filled.row.place.relation).collect();
    let numbers: Vec<i16> = rows.iter().map(|filled| filled.row.place.number).collect();
    let is_inherited: Vec<&str> =
        rows.iter().map(|filled| if filled.row.is_inherited { "true" } else { "false" }).collect();
    let null_fractions: Vec<f64> = rows.iter().map(|filled| filled.row.statistics.null_fraction).collect();
    let widths: Vec<i32> = rows.iter().map(|filled| filled.row.statistics.average_width).collect();
    let n_distinct: Vec<f64> = rows.iter().map(|filled| filled.row.statistics.n_distinct).collect();
    let columns = SlotColumns::of(rows.iter().map(|filled| filled.slots.as_slice()));
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&relations, &numbers, &is_inherited, &null_fractions, &widths, &n_distinct];
    parameters.extend(columns.parameters());
    session.query(INSERT_SLOTS, &parameters).map(drop)
}

/// The slots of many rows, as the parameters of a query: one list for each attribute.
pub(super) struct SlotColumns {
    kinds: Vec<String>,
    operators: Vec<String>,
    collations: Vec<String>,
    types: Vec<String>,
    numbers: [Vec<Option<String>>; SLOTS],
    values: [Vec<Option<String>>; SLOTS],
}

impl SlotColumns {
    /// Of rows with these slots; what a row has no slot for is 0 or NULL.
    pub fn of<'s>(rows: impl IntoIterator<Item = &'s [Slot]>) -> Self {
        let mut columns = Self {
            kinds: Vec::new(),
            operators: Vec::new(),
            collations: Vec::new(),
            types: Vec::new(),
            numbers: Default::default(),
            values: Default::default(),
        };
        for slots in rows {
            let each = |attribute: fn(&Slot) -> u32| {
                array::of_numbers((0..SLOTS).map(|at| slots.get(at).map_or(0, attribute)))
            };
            columns.kinds.push(each(|slot| u32::from(slot.kind.unsigned_abs())));
            columns.operators.push(each(|slot| slot.operator.0));
            columns.collations.push(each(|slot| slot.collation.0));
            columns.types.push(each(|slot| slot.values.as_ref().map_or(0, |(_, element)| element.0)));
            for at in 0..SLOTS {
                let slot = slots.get(at);
                columns.numbers[at].push(slot.and_then(|slot| slot.numbers.clone()));
                columns.values[at].push(slot.and_then(|slot| slot.values.as_ref()).map(|(values, _)| values.clone()));
            }
        }
        columns
    }

    /// In the order of the queries: kinds, operators, collations, types, numbers, values.
    pub fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> =
            vec![&self.kinds, &self.operators, &self.collations, &self.types];
        parameters.extend(self.numbers.iter().map(|list| list as &(dyn ToSql + Sync)));
        parameters.extend(self.values.iter().map(|list| list as &(dyn ToSql + Sync)));
        parameters
    }
}
