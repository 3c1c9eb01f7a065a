//! Connecting and talking to servers: connection strings, TLS, the guarded session, cancellation. The only module that
//! names tokio_postgres or rustls; everything it gives out is synchronous.

mod batch;
mod cancel;
mod connect;
mod dsn;
pub mod environment;
mod hosts;
pub mod interrupt;
mod link;
mod parameter;
mod passfile;
mod query;
mod refusal;
mod row;
mod secret;
mod server_error;
mod service;
mod session;
mod socket;
mod statements;
mod target;
mod tls;
mod tls_settings;
mod transaction;
mod version_check;
mod writable;

pub use batch::Batch;
pub use environment::Environment;
pub use query::Query;
pub use row::{FromSql, Row, ToSql, Untyped};
pub use server_error::{Failure, ServerError};
pub use session::{ReadOptions, Session};
pub use target::Target;
pub use transaction::Transaction;
pub use writable::WritableSession;
