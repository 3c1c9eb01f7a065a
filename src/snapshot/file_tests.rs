//! Unit tests of `file`: what is refused and with which words, what is replaced, what a killed run leaves.

use std::io::Read;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::error::ErrorKind;

/// A snapshot as the first version wrote it, without what was added since.
fn snapshot() -> Snapshot {
    let json = serde_json::json!({
        "format_version": 1, "taken_at": "2026-11-20T18:00:00Z",
        "server": {
            "version": 150_018, "version_text": "PostgreSQL 15.18", "database": "shop", "role": "app",
            "role_is_superuser": false, "is_in_recovery": false, "started_at": null, "stats_reset": null,
            "encoding": "UTF8", "collate": "C", "block_bytes": 8192, "search_path": ["public"], "extensions": [],
            "available_extensions": [],
        },
        "settings": [], "setting_overrides": [], "relations": [], "statements": null, "gaps": [],
    });
    serde_json::from_value(json).expect("a snapshot without the fields of later versions")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What reading a file with these bytes says.
fn refusal(bytes: &[u8]) -> Error {
    let folder = folder();
    let path = folder.path().join("file.json");
    fs::write(&path, bytes).expect("written");
    Snapshot::read_file(&path).expect_err("it is not a snapshot")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

#[test]
fn what_is_no_snapshot_of_this_version_is_refused_with_a_hint() {
    for (content, part) in [
        ("", "it is empty"),
        ("\n", "ends too early"),
        ("{\"format_version\": 1", "ends too early"),
        ("{\"format_version\": 1}", "does not have the form"),
        ("{\"format_version\": \"canary\"}", "does not have the form"),
        ("{}", "does not have the form"),
        ("[]", "does not have the form"),
        ("canary not json", "not JSON"),
        ("2026-11-20 18:00:00 UTC [1] LOG:  canary", "does not have the form"),
        ("--\n-- PostgreSQL database dump\n--\nSELECT 'canary';", "not JSON"),
        ("PGDMP\u{1}\u{e}canary", "it is a dump of a database"),
        ("PK\u{3}\u{4}canary", "it is a zip archive"),
        ("\u{0}\u{1}\u{2}canary", "not JSON"),
        ("\u{feff}{}", "not JSON"),
        ("{\"schema_version\": 1, \"source\": {\"database\": \"canary\"}}", "a report or a manifest of pgadvise"),
        ("{\"format_version\": 99, \"tables\": []}", "its format version is 99"),
        ("{\"tables\": [[{}]], \"format_version\": 2}", "its format version is 2"),
        ("{\"format_version\": 0}", "its format version is 0"),
    ] {
        for bytes in [content.as_bytes().to_vec(), compressed(content.as_bytes())] {
            let is_compressed = bytes != content.as_bytes();
            let error = refusal(&bytes);
            let is_told = error.message().contains(part) || (is_compressed && error.message().contains("not JSON"));
            assert!(is_told || content.is_empty(), "{content}: {error}");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.hint().is_some());
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
    assert!(refusal(&[0x28, 0xb5, 0x2f, 0xfd, 0]).message().contains("zstd"));
}

#[test]
fn deep_nesting_is_refused_without_exhausting_the_stack() {
    for key in ["unknown", "settings", "server"] {
        let (open, close) = ("[".repeat(1_000_000), "]".repeat(1_000_000));
        let deep = format!("{{\"{key}\": {open}1{close}, \"format_version\": 1}}");
        assert!(refusal(deep.as_bytes()).message().contains("does not have the form"));
    }
}

#[test]
fn what_was_written_is_read_under_either_name() {
    let folder = folder();
    let plain = folder.path().join("a.json");
    let packed = folder.path().join("a.json.gz");
    let snapshot = snapshot();
    let n_plain = snapshot.write_file(&plain).expect("written");
    let n_packed = snapshot.write_file(&packed).expect("written");
    assert_eq!(n_plain.0, fs::metadata(&plain).expect("a file").len());
    assert!(n_packed < n_plain);
    let mut json = Vec::new();
    snapshot.write_json(&mut json).expect("written");
    assert_eq!(fs::read(&plain).expect("a file"), json);
    fs::rename(&packed, folder.path().join("renamed.json")).expect("renamed");
    for name in ["a.json", "renamed.json"] {
        let read = Snapshot::read_file(&folder.path().join(name)).expect("a snapshot");
        assert_eq!(format!("{read:?}"), format!("{snapshot:?}"));
    }
}

#[test]
fn a_cut_or_changed_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("a.json.gz");
    snapshot().write_file(&path).expect("written");
    let whole = fs::read(&path).expect("a file");
    for length in 1..whole.len() {
        fs::write(&path, &whole[..length]).expect("written");
        let error = Snapshot::read_file(&path).expect_err("it is cut");
        assert!(error.message().contains("too early") || error.message().contains("not JSON"), "{length}: {error}");
    }
    // From 10 on: the gzip header holds a time and the operating system, which matter to nobody.
    for position in 10..whole.len() {
        let mut changed = whole.clone();
        changed[position] ^= 0x10;
        fs::write(&path, &changed).expect("written");
        // The last byte of compressed data may have bits that mean nothing.
        let is_harmless = |read: &Snapshot| format!("{read:?}") == format!("{:?}", snapshot());
        assert!(Snapshot::read_file(&path).as_ref().map_or(true, is_harmless), "byte {position}");
    }
    let plain = folder.path().join("a.json");
    snapshot().write_file(&plain).expect("written");
    let whole = fs::read(&plain).expect("a file");
    for length in 1..whole.len() - 1 {
        fs::write(&plain, &whole[..length]).expect("written");
        assert!(Snapshot::read_file(&plain).is_err(), "{length}");
    }
}

#[test]
fn a_file_that_is_no_snapshot_is_not_overwritten() {
    let folder = folder();
    let path = folder.path().join("notes.json");
    for (content, is_replaced) in [
        ("{\"mine\": true}", false),
        ("CREATE TABLE t (a int)", false),
        ("{\"schema_version\": 1}", false),
        ("{\"format_version\": 7}", true),
        ("", true),
    ] {
        fs::write(&path, content).expect("written");
        assert_eq!(may_replace(&path), is_replaced, "{content}");
        assert_eq!(snapshot().write_file(&path).is_ok(), is_replaced, "{content}");
        if !is_replaced {
            assert_eq!(fs::read_to_string(&path).expect("a file"), content);
        }
    }
    let error = snapshot().write_file(folder.path()).expect_err("a folder");
    assert_eq!((error.kind(), error.hint().is_some()), (ErrorKind::Output, true), "{error}");
}

#[test]
fn endings_of_other_compressions_are_refused() {
    for name in ["a.json.zst", "a.XZ", "a.zip"] {
        let error = snapshot().write_file(&folder().path().join(name)).expect_err("not written");
        assert_eq!(error.kind(), ErrorKind::Output);
        assert!(error.hint().is_some_and(|hint| hint.contains(".json.gz")), "{error}");
    }
    assert_eq!(Form::of_name(Path::new("a.GZ")), Ok(Form::Gzip));
    assert_eq!(Form::of_name(Path::new("snapshot")), Ok(Form::Plain));
}

#[test]
fn what_a_killed_run_left_is_removed_and_what_is_being_written_is_not() {
    let folder = folder();
    let abandoned = folder.path().join(format!("{UNFINISHED}abandoned"));
    fs::write(&abandoned, "half").expect("written");
    let at_work = unfinished_in(folder.path()).expect("a file");
    snapshot().write_file(&folder.path().join("a.json")).expect("written");
    assert!(!abandoned.exists());
    assert!(at_work.path().exists());
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_devices_stay_what_they_are() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = folder();
    let (file, link) = (folder.path().join("a.json"), folder.path().join("link.json"));
    snapshot().write_file(&file).expect("written");
    symlink(&file, &link).expect("a link");
    snapshot().write_file(&link).expect("written");
    assert!(link.symlink_metadata().expect("a link").is_symlink());
    let null = folder.path().join("null");
    symlink("/dev/null", &null).expect("a link");
    assert!(snapshot().write_file(&null).expect("written").0 > 0);
    assert!(fs::metadata(&null).expect("a device").file_type().is_char_device());
    let error = Snapshot::read_file(&null).expect_err("no file");
    assert!(error.message().contains("not a regular file"), "{error}");
    let mut text = String::new();
    File::open(&file).expect("a file").read_to_string(&mut text).expect("text");
    assert!(text.starts_with("{\"format_version\":1,"), "what it is stands first: {}", &text[..40]);
}

#[test]
fn a_missing_file_is_named_with_the_command_that_writes_one() {
    let error = Snapshot::read_file(Path::new("/nonexistent/snapshot.json")).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "could not read snapshot /nonexistent/snapshot.json: no such file or directory\nHINT:  Write a snapshot with: pgadvise snapshot -o FILE"
    );
}
