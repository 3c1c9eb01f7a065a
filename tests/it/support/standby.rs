//! A real streaming standby of a private server, made without pg_basebackup: a copy of the files of the server at rest.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use pgadvise::server::{Cluster, ClusterOptions};

use super::{connect, eventually, private_server};

/// A standby of `primary`, streaming from it and as far as it is. The primary is restarted on the way.
pub fn standby_of(primary: &mut Cluster, options: &ClusterOptions) -> Cluster {
    let mut standby = private_server(primary.version().major(), options);
    standby.shut_down().expect("the standby-to-be is at rest");
    primary.shut_down().expect("the primary is at rest");
    let (from, to) = (primary.data_directory(), standby.data_directory());
    for entry in fs::read_dir(&to).expect("the data directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.expect("removed");
    }
    copy(&from, &to);
    let owner = fs::metadata(from.join("PG_VERSION")).expect("PG_VERSION");
    fs::write(to.join("standby.signal"), "").expect("standby.signal");
    chown(to.join("standby.signal"), Some(owner.uid()), Some(owner.gid())).expect("its owner");
    primary.start_again().expect("the primary starts");
    let mut settings = fs::OpenOptions::new().append(true).open(to.join("postgresql.conf")).expect("postgresql.conf");
    let (host, port) = (primary.socket_folder().display(), primary.port());
    writeln!(settings, "primary_conninfo = 'host={host} port={port} user=postgres'").expect("written");
    drop(settings);
    standby.start_again().expect("the standby starts");
    let streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    eventually(|| (connect(&primary.url("postgres")).value(streaming) != "0").then_some(()));
    caught_up(primary, &standby);
    standby
}

/// Waits until `standby` has replayed all that `primary` has written.
pub fn caught_up(primary: &Cluster, standby: &Cluster) {
    let written = connect(&primary.url("postgres")).value("SELECT pg_current_wal_lsn()");
    let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
    eventually(|| (connect(&standby.url("postgres")).value(&replayed) == "t").then_some(()));
}

/// Copies a folder with the owners and modes of what is in it.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (own, copied) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata().expect("metadata");
        if metadata.is_dir() {
            fs::create_dir(&copied).expect("a folder");
            fs::set_permissions(&copied, metadata.permissions()).expect("its mode");
            copy(&own, &copied);
        } else {
            fs::copy(&own, &copied).expect("a file");
        }
        chown(&copied, Some(metadata.uid()), Some(metadata.gid())).expect("its owner");
    }
}
