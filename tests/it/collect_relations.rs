//! Collecting relations, columns, statistics, indexes and constraints, of every kind and with odd names, on every version.

use std::sync::OnceLock;

use pgadvise::pg::{AccessMethod, IndexTarget};
use pgadvise::snapshot::{ConstraintKind, ForeignKeyAction, Persistence, RelationKind, Snapshot};

use crate::support::{self, Database, collected, column, database_on, gaps, index, relation};

/// Relations of every kind, types of every kind, indexes with everything that CREATE INDEX can say.
const SCHEMA: &str = r#"
CREATE EXTENSION citext; CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist;
CREATE SCHEMA "App Odd";
CREATE DOMAIN short AS text CHECK (length(value) < 100);
CREATE DOMAIN shorter AS short;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s,{}"x"');
CREATE TYPE pair AS (a int, b json);
CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE TABLE "App Odd"."Order ""Items""" (
    id bigserial PRIMARY KEY, "userId" int NOT NULL, em shorter, ci citext, m mood, ms mood[], j json, ja json[],
    jb jsonb, c pair, r int4range, p point, ip cidr, vc varchar(20) COLLATE "C", g int GENERATED ALWAYS AS (1) STORED,
    dropped int, arr text[], "order" int, "a.b" int, "x,y" text);
ALTER TABLE "App Odd"."Order ""Items""" DROP COLUMN dropped;
CREATE INDEX "Weird Idx" ON "App Odd"."Order ""Items""" (lower(em), ("userId" + 1) DESC, (vc || ',' || E'it''s\\') COLLATE "C",
    m NULLS FIRST, public.twice("order"), (CASE WHEN "userId" IN (1, 2) THEN 'a,b' ELSE "x,y" END) COLLATE "C" DESC NULLS LAST)
    WHERE "userId" > 3 AND em <> 'a,b';
CREATE INDEX ix_pattern ON "App Odd"."Order ""Items""" (em text_pattern_ops, vc, vc COLLATE "default") INCLUDE (id, g);
CREATE INDEX ix_gin ON "App Odd"."Order ""Items""" USING gin (jb jsonb_path_ops, em gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX ix_gist ON "App Odd"."Order ""Items""" USING gist (em gist_trgm_ops (siglen = 32), r, ip inet_ops);
CREATE INDEX ix_citext ON "App Odd"."Order ""Items""" (ci, ip, ci text_ops, (ci::text), ("a.b"), (vc::text || 'x'));
CREATE INDEX ix_hash ON "App Odd"."Order ""Items""" USING hash (em);
CREATE INDEX ix_brin ON "App Odd"."Order ""Items""" USING brin (id) WITH (pages_per_range = 16);
CREATE INDEX ix_order ON "App Odd"."Order ""Items""" ("order" DESC, "a.b" DESC NULLS LAST, "x,y" NULLS FIRST);
CREATE UNIQUE INDEX ix_unique ON "App Odd"."Order ""Items""" (id) WHERE ("userId" IS NOT NULL);
INSERT INTO "App Odd"."Order ""Items""" ("userId", em, ci, m, ms, jb, r, ip, vc, arr)
    SELECT g % 10, 'e' || g % 7, 'c' || g, (enum_range(NULL::mood))[1 + g % 3], ARRAY['ok', 'it''s,{}"x"']::mood[],
           '{"a": [1]}', int4range(g, g + 5), '10.0.0.0/8', 'v"\,{' || g % 3, ARRAY['a', 'b,c', 'd"\', (g % 5)::text]
    FROM generate_series(1, 500) g;
CREATE TABLE part (a int, b text, PRIMARY KEY (a)) PARTITION BY RANGE (a);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (1000);
CREATE INDEX part_b ON part (b);
INSERT INTO part SELECT g, 'b' || g % 5 FROM generate_series(0, 999) g;
CREATE TABLE child (fk int REFERENCES part (a) ON DELETE CASCADE, self int, CONSTRAINT chk CHECK (fk > 0 AND self IS NOT NULL));
ALTER TABLE child ADD CONSTRAINT later CHECK (self > 0) NOT VALID;
CREATE TABLE parent_2 (x int, y int, PRIMARY KEY (y, x));
CREATE TABLE child_2 (p int, q int, during int4range, FOREIGN KEY (q, p) REFERENCES parent_2 ON UPDATE SET NULL,
    EXCLUDE USING gist (p WITH =, during WITH &&));
CREATE VIEW a_view AS SELECT fk FROM child;
CREATE MATERIALIZED VIEW a_matview AS SELECT b, count(*) FROM part GROUP BY 1;
CREATE UNLOGGED TABLE unlogged (a int) WITH (fillfactor = 70);
CREATE TABLE inherits () INHERITS (child);
CREATE STATISTICS distinct_ab (ndistinct) ON a, b FROM part_1;
CREATE SEQUENCE a_sequence;
CREATE TABLE clustered (a int PRIMARY KEY, b int NOT NULL UNIQUE);
ALTER TABLE clustered CLUSTER ON clustered_pkey;
ALTER TABLE clustered REPLICA IDENTITY USING INDEX clustered_b_key;
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far (a int) SERVER nowhere;
CREATE TEMPORARY TABLE mine (a int);
ANALYZE;
CREATE TABLE never (a int, b text); CREATE INDEX never_a ON never (a);
INSERT INTO never SELECT g, 'x' FROM generate_series(1, 5000) g;
"#;

/// A database of the schema and its snapshot, made once for each version: no test changes what another looks at.
fn on_every_version(test: impl Fn(u32, &Database, &Snapshot)) {
    static MADE: OnceLock<Vec<(u32, Database, Snapshot)>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let make = |major| {
            let database = database_on(support::server(major), "relations", SCHEMA);
            // Before 15 the counters come by way of the statistics collector.
            support::eventually(|| {
                let analysed = "SELECT last_analyze IS NOT NULL FROM pg_stat_all_tables WHERE relname = 'part_1'";
                (database.value(analysed) == "t").then_some(())
            });
            let snapshot = collected(&database.url());
            (major, database, snapshot)
        };
        support::versions().into_iter().map(make).collect()
    });
    for (major, database, snapshot) in made {
        test(*major, database, snapshot);
    }
}

#[test]
fn every_kind_of_relation_is_read() {
    on_every_version(|major, database, snapshot| {
        let kinds: Vec<(&str, RelationKind)> = snapshot
            .relations
            .iter()
            .filter(|relation| relation.extension.is_none())
            .map(|relation| (relation.name.name.as_str(), relation.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("Order \"Items\"", RelationKind::Table),
                ("a_matview", RelationKind::MaterializedView),
                ("a_view", RelationKind::View),
                ("child", RelationKind::Table),
                ("child_2", RelationKind::Table),
                ("clustered", RelationKind::Table),
                ("far", RelationKind::ForeignTable),
                ("inherits", RelationKind::Table),
                ("never", RelationKind::Table),
                ("parent_2", RelationKind::Table),
                ("part", RelationKind::PartitionedTable),
                ("part_1", RelationKind::Table),
                ("part_2", RelationKind::Table),
                ("unlogged", RelationKind::Table),
            ],
            "{major}"
        );
        assert_eq!(snapshot.server.version.major(), major);
        assert_eq!(snapshot.server.database, database.name());
        assert_eq!(snapshot.server.search_path, ["public"]);
        assert!(snapshot.server.role_is_superuser && snapshot.server.extension("citext").is_some());
        let (part, part_1) = (relation(snapshot, "part"), relation(snapshot, "part_1"));
        assert_eq!(part.partition_key.as_deref(), Some("RANGE (a)"));
        assert_eq!((part_1.parent, part_1.is_partition), (Some(part.oid), true));
        assert_eq!(part.n_pages, 0, "{major}");
        assert_eq!(relation(snapshot, "inherits").parent, Some(relation(snapshot, "child").oid));
        assert!(!relation(snapshot, "inherits").is_partition);
        assert_eq!(relation(snapshot, "unlogged").persistence, Persistence::Unlogged);
        assert_eq!(relation(snapshot, "unlogged").options, ["fillfactor=70"]);
        let definition = relation(snapshot, "a_view").view_definition.clone().expect("a definition");
        assert!(definition.contains("FROM public.child"), "{definition}");
        assert!(relation(snapshot, "a_matview").view_definition.is_some());
        assert_eq!(relation(snapshot, "a_matview").n_rows, Some(5.0));
        let names: Vec<String> = snapshot.other_names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["\"App Odd\".\"Order \"\"Items\"\"_id_seq\"", "public.a_sequence", "public.pair"]);
        let gaps: Vec<&str> = snapshot.gaps.iter().map(|gap| gap.what.as_str()).collect();
        assert_eq!(gaps, ["workload"], "{:?}", snapshot.gaps);
    });
}

#[test]
fn never_analysed_relations_have_their_real_size_and_no_rows() {
    on_every_version(|major, database, snapshot| {
        let never = relation(snapshot, "never");
        let pages = database.value("SELECT pg_relation_size('never') / 8192");
        assert_eq!((never.n_pages.to_string(), never.n_rows), (pages, None), "{major}");
        let pages = database.value("SELECT pg_relation_size('never_a') / 8192");
        assert_eq!(index(snapshot, "never_a").n_pages.to_string(), pages, "{major}");
        assert!(never.columns.iter().all(|column| column.statistics.is_none()));
        assert_eq!(relation(snapshot, "part_2").n_rows, Some(900.0));
        assert!(relation(snapshot, "part_2").n_pages > 0);
        let activity = never.activity.as_ref().expect("counters");
        assert_eq!(activity.last_analyze, None);
        assert!(relation(snapshot, "part_1").activity.as_ref().is_some_and(|activity| activity.last_analyze.is_some()));
    });
}

#[test]
fn index_definitions_create_the_same_index_again() {
    on_every_version(|major, database, snapshot| {
        let mut n_indexes = 0;
        for relation in &snapshot.relations {
            for index in relation.indexes.iter().filter(|index| index.parent.is_none() && !index.is_exclusion) {
                let unique = if index.definition.is_unique { "UNIQUE " } else { "" };
                let with = if index.options.is_empty() {
                    String::new()
                } else {
                    format!(" WITH ({})", index.options.join(", "))
                };
                let body = index.definition.body();
                let (body, predicate) = match body.find(" WHERE ") {
                    Some(at) => body.split_at(at),
                    None => (body.as_str(), ""),
                };
                let sql = format!("CREATE {unique}INDEX again ON {} {body}{with}{predicate}", relation.name);
                database.execute(&sql);
                let definition =
                    |oid: &str| database.value(&format!("SELECT split_part(pg_get_indexdef({oid}), ' USING ', 2)"));
                let schema = database.value(&format!("SELECT quote_ident('{}')", relation.name.schema));
                assert_eq!(
                    definition(&format!("'{schema}.again'::regclass")),
                    definition(&index.oid.to_string()),
                    "{major}: {sql}"
                );
                database.execute(&format!("DROP INDEX {schema}.again"));
                n_indexes += 1;
            }
        }
        assert_eq!(n_indexes, 16, "{major}");
    });
}

#[test]
fn what_is_default_is_not_spelled_out_in_index_definitions() {
    on_every_version(|major, _, snapshot| {
        let definition = &index(snapshot, "Weird Idx").definition;
        assert_eq!(definition.key_columns[0].target, IndexTarget::Expression("lower((em)::text)".into()), "{major}");
        assert_eq!(definition.key_columns[0].collation, None);
        assert_eq!(definition.key_columns[2].collation, None, "vc has the collation C already");
        assert_eq!(definition.key_columns[5].collation.as_deref(), Some("pg_catalog.\"C\""));
        assert_eq!(definition.key_columns[4].target, IndexTarget::Expression("public.twice(\"order\")".into()));
        assert!(definition.key_columns.iter().all(|key| key.opclass.is_none()));
        assert_eq!(definition.predicate.as_deref(), Some("(\"userId\" > 3) AND ((em)::text <> 'a,b'::text)"));
        let keys = &index(snapshot, "ix_pattern").definition;
        assert_eq!(keys.key_columns[0].opclass.as_deref(), Some("text_pattern_ops"));
        assert_eq!(keys.key_columns[1].collation, None);
        assert_eq!(keys.key_columns[2].collation.as_deref(), Some("pg_catalog.\"default\""));
        assert_eq!(keys.included_columns, ["id", "g"]);
        let order = &index(snapshot, "ix_order").definition.key_columns;
        let flags: Vec<(bool, bool)> = order.iter().map(|key| (key.descending, key.nulls_first)).collect();
        assert_eq!(flags, [(true, true), (true, false), (false, true)]);
        let classes = |name: &str| -> Vec<Option<String>> {
            index(snapshot, name).definition.key_columns.iter().map(|key| key.opclass.clone()).collect()
        };
        assert_eq!(
            classes("ix_gist"),
            [Some("public.gist_trgm_ops (siglen='32')".into()), None, Some("inet_ops".into())]
        );
        assert_eq!(classes("ix_citext"), [None, None, Some("text_ops".into()), None, None, None]);
        assert_eq!(index(snapshot, "ix_brin").options, ["pages_per_range=16"]);
        assert_eq!(index(snapshot, "ix_gin").definition.access_method, AccessMethod::Gin);
    });
}

#[test]
fn index_flags_usage_and_constraints_are_read() {
    on_every_version(|major, database, snapshot| {
        let primary = index(snapshot, "clustered_pkey");
        assert!(primary.is_primary && primary.is_clustered && primary.is_usable() && primary.definition.is_unique);
        assert_eq!(primary.constraint.as_deref(), Some("clustered_pkey"));
        assert!(index(snapshot, "clustered_b_key").is_replica_identity);
        assert!(index(snapshot, "child_2_p_during_excl").is_exclusion);
        let part_b = index(snapshot, "part_b");
        assert!(part_b.usage.is_none(), "{major}: a partitioned index has no counters");
        assert_eq!(index(snapshot, "part_1_b_idx").parent, Some(part_b.oid));
        assert_eq!(index(snapshot, "never_a").usage.as_ref().map(|usage| usage.n_scans), Some(0));
        assert!(index(snapshot, "ix_unique").constraint.is_none());
        let weird = index(snapshot, "Weird Idx");
        let analysed: Vec<bool> = weird.expression_statistics.iter().map(Option::is_some).collect();
        assert_eq!(analysed, [true, true, true, false, true, true], "{major}");
        assert_eq!(weird.expression_statistics[0].as_ref().map(|s| s.n_distinct), Some(7.0));
        let reader = database.connect();
        reader.execute("SET enable_seqscan = off; SELECT count(*) FROM clustered WHERE a = 1;");
        drop(reader); // a session that ends sends its counters
        let scanned = support::eventually(|| {
            let again = collected(&database.url());
            index(&again, "clustered_pkey").usage.clone().filter(|usage| usage.n_scans > 0)
        });
        assert_eq!(scanned.last_scan.is_some(), major >= 16, "{major}");
    });
}

#[test]
fn foreign_keys_and_checks_are_read() {
    on_every_version(|major, _, snapshot| {
        let child = relation(snapshot, "child_2");
        let key = child.constraints.iter().find(|c| c.kind == ConstraintKind::ForeignKey).expect("a foreign key");
        let reference = key.foreign_key.as_ref().expect("a reference");
        assert_eq!((key.columns.join(","), reference.columns.join(",")), ("q,p".into(), "y,x".into()), "{major}");
        assert_eq!(reference.relation, relation(snapshot, "parent_2").oid);
        assert_eq!(reference.referenced_index, Some(index(snapshot, "parent_2_pkey").oid));
        assert_eq!((reference.on_update, reference.on_delete), (ForeignKeyAction::SetNull, ForeignKeyAction::NoAction));
        assert_eq!(key.index, None);
        let checks = |name: &str| relation(snapshot, "child").constraints.iter().find(|c| c.name == name).cloned();
        let check = checks("chk").expect("a check");
        assert_eq!(check.expression.as_deref(), Some("(fk > 0) AND (self IS NOT NULL)"));
        assert!(check.is_validated && !checks("later").expect("a check").is_validated);
        let cascade = relation(snapshot, "child").constraints.iter().find_map(|c| c.foreign_key.as_ref());
        assert_eq!(cascade.map(|key| key.on_delete), Some(ForeignKeyAction::Cascade));
        let copies = relation(snapshot, "child").constraints.iter().filter(|c| c.kind == ConstraintKind::ForeignKey);
        assert_eq!(
            copies.filter(|c| !c.is_inherited_copy).count(),
            1,
            "{major}: one foreign key, however many partitions"
        );
    });
}

#[test]
fn columns_tell_their_operators_and_collations() {
    on_every_version(|major, _, snapshot| {
        let items = relation(snapshot, "Order \"Items\"");
        let names: Vec<&str> = items.columns.iter().map(|column| column.name.as_str()).collect();
        assert!(!names.contains(&"dropped") && names.contains(&"x,y"), "{names:?}");
        let of = |name: &str| column(items, name);
        assert_eq!((of("em").type_sql.as_str(), of("em").base_type.name.as_str()), ("public.shorter", "text"));
        assert_eq!((of("vc").type_sql.as_str(), of("vc").base_type.category), ("character varying(20)", 'S'));
        let without: Vec<&str> = items
            .columns
            .iter()
            .filter(|column| !column.has_btree_opclass)
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(without, ["j", "ja", "p"], "{major}");
        assert_eq!((of("vc").collation.as_deref(), of("vc").collation_is_c), (Some("pg_catalog.\"C\""), true));
        assert_eq!((of("em").collation.as_deref(), of("em").collation_is_c), (None, false), "C.UTF-8 of libc is not C");
        assert!(of("id").collation_is_c && of("userId").is_not_null && of("g").is_generated && !of("em").is_generated);
    });
}

#[test]
fn statistics_of_every_type_are_read() {
    on_every_version(|major, database, snapshot| {
        let items = relation(snapshot, "Order \"Items\"");
        let statistics =
            |name: &str| column(items, name).statistics.clone().unwrap_or_else(|| panic!("{major} {name}"));
        let moods: Vec<String> = vec!["ok".into(), "it's,{}\"x\"".into(), "sad".into()];
        assert_eq!(statistics("m").most_common_values, moods, "{major}");
        assert_eq!(statistics("vc").most_common_values, ["v\"\\,{1", "v\"\\,{2", "v\"\\,{0"]);
        assert_eq!(statistics("vc").n_distinct, 3.0);
        assert_eq!(statistics("ms").most_common_values, ["{ok,\"it's,{}\\\"x\\\"\"}"]);
        assert!(statistics("arr").most_common_elements.contains(&"d\"\\".to_owned()));
        assert_eq!(statistics("userId").most_common_frequencies, [0.1; 10]);
        assert!(!statistics("id").histogram_bounds.is_empty() && statistics("id").correlation == Some(1.0));
        assert_eq!(statistics("c").null_fraction, 1.0);
        let part = relation(snapshot, "part");
        assert!(column(part, "b").statistics.is_none() && column(part, "b").inherited_statistics.is_some());
        let extended = &relation(snapshot, "part_1").extended_statistics[0];
        assert_eq!((extended.name.as_str(), extended.columns.join(",")), ("distinct_ab", "a,b".to_owned()));
        assert_eq!(extended.n_distinct, [(vec!["a".to_owned(), "b".to_owned()], 100.0)], "{major}");
        if major >= 14 {
            database.execute(
                "CREATE STATISTICS of_expressions ON (a % 2), b, (lower(b) || ',') FROM part_2; ANALYZE part_2",
            );
            let snapshot = collected(&database.url());
            let extended = &relation(&snapshot, "part_2").extended_statistics[0];
            assert_eq!(
                (extended.columns.join(";"), extended.expressions.join(";")),
                ("b".into(), "a % 2;lower(b) || ','::text".into())
            );
            let pair = |a: &str, b: &str| (vec![a.to_owned(), b.to_owned()], 10.0);
            assert!(extended.n_distinct.contains(&pair("b", "a % 2")), "{:?}", extended.n_distinct);
        }
        assert!(gaps(snapshot, "column_statistics").is_empty());
    });
}

#[test]
fn a_snapshot_survives_its_file() {
    on_every_version(|major, _, snapshot| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("snapshot.json");
        snapshot.write_file(&path).expect("written");
        let again = Snapshot::read_file(&path).expect("read");
        let json = |snapshot: &Snapshot| serde_json::to_string(snapshot).expect("JSON");
        assert_eq!(json(snapshot), json(&again), "{major}");
        again.write_file(&path).expect("a snapshot is replaced");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600, "it holds values of columns");
    });
}

#[test]
fn the_same_database_gives_the_same_snapshot() {
    let database = support::database("same", SCHEMA);
    let [first, second] = [collected(&database.url()), collected(&database.url())].map(|mut taken| {
        taken.taken_at = jiff::Timestamp::UNIX_EPOCH;
        taken.relations.iter_mut().for_each(|relation| relation.activity = None);
        serde_json::to_string(&taken).expect("JSON")
    });
    assert_eq!(first, second);
}
