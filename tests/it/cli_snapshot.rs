//! `pgadvise snapshot` and the analysis of its file on a machine without the server.

use std::os::unix::fs::PermissionsExt;

use crate::support;
use crate::support::Database;
use crate::support::cli::{Desk, Run, SHOP_ADVICE, fill_shop, run_shop};

/// The shop after its traffic, with a copy to build candidates in.
fn shop(name: &str) -> (Database, Database) {
    let setup = "CREATE EXTENSION pg_stat_statements";
    let database = support::database_on(support::server_with_hypopg(), name, setup);
    let copy = support::database_on(support::server_with_hypopg(), &format!("{name}_copy"), "");
    for shop in [&database, &copy] {
        fill_shop(shop);
    }
    run_shop(&database);
    (database, copy)
}

/// The report without what differs between two runs on the same state.
fn comparable(run: &Run) -> serde_json::Value {
    let mut report = run.json();
    report["generated_at"].take();
    report["summary"]["elapsed_ms"].take();
    report["source"]["kind"].take();
    report
}

/// The migrations below `folder` by name, without what differs between two runs on the same state.
fn migrations(desk: &Desk, folder: &str) -> Vec<(String, String)> {
    let files = desk.files().into_iter().filter(|file| file.starts_with(folder));
    let without_times = |text: &str| {
        let is_time =
            |line: &&str| line.contains("emitted_at") || line.contains("20261121") || line.contains("written");
        text.lines().filter(|line| !is_time(line)).collect::<Vec<_>>().join("\n")
    };
    let content = |file: &String| std::fs::read_to_string(desk.path().join(file)).expect("a file");
    files.map(|file| (file.rsplit('/').next().expect("a name").to_owned(), without_times(&content(&file)))).collect()
}

#[test]
fn a_snapshot_gives_the_advice_and_the_migrations_of_its_server() {
    let (database, copy) = shop("snapshot_same");
    let (url, copy) = (database.url(), copy.url());
    let desk = Desk::new();
    for file in ["shop.json", "shop.json.gz"] {
        let written = desk.run(&["snapshot", &url, "-o", file]);
        assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
        for word in [file, "(", "4 relations, 4 statements, 4 plans, 1 gap", "GAP:  workload", "holds values"] {
            assert!(written.stderr.contains(word), "no {word}: {}", written.stderr);
        }
        let mode = std::fs::metadata(desk.path().join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for its owner only");
    }
    let arguments = |out| ["--what-if", "sandbox", "--sandbox", copy.as_str(), "--out", out];
    let live = desk.analyze(&url, &arguments("live"));
    live.advises(SHOP_ADVICE);
    for (file, out) in [("shop.json", "plain"), ("shop.json.gz", "packed")] {
        let offline = desk.analyze(file, &arguments(out));
        assert_eq!(offline.json()["source"]["kind"], "snapshot");
        assert_eq!(comparable(&offline), comparable(&live));
        assert!(migrations(&desk, out).len() > 3, "{:?}", desk.files());
        assert_eq!(migrations(&desk, out), migrations(&desk, "live"));
    }
}

#[test]
fn a_snapshot_is_written_to_stdout_and_taken_from_another_one() {
    let (database, _) = shop("snapshot_again");
    let desk = Desk::new();
    let piped = desk.run(&["snapshot", &database.url(), "-o", "-"]);
    assert_eq!(piped.code, Some(0), "{piped:?}");
    desk.write("piped.json", &piped.stdout);
    for arguments in
        [vec!["-o", "again.json"], vec!["-o", "redacted.json", "--redact"], vec!["-o", "bare.json", "--no-plans"]]
    {
        let run = desk.run(&[&["snapshot", "piped.json"], &arguments[..]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    let read = |name: &str| std::fs::read_to_string(desk.path().join(name)).expect("a file");
    assert_eq!(read("again.json"), piped.stdout, "what is read is what was written");
    assert!(piped.stdout.contains("Seq Scan") && !read("bare.json").contains("Seq Scan"));
    assert!(piped.stdout.contains("@example.org") && !read("redacted.json").contains("example.org"));
    let arguments = ["--no-emit", "--what-if", "estimate"];
    desk.try_analyze("bare.json", &arguments).has_gap(&["snapshot plans", "--no-plans"]);
    desk.try_analyze("redacted.json", &arguments).has_gap(&["snapshot values", "--redact"]);
    let refused = desk.try_analyze("piped.json", &["--no-emit", "--what-if", "hypopg"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("HypoPG need the server, and this is a snapshot file"), "{refused:?}");
}

#[test]
fn what_is_no_source_is_said() {
    let desk = Desk::new();
    desk.write("empty.json", "");
    desk.write("dump.sql", "SELECT 1;");
    desk.write("future.json", "{\"format_version\": 99}");
    desk.write("half.json", "{\"format_version\": 1, \"taken_at\"");
    desk.write("notes.txt", "canary");
    desk.write("shop", "canary");
    std::fs::create_dir(desk.path().join("folder.json")).expect("a folder");
    for (source, code, message, hint) in [
        ("absent.json", 4, "no such file or directory", "pgadvise snapshot"),
        ("./absent", 4, "no such file or directory", "pgadvise snapshot"),
        ("empty.json", 4, "it is empty", "pgadvise snapshot"),
        ("future.json", 4, "its format version is 99", "Upgrade pgadvise"),
        ("half.json", 4, "ends too early", "pgadvise snapshot"),
        ("notes.txt", 4, "not JSON", "pgadvise snapshot"),
        ("folder.json", 4, "it is a directory", "pgadvise snapshot"),
        ("/dev/null", 4, "not a regular file", "into a file first"),
        ("dump.sql", 2, "a file of SQL", "--workload dump.sql"),
        ("shop", 2, "\"shop\" can be a database or the file of that name", "./shop"),
    ] {
        desk.run(&["analyze", source]).failed(code, message, hint);
        if source != "shop" {
            desk.run(&["verify", source, "--manifest", "m.json"]).failed(
                2,
                "looks at the server itself",
                "pgadvise verify postgres://",
            );
        }
    }
    desk.run(&["analyze", "future.json", "--what-if", "hypopg"]).failed(4, "format version", "Upgrade");
}
