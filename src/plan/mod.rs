//! EXPLAIN (FORMAT JSON) → tree. Reads plans that a server printed; makes none.

mod node;
pub mod parse;
mod shape;
pub mod walk;

pub use node::{Node, Plan};
pub use parse::parse;
pub(crate) use shape::conjuncts;
pub use shape::{parameters, shape};
pub use walk::{PlanScan, PlanSort, Visit};
