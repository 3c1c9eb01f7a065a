//! Bringing the planner back to a plan that it would no longer choose: what that plan costs with better estimates. Compares
//! plans and names settings; asks nobody.

use std::collections::BTreeSet;

use crate::plan::{Node, Plan};

/// How a plan goes about its work, without its costs and its conditions: node by node, each with its depth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
struct Step {
    depth: usize,
    node_type: String,
    strategy: Option<String>,
    join_type: Option<String>,
    is_parallel_aware: bool,
    relation: Option<(Option<String>, String)>,
    alias: Option<String>,
    index: Option<String>,
}

impl Way {
    /// The way of `plan`.
    pub fn of(plan: &Plan) -> Self {
        let mut steps = Vec::new();
        add_steps(&plan.root, 0, &mut steps);
        Self(steps)
    }

    /// The settings that switch off what this way does and `wanted` nowhere does, each as `name = value`. None where there
    /// is nothing of the kind: then no setting leads there.
    pub fn switches_towards(&self, wanted: &Way) -> BTreeSet<&'static str> {
        let done = |way: &Way| -> BTreeSet<&'static str> { way.0.iter().filter_map(switch).collect() };
        done(self).difference(&done(wanted)).copied().collect()
    }
}

fn add_steps(node: &Node, depth: usize, steps: &mut Vec<Step>) {
    steps.push(Step {
        depth,
        node_type: node.node_type.clone(),
        strategy: node.strategy.clone(),
        join_type: node.join_type.clone(),
        is_parallel_aware: node.is_parallel_aware,
        relation: node.relation_name.clone().map(|name| (node.schema.clone(), name)),
        alias: node.alias.clone(),
        index: node.index_name.clone(),
    });
    for child in &node.children {
        add_steps(child, depth + 1, steps);
    }
}

/// The setting without which the planner does not do this, if there is one (runtime-config-query).
fn switch(step: &Step) -> Option<&'static str> {
    Some(match (step.node_type.as_str(), step.strategy.as_deref()) {
        ("Seq Scan", _) => "enable_seqscan = off",
        ("Index Scan", _) => "enable_indexscan = off",
        ("Index Only Scan", _) => "enable_indexonlyscan = off",
        ("Bitmap Heap Scan", _) => "enable_bitmapscan = off",
        ("Nested Loop", _) => "enable_nestloop = off",
        ("Hash Join", _) => "enable_hashjoin = off",
        ("Merge Join", _) => "enable_mergejoin = off",
        ("Materialize", _) => "enable_material = off",
        ("Memoize", _) => "enable_memoize = off",
        ("Sort", _) => "enable_sort = off",
        ("Incremental Sort", _) => "enable_incremental_sort = off",
        ("Aggregate", Some("Hashed" | "Mixed")) => "enable_hashagg = off",
        ("Gather" | "Gather Merge", _) => "max_parallel_workers_per_gather = 0",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(node_type: &str, children: Vec<Node>) -> Node {
        Node { node_type: node_type.to_owned(), children, ..Node::default() }
    }

    fn way(root: Node) -> Way {
        Way::of(&Plan { root })
    }

    #[test]
    fn what_only_the_other_plan_does_is_switched_off() {
        let hashed =
            way(plan("Hash Join", vec![plan("Seq Scan", vec![]), plan("Hash", vec![plan("Seq Scan", vec![])])]));
        let looped = way(plan("Nested Loop", vec![plan("Seq Scan", vec![]), plan("Index Scan", vec![])]));
        assert_eq!(hashed.switches_towards(&looped), BTreeSet::from(["enable_hashjoin = off"]));
        assert_eq!(
            looped.switches_towards(&hashed),
            BTreeSet::from(["enable_indexscan = off", "enable_nestloop = off"])
        );
    }

    #[test]
    fn no_setting_leads_from_one_order_of_joins_to_another() {
        let scan = |relation: &str| Node { relation_name: Some(relation.to_owned()), ..plan("Seq Scan", vec![]) };
        let one = way(plan("Hash Join", vec![scan("a"), scan("b")]));
        let other = way(plan("Hash Join", vec![scan("b"), scan("a")]));
        assert_ne!(one, other);
        assert!(one.switches_towards(&other).is_empty());
    }

    #[test]
    fn costs_are_no_part_of_a_way() {
        let cheap = way(Node { total_cost: 1.0, ..plan("Seq Scan", vec![]) });
        assert_eq!(cheap, way(Node { total_cost: 9.0, ..plan("Seq Scan", vec![]) }));
    }
}
