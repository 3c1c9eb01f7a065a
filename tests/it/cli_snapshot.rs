//! `pgadvise snapshot` and the analysis of its file on a machine without the server.

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

#[test]
fn a_snapshot_gives_the_advice_of_its_server() {
    let (database, copy) = shop("snapshot_same");
    let (url, copy) = (database.url(), copy.url());
    let desk = Desk::new();
    let written = desk.run(&["snapshot", &url, "-o", "shop.json"]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    let arguments = ["--what-if", "sandbox", "--sandbox", &copy, "--no-emit"];
    let live = desk.analyze(&url, &arguments);
    live.advises(SHOP_ADVICE);
    let offline = desk.analyze("shop.json", &arguments);
    assert_eq!(offline.json()["source"]["kind"], "snapshot");
    assert_eq!(comparable(&offline), comparable(&live));
}
