//! Server versions as `server_version_num` counts them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server version, as `server_version_num`: 150018 is 15.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// The oldest version that pgadvise works with.
    pub const OLDEST: ServerVersion = ServerVersion(130000);

    /// The major version: 15 for 15.18.
    pub fn major(self) -> u32 {
        self.0 / 10_000
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 % 10_000)
    }
}
