//! Statements that are long or deep: nothing aborts, nothing hangs, and what is too long says so. One aborting parser
//! would end the test process, so that a failure here cannot be missed.

use std::time::{Duration, Instant};

use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::sql::parse::FAILED;
use pgadvise::sql::{ShapeError, canonical, classify, normalise, parameters, shape, split};

use super::support::{database, snapshot};

/// The most that one text may take in a debug build; what was measured stays below a tenth of it.
const TEXT_TIME_MAX: Duration = Duration::from_secs(60);

/// Longer texts are left out: they are refused for their length before anything else.
const OVERLONG_BYTES_MAX: usize = 500_000;

fn repeated(n: usize, separator: &str, part: &dyn Fn(usize) -> String) -> String {
    (0..n).map(part).collect::<Vec<_>>().join(separator)
}

/// Statements with `n` of something.
fn chains(n: usize) -> Vec<(&'static str, String)> {
    let select = |list: &str, condition: &str| format!("SELECT {list} FROM t WHERE {condition}");
    let nested = |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(n), close.repeat(n));
    vec![
        ("OR", select("a", &repeated(n, " OR ", &|i| format!("a={i}")))),
        ("OR of columns", select("a", &repeated(n, " OR ", &|i| format!("a={i} AND b={i}")))),
        ("AND", select("a", &repeated(n, " AND ", &|i| format!("b<>{i}")))),
        ("concatenation", select(&repeated(n, "||", &|_| "c".into()), "a=1")),
        ("sum in a condition", select("a", &format!("b={}", repeated(n, "+", &|_| "a".into())))),
        ("minus", select("a", &format!("b={}a", "- ".repeat(n)))),
        ("NOT", select("a", &format!("{}(a=1)", "NOT ".repeat(n)))),
        ("IN list", select("a", &format!("a IN ({})", repeated(n, ",", &|i| i.to_string())))),
        ("array", select("a", &format!("a=ANY(ARRAY[{}])", repeated(n, ",", &|i| format!("${}", i + 1))))),
        ("casts", select("a", &format!("a{}=1", "::int".repeat(n)))),
        ("subscripts", select("a", &format!("d{}=1", "[1]".repeat(n)))),
        ("json arrows", select("a", &format!("e{}='x'", "->'k'".repeat(n)))),
        ("IS NULL", select("a", &format!("a{}", " IS NULL".repeat(n)))),
        ("BETWEEN", select("a", &nested("(", "a BETWEEN 1 AND 2", " BETWEEN true AND false)"))),
        ("AT TIME ZONE", select("a", &format!("f{} = now()", " AT TIME ZONE 'UTC'".repeat(n)))),
        ("UNION ALL", repeated(n, " UNION ALL ", &|i| format!("SELECT a FROM t WHERE a={i}"))),
        ("UNION and INTERSECT", repeated(n, " UNION SELECT 1 INTERSECT ", &|_| "SELECT a FROM t".into())),
        ("parentheses", select("a", &nested("(", "a=1", ")"))),
        ("functions", select("a", &format!("{}=1", nested("abs(", "a", ")")))),
        ("CASE", select(&nested("CASE WHEN a=1 THEN ", "a", " END"), "a=1")),
        ("subqueries", nested("SELECT a FROM (", "SELECT a FROM t", ") x")),
        ("scalar subqueries", nested("SELECT (", "SELECT a FROM t", ")")),
        ("EXISTS", format!("{}SELECT 1 FROM t{}", "SELECT 1 FROM t WHERE EXISTS (".repeat(n), ")".repeat(n))),
        ("parenthesised queries", nested("(", "SELECT a FROM t", ")")),
        (
            "joins",
            format!(
                "SELECT t0.a FROM t t0 {}",
                repeated(n, " ", &|i| format!("JOIN t t{} ON t{}.a=t{i}.a", i + 1, i + 1))
            ),
        ),
        ("nested joins", format!("SELECT 1 FROM {}", nested("(t JOIN ", "t", " ON true)"))),
        ("comma joins", format!("SELECT 1 FROM {}", repeated(n, ",", &|i| format!("t t{i}")))),
        ("WITH", format!("WITH {} SELECT a FROM c0", repeated(n, ",", &|i| format!("c{i} AS (SELECT a FROM t)")))),
        (
            "WITH of WITH",
            format!(
                "WITH c0 AS (SELECT a FROM t),{} SELECT a FROM c{n}",
                repeated(n, ",", &|i| format!("c{} AS (SELECT a FROM c{i})", i + 1))
            ),
        ),
        ("VALUES", format!("INSERT INTO t (a, b) VALUES {}", repeated(n, ",", &|i| format!("({i},{i})")))),
        ("select list", select(&repeated(n, ",", &|_| "a".into()), "a=1")),
        ("ORDER BY", format!("SELECT a FROM t ORDER BY {}", repeated(n, ",", &|_| "b".into()))),
        ("SET", format!("UPDATE t SET {} WHERE a=1", repeated(n, ",", &|_| "b=2".into()))),
        ("rows", select("a", &format!("(a,b) IN ({})", repeated(n, ",", &|i| format!("({i},{i})"))))),
        ("comments", format!("SELECT a {}FROM t", "/* x */".repeat(n))),
        ("open comments", format!("SELECT a FROM t {}", "/*".repeat(n))),
        ("open parentheses", format!("SELECT {}", "(".repeat(n))),
        ("open brackets", format!("SELECT a{}", "[".repeat(n))),
        ("quotes", format!("SELECT {}", "'".repeat(n))),
        ("dollars", format!("SELECT {}", "$".repeat(n))),
        ("typed constants", select("a", &repeated(n, " AND ", &|_| "f>interval'1 d'".into()))),
        ("collations", select("a", &repeated(n, " AND ", &|_| "c::text COLLATE \"C\"=''".into()))),
    ]
}

fn survive(name: &str, n: usize, text: &str, catalog: &Catalog<'_>) {
    let started = Instant::now();
    let found = shape(text, catalog);
    if text.len() > pgadvise::sql::parse::TEXT_BYTES_MAX {
        assert!(
            matches!(&found, Err(ShapeError::NotParsed(reason)) if reason.contains("longer")),
            "{name} {n}: {found:?}"
        );
    }
    let _ = (classify(text), split(text), normalise(text));
    if n <= 1_000 {
        let _ = (parameters(text, catalog), canonical(text));
    }
    let elapsed = started.elapsed();
    assert!(elapsed < TEXT_TIME_MAX, "{name} {n} took {elapsed:.1?}");
}

fn tortured(n: usize, snapshot: &Snapshot) {
    let catalog = Catalog::new(snapshot);
    for (name, text) in chains(n) {
        // Lexing megabytes shows nothing that half of one does not.
        if text.len() <= OVERLONG_BYTES_MAX {
            survive(name, n, &text, &catalog);
        }
        // As deep as the cap lets it be.
        if text.len() > pgadvise::sql::parse::TEXT_BYTES_MAX && n == 100_000 {
            let per_link = text.len() / n + 1;
            let fits = pgadvise::sql::parse::TEXT_BYTES_MAX / per_link;
            let largest = chains(fits.saturating_sub(20)).into_iter().find(|(other, _)| *other == name);
            if let Some((name, text)) = largest {
                survive(name, fits, &text, &catalog);
            }
        }
    }
}

#[test]
fn long_and_deep_statements_neither_abort_nor_hang() {
    let database = database("torture", "CREATE TABLE t (a int, b int, c text, d int[], e jsonb, f timestamptz)");
    let snapshot = snapshot(&database);
    for n in [1_000, 100_000] {
        tortured(n, &snapshot);
    }
}

/// Every statement of the corpus cut off at every eleventh byte, and with one byte changed there.
#[test]
fn cut_and_broken_statements_are_refused_or_read_but_never_fatal() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/statements");
    let schema = std::fs::read_to_string(folder.join("schema.sql")).expect("the schema");
    let database = database("broken", &schema);
    let snapshot = snapshot(&database);
    let catalog = Catalog::new(&snapshot);
    let (mut n_texts, mut n_read) = (0_usize, 0_usize);
    for style in ["django", "rails", "prisma", "hibernate", "by_hand"] {
        let text = std::fs::read_to_string(folder.join(format!("{style}.sql"))).expect("statements");
        for (number, statement) in split(&text).expect("statements").into_iter().enumerate() {
            for at in (number % 11..statement.text.len()).step_by(11).filter(|at| statement.text.is_char_boundary(*at))
            {
                let (cut, rest) = statement.text.split_at(at);
                let broken = format!(
                    "{cut}{}{}",
                    ["'", ")", "(", "\"", ",", "--", "/*", "$", ";", "\\", ""][at % 11],
                    rest.get(1..).unwrap_or("")
                );
                for text in [cut, broken.as_str()] {
                    let found = shape(text, &catalog);
                    assert_ne!(found, Err(ShapeError::NotParsed(FAILED.to_owned())), "{text}");
                    n_read += usize::from(found.is_ok());
                    n_texts += 1;
                }
            }
        }
    }
    assert!(n_texts > 5_000 && n_read * 3 < n_texts, "{n_read} of {n_texts} have a shape");
}
