//! What hurts: one file per rule. Rules read a workload and say what they see; they propose nothing and do no I/O.

pub mod finding;

pub use finding::{Finding, Severity};
