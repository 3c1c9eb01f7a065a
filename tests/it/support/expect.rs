//! Expectations in files: compared whole, written anew only when `UPDATE=1` asks for it.

use std::path::Path;

/// Whether expectations are to be written anew.
pub fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Asserts that the file at `path` holds `actual`; with `UPDATE=1` writes it.
pub fn file(path: &Path, actual: &str) {
    if is_update() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("the expectation's folder");
        }
        std::fs::write(path, actual).expect("the expectation");
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} is not current; read the difference, then run again with UPDATE=1\n--- expected\n{expected}\n--- actual\n{actual}",
        path.display()
    );
}
