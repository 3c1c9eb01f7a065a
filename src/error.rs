//! The one error type: what was being done, what went wrong, and what to do next. Knows exit codes, prints nothing.

use std::fmt;

/// What a command returns when it cannot go on.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run stopped. Each kind has one exit code, which scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Wrong usage or configuration (exit code 2).
    Usage,
    /// The server could not be reached, or was lost (exit code 3).
    Connection,
    /// The input is malformed, or a server or file of an unsupported kind (exit code 4).
    Unsupported,
    /// A report or a migration could not be written (exit code 5).
    Output,
    /// Not enough is known to give a verdict (exit code 6).
    Inconclusive,
    /// A defect of pgadvise itself (exit code 70).
    Internal,
    /// Stopped by SIGINT (exit code 130).
    Interrupted,
    /// Stopped by SIGTERM (exit code 143).
    Terminated,
}

impl ErrorKind {
    /// The process exit code, as listed in `pgadvise --help`.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Connection => 3,
            Self::Unsupported => 4,
            Self::Output => 5,
            Self::Inconclusive => 6,
            Self::Internal => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// A failure in PostgreSQL's own style: a message without capital or full stop, a DETAIL and a HINT that are sentences.
///
/// None of the three parts ever holds a password, a parameter value or a row value: whoever builds an `Error` from
/// a server's message passes only what the server says about names and privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// An error of `kind`: `message` says what was being done and what went wrong, as in
    /// `could not connect to db.internal:5432: connection refused`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None, hint: None }
    }

    /// Wrong usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The server could not be reached, or was lost.
    pub fn connection(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Connection, message)
    }

    /// The input is malformed or of an unsupported kind.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// Something could not be written.
    pub fn output(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Output, message)
    }

    /// Not enough is known for a verdict.
    pub fn inconclusive(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Inconclusive, message)
    }

    /// A defect of pgadvise: a state that its own code should have ruled out.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds the sentence that tells more about the cause.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the sentence that tells the user what to do next, with the exact command where there is one.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts what was being done before the message: `reading column statistics: permission denied …`.
    pub fn while_doing(mut self, doing: &str) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without DETAIL and HINT.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The DETAIL sentence.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The HINT sentence.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// The message, then `DETAIL:` and `HINT:` lines where there are any. Control characters are shown as spaces, so
    /// that a name read from a database cannot drive the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", crate::pg::text::one_line(&self.message))?;
        if let Some(detail) = &self.detail {
            write!(f, "\nDETAIL:  {}", crate::pg::text::one_line(detail))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nHINT:  {}", crate::pg::text::one_line(hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// What the operating system or a library says went wrong, as the end of a message: `connection refused` for
/// `Connection refused (os error 111)`.
pub fn reason(cause: &dyn fmt::Display) -> String {
    let words = cause.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut characters = words.chars();
    match characters.next() {
        Some(first) if !words.starts_with("TLS") && !words.starts_with("SSL") => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_message_detail_and_hint_on_lines_of_their_own() {
        let error = Error::connection("could not connect to db:5432: connection refused")
            .with_detail("Two addresses were tried.")
            .with_hint("Check the host and port.");
        assert_eq!(
            error.to_string(),
            "could not connect to db:5432: connection refused\nDETAIL:  Two addresses were tried.\nHINT:  Check the host and port."
        );
        assert_eq!(error.kind().exit_code(), 3);
    }

    #[test]
    fn causes_read_as_the_end_of_a_message() {
        let error = std::io::Error::from_raw_os_error(13);
        assert_eq!(reason(&error), "permission denied");
        assert_eq!(reason(&"TLS handshake eof"), "TLS handshake eof");
        assert_eq!(reason(&""), "");
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let error = Error::usage("no relation \u{1b}[31mred\u{1b}[0m\nDROP");
        assert!(!error.to_string().contains('\u{1b}'));
        assert!(!error.to_string().contains('\n'));
    }
}
