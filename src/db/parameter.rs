//! The connection parameters: libpq's own names with their environment variables, and the names that other drivers and
//! ORMs put into URLs. Says what a name means; gives no value.

/// What a name in a connection string means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One of libpq's parameters, under this name.
    Own(&'static str),
    /// A parameter of a driver or an ORM that makes no difference here.
    Ignored,
}

/// libpq's parameters (libpq 18, "Parameter Key Words") and the environment variable that stands in for each; empty
/// where libpq has none.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("dbname", "PGDATABASE"),
    ("fallback_application_name", ""),
    ("gssdelegation", "PGGSSDELEGATION"),
    ("gssencmode", "PGGSSENCMODE"),
    ("gsslib", "PGGSSLIB"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("keepalives", ""),
    ("keepalives_count", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    ("min_protocol_version", "PGMINPROTOCOLVERSION"),
    ("oauth_client_id", ""),
    ("oauth_client_secret", ""),
    ("oauth_issuer", ""),
    ("oauth_scope", ""),
    ("options", "PGOPTIONS"),
    ("passfile", "PGPASSFILE"),
    ("password", "PGPASSWORD"),
    ("port", "PGPORT"),
    ("replication", ""),
    ("require_auth", "PGREQUIREAUTH"),
    ("requirepeer", "PGREQUIREPEER"),
    ("scram_client_key", ""),
    ("scram_server_key", ""),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslkey", "PGSSLKEY"),
    ("sslkeylogfile", ""),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslpassword", ""),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("tcp_user_timeout", ""),
    ("user", "PGUSER"),
];

/// Names that are not libpq's but mean something here, with the name they go by.
const TRANSLATED: &[(&str, &str)] = &[
    ("ApplicationName", "application_name"),
    ("currentSchema", "schema"),
    ("keepalives_retries", "keepalives_count"),
    ("loginTimeout", "connect_timeout"),
    ("pgbouncer", "pgbouncer"),
    ("schema", "schema"),
    ("ssl", "ssl"),
    ("sslaccept", "sslaccept"),
];

/// Parameters of Prisma, node-postgres, JDBC, SQLAlchemy and asyncpg, pgx, sqlx, Rails, Django, Doctrine, Npgsql and
/// Supabase that say how an application pools, prepares or waits. None of them changes which server is reached, who
/// logs in, or how the link is protected.
const IGNORED: &[&str] = &[
    "adapter",
    "async_fallback",
    "binaryTransfer",
    "charset",
    "checkout_timeout",
    "command_timeout",
    "conn_health_checks",
    "conn_max_age",
    "connection_limit",
    "default_query_exec_mode",
    "defaultRowFetchSize",
    "description_cache_capacity",
    "encoding",
    "idle_in_transaction_session_timeout",
    "idle_timeout",
    "lock_timeout",
    "max_connections",
    "max_lifetime",
    "max_size",
    "min_size",
    "pool",
    "pool_health_check_period",
    "pool_max_conn_idle_time",
    "pool_max_conn_lifetime",
    "pool_max_conn_lifetime_jitter",
    "pool_max_conns",
    "pool_min_conns",
    "pool_mode",
    "pool_size",
    "pool_timeout",
    "prepare",
    "prepareThreshold",
    "prepared_statement_cache_size",
    "prepared_statements",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "preparedStatements",
    "query_timeout",
    "reWriteBatchedInserts",
    "reconnect",
    "search_path",
    "serverVersion",
    "single_use_connections",
    "socketTimeout",
    "socket_timeout",
    "sslidentity",
    "statement-cache-capacity",
    "statement_cache_capacity",
    "statement_cache_mode",
    "statement_cache_size",
    "statement_timeout",
    "stringtype",
    "supa",
    "tcpKeepAlive",
    "timeout",
    "timezone",
    "TimeZone",
    "uselibpqcompat",
    "variables",
    "workaround",
];

/// What `name` means; `None` for a name that nobody is known to use.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if let Some((own, _)) = PARAMETERS.iter().find(|(own, _)| *own == name) {
        return Some(Meaning::Own(own));
    }
    if let Some((_, own)) = TRANSLATED.iter().find(|(foreign, _)| *foreign == name) {
        return Some(Meaning::Own(own));
    }
    IGNORED.contains(&name).then_some(Meaning::Ignored)
}

/// The known name nearest to `name`, if one is near enough to be a slip of the keyboard.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    /// Two edits are a slip; three turn one short name into another.
    const EDITS_MAX: usize = 2;
    let own = PARAMETERS.iter().map(|(own, _)| *own);
    let foreign = TRANSLATED.iter().map(|(foreign, _)| *foreign);
    own.chain(foreign)
        .chain(IGNORED.iter().copied())
        .map(|known| (edit_distance(&known.to_lowercase(), &name.to_lowercase()), known))
        .filter(|(edits, known)| *edits <= EDITS_MAX && edits * 2 < known.len())
        .min()
        .map(|(_, known)| known)
}

/// How many characters have to be inserted, removed or replaced to turn `a` into `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libpq_and_of_orms_are_told_from_slips() {
        assert_eq!(meaning("sslmode"), Some(Meaning::Own("sslmode")));
        assert_eq!(meaning("currentSchema"), Some(Meaning::Own("schema")));
        assert_eq!(meaning("connection_limit"), Some(Meaning::Ignored));
        assert_eq!(meaning("sslmod"), None);
        assert_eq!(nearest("sslmod"), Some("sslmode"));
        assert_eq!(nearest("sslMode"), Some("sslmode"));
        assert_eq!(nearest("conection_limit"), Some("connection_limit"));
        assert_eq!(nearest("flavour"), None);
    }
}
