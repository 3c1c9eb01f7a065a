//! Expressions with their names resolved; subqueries inside them become blocks of their own.

use super::super::error::{ShapeError, quoted};
use super::super::shape::JoinKind;
use super::super::tree::{Call, Expr, Query, SortKey, Window};
use super::scope::{Found, Scope};
use super::{Done, Resolver};

impl<'s> Resolver<'_, 's> {
    /// `expr` with names resolved. Nothing is noted as read: that depends on where the result goes.
    pub(super) fn expr(&mut self, expr: &Expr, scope: &Scope<'_, 's>) -> Done<Expr> {
        Ok(match expr {
            Expr::Column(path) => self.column(path, scope)?,
            Expr::Literal(_) | Expr::Parameter(_) | Expr::Opaque(_) | Expr::ScanColumn { .. } => expr.clone(),
            Expr::Behind(arms) => Expr::Behind(arms.clone()),
            Expr::Star(path) => self.star(path, scope),
            Expr::And(parts) => Expr::And(self.exprs(parts, scope)?),
            Expr::Or(parts) => Expr::Or(self.exprs(parts, scope)?),
            Expr::Row(parts) => Expr::Row(self.exprs(parts, scope)?),
            Expr::Array(parts) => Expr::Array(self.exprs(parts, scope)?),
            Expr::GroupingSets(parts) => Expr::GroupingSets(self.exprs(parts, scope)?),
            Expr::Not(expr) => Expr::Not(self.boxed(expr, scope)?),
            Expr::Prefix { op, expr } => Expr::Prefix { op: op.clone(), expr: self.boxed(expr, scope)? },
            Expr::Binary { op, left, right } => {
                Expr::Binary { op: op.clone(), left: self.boxed(left, scope)?, right: self.boxed(right, scope)? }
            }
            Expr::In { expr, list, is_negated } => {
                Expr::In { expr: self.boxed(expr, scope)?, list: self.exprs(list, scope)?, is_negated: *is_negated }
            }
            Expr::Any { expr, op, is_all, array } => Expr::Any {
                expr: self.boxed(expr, scope)?,
                op: op.clone(),
                is_all: *is_all,
                array: self.boxed(array, scope)?,
            },
            Expr::Is { expr, test, is_negated } => {
                Expr::Is { expr: self.boxed(expr, scope)?, test: *test, is_negated: *is_negated }
            }
            Expr::Distinct { left, right, is_negated } => Expr::Distinct {
                left: self.boxed(left, scope)?,
                right: self.boxed(right, scope)?,
                is_negated: *is_negated,
            },
            Expr::Cast { expr, type_name } => {
                Expr::Cast { expr: self.boxed(expr, scope)?, type_name: type_name.clone() }
            }
            Expr::Collate { expr, collation } => {
                Expr::Collate { expr: self.boxed(expr, scope)?, collation: collation.clone() }
            }
            Expr::Function(call) => Expr::Function(Box::new(self.call(call, scope)?)),
            Expr::Case { operand, branches, otherwise } => {
                let mut resolved = Vec::with_capacity(branches.len());
                for (when, then) in branches {
                    resolved.push((self.expr(when, scope)?, self.expr(then, scope)?));
                }
                Expr::Case {
                    operand: operand.as_ref().map(|expr| self.boxed(expr, scope)).transpose()?,
                    branches: resolved,
                    otherwise: otherwise.as_ref().map(|expr| self.boxed(expr, scope)).transpose()?,
                }
            }
            Expr::Subscript { expr, bounds, is_slice } => Expr::Subscript {
                expr: self.boxed(expr, scope)?,
                bounds: self.exprs(bounds, scope)?,
                is_slice: *is_slice,
            },
            Expr::Field { expr, field } => self.field(expr, field, scope)?,
            Expr::Subquery { query, .. } => self.subquery(expr, None, query, scope)?,
            Expr::Exists { query, .. } => self.subquery(expr, None, query, scope)?,
            Expr::InQuery { expr: tested, query, .. } => {
                let tested = self.expr(tested, scope)?;
                self.subquery(expr, Some(tested), query, scope)?
            }
        })
    }

    /// Several at once.
    pub(super) fn exprs(&mut self, exprs: &[Expr], scope: &Scope<'_, 's>) -> Done<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr, scope)).collect()
    }

    fn boxed(&mut self, expr: &Expr, scope: &Scope<'_, 's>) -> Done<Box<Expr>> {
        self.expr(expr, scope).map(Box::new)
    }

    fn column(&mut self, path: &[String], scope: &Scope<'_, 's>) -> Done<Expr> {
        match scope.find(path) {
            Found::Column(expr, depth) => {
                for (boundary, outer) in &mut self.open {
                    if depth < *boundary {
                        outer.push(expr.clone());
                    }
                }
                Ok(expr)
            }
            Found::Row(scan) => {
                if let Some(scan) = scan {
                    self.scans[scan].needs_whole_row = true;
                }
                Ok(Expr::call("whole_row", Vec::new()))
            }
            Found::Nothing => Err(ShapeError::UnknownColumn(quoted(path))),
        }
    }

    /// `count(*)` reads nothing, `row_to_json(t.*)` the whole row.
    fn star(&mut self, path: &[String], scope: &Scope<'_, 's>) -> Expr {
        if let [.., name] = path
            && let Found::Row(Some(scan)) = scope.find(std::slice::from_ref(name))
        {
            self.scans[scan].needs_whole_row = true;
        }
        Expr::Star(path.to_vec())
    }

    /// `(alias).field` is a column, `(composite).field` is not.
    fn field(&mut self, expr: &Expr, field: &str, scope: &Scope<'_, 's>) -> Done<Expr> {
        if let Expr::Column(path) = expr
            && let Found::Row(_) = scope.find(path)
        {
            let path = [path.as_slice(), &[field.to_owned()]].concat();
            return self.column(&path, scope);
        }
        Ok(Expr::Field { expr: self.boxed(expr, scope)?, field: field.to_owned() })
    }

    fn call(&mut self, call: &Call, scope: &Scope<'_, 's>) -> Done<Call> {
        Ok(Call {
            name: call.name.clone(),
            args: self.exprs(&call.args, scope)?,
            is_distinct: call.is_distinct,
            order: self.sort_keys(&call.order, scope)?,
            within_group: self.sort_keys(&call.within_group, scope)?,
            filter: call.filter.as_ref().map(|filter| self.expr(filter, scope)).transpose()?,
            over: call.over.as_ref().map(|window| self.window(window, scope)).transpose()?,
        })
    }

    /// A window with names resolved.
    pub(super) fn window(&mut self, window: &Window, scope: &Scope<'_, 's>) -> Done<Window> {
        Ok(Window {
            base: window.base.clone(),
            partition: self.exprs(&window.partition, scope)?,
            order: self.sort_keys(&window.order, scope)?,
            has_frame: window.has_frame,
        })
    }

    fn sort_keys(&mut self, keys: &[SortKey], scope: &Scope<'_, 's>) -> Done<Vec<SortKey>> {
        keys.iter().map(|key| Ok(SortKey { expr: self.expr(&key.expr, scope)?, ..key.clone() })).collect()
    }

    /// A subquery inside an expression runs apart: once where it names nothing from outside, else once per row.
    /// What stands for it then names what it reads from outside, so that nobody takes it for a constant.
    fn subquery(&mut self, whole: &Expr, tested: Option<Expr>, query: &Query, scope: &Scope<'_, 's>) -> Done<Expr> {
        self.open.push((scope.depth + 1, Vec::new()));
        let block = self.new_block();
        let selected = self.query(query, scope.inside(), block, JoinKind::PerRow);
        let (_, mut outer) = self.open.pop().unwrap_or_default();
        let selected = selected?;
        if !matches!(whole, Expr::Exists { .. }) {
            self.read_outputs(&selected.outputs);
        }
        outer.extend(tested);
        if outer.is_empty() {
            return Ok(whole.clone());
        }
        outer.iter().for_each(|expr| self.read(expr));
        Ok(Expr::call("subquery", outer))
    }
}
