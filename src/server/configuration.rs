//! The lines that a private server's `postgresql.conf` gets. Reads and writes no file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::error::{Error, Result};

/// What every private server is run with: its data is thrown away, so nothing is flushed for safety's sake, and what
/// it says is the same on every machine.
const SETTINGS: [(&str, &str); 7] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("logging_collector", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("unix_socket_permissions", "0700"),
];

/// The lines for `given`, and for our own settings that it does not replace.
pub(super) fn settings_text(settings: &BTreeMap<String, String>) -> Result<String> {
    let mut text = "\n# Written by pgadvise.\n".to_owned();
    let own = SETTINGS.iter().filter(|(name, _)| !settings.contains_key(*name)).copied();
    let given = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.chain(given) {
        push_setting(&mut text, name, value)?;
    }
    Ok(text)
}

/// One line of `postgresql.conf`. Names and values may come from another server, so they cannot start a line of their own.
pub(super) fn push_setting(text: &mut String, name: &str, value: &str) -> Result<()> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if name.is_empty() || !name.chars().all(is_name) || value.chars().any(char::is_control) {
        return Err(Error::unsupported(format!("the setting \"{name}\" cannot be given to a private server")));
    }
    let quoted = value.replace('\\', "\\\\").replace('\'', "''");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name} = '{quoted}'");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_cannot_leave_its_line() {
        let mut text = String::new();
        push_setting(&mut text, "search_path", r#"it's a \ "$user""#).expect("a setting");
        assert_eq!(text, "search_path = 'it''s a \\\\ \"$user\"'\n");
        assert!(push_setting(&mut text, "work_mem", "1MB'\nfsync = 'on").is_err());
        assert!(push_setting(&mut text, "a = 1\nb", "1").is_err());
    }

    #[test]
    fn given_settings_replace_ours() {
        let given = BTreeMap::from([("fsync".to_owned(), "on".to_owned())]);
        let text = settings_text(&given).expect("text");
        assert_eq!(text.matches("fsync").count(), 1);
        assert!(text.contains("fsync = 'on'"));
    }
}
