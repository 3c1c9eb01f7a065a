//! Index advice for PostgreSQL: what a server runs → what hurts → what to build, proved against the planner → migrations → verification.
//!
//! One direction only: a module uses those named before it here, never one after (a test holds this).

pub mod pg;
pub mod error;
pub mod snapshot;
pub mod db;
pub mod server;
pub mod sql;
pub mod redaction;
pub mod plan;
pub mod workload;
pub mod planning;
pub mod rules;
pub mod whatif;
pub mod advice;
pub mod emit;
pub mod verify;
pub mod report;
pub mod demo;
pub mod collect;
pub mod analysis;
pub mod cli;
