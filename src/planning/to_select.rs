//! A statement that writes or locks → the SELECT that finds its rows, for roles that may only read.
//! Text in, text out, on tokens, so that texts beyond the parser are rewritten too; the server judges the result.

use std::ops::Range;

use super::phrase::Phrase;

/// What the SELECT returns of the relation that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowReference {
    /// `ctid`: what the server's own plan reads, which rules out an index-only scan just as there. Views have none.
    Ctid,
    /// The whole row.
    Whole,
}

/// The SELECT that finds the rows which `text` changes or locks. `None` when `text` is not of a form that can be
/// rewritten (`WHERE CURRENT OF`, a writing CTE that inserts), or writes and locks nothing.
pub(super) fn to_select(text: &str, row: RowReference) -> Option<String> {
    let phrase = Phrase::new(text);
    let verb = main_verb(&phrase)?;
    let end = end_of(&phrase);
    let (edits, body) = match phrase.token_text(verb).to_ascii_uppercase().as_str() {
        "SELECT" | "VALUES" | "TABLE" | "(" => {
            (writing_ctes(&phrase, 0..end, row)?, phrase.text_of(verb..end).to_owned())
        }
        _ => (writing_ctes(&phrase, 0..verb, row)?, select_of(&phrase, verb..end, row, None)?),
    };
    let prefix = if verb == 0 { "" } else { &text[..phrase.bytes_of(verb..verb + 1).start] };
    let is_query = phrase.is_one_of(verb, &["SELECT", "VALUES", "TABLE"]) || phrase.is_mark(verb, "(");
    let rewritten = if is_query { edited(text, edits) } else { format!("{}{body}", edited(prefix, edits)) };
    let unlocked = without_locks(&rewritten);
    (unlocked != text).then_some(unlocked)
}

/// Whether `text` inserts rows that it spells out: it reads no relation, so there is nothing to find.
pub(super) fn inserts_values(text: &str) -> bool {
    let phrase = Phrase::new(text);
    let Some(verb) = main_verb(&phrase).filter(|verb| *verb == 0 && phrase.is_word(*verb, "INSERT")) else {
        return false;
    };
    insert_source(&phrase, verb..end_of(&phrase)).is_some_and(|mut source| {
        phrase.is_one_of(source.start, &["VALUES", "DEFAULT"]) && !source.any(|at| phrase.is_word(at, "SELECT"))
    })
}

/// The tokens without a semicolon at the end.
fn end_of(phrase: &Phrase<'_>) -> usize {
    let mut end = phrase.len();
    while end > 0 && phrase.is_mark(end - 1, ";") {
        end -= 1;
    }
    end
}

/// The word that says what the statement does, behind its WITH.
fn main_verb(phrase: &Phrase<'_>) -> Option<usize> {
    if !phrase.is_word(0, "WITH") {
        return Some(0);
    }
    let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"];
    // A verb in the place of a CTE's name is that name.
    let names = |at: usize| phrase.is_one_of(at - 1, &["WITH", "RECURSIVE"]) || phrase.is_mark(at - 1, ",");
    phrase.find(1..phrase.len(), |at| phrase.is_one_of(at, &verbs) && !names(at))
}

/// A piece of the text and what takes its place.
type Edit = (Range<usize>, String);

/// The CTEs within `tokens` that write, as edits.
fn writing_ctes(phrase: &Phrase<'_>, tokens: Range<usize>, row: RowReference) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    for at in tokens {
        let is_cte = at > 1 && phrase.is_mark(at - 1, "(") && phrase.is_one_of(at - 2, &["AS", "MATERIALIZED"]);
        if is_cte && phrase.is_one_of(at, &["INSERT", "UPDATE", "DELETE", "MERGE"]) {
            let end = phrase.closing(at - 1);
            let returning = phrase.find(at..end, |at| phrase.is_word(at, "RETURNING"));
            let columns = returning.map(|returning| phrase.text_of(returning + 1..end));
            edits.push((phrase.bytes_of(at..end), select_of(phrase, at..end, row, columns)?));
        }
    }
    Some(edits)
}

fn edited(text: &str, edits: Vec<Edit>) -> String {
    let mut result = text.to_owned();
    for (range, replacement) in edits.into_iter().rev() {
        if range.end <= result.len() {
            result.replace_range(range, &replacement);
        }
    }
    result
}

/// The SELECT for one INSERT, UPDATE, DELETE or MERGE. `columns` is the select list, where another statement reads it.
fn select_of(phrase: &Phrase<'_>, tokens: Range<usize>, row: RowReference, columns: Option<&str>) -> Option<String> {
    let statement = Clauses { phrase, tokens: tokens.clone(), row, columns };
    match phrase.token_text(tokens.start).to_ascii_uppercase().as_str() {
        "UPDATE" => statement.update(),
        "DELETE" => statement.delete(),
        "MERGE" if columns.is_none() => statement.merge(),
        "INSERT" if columns.is_none() => {
            let source = insert_source(phrase, tokens)?;
            Some(format!("({})", phrase.text_of(source)))
        }
        _ => None,
    }
}

/// One writing statement.
struct Clauses<'p, 't> {
    phrase: &'p Phrase<'t>,
    tokens: Range<usize>,
    row: RowReference,
    columns: Option<&'p str>,
}

/// The relation that a statement changes.
struct Target<'t> {
    /// As it is to stand after FROM.
    text: &'t str,
    /// The name that the rest of the statement knows it by.
    name: &'t str,
    /// The token after it.
    end: usize,
}

impl Clauses<'_, '_> {
    fn update(&self) -> Option<String> {
        let target = target(self.phrase, self.tokens.start + 1)?;
        let set = self.tokens.clone().start.max(target.end);
        self.phrase.is_word(set, "SET").then_some(())?;
        // `a IS DISTINCT FROM b` is no FROM clause.
        let from = self.find(set, |at| self.phrase.is_word(at, "FROM") && !self.phrase.is_word(at - 1, "DISTINCT"));
        self.select(&target, from, set)
    }

    fn delete(&self) -> Option<String> {
        self.phrase.is_word(self.tokens.start + 1, "FROM").then_some(())?;
        let target = target(self.phrase, self.tokens.start + 2)?;
        let using = Some(target.end).filter(|at| self.phrase.is_word(*at, "USING"));
        self.select(&target, using, target.end)
    }

    /// MERGE joins its source to the target, keeping the rows without a match when it inserts those.
    fn merge(&self) -> Option<String> {
        self.phrase.is_word(self.tokens.start + 1, "INTO").then_some(())?;
        let target = target(self.phrase, self.tokens.start + 2)?;
        self.phrase.is_word(target.end, "USING").then_some(())?;
        let on = self.find(target.end, |at| self.phrase.is_word(at, "ON"))?;
        let when = self.find_when(on)?;
        let inserts = (when..self.tokens.end).any(|at| self.phrase.are_words(at, &["NOT", "MATCHED"]));
        let join = if inserts { "LEFT JOIN" } else { "JOIN" };
        let source = self.phrase.text_of(target.end + 1..on);
        let condition = self.phrase.text_of(on + 1..when);
        Some(format!("SELECT {} FROM {source} {join} {} ON {condition}", self.row_of(&target), target.text))
    }

    /// `SELECT row FROM target, others WHERE …`.
    fn select(&self, target: &Target<'_>, others: Option<usize>, from: usize) -> Option<String> {
        let returning = self.find(from, |at| self.phrase.is_word(at, "RETURNING")).unwrap_or(self.tokens.end);
        let condition = self.find(from, |at| self.phrase.is_word(at, "WHERE"));
        if condition.is_some_and(|at| self.phrase.are_words(at + 1, &["CURRENT", "OF"])) {
            return None;
        }
        let others_end = condition.unwrap_or(returning);
        let others = others.map(|at| format!(", {}", self.phrase.text_of(at + 1..others_end))).unwrap_or_default();
        let condition = condition.map(|at| format!(" {}", self.phrase.text_of(at..returning))).unwrap_or_default();
        let columns = self.columns.map_or_else(|| self.row_of(target), str::to_owned);
        Some(format!("SELECT {columns} FROM {}{others}{condition}", target.text))
    }

    fn row_of(&self, target: &Target<'_>) -> String {
        match self.row {
            RowReference::Ctid => format!("{}.ctid", target.name),
            RowReference::Whole => format!("{}.*", target.name),
        }
    }

    fn find(&self, from: usize, found: impl Fn(usize) -> bool) -> Option<usize> {
        let depth = self.phrase.depth(self.tokens.start);
        (from..self.tokens.end).find(|at| self.phrase.depth(*at) == depth && found(*at))
    }

    /// The first WHEN that belongs to no CASE.
    fn find_when(&self, from: usize) -> Option<usize> {
        let mut n_cases = 0_usize;
        (from..self.tokens.end).find(|at| {
            n_cases += usize::from(self.phrase.is_word(*at, "CASE"));
            n_cases = n_cases.saturating_sub(usize::from(self.phrase.is_word(*at, "END")));
            n_cases == 0 && self.phrase.is_word(*at, "WHEN")
        })
    }
}

/// `[ONLY] name [*] [[AS] alias]` from the token `start` on.
fn target<'t>(phrase: &Phrase<'t>, start: usize) -> Option<Target<'t>> {
    let mut at = start + usize::from(phrase.is_word(start, "ONLY"));
    let parenthesised = phrase.is_mark(at, "(");
    at += usize::from(parenthesised);
    phrase.is_name(at).then_some(())?;
    while phrase.is_mark(at + 1, ".") && phrase.is_name(at + 2) {
        at += 2;
    }
    let mut name = phrase.token_text(at);
    at += 1 + usize::from(parenthesised);
    at += usize::from(phrase.token_text(at) == "*");
    if phrase.is_word(at, "AS") && phrase.is_name(at + 1) {
        name = phrase.token_text(at + 1);
        at += 2;
    } else if phrase.is_name(at) && !phrase.is_one_of(at, &["SET", "USING", "WHERE", "RETURNING"]) {
        name = phrase.token_text(at);
        at += 1;
    }
    Some(Target { text: phrase.text_of(start..at), name, end: at })
}

/// The query or the VALUES that an INSERT takes its rows from.
fn insert_source(phrase: &Phrase<'_>, tokens: Range<usize>) -> Option<Range<usize>> {
    phrase.is_word(tokens.start + 1, "INTO").then_some(())?;
    let depth = phrase.depth(tokens.start);
    let mut at = tokens.start + 2;
    let sources = ["SELECT", "VALUES", "WITH", "TABLE", "DEFAULT"];
    let is_query_in_brackets = |at: usize| {
        let inner = (at..tokens.end).find(|at| !phrase.is_mark(*at, "("));
        phrase.is_mark(at, "(") && inner.is_some_and(|at| phrase.is_one_of(at, &sources))
    };
    // The target's own name may be a word like those.
    at += 1;
    while at < tokens.end && (phrase.depth(at) > depth || !(phrase.is_one_of(at, &sources) || is_query_in_brackets(at)))
    {
        at += 1;
    }
    let ends = |at: usize| phrase.is_word(at, "RETURNING") || phrase.are_words(at, &["ON", "CONFLICT"]);
    let end = (at..tokens.end).find(|at| phrase.depth(*at) == depth && ends(*at)).unwrap_or(tokens.end);
    (at < end).then_some(at..end)
}

/// `text` without `FOR UPDATE`, `FOR NO KEY UPDATE`, `FOR SHARE`, `FOR KEY SHARE` and what belongs to them.
fn without_locks(text: &str) -> String {
    let phrase = Phrase::new(text);
    let strengths: [&[&str]; 4] = [&["UPDATE"], &["SHARE"], &["NO", "KEY", "UPDATE"], &["KEY", "SHARE"]];
    let mut edits = Vec::new();
    for start in (0..phrase.len()).filter(|at| phrase.is_word(*at, "FOR")) {
        let Some(strength) = strengths.iter().find(|words| phrase.are_words(start + 1, words)) else { continue };
        let mut end = start + 1 + strength.len();
        if phrase.is_word(end, "OF") {
            end += 2;
            while phrase.is_mark(end, ",") || phrase.is_mark(end, ".") {
                end += 2;
            }
        }
        if phrase.are_words(end, &["SKIP", "LOCKED"]) {
            end += 2;
        }
        end += usize::from(phrase.is_word(end, "NOWAIT"));
        edits.push((phrase.bytes_of(start..end.min(phrase.len())), String::new()));
    }
    edited(text, edits).trim_end().to_owned()
}
