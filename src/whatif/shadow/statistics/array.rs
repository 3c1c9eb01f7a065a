//! Arrays in PostgreSQL's text form, as `array_in` reads them. Knows no types.

use std::fmt::Write as _;

/// `{"a","b \" c"}`: each element in quotes, so that no text is taken for NULL, a brace or a delimiter.
pub(super) fn of_texts(elements: &[String]) -> String {
    let mut text = String::with_capacity(elements.iter().map(|element| element.len() + 3).sum::<usize>() + 2);
    text.push('{');
    for (position, element) in elements.iter().enumerate() {
        text.push_str(if position == 0 { "\"" } else { ",\"" });
        for character in element.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// `{0.5,1}`.
pub(super) fn of_numbers<T: std::fmt::Display>(elements: impl IntoIterator<Item = T>) -> String {
    let mut text = "{".to_owned();
    for (position, element) in elements.into_iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{element}");
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_stays_what_it_is() {
        let texts = ["", "NULL", "a,b", "{x}", "\"", "\\", " b ", "line\nbreak", "ä日"].map(String::from);
        assert_eq!(
            of_texts(&texts),
            "{\"\",\"NULL\",\"a,b\",\"{x}\",\"\\\"\",\"\\\\\",\" b \",\"line\nbreak\",\"ä日\"}"
        );
        assert_eq!(of_texts(&[]), "{}");
    }

    #[test]
    fn numbers_are_written_in_full() {
        assert_eq!(of_numbers([0.1, 1.0, -1e-7]), "{0.1,1,-0.0000001}");
        assert_eq!(of_numbers([0_i16; 0]), "{}");
    }
}
