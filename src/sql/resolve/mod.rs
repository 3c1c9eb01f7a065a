//! A tree and a catalog → a shape: names resolved to scans and columns, subqueries and views followed, conditions
//! brought to the scans that they restrict. What the planner could not push down is not pushed down here.

mod block;
mod condition;
mod expression;
mod from;
mod item;
mod join;
mod modify;
mod query;
mod scope;
mod with;

use std::collections::BTreeMap;

use super::error::ShapeError;
use super::logic::scans_of;
use super::parameters::{ParameterPlace, ParameterUse, parameters_of};
use super::shape::{JoinQual, Scan, Shape};
use super::target::Known;
use super::tree::{Expr, Statement};
use crate::pg::Oid;
use crate::snapshot::{Catalog, Relation};
use scope::{Env, Output};

/// How deep views may stand on views: PostgreSQL has no limit, but forbids cycles, which a stale snapshot may show.
const VIEW_DEPTH_MAX: usize = 64;

/// What a resolved statement tells.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Its shape.
    pub shape: Shape,
    /// Where its parameters stand, by number.
    pub parameters: BTreeMap<u32, ParameterUse>,
}

/// Resolves a statement.
pub(super) fn resolve(statement: &Statement, catalog: &Catalog<'_>) -> Result<Resolved, ShapeError> {
    let mut resolver = Resolver {
        catalog,
        scans: Vec::new(),
        joins: Vec::new(),
        n_blocks: 0,
        view_depth: 0,
        open: Vec::new(),
        parameters: BTreeMap::new(),
    };
    let outermost = resolver.new_block();
    resolver.statement(statement, Env { outer: None, ctes: None, depth: 0 }, outermost)?;
    let shape = Shape { kind: statement.kind(), scans: resolver.scans, joins: resolver.joins, is_from_plan: false };
    Ok(Resolved { shape, parameters: resolver.parameters })
}

struct Resolver<'c, 's> {
    catalog: &'c Catalog<'s>,
    scans: Vec<Scan>,
    joins: Vec<JoinQual>,
    n_blocks: usize,
    view_depth: usize,
    /// The subqueries that are being resolved: the depth of each one's scope, and the outer columns that it reads.
    open: Vec<(usize, Vec<Expr>)>,
    parameters: BTreeMap<u32, ParameterUse>,
}

type Done<T> = Result<T, ShapeError>;

impl<'c, 's> Resolver<'c, 's> {
    fn new_block(&mut self) -> usize {
        self.n_blocks += 1;
        self.n_blocks - 1
    }

    fn new_scan(&mut self, relation: Oid, alias: &str, block: usize) -> usize {
        self.scans.push(Scan::new(relation, alias, block));
        self.scans.len() - 1
    }

    fn relation_of(&self, scan: usize) -> Option<&'s Relation> {
        self.catalog.relation(self.scans.get(scan)?.relation)
    }

    /// What is known of the columns of a scan, and of functions.
    fn known(&self, scan: usize) -> Known<'_> {
        Known { relation: self.relation_of(scan), catalog: self.catalog }
    }

    /// Notes that the statement reads the columns of `expr`, and where its parameters stand.
    fn read(&mut self, expr: &Expr) {
        expr.any(&mut |part| {
            match part {
                Expr::ScanColumn { scan, column } => {
                    self.scans[*scan].columns_read.insert(column.clone());
                }
                Expr::Behind(arms) => arms.iter().for_each(|arm| self.read(arm)),
                _ => {}
            }
            false
        });
        self.note_parameters(expr);
    }

    /// Notes that the statement reads these outputs.
    fn read_outputs(&mut self, outputs: &[Output]) {
        outputs.iter().for_each(|output| self.read(&output.expr));
    }

    /// Notes the parameters of an expression by what they are compared with.
    fn note_parameters(&mut self, expr: &Expr) {
        let relations: Vec<_> = self.scans.iter().map(|scan| scan.relation).collect();
        for found in parameters_of(expr, &relations) {
            let known = self.parameters.entry(found.number).or_insert_with(|| found.clone());
            if known.place == ParameterPlace::Unknown {
                *known = found;
            }
        }
    }

    /// Notes a parameter that stands at a place of its own: LIMIT, a value to be stored.
    fn note(&mut self, expr: &Expr, place: ParameterPlace) {
        match expr {
            Expr::Parameter(number) => {
                self.parameters.insert(*number, ParameterUse::new(*number, place));
            }
            Expr::Cast { expr: inner, type_name } => {
                if let Expr::Parameter(number) = **inner {
                    let parameter = ParameterUse { cast: Some(type_name.clone()), ..ParameterUse::new(number, place) };
                    self.parameters.insert(number, parameter);
                } else {
                    self.note_parameters(expr);
                }
            }
            expr => self.note_parameters(expr),
        }
    }

    /// The one scan that `expr` is over, when it is over exactly one.
    fn only_scan(expr: &Expr) -> Option<usize> {
        let scans = scans_of(expr);
        if scans.len() == 1 { scans.first().copied() } else { None }
    }
}
