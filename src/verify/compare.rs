//! Are two index definitions the same, and if not, in what? Text only; what only the planner can tell is asked by `oracle`.

use crate::emit::Canonical;
use crate::emit::canonical::EXPRESSION_MARK;
use crate::sql::tokens::tokens;

/// What the texts of two definitions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// They are the same.
    Same,
    /// They differ.
    Different,
    /// Only expressions or predicates differ as text: they may still mean the same.
    AskThePlanner,
}

/// Compares what is wanted with what the catalog has.
pub(super) fn compare(wanted: &Canonical, found: &Canonical) -> Comparison {
    let is_alike = wanted.is_unique == found.is_unique
        && wanted.skeleton == found.skeleton
        && wanted.predicate.is_some() == found.predicate.is_some();
    if !is_alike {
        return Comparison::Different;
    }
    if wanted.expressions == found.expressions && predicate(wanted) == predicate(found) {
        Comparison::Same
    } else {
        Comparison::AskThePlanner
    }
}

/// What differs, part by part: `key columns are (a), not (a, b DESC)`. Expressions and predicates that differ only as
/// text are named as well: whoever asks knows from the planner that something does differ.
pub(super) fn differences(wanted: &Canonical, found: &Canonical) -> Vec<String> {
    let mut differences = Vec::new();
    match (wanted.is_unique, found.is_unique) {
        (true, false) => differences.push("it is not unique".to_owned()),
        (false, true) => differences.push("it is unique".to_owned()),
        _ => {}
    }
    let (wanted_parts, found_parts) = (Parts::of(wanted), Parts::of(found));
    for (what, wanted, found) in [
        ("access method is", &wanted_parts.access_method, &found_parts.access_method),
        ("key columns are", &wanted_parts.key_columns, &found_parts.key_columns),
        ("INCLUDE columns are", &wanted_parts.included_columns, &found_parts.included_columns),
        ("NULLS [NOT] DISTINCT is", &wanted_parts.nulls, &found_parts.nulls),
        ("predicate is", &predicate(wanted), &predicate(found)),
    ] {
        if wanted != found {
            differences.push(format!("{what} {}, not {}", shown(found), shown(wanted)));
        }
    }
    differences
}

fn shown(part: &str) -> &str {
    if part.is_empty() { "none" } else { part }
}

/// The predicate without the outer parentheses that the server prints around every one.
fn predicate(canonical: &Canonical) -> String {
    let sql = canonical.predicate.as_deref().unwrap_or_default();
    let inner = sql.strip_prefix('(').and_then(|sql| sql.strip_suffix(')'));
    // `(a) OR (b)` begins and ends with parentheses too, but they are no pair.
    inner.filter(|inner| is_balanced(inner)).unwrap_or(sql).to_owned()
}

fn is_balanced(sql: &str) -> bool {
    let mut depth = 0i32;
    tokens(sql).iter().all(|token| {
        depth += match token.text(sql) {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        depth >= 0
    })
}

/// The parts of a skeleton, the expressions in their places.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    access_method: String,
    key_columns: String,
    included_columns: String,
    nulls: String,
}

impl Parts {
    /// Takes `USING method (…) INCLUDE (…) NULLS NOT DISTINCT` apart at its outermost parentheses.
    fn of(canonical: &Canonical) -> Self {
        let mut parts = Self::default();
        let mut outside = String::new();
        let mut group = String::new();
        let mut depth = 0usize;
        let skeleton = with_expressions(canonical);
        for token in tokens(&skeleton) {
            let text = token.text(&skeleton);
            depth += usize::from(text == "(");
            if depth == 0 {
                outside.push_str(text);
                continue;
            }
            group.push_str(text);
            if text == ")" {
                depth -= 1;
            }
            if depth == 0 {
                let group = std::mem::take(&mut group);
                match std::mem::take(&mut outside).trim() {
                    "INCLUDE" => parts.included_columns = group,
                    before => {
                        parts.access_method = before.trim_start_matches("USING").trim().to_owned();
                        parts.key_columns = group;
                    }
                }
            }
        }
        parts.nulls = outside.trim().to_owned();
        parts
    }
}

fn with_expressions(canonical: &Canonical) -> String {
    let mut text = String::new();
    let mut expressions = canonical.expressions.iter();
    for (position, part) in canonical.skeleton.split(EXPRESSION_MARK).enumerate() {
        if position > 0 {
            text.push_str(expressions.next().map_or(EXPRESSION_MARK, String::as_str));
        }
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(skeleton: &str, expressions: &[&str], predicate: Option<&str>) -> Canonical {
        Canonical {
            is_unique: false,
            skeleton: skeleton.into(),
            expressions: expressions.iter().map(|sql| (*sql).to_owned()).collect(),
            predicate: predicate.map(str::to_owned),
        }
    }

    #[test]
    fn only_expressions_and_predicates_are_left_to_the_planner() {
        let plain = canonical("USING btree (a)", &[], None);
        assert_eq!(compare(&plain, &plain), Comparison::Same);
        assert_eq!(compare(&plain, &canonical("USING btree (a DESC)", &[], None)), Comparison::Different);
        let partial = canonical("USING btree (a)", &[], Some("b IS NULL"));
        assert_eq!(compare(&plain, &partial), Comparison::Different);
        assert_eq!(compare(&partial, &canonical("USING btree (a)", &[], Some("(b IS NULL)"))), Comparison::Same);
        assert_eq!(compare(&partial, &canonical("USING btree (a)", &[], Some("(b > 0)"))), Comparison::AskThePlanner);
        assert_eq!(predicate(&canonical("", &[], Some("(a) OR (b)"))), "(a) OR (b)");
    }

    #[test]
    fn says_in_what_they_differ() {
        let wanted = canonical("USING btree (a, <expression> DESC) INCLUDE (c)", &["lower(b)"], Some("d IS NULL"));
        let mut found = canonical("USING hash (\"a(\")", &[], None);
        found.is_unique = true;
        assert_eq!(
            differences(&wanted, &found),
            [
                "it is unique",
                "access method is hash, not btree",
                "key columns are (\"a(\"), not (a, lower(b) DESC)",
                "INCLUDE columns are none, not (c)",
                "predicate is none, not d IS NULL",
            ]
        );
        let distinct = canonical("USING btree (a) NULLS NOT DISTINCT", &[], None);
        assert_eq!(
            differences(&distinct, &canonical("USING btree (a)", &[], None)),
            ["NULLS [NOT] DISTINCT is none, not NULLS NOT DISTINCT"]
        );
    }
}
