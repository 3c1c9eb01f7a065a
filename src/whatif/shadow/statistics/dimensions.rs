//! The columns of lists of most common values as the private server knows them: their types, and its oids of enum labels.
//! Sends two queries for all lists.

use std::collections::{BTreeMap, BTreeSet};

use super::image::Dimension;
use crate::db::{Failure, WritableSession};
use crate::pg::Oid;

const IMAGE_TYPES: &str = include_str!("queries/image_types.sql");
const LABELS: &str = include_str!("queries/labels.sql");

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// The same on every server.
    Plain,
    /// As the oid of a label of this enum.
    Enum(Oid),
    /// With oids inside, which are others on every server.
    HoldsOids,
}

/// The types that occur in lists.
#[derive(Debug, Default)]
pub(super) struct Dimensions {
    forms: BTreeMap<Oid, Form>,
    labels: BTreeMap<Oid, BTreeMap<String, Oid>>,
}

impl Dimensions {
    /// Reads what is to be known of `types`.
    pub fn read(session: &mut WritableSession, types: &BTreeSet<Oid>) -> Result<Self, Failure> {
        let mut dimensions = Self::default();
        let asked: Vec<Oid> = types.iter().copied().collect();
        for row in session.query(IMAGE_TYPES, &[&asked])? {
            let form = match (row.optional("enum")?, row.get("holds_oids")?) {
                (Some(own), _) => Form::Enum(own),
                (None, true) => Form::HoldsOids,
                (None, false) => Form::Plain,
            };
            dimensions.forms.insert(row.get("oid")?, form);
        }
        let enums = dimensions.forms.values().filter_map(|form| match form {
            Form::Enum(own) => Some(*own),
            _ => None,
        });
        let enums: Vec<Oid> = enums.collect();
        for row in session.query(LABELS, &[&enums])? {
            dimensions.labels.entry(row.get("enum")?).or_default().insert(row.text("label")?, row.get("oid")?);
        }
        Ok(dimensions)
    }

    /// The columns of a list of these `types`, whose enum labels have the oids `labels` on the target; `None` where the
    /// bytes of a type cannot be carried over.
    pub fn of(&self, types: &[Oid], labels: &[(Oid, String)]) -> Option<Vec<Dimension>> {
        types
            .iter()
            .map(|value_type| match self.forms.get(value_type)? {
                Form::Plain => Some(Dimension { value_type: *value_type, labels: None }),
                Form::Enum(own) => {
                    Some(Dimension { value_type: *value_type, labels: Some(self.relabelled(*own, labels)) })
                }
                Form::HoldsOids => None,
            })
            .collect()
    }

    fn relabelled(&self, own: Oid, labels: &[(Oid, String)]) -> BTreeMap<Oid, Oid> {
        let ours = self.labels.get(&own);
        labels.iter().filter_map(|(theirs, label)| Some((*theirs, *ours?.get(label)?))).collect()
    }
}
