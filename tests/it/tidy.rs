//! House rules: file length, module docs, dependency order, one rule per file, fixtures and docs for every rule, SQL in its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pgadvise::rules::{RULES, docs};

/// Longest file, in lines.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, sorted, as (path from the root, text).
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((shown(&path), std::fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).expect("a path below the root").to_string_lossy().into_owned()
}

/// The code of a source file without the unit tests at its end.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// Whether the file at `path` is compiled for tests alone: its parent declares it so.
fn is_unit_tests(path: &str, files: &[(String, String)]) -> bool {
    let Some(folder) = path.strip_suffix("/tests.rs") else { return false };
    let parents = [format!("{folder}/mod.rs"), format!("{folder}.rs")];
    files.iter().any(|(path, text)| parents.contains(path) && text.contains("#[cfg(test)]\nmod tests;\n"))
}

fn assert_none(what: &str, offenders: Vec<String>) {
    assert!(offenders.is_empty(), "{what}:\n  {}", offenders.join("\n  "));
}

#[test]
fn files_are_short() {
    let long = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert_none(&format!("files above {LINES_MAX} lines"), long);
}

#[test]
fn files_open_with_what_they_are() {
    let mute = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert_none("files that do not open with a //! line", mute);
}

/// The modules of `lib.rs`, in their order.
fn modules() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

#[test]
fn modules_use_only_those_before_them() {
    let modules = modules();
    let position = |name: &str| modules.iter().position(|module| module == name);
    let mut offenders = Vec::new();
    for (path, text) in rust_files("src") {
        let own = path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned();
        let Some(own_position) = position(&own) else { continue };
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if position(&name).is_some_and(|used| used > own_position) {
                    offenders.push(format!("{path}:{}: {own} uses {name}", number + 1));
                }
            }
        }
    }
    assert_none("uses against the order of lib.rs", offenders);
}

#[test]
fn every_folder_is_a_module_of_lib_rs() {
    let modules: BTreeSet<String> = modules().into_iter().collect();
    let strangers = rust_files("src")
        .into_iter()
        .map(|(path, _)| path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned())
        .filter(|name| name != "lib" && name != "main" && !modules.contains(name))
        .collect();
    assert_none("folders that lib.rs does not name", strangers);
}

#[test]
fn one_rule_per_file_and_one_spelling() {
    let declared: Vec<(String, usize)> = rust_files("src/rules")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("meta.rs"))
        .map(|(path, text)| (path, text.matches("declare_rule! {").count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_none(
        "files with more than one rule",
        declared.iter().filter(|(_, count)| *count != 1).map(|(path, _)| path.clone()).collect(),
    );
    let files: BTreeSet<String> = declared.into_iter().map(|(path, _)| path).collect();
    let expected: BTreeSet<String> = RULES
        .iter()
        .map(|rule| {
            let file = format!("src/rules/{}.rs", rule.meta().id);
            if root().join(&file).exists() { file } else { format!("src/rules/{}/mod.rs", rule.meta().id) }
        })
        .collect();
    assert_eq!(files, expected, "each rule is declared in the file that bears its id, and listed in RULES");
    assert!(RULES.is_sorted_by_key(|rule| rule.meta().id), "RULES is sorted by id");
}

#[test]
fn every_rule_has_a_fixture_with_a_quiet_case() {
    let mut offenders = Vec::new();
    for rule in RULES {
        let path = root().join(format!("fixtures/rules/{}.md", rule.meta().id));
        match std::fs::read_to_string(&path) {
            Err(_) => offenders.push(format!("{}: no fixture", rule.meta().id)),
            Ok(text) if !text.contains("```text findings\nnone\n```") => {
                offenders.push(format!("{}: no quiet case", rule.meta().id));
            }
            Ok(_) => {}
        }
    }
    assert_none("rules without a fixture or a quiet case", offenders);
}

#[test]
fn every_rule_has_a_current_docs_page() {
    for rule in RULES {
        let path = root().join(format!("docs/rules/{}.md", rule.meta().id));
        crate::support::expect::file(&path, &docs::page(rule.meta()));
    }
}

#[test]
fn only_db_names_the_driver() {
    let offenders = rust_files("src")
        .into_iter()
        .filter(|(path, _)| !path.starts_with("src/db/"))
        .filter(|(_, text)| text.contains("tokio_postgres") || text.contains("rustls") || text.contains("tokio::"))
        .map(|(path, _)| path)
        .collect();
    assert_none("files outside src/db that name the driver", offenders);
}

#[test]
fn statements_live_in_query_files_and_ddl_in_emit_and_whatif() {
    let allowed =
        ["src/db/", "src/emit/", "src/whatif/", "src/sql/", "src/demo/", "src/planning/", "src/plan/shape.rs"];
    let starts =
        ["\"SELECT ", "\"select ", "\"CREATE INDEX", "\"DROP INDEX", "\"ALTER ", "\"INSERT ", "\"UPDATE ", "\"WITH "];
    let files = rust_files("src");
    let offenders = files
        .iter()
        .filter(|(path, _)| !allowed.iter().any(|folder| path.starts_with(folder)) && !is_unit_tests(path, &files))
        .filter(|(_, text)| starts.iter().any(|start| without_tests(text).contains(start)))
        .map(|(path, _)| path.clone())
        .collect();
    assert_none("files that spell SQL in strings", offenders);
}

#[test]
fn query_files_say_what_they_read() {
    let mut offenders = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                let text = std::fs::read_to_string(&path).expect("a query file");
                if !text.starts_with("-- ") {
                    offenders.push(shown(&path));
                }
            }
        }
    }
    assert_none("query files that do not open with a comment", offenders);
}
