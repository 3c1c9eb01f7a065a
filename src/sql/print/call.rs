//! The tree as SQL again: function calls, windows, CASE.

use super::{Printer, path};
use crate::sql::tree::{Call, Expr, SortKey, Window};

impl Printer {
    /// Writes a call, in the syntax of its own where it has one.
    pub(super) fn call(&mut self, call: &Call) {
        match (call.base_name(), call.args.as_slice()) {
            ("timezone", [zone, time]) => {
                self.operand(time);
                self.push(" AT TIME ZONE ");
                return self.operand(zone);
            }
            ("extract", [field, from]) => {
                self.push("EXTRACT(");
                match field {
                    Expr::Literal(field) if !self.is_masked => self.push(field.trim_matches('\'')),
                    field => self.expr(field),
                }
                self.push(" FROM ");
                self.expr(from);
                return self.push(")");
            }
            ("position", [what, within]) => {
                self.push("position(");
                self.operand(what);
                self.push(" IN ");
                self.operand(within);
                return self.push(")");
            }
            (name, []) if is_bare_call(name) => return self.push(&name.to_ascii_uppercase()),
            _ => {}
        }
        let name = function_name(&call.name);
        self.push(&name);
        self.push(if call.is_distinct { "(DISTINCT " } else { "(" });
        self.list(", ", &call.args);
        self.sort_clause(" ORDER BY ", &call.order);
        self.push(")");
        if !call.within_group.is_empty() {
            self.push(" WITHIN GROUP (");
            self.sort_clause("ORDER BY ", &call.within_group);
            self.push(")");
        }
        if let Some(filter) = &call.filter {
            self.push(" FILTER (WHERE ");
            self.expr(filter);
            self.push(")");
        }
        if let Some(window) = &call.over {
            self.push(" OVER ");
            self.window(window);
        }
    }

    /// Writes a window.
    pub(super) fn window(&mut self, window: &Window) {
        self.push("(");
        self.push(window.base.as_deref().unwrap_or_default());
        if !window.partition.is_empty() {
            self.push(" PARTITION BY ");
            self.list(", ", &window.partition);
        }
        self.sort_clause(" ORDER BY ", &window.order);
        self.push(if window.has_frame { " ROWS UNBOUNDED PRECEDING)" } else { ")" });
    }

    /// Writes sort keys after `clause`; nothing without keys.
    pub(super) fn sort_clause(&mut self, clause: &str, keys: &[SortKey]) {
        for (n, key) in keys.iter().enumerate() {
            self.push(if n == 0 { clause } else { ", " });
            self.expr(&key.expr);
            match (key.descending, key.nulls_first) {
                (false, false) => {}
                (true, true) => self.push(" DESC"),
                (false, true) => self.push(" NULLS FIRST"),
                (true, false) => self.push(" DESC NULLS LAST"),
            }
        }
    }

    /// Writes CASE.
    pub(super) fn case(
        &mut self,
        operand: &Option<Box<Expr>>,
        branches: &[(Expr, Expr)],
        otherwise: &Option<Box<Expr>>,
    ) {
        self.push("CASE");
        if let Some(operand) = operand {
            self.push(" ");
            self.expr(operand);
        }
        for (when, then) in branches {
            self.push(" WHEN ");
            self.expr(when);
            self.push(" THEN ");
            self.expr(then);
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.expr(otherwise);
        }
        self.push(" END");
    }
}

/// Function names that are keywords of the grammar when they are quoted need not be: `coalesce`, `substring`.
fn function_name(name: &[String]) -> String {
    match name {
        [name] if name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') => name.clone(),
        name => path(name),
    }
}

/// Whether PostgreSQL calls `name` without parentheses.
pub(in crate::sql) fn is_bare_call(name: &str) -> bool {
    matches!(
        name,
        "current_date"
            | "current_time"
            | "current_timestamp"
            | "localtime"
            | "localtimestamp"
            | "current_user"
            | "session_user"
            | "current_role"
            | "current_catalog"
            | "current_schema"
            | "user"
            | "system_user"
    )
}
