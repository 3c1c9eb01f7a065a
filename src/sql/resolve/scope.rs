//! What names mean at one place of a statement: the FROM items of its blocks from the innermost outwards, and the WITH
//! queries in sight. Looks up, changes nothing.

use super::super::tree::{Expr, Query};
use crate::snapshot::Relation;

/// The columns of one FROM item.
#[derive(Debug, Clone)]
pub(super) enum Columns<'c> {
    /// A scan of a stored relation.
    Scan {
        /// Index of the scan.
        scan: usize,
        /// The relation.
        relation: &'c Relation,
        /// New names for its first columns.
        renamed: Vec<String>,
    },
    /// A query's or view's outputs.
    Outputs(Vec<Output>),
    /// A function's or another row source's: some are known by name, others may exist.
    Unknown(Vec<String>),
}

/// One output column of a query.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// Its name.
    pub name: String,
    /// What it is, in terms of scans.
    pub expr: Expr,
}

/// One FROM item.
#[derive(Debug, Clone)]
pub(super) struct Item<'c> {
    /// Its alias or name; empty for a subquery without alias.
    pub name: String,
    /// Its schema, when it is a relation without alias.
    pub schema: Option<String>,
    /// Its columns.
    pub columns: Columns<'c>,
}

/// The FROM items of a block, and what is around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Env<'a, 'c> {
    /// The blocks around, the nearest first.
    pub outer: Option<&'a Scope<'a, 'c>>,
    /// The WITH queries in sight, the nearest first.
    pub ctes: Option<&'a CteScope<'a>>,
    /// How many blocks are around, those that are out of sight included.
    pub depth: usize,
}

/// One block's FROM items.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a, 'c> {
    /// The items, in order.
    pub items: Vec<Item<'c>>,
    /// Columns merged by USING or NATURAL: an unqualified name means these first.
    pub merged: Vec<(String, Expr)>,
    /// What is around.
    pub env: Env<'a, 'c>,
    /// How many scopes are around it.
    pub depth: usize,
}

/// One WITH query in sight.
#[derive(Debug)]
pub(super) struct CteScope<'a> {
    /// Its name.
    pub name: String,
    /// What a reference to it is.
    pub binding: CteBinding<'a>,
    /// Those before it, and those of the queries around.
    pub parent: Option<&'a CteScope<'a>>,
}

/// What a reference to a WITH query is.
#[derive(Debug)]
pub(super) enum CteBinding<'a> {
    /// As if it stood in the place of the reference.
    Inline(&'a Query, Vec<String>),
    /// A scan of a stored result: these columns, no way through to its scans.
    Stored(Vec<String>),
}

/// Where a name leads.
#[derive(Debug)]
pub(super) enum Found {
    /// A column, as an expression over scans, from the scope of this depth.
    Column(Expr, usize),
    /// A whole row of an item.
    Row(Option<usize>),
    /// Nowhere.
    Nothing,
}

impl<'a, 'c> Scope<'a, 'c> {
    /// A scope without items yet.
    pub fn new(env: Env<'a, 'c>) -> Self {
        Self { items: Vec::new(), merged: Vec::new(), env, depth: env.depth }
    }

    /// What a block inside this one has around it.
    pub fn inside(&'a self) -> Env<'a, 'c> {
        Env { outer: Some(self), ctes: self.env.ctes, depth: self.depth + 1 }
    }

    /// What `path` means here: a column, `alias.column`, `schema.relation.column`, or an alias as a whole row.
    pub fn find(&self, path: &[String]) -> Found {
        let mut scope = Some(self);
        while let Some(current) = scope {
            match current.find_here(path) {
                Found::Nothing => scope = current.env.outer,
                found => return found,
            }
        }
        Found::Nothing
    }

    fn find_here(&self, path: &[String]) -> Found {
        match path {
            [name] => self.find_unqualified(name),
            [alias, name] => match self.item(None, alias) {
                Some(item) => self.in_item(item, name),
                None => Found::Nothing,
            },
            [schema, relation, name] => match self.item(Some(schema), relation) {
                Some(item) => self.in_item(item, name),
                None => Found::Nothing,
            },
            [_, schema, relation, name] => self.find_here(&[schema.clone(), relation.clone(), name.clone()]),
            _ => Found::Nothing,
        }
    }

    fn in_item(&self, item: &Item<'_>, name: &str) -> Found {
        match item.column(name, true) {
            Some(expr) => Found::Column(expr, self.depth),
            None => Found::Nothing,
        }
    }

    fn find_unqualified(&self, name: &str) -> Found {
        if let Some((_, expr)) = self.merged.iter().find(|(merged, _)| merged == name) {
            return Found::Column(expr.clone(), self.depth);
        }
        if let Some(expr) = self.items.iter().find_map(|item| item.column(name, false)) {
            return Found::Column(expr, self.depth);
        }
        if let Some(item) = self.item(None, name) {
            return match &item.columns {
                // A function's only column is called like the function.
                Columns::Unknown(_) => Found::Column(Expr::Opaque(name.to_owned()), self.depth),
                Columns::Scan { scan, .. } => Found::Row(Some(*scan)),
                Columns::Outputs(_) => Found::Row(None),
            };
        }
        // A function may return columns that nothing here names.
        let may_be_returned =
            self.items.iter().any(|item| matches!(&item.columns, Columns::Unknown(names) if names.is_empty()));
        if may_be_returned { Found::Column(Expr::Opaque(name.to_owned()), self.depth) } else { Found::Nothing }
    }

    /// The item called `name`; with a schema only a relation of that schema without alias.
    pub fn item(&self, schema: Option<&str>, name: &str) -> Option<&Item<'c>> {
        self.items
            .iter()
            .find(|item| item.name == name && schema.is_none_or(|schema| item.schema.as_deref() == Some(schema)))
    }
}

impl Item<'_> {
    /// The column called `name`; system columns only where the item is named (`is_named`).
    pub fn column(&self, name: &str, is_named: bool) -> Option<Expr> {
        match &self.columns {
            Columns::Scan { scan, relation, renamed } => {
                let position = renamed.iter().position(|new| new == name);
                let column = match position {
                    Some(position) => relation.columns.get(position),
                    None => relation.column(name),
                };
                match column {
                    Some(column) => Some(Expr::ScanColumn { scan: *scan, column: column.name.clone() }),
                    None if SYSTEM_COLUMNS.contains(&name) => Some(Expr::call(name, Vec::new())),
                    None => None,
                }
            }
            Columns::Outputs(outputs) => {
                outputs.iter().find(|output| output.name == name).map(|output| output.expr.clone())
            }
            Columns::Unknown(names) => {
                let is_known = names.iter().any(|known| known == name) || is_named && names.is_empty();
                is_known.then(|| Expr::Opaque(name.to_owned()))
            }
        }
    }

    /// All its columns, in order, as `*` gives them; whole is whether these are a whole row of a scan.
    pub fn all_columns(&self) -> Vec<Output> {
        match &self.columns {
            Columns::Scan { scan, relation, renamed } => relation
                .columns
                .iter()
                .enumerate()
                .map(|(position, column)| Output {
                    name: renamed.get(position).unwrap_or(&column.name).clone(),
                    expr: Expr::ScanColumn { scan: *scan, column: column.name.clone() },
                })
                .collect(),
            Columns::Outputs(outputs) => outputs.clone(),
            Columns::Unknown(names) => {
                names.iter().map(|name| Output { name: name.clone(), expr: Expr::Opaque(name.clone()) }).collect()
            }
        }
    }
}

impl<'a> CteScope<'a> {
    /// The WITH query called `name`, and those in sight of it.
    pub fn find(&'a self, name: &str) -> Option<&'a CteScope<'a>> {
        let mut scope = Some(self);
        while let Some(current) = scope {
            if current.name == name {
                return scope;
            }
            scope = current.parent;
        }
        None
    }
}

/// Columns that every relation has (`pg_attribute.attnum` below 0).
const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];
