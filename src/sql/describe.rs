//! Shapes in words, one line for each thing: for fixtures, `-v` and bug reports. Names and constants are as the statement has them.

use super::shape::{Comparand, Comparison, JoinKind, JoinQual, KeyOrder, Limit, Qual, Scan, Shape, StatementKind};
use crate::pg::IndexTarget;
use crate::snapshot::Catalog;

/// `shape` as text that a DBA can read: its scans with their quals, orders and columns, then its joins.
pub fn describe(shape: &Shape, catalog: &Catalog<'_>) -> String {
    let mut lines = vec![command(shape.kind).to_owned()];
    for (number, scan) in shape.scans.iter().enumerate() {
        lines.push(scan_line(number, scan, catalog));
        lines.extend(scan_details(scan).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(shape.joins.iter().map(|join| join_line(join, shape)));
    lines.push(String::new());
    lines.join("\n")
}

fn command(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Select => "select",
        StatementKind::Insert => "insert",
        StatementKind::Update => "update",
        StatementKind::Delete => "delete",
        StatementKind::Merge => "merge",
    }
}

fn scan_line(number: usize, scan: &Scan, catalog: &Catalog<'_>) -> String {
    let relation = catalog.relation(scan.relation);
    let name = relation.map_or_else(|| format!("oid {}", scan.relation), |relation| relation.name.to_string());
    let alias = match relation {
        Some(relation) if relation.name.name == scan.alias => String::new(),
        _ => format!(" as {}", scan.alias),
    };
    let target = if scan.is_target { ", target" } else { "" };
    let block = if scan.block > 0 { format!(", block {}", scan.block) } else { String::new() };
    format!("scan {number}: {name}{alias}{block}{target}")
}

fn scan_details(scan: &Scan) -> Vec<String> {
    let mut lines: Vec<String> = scan.quals.iter().map(|qual| format!("qual   {}", qual_text(qual))).collect();
    for arms in &scan.or_groups {
        let arms: Vec<String> =
            arms.iter().map(|arm| arm.iter().map(qual_text).collect::<Vec<_>>().join(" and ")).collect();
        lines.push(format!("or     ({})", arms.join(") or (")));
    }
    for row in &scan.row_comparisons {
        lines.push(format!("row    ({}) {} (…)", targets(&row.targets), comparison_text(&row.comparison)));
    }
    if scan.n_other_quals > 0 {
        lines.push(format!("other  {}", scan.n_other_quals));
    }
    lines.extend(scan.unindexable.iter().map(|qual| format!("never  {}", qual_text(qual))));
    if let Some(distance) = &scan.nearest {
        lines.push(format!("near   {} {}", target(&distance.target), distance.operator));
    }
    if !scan.order.is_empty() {
        lines.push(format!("order  {}", scan.order.iter().map(key_text).collect::<Vec<_>>().join(", ")));
    }
    if !scan.group.is_empty() {
        lines.push(format!("group  {}", targets(&scan.group)));
    }
    if let Some(limit) = &scan.limit {
        lines.push(format!("limit  {}", limit_text(limit)));
    }
    if !scan.extremes.is_empty() {
        lines.push(format!("minmax {}", targets(&scan.extremes)));
    }
    if !scan.columns_set.is_empty() {
        lines.push(format!("sets   {}", scan.columns_set.iter().cloned().collect::<Vec<_>>().join(", ")));
    }
    let mut read: Vec<&str> = scan.columns_read.iter().map(String::as_str).collect();
    if scan.needs_whole_row {
        read.push("*");
    }
    if !read.is_empty() {
        lines.push(format!("reads  {}", read.join(", ")));
    }
    lines
}

fn qual_text(qual: &Qual) -> String {
    let comparand = match &qual.comparand {
        Comparand::Parameter(number) => format!(" ${number}"),
        Comparand::Literal(literal) => format!(" {literal}"),
        Comparand::List(n_items) => format!(" list of {n_items}"),
        Comparand::Stable(sql) => format!(" stable {sql}"),
        Comparand::None => String::new(),
    };
    format!("{} {}{comparand}", target(&qual.target), comparison_text(&qual.comparison))
}

fn comparison_text(comparison: &Comparison) -> &str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::In => "in",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::LikePrefix => "like prefix",
        Comparison::Pattern => "pattern",
        Comparison::IsNull => "is null",
        Comparison::IsNotNull => "is not null",
        Comparison::IsTrue => "is true",
        Comparison::IsFalse => "is false",
        Comparison::NotEqual => "<>",
        Comparison::Operator(name) => name,
    }
}

fn key_text(key: &KeyOrder) -> String {
    let direction = match (key.descending, key.nulls_first) {
        (false, false) => "",
        (true, true) => " desc",
        (false, true) => " nulls first",
        (true, false) => " desc nulls last",
    };
    format!("{}{direction}", target(&key.target))
}

fn limit_text(limit: &Limit) -> String {
    let n_rows = limit.n_rows.map_or_else(|| "parameter".to_owned(), |n_rows| n_rows.to_string());
    if limit.has_offset { format!("{n_rows} with offset") } else { n_rows }
}

fn target(target: &IndexTarget) -> String {
    match target {
        IndexTarget::Column(name) => name.clone(),
        IndexTarget::Expression(sql) => format!("({sql})"),
    }
}

fn targets(list: &[IndexTarget]) -> String {
    list.iter().map(target).collect::<Vec<_>>().join(", ")
}

fn join_line(join: &JoinQual, shape: &Shape) -> String {
    let kind = match join.kind {
        JoinKind::Inner => "inner",
        JoinKind::Outer => "outer",
        JoinKind::Semi => "semi",
        JoinKind::Anti => "anti",
        JoinKind::PerRow => "per row",
    };
    let side = |scan: usize, key: &IndexTarget| {
        let alias = shape.scans.get(scan).map_or("?", |scan| scan.alias.as_str());
        format!("{alias}[{scan}].{}", target(key))
    };
    let left = side(join.left_scan, &join.left);
    let right = side(join.right_scan, &join.right);
    format!("join {kind}: {left} {} {right}", comparison_text(&join.comparison))
}
