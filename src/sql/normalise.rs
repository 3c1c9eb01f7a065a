//! One text for all statements that are the same to an index: constants, aliases, comments, the order of conditions and
//! the length of lists left aside. On the tree; on tokens where the parser gives up.

use super::parse;
use super::print::{MASK, Printer};
use super::repair;
use super::tokens::{TokenKind, significant_tokens};
use super::tree::Statement;
use super::walk::count_from_items;
use crate::pg::identifier::stable_hash;

/// A statement without what does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// Its canonical text: constants and parameters are `$0`. To compare and to group by, not to be run.
    pub text: String,
    /// Whether it comes from the tree rather than from the tokens.
    pub is_parsed: bool,
}

/// The canonical form of `text`.
pub fn normalise(text: &str) -> Normalised {
    let parsed = parse::on_large_stack(|| parse::parse(text).ok().map(|statement| canonical(&statement)));
    match parsed {
        Ok(Some(text)) => Normalised { text, is_parsed: true },
        _ => Normalised { text: of_tokens(text), is_parsed: false },
    }
}

/// A number that depends on the canonical form alone: the same for the queryids of one statement, on every machine.
pub fn fingerprint(text: &str) -> u64 {
    stable_hash(&normalise(text).text)
}

fn canonical(statement: &Statement) -> String {
    let mut printer =
        Printer { is_masked: true, omits_qualifiers: count_from_items(statement) <= 1, ..Printer::default() };
    printer.statement(statement);
    printer.out
}

/// Constants and parameters masked, runs of them in lists made one, words in lower case, one space between tokens.
fn of_tokens(text: &str) -> String {
    let repaired = repair::for_server(text);
    let mut words: Vec<String> = Vec::new();
    for token in significant_tokens(&repaired) {
        let word = match token.kind {
            TokenKind::String | TokenKind::Number | TokenKind::Parameter => MASK.to_owned(),
            TokenKind::Word => token.text(&repaired).to_ascii_lowercase(),
            _ => token.text(&repaired).to_owned(),
        };
        let is_repeated =
            word == MASK && matches!(words.as_slice(), [.., before, comma] if before == MASK && comma == ",");
        if is_repeated {
            words.pop();
        } else {
            words.push(word);
        }
    }
    while words.last().is_some_and(|word| word == ";") {
        words.pop();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_statement_in_other_words_is_the_same() {
        for same in [
            vec![
                "SELECT * FROM t WHERE a = 1 AND b IN (1, 2, 3)",
                "select * from t where b in ($1, $2) and a = $3::int /* x */",
                "SELECT * FROM t x WHERE $1 = x.a AND x.b = ANY ($2::int[])",
                "select * from t where b = any (array[1, 2]) and a = 5 -- y",
                "select * from t where b in ($1 /*, ... */) and a = $2",
            ],
            vec![
                "select a.x from t a, u b where a.id = b.id",
                "select p.x from t as p join u q on true and true where q.id = p.id",
            ]
            .into_iter()
            .take(1)
            .collect(),
            vec!["select a from t where x > 5 or y like 'a%'", "select a from t where y like $1 or $2 < x"],
            vec![
                "select a.n from t a join u b on a.i = b.i where b.k = 1",
                "select y.n from t y join u z on z.i = y.i where $1 = z.k",
            ],
            vec!["insert into t (a, b) values (1, 2)", "insert into t (a, b) values ($1, $2), ($3, $4)"],
            vec!["select a from t limit 5 offset 10", "select a from t limit $1 offset $2"],
            vec![
                "select a from t where x = 1 or x = 2",
                "select a from t where x = 1 or x = 2 or x = 3",
                "select a from t where x in (1, 2)",
            ],
            vec![
                "select now() - interval '1 day' from t",
                "select now() - interval $1 from t",
                "select now() - '2 days'::interval from t",
            ],
            vec!["select a from t where active = true", "select a from t where active = $1"],
            vec!["select a as b from t", "select a from t", "select t.a from t"],
        ] {
            let first = normalise(same[0]);
            assert!(first.is_parsed, "{}", same[0]);
            for other in &same {
                assert_eq!(normalise(other).text, first.text, "{other}");
            }
        }
    }

    #[test]
    fn other_statements_are_others() {
        let all = [
            "select a from t where x = 1",
            "select a from t where x > 1",
            "select a from t where x < 1",
            "select a from t where y = 1",
            "select a from u where x = 1",
            "select b from t where x = 1",
            "select a from t where x = 1 order by a",
            "select a from t where x = 1 order by a desc",
            "select a from t where x = 1 limit 1",
            "select a from t where x is null",
            "select a from t where x in (1, 2)",
            "select a from t where x not in (1, 2)",
            "select a from t where x = y",
            "select a from t where lower(x) = 'a'",
            "select a from t where x::date = '2026-01-01'",
            "select distinct a from t where x = 1",
            "select a from t group by a",
            "update t set a = 1 where x = 1",
            "delete from t where x = 1",
            "select t.a from t join u on t.i = u.i",
            "select u.a from t join u on t.i = u.i",
            "select t.a from t left join u on t.i = u.i",
            "select a from t where x = 1 or y = 1",
            "select a from t where x = 1 for update",
        ];
        let texts: std::collections::BTreeSet<String> = all.iter().map(|text| normalise(text).text).collect();
        assert_eq!(texts.len(), all.len(), "{texts:#?}");
    }

    #[test]
    fn texts_beyond_the_parser_are_compared_by_their_tokens() {
        let one = normalise("SELECT xmlelement(NAME foo, 1) FROM t WHERE a IN (1, 2)");
        let other = normalise("select xmlelement(name foo, $1) /* y */ from t where a in ($2, $3, $4);");
        assert_eq!((one.text, one.is_parsed), (other.text, other.is_parsed));
    }

    #[test]
    fn the_form_of_a_form_is_itself() {
        let files = ["blocks", "joins", "quals"]
            .map(|name| format!("{}/fixtures/shapes/{name}.md", env!("CARGO_MANIFEST_DIR")));
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            for statement in text.split("```sql\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
                let once = normalise(statement);
                assert_eq!(normalise(&once.text).text, once.text, "{statement}");
            }
        }
    }

    proptest! {
        #[test]
        fn constants_do_not_matter(a in any::<i64>(), b in "[a-z'\\\\%$;-]{0,12}", n in 2_usize..6) {
            let list = vec![a.unsigned_abs().to_string(); n].join(", ");
            let text = format!(
                "SELECT id FROM t WHERE a = {} AND b LIKE {} AND c IN ({list}) LIMIT {n}",
                a.unsigned_abs(),
                crate::pg::identifier::quote_literal(&b),
            );
            prop_assert_eq!(fingerprint(&text), fingerprint("select id from t where c in ($1, $2) and a = $3 and b like $4 limit $5"));
        }

        #[test]
        fn any_text_has_a_form(text in "[a-z0-9 '\"$(),;=.*-]{0,80}") {
            let one = normalise(&text);
            prop_assert_eq!(&one, &normalise(&text));
        }
    }
}
