//! Putting values in the place of parameters, and changing how parameters are written. Text in, text out, on tokens:
//! whatever stands in strings, comments and quoted names is left alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::pg::identifier::quote_literal;
use crate::sql::tokens::{Token, tokens};

/// The numbers of the parameters of `text`.
pub(super) fn parameters(text: &str) -> BTreeSet<u32> {
    tokens(text).iter().filter_map(|token| token.parameter(text)).collect()
}

/// `text` with every parameter in `values` replaced by its SQL, in parentheses. Those that remain are numbered from 1
/// without gaps, as PREPARE needs them.
pub(super) fn substitute(text: &str, values: &BTreeMap<u32, String>) -> String {
    let remaining: Vec<u32> = parameters(text).into_iter().filter(|number| !values.contains_key(number)).collect();
    replace(text, |_, number| match values.get(&number) {
        // FETCH FIRST and subscripts take a cast in parentheses only.
        Some(value) => Some(format!("({value})")),
        None => remaining.binary_search(&number).ok().map(|at| format!("${}", at + 1)),
    })
}

/// The parameter of `text` whose value the server means by the `position`-th character (from 1) of
/// `substitute(text, values)`.
pub(super) fn parameter_at(text: &str, values: &BTreeMap<u32, String>, position: usize) -> Option<u32> {
    let mut n_chars = 0;
    for token in tokens(text) {
        let number = token.parameter(text);
        let value = number.and_then(|number| values.get(&number));
        n_chars += value.map_or_else(|| token.text(text).chars().count(), |value| value.chars().count() + 2);
        if position <= n_chars {
            return number.filter(|_| value.is_some());
        }
    }
    None
}

/// `text` with `$n::type` for every use of the parameter `number` that has no cast yet.
pub(super) fn cast(text: &str, number: u32, type_sql: &str) -> String {
    let all = tokens(text);
    let significant: Vec<&Token> = all.iter().filter(|token| !token.is_trivia()).collect();
    let uncast: BTreeSet<usize> = significant
        .iter()
        .enumerate()
        .filter(|(at, _)| !significant.get(at + 1).is_some_and(|next| next.is_mark(text, "::")))
        .map(|(_, token)| token.range.start)
        .collect();
    replace(text, |token, found| {
        (found == number && uncast.contains(&token.range.start)).then(|| format!("${number}::{type_sql}"))
    })
}

/// `value` as a constant of the type `type_sql`, which is as `format_type` writes it.
pub(super) fn typed_literal(value: &str, type_sql: &str) -> String {
    format!("{}::{}", quote_literal(value).trim_start(), without_length(type_sql))
}

/// `type_sql` as a cast needs it: `character` and `bit` without a length mean a length of 1 there.
fn without_length(type_sql: &str) -> String {
    let (element, brackets) = type_sql.split_at(type_sql.find('[').unwrap_or(type_sql.len()));
    let element = match element {
        "character" => "bpchar",
        "bit" => "\"bit\"",
        other => other,
    };
    format!("{element}{brackets}")
}

/// `text` with each parameter replaced by what `new` returns for it, where it returns something.
fn replace(text: &str, mut new: impl FnMut(&Token, u32) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    for token in tokens(text) {
        match token.parameter(text).and_then(|number| new(&token, number)) {
            Some(replacement) => result.push_str(&replacement),
            None => result.push_str(token.text(text)),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_replace_parameters_and_nothing_else() {
        let values = BTreeMap::from([(1, "'a'::text".to_owned()), (10, "1".to_owned())]);
        assert_eq!(
            substitute("select '$1', \"$1\" /* $1 */ from t where a = $1 and b = $10 and c = $2", &values),
            "select '$1', \"$1\" /* $1 */ from t where a = ('a'::text) and b = (1) and c = $1"
        );
    }

    #[test]
    fn an_error_in_a_value_names_its_parameter() {
        let text = "select größe + $2 where a = $1";
        let values = BTreeMap::from([(1, "'a'::int".to_owned()), (2, "1".to_owned())]);
        let substituted = substitute(text, &values);
        let position = substituted.chars().take_while(|c| *c != '\'').count() + 1;
        assert_eq!(parameter_at(text, &values, position), Some(1));
        assert_eq!(parameter_at(text, &values, 1), None);
        assert_eq!(parameter_at(text, &values, 999), None);
    }

    #[test]
    fn casts_are_added_once() {
        assert_eq!(cast("$1 + $1::int + $1 ::int + $12", 1, "numeric"), "$1::numeric + $1::int + $1 ::int + $12");
    }

    #[test]
    fn literals_are_quoted_and_keep_their_length() {
        assert_eq!(typed_literal("it's", "character varying"), "'it''s'::character varying");
        assert_eq!(typed_literal("a\\b", "text"), "E'a\\\\b'::text");
        assert_eq!(typed_literal("abc", "character"), "'abc'::bpchar");
        assert_eq!(typed_literal("{abc}", "character[]"), "'{abc}'::bpchar[]");
        assert_eq!(typed_literal("101", "bit"), "'101'::\"bit\"");
    }
}
