//! The nodes of a plan, under EXPLAIN's own names: what serde reads and writes here is EXPLAIN's JSON. No logic.

use serde::{Deserialize, Serialize};

/// A plan as EXPLAIN printed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The topmost node.
    #[serde(rename = "Plan")]
    pub root: Node,
}

/// A plan node. Names are EXPLAIN's own; expressions are as it printed them (VERBOSE: qualified by alias).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// `Node Type`: `Seq Scan`, `Index Only Scan`, `ModifyTable` …
    #[serde(rename = "Node Type")]
    pub node_type: String,
    /// `Parent Relationship`: `Outer`, `Inner`, `SubPlan`, `InitPlan`, `Member` …
    #[serde(rename = "Parent Relationship", skip_serializing_if = "Option::is_none")]
    pub parent_relationship: Option<String>,
    /// `Parallel Aware`: whether several workers share its rows.
    #[serde(rename = "Parallel Aware", skip_serializing_if = "std::ops::Not::not")]
    pub is_parallel_aware: bool,
    /// `Subplan Name`
    #[serde(rename = "Subplan Name", skip_serializing_if = "Option::is_none")]
    pub subplan_name: Option<String>,
    /// `Join Type`
    #[serde(rename = "Join Type", skip_serializing_if = "Option::is_none")]
    pub join_type: Option<String>,
    /// `Operation` of a ModifyTable.
    #[serde(rename = "Operation", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `Strategy` of an Aggregate or a SetOp: `Plain`, `Sorted`, `Hashed`, `Mixed`.
    #[serde(rename = "Strategy", skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// `Command` of a SetOp: `Except`, `Intersect All` …
    #[serde(rename = "Command", skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `Schema` of the relation scanned.
    #[serde(rename = "Schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `Relation Name`
    #[serde(rename = "Relation Name", skip_serializing_if = "Option::is_none")]
    pub relation_name: Option<String>,
    /// `Alias`: unique within the plan.
    #[serde(rename = "Alias", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// `CTE Name` of a CTE Scan or WorkTable Scan.
    #[serde(rename = "CTE Name", skip_serializing_if = "Option::is_none")]
    pub cte_name: Option<String>,
    /// `Index Name`: a hypothetical index bears HypoPG's own name.
    #[serde(rename = "Index Name", skip_serializing_if = "Option::is_none")]
    pub index_name: Option<String>,
    /// `Scan Direction`
    #[serde(rename = "Scan Direction", skip_serializing_if = "Option::is_none")]
    pub scan_direction: Option<String>,
    /// `Startup Cost`, in planner units.
    #[serde(rename = "Startup Cost")]
    pub startup_cost: f64,
    /// `Total Cost`, in planner units.
    #[serde(rename = "Total Cost")]
    pub total_cost: f64,
    /// `Plan Rows`: the rows that the planner expects, for one loop (and one worker below a Gather).
    #[serde(rename = "Plan Rows")]
    pub plan_rows: f64,
    /// `Plan Width` in bytes.
    #[serde(rename = "Plan Width")]
    pub plan_width: f64,
    /// `Workers Planned`
    #[serde(rename = "Workers Planned", skip_serializing_if = "Option::is_none")]
    pub n_workers_planned: Option<f64>,
    /// `Index Cond`
    #[serde(rename = "Index Cond", skip_serializing_if = "Option::is_none")]
    pub index_cond: Option<String>,
    /// `Order By` of an index that returns rows by distance.
    #[serde(rename = "Order By", skip_serializing_if = "Option::is_none")]
    pub order_by: Option<String>,
    /// `Recheck Cond`
    #[serde(rename = "Recheck Cond", skip_serializing_if = "Option::is_none")]
    pub recheck_cond: Option<String>,
    /// `Filter`
    #[serde(rename = "Filter", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// `Join Filter`
    #[serde(rename = "Join Filter", skip_serializing_if = "Option::is_none")]
    pub join_filter: Option<String>,
    /// `Hash Cond`
    #[serde(rename = "Hash Cond", skip_serializing_if = "Option::is_none")]
    pub hash_cond: Option<String>,
    /// `Merge Cond`
    #[serde(rename = "Merge Cond", skip_serializing_if = "Option::is_none")]
    pub merge_cond: Option<String>,
    /// `One-Time Filter`
    #[serde(rename = "One-Time Filter", skip_serializing_if = "Option::is_none")]
    pub one_time_filter: Option<String>,
    /// `Sort Key`
    #[serde(rename = "Sort Key", skip_serializing_if = "Vec::is_empty")]
    pub sort_key: Vec<String>,
    /// `Presorted Key`
    #[serde(rename = "Presorted Key", skip_serializing_if = "Vec::is_empty")]
    pub presorted_key: Vec<String>,
    /// `Group Key`
    #[serde(rename = "Group Key", skip_serializing_if = "Vec::is_empty")]
    pub group_key: Vec<String>,
    /// `Output`
    #[serde(rename = "Output", skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// The children, in EXPLAIN's order.
    #[serde(rename = "Plans", skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

impl Node {
    /// Whether it is what `parent_relationship` says.
    pub(crate) fn is_child(&self, relationship: &str) -> bool {
        self.parent_relationship.as_deref() == Some(relationship)
    }
}
