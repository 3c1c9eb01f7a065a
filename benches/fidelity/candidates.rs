//! The candidate indexes of a world, really built: what each is, how large, and what its statement then costs. Prices
//! nothing that does not exist.

use std::collections::{BTreeMap, BTreeSet};

use pgadvise::db::WritableSession;
use pgadvise::pg::{IndexDefinition, RelationName};
use pgadvise::plan::Plan;
use pgadvise::snapshot::{Catalog, Snapshot};
use pgadvise::whatif::shadow::PartSizes;

use super::compare::explain;
use super::corpus;
use super::world::{self, Question, World};

/// A candidate with its statement, and the truth about both.
pub struct Built {
    /// `CREATE INDEX`, without its name.
    pub title: String,
    pub question: Question,
    pub relation: RelationName,
    pub definition: IndexDefinition,
    /// For each stored relation how large its part is, and how many rows it has.
    pub parts: PartSizes,
    /// The plan without it.
    pub before: Plan,
    /// The plan with it.
    pub after: Plan,
    /// What its parts are called on the server.
    pub names: BTreeSet<String>,
}

impl Built {
    /// Whether the planner uses it.
    pub fn is_used(&self) -> bool {
        self.after.indexes_used().iter().any(|(_, name)| self.names.contains(name))
    }
}

/// Builds all candidates of `world`, plans the statement of each with that one alone, and drops them again.
pub fn build(world: &World<'_>) -> Vec<Built> {
    let mut session = world::connect(&world.cluster.url(world.name));
    session.execute("CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA public").expect("pageinspect");
    let pairs = world.candidates();
    for (number, (create, _)) in pairs.iter().enumerate() {
        let sql = create.replacen(" candidate ON ", &format!(" {} ON ", name(number)), 1);
        session.execute(&sql).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"));
    }
    show(&mut session, None);
    let snapshot = world.snapshot("postgres");
    let built = pairs.iter().enumerate().map(|(number, (create, question))| {
        let before = plan(&mut session, question);
        show(&mut session, Some(number));
        let after = plan(&mut session, question);
        show(&mut session, None);
        one(&mut session, &snapshot, number, create, question, before, after)
    });
    let built: Vec<Built> = built.collect();
    for (number, candidate) in built.iter().enumerate() {
        session.execute(&format!("DROP INDEX {}.{}", candidate.relation.schema, name(number))).expect("DROP INDEX");
    }
    session.execute("DROP EXTENSION pageinspect").expect("DROP EXTENSION");
    built
}

fn one(
    session: &mut WritableSession,
    snapshot: &Snapshot,
    number: usize,
    create: &str,
    question: &Question,
    before: Plan,
    after: Plan,
) -> Built {
    let catalog = Catalog::new(snapshot);
    let (relation, index) = catalog.index_named(world_schema(question), &name(number)).expect("the candidate");
    let mut parts = BTreeMap::new();
    let mut names = BTreeSet::new();
    for part in &snapshot.relations {
        for index in part.indexes.iter().filter(|other| is_part(other.oid, index.oid, &catalog)) {
            names.insert(index.name.clone());
            let qualified = format!("{}.{}", part.name.schema, index.name);
            if part.partition_key.is_none() {
                let size = corpus::real(&mut value_of(session), &qualified, &index.definition.access_method);
                let rows = value_of(session)(&format!(
                    "SELECT reltuples::float8::text AS value FROM pg_class WHERE oid = '{qualified}'::regclass"
                ));
                parts.insert(part.name.clone(), (size, rows.parse().expect("a number")));
            }
        }
    }
    let title = create.replace(" candidate ON ", " ON ");
    let (relation, definition) = (relation.name.clone(), index.definition.clone());
    Built { title, question: question.clone(), relation, definition, parts, before, after, names }
}

/// Whether index `oid` is `root` or attached to it at some level.
fn is_part(oid: pgadvise::pg::Oid, root: pgadvise::pg::Oid, catalog: &Catalog<'_>) -> bool {
    let mut current = Some(oid);
    while let Some(oid) = current {
        if oid == root {
            return true;
        }
        current = catalog.index(oid).and_then(|(_, index)| index.parent);
    }
    false
}

fn world_schema(question: &Question) -> &str {
    question.title.split(':').next().expect("the world's name")
}

fn name(number: usize) -> String {
    format!("candidate_{number}")
}

/// The one text of a query.
fn value_of(session: &mut WritableSession) -> impl FnMut(&str) -> String {
    |sql| {
        session.query(sql, &[]).unwrap_or_else(|failure| panic!("{sql}: {failure:?}"))[0].text("value").expect("a text")
    }
}

/// Hides all candidates but this one from the planner.
fn show(session: &mut WritableSession, number: Option<usize>) {
    let shown = number.map_or("false".to_owned(), |number| format!("root.relname = '{}'", name(number)));
    let sql = format!(
        "UPDATE pg_index AS i SET indisvalid = {shown} FROM pg_class AS root \
         CROSS JOIN LATERAL (SELECT root.oid UNION SELECT relid FROM pg_partition_tree(root.oid)) AS part (oid) \
         WHERE root.relkind IN ('i', 'I') AND root.relname ~ '^candidate_[0-9]+$' AND i.indexrelid = part.oid"
    );
    session.execute(&sql).expect("indisvalid");
}

fn plan(session: &mut WritableSession, question: &Question) -> Plan {
    explain(session, question).unwrap_or_else(|why| panic!("{}: {why}", question.text))
}
