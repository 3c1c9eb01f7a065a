//! Server → [`Snapshot`]: one file and one `queries/*.sql` for each thing that is read. Reads catalogs and statistics in
//! short read-only transactions, never a row of a user's relation; judges nothing. What cannot be read is a
//! [`Gap`](crate::snapshot::Gap) with the statement that mends it.

mod activity;
mod batch;
mod columns;
mod constraints;
mod definitions;
mod expression;
mod extended_statistics;
mod gaps;
mod index_definition;
mod indexes;
mod privileges;
mod query;
mod reader;
mod relations;
mod replica;
mod schema;
mod search_path;
mod server;
mod settings;
mod statements;
mod statistics;
mod tablespaces;
mod time;

pub use self::replica::add_replica;

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Failure, Session, Transaction};
use crate::error::Result;
use crate::pg::Oid;
use crate::snapshot::{FORMAT_VERSION, Relation, RelationKind, Server, Setting, SettingOverride, Snapshot, Tablespace};

use self::batch::Circumstances;
use self::privileges::Privileges;
use self::reader::Reader;
use self::relations::ReadRelations;
use self::search_path::Sources;

/// The encoding of databases whose texts are bytes of any kind.
const NO_ENCODING: &str = "SQL_ASCII";

/// What is collected.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// The statements whose texts are read, at most: those that took most time. 5000 by default, which is the default
    /// of `pg_stat_statements.max`.
    pub n_texts_max: usize,
    /// The longest text that is read, in bytes. 1 MiB by default, the longest that a server shows of a running
    /// statement (the upper limit of `track_activity_query_size`).
    pub text_bytes_max: usize,
    /// Whether pg_stat_statements is read.
    pub include_statements: bool,
    /// The schema that the connection string names for the application (`db::Target::schema`).
    pub application_schema: Option<String>,
    /// The relations whose most common values and histograms are read, at most: the largest. 10,000 by default; a
    /// hundred values for each of four columns need about 25 kB of memory a relation.
    pub n_relations_with_values_max: usize,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            n_texts_max: 5_000,
            text_bytes_max: 1 << 20,
            include_statements: true,
            application_schema: None,
            n_relations_with_values_max: 10_000,
        }
    }
}

/// Reads everything that advice needs. `progress` is told what is being read, in words for the user.
///
/// # Errors
/// Kind `Connection` if the server is lost, `Interrupted` at a signal, `Unsupported` if the catalog itself cannot be
/// read. Everything else that is missing becomes a gap.
pub fn collect(session: &mut Session, options: &CollectOptions, progress: &dyn Fn(&str)) -> Result<Snapshot> {
    let mut reader = Reader::new(session);
    progress("reading server and settings");
    let Basics { mut read, privileges, settings, setting_overrides, tablespaces } = read_basics(&mut reader)?;
    let major = read.server.version.major();
    reader.spare_the_server();
    progress("reading relations");
    let ReadRelations { mut relations, hidden, with_rules } = relations::read(&mut reader, major)?;
    let circumstances = Circumstances {
        major,
        collation_is_c: read.collation_is_c,
        can_read_extended_data: read.can_read_extended_data,
        can_read_statistic: read.can_read_statistic,
        hidden,
        with_values: largest(&relations, options.n_relations_with_values_max),
    };
    let mut other_names = batch::fill(&mut reader, &mut relations, &circumstances, progress)?;
    let (names, sequences) = relations::read_other_names(&mut reader)?;
    other_names.extend(names);
    other_names.sort();
    read_definitions(&mut reader, &mut relations, &with_rules)?;
    let statements = if options.include_statements {
        progress("reading pg_stat_statements");
        statements::read(&mut reader, &privileges, options, read.taken_at)?
    } else {
        None
    };
    progress("reading types and functions");
    let schema = schema::read(&mut reader, read.schemas.clone(), sequences, statements.as_ref())?;
    let main_role = statements.as_ref().and_then(|read| read.main_role.clone());
    read.server.application_role.clone_from(&main_role);
    read.server.search_path = application_search_path(&read, &setting_overrides, main_role.as_deref(), options);
    note_gaps(&mut reader, &relations, &privileges, &read.server, &circumstances);
    let mut gaps = reader.gaps;
    gaps.sort();
    Ok(Snapshot {
        format_version: FORMAT_VERSION,
        taken_at: read.taken_at,
        server: read.server,
        settings,
        setting_overrides,
        tablespaces,
        relations,
        other_names,
        schema,
        statements: statements.map(|read| read.statements),
        plans: Vec::new(),
        replicas: Vec::new(),
        gaps,
    })
}

/// What is read first, in one transaction.
struct Basics {
    read: server::Read,
    privileges: Privileges,
    settings: Vec<Setting>,
    setting_overrides: Vec<SettingOverride>,
    tablespaces: Vec<Tablespace>,
}

/// The basics; from then on, texts of a database without an encoding are asked for as they are.
fn read_basics(reader: &mut Reader<'_>) -> Result<Basics> {
    let work = |transaction: &mut Transaction<'_>| {
        let read = server::read(transaction)?;
        let privileges = Privileges::read(transaction, &read.server)?;
        let (settings, setting_overrides) = settings::read(transaction)?;
        let tablespaces = tablespaces::read(transaction)?;
        Ok(Basics { read, privileges, settings, setting_overrides, tablespaces })
    };
    let mut basics = reader.try_read(work);
    let is_undecodable = matches!(&basics, Err(Failure::Statement(refused)) if refused.code == "22021");
    let has_no_encoding = matches!(&basics, Ok(basics) if basics.read.server.encoding == NO_ENCODING);
    if is_undecodable || has_no_encoding {
        reader.ask_for_raw_texts();
        basics = reader.try_read(work);
    }
    let mut basics = basics.map_err(|failure| failure.while_doing("could not read the catalog"))?;
    basics.read.server.node = replica::read_node(reader)?;
    Ok(basics)
}

/// The `n_max` relations with most pages; `None` if that is all of them.
fn largest(relations: &[Relation], n_max: usize) -> Option<BTreeSet<Oid>> {
    if relations.len() <= n_max {
        return None;
    }
    let mut by_size: Vec<&Relation> = relations.iter().collect();
    by_size.sort_by(|a, b| b.n_pages.cmp(&a.n_pages).then(a.name.cmp(&b.name)));
    Some(by_size.into_iter().take(n_max).map(|relation| relation.oid).collect())
}

/// Views, rules, and what relations and indexes measure now.
fn read_definitions(reader: &mut Reader<'_>, relations: &mut [Relation], with_rules: &[Oid]) -> Result<()> {
    let oids = |choose: fn(&Relation) -> bool, relations: &[Relation]| -> Vec<Oid> {
        relations.iter().filter(|relation| choose(relation)).map(|relation| relation.oid).collect()
    };
    let views = oids(is_view, relations);
    let (mut definitions, locked_views) = definitions::read_views(reader, &views)?;
    let (mut rules, locked_rules) = definitions::read_rules(reader, with_rules)?;
    let (blocks, unmeasured) = definitions::read_blocks(reader, &oids(has_storage, relations))?;
    for relation in relations.iter_mut() {
        relation.view_definition = definitions.remove(&relation.oid);
        relation.declaration.rules = rules.remove(&relation.oid).unwrap_or_default();
        relation.is_locked |= locked_views.contains(&relation.oid) || locked_rules.contains(&relation.oid);
        measure(relation, &blocks);
        // Of a relation that was never analysed nothing else tells the size.
        relation.is_locked |= unmeasured.contains(&relation.oid) && gaps::was_never_analysed(relation);
    }
    reader.gaps.extend(gaps::unmeasured(relations, &unmeasured));
    Ok(())
}

/// Notes the current blocks of a relation and its indexes; for one that was never analysed, they also stand in for
/// relpages.
fn measure(relation: &mut Relation, blocks: &BTreeMap<Oid, u64>) {
    let was_never_analysed = gaps::was_never_analysed(relation);
    relation.n_blocks = blocks.get(&relation.oid).copied();
    for index in &mut relation.indexes {
        index.n_blocks = blocks.get(&index.oid).copied();
        if let (true, Some(n_blocks)) = (was_never_analysed, index.n_blocks) {
            index.n_pages_counted = Some(std::mem::replace(&mut index.n_pages, n_blocks));
        }
    }
    if let (true, Some(n_blocks)) = (was_never_analysed, relation.n_blocks) {
        relation.n_pages_counted = Some(std::mem::replace(&mut relation.n_pages, n_blocks));
    }
}

fn has_storage(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table | RelationKind::MaterializedView)
}

fn is_view(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::View | RelationKind::MaterializedView)
}

fn application_search_path(
    read: &server::Read,
    overrides: &[SettingOverride],
    main_role: Option<&str>,
    options: &CollectOptions,
) -> Vec<String> {
    search_path::of_application(&Sources {
        schema_of_connection: options.application_schema.as_deref(),
        setting: &read.search_path,
        role: main_role.unwrap_or(&read.server.role),
        overrides,
        schemas: &read.schemas,
    })
}

fn note_gaps(
    reader: &mut Reader<'_>,
    relations: &[Relation],
    privileges: &Privileges,
    server: &Server,
    circumstances: &Circumstances,
) {
    let is_hidden = |relation: &&Relation| {
        !circumstances.can_read_statistic && relation.can_select && circumstances.hidden.contains(&relation.oid)
    };
    let hidden: Vec<&Relation> = relations.iter().filter(is_hidden).collect();
    let n_with_values = circumstances.with_values.as_ref().map_or(relations.len(), BTreeSet::len);
    let noted = [
        gaps::unreadable(relations, privileges),
        gaps::hidden_by_row_security(&hidden, privileges),
        gaps::hidden_expressions(relations, circumstances, privileges),
        gaps::hidden_ranges(relations, circumstances, privileges),
        gaps::hidden_combinations(relations, privileges),
        gaps::locked(relations),
        gaps::unrepresentable(relations),
        gaps::without_values(relations.len(), n_with_values),
        relations.iter().all(|relation| relation.extension.is_some()).then(|| gaps::empty(&server.database)),
    ];
    reader.gaps.extend(noted.into_iter().flatten());
}
