//! The integration tests: one crate, one module per topic, against real PostgreSQL servers. No server is mocked.

mod advice_scenarios;
mod collect_privileges;
mod collect_relations;
mod collect_safety;
mod collect_statements;
mod connect;
mod demo;
mod emit_files;
mod emit_hostile;
mod planning_corpus;
mod planning_refusals;
mod planning_shape;
mod report;
mod rules;
mod server;
mod sql_shapes;
mod support;
mod tidy;
mod verify_states;
mod verify_usage;
mod whatif_hypopg;
mod whatif_hypopg_faults;
mod whatif_sandbox;
mod whatif_size;
mod workloads;
