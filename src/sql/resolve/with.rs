//! WITH: which queries are put in the place of their references, and which are fences.

use super::super::shape::JoinKind;
use super::super::tree::{Body, Cte, Query, SetOp};
use super::super::walk::count_references;
use super::scope::{CteBinding, CteScope, Env};
use super::{Done, Resolver};

/// What is done with the WITH queries in sight.
type Inside<'w, 'r, 'c, 's, T> = &'w mut dyn FnMut(&mut Resolver<'c, 's>, Env<'_, 's>) -> Done<T>;

impl<'c, 's> Resolver<'c, 's> {
    /// Brings the WITH queries of `query` from number `n` on into sight, then goes on with `inside`.
    pub(super) fn with<T>(
        &mut self,
        query: &Query,
        n: usize,
        env: Env<'_, 's>,
        inside: Inside<'_, '_, 'c, 's, T>,
    ) -> Done<T> {
        let Some(cte) = query.ctes.get(n) else { return inside(self, env) };
        let n_references = count_references(query, &cte.name);
        let is_select = !matches!(cte.query.body, Body::Statement(_));
        if is_select && n_references == 0 {
            // Never run.
            return self.with(query, n + 1, env, inside);
        }
        let is_recursive = query.is_recursive && count_references(&cte.query, &cte.name) > 0;
        let is_inline = is_select
            && !is_recursive
            && cte.materialized.map_or(n_references == 1, |materialized| !materialized)
            && cte.query.locks.is_empty();
        let binding = if is_inline {
            CteBinding::Inline(&cte.query, cte.columns.clone())
        } else {
            CteBinding::Stored(self.stored(cte, is_recursive, env)?)
        };
        let scope = CteScope { name: cte.name.clone(), binding, parent: env.ctes };
        self.with(query, n + 1, Env { ctes: Some(&scope), ..env }, inside)
    }

    /// Resolves a WITH query that is run by itself; the names of its columns.
    fn stored(&mut self, cte: &Cte, is_recursive: bool, env: Env<'_, 's>) -> Done<Vec<String>> {
        let inner = Env { outer: env.outer, ctes: env.ctes, depth: env.depth + 1 };
        let mut names = match (&cte.query.body, is_recursive) {
            (Body::Set { op: SetOp::Union, arms, .. }, true) if cte.query.ctes.is_empty() => {
                self.recursive(cte, arms, inner)?
            }
            (Body::Statement(statement), _) if cte.query.ctes.is_empty() => {
                let block = self.new_block();
                self.statement(statement, inner, block)?
            }
            _ => {
                let block = self.new_block();
                let selected = self.query(&cte.query, inner, block, JoinKind::PerRow)?;
                self.read_outputs(&selected.outputs);
                selected.outputs.into_iter().map(|output| output.name).collect()
            }
        };
        for (name, given) in names.iter_mut().zip(&cte.columns) {
            name.clone_from(given);
        }
        Ok(names)
    }

    /// The first arm stands alone; in the others the query's own name is a stored result of the round before.
    fn recursive(&mut self, cte: &Cte, arms: &[Body], env: Env<'_, 's>) -> Done<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for (n, arm) in arms.iter().enumerate() {
            let arm = Query {
                ctes: Vec::new(),
                is_recursive: false,
                body: arm.clone(),
                order: Vec::new(),
                limit: None,
                offset: None,
                locks: Vec::new(),
            };
            let mut known = names.clone();
            for (name, given) in known.iter_mut().zip(&cte.columns) {
                name.clone_from(given);
            }
            let scope = CteScope { name: cte.name.clone(), binding: CteBinding::Stored(known), parent: env.ctes };
            let ctes = if n == 0 { env.ctes } else { Some(&scope) };
            let block = self.new_block();
            let selected = self.query(&arm, Env { ctes, ..env }, block, JoinKind::PerRow)?;
            self.read_outputs(&selected.outputs);
            if n == 0 {
                names = selected.outputs.into_iter().map(|output| output.name).collect();
            }
        }
        Ok(names)
    }
}
