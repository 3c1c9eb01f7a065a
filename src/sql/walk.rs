//! Walks through whole statements, subqueries included: how often a WITH query is named, how many FROM items there are.

use super::tree::{
    Body, Delete, Expr, From, Insert, Item, JoinCondition, Merge, Query, Select, SetColumn, Statement, Update,
};

/// How often `name` is referred to as a relation in `query`, other than in the definition of a WITH query of that name.
pub(super) fn count_references(query: &Query, name: &str) -> usize {
    let mut counter = Counter { name, n_references: 0, n_items: 0 };
    counter.query(query);
    counter.n_references
}

/// How many FROM items and targets a statement has, subqueries included.
pub(super) fn count_from_items(statement: &Statement) -> usize {
    let mut counter = Counter { name: "", n_references: 0, n_items: 0 };
    counter.statement(statement);
    counter.n_items
}

struct Counter<'n> {
    name: &'n str,
    n_references: usize,
    n_items: usize,
}

impl Counter<'_> {
    fn query(&mut self, query: &Query) {
        let name = self.name;
        query.ctes.iter().filter(|cte| cte.name != name).for_each(|cte| self.query(&cte.query));
        self.body(&query.body);
        query.order.iter().for_each(|key| self.expr(&key.expr));
        query.limit.iter().chain(&query.offset).for_each(|expr| self.expr(expr));
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Select(select) => self.select(select),
            Body::Query(query) => self.query(query),
            Body::Set { arms, .. } => arms.iter().for_each(|arm| self.body(arm)),
            Body::Values(rows) => rows.iter().flatten().for_each(|expr| self.expr(expr)),
            Body::Statement(statement) => self.statement(statement),
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(Insert { source, on_conflict, returning, .. }) => {
                self.n_items += 1 + usize::from(on_conflict.is_some());
                source.iter().for_each(|source| self.query(source));
                if let Some(on_conflict) = on_conflict {
                    self.set(&on_conflict.set);
                    on_conflict.filter.iter().for_each(|expr| self.expr(expr));
                }
                self.items(returning);
            }
            Statement::Update(Update { target, set, from, filter, returning }) => {
                self.from(target);
                self.set(set);
                from.iter().for_each(|item| self.from(item));
                filter.iter().for_each(|expr| self.expr(expr));
                self.items(returning);
            }
            Statement::Delete(Delete { target, using, filter, returning }) => {
                self.from(target);
                using.iter().for_each(|item| self.from(item));
                filter.iter().for_each(|expr| self.expr(expr));
                self.items(returning);
            }
            Statement::Merge(Merge { target, source, on, actions, returning }) => {
                self.from(target);
                self.from(source);
                self.expr(on);
                for action in actions {
                    action.condition.iter().chain(&action.insert_values).for_each(|expr| self.expr(expr));
                    self.set(&action.set);
                }
                self.items(returning);
            }
        }
    }

    fn select(&mut self, select: &Select) {
        self.items(&select.items);
        select.from.iter().for_each(|item| self.from(item));
        let clauses = select.filter.iter().chain(&select.having).chain(&select.group);
        clauses.for_each(|expr| self.expr(expr));
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            if let Item::Expr { expr, .. } = item {
                self.expr(expr);
            }
        }
    }

    fn set(&mut self, set: &[SetColumn]) {
        set.iter().for_each(|assignment| self.expr(&assignment.value));
    }

    fn from(&mut self, item: &From) {
        self.n_items += usize::from(!matches!(item, From::Join { .. }));
        match item {
            From::Relation { path, .. } => {
                self.n_references += usize::from(matches!(path.as_slice(), [name] if name == self.name));
            }
            From::Query { query, .. } => self.query(query),
            From::Function { args, .. } => args.iter().for_each(|expr| self.expr(expr)),
            From::Join { left, right, condition, .. } => {
                self.from(left);
                self.from(right);
                if let JoinCondition::On(expr) = condition {
                    self.expr(expr);
                }
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if let Expr::Subquery { query, .. } | Expr::Exists { query, .. } | Expr::InQuery { query, .. } = expr {
            self.query(query);
        }
        expr.children().into_iter().for_each(|child| self.expr(child));
    }
}
