//! Running the real program as a user does: a clean environment, a folder and a home of its own, a deadline. Judges only
//! what holds for every run.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::Database;

/// No run of these tests takes this long, on however loaded a machine; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(120);

/// A folder to work in, with a home beside it. Nothing of the caller's environment reaches a program that runs here.
pub struct Desk {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Desk {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("home")).expect("a home");
        std::fs::create_dir(folder.path().join("work")).expect("a working folder");
        Self { folder, variables: Vec::new() }
    }

    /// Sets an environment variable for every run.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The working folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The home.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file into the working folder and returns its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// Every file of the working folder, as paths from it, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.path()).expect("below").to_string_lossy().into_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// The program with `arguments`, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgadvise"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path());
        command
    }

    /// Starts the program, its streams to be read by the caller.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let began = Instant::now();
        let output = assert_cmd::Command::from_std(self.command(arguments)).timeout(DEADLINE).output();
        let output = output.expect("the program runs");
        let run = Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
            elapsed: began.elapsed(),
        };
        assert!(run.code.is_some(), "{arguments:?} hung or crashed\n{run:?}");
        assert_ne!(run.code, Some(70), "a defect\n{run:?}");
        assert_ne!(run.code, Some(101), "a panic\n{run:?}");
        assert!(!run.stderr.contains("panicked"), "{run:?}");
        run
    }

    /// `pgadvise analyze` of `url` with a JSON report, which must succeed.
    pub fn analyze(&self, url: &str, more: &[&str]) -> Run {
        let run = self.try_analyze(url, more);
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    }

    /// `pgadvise analyze` of `database` for the statements in `text` alone, priced by `backend`, with a JSON report.
    pub fn analyze_text(&self, database: &Database, text: &str, backend: &str) -> Run {
        self.write("workload.sql", text);
        let folder = database.cluster().binaries().folder().display().to_string();
        let options = ["--no-emit", "--only-workload", "--workload", "workload.sql"];
        let pricing = ["--what-if", backend, "--pg-bindir", &folder];
        self.analyze(&database.url(), &[&options[..], &pricing].concat())
    }

    /// `pgadvise analyze` of `url` with a JSON report.
    pub fn try_analyze(&self, url: &str, more: &[&str]) -> Run {
        self.run(&[&["analyze", url, "--format", "json"], more].concat())
    }
}

/// What a run of the program left.
#[derive(Debug)]
pub struct Run {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    /// How long it took.
    pub elapsed: Duration,
}

impl Run {
    /// Asserts that it failed with this exit code and message, in PostgreSQL's style, with a HINT, and printed nothing.
    pub fn failed(&self, code: i32, message: &str, hint: &str) {
        assert_eq!(self.stdout, "", "only reports go to stdout\n{self:?}");
        self.complained(code, message, hint);
    }

    /// Asserts the exit code, message and HINT, whatever it printed before.
    pub fn complained(&self, code: i32, message: &str, hint: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let mut lines = self.stderr.lines().skip_while(|line| !line.starts_with("pgadvise: "));
        let said = lines.next().unwrap_or_default().trim_start_matches("pgadvise: ");
        assert!(said.contains(message), "no \"{message}\" in \"{said}\"\n{self:?}");
        assert!(said.starts_with(|c: char| !c.is_uppercase()), "PostgreSQL's messages begin small: {said}");
        assert!(!said.ends_with('.') && !said.contains("os error"), "{said}");
        let hinted = self.stderr.lines().find_map(|line| line.strip_prefix("HINT:  ")).unwrap_or_default();
        assert!(hinted.contains(hint) && !hinted.is_empty(), "no \"{hint}\" in the hint \"{hinted}\"\n{self:?}");
    }

    /// The report, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }

    /// The gaps of the report, each as `what id: reason`.
    pub fn gaps(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let report = self.json();
        let gaps = report["gaps"].as_array().expect("gaps").iter();
        gaps.map(|gap| format!("{} {}: {}", text(&gap["what"]), text(&gap["id"]), text(&gap["reason"]))).collect()
    }

    /// Asserts that a gap of the report holds all of `words`.
    pub fn has_gap(&self, words: &[&str]) {
        let gaps = self.gaps();
        let found = gaps.iter().any(|gap| words.iter().all(|word| gap.contains(word)));
        assert!(found, "no gap with {words:?} in {gaps:#?}\n{}", self.stderr);
    }

    /// The first DDL statement of each piece of advice.
    pub fn ddl(&self) -> Vec<String> {
        let report = self.json();
        let advice = report["advice"].as_array().expect("advice").iter();
        advice.flat_map(|step| step["ddl"].as_array().expect("ddl").last()).map(|ddl| ddl.to_string()).collect()
    }

    /// Asserts that an index on these words' relation and columns is advised.
    pub fn advises(&self, words: &str) {
        assert!(self.ddl().iter().any(|ddl| ddl.contains(words)), "no \"{words}\" in {:#?}\n{self:?}", self.ddl());
    }

    /// The rules of the findings, in the report's order.
    pub fn rules(&self) -> Vec<String> {
        let report = self.json();
        let findings = report["findings"].as_array().expect("findings").iter();
        findings.map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect()
    }
}

/// A shop with one thing to find: orders are looked up by customer, and there is no index for it. Its `duplicate_index`
/// is found without any statement.
pub const SHOP: &str = "
    CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text, total numeric, created_at timestamp);
    INSERT INTO customer SELECT g, 'c' || g || '@example.org' FROM generate_series(1, 2000) g;
    INSERT INTO orders
        SELECT g, 1 + g % 2000, (ARRAY['new', 'paid', 'sent'])[1 + g % 3], g, timestamp '2026-01-01' + g * interval '1 min'
        FROM generate_series(1, 20000) g;
    CREATE INDEX customer_email_1 ON customer (email);
    CREATE INDEX customer_email_2 ON customer (email);
    VACUUM ANALYZE customer;
    VACUUM ANALYZE orders";

/// What the shop's application sends.
pub const SHOP_WORKLOAD: &str = "-- calls: 1000\nSELECT * FROM orders WHERE customer_id = 42;\n\
    -- calls: 500\nSELECT * FROM customer WHERE id = 7;\n";

/// What DDL holds that answers [`SHOP_WORKLOAD`].
pub const SHOP_ADVICE: &str = "ON public.orders USING btree (customer_id";

/// Runs the shop's statements on `database`, so that pg_stat_statements counts them.
pub fn run_shop(database: &Database) {
    for _ in 0..60 {
        database.execute("SELECT * FROM orders WHERE customer_id = 42");
    }
    database.execute("SELECT * FROM customer WHERE id = 7");
}

/// Creates the shop: statements that cannot share a transaction are sent one by one.
pub fn fill_shop(database: &Database) {
    for statement in SHOP.split(';') {
        database.execute(statement);
        // Or the rows inserted are counted seconds later, after the ANALYZE that follows.
        database
            .execute("DO $$ BEGIN PERFORM pg_stat_force_next_flush(); EXCEPTION WHEN undefined_function THEN END $$");
    }
}

/// Whether `path` holds a file with any of `secrets`; the first that does, with the secret.
pub fn leak(path: &Path, secrets: &[&str]) -> Option<String> {
    let bytes = std::fs::read(path).expect("a file");
    let text = String::from_utf8_lossy(&bytes);
    secrets.iter().find(|secret| text.contains(**secret)).map(|secret| format!("{}: {secret}", path.display()))
}
