//! Snapshots on full disks, in forbidden folders, and killed; and what a large one costs. A snapshot of a thousand
//! relations is made of a small one.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;
use crate::support::cli::{Desk, fill_shop, run_shop};

/// How many relations the large snapshot has.
const N_RELATIONS: u64 = 1000;

/// A desk with `large.json`: the shop, its largest relation a thousand times.
fn desk_with_a_large_snapshot(name: &str) -> Desk {
    let setup = "CREATE EXTENSION pg_stat_statements";
    let database = support::database_on(support::server_with_hypopg(), name, setup);
    fill_shop(&database);
    run_shop(&database);
    let desk = Desk::new();
    assert_eq!(desk.run(&["snapshot", &database.url(), "-o", "shop.json"]).code, Some(0));
    let text = std::fs::read_to_string(desk.path().join("shop.json")).expect("a file");
    let mut snapshot: Value = serde_json::from_str(&text).expect("JSON");
    let relations = snapshot["relations"].as_array_mut().expect("relations");
    let orders = relations.iter().find(|relation| relation["name"]["name"] == "orders").expect("orders").clone();
    for n in 0..N_RELATIONS {
        let mut relation = orders.clone();
        relation["oid"] = (1_000_000 + n * 10).into();
        relation["name"]["name"] = format!("orders_{n}").into();
        for (nth, index) in relation["indexes"].as_array_mut().expect("indexes").iter_mut().enumerate() {
            index["oid"] = (1_000_001 + n * 10 + nth as u64).into();
            index["name"] = format!("orders_{n}_index_{nth}").into();
        }
        relations.push(relation);
    }
    desk.write("large.json", &snapshot.to_string());
    desk
}

fn leftovers(desk: &Desk) -> Vec<String> {
    desk.files().into_iter().filter(|file| file.starts_with(".pgadvise-snapshot-")).collect()
}

#[test]
fn a_disk_that_is_full_leaves_nothing() {
    let desk = desk_with_a_large_snapshot("snapshot_full");
    // A file larger than the limit cannot be written: as on a full disk, the write fails midway.
    let program = env!("CARGO_BIN_EXE_pgadvise");
    let script = format!("trap '' XFSZ; ulimit -f 512; exec {program} snapshot large.json -o out.json");
    let mut command = Command::new("sh");
    let output = command.args(["-c", &script]).current_dir(desk.path()).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("could not write snapshot out.json: file too large") && said.contains("HINT:"), "{said}");
    assert!(!desk.path().join("out.json").exists());
    assert_eq!(leftovers(&desk), [""; 0]);
    for full in ["/dev/full", "full.json"] {
        if full != "/dev/full" {
            std::os::unix::fs::symlink("/dev/full", desk.path().join(full)).expect("a link");
        }
        desk.run(&["snapshot", "shop.json", "-o", full]).failed(5, "no space left on device", "has room");
    }
    desk.run(&["snapshot", "shop.json", "-o", "no/such/out.json"]).failed(5, "no such file", "folder that exists");
    desk.write("notes.json", "{}");
    desk.run(&["snapshot", "shop.json", "-o", "notes.json"]).failed(5, "not a snapshot", "another file");
    desk.run(&["snapshot", "shop.json", "-o", "out.zst"]).failed(5, ".zst is not a compression", ".json.gz");
    desk.run(&["snapshot", "shop.json", "-o", "."]).failed(5, "could not write snapshot .", "Name a file");
    assert_eq!(desk.run(&["snapshot", "shop.json"]).code, Some(2), "where to?");
}

#[test]
fn a_killed_run_leaves_no_half_file() {
    let desk = desk_with_a_large_snapshot("snapshot_killed");
    let old = desk.run(&["snapshot", "shop.json", "-o", "out.json.gz"]);
    assert_eq!(old.code, Some(0), "{old:?}");
    let before = std::fs::read(desk.path().join("out.json.gz")).expect("the old file");
    let mut child = desk.start(&["snapshot", "large.json", "-o", "out.json.gz"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while leftovers(&desk).is_empty() {
        assert!(Instant::now() < deadline && child.try_wait().expect("a child").is_none(), "it was too fast to kill");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    assert_eq!(std::fs::read(desk.path().join("out.json.gz")).expect("the old file"), before);
    assert_eq!(leftovers(&desk).len(), 1, "what it left is known by its name");
    let again = desk.run(&["snapshot", "shop.json", "-o", "out.json.gz"]);
    assert_eq!((again.code, leftovers(&desk).len()), (Some(0), 0), "{again:?}");
}

#[test]
#[allow(clippy::print_stdout, reason = "shown when it fails, or with --nocapture")]
fn a_thousand_relations_are_read() {
    let desk = desk_with_a_large_snapshot("snapshot_large");
    let packed = desk.run(&["snapshot", "large.json", "-o", "large.json.gz"]);
    assert_eq!(packed.code, Some(0), "{packed:?}");
    let bytes = |name: &str| std::fs::metadata(desk.path().join(name)).expect("a file").len();
    let arguments = ["analyze", "large.json.gz", "--what-if", "estimate", "--no-emit", "--output", "report.txt"];
    let mut child = desk.start(&arguments);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = String::new();
    while child.try_wait().expect("a child").is_none() {
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        peak = now.lines().find(|line| line.starts_with("VmHWM")).map_or(peak, str::to_owned);
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    println!(
        "{N_RELATIONS} relations: {} bytes, {} compressed in {:?} (this build), {peak}",
        bytes("large.json"),
        bytes("large.json.gz"),
        packed.elapsed
    );
    let mode = std::fs::metadata(desk.path().join("large.json.gz")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
