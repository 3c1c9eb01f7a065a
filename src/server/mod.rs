//! Private PostgreSQL servers on this machine: finds the binaries, starts a throwaway cluster, stops it whatever happens. Speaks no SQL.

mod account;
pub mod binaries;
pub mod cluster;
mod configuration;
mod reaper;
mod run_folder;

pub use binaries::{Binaries, Search};
pub use cluster::{Cluster, ClusterOptions};
