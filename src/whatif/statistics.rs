//! Statistics objects that do not exist, to be priced: what is asked and what is answered. Prices nothing.

use crate::pg::{Oid, StatisticsDefinition};

/// A statistics object that nobody has made, with what ANALYZE would find as far as it was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct HypotheticalStatistics {
    /// The relation.
    pub relation: Oid,
    /// What it is.
    pub definition: StatisticsDefinition,
    /// Position of a statement in the workload that finds rows of this relation alone, by equalities on all the columns,
    /// and the rows of one call as they were counted.
    pub found: Option<(usize, f64)>,
    /// Combinations of values in the relation, as they were counted.
    pub n_groups: Option<f64>,
}

/// What one execution of a statement costs when the planner knows how many rows there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatisticsPrice {
    /// The plan of today, in planner units; `None` where the planner could not be brought to it.
    pub cost_of_todays_plan: Option<f64>,
    /// The plan that it chooses then, in planner units.
    pub cost: f64,
}

/// The price, or why there is none.
pub type StatisticsAnswer = Result<StatisticsPrice, String>;
