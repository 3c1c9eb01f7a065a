//! Extensions that are available on this machine, and which of the snapshot's are not.

use std::collections::BTreeSet;

use super::step::Step;
use crate::db::WritableSession;
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use crate::snapshot::{Extension, Snapshot};

/// Every database has it.
const ALWAYS_THERE: &str = "plpgsql";

/// The extensions that could not be created: their types, functions and relations have to be made one by one.
pub(super) struct Missing(BTreeSet<String>);

impl Missing {
    /// Whether an object of `extension` has to be made: it is nobody's, or its extension is missing.
    pub fn is_own(&self, extension: Option<&str>) -> bool {
        extension.is_none_or(|extension| self.0.contains(extension))
    }
}

/// Creates the extensions, in this machine's version of them.
pub(super) fn steps(snapshot: &Snapshot) -> impl Iterator<Item = Step> {
    snapshot.server.extensions.iter().filter(|extension| extension.name != ALWAYS_THERE).map(create)
}

fn create(extension: &Extension) -> Step {
    let name = quote_identifier(&extension.name).into_owned();
    let schema = quote_identifier(&extension.schema);
    let sql = format!("CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {schema}");
    Step::one("extension", name, sql).by_superuser()
}

/// The extensions of `snapshot` that the database does not have.
pub(super) fn missing(session: &mut WritableSession, snapshot: &Snapshot) -> Result<Missing> {
    let mut missing: BTreeSet<String> =
        snapshot.server.extensions.iter().map(|extension| extension.name.clone()).collect();
    for row in session.query("SELECT extname::text AS name FROM pg_extension", &[]).map_err(Error::from)? {
        missing.remove(&row.text("name").map_err(Error::from)?);
    }
    Ok(Missing(missing))
}
