//! Snapshots as `collect` takes them, and looking things up in them.

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target};
use pgadvise::snapshot::{Column, Index, Relation, Snapshot};

use super::Database;

/// Everything that is collected by default, over the connection string.
pub fn collected(url: &str) -> Snapshot {
    collected_with(url, &CollectOptions::default())
}

/// What `options` ask for.
pub fn collected_with(url: &str, options: &CollectOptions) -> Snapshot {
    let target = Target::resolve(Some(url)).expect("a target");
    let mut session = Session::connect(&target).expect("a session");
    collect(&mut session, options, &|_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// The connection string of `database` for another role.
pub fn url_as(database: &Database, role: &str) -> String {
    database.url().replacen("postgres@", &format!("{role}@"), 1)
}

/// The relation called `name`, in whatever schema.
pub fn relation<'s>(snapshot: &'s Snapshot, name: &str) -> &'s Relation {
    snapshot
        .relations
        .iter()
        .find(|relation| relation.name.name == name)
        .unwrap_or_else(|| panic!("no relation {name}"))
}

/// The index called `name`.
pub fn index<'s>(snapshot: &'s Snapshot, name: &str) -> &'s Index {
    let mut indexes = snapshot.relations.iter().flat_map(|relation| &relation.indexes);
    indexes.find(|index| index.name == name).unwrap_or_else(|| panic!("no index {name}"))
}

/// The column `name` of `relation`.
pub fn column<'s>(relation: &'s Relation, name: &str) -> &'s Column {
    relation.column(name).unwrap_or_else(|| panic!("no column {name}"))
}

/// The reasons of the gaps of kind `what`.
pub fn gaps<'s>(snapshot: &'s Snapshot, what: &str) -> Vec<&'s str> {
    snapshot.gaps.iter().filter(|gap| gap.what == what).map(|gap| gap.reason.as_str()).collect()
}

/// What `look` finds at last: counters reach the server's statistics some time after the statement.
pub fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "it did not happen within 20 s");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
