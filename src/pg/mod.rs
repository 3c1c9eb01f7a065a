//! PostgreSQL's own nouns: identifiers, versions, relation names, index definitions, sizes. No I/O, no other module of pgadvise.

pub mod access_method;
pub(crate) mod array_text;
pub mod identifier;
pub mod index;
mod keyword;
pub mod name;
pub mod number;
pub mod oid;
pub mod statistics;
pub mod text;
pub mod units;
pub mod version;

pub use access_method::AccessMethod;
pub use identifier::quote_identifier;
pub use index::{IndexColumn, IndexDefinition, IndexTarget, KeyRoles, covers, is_duplicate, makes_redundant};
pub use name::RelationName;
pub use oid::{Oid, QueryId};
pub use statistics::{STATISTICS_COLUMNS_MAX, StatisticsDefinition, StatisticsKind};
pub use units::Bytes;
pub use version::ServerVersion;
