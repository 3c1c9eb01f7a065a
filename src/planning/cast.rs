//! What to try when the server cannot infer the types of a text's parameters: casts near the place that it names, keys
//! copied into the select list, the schema of a relation that the search path does not reach. Pure.

use super::phrase::Phrase;
use super::repeated_key::copy_keys;
use super::substitute::cast;
use crate::db::ServerError;
use crate::pg::quote_identifier;
use crate::snapshot::Catalog;

/// How many of the parameters nearest to the place of an error are tried: the operands of one operator or call.
const PARAMETERS_MAX: usize = 4;

/// Types that resolve what literals left open, the most frequent in applications first.
const USUAL_TYPES: [&str; 9] =
    ["integer", "text", "numeric", "timestamp with time zone", "interval", "date", "jsonb", "boolean", "text[]"];

/// Texts worth trying after the server refused `text`, the most promising first; empty when nothing is known to help.
pub(super) fn attempts(text: &str, refused: &ServerError, catalog: &Catalog) -> Vec<String> {
    match refused.code.as_str() {
        _ if is_about_keys(refused) => copy_keys(text).into_iter().collect(),
        // undefined_table
        "42P01" => qualified(text, refused, catalog).into_iter().collect(),
        // indeterminate_datatype
        "42P18" => casts(text, &named_parameter(refused), &["text", "integer", "timestamp with time zone"]),
        // ambiguous_parameter
        "42P08" => casts(text, &named_parameter(refused), &types(refused)),
        // undefined_function (operators too), datatype_mismatch, ambiguous_function, cannot_coerce
        "42883" | "42804" | "42725" | "42846" => casts(text, &nearest_parameters(text, refused), &types(refused)),
        _ => Vec::new(),
    }
}

/// Whether keys and select list do not go together.
pub(super) fn is_about_keys(refused: &ServerError) -> bool {
    // grouping_error, and invalid_column_reference: DISTINCT with ORDER BY expressions.
    matches!(refused.code.as_str(), "42803" | "42P10")
}

/// Whether the error after a change stands for progress: another one, or the same one further on in the text.
pub(super) fn is_progress(before: &ServerError, after: &ServerError, n_chars_added: usize) -> bool {
    let is_same = before.code == after.code && before.message == after.message;
    !is_same || after.position.unwrap_or_default() > before.position.unwrap_or_default() + n_chars_added
}

fn casts(text: &str, parameters: &[u32], types: &[&str]) -> Vec<String> {
    let pairs = parameters.iter().flat_map(|number| types.iter().map(move |type_sql| (*number, *type_sql)));
    pairs.map(|(number, type_sql)| cast(text, number, type_sql)).filter(|changed| changed != text).collect()
}

/// `could not determine data type of parameter $3`
fn named_parameter(refused: &ServerError) -> Vec<u32> {
    let digits = refused.message.split('$').nth(1).unwrap_or_default();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().into_iter().collect()
}

/// The parameters nearest to the error's place, in the order of their distance.
fn nearest_parameters(text: &str, refused: &ServerError) -> Vec<u32> {
    let phrase = Phrase::new(text);
    let place = refused.position.and_then(|position| phrase.at_position(position)).unwrap_or_default();
    let mut found: Vec<(usize, u32)> =
        (0..phrase.len()).filter_map(|at| Some((at.abs_diff(place), phrase.parameter(at)?))).collect();
    found.sort_unstable();
    let mut nearest = Vec::new();
    for (_, number) in found {
        if !nearest.contains(&number) {
            nearest.push(number);
        }
    }
    nearest.truncate(PARAMETERS_MAX);
    nearest
}

/// Types that the server names in its message, then the usual ones.
fn types(refused: &ServerError) -> Vec<&str> {
    let detail = refused.detail.as_deref().unwrap_or_default();
    // `column "mood" is of type mood but expression is of type text`
    let wanted = refused.message.split("is of type ").nth(1).and_then(|rest| rest.split(" but ").next());
    let is_named = |type_sql: &&str| names_type(&refused.message, type_sql) || names_type(detail, type_sql);
    let usual = || USUAL_TYPES.iter().copied();
    wanted.into_iter().chain(usual().filter(is_named)).chain(usual().filter(|type_sql| !is_named(type_sql))).collect()
}

/// Whether `message` holds `type_sql` as a word of its own: `integer` is not in `bigintegers`, nor `text` in `text[]`.
fn names_type(message: &str, type_sql: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '[';
    message.match_indices(type_sql).any(|(start, found)| {
        let before = message[..start].chars().next_back();
        let after = message[start + found.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// `text` with its schema before the relation that the server does not find, when only one schema has it.
fn qualified(text: &str, refused: &ServerError, catalog: &Catalog) -> Option<String> {
    let phrase = Phrase::new(text);
    let at = phrase.at_position(refused.position?)?;
    let name = crate::sql::tokens::identifier(phrase.token(at)?, text);
    let is_qualified = phrase.is_mark(at + 1, ".") || (at > 0 && phrase.is_mark(at - 1, "."));
    match catalog.find_in_any_schema(&name).as_slice() {
        [relation] if phrase.is_name(at) && !is_qualified => {
            let start = phrase.bytes_of(at..at + 1).start;
            Some(format!("{}{}.{}", &text[..start], quote_identifier(&relation.name.schema), &text[start..]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str, position: usize) -> ServerError {
        ServerError { code: code.into(), message: message.into(), detail: None, hint: None, position: Some(position) }
    }

    #[test]
    fn the_types_that_the_server_names_come_first() {
        let error = refused("42883", "operator does not exist: text[] @> date", 1);
        assert_eq!(types(&error)[..2], ["date", "text[]"]);
        let error = refused("42804", "column \"m\" is of type app.mood but expression is of type text", 1);
        assert_eq!(types(&error)[..2], ["app.mood", "text"]);
    }

    #[test]
    fn the_operands_nearest_to_the_error_are_tried_first() {
        let text = "select $1, $2 + $3, $4, $5, $6";
        assert_eq!(nearest_parameters(text, &refused("42725", "operator is not unique", 15)), [2, 3, 1, 4]);
    }

    #[test]
    fn a_parameter_that_the_server_names_is_the_only_one() {
        let error = refused("42P18", "could not determine data type of parameter $12", 0);
        assert_eq!(named_parameter(&error), [12]);
    }

    #[test]
    fn the_same_error_further_on_is_progress() {
        let first = refused("42883", "operator does not exist", 10);
        assert!(!is_progress(&first, &refused("42883", "operator does not exist", 15), 5));
        assert!(is_progress(&first, &refused("42883", "operator does not exist", 40), 5));
        assert!(is_progress(&first, &refused("42804", "CASE types", 10), 5));
    }
}
