//! Connecting: everything that `pgadvise::db` promises, held against psql, real servers, PgBouncer and hostile listeners.

mod certificates;
mod child;
mod faults;
mod fixture;
mod interrupt;
mod oracle;
mod pooler;
mod safety;
mod session;
mod table;
mod tls;
