//! WHERE and ON: conditions taken apart, EXISTS and IN (SELECT …) turned into semi-joins and anti-joins.

use super::super::logic::conjuncts;
use super::super::shape::JoinKind;
use super::super::tree::{Body, Expr, Query};
use super::block::Block;
use super::from::Joined;
use super::scope::Scope;
use super::{Done, Resolver};

impl<'s> Resolver<'_, 's> {
    /// Takes a condition apart, resolves its parts and adds them to the block.
    pub(super) fn condition(
        &mut self,
        condition: &Expr,
        scope: &Scope<'_, 's>,
        block: &mut Block,
        inside: &Joined,
        outer_join: Option<usize>,
    ) -> Done<()> {
        for conjunct in conjuncts(condition.clone()) {
            match (&conjunct, outer_join) {
                (Expr::Exists { query, is_negated }, None) if is_select(query) => {
                    block.has_semi_join = true;
                    let kind = if *is_negated { JoinKind::Anti } else { JoinKind::Semi };
                    let number = self.new_block();
                    self.query(query, scope.inside(), number, kind)?;
                }
                (Expr::InQuery { expr, op, query, is_negated }, None) if op == "=" => {
                    block.has_semi_join = true;
                    self.in_query(expr, query, *is_negated, scope, block, inside)?;
                }
                _ => {
                    let resolved = self.expr(&conjunct, scope)?;
                    self.resolved_condition(resolved, block, inside, outer_join);
                }
            }
        }
        Ok(())
    }

    /// Adds a condition whose names are resolved. Columns of subqueries may have turned out to be conditions.
    pub(super) fn resolved_condition(
        &mut self,
        condition: Expr,
        block: &mut Block,
        inside: &Joined,
        outer_join: Option<usize>,
    ) {
        for conjunct in conjuncts(condition) {
            block.add_condition(conjunct, inside, outer_join);
        }
    }

    /// `expr IN (SELECT …)`: a join with the subquery's scans where these are in reach, else a list of values.
    fn in_query(
        &mut self,
        tested: &Expr,
        query: &Query,
        is_negated: bool,
        scope: &Scope<'_, 's>,
        block: &mut Block,
        inside: &Joined,
    ) -> Done<()> {
        let kind = if is_negated { JoinKind::Anti } else { JoinKind::Semi };
        let tested = match self.expr(tested, scope)? {
            Expr::Row(parts) => parts,
            tested => vec![tested],
        };
        let number = self.new_block();
        let selected = self.query(query, scope.inside(), number, kind)?;
        self.read_outputs(&selected.outputs);
        let is_joined = selected.is_simple;
        for (tested, output) in tested.into_iter().zip(selected.outputs) {
            self.read(&tested);
            let join = Self::only_scan(&tested)
                .filter(|_| is_joined)
                .and_then(|left| self.join_qual("=", &tested, &output.expr, left, kind));
            match (join, is_negated) {
                (Some(join), _) => self.joins.push(join),
                (None, false) => {
                    let outside = Expr::binary("=", tested, Expr::Opaque(output.name));
                    block.add_condition(outside, inside, None);
                }
                (None, true) => {}
            }
        }
        Ok(())
    }
}

fn is_select(query: &Query) -> bool {
    matches!(query.body, Body::Select(_))
}
