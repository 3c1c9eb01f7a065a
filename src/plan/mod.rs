//! EXPLAIN (FORMAT JSON) → tree. Reads plans that a server printed; makes none.

use serde::{Deserialize, Serialize};

/// A plan as EXPLAIN printed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The topmost node.
    pub root: Node,
}

/// A plan node. Names are EXPLAIN's own; expressions are as it printed them (VERBOSE: qualified by alias).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// `Node Type`: `Seq Scan`, `Index Only Scan`, `ModifyTable` …
    pub node_type: String,
    /// `Parent Relationship`: `Outer`, `Inner`, `SubPlan`, `InitPlan`, `Member` …
    pub parent_relationship: Option<String>,
    /// `Subplan Name`
    pub subplan_name: Option<String>,
    /// `Join Type`
    pub join_type: Option<String>,
    /// `Operation` of a ModifyTable.
    pub operation: Option<String>,
    /// `Strategy` of an aggregate, `Command` of a SetOp.
    pub strategy: Option<String>,
    /// `Schema` of the relation scanned.
    pub schema: Option<String>,
    /// `Relation Name`
    pub relation_name: Option<String>,
    /// `Alias`
    pub alias: Option<String>,
    /// `Index Name`: a hypothetical index bears HypoPG's own name.
    pub index_name: Option<String>,
    /// `Scan Direction`
    pub scan_direction: Option<String>,
    /// `Startup Cost`, in planner units.
    pub startup_cost: f64,
    /// `Total Cost`, in planner units.
    pub total_cost: f64,
    /// `Plan Rows`: the rows that the planner expects, for one loop.
    pub plan_rows: f64,
    /// `Plan Width` in bytes.
    pub plan_width: f64,
    /// `Workers Planned`
    pub n_workers_planned: Option<f64>,
    /// `Index Cond`
    pub index_cond: Option<String>,
    /// `Recheck Cond`
    pub recheck_cond: Option<String>,
    /// `Filter`
    pub filter: Option<String>,
    /// `Join Filter`
    pub join_filter: Option<String>,
    /// `Hash Cond`
    pub hash_cond: Option<String>,
    /// `Merge Cond`
    pub merge_cond: Option<String>,
    /// `One-Time Filter`
    pub one_time_filter: Option<String>,
    /// `Sort Key`
    pub sort_key: Vec<String>,
    /// `Presorted Key`
    pub presorted_key: Vec<String>,
    /// `Group Key`
    pub group_key: Vec<String>,
    /// `Output`
    pub output: Vec<String>,
    /// The children, in EXPLAIN's order.
    pub children: Vec<Node>,
}
