//! A schema of 200 tables and up to 2,000 distinct statements over them, as an application with many models has them.

const N_TABLES: usize = 200;
const N_ROWS: usize = 8_000;

/// The statements of one table, by kind. `{t}` is the table, `{o}` another one.
const KINDS: [&str; 10] = [
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
];

/// One script per table.
pub fn schema() -> Vec<String> {
    let table = |number: usize| {
        format!(
            "CREATE TABLE t{number:03} (id int PRIMARY KEY, tenant_id int NOT NULL, user_id int NOT NULL, other_id int NOT NULL,
                 code text NOT NULL, status text NOT NULL, amount numeric NOT NULL, created_at timestamp NOT NULL, deleted_at timestamp);
             INSERT INTO t{number:03} SELECT g, g % 40, (g * 7919) % 900, (g * 31) % {N_ROWS}, 'c' || g,
                 (ARRAY['open', 'done', 'done', 'done'])[1 + g % 4], g % 100, timestamp '2025-01-01' + g * interval '1 minute',
                 CASE WHEN g % 30 = 0 THEN timestamp '2025-02-01' END FROM generate_series(1, {N_ROWS}) g;
             VACUUM (ANALYZE) t{number:03}"
        )
    };
    std::iter::once("CREATE EXTENSION hypopg".to_owned())
        .chain((0..N_TABLES).map(table))
        .flat_map(|script| script.split(';').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// The first `n` statements: all tables by the first kind, then by the second, and so on, as a growing application
/// would add them.
pub fn workload(n: usize) -> String {
    let statement = |position: usize| {
        let (kind, number) = (position / N_TABLES, position % N_TABLES);
        let sql = KINDS[kind % KINDS.len()]
            .replace("{t}", &format!("t{number:03}"))
            .replace("{o}", &format!("t{:03}", (number + 1) % N_TABLES));
        format!("-- calls: {}\n{sql};\n", 10 + (position * 37) % 990)
    };
    (0..n).map(statement).collect()
}
