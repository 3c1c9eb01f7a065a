//! The text form of one-dimensional PostgreSQL arrays, `{a,"b c",NULL}`, as pg_stats shows values of any type. Parses
//! only; knows no types.

/// The elements of an array in text form; `None` if it is not one that can be read here (more than one dimension, or
/// another delimiter than a comma). NULL elements become the empty text: statistics hold none.
pub(crate) fn elements(text: &str) -> Option<Vec<String>> {
    let body = without_bounds(text).strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if body.is_empty() {
        return Some(elements);
    }
    let mut rest = body;
    loop {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_element(quoted)?,
            None => bare_element(rest)?,
        };
        elements.push(element);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(elements),
            None => return None,
        }
    }
}

/// Arrays that do not start at 1 carry their bounds: `[0:1]={a,b}`.
fn without_bounds(text: &str) -> &str {
    match text.strip_prefix('[').and_then(|bounds| bounds.split_once("]=")) {
        Some((_, array)) => array,
        None => text,
    }
}

/// An element in quotes, from after the first of them, and what follows the last.
fn quoted_element(text: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((element, &text[at + 1..])),
            '\\' => element.push(characters.next()?.1),
            other => element.push(other),
        }
    }
    None
}

/// An element without quotes, which holds no delimiter, brace or quote, and what follows it.
fn bare_element(text: &str) -> Option<(String, &str)> {
    let (element, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let is_bare = !element.is_empty() && !element.contains(['{', '}', '"', '\\']);
    is_bare.then(|| (if element == "NULL" { String::new() } else { element.to_owned() }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_array_out_writes() {
        for (text, expected) in [
            ("{}", vec![]),
            ("{1,2}", vec!["1", "2"]),
            ("{a,\"b c\",\"\"}", vec!["a", "b c", ""]),
            (r#"{"it's,{}\"x\"","a\\b","NULL"}"#, vec!["it's,{}\"x\"", "a\\b", "NULL"]),
            (r#"{"{1,2}","{3}"}"#, vec!["{1,2}", "{3}"]),
            ("{x,NULL}", vec!["x", ""]),
            ("[0:1]={ä,日本}", vec!["ä", "日本"]),
            ("{\"line\nbreak\"}", vec!["line\nbreak"]),
        ] {
            assert_eq!(
                elements(text).as_deref(),
                Some(&expected.into_iter().map(String::from).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn what_it_cannot_read_is_none_and_never_a_panic() {
        for text in [
            "",
            "{",
            "}",
            "{a",
            "a}",
            "{{1,2},{3,4}}",
            "{\"a}",
            "{\"a\\",
            "{a,}",
            "{\"a\"b}",
            "{(1,1),(0,0);(2,2),(1,1)}x",
            "[0:1]=",
            "[",
            "{a\\b}",
        ] {
            assert_eq!(elements(text), None, "{text}");
        }
    }
}
