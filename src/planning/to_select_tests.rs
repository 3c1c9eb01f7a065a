//! What `to_select` makes of statements; that servers accept the results is tested against real ones.

use super::to_select::{RowReference, inserts_values, to_select};

fn selects(pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(to_select(text, RowReference::Ctid).as_deref(), Some(*expected), "{text}");
    }
}

#[test]
fn updates_and_deletes_become_the_select_of_their_rows() {
    selects(&[
        ("UPDATE t SET a = 1 WHERE id = 5", "SELECT t.ctid FROM t WHERE id = 5"),
        (
            "update only s.\"T\" as x set a = b is distinct from c where x.id = 5 returning *",
            "SELECT x.ctid FROM only s.\"T\" as x where x.id = 5",
        ),
        (
            "UPDATE t SET (a, b) = (SELECT 1, 2 FROM u WHERE u.id = t.id) FROM v JOIN w USING (id) WHERE v.t = t.id;",
            "SELECT t.ctid FROM t, v JOIN w USING (id) WHERE v.t = t.id",
        ),
        ("DELETE FROM t", "SELECT t.ctid FROM t"),
        (
            "DELETE FROM t USING u x JOIN v USING (id) WHERE x.a = t.a RETURNING t.id",
            "SELECT t.ctid FROM t, u x JOIN v USING (id) WHERE x.a = t.a",
        ),
        (
            "WITH x AS (SELECT 1 AS id) DELETE FROM t y WHERE y.id IN (SELECT id FROM x)",
            "WITH x AS (SELECT 1 AS id) SELECT y.ctid FROM t y WHERE y.id IN (SELECT id FROM x)",
        ),
    ]);
    assert_eq!(to_select("DELETE FROM v", RowReference::Whole).as_deref(), Some("SELECT v.* FROM v"));
}

#[test]
fn ctes_that_write_return_what_they_returned() {
    selects(&[
        (
            "WITH d AS (DELETE FROM t WHERE a = 1 RETURNING id, b) SELECT count(*) FROM d",
            "WITH d AS (SELECT id, b FROM t WHERE a = 1) SELECT count(*) FROM d",
        ),
        (
            "WITH d AS (DELETE FROM t WHERE a = 1 RETURNING *) INSERT INTO u SELECT * FROM d",
            "WITH d AS (SELECT * FROM t WHERE a = 1) (SELECT * FROM d)",
        ),
    ]);
    assert_eq!(to_select("WITH i AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM i", RowReference::Ctid), None);
}

#[test]
fn inserts_become_their_source() {
    selects(&[
        (
            "INSERT INTO t (a, b) SELECT a, b FROM u WHERE c = 1 ON CONFLICT (a) DO NOTHING RETURNING a",
            "(SELECT a, b FROM u WHERE c = 1)",
        ),
        ("INSERT INTO t VALUES (1, (SELECT max(id) FROM u))", "(VALUES (1, (SELECT max(id) FROM u)))"),
        ("INSERT INTO t (a) (SELECT a FROM u)", "((SELECT a FROM u))"),
    ]);
    assert!(inserts_values("insert into t (a) values (default)"));
    assert!(inserts_values("INSERT INTO t DEFAULT VALUES"));
    assert!(!inserts_values("INSERT INTO t SELECT * FROM u"));
    assert!(!inserts_values("INSERT INTO t VALUES (1, (SELECT max(id) FROM u))"));
    assert!(!inserts_values("UPDATE t SET a = 1"));
}

#[test]
fn merges_become_their_join() {
    selects(&[
        ("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE", "SELECT t.ctid FROM s JOIN t ON t.id = s.id"),
        (
            "MERGE INTO t AS x USING (SELECT 1 AS id) s ON x.id = CASE WHEN s.id > 1 THEN 2 ELSE 3 END WHEN NOT MATCHED THEN INSERT VALUES (1)",
            "SELECT x.ctid FROM (SELECT 1 AS id) s LEFT JOIN t AS x ON x.id = CASE WHEN s.id > 1 THEN 2 ELSE 3 END",
        ),
    ]);
}

#[test]
fn locks_are_left_out() {
    selects(&[
        ("SELECT * FROM t WHERE a = 1 FOR UPDATE OF t, u SKIP LOCKED", "SELECT * FROM t WHERE a = 1"),
        ("SELECT 1 FROM ONLY t x FOR KEY SHARE OF x", "SELECT 1 FROM ONLY t x"),
        (
            "SELECT * FROM (SELECT * FROM t FOR NO KEY UPDATE NOWAIT) s LIMIT 1",
            "SELECT * FROM (SELECT * FROM t ) s LIMIT 1",
        ),
    ]);
    assert_eq!(to_select("SELECT substring(a FOR 3) FROM t", RowReference::Ctid), None);
    assert_eq!(to_select("UPDATE t SET a = 1 WHERE CURRENT OF c", RowReference::Ctid), None);
}
