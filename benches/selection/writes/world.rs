//! Two applications that write much and read little: their relations, and pgbench scripts with how often each runs.
//! Runs nothing.

/// A pgbench script.
pub struct Script {
    pub name: &'static str,
    /// How often it runs among all.
    pub weight: usize,
    /// The `\set` lines.
    pub variables: &'static str,
    /// The statement; `:name` is a variable.
    pub statement: &'static str,
    /// The statement with values in their place.
    pub example: &'static str,
}

/// An application.
pub struct World {
    /// What `--only` calls it.
    pub name: &'static str,
    pub title: &'static str,
    pub schema: &'static str,
    pub scripts: &'static [Script],
    /// Transactions of one round.
    pub n_transactions: usize,
}

/// Measurements arrive in batches; one query is asked often, four reports now and then.
const INGEST: World = World {
    name: "ingest",
    title: "ingest: batches of 100 rows, one frequent query, four rare reports",
    schema: "CREATE TABLE readings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, device_id integer NOT NULL,
                 site_id integer NOT NULL, kind integer NOT NULL, status integer NOT NULL, batch integer NOT NULL,
                 code text NOT NULL, value double precision NOT NULL, recorded_at timestamptz NOT NULL);
             INSERT INTO readings (device_id, site_id, kind, status, batch, code, value, recorded_at)
                 SELECT g * 7919 % 2000, g * 31 % 400, g * 17 % 300, g * 13 % 500, g / 100, md5(g::text), g,
                     '2026-01-01'::timestamptz + g * interval '1 second' FROM generate_series(1, 60000) g;",
    scripts: &[
        Script {
            name: "insert",
            weight: 700,
            variables: "\\set batch random(1000, 100000)\n\\set seed random(1, 200000)",
            statement: "INSERT INTO readings (device_id, site_id, kind, status, batch, code, value, recorded_at) \
                        SELECT (g + :seed) * 7919 % 2000, (g + :seed) * 31 % 400, (g + :seed) * 17 % 300, (g + :seed) * 13 % 500, \
                        :batch, md5((g + :seed)::text), g, now() FROM generate_series(1, 100) g",
            example: "INSERT INTO readings (device_id, site_id, kind, status, batch, code, value, recorded_at) \
                      SELECT g, g, g, g, 1, md5(g::text), g, now() FROM generate_series(1, 100) g",
        },
        Script {
            name: "latest",
            weight: 280,
            variables: "\\set device random(0, 1999)",
            statement: "SELECT recorded_at, value FROM readings WHERE device_id = :device ORDER BY recorded_at DESC LIMIT 5",
            example: "SELECT recorded_at, value FROM readings WHERE device_id = 77 ORDER BY recorded_at DESC LIMIT 5",
        },
        Script {
            name: "by_site",
            weight: 5,
            variables: "\\set site random(0, 399)",
            statement: "SELECT avg(value) FROM readings WHERE site_id = :site",
            example: "SELECT avg(value) FROM readings WHERE site_id = 77",
        },
        Script {
            name: "by_kind",
            weight: 5,
            variables: "\\set kind random(0, 299)",
            statement: "SELECT count(*) FROM readings WHERE kind = :kind",
            example: "SELECT count(*) FROM readings WHERE kind = 77",
        },
        Script {
            name: "by_status",
            weight: 5,
            variables: "\\set status random(0, 499)",
            statement: "SELECT max(value) FROM readings WHERE status = :status",
            example: "SELECT max(value) FROM readings WHERE status = 77",
        },
        Script {
            name: "by_code",
            weight: 5,
            variables: "\\set number random(1, 60000)",
            statement: "SELECT id FROM readings WHERE code = md5((:number)::text)",
            example: "SELECT id FROM readings WHERE code = md5((77)::text)",
        },
    ],
    n_transactions: 2_000,
};

/// Accounts are updated in place, twenty at a time; one query is asked often, two ask now and then for what the updates change.
const HOT: World = World {
    name: "accounts",
    title: "accounts: HOT updates, one frequent query, two rare ones over updated columns",
    schema: "CREATE TABLE accounts (id integer PRIMARY KEY, owner_id integer NOT NULL, balance integer NOT NULL,
                 touched_at timestamptz NOT NULL, filler char(60) NOT NULL) WITH (fillfactor = 70);
             INSERT INTO accounts SELECT g, g * 7919 % 20000, g * 31 % 10000, '2026-01-01'::timestamptz + g * interval '1 second', ''
                 FROM generate_series(1, 100000) g;",
    scripts: &[
        Script {
            name: "update",
            weight: 9_590,
            variables: "\\set id random(1, 99980)\n\\set delta random(-5000, 5000)",
            statement: "UPDATE accounts SET balance = balance + :delta, touched_at = now() WHERE id BETWEEN :id AND :id + 19",
            example: "UPDATE accounts SET balance = balance + 7, touched_at = now() WHERE id BETWEEN 77 AND 96",
        },
        Script {
            name: "by_owner",
            weight: 400,
            variables: "\\set owner random(0, 19999)",
            statement: "SELECT id, balance FROM accounts WHERE owner_id = :owner",
            example: "SELECT id, balance FROM accounts WHERE owner_id = 77",
        },
        Script {
            name: "in_debt",
            weight: 5,
            variables: "\\set limit random(-4900, -4500)",
            statement: "SELECT id FROM accounts WHERE balance < :limit",
            example: "SELECT id FROM accounts WHERE balance < -4500",
        },
        Script {
            name: "recent",
            weight: 5,
            variables: "\\set n random(10, 20)",
            statement: "SELECT id, touched_at FROM accounts ORDER BY touched_at DESC LIMIT :n",
            example: "SELECT id, touched_at FROM accounts ORDER BY touched_at DESC LIMIT 15",
        },
    ],
    n_transactions: 10_000,
};

/// All applications.
pub const WORLDS: [World; 2] = [INGEST, HOT];
