//! A password in memory: wiped when dropped, and impossible to print, compare or serialise. Knows nothing of where it came from.

use zeroize::Zeroizing;

/// A password. It has no `Debug`, `Display` or `Serialize`, so that no log, error or report can hold it by accident.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `text`; its memory is wiped when the last copy is dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The password itself, for the handshake alone.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}
