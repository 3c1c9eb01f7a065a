//! Prices for the published algorithms: HypoPG's own costs on a server, behind the cost cache that pgadvise has too.
//! Corrects nothing, so that figures are on the axis of the published measurements.

use std::collections::{BTreeMap, BTreeSet};

use pgadvise::db::{Failure, WritableSession};

use super::algorithms::{Column, Index, Plan, Prices, Set};

/// A session that plans with hypothetical indexes.
pub struct Whatif {
    session: WritableSession,
    statements: Vec<String>,
    columns: Vec<BTreeSet<Column>>,
    sizes: BTreeMap<Index, f64>,
    plans: BTreeMap<(usize, Set), Plan>,
    /// Statements planned so far.
    pub n_calls: u64,
}

impl Whatif {
    /// Plans `statements`, whose columns are those of the relations of the schema `public` that they name.
    pub fn new(mut session: WritableSession, statements: Vec<String>) -> Self {
        let all = columns_of_schema(&mut session);
        let columns = statements.iter().map(|text| columns_in(text, &all)).collect();
        Self { session, statements, columns, sizes: BTreeMap::new(), plans: BTreeMap::new(), n_calls: 0 }
    }

    /// What the statements cost together when the indexes that `creates` would make exist, and their bytes. Not
    /// counted as calls: this is the referee.
    pub fn judge(&mut self, creates: &[String]) -> (f64, f64) {
        let mut messages = vec!["SELECT hypopg_reset()".to_owned()];
        messages.extend(creates.iter().map(|sql| create_call(sql)));
        messages.push("SELECT coalesce(sum(hypopg_relation_size(indexrelid)), 0) FROM hypopg()".to_owned());
        messages.extend(self.statements.iter().map(|text| explain(text)));
        let answers = self.answers(&messages);
        let first_plan = answers.len() - self.statements.len();
        let cost = answers[first_plan..].iter().map(|answer| parsed(answer).root.total_cost).sum();
        (cost, answers[first_plan - 1].parse().expect("bytes"))
    }

    /// The indexes of a set that can matter to a statement: those that hold one of its columns.
    fn relevant(&self, statement: usize, set: &Set) -> Set {
        let columns = &self.columns[statement];
        let matters = |index: &&Index| {
            let column = |name: &String| Column { table: index.table.clone(), name: name.clone() };
            index.columns.iter().any(|name| columns.contains(&column(name)))
        };
        set.iter().filter(matters).cloned().collect()
    }

    /// The answer to this question, or to one with more indexes of which the plan used none that this one lacks.
    fn known(&self, statement: usize, set: &Set) -> Option<&Plan> {
        let first = (statement, Set::new());
        let of_statement = self.plans.range(first..).take_while(|((known, _), _)| *known == statement);
        let exact = self.plans.get(&(statement, set.clone()));
        exact.or_else(|| {
            let mut wider =
                of_statement.filter(|((_, known), plan)| known.is_superset(set) && plan.used.is_subset(set));
            wider.next().map(|(_, plan)| plan)
        })
    }

    fn ask(&mut self, statement: usize, set: &Set) -> Plan {
        let indexes: Vec<&Index> = set.iter().collect();
        let mut messages = vec!["SELECT hypopg_reset()".to_owned()];
        messages.extend(indexes.iter().map(|index| create_call(&create(index))));
        messages.push(explain(&self.statements[statement]));
        let answers = self.answers(&messages);
        self.n_calls += 1;
        let of_oid: BTreeMap<&str, &Index> =
            answers[1..=indexes.len()].iter().map(String::as_str).zip(indexes).collect();
        let plan = parsed(answers.last().expect("a plan"));
        // Indexes that exist have names of their own.
        let names = plan.indexes_used();
        let used = names.iter().filter_map(|(_, name)| of_oid.get(oid_in(name)?).copied().cloned()).collect();
        Plan { cost: plan.root.total_cost, used }
    }

    fn answers(&mut self, messages: &[String]) -> Vec<String> {
        let batch = self.session.batch(messages).unwrap_or_else(|error| panic!("{error}"));
        assert!(batch.refused.is_none(), "{:?}", batch.refused);
        batch.answers
    }
}

impl Prices for Whatif {
    fn columns(&self) -> &[BTreeSet<Column>] {
        &self.columns
    }

    fn plan(&mut self, statement: usize, set: &Set) -> Plan {
        let set = self.relevant(statement, set);
        if let Some(plan) = self.known(statement, &set) {
            return plan.clone();
        }
        let plan = self.ask(statement, &set);
        self.plans.insert((statement, set), plan.clone());
        plan
    }

    fn bytes(&mut self, index: &Index) -> f64 {
        if let Some(bytes) = self.sizes.get(index) {
            return *bytes;
        }
        let size = "SELECT hypopg_relation_size(indexrelid) FROM hypopg()".to_owned();
        let answers = self.answers(&["SELECT hypopg_reset()".to_owned(), create_call(&create(index)), size]);
        let bytes = answers.last().and_then(|bytes| bytes.parse().ok()).expect("bytes");
        self.sizes.insert(index.clone(), bytes);
        bytes
    }
}

/// The CREATE INDEX of an index.
pub fn create(index: &Index) -> String {
    format!("CREATE INDEX ON {} ({})", index.table, index.columns.join(", "))
}

fn create_call(sql: &str) -> String {
    format!("SELECT indexrelid FROM hypopg_create_index('{}')", sql.replace('\'', "''"))
}

fn explain(text: &str) -> String {
    format!("EXPLAIN (FORMAT JSON) {text}")
}

fn parsed(answer: &str) -> pgadvise::plan::Plan {
    pgadvise::plan::parse(answer).unwrap_or_else(|error| panic!("{error}"))
}

/// HypoPG names an index `<13561>btree_lineitem_l_partkey`; `None` for an index that exists.
fn oid_in(name: &str) -> Option<&str> {
    name.strip_prefix('<')?.split('>').next()
}

fn columns_of_schema(session: &mut WritableSession) -> Vec<Column> {
    let rows = session.query(
        "SELECT c.relname::text AS relation, a.attname::text AS name FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
        &[],
    );
    let rows = rows.expect("the columns");
    let column = |row: &pgadvise::db::Row| -> Result<Column, Failure> {
        Ok(Column { table: row.text("relation")?, name: row.text("name")? })
    };
    rows.iter().map(|row| column(row).expect("a column")).collect()
}

/// The columns whose names are words of a statement: TPC-H's names are unique.
fn columns_in(text: &str, all: &[Column]) -> BTreeSet<Column> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = text.split(|c: char| !is_word(c)).collect();
    all.iter().filter(|column| words.contains(column.name.as_str())).cloned().collect()
}
