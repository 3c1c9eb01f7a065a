//! What less knowledge costs: the same comparison with snapshots that were taken with fewer rights, or redacted.

use pgadvise::redaction::redact;
use pgadvise::server::{Cluster, Search};
use pgadvise::snapshot::Snapshot;

use super::compare::{Agreement, Pair};
use super::plans;
use super::shadowed;
use super::world::{self, PLAIN_READER, READER, World};
use super::{Request, say};

type Take = fn(&World<'_>) -> Snapshot;

/// How a snapshot is taken.
const VARIANTS: [(&str, Take); 4] = [
    ("superuser", |world| world.snapshot("postgres")),
    ("recommended rights", |world| world.snapshot(READER)),
    ("SELECT only", |world| world.snapshot(PLAIN_READER)),
    ("redacted", redacted),
];

fn redacted(world: &World<'_>) -> Snapshot {
    let mut snapshot = world.snapshot(READER);
    redact(&mut snapshot);
    snapshot
}

/// Plans every statement in shadows of each kind of snapshot, on each version.
pub fn run(request: &Request) {
    say("source against shadow, by how the snapshot was taken");
    say("version  snapshot            statements  same plan   exact cost   within 1 %   within 5 %");
    for major in &request.majors {
        let search = Search::from_environment(None).expect("the folders to search");
        let binaries = search.find(Some(*major)).unwrap_or_else(|error| panic!("{error}"));
        let cluster = Cluster::start(&binaries, &world::options()).expect("a private server");
        let worlds: Vec<World<'_>> =
            request.worlds.iter().map(|name| World::load(&cluster, name, request.scale)).collect();
        for (name, take) in VARIANTS {
            let pairs: Vec<Pair> = worlds.iter().flat_map(|world| shadowed::pairs(world, &take(world)).1).collect();
            say(&format!("{major:>7}  {name:<18}  {}", plans::row(&Agreement::of(&pairs))));
        }
        cluster.stop().expect("the server stops");
    }
}
