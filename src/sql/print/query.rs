//! The tree as SQL again: queries and statements, masked, with FROM items named by their position.

use super::Printer;
use crate::sql::tree::{
    Alias, Body, Cte, Distinct, From, Insert, Item, Join, JoinCondition, Query, Select, SetColumn, SetOp, Statement,
};

use crate::pg::quote_identifier;

impl Printer {
    /// Writes a statement.
    pub fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.block(|printer| {
                printer.push("UPDATE ");
                printer.from(&update.target);
                printer.name_items(&update.from);
                printer.set(&update.set);
                printer.join_clause(" FROM ", &update.from);
                printer.clause(" WHERE ", update.filter.as_ref());
                printer.returning(&update.returning);
            }),
            Statement::Delete(delete) => self.block(|printer| {
                printer.push("DELETE FROM ");
                printer.from(&delete.target);
                printer.join_clause(" USING ", &delete.using);
                printer.clause(" WHERE ", delete.filter.as_ref());
                printer.returning(&delete.returning);
            }),
            Statement::Merge(merge) => self.block(|printer| {
                printer.push("MERGE INTO ");
                printer.from(&merge.target);
                printer.push(" USING ");
                printer.from(&merge.source);
                printer.clause(" ON ", Some(&merge.on));
                for action in &merge.actions {
                    printer.push(if action.is_for_unmatched { " WHEN NOT MATCHED" } else { " WHEN MATCHED" });
                    printer.push(if action.is_for_unmatched_target { " BY SOURCE" } else { "" });
                    printer.clause(" AND ", action.condition.as_ref());
                    printer.push(match (action.is_delete, action.set.is_empty(), action.insert_values.is_empty()) {
                        (true, ..) => " THEN DELETE",
                        (_, false, _) => " THEN UPDATE",
                        (_, _, false) => " THEN",
                        _ => " THEN DO NOTHING",
                    });
                    printer.set(&action.set);
                    if !action.insert_values.is_empty() {
                        printer.push(&format!(" INSERT ({}) VALUES (", action.insert_columns.join(", ")));
                        printer.list(", ", &action.insert_values);
                        printer.push(")");
                    }
                }
                printer.returning(&merge.returning);
            }),
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.block(|printer| {
            printer.push("INSERT INTO ");
            let alias = insert.alias.clone().map(|name| Alias { name, columns: Vec::new() });
            printer.from(&From::Relation { path: insert.path.clone(), alias, is_sampled: false });
            printer.push(&format!(" ({}) ", super::path(&insert.columns).replace('.', ", ")));
            match &insert.source {
                Some(source) => printer.query(source),
                None => printer.push("DEFAULT VALUES"),
            }
            if let Some(on_conflict) = &insert.on_conflict {
                printer.push(if on_conflict.set.is_empty() {
                    " ON CONFLICT DO NOTHING"
                } else {
                    " ON CONFLICT DO UPDATE"
                });
                printer.set(&on_conflict.set);
                printer.clause(" WHERE ", on_conflict.filter.as_ref());
            }
            printer.returning(&insert.returning);
        });
    }

    /// Writes what has FROM items of its own.
    fn block(&mut self, write: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        write(self);
        self.scopes.pop();
    }

    /// Writes a query.
    pub fn query(&mut self, query: &Query) {
        self.scopes.push(Vec::new());
        for (n, cte) in query.ctes.iter().enumerate() {
            self.push(match (n, query.is_recursive) {
                (0, true) => "WITH RECURSIVE ",
                (0, false) => "WITH ",
                _ => ", ",
            });
            self.cte(cte);
        }
        if !query.ctes.is_empty() {
            self.push(" ");
        }
        self.body(&query.body);
        self.sort_clause(" ORDER BY ", &query.order);
        self.clause(" LIMIT ", query.limit.as_ref());
        self.clause(" OFFSET ", query.offset.as_ref());
        self.push(if query.locks.is_empty() { "" } else { " FOR UPDATE" });
        self.scopes.pop();
    }

    fn cte(&mut self, cte: &Cte) {
        self.push(&super::path(std::slice::from_ref(&cte.name)));
        if !cte.columns.is_empty() {
            self.push(&format!(" ({})", super::path(&cte.columns).replace('.', ", ")));
        }
        self.push(match cte.materialized {
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
            None => " AS (",
        });
        self.query(&cte.query);
        self.push(")");
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Select(select) => self.select(select),
            Body::Query(query) => {
                self.push("(");
                self.query(query);
                self.push(")");
            }
            Body::Set { op, is_all, arms } => {
                let name = match op {
                    SetOp::Union => " UNION ",
                    SetOp::Intersect => " INTERSECT ",
                    SetOp::Except => " EXCEPT ",
                };
                for (n, arm) in arms.iter().enumerate() {
                    self.push(if n > 0 { name } else { "" });
                    self.push(if n > 0 && *is_all { "ALL " } else { "" });
                    // Each operand sees its own FROM items only.
                    let outer = self.scopes.pop();
                    self.block(|printer| printer.body(arm));
                    self.scopes.extend(outer);
                }
            }
            Body::Values(rows) => {
                self.push("VALUES ");
                let mut written: Vec<String> =
                    rows.iter().map(|row| self.apart(|printer| printer.list(", ", row))).collect();
                if self.is_masked {
                    written.dedup();
                }
                self.push(&format!("({})", written.join("), (")));
            }
            Body::Statement(statement) => self.statement(statement),
        }
    }

    fn select(&mut self, select: &Select) {
        let from = self.apart(|printer| printer.join_clause(" FROM ", &select.from));
        self.push("SELECT ");
        match &select.distinct {
            Distinct::No => {}
            Distinct::Rows => self.push("DISTINCT "),
            Distinct::On(keys) => self.bracketed("DISTINCT ON (", keys, ") "),
        }
        self.items(&select.items);
        self.push(&from);
        self.clause(" WHERE ", select.filter.as_ref());
        for (n, key) in select.group.iter().enumerate() {
            self.push(if n == 0 { " GROUP BY " } else { ", " });
            self.expr(key);
        }
        self.clause(" HAVING ", select.having.as_ref());
        for (name, window) in &select.windows {
            self.push(&format!(" WINDOW {name} AS "));
            self.window(window);
        }
    }

    fn items(&mut self, items: &[Item]) {
        for (n, item) in items.iter().enumerate() {
            self.push(if n > 0 { ", " } else { "" });
            match item {
                Item::Star(path) => self.expr(&super::Expr::Star(path.clone())),
                Item::Expr { expr, alias } => {
                    self.expr(expr);
                    // The names of the outermost columns are the client's business.
                    if let Some(alias) = alias.as_ref().filter(|_| self.scopes.len() > 1) {
                        self.push(&format!(" AS {}", quote_identifier(alias)));
                    }
                }
            }
        }
    }

    fn returning(&mut self, items: &[Item]) {
        if !items.is_empty() {
            self.push(" RETURNING ");
            self.items(items);
        }
    }

    fn set(&mut self, set: &[SetColumn]) {
        for (n, assignment) in set.iter().enumerate() {
            self.push(if n == 0 { " SET " } else { ", " });
            let columns: Vec<_> = assignment.columns.iter().map(|column| quote_identifier(column)).collect();
            match columns.as_slice() {
                [column] => self.push(&format!("{column} = ")),
                columns => self.push(&format!("({}) = ", columns.join(", "))),
            }
            self.expr(&assignment.value);
        }
    }

    fn clause(&mut self, keyword: &str, expr: Option<&super::Expr>) {
        if let Some(expr) = expr {
            self.push(keyword);
            self.expr(expr);
        }
    }

    fn join_clause(&mut self, keyword: &str, items: &[From]) {
        self.name_items(items);
        for (n, item) in items.iter().enumerate() {
            self.push(if n == 0 { keyword } else { " CROSS JOIN " });
            let is_nested = n > 0 && matches!(item, From::Join { .. });
            self.push(if is_nested { "(" } else { "" });
            self.from(item);
            self.push(if is_nested { ")" } else { "" });
        }
    }

    /// Names FROM items before they are written: SET and the select list stand before FROM.
    fn name_items(&mut self, items: &[From]) {
        items.iter().for_each(|item| self.name_item(item));
    }

    fn name_item(&mut self, item: &From) {
        let alias = match item {
            From::Relation { path, alias, .. } => {
                alias.as_ref().map(|alias| &alias.name).or(path.last()).cloned().unwrap_or_default()
            }
            From::Query { alias, .. } => alias.as_ref().map(|alias| alias.name.clone()).unwrap_or_default(),
            From::Function { name, alias, .. } => alias.as_ref().map_or(name, |alias| &alias.name).clone(),
            From::Join { left, right, alias, .. } => {
                self.name_item(left);
                self.name_item(right);
                alias.as_ref().map(|alias| alias.name.clone()).unwrap_or_default()
            }
        };
        // By block and place, so that the order in which subqueries are written does not matter.
        let depth = self.scopes.len();
        let Some(scope) = self.scopes.last_mut() else { return };
        if !scope.iter().any(|(known, _)| *known == alias) {
            let name = format!("t{depth}_{}", scope.len() + 1);
            scope.push((alias, name));
        }
    }

    fn from(&mut self, item: &From) {
        // The sides of a join are named when they are written, at the latest.
        if !matches!(item, From::Join { .. }) {
            self.name_item(item);
        }
        let (alias, is_join) = match item {
            From::Relation { path, alias, is_sampled } => {
                let name = super::path(path);
                self.push(&name);
                self.push(if *is_sampled { " TABLESAMPLE" } else { "" });
                (alias.as_ref().map(|alias| &alias.name).or(path.last()).cloned(), false)
            }
            From::Query { is_lateral, query, alias } => {
                self.push(if *is_lateral { "LATERAL (" } else { "(" });
                self.query(query);
                self.push(")");
                (alias.as_ref().map(|alias| alias.name.clone()), false)
            }
            From::Function { name, args, alias } => {
                self.push(name);
                self.bracketed("(", args, ")");
                (Some(alias.as_ref().map_or(name, |alias| &alias.name).clone()), false)
            }
            From::Join { left, right, kind, condition, .. } => {
                self.join(left, right, *kind, condition);
                (None, true)
            }
        };
        if let Some(alias) = alias.filter(|_| !is_join && !self.omits_qualifiers) {
            let written = self.qualifier(&[alias]);
            self.push(&format!(" AS {written}"));
        }
        if let Some(columns) = columns(item).filter(|columns| !columns.is_empty()) {
            let columns: Vec<_> = columns.iter().map(|column| quote_identifier(column)).collect();
            self.push(&format!(" ({})", columns.join(", ")));
        }
    }

    fn join(&mut self, left: &From, right: &From, kind: Join, condition: &JoinCondition) {
        self.from(left);
        self.push(match (kind, condition) {
            (Join::Inner, JoinCondition::None) => " CROSS JOIN ",
            (_, JoinCondition::Natural) => " NATURAL JOIN ",
            (Join::Inner, _) => " JOIN ",
            (Join::Left, _) => " LEFT JOIN ",
            (Join::Right, _) => " RIGHT JOIN ",
            (Join::Full, _) => " FULL JOIN ",
        });
        let is_nested = matches!(right, From::Join { .. });
        self.push(if is_nested { "(" } else { "" });
        self.from(right);
        self.push(if is_nested { ")" } else { "" });
        match condition {
            JoinCondition::On(expr) => self.clause(" ON ", Some(expr)),
            JoinCondition::Using(columns) => {
                let columns: Vec<_> = columns.iter().map(|column| quote_identifier(column)).collect();
                self.push(&format!(" USING ({})", columns.join(", ")));
            }
            JoinCondition::Natural | JoinCondition::None => {}
        }
    }
}

fn columns(item: &From) -> Option<&[String]> {
    let (From::Relation { alias, .. }
    | From::Query { alias, .. }
    | From::Function { alias, .. }
    | From::Join { alias, .. }) = item;
    alias.as_ref().map(|alias| alias.columns.as_slice())
}
