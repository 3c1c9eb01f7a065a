//! The server, the database, and the settings that shape its plans.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Node;
use crate::pg::ServerVersion;

/// The server and the database that were read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// `server_version_num`.
    pub version: ServerVersion,
    /// `version()`, in full.
    pub version_text: String,
    /// The database's name.
    pub database: String,
    /// The role that read it.
    pub role: String,
    /// Whether the role is a superuser.
    pub role_is_superuser: bool,
    /// Whether the server is a standby (`pg_is_in_recovery()`): its usage counters are its own.
    pub is_in_recovery: bool,
    /// When the server was started (`pg_postmaster_start_time()`).
    pub started_at: Option<Timestamp>,
    /// When the database's statistics were last reset (`pg_stat_database.stats_reset`); `None` when never.
    pub stats_reset: Option<Timestamp>,
    /// What tells the server from other nodes of its replication.
    #[serde(default)]
    pub node: Node,
    /// `server_encoding`.
    pub encoding: String,
    /// The database's `datcollate`.
    pub collate: String,
    /// The database's `datctype`.
    #[serde(default)]
    pub ctype: String,
    /// The database's `datlocprovider` (15 and later): `b` builtin, `c` libc, `i` ICU.
    #[serde(default = "libc")]
    pub locale_provider: char,
    /// The database's locale where the provider is not libc (`datlocale`, `daticulocale` before 17).
    #[serde(default)]
    pub icu_locale: Option<String>,
    /// Bytes in a block (`block_size`).
    pub block_bytes: u64,
    /// The schemas that the application's unqualified names are looked up in, in order; those that exist. Not the reading
    /// session's own, which looks up nothing outside pg_catalog: see `collect::search_path`.
    pub search_path: Vec<String>,
    /// The role that the application is taken to use: the one that spent most time in pg_stat_statements; `None` where
    /// that could not be read.
    #[serde(default)]
    pub application_role: Option<String>,
    /// The extensions created in the database.
    pub extensions: Vec<Extension>,
    /// The extensions that could be created (`pg_available_extensions`), by name.
    pub available_extensions: Vec<String>,
}

impl Server {
    /// The extension `name`, if it is created in the database.
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.name == name)
    }
}

fn libc() -> char {
    'c'
}

/// An extension created in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// `extname`.
    pub name: String,
    /// The schema that holds its objects.
    pub schema: String,
    /// `extversion`.
    pub version: String,
}

/// One server setting, as it applies to the session that read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The parameter's name.
    pub name: String,
    /// `pg_settings.setting`, in `unit`.
    pub value: String,
    /// `pg_settings.unit`: `8kB`, `kB`, `ms` …
    pub unit: Option<String>,
    /// `pg_settings.source`: `default`, `configuration file`, `database`, `user` …
    pub source: String,
}

/// A parameter that `ALTER ROLE … SET` or `ALTER DATABASE … SET` gives another value (`pg_db_role_setting`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingOverride {
    /// The role it holds for; `None` for every role.
    pub role: Option<String>,
    /// Whether it holds in this database only.
    pub is_for_database: bool,
    /// The parameter's name.
    pub name: String,
    /// Its value, as given.
    pub value: String,
}

/// A tablespace with storage parameters (`ALTER TABLESPACE … SET`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tablespace {
    /// `spcname`.
    pub name: String,
    /// Whether it is the database's own, where relations are that name no other.
    pub is_default: bool,
    /// `spcoptions` as `name=value`: `random_page_cost=1.1`.
    pub options: Vec<String>,
}
