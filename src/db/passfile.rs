//! The password file (`~/.pgpass`): the first line that matches host, port, database and user gives the password.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::secret::Secret;

/// What a line of the password file is compared with.
pub(super) struct Login<'l> {
    /// Host name or address; `localhost` for the default socket folder, the folder itself for another one.
    pub(super) host: &'l str,
    pub(super) port: &'l str,
    pub(super) database: &'l str,
    pub(super) user: &'l str,
}

/// The password for `login`. A file that others can read is ignored with a warning, as libpq does; one that does not
/// exist or cannot be read is ignored without.
pub(super) fn password(file: &Path, login: &Login<'_>) -> Option<Secret> {
    let mut opened = File::open(file).ok()?;
    if !is_private(&opened, file) {
        return None;
    }
    let mut text = Zeroizing::new(Vec::new());
    opened.read_to_end(&mut text).ok()?;
    text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()).find_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with('#') { None } else { password_of_line(line, login) }
    })
}

fn is_private(opened: &File, file: &Path) -> bool {
    let Ok(metadata) = opened.metadata() else {
        return false;
    };
    if !metadata.is_file() {
        tracing::warn!("password file \"{}\" is not a plain file", file.display());
        return false;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        /// Read, write or execute for the group or for everyone.
        const OTHERS: u32 = 0o077;
        if metadata.permissions().mode() & OTHERS != 0 {
            tracing::warn!(
                "password file \"{}\" has group or world access; permissions should be u=rw (0600) or less",
                file.display()
            );
            return false;
        }
    }
    true
}

/// The password at the end of `line`, if the four fields before it match.
fn password_of_line(line: &str, login: &Login<'_>) -> Option<Secret> {
    let mut rest = line;
    for wanted in [login.host, login.port, login.database, login.user] {
        let (field, after) = split_field(rest)?;
        if !field.matches(wanted) {
            return None;
        }
        rest = after;
    }
    let mut password = String::with_capacity(rest.len());
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => break,
            '\\' => password.extend(characters.next()),
            other => password.push(other),
        }
    }
    Some(Secret::new(password))
}

/// One field of a line: a lone asterisk matches everything.
struct Field {
    text: String,
    matches_all: bool,
}

impl Field {
    fn matches(&self, wanted: &str) -> bool {
        self.matches_all || self.text == wanted
    }
}

/// Takes the field before the next colon that no backslash escapes.
fn split_field(line: &str) -> Option<(Field, &str)> {
    if let Some(after) = line.strip_prefix("*:") {
        return Some((Field { text: String::new(), matches_all: true }, after));
    }
    let mut text = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return Some((Field { text, matches_all: false }, &line[at + 1..])),
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        let login = Login { host: "db:1", port: "5432", database: "a\\b", user: "u" };
        password_of_line(line, &login).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn fields_match_with_escapes_and_asterisks() {
        assert_eq!(found(r"db\:1:5432:a\\b:u:secret").as_deref(), Some("secret"));
        assert_eq!(found(r"*:*:*:*:se\:cr\\et").as_deref(), Some(r"se:cr\et"));
        assert_eq!(found(r"*:*:*:*:").as_deref(), Some(""));
        assert_eq!(found(r"*:*:*:other:secret"), None);
        assert_eq!(found(r"db\:1:5432:a\\b:u"), None);
        assert_eq!(found(r"d*:*:*:*:secret"), None);
    }
}
