//! What others have measured on the same data, queries and settings: ratios of the workload's cost with the chosen
//! indexes to its cost without. Figures only.

/// The cost of the queries without indexes, where the others measured; ours differs by what ANALYZE sampled.
pub const COST_WITHOUT: f64 = 4_372_990.0;

/// For each budget in MB (10^6 bytes of `hypopg_relation_size`) the best that anything reached.
pub const BEST_KNOWN: [(u64, f64); 8] =
    [(100, 0.945), (200, 0.668), (300, 0.636), (500, 0.565), (750, 0.539), (1000, 0.518), (2000, 0.480), (5000, 0.471)];

/// The best known at a budget.
pub fn best_known(budget_mb: u64) -> Option<f64> {
    BEST_KNOWN.iter().find(|(known, _)| *known == budget_mb).map(|(_, ratio)| *ratio)
}
