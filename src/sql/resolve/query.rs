//! Queries: WITH, SELECT, set operations, VALUES; what of their outputs a condition from outside reaches.

use super::super::shape::{JoinKind, Limit};
use super::super::tree::{Body, Distinct, Expr, Lock, Query, Select, SetOp, SortKey, Window};
use super::block::{Block, Tail};
use super::item::{extremes, has_aggregate, is_bare, is_set_returning};
use super::scope::{Columns, Env, Output, Scope};
use super::{Done, Resolver};
use crate::sql::parameters::ParameterPlace;

/// What a query returns.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// Its columns, in terms of its scans.
    pub outputs: Vec<Output>,
    /// For each column whether a condition on it may be moved into the query.
    pub is_reached: Vec<bool>,
    /// Whether it is a plain join: no grouping, no LIMIT, no set operation.
    pub is_simple: bool,
    /// The scans of which it returns `*`.
    pub whole: Vec<usize>,
}

impl Selected {
    /// The outputs as those outside see them: scans no longer in sight, conditions let through where they may.
    pub fn fenced(self) -> Vec<Output> {
        let fence = |(output, is_reached): (Output, bool)| {
            let expr = match output.expr {
                Expr::Opaque(name) => Expr::Opaque(name),
                Expr::Behind(arms) if is_reached => Expr::Behind(arms),
                expr if is_reached => Expr::Behind(vec![expr]),
                _ => Expr::Opaque(output.name.clone()),
            };
            Output { name: output.name, expr }
        };
        self.outputs.into_iter().zip(self.is_reached).map(fence).collect()
    }
}

/// What stands around a SELECT in its query.
struct Around<'q> {
    order: &'q [SortKey],
    limit: Option<&'q Expr>,
    offset: Option<&'q Expr>,
    locks: &'q [Lock],
}

impl<'s> Resolver<'_, 's> {
    /// A query as a block of its own.
    pub(super) fn query(
        &mut self,
        query: &Query,
        env: Env<'_, 's>,
        block: usize,
        correlation: JoinKind,
    ) -> Done<Selected> {
        self.with(query, 0, env, &mut |resolver, env| {
            let around = Around {
                order: &query.order,
                limit: query.limit.as_ref(),
                offset: query.offset.as_ref(),
                locks: &query.locks,
            };
            resolver.body(&query.body, &around, env, block, correlation)
        })
    }

    fn body(
        &mut self,
        body: &Body,
        around: &Around<'_>,
        env: Env<'_, 's>,
        block: usize,
        correlation: JoinKind,
    ) -> Done<Selected> {
        match body {
            Body::Select(select) => self.select(select, around, env, block, correlation),
            Body::Query(inner) if inner.ctes.is_empty() && is_bare(inner) => {
                self.body(&inner.body, around, env, block, correlation)
            }
            Body::Query(inner) => {
                let mut selected = self.query(inner, env, block, correlation)?;
                if around.limit.is_some() || around.offset.is_some() {
                    selected.is_reached.fill(false);
                }
                self.note_limits(around);
                selected.is_simple = false;
                Ok(selected)
            }
            Body::Set { op, is_all, arms } => self.set(*op, *is_all, arms, around, env),
            Body::Values(rows) => self.values(rows, env),
            Body::Statement(statement) => {
                let names = self.statement(statement, env, block)?;
                let outputs = names.into_iter().map(|name| Output { expr: Expr::Opaque(name.clone()), name });
                Ok(Selected { outputs: outputs.collect(), ..Selected::default() })
            }
        }
    }

    fn values(&mut self, rows: &[Vec<Expr>], env: Env<'_, 's>) -> Done<Selected> {
        let scope = Scope::new(env);
        for row in rows {
            for value in row {
                let value = self.expr(value, &scope)?;
                self.read(&value);
            }
        }
        let n_columns = rows.first().map_or(0, Vec::len);
        let names = (1..=n_columns).map(|n| format!("column{n}"));
        let outputs: Vec<_> = names.map(|name| Output { expr: Expr::Opaque(name.clone()), name }).collect();
        Ok(Selected { is_reached: vec![false; outputs.len()], outputs, ..Selected::default() })
    }

    fn note_limits(&mut self, around: &Around<'_>) {
        for (expr, place) in [(around.limit, ParameterPlace::Limit), (around.offset, ParameterPlace::Offset)] {
            if let Some(expr) = expr {
                self.note(expr, place);
            }
        }
    }

    fn set(&mut self, op: SetOp, is_all: bool, arms: &[Body], around: &Around<'_>, env: Env<'_, 's>) -> Done<Selected> {
        // Each arm of UNION ALL can return its rows in order: the planner merges them.
        let is_merged = op == SetOp::Union && is_all;
        let order: Vec<SortKey> = around.order.iter().filter(|_| is_merged).cloned().collect();
        let inner = Around {
            order: &order,
            limit: around.limit.filter(|_| is_merged),
            offset: around.offset.filter(|_| is_merged),
            locks: &[],
        };
        let mut names: Vec<String> = Vec::new();
        let mut columns: Vec<Option<Vec<Expr>>> = Vec::new();
        for (n, arm) in arms.iter().enumerate() {
            let block = self.new_block();
            let arm_order = renamed_order(&inner, &names);
            let inner = Around { order: arm_order.as_deref().unwrap_or(inner.order), ..inner };
            let plain = Around { order: &[], limit: None, offset: None, locks: &[] };
            let can_carry = matches!(arm, Body::Select(_)) && (n == 0 || arm_order.is_some());
            let carried = if can_carry { &inner } else { &plain };
            let mut selected = self.body(arm, carried, env, block, JoinKind::PerRow)?;
            self.read_outputs(&selected.outputs);
            if can_carry && around.limit.is_some() {
                selected.is_reached = vec![true; selected.outputs.len()];
            }
            if n == 0 {
                names = selected.outputs.iter().map(|output| output.name.clone()).collect();
                columns = vec![Some(Vec::new()); names.len()];
            }
            if op != SetOp::Except || n == 0 {
                for (arms, output) in columns.iter_mut().zip(selected.fenced()) {
                    match (arms.as_mut(), output.expr) {
                        (Some(arms), Expr::Behind(inner)) => arms.extend(inner),
                        _ => *arms = None,
                    }
                }
            }
        }
        self.note_limits(around);
        let is_limited = around.limit.is_some() || around.offset.is_some() || op == SetOp::Except;
        let outputs = names
            .into_iter()
            .zip(columns)
            .map(|(name, arms)| Output { expr: arms.map_or_else(|| Expr::Opaque(name.clone()), Expr::Behind), name });
        let outputs: Vec<Output> = outputs.collect();
        Ok(Selected { is_reached: vec![!is_limited; outputs.len()], outputs, ..Selected::default() })
    }

    fn select(
        &mut self,
        select: &Select,
        around: &Around<'_>,
        env: Env<'_, 's>,
        number: usize,
        correlation: JoinKind,
    ) -> Done<Selected> {
        let mut block = Block::new(number, correlation);
        let mut scope = Scope::new(env);
        self.select_from(select, &mut scope, &mut block)?;
        let (outputs, whole) = self.outputs(&select.items, &scope)?;
        let group = self.grouping(select, &outputs, &scope)?;
        let order = self.ordering(around.order, &outputs, &scope)?;
        if let Some(having) = &select.having {
            let having = self.expr(having, &scope)?;
            self.read(&having);
        }
        let windows = self.windows(select, &outputs, &scope)?;
        self.note_limits(around);
        self.lock(around.locks, &scope, &block);
        let has_aggregate = outputs.iter().any(|output| has_aggregate(&output.expr))
            || select.having.as_ref().is_some_and(has_aggregate)
            || order.iter().any(|key| has_aggregate(&key.expr));
        let is_grouped = !select.group.is_empty() || has_aggregate || select.having.is_some();
        let returns_sets = outputs.iter().any(|output| is_set_returning(&output.expr));
        let is_plain = !is_grouped && select.distinct == Distinct::No && windows.is_empty();
        let tail = Tail {
            extremes: if select.group.is_empty() { extremes(&outputs) } else { Vec::new() },
            group: if select.has_grouping_sets { Vec::new() } else { group.clone() },
            window: if windows.len() == 1 { windows.first().cloned() } else { None },
            limit: limit(around).filter(|_| is_plain && !returns_sets),
            order,
        };
        let is_limited = around.limit.is_some() || around.offset.is_some();
        self.finish(block, tail);
        let is_reached = outputs
            .iter()
            .map(|output| {
                let is_key = group.contains(&output.expr) && !select.has_grouping_sets;
                let is_partition = windows.iter().all(|window| window.partition.contains(&output.expr));
                let passes_group = if select.group.is_empty() { !is_grouped } else { is_key };
                let passes_distinct = match &select.distinct {
                    Distinct::On(_) => is_key,
                    _ => true,
                };
                !is_limited && passes_group && passes_distinct && is_partition && !is_set_returning(&output.expr)
            })
            .collect();
        Ok(Selected { outputs, is_reached, is_simple: is_plain && !is_limited && !returns_sets, whole })
    }

    /// FROM and WHERE of a SELECT.
    pub(super) fn select_from(&mut self, select: &Select, scope: &mut Scope<'_, 's>, block: &mut Block) -> Done<()> {
        let joined = self.join_list(&select.from, scope, block)?;
        block.n_sources += joined.n_sources;
        if let Some(filter) = &select.filter {
            self.condition(filter, scope, block, &joined, None)?;
        }
        Ok(())
    }

    /// GROUP BY, else DISTINCT ON, else DISTINCT.
    fn grouping(&mut self, select: &Select, outputs: &[Output], scope: &Scope<'_, 's>) -> Done<Vec<Expr>> {
        let keys: &[Expr] = match &select.distinct {
            Distinct::On(keys) if select.group.is_empty() => keys,
            Distinct::Rows if select.group.is_empty() => {
                self.read_outputs(outputs);
                return Ok(outputs.iter().map(|output| output.expr.clone()).collect());
            }
            _ => &select.group,
        };
        let mut resolved = Vec::with_capacity(keys.len());
        for key in keys {
            let key = match (ordinal(key, outputs), bare_name(key)) {
                (Some(output), _) => output,
                // GROUP BY prefers a column of FROM to an output's name.
                (None, Some(name)) => match self.expr(key, scope) {
                    Ok(column) => column,
                    Err(unknown) => named(name, outputs).ok_or(unknown)?,
                },
                (None, None) => self.expr(key, scope)?,
            };
            self.read(&key);
            resolved.push(key);
        }
        Ok(resolved)
    }

    fn ordering(&mut self, keys: &[SortKey], outputs: &[Output], scope: &Scope<'_, 's>) -> Done<Vec<SortKey>> {
        let mut resolved = Vec::with_capacity(keys.len());
        for key in keys {
            let by_name = bare_name(&key.expr).and_then(|name| named(name, outputs));
            let expr = match ordinal(&key.expr, outputs).or(by_name) {
                Some(output) => output,
                None => self.expr(&key.expr, scope)?,
            };
            self.read(&expr);
            resolved.push(SortKey { expr, ..*key });
        }
        Ok(resolved)
    }

    /// The different windows of a SELECT.
    fn windows(&mut self, select: &Select, outputs: &[Output], scope: &Scope<'_, 's>) -> Done<Vec<Window>> {
        let mut windows: Vec<Window> = Vec::new();
        for output in outputs {
            output.expr.any(&mut |part| {
                if let Expr::Function(call) = part {
                    windows.extend(call.over.clone());
                }
                false
            });
        }
        for window in &mut windows {
            let base = window.base.take();
            if let Some((_, named)) = select.windows.iter().find(|(name, _)| Some(name) == base.as_ref()) {
                let named = self.window(named, scope)?;
                self.read(&Expr::Row(named.partition.clone()));
                named.order.iter().for_each(|key| self.read(&key.expr));
                window.partition = named.partition;
                if window.order.is_empty() {
                    window.order = named.order;
                }
            }
            window.has_frame = false;
        }
        windows.dedup();
        Ok(windows)
    }

    /// Row locks need the row itself.
    fn lock(&mut self, locks: &[Lock], scope: &Scope<'_, 's>, block: &Block) {
        for lock in locks {
            let locked: Vec<usize> = match &lock.of {
                None => block.local.iter().copied().collect(),
                Some(alias) => match scope.item(None, alias).map(|item| &item.columns) {
                    Some(Columns::Scan { scan, .. }) => vec![*scan],
                    _ => Vec::new(),
                },
            };
            locked.into_iter().for_each(|scan| self.scans[scan].needs_whole_row = true);
        }
    }
}

fn limit(around: &Around<'_>) -> Option<Limit> {
    let n_rows = |expr: &Expr| match expr {
        Expr::Literal(number) => number.parse::<u64>().ok(),
        _ => None,
    };
    let limit = around.limit.filter(|limit| !matches!(limit, Expr::Literal(literal) if literal == "NULL"))?;
    let has_offset = around.offset.is_some_and(|offset| n_rows(offset) != Some(0));
    Some(Limit { n_rows: n_rows(limit), has_offset })
}

/// ORDER BY of a set operation names the outputs of its first arm; for the other arms their positions count.
fn renamed_order(around: &Around<'_>, names: &[String]) -> Option<Vec<SortKey>> {
    around
        .order
        .iter()
        .map(|key| {
            let position = match bare_name(&key.expr) {
                Some(name) => names.iter().position(|known| known == name)? + 1,
                None => return matches!(key.expr, Expr::Literal(_)).then(|| key.clone()),
            };
            Some(SortKey { expr: Expr::Literal(position.to_string()), ..*key })
        })
        .collect()
}

fn ordinal(key: &Expr, outputs: &[Output]) -> Option<Expr> {
    let Expr::Literal(number) = key else { return None };
    let position: usize = number.parse().ok()?;
    outputs.get(position.checked_sub(1)?).map(|output| output.expr.clone())
}

fn bare_name(key: &Expr) -> Option<&str> {
    match key {
        Expr::Column(path) if path.len() == 1 => path.first().map(String::as_str),
        _ => None,
    }
}

fn named(name: &str, outputs: &[Output]) -> Option<Expr> {
    outputs.iter().find(|output| output.name == name).map(|output| output.expr.clone())
}
