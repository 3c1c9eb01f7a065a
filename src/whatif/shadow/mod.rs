//! The shadow backend: a private server with the target's schema and statistics and none of its rows, stretched to the
//! target's size, whose planner answers for the target's.

pub mod brin;
pub mod gin;
pub mod schema;
pub mod settings;
pub mod statistics;
pub mod tablespaces;
