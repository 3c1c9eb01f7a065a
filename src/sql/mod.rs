//! Statement text → shape: what a statement asks of the relations it names. No I/O; knows the catalog only as a snapshot.

pub mod classify;
mod constants;
mod describe;
mod error;
pub mod expression;
mod logic;
mod lower;
pub mod normalise;
pub mod parameters;
pub mod parse;
mod print;
mod quals;
mod rebuild;
mod redact;
pub mod repair;
mod resolve;
pub mod rewrite;
pub mod shape;
pub mod statements;
mod target;
pub(crate) mod tokens;
mod tree;
mod value_type;
mod walk;

pub use classify::{TextClass, check_one_plannable, classify};
pub use constants::without_literals;
pub use describe::describe;
pub use error::ShapeError;
pub use expression::{canonical, collated_column, is_indexable, same_expression, same_predicate, type_of_expression};
pub use normalise::{Normalised, fingerprint, normalise};
pub use parameters::{ParameterPlace, ParameterUse, count_parameters, parameter_at, parameters, substitute};
pub use print::commuted;
pub use redact::without_constants;
pub use repair::for_server;
pub use shape::{
    Comparand, Comparison, Distance, JoinKind, JoinQual, KeyOrder, Limit, OrArm, Qual, RowComparison, Scan, Shape,
    StatementKind,
};
pub use statements::{FileStatement, split};

use crate::snapshot::Catalog;

/// The shape of `text`, a statement as pg_stat_statements or a file has it, over the relations of `catalog`.
///
/// # Errors
/// [`ShapeError`] says why there is none: the text is beyond the parser, or it names what the catalog does not have.
pub fn shape(text: &str, catalog: &Catalog<'_>) -> Result<Shape, ShapeError> {
    let shape = parse::on_large_stack(|| {
        let statement = parse::parse(text).map_err(ShapeError::NotParsed)?;
        resolve::resolve(&statement, catalog).map(|resolved| resolved.shape)
    });
    shape.unwrap_or_else(|reason| Err(ShapeError::NotParsed(reason)))
}
