//! The text that EXPLAIN (FORMAT JSON) returns → [`Plan`]. Safe on plans of any depth; knows no SQL.

use serde::Deserialize;

use super::Plan;
use crate::error::{Error, Result};

/// The deepest plan that is kept. A join of 80 relations is 82 deep; every later step (copying, writing as JSON)
/// walks the tree recursively, so that a limit has to stand somewhere. A test copies and writes a plan of this depth.
const DEPTH_MAX: usize = 500;

/// Reads the one plan in `json`, EXPLAIN's array of one object.
///
/// # Errors
/// Unsupported, when it is no such text, or when the plan is more than 500 nodes deep. The message holds nothing of
/// the text, which may quote values.
pub fn parse(json: &str) -> Result<Plan> {
    // Looked at before reading: even dropping a tree that is too deep would overflow the stack.
    if depth(json) > DEPTH_MAX {
        return Err(Error::unsupported(format!("the plan is more than {DEPTH_MAX} nodes deep")));
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.disable_recursion_limit();
    let plans = <Vec<Plan>>::deserialize(serde_stacker::Deserializer::new(&mut deserializer)).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::unsupported(format!("the server's plan cannot be read as JSON (line {line}, column {column})"))
    })?;
    let mut plans = plans.into_iter();
    match (plans.next(), plans.next()) {
        (Some(plan), None) => Ok(plan),
        _ => Err(Error::unsupported("the server returned more or less than one plan")),
    }
}

/// How many nodes stand below each other: a node and the array of its children each open a bracket.
fn depth(json: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0_usize);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_in_string,
            b'"' => is_in_string = !is_in_string,
            b'{' | b'[' if !is_in_string => open += 1,
            b'}' | b']' if !is_in_string => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITMAP: &str = include_str!("../../fixtures/recorded/plans/bitmap.json");

    /// `depth` nodes, one below the other.
    fn nested(depth: usize) -> String {
        let open = r#"{"Node Type": "Limit", "Total Cost": 1.5, "Plans": ["#.repeat(depth - 1);
        format!(r#"[{{"Plan": {open}{{"Node Type": "Result"}}{}}}]"#, "]}".repeat(depth - 1))
    }

    #[test]
    fn reads_every_field_of_a_recorded_plan() {
        let root = parse(BITMAP).unwrap().root;
        assert_eq!((root.node_type.as_str(), root.relation_name.as_deref()), ("Bitmap Heap Scan", Some("orders")));
        assert_eq!((root.startup_cost, root.total_cost, root.plan_rows, root.plan_width), (105.30, 134.12, 4.0, 33.0));
        assert_eq!(root.filter.as_deref(), Some("(orders.total > '50'::numeric)"));
        assert_eq!(root.output.len(), 5);
        let scans = &root.children[0].children;
        assert_eq!(scans[1].index_name.as_deref(), Some("orders_status_idx"));
        assert_eq!(scans[1].index_cond.as_deref(), Some("(orders.status = 'failed'::text)"));
    }

    #[test]
    fn writing_gives_back_what_was_read() {
        let plan = parse(BITMAP).unwrap();
        let written = serde_json::to_string(&[&plan]).unwrap();
        assert_eq!(parse(&written).unwrap(), plan);
    }

    #[test]
    fn the_deepest_plan_that_is_kept_can_be_copied_and_written() {
        let plan = parse(&nested(DEPTH_MAX)).unwrap();
        assert_eq!(plan.clone(), plan);
        assert_eq!(depth(&serde_json::to_string(&[plan]).unwrap()), DEPTH_MAX);
    }

    #[test]
    fn deeper_plans_and_other_texts_are_refused_without_quoting_them() {
        assert!(parse(&nested(20_000)).unwrap_err().message().contains("deep"));
        for text in
            ["", "[]", "{}", "[{\"Plan\": {\"Node Type\": \"secret", "[{\"Plan\": 1}]", "[{\"Plan\":{}},{\"Plan\":{}}]"]
        {
            let error = parse(text).unwrap_err();
            assert!(!error.message().contains("secret"), "{error}");
        }
    }
}
