//! The databases of fixtures/fidelity: made on a server of our own at a scale, and what is asked of them. Compares nothing.

use std::path::{Path, PathBuf};

use pgadvise::collect::{CollectOptions, collect};
use pgadvise::db::{Session, Target, WritableSession};
use pgadvise::server::{Cluster, ClusterOptions};
use pgadvise::snapshot::Snapshot;

/// The folders of fixtures/fidelity.
pub const NAMES: [&str; 5] = ["warehouse", "shop", "tenancy", "library", "ledger"];

/// The versions from which on a world has more: `schema_14.sql` is loaded from 14 on.
const SINCE: [u32; 3] = [0, 14, 15];

/// The role that reads the server, with the rights that the documentation recommends.
pub const READER: &str = "fidelity_reader";

/// A role that has SELECT on each relation and nothing else.
pub const PLAIN_READER: &str = "fidelity_plain_reader";

/// One of the databases.
pub struct World<'c> {
    pub name: &'static str,
    pub cluster: &'c Cluster,
}

/// What is asked of a world.
#[derive(Debug, Clone)]
pub struct Question {
    /// The world's name and the line before the statement.
    pub title: String,
    /// The role that asks; the superuser where there is none.
    pub role: Option<String>,
    pub text: String,
}

impl World<'_> {
    /// Makes the database `name` at `scale`: 1.0 stands for a million rows in the largest relation of the shop.
    pub fn load<'c>(cluster: &'c Cluster, name: &'static str, scale: f64) -> World<'c> {
        let world = World { name, cluster };
        let mut admin = connect(&cluster.url("postgres"));
        admin.execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).expect("a database");
        let mut session = connect(&cluster.url(name));
        for kind in ["schema", "data"] {
            for file in world.files(kind) {
                run(&mut session, &file, scale);
            }
        }
        session.execute("VACUUM (ANALYZE)").expect("VACUUM");
        for file in world.files("after") {
            run(&mut session, &file, scale);
        }
        session.execute(&grants(name, cluster.version().major())).expect("the reader's rights");
        session.execute("CHECKPOINT").expect("a checkpoint");
        world
    }

    /// Its connection string for `role`.
    pub fn url_as(&self, role: &str) -> String {
        self.cluster.url(self.name).replacen("postgres@", &format!("{role}@"), 1)
    }

    /// What `role` can read of it.
    pub fn snapshot(&self, role: &str) -> Snapshot {
        let target = Target::resolve(Some(&self.url_as(role))).expect("a target");
        let mut session = Session::connect(&target).expect("a session");
        collect(&mut session, &CollectOptions::default(), &|_| {}).unwrap_or_else(|error| panic!("{error}"))
    }

    /// What is asked of it, in the order of the files.
    pub fn questions(&self) -> Vec<Question> {
        self.files("statements").iter().flat_map(|file| self.questions_of(file)).collect()
    }

    /// Its candidate indexes, each with a statement that it serves.
    pub fn candidates(&self) -> Vec<(String, Question)> {
        let files = self.files("candidates");
        let split = |file: &PathBuf| pgadvise::sql::split(&read(file)).expect("statements");
        let texts: Vec<String> = files.iter().flat_map(split).map(|statement| statement.text).collect();
        let question =
            |text: &str| Question { title: format!("{}: a candidate", self.name), role: None, text: text.to_owned() };
        texts.chunks(2).map(|pair| (pair[0].clone(), question(&pair[1]))).collect()
    }

    fn questions_of(&self, file: &Path) -> Vec<Question> {
        let text = read(file);
        let lines: Vec<&str> = text.lines().collect();
        let question = |statement: pgadvise::sql::FileStatement| {
            let before = lines[..statement.line - 1].iter().rev().find_map(|line| line.strip_prefix("-- "));
            let (role, title) = split_title(before.expect("a title before each statement"));
            Question { title: format!("{}: {title}", self.name), role, text: statement.text }
        };
        pgadvise::sql::split(&text).expect("statements").into_iter().map(question).collect()
    }

    /// The files of this kind that the server's version has.
    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fidelity").join(self.name);
        let major = self.cluster.version().major();
        let name = |since: &u32| if *since == 0 { format!("{kind}.sql") } else { format!("{kind}_{since}.sql") };
        let files = SINCE.iter().filter(|since| **since <= major).map(|since| folder.join(name(since)));
        files.filter(|file| file.exists()).collect()
    }
}

/// A session that may write.
pub fn connect(url: &str) -> WritableSession {
    let target = Target::resolve(Some(url)).expect("a target");
    WritableSession::connect(&target).expect("a connection")
}

/// Settings of a server that stands for somebody's own: nothing changes its statistics meanwhile, and some settings of
/// the planner are not the defaults.
pub fn options() -> ClusterOptions {
    ClusterOptions { locale: "C.UTF-8".to_owned(), ..ClusterOptions::default() }
        .with_setting("autovacuum", "off")
        .with_setting("shared_preload_libraries", "pg_stat_statements")
        .with_setting("max_wal_size", "4GB")
        .with_setting("shared_buffers", "256MB")
        .with_setting("maintenance_work_mem", "256MB")
        .with_setting("effective_cache_size", "3GB")
        .with_setting("work_mem", "6MB")
        .with_setting("parallel_setup_cost", "800")
        .with_setting("from_collapse_limit", "9")
        .with_setting("timezone", "America/New_York")
}

/// `as ROLE: title` and `title`.
fn split_title(line: &str) -> (Option<String>, String) {
    match line.strip_prefix("as ").and_then(|rest| rest.split_once(": ")) {
        Some((role, title)) => (Some(role.to_owned()), title.to_owned()),
        None => (None, line.to_owned()),
    }
}

fn run(session: &mut WritableSession, file: &Path, scale: f64) {
    let thousand = ((1000.0 * scale).round() as u64).max(1);
    let text = read(file).replace(":thousand", &thousand.to_string());
    session.execute(&text).unwrap_or_else(|failure| panic!("{}: {failure:?}", file.display()));
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The recommended rights (before 14, where no predefined role reads every relation, SELECT on each), and the plain ones.
fn grants(schema: &str, major: u32) -> String {
    let create = |role: &str| {
        format!("DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
    };
    let select = |role: &str| {
        format!("GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};")
    };
    let read_all = if major >= 14 {
        format!("GRANT pg_read_all_data TO {READER};")
    } else {
        format!("{} GRANT SELECT ON pg_statistic, pg_statistic_ext_data TO {READER};", select(READER))
    };
    let (reader, plain_reader) = (create(READER), create(PLAIN_READER));
    format!("{reader} GRANT pg_monitor TO {READER}; {read_all} {plain_reader} {}", select(PLAIN_READER))
}
