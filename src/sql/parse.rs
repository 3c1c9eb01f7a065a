//! Text → tree, on a stack large enough for whatever 64 KiB of SQL can nest. Parses one plannable statement at a time.

use std::cell::Cell;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::classify::{TextClass, classify};
use super::lower;
use super::repair;
use super::tree::{Expr, Statement};

/// Texts longer than this are not parsed. Statements that long are lists of values; the parser's time and stack grow
/// with them, what there is to learn does not.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// The stack that parsing runs on. sqlparser builds flat chains (`a OR b OR …`, UNION ALL) as trees as deep as the
/// chain is long, and dropping such a tree recurses: on a 2 MiB stack 10 KB of SQL abort the process.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// How deep sqlparser may nest calls; its default of 50 refuses statements that ORMs send.
const RECURSION_LIMIT: usize = 400;

thread_local! {
    static IS_LARGE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a large stack. Trees are made, used and dropped inside, never carried out.
///
/// # Errors
/// No thread could be started, or `work` panicked: a defect of the parser must not end a run over thousands of texts.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    if IS_LARGE.get() {
        return Ok(work());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("sql".to_owned()).stack_size(STACK_BYTES);
        let running = thread.spawn_scoped(scope, || {
            IS_LARGE.set(true);
            work()
        });
        let running = running.map_err(|_| "no thread could be started to parse it".to_owned())?;
        running.join().map_err(|_| FAILED.to_owned())
    })
}

/// What is said of a text that the parser panicked over.
pub const FAILED: &str = "the parser failed on it, which is a defect of pgadvise";

/// Parses `text` as one plannable statement. The reason is one line and holds nothing of the text but its place.
pub(super) fn parse(text: &str) -> Result<Statement, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("the text is longer than {TEXT_BYTES_MAX} bytes"));
    }
    match classify(text) {
        TextClass::Plannable(_) => {}
        TextClass::Utility => return Err("not one statement that is planned".to_owned()),
        TextClass::Empty => return Err("the text holds no statement".to_owned()),
    }
    let tokens = tokenize(&repair::for_parser(text))?;
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(RECURSION_LIMIT).with_tokens(tokens);
    let statement = parser.parse_statement().map_err(|error| reason(&error.to_string()))?;
    while parser.consume_token(&Token::SemiColon) {}
    if parser.peek_token_ref().token != Token::EOF {
        return Err("not one statement that the parser knows".to_owned());
    }
    lower::statement(&statement)
}

/// Parses `text` as one expression.
pub(super) fn parse_expression(text: &str) -> Result<Expr, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("the expression is longer than {TEXT_BYTES_MAX} bytes"));
    }
    let tokens = tokenize(&repair::for_parser(text))?;
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(RECURSION_LIMIT).with_tokens(tokens);
    let expr = parser.parse_expr().map_err(|error| reason(&error.to_string()))?;
    if parser.peek_token_ref().token != Token::EOF {
        return Err("not one expression that the parser knows".to_owned());
    }
    lower::expression(&expr)
}

fn tokenize(text: &str) -> Result<Vec<Token>, String> {
    Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().map_err(|error| reason(&error.to_string()))
}

/// What sqlparser says, without what it quotes of the statement: that may be a value.
fn reason(error: &str) -> String {
    let what = error.split("found:").next().unwrap_or_default();
    let what = what.trim_start_matches("sql parser error:").trim().trim_end_matches(',').trim();
    let is_plain = what.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | ':' | ',' | '(' | ')' | '.'));
    if is_plain && !what.is_empty() && what.len() <= 120 {
        format!("the parser stopped: {what}")
    } else {
        "the parser does not know the construct".to_owned()
    }
}
