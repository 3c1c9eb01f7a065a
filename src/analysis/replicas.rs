//! Reads the counters of the other nodes that were named, into the snapshot of the source.

use crate::collect::{self, CollectOptions};
use crate::db::{Session, Target, interrupt};
use crate::error::Result;
use crate::snapshot::Snapshot;

/// Adds what each of `targets` counted.
///
/// # Errors
/// When one cannot be reached, is lost, or is no node of the source's replication: an unused index is not dropped on what
/// some of the nodes say.
pub fn add(snapshot: &mut Snapshot, targets: &[Target], options: &CollectOptions, say: &dyn Fn(&str)) -> Result<()> {
    for (number, target) in targets.iter().enumerate() {
        let name = format!("replica {}", number + 1);
        say(&format!("reading {name}"));
        let mut session = Session::connect(target).map_err(|error| error.while_doing(format!("--{name}").as_str()))?;
        collect::add_replica(snapshot, &mut session, options)?;
        interrupt::check()?;
    }
    Ok(())
}
