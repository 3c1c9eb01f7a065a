//! Makes the snapshot's schema in an empty database of a private server: everything that planning can see, and no rows.
//! What cannot be made is replaced by a stand-in where planning allows that, and is a gap in any case.
//!
//! Statements go by kind, then in the order in which the objects were created; see [`passes`] for what that gets wrong.

mod collations;
mod constraints;
mod extensions;
mod functions;
mod indexes;
mod operators;
mod passes;
mod policies;
mod relations;
mod roles;
mod step;
mod stubs;
mod types;
mod views;

use std::collections::BTreeMap;

use self::extensions::Missing;
use self::passes::Hands;
use self::step::Step;
use self::stubs::Stubs;
use crate::db::{Failure, WritableSession};
use crate::error::{Error, Result};
use crate::pg::quote_identifier;
use crate::snapshot::{Catalog, Gap, Relation, Snapshot};

const DOMAIN_CHECKS: &str = include_str!("queries/domain_checks.sql");

/// How many names a gap lists.
const NAMES_SHOWN: usize = 20;

/// What holds while the schema is made: bodies of functions are taken as they are, and all names are qualified.
const SETTINGS: &str = "SET check_function_bodies = off; SET search_path = pg_catalog; SET client_min_messages = error; \
                        SET standard_conforming_strings = on; SET statement_timeout = 0; SET row_security = off";

/// Makes the schema of `snapshot` in an empty database, in which both sessions are. Roles are made for the whole server,
/// where they do not exist yet.
///
/// # Errors
/// Only when the session is lost: what the server refuses is a gap.
pub fn load(superuser: &mut WritableSession, planner: &mut WritableSession, snapshot: &Snapshot) -> Result<Vec<Gap>> {
    let mut hands = Hands { superuser, planner };
    for session in [&mut *hands.superuser, &mut *hands.planner] {
        session.execute(SETTINGS).map_err(Error::from)?;
    }
    let existing_roles = roles::existing(hands.superuser)?;
    let mut first = roles::steps(&snapshot.schema, &existing_roles, hands.superuser.server_version().major());
    first.push(policies::privileges());
    first.extend(schemas(snapshot));
    first.extend(extensions::steps(snapshot));
    first.extend(policies::extension_privileges(&snapshot.schema.schemas));
    let mut gaps = passes::make(&mut hands, first)?;
    let missing = extensions::missing(hands.superuser, snapshot)?;
    gaps.extend(passes::make(&mut hands, steps(snapshot, &missing))?);
    let unread = |object: &String| Gap::new("schema", object.clone(), "it is not made in the shadow");
    gaps.extend(snapshot.schema.unread.iter().map(unread));
    Ok(gathered(gaps))
}

/// Drops the check constraints of domains that are there already. [`load`] makes none, but every definition that it sends is
/// the target's and may hold statements of its own, and the superuser is about to read values of all types, which runs
/// these checks with all his rights. To be called right before that.
///
/// # Errors
/// The session is lost, or the server keeps a check, so that no values may be read.
pub fn drop_checks(superuser: &mut WritableSession) -> Result<()> {
    let checks: Vec<(String, String)> = superuser
        .query(DOMAIN_CHECKS, &[])?
        .iter()
        .map(|row| Ok((row.text("domain")?, row.text("name")?)))
        .collect::<std::result::Result<_, Failure>>()?;
    for (domain, name) in checks {
        superuser.execute(&format!("ALTER DOMAIN {domain} DROP CONSTRAINT {name}"))?;
    }
    Ok(())
}

/// Adds what may be there only when the superuser has read values of all types, which he does to load statistics: the
/// checks of domains run the target's functions.
///
/// # Errors
/// As [`load`].
pub fn complete(
    superuser: &mut WritableSession,
    planner: &mut WritableSession,
    snapshot: &Snapshot,
) -> Result<Vec<Gap>> {
    let mut hands = Hands { superuser, planner };
    let missing = extensions::missing(hands.superuser, snapshot)?;
    let types = snapshot.schema.types.iter().filter(|own| missing.is_own(own.extension.as_deref()));
    let gaps = passes::make(&mut hands, types.flat_map(types::checks).collect())?;
    Ok(gathered(gaps))
}

fn schemas(snapshot: &Snapshot) -> impl Iterator<Item = Step> {
    snapshot.schema.schemas.iter().map(|schema| {
        let name = quote_identifier(schema).into_owned();
        let create = format!("CREATE SCHEMA IF NOT EXISTS {name}");
        let grant = format!("GRANT ALL ON SCHEMA {name} TO PUBLIC");
        Step::exact("schema", name, vec![create, grant])
    })
}

/// Everything after the extensions, by kind.
fn steps(snapshot: &Snapshot, missing: &Missing) -> Vec<Step> {
    let schema = &snapshot.schema;
    let stubs = Stubs::new(&schema.types, missing);
    let catalog = Catalog::new(snapshot);
    let used = types::used(snapshot);
    let mut steps = Vec::new();
    steps.extend(schema.collations.iter().map(collations::step));
    steps.extend(
        schema
            .types
            .iter()
            .filter(|own| missing.is_own(own.extension.as_deref()))
            .filter_map(|own| types::step(own, &used)),
    );
    steps.extend(schema.sequences.iter().map(relations::sequence));
    let functions = || schema.functions.iter().filter(|own| missing.is_own(own.extension.as_deref()));
    steps.extend(functions().filter(|function| !function.takes_rows).filter_map(functions::step));
    steps.extend(schema.operators.iter().map(operators::operator));
    steps.extend(schema.casts.iter().map(operators::cast));
    let mut by_oid: Vec<&Relation> =
        snapshot.relations.iter().filter(|relation| missing.is_own(relation.extension.as_deref())).collect();
    by_oid.sort_by_key(|relation| relation.oid);
    steps.extend(by_oid.iter().filter_map(|relation| relations::table(relation, &stubs)));
    steps.extend(functions().filter(|function| function.takes_rows).filter_map(functions::step));
    steps.extend(by_oid.iter().flat_map(|relation| relations::late_parts(relation)));
    steps.extend(by_oid.iter().flat_map(|relation| relations::parents(relation, &catalog)));
    let is_matview = |relation: &&&Relation| views::is_materialized(relation);
    steps.extend(by_oid.iter().filter(|relation| !is_matview(relation)).flat_map(|relation| indexes::steps(relation)));
    steps.extend(indexes::attachments(&by_oid));
    steps.extend(by_oid.iter().flat_map(|relation| constraints::foreign_keys(relation)));
    steps.extend(by_oid.iter().flat_map(|relation| constraints::statistics(relation)));
    steps.extend(by_oid.iter().filter_map(|relation| views::step(relation)));
    steps.extend(by_oid.iter().filter_map(|relation| views::populated(relation)));
    steps.extend(by_oid.iter().filter(|relation| is_matview(relation)).flat_map(|relation| indexes::steps(relation)));
    steps.extend(by_oid.iter().flat_map(|relation| views::rewriting(relation)));
    steps.extend(by_oid.iter().flat_map(|relation| policies::steps(relation)));
    steps.extend(policies::owners(&by_oid, &schema.roles));
    steps.extend(by_oid.iter().flat_map(|relation| indexes::flags(relation)));
    steps
}

/// One gap for each reason, however many objects it concerns.
fn gathered(gaps: Vec<Gap>) -> Vec<Gap> {
    let mut names: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for gap in gaps {
        names.entry((gap.what, gap.reason)).or_default().push(gap.id);
    }
    names
        .into_iter()
        .map(|((what, reason), mut ids)| {
            ids.sort();
            let n_more = ids.len().saturating_sub(NAMES_SHOWN);
            ids.truncate(NAMES_SHOWN);
            if n_more > 0 {
                ids.push(format!("and {n_more} more"));
            }
            Gap::new(&what, ids.join(", "), reason)
        })
        .collect()
}
