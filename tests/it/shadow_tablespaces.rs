//! Relations in a tablespace with page costs of its own are planned with these costs in the shadow, too.

use pgadvise::db::{Target, WritableSession};
use pgadvise::server::Search;
use pgadvise::whatif::shadow::Shadow;

use crate::support::{collected, database_on, server, versions};

const SCHEMA: &str = "
    CREATE TABLE slow (id int PRIMARY KEY, n int);
    CREATE TABLE fast (id int PRIMARY KEY, n int);
    INSERT INTO slow SELECT g, g * 7919 % 5000 FROM generate_series(1, 20000) AS g;
    INSERT INTO fast SELECT * FROM slow;
    CREATE INDEX slow_n_idx ON slow (n);
    CREATE INDEX fast_n_idx ON fast (n);
    ANALYZE";

#[test]
fn page_costs_of_tablespaces_hold_in_the_shadow() {
    for major in versions() {
        let database = database_on(server(major), "tablespaces", SCHEMA);
        let tablespace = format!("fast_{}", database.name());
        database.execute("SET allow_in_place_tablespaces = on");
        database.execute(&format!("CREATE TABLESPACE {tablespace} LOCATION '' WITH (random_page_cost = 1.1)"));
        database.execute(&format!("ALTER TABLE fast SET TABLESPACE {tablespace}"));
        database.execute(&format!("ALTER INDEX fast_n_idx SET TABLESPACE {tablespace}"));

        let snapshot = collected(&database.url());
        let binaries = Search::from_environment(None).and_then(|search| search.find(Some(major))).expect("binaries");
        let shadow = Shadow::start(&snapshot, &binaries, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
        assert!(shadow.gaps().iter().all(|gap| gap.id != "tablespaces"), "{major}: {:?}", shadow.gaps());
        let mut ours = WritableSession::connect(&shadow.target().expect("a target")).expect("a session");
        let theirs = Target::resolve(Some(&database.url())).expect("a target");
        let mut theirs = WritableSession::connect(&theirs).expect("a session");
        let mut plan = |relation: &str| {
            let explain = format!("EXPLAIN (COSTS ON) SELECT * FROM public.{relation} WHERE n = 7");
            let [theirs, ours] = [&mut theirs, &mut ours].map(|session| session.explain(&explain).expect("a plan"));
            assert_eq!(theirs, ours, "{major}");
            ours.replace(relation, "")
        };
        let (slow, fast) = (plan("slow"), plan("fast"));
        assert_ne!(slow, fast, "{major}: the tablespace makes no difference");
        database.execute("ALTER TABLE fast SET TABLESPACE pg_default");
        database.execute("ALTER INDEX fast_n_idx SET TABLESPACE pg_default");
        database.execute(&format!("DROP TABLESPACE {tablespace}"));
    }
}
