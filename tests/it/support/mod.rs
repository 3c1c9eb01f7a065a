//! What the integration tests share: servers of every supported major version, and fresh databases on them.
//!
//! A server is started when the first test asks for it and serves all tests of the process; its reaper stops it when
//! the process ends, however it ends. A server that is missing fails the test with the command that installs it.
//! `PGADVISE_TEST_PG=15,17` narrows the versions that `versions()` returns, for a quick run while working.
#![allow(dead_code, unused_imports)] // each topic uses its own part

pub mod advice;
pub mod advised;
pub mod cli;
mod collected;
pub mod expect;
pub mod whatif;
pub mod markdown;
mod database;
mod listener;
mod pooler;
mod servers;
mod snapshot;
pub mod standby;
pub mod statement_log;

pub use collected::{collected, collected_with, column, eventually, gaps, index, relation, url_as};
pub use database::{Database, Session, connect, database, database_on};
pub use listener::{closed_port, listen};
pub use pooler::PgBouncer;
pub use servers::{private_server, private_server_with_hypopg, server, server_with_hypopg, versions};
pub use snapshot::snapshot;
