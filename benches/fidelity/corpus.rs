//! Indexes that are really built, beside what the size models say of them: shared by the bench and the test of the sizes.
//! Knows no way to a server; whoever measures brings one.

use pgadvise::pg::AccessMethod;
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::whatif::{IndexSize, Metapage, size};

/// Tables and what is built on them.
pub struct Corpus {
    schema: &'static str,
    indexes: &'static str,
}

/// The access method btree.
pub const BTREE: Corpus = Corpus { schema: include_str!("sizes/btree.sql"), indexes: include_str!("sizes/btree.txt") };
/// All other access methods.
pub const OTHERS: Corpus =
    Corpus { schema: include_str!("sizes/others.sql"), indexes: include_str!("sizes/others.txt") };

/// A database of its own.
pub trait Server {
    /// Runs statements, several at once if need be.
    fn execute(&self, sql: &str);
    /// The one text of a query.
    fn value(&self, sql: &str) -> String;
    /// What pgadvise collects of it.
    fn snapshot(&self) -> Snapshot;
    /// The major version.
    fn major(&self) -> u32;
}

/// An index as modelled before it was built, and as it is.
pub struct Measured {
    /// Its relation and definition.
    pub index: String,
    /// Its access method.
    pub method: AccessMethod,
    /// What the model says.
    pub model: IndexSize,
    /// What it is; the height is known of btrees, the metapage of GIN and BRIN.
    pub real: IndexSize,
}

impl Measured {
    /// Modelled over real pages.
    pub fn ratio(&self) -> f64 {
        self.model.n_pages as f64 / self.real.n_pages as f64
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let heights = match self.method {
            AccessMethod::Btree => format!(", height {} / {}", self.model.height, self.real.height),
            AccessMethod::Gin | AccessMethod::Brin => format!(", {:?} / {:?}", self.model.metapage, self.real.metapage),
            _ => String::new(),
        };
        format!("{:.2} {} / {} pages{heights}: {}", self.ratio(), self.model.n_pages, self.real.n_pages, self.index)
    }
}

/// Loads `corpus` with `n_rows` rows in each table, estimates every index, builds them and measures them.
pub fn measure(server: &dyn Server, corpus: &Corpus, n_rows: u32) -> Vec<Measured> {
    server.execute(&corpus.schema.replace(":n_rows", &n_rows.to_string()));
    let before = server.snapshot();
    server.execute("CREATE EXTENSION pageinspect");
    let indexes: Vec<(String, String)> = corpus
        .indexes
        .lines()
        .filter_map(|line| of_version(line, server.major()))
        .enumerate()
        .map(|(n, line)| {
            let (table, body) = line.split_once(' ').expect("a relation and a definition");
            server.execute(&format!("CREATE INDEX measured_{n} ON {table} {body}"));
            (format!("measured_{n}"), line.to_owned())
        })
        .collect();
    let after = server.snapshot();
    let (before, after) = (Catalog::new(&before), Catalog::new(&after));
    let measure = |(name, line): (String, String)| {
        let (relation, index) = after.index_named("public", &name).expect("the index");
        let relation = before.find(Some("public"), &relation.name.name).expect("the table");
        let model = size::estimate_with_options(&before, relation, &index.definition, &index.options)
            .unwrap_or_else(|why| panic!("{line}: {why}"));
        let method = index.definition.access_method.clone();
        Measured { real: real(&mut |sql| server.value(sql), &name, &method), index: line, method, model }
    };
    indexes.into_iter().map(measure).collect()
}

/// The index of a line, unless it is a comment or begins with a later major version.
fn of_version(line: &str, major: u32) -> Option<&str> {
    let (first, rest) = line.split_once(' ')?;
    match first.parse::<u32>() {
        Ok(since) => (since <= major).then_some(rest),
        Err(_) => (first != "#").then_some(line),
    }
}

/// The size of the index called `name`, and what its metapage tells; `value` runs a query on its server, which has pageinspect.
pub fn real(value: &mut dyn FnMut(&str) -> String, name: &str, method: &AccessMethod) -> IndexSize {
    let mut numbers =
        |sql: &str| -> Vec<u64> { value(sql).split(' ').map(|text| text.parse().expect("a number")).collect() };
    let n_pages = numbers(&format!("SELECT (pg_relation_size('{name}') / 8192)::text AS value"))[0];
    let size = IndexSize { n_pages, ..IndexSize::default() };
    match method {
        AccessMethod::Btree => {
            let levels = numbers(&format!("SELECT level::text AS value FROM bt_metap('{name}')"));
            IndexSize { height: levels[0] as u32, ..size }
        }
        AccessMethod::Gin => {
            let meta = numbers(&format!(
                "SELECT concat_ws(' ', n_entry_pages, n_data_pages, n_entries) AS value FROM gin_metapage_info(get_raw_page('{name}', 0))"
            ));
            let metapage = Metapage::Gin { n_entry_pages: meta[0], n_data_pages: meta[1], n_entries: meta[2] };
            IndexSize { metapage, ..size }
        }
        AccessMethod::Brin => {
            let meta = numbers(&format!(
                "SELECT lastrevmappage::text AS value FROM brin_metapage_info(get_raw_page('{name}', 0))"
            ));
            IndexSize { metapage: Metapage::Brin { n_revmap_pages: meta[0] }, ..size }
        }
        _ => size,
    }
}

/// The ratio below which `percent` of the indexes are.
pub fn percentile(measured: &[Measured], percent: usize) -> f64 {
    let mut ratios: Vec<f64> = measured.iter().map(Measured::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[((ratios.len() - 1) * percent + 50) / 100]
}

/// The indexes of every access method, by its name.
pub fn by_method(measured: Vec<Measured>) -> Vec<(String, Vec<Measured>)> {
    let mut groups: Vec<(String, Vec<Measured>)> = Vec::new();
    for one in measured {
        let name = one.method.as_str().to_owned();
        match groups.iter_mut().find(|(method, _)| *method == name) {
            Some((_, group)) => group.push(one),
            None => groups.push((name, vec![one])),
        }
    }
    groups
}
