//! `pgadvise demo`, the program itself: every planted mistake is found and nothing else, the deploy verifies, a second
//! analysis proposes nothing, and `migrations_out/` in the repository holds what it writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::support::{self, expect};

/// What the shop's README says is planted, as the report lists it.
const FINDINGS: [&str; 11] = [
    "error invalid_index public.\"User\" (phone)",
    "error n_plus_one public.\"OrderItem\" (orderId)",
    "error n_plus_one public.\"User\" (id)",
    "fk_without_index public.\"Order\" (storeId)",
    "fk_without_index public.\"Order\" (userId)",
    "fk_without_index public.\"Review\" (productId)",
    "warning redundant_index public.\"OrderItem\" (orderId)",
    "warning seq_scan_filter public.\"Order\" (storeId, status)",
    "warning seq_scan_filter public.\"Order\" (userId)",
    "warning sort_avoidable public.\"AuditLog\" (occurredAt)",
    "warning sort_avoidable public.\"Order\" (storeId, status, createdAt)",
];

#[test]
fn the_demonstration_shows_the_whole_job() {
    let out = tempfile::tempdir().expect("a folder for the migrations");
    let server = support::server_with_hypopg();
    let output = Command::new(env!("CARGO_BIN_EXE_pgadvise"))
        .args(["demo", "--quiet", "--color", "never", "--pg-bindir"])
        .arg(server.binaries().folder())
        .arg("--out")
        .arg(out.path())
        .output()
        .expect("pgadvise runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));

    let found = findings(&shown);
    assert_eq!(found.len(), FINDINGS.len(), "{found:#?}\n{shown}");
    for finding in FINDINGS {
        assert!(found.iter().any(|line| line.ends_with(finding)), "{finding} is missing:\n{found:#?}");
    }
    assert!(shown.contains("Everything is as the manifest says."), "{shown}");
    assert!(shown.contains("A second analysis proposes nothing more."), "{shown}");
    assert!(shown.contains("The private server is stopped"), "{shown}");
    compare_with_repository(out.path());
}

/// The findings of the first report, each with severity, rule, relation and columns.
fn findings(report: &str) -> Vec<String> {
    let line = Regex::new(r"(?m)^  ((?:error|warning|note) [a-z_]+ .*)$").expect("a pattern");
    let first = report.split("Considered and not proposed").next().unwrap_or(report);
    line.captures_iter(first).map(|captures| captures[1].to_owned()).collect()
}

/// Holds what was written against `migrations_out/`, numbers aside: costs and sizes rest on samples.
fn compare_with_repository(out: &Path) {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations_out");
    let written = files(out);
    if without_numbers(&files(&repository)) == without_numbers(&written) {
        return;
    }
    assert!(
        expect::is_update(),
        "migrations_out/ is not what the demonstration writes; run again with UPDATE=1\n{:#?}\n{:#?}",
        without_numbers(&files(&repository)),
        without_numbers(&written)
    );
    if repository.exists() {
        std::fs::remove_dir_all(&repository).expect("the old migrations go");
    }
    for (path, text) in written {
        let path = repository.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(path, text).expect("the file");
    }
}

/// Every file below `folder`, by its path from there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(open) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&open) else { continue };
        for entry in entries {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("a path below the folder").to_string_lossy().into_owned();
                files.insert(name, std::fs::read_to_string(&path).expect("a text file"));
            }
        }
    }
    files
}

fn without_numbers(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let number = Regex::new(r"-?\d[\d.,]*").expect("a pattern");
    let blank = |text: &str| number.replace_all(text, "#").into_owned();
    let file_number = Regex::new(r"^\d+_pgadvise").expect("a pattern");
    files.iter().map(|(path, text)| (file_number.replace(path, "pgadvise").into_owned(), blank(text))).collect()
}
