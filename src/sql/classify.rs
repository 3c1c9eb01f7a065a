//! What a text is, without parsing it: plannable, utility or empty; and the guard before a text is sent to a server.
//! Safe on truncated text. What is not known to be plannable is a utility statement, because those may hold passwords.

use super::shape::StatementKind;
use super::tokens::{Token, TokenKind, tokens};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextClass {
    /// Something that EXPLAIN takes, by the first word of its main statement.
    Plannable(StatementKind),
    /// A utility statement, or several statements with one among them. Its text may hold a password: drop it at once.
    Utility,
    /// White space and comments only.
    Empty,
}

/// What `text` is. Leading comments and parentheses are looked through, WITH is looked behind.
pub fn classify(text: &str) -> TextClass {
    let all = tokens(text);
    let mut class = TextClass::Empty;
    for statement in statements(text, &all) {
        match (class, kind(text, &statement)) {
            (_, None) => return TextClass::Utility,
            (TextClass::Empty, Some(kind)) => class = TextClass::Plannable(kind),
            _ => {}
        }
    }
    class
}

/// The guard before a text from a database or a file goes to a server inside EXPLAIN: it is one statement, of a kind
/// that EXPLAIN plans, whole, and creates nothing (`SELECT … INTO`). It works on tokens, so that texts beyond the parser
/// pass as well. The second guard is the extended protocol, in which a message holds one command only.
///
/// # Errors
/// The reason, in one line without anything of the text.
pub fn check_one_plannable(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("the text holds a NUL character".to_owned());
    }
    let all = tokens(text);
    if all.iter().any(|token| token.is_unterminated) {
        return Err("the text ends inside a quoted string, a quoted identifier or a comment".to_owned());
    }
    let found = statements(text, &all);
    match found.as_slice() {
        [] => Err("the text holds no statement".to_owned()),
        [statement] => match kind(text, statement) {
            Some(_) if has_balanced_parentheses(text, statement) => Ok(()),
            Some(_) => Err("the parentheses of the text do not match: it was cut off".to_owned()),
            None => Err("not a SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE or WITH statement".to_owned()),
        },
        _ => Err("the text holds more than one statement".to_owned()),
    }
}

/// The significant tokens of each statement that is not empty, parted at semicolons.
fn statements<'t>(text: &str, all: &'t [Token]) -> Vec<Vec<&'t Token>> {
    all.split(|token| token.is_mark(text, ";"))
        .map(|statement| statement.iter().filter(|token| !token.is_trivia()).collect::<Vec<_>>())
        .filter(|statement| !statement.is_empty())
        .collect()
}

/// The kind of a statement; `None` for what EXPLAIN does not take or what creates a relation.
fn kind(text: &str, statement: &[&Token]) -> Option<StatementKind> {
    let start = statement.iter().position(|token| !token.is_mark(text, "("))?;
    let main = if statement[start].is_word(text, "with") { main_word(text, statement, start + 1) } else { Some(start) };
    // A WITH that is cut off before its main statement can be nothing but plannable.
    let Some(main) = main else { return Some(StatementKind::Select) };
    let word = statement[main];
    let is = |name: &str| word.is_word(text, name);
    if is("select") {
        (!selects_into(text, &statement[main..])).then_some(StatementKind::Select)
    } else if is("values") || is("table") {
        Some(StatementKind::Select)
    } else if is("insert") {
        Some(StatementKind::Insert)
    } else if is("update") {
        Some(StatementKind::Update)
    } else if is("delete") {
        Some(StatementKind::Delete)
    } else if is("merge") {
        Some(StatementKind::Merge)
    } else {
        None
    }
}

/// Where the main statement behind a WITH starts: its first word outside the parentheses that is a command.
fn main_word(text: &str, statement: &[&Token], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (position, token) in statement.iter().enumerate().skip(from) {
        if token.is_mark(text, "(") {
            depth += 1;
        } else if token.is_mark(text, ")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.kind == TokenKind::Word {
            let follows_query = statement[position - 1].is_mark(text, ")");
            // `WITH update AS (…)` names a query; a command follows a closing parenthesis.
            let is_command = COMMANDS.iter().any(|command| token.is_word(text, command));
            if is_command && follows_query {
                return Some(position);
            }
        } else if depth == 1 && token.kind == TokenKind::Word && statement[position - 1].is_mark(text, "(") {
            // `WITH x AS (…) (SELECT …)`: the parenthesis that follows another's end holds the main statement.
            let is_main = position >= 2 && statement[position - 2].is_mark(text, ")");
            if is_main && COMMANDS.iter().any(|command| token.is_word(text, command)) {
                return Some(position);
            }
        }
    }
    None
}

const COMMANDS: [&str; 7] = ["select", "insert", "update", "delete", "merge", "values", "table"];

/// `SELECT … INTO new_relation FROM …`, on the level of the SELECT.
fn selects_into(text: &str, statement: &[&Token]) -> bool {
    let mut depth = 0_usize;
    for token in statement {
        if token.is_mark(text, "(") {
            depth += 1;
        } else if token.is_mark(text, ")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is_word(text, "into") {
            return true;
        }
    }
    false
}

fn has_balanced_parentheses(text: &str, statement: &[&Token]) -> bool {
    let mut depth = 0_i64;
    for token in statement {
        if token.is_mark(text, "(") {
            depth += 1;
        } else if token.is_mark(text, ")") {
            depth -= 1;
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_planned_from_what_may_hold_a_password() {
        use StatementKind::{Delete, Insert, Merge, Select, Update};
        for (text, expected) in [
            ("SELECT 1", TextClass::Plannable(Select)),
            ("  -- ALTER ROLE\n/* x; y */ (( select 1) union select 2)", TextClass::Plannable(Select)),
            ("VALUES (1)", TextClass::Plannable(Select)),
            ("table t", TextClass::Plannable(Select)),
            ("INSERT INTO t SELECT 1", TextClass::Plannable(Insert)),
            ("with a as (select 1), b as (delete from t returning *) UPDATE t SET x = 1", TextClass::Plannable(Update)),
            ("with update as (select 1) delete from t", TextClass::Plannable(Delete)),
            ("with recursive r(n) as (select 1) (select * from r)", TextClass::Plannable(Select)),
            ("with a as (select 'x", TextClass::Plannable(Select)),
            ("MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING", TextClass::Plannable(Merge)),
            ("select 1;", TextClass::Plannable(Select)),
            ("select ';' -- ; drop", TextClass::Plannable(Select)),
            ("ALTER ROLE bob PASSWORD 'secret'", TextClass::Utility),
            ("select 1; alter role bob password 'secret'", TextClass::Utility),
            ("SELECT * INTO copy FROM t", TextClass::Utility),
            ("/* x */ CREATE USER MAPPING FOR bob", TextClass::Utility),
            ("BEGIN", TextClass::Utility),
            ("EXPLAIN SELECT 1", TextClass::Utility),
            ("'select'", TextClass::Utility),
            ("\"select\" 1", TextClass::Utility),
            ("", TextClass::Empty),
            (" ; -- nothing", TextClass::Empty),
            ("/* cut off", TextClass::Empty),
        ] {
            assert_eq!(classify(text), expected, "{text}");
        }
    }

    #[test]
    fn lets_one_plannable_statement_pass_and_nothing_else() {
        for text in [
            "select 1",
            "select 1 ; -- end",
            "select ';drop table t' /* ; */",
            "select $x$;$x$",
            "with x as (select 1) select * from x",
            "select a from t where a @@@ 'beyond ~~~> the parser'",
            "insert into t values (1) returning *",
        ] {
            assert_eq!(check_one_plannable(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "select 1; drop table t",
            "select 1;;select 2",
            "select 'cut off",
            "select (1",
            "select 1)",
            "drop table t",
            "select * into x from t",
            "with x as (select 1) select * into y from x",
            "explain analyze delete from t",
            "call p()",
            "do $$ begin end $$",
            "copy t to program 'x'",
            "select 1\0",
        ] {
            assert!(check_one_plannable(text).is_err(), "{text}");
        }
    }
}
