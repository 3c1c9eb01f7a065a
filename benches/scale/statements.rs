//! A schema of 300 tables and thousands of distinct statements over them, as an application with many models has them.

/// Tables.
pub const N_TABLES: usize = 300;
const N_ROWS: usize = 8_000;

/// The statements of one table, by kind. `{t}` is the table, `{o}` another one.
const KINDS: [&str; 17] = [
    "SELECT id, amount FROM {t} WHERE tenant_id = 7 AND status = 'open' ORDER BY created_at DESC LIMIT 20",
    "SELECT id FROM {t} WHERE user_id = 42 AND created_at >= '2025-01-04'",
    "SELECT count(*) FROM {t} WHERE other_id = 17",
    "SELECT a.id, b.amount FROM {t} a JOIN {o} b ON b.other_id = a.id WHERE a.user_id = 99",
    "SELECT * FROM {t} WHERE code = 'c4711'",
    "SELECT status, count(*) FROM {t} WHERE tenant_id = 3 GROUP BY status",
    "UPDATE {t} SET amount = amount + 1 WHERE id = 77",
    "SELECT id FROM {t} WHERE deleted_at IS NOT NULL AND tenant_id = 5",
    "SELECT id FROM {t} WHERE lower(code) = 'c815' ",
    "SELECT max(created_at) FROM {t} WHERE user_id = 13",
    "SELECT id, code FROM {t} WHERE tenant_id = 4 AND user_id IN (3, 5, 8) ORDER BY created_at LIMIT 10",
    "SELECT id FROM {t} WHERE user_id = 7 OR other_id = 8",
    "SELECT t.id FROM {t} t WHERE t.tenant_id = 9 AND EXISTS (SELECT 1 FROM {o} o WHERE o.other_id = t.id AND o.status = 'open')",
    "SELECT DISTINCT ON (user_id) user_id, id FROM {t} WHERE tenant_id = 11 ORDER BY user_id, created_at DESC",
    "SELECT id FROM {t} WHERE code LIKE 'c47%' ORDER BY id LIMIT 30",
    "DELETE FROM {t} WHERE created_at < '2025-01-01 05:00' AND status = 'done'",
    "SELECT a.user_id, sum(b.amount) FROM {t} a JOIN {o} b ON b.user_id = a.user_id WHERE a.code = 'c99' GROUP BY a.user_id",
];

/// The table with this number, where the tables are spread over `n_schemas` schemas.
fn table(number: usize, n_schemas: usize) -> String {
    format!("s{:03}.t{number:03}", number % n_schemas)
}

/// One script per table.
pub fn schema(n_schemas: usize) -> Vec<String> {
    let create = |number: usize| {
        let table = table(number, n_schemas);
        format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, tenant_id int NOT NULL, user_id int NOT NULL, other_id int NOT NULL,
                 code text NOT NULL, status text NOT NULL, amount numeric NOT NULL, created_at timestamp NOT NULL, deleted_at timestamp);
             INSERT INTO {table} SELECT g, g % 40, (g * 7919) % 900, (g * 31) % {N_ROWS}, 'c' || g,
                 (ARRAY['open', 'done', 'done', 'done'])[1 + g % 4], g % 100, timestamp '2025-01-01' + g * interval '1 minute',
                 CASE WHEN g % 30 = 0 THEN timestamp '2025-02-01' END FROM generate_series(1, {N_ROWS}) g;
             VACUUM (ANALYZE) {table}"
        )
    };
    std::iter::once("CREATE EXTENSION hypopg".to_owned())
        .chain((0..n_schemas).map(|number| format!("CREATE SCHEMA s{number:03}")))
        .chain((0..N_TABLES).map(create))
        .flat_map(|script| script.split(';').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The first `n` statements. Every kind is as frequent among them whatever `n` is, and every table too: what grows is how
/// many statements a table has. They are distinct up to tables × kinds.
pub fn workload(n: usize, n_schemas: usize) -> String {
    let statement = |position: usize| {
        let (round, number) = (position / N_TABLES, position % N_TABLES);
        let sql = KINDS[(position + round) % KINDS.len()]
            .replace("{t}", &table(number, n_schemas))
            .replace("{o}", &table((number + 1) % N_TABLES, n_schemas));
        format!("-- calls: {}\n{sql};\n", 10 + (position * 37) % 990)
    };
    (0..n).map(statement).collect()
}
