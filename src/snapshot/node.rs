//! The nodes of a replication: what tells them apart, what each of them counted, and what that proves of an index. Reads
//! nothing; proposes nothing.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Index, IndexUsage, Snapshot};
use crate::pg::Oid;

/// What tells a server from others, and since when it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// `system_identifier` of `pg_control_system()`, the same on all nodes of a replication.
    pub system_identifier: Option<String>,
    /// `pg_database.oid` of the database.
    pub database_oid: Option<Oid>,
    /// Since when the server counts (`pg_stat_bgwriter.stats_reset`): a crash empties all counters and sets it, while a
    /// restart does neither.
    pub counted_since: Option<Timestamp>,
    /// Standbys that were connected (`pg_stat_replication`, without backups and subscribers).
    pub n_standbys: Option<u32>,
    /// Physical replication slots that nobody was connected to: standbys that are away.
    pub n_idle_slots: Option<u32>,
}

/// Another node of the source's replication, whose counters were read as well. Its statements are among those of the
/// snapshot, calls and times added up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Replica {
    /// What reports call it: `replica 1`, by the order in which they were given.
    pub name: String,
    /// What tells it from others.
    pub node: Node,
    /// When it was read (its own time).
    pub taken_at: Timestamp,
    /// Whether it is a standby.
    pub is_in_recovery: bool,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When its database's statistics were last reset; `None` when never.
    pub stats_reset: Option<Timestamp>,
    /// How often each index was used on it.
    pub indexes: Vec<ReplicaIndex>,
    /// The statements that it counted.
    pub n_statements: usize,
}

/// An index on another node.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaIndex {
    /// `pg_class.oid`, the same on all nodes.
    pub oid: Oid,
    /// Its counters there.
    pub usage: IndexUsage,
}

impl Snapshot {
    /// Days that the usage counters cover on every node that was read: since the last reset, or since a crash.
    pub fn usage_days(&self) -> Option<f64> {
        let server = &self.server;
        let own = days(self.taken_at, server.node.counted_since, server.stats_reset, server.started_at);
        let others = self
            .replicas
            .iter()
            .map(|replica| days(replica.taken_at, replica.node.counted_since, replica.stats_reset, replica.started_at));
        others.fold(own, |least, days| Some(least?.min(days?)))
    }

    /// Scans of `index` on all nodes that were read; `None` where one of them does not count it.
    pub fn n_scans(&self, index: &Index) -> Option<i64> {
        let own = index.usage.as_ref().map(|usage| usage.n_scans);
        self.replicas.iter().fold(own, |sum, replica| {
            let counted = replica.indexes.iter().find(|one| one.oid == index.oid)?;
            Some(sum?.saturating_add(counted.usage.n_scans))
        })
    }

    /// Where the counters are from, for a sentence: `on this node`, `on this node and 2 replicas`.
    pub fn counting_nodes(&self) -> String {
        match self.replicas.len() {
            0 => "on this node".to_owned(),
            1 => "on this node and its replica".to_owned(),
            n => format!("on this node and its {n} replicas"),
        }
    }

    /// What is missing before an index that was never scanned on the nodes that were read may be dropped: other nodes may
    /// use it. `None` where nothing is.
    pub fn unread_nodes(&self) -> Option<String> {
        let node = &self.server.node;
        let n_read = self.replicas.len();
        let is_primary_read = !self.server.is_in_recovery || self.replicas.iter().any(|other| !other.is_in_recovery);
        if !is_primary_read {
            return Some("the counters of the primary are not known; name it with --replica URL as well".to_owned());
        }
        if n_read > 0 && self.server.is_in_recovery {
            return None;
        }
        match (node.n_standbys, node.n_idle_slots) {
            (Some(n_standbys), Some(n_idle)) if (n_standbys + n_idle) as usize <= n_read => None,
            (Some(n_standbys), Some(n_idle)) => Some(format!(
                "{n_standbys} standbys are connected, {n_idle} replication slots wait for one, and the counters of {n_read} \
                 were read: each node counts for itself; name every standby with --replica URL"
            )),
            _ if n_read > 0 => None,
            _ => Some(
                "whether there are standbys could not be read, and each node counts for itself; name every standby with \
                 --replica URL"
                    .to_owned(),
            ),
        }
    }
}

/// Days that one node's counters cover. Where it is not known since when the server counts, a restart may have been a
/// crash.
fn days(
    taken_at: Timestamp,
    counted_since: Option<Timestamp>,
    stats_reset: Option<Timestamp>,
    started_at: Option<Timestamp>,
) -> Option<f64> {
    let least = counted_since.or(started_at);
    let since = match (stats_reset, least) {
        (Some(reset), Some(least)) => reset.max(least),
        (reset, least) => reset.or(least)?,
    };
    Some(taken_at.duration_since(since).as_secs_f64() / 86_400.0)
}
