//! Statement text → shape: what a statement asks of the relations it names. No I/O; knows the catalog only as a snapshot.

pub mod rewrite;
pub mod shape;

pub use shape::{
    Comparand, Comparison, JoinKind, JoinQual, KeyOrder, Limit, OrArm, Qual, RowComparison, Scan, Shape, StatementKind,
};
