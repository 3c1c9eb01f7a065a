//! Relations and indexes whose pages cost more or less than others (`ALTER TABLESPACE … SET`): the private server gets
//! tablespaces with the same options, in its own data directory. Moves only what that makes a difference to.

use std::collections::BTreeMap;

use crate::db::{Failure, WritableSession};
use crate::error::Result;
use crate::pg::quote_identifier;
use crate::snapshot::{Gap, Relation, Snapshot, Tablespace};

/// The options that the planner reads (`get_tablespace_page_costs`, spccache.c).
const COST_OPTIONS: [&str; 2] = ["random_page_cost", "seq_page_cost"];

/// The SQLSTATE of a relation that the schema could not make, which is a gap already.
const UNDEFINED_TABLE: &str = "42P01";

/// Page costs by option, in the text that they were given in.
type Costs<'s> = BTreeMap<&'s str, &'s str>;

/// Moves relations and indexes to where their pages cost what they cost on the target. The private server is given new
/// tablespaces; the database's own costs become those of `pg_default`.
///
/// # Errors
/// The session is lost.
pub fn load(session: &mut WritableSession, snapshot: &Snapshot) -> Result<Vec<Gap>> {
    let default = snapshot.tablespaces.iter().find(|tablespace| tablespace.is_default).map(costs).unwrap_or_default();
    let mut refusals = Vec::new();
    let mut send = |sql: &str| run(session, sql, &mut refusals);
    if let Some(options) = options(&default) {
        send(&format!("ALTER TABLESPACE pg_default SET ({options})"))?;
    }
    for (number, (name, members)) in members(snapshot).into_iter().enumerate() {
        let own = snapshot.tablespaces.iter().find(|tablespace| tablespace.name == name).map(costs).unwrap_or_default();
        if own == default {
            continue;
        }
        let place = format!("pgadvise_tablespace_{number}");
        let with = options(&own).map(|options| format!(" WITH ({options})")).unwrap_or_default();
        if !send("SET allow_in_place_tablespaces = on")?
            || !send(&format!("CREATE TABLESPACE {place} LOCATION ''{with}"))?
        {
            break;
        }
        for member in members {
            send(&format!("ALTER TABLE {member} SET TABLESPACE {place}"))?;
        }
    }
    Ok(refusals.first().map(|reason| gap(reason)).into_iter().collect())
}

/// Whether the server took it; a relation that is not there is none of its refusals.
fn run(session: &mut WritableSession, sql: &str, refusals: &mut Vec<String>) -> Result<bool> {
    match session.execute(sql) {
        Ok(()) => Ok(true),
        Err(Failure::Statement(refused)) => {
            if refused.code != UNDEFINED_TABLE {
                refusals.push(refused.message_without_values());
            }
            Ok(false)
        }
        Err(Failure::Session(error)) => Err(error),
    }
}

fn gap(reason: &str) -> Gap {
    let reason = format!(
        "the private server cannot be given the target's page costs for each tablespace ({reason}): those of the database \
         hold for all relations"
    );
    Gap::new("shadow", "tablespaces", reason)
}

/// The relations and indexes of each tablespace that is not the database's own, as SQL.
fn members(snapshot: &Snapshot) -> BTreeMap<&str, Vec<String>> {
    let mut members: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    if snapshot.tablespaces.is_empty() {
        return members;
    }
    for relation in &snapshot.relations {
        let own = (relation.tablespace.as_deref(), relation.name.name.as_str());
        let indexes = relation.indexes.iter().map(|index| (index.tablespace.as_deref(), index.name.as_str()));
        for (tablespace, name) in std::iter::once(own).chain(indexes) {
            if let Some(tablespace) = tablespace {
                members.entry(tablespace).or_default().push(qualified(relation, name));
            }
        }
    }
    members
}

fn qualified(relation: &Relation, name: &str) -> String {
    format!("{}.{}", quote_identifier(&relation.name.schema), quote_identifier(name))
}

fn costs(tablespace: &Tablespace) -> Costs<'_> {
    let pairs = tablespace.options.iter().filter_map(|option| option.split_once('='));
    pairs.filter(|(name, value)| COST_OPTIONS.contains(name) && is_number(value)).collect()
}

/// The text goes into a statement.
fn is_number(value: &str) -> bool {
    value.parse::<f64>().is_ok_and(|cost| cost.is_finite() && cost >= 0.0)
}

fn options(costs: &Costs<'_>) -> Option<String> {
    let list: Vec<String> = costs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    (!list.is_empty()).then(|| list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_costs_that_are_numbers_are_taken_over() {
        let tablespace = Tablespace {
            name: "fast".to_owned(),
            is_default: false,
            options: ["random_page_cost=1.1", "seq_page_cost=1); DROP", "effective_io_concurrency=7", "odd"]
                .map(String::from)
                .to_vec(),
        };
        assert_eq!(options(&costs(&tablespace)).as_deref(), Some("random_page_cost = 1.1"));
        assert_eq!(options(&Costs::new()), None);
    }
}
