//! What to build or drop, and why: candidates from shapes, the search for the best set, the evidence for each step. No I/O but through `Planner`.

pub mod step;

pub use step::{Action, Advice, Declined, StatementGain, Step};
