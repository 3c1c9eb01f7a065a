//! Reads the settings that plans and statistics depend on, and what roles and databases change of them.

use super::query::{SETTING_OVERRIDES, SETTINGS};
use crate::db::{Failure, Transaction};
use crate::snapshot::{Setting, SettingOverride};

/// The settings that the planner reads (the chapters "Query Planning" and "Resource Consumption" of PostgreSQL's
/// documentation, versions 13 to 18), those that say how statistics are gathered, and those that say how names and
/// texts are read. A server that does not know one is silent about it.
const NAMES: &[&str] = &[
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "array_nulls",
    "autovacuum",
    "autovacuum_analyze_scale_factor",
    "autovacuum_analyze_threshold",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "block_size",
    "checkpoint_timeout",
    "compute_query_id",
    "constraint_exclusion",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "default_statistics_target",
    "default_tablespace",
    "default_text_search_config",
    "effective_cache_size",
    "effective_io_concurrency",
    "enable_async_append",
    "enable_bitmapscan",
    "enable_distinct_reordering",
    "enable_gathermerge",
    "enable_group_by_reordering",
    "enable_hashagg",
    "enable_hashjoin",
    "enable_incremental_sort",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_memoize",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_parallel_append",
    "enable_parallel_hash",
    "enable_partition_pruning",
    "enable_partitionwise_aggregate",
    "enable_partitionwise_join",
    "enable_presorted_aggregate",
    "enable_self_join_elimination",
    "enable_seqscan",
    "enable_sort",
    "enable_tidscan",
    "from_collapse_limit",
    "full_page_writes",
    "geqo",
    "geqo_effort",
    "geqo_generations",
    "geqo_pool_size",
    "geqo_seed",
    "geqo_selection_bias",
    "geqo_threshold",
    "gin_fuzzy_search_limit",
    "hash_mem_multiplier",
    "io_combine_limit",
    "jit",
    "jit_above_cost",
    "jit_inline_above_cost",
    "jit_optimize_above_cost",
    "join_collapse_limit",
    "maintenance_work_mem",
    "max_connections",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_worker_processes",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "parallel_leader_participation",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "pg_stat_statements.track_planning",
    "pg_stat_statements.track_utility",
    "plan_cache_mode",
    "random_page_cost",
    "recursive_worktable_factor",
    "search_path",
    "seq_page_cost",
    "shared_buffers",
    "shared_preload_libraries",
    "standard_conforming_strings",
    "temp_buffers",
    "track_activity_query_size",
    "track_counts",
    "track_io_timing",
    "transform_null_equals",
    "vacuum_cost_delay",
    "vacuum_cost_limit",
    "work_mem",
];

/// The settings of a session that sets nothing itself, and the overrides.
pub(super) fn read(transaction: &mut Transaction<'_>) -> Result<(Vec<Setting>, Vec<SettingOverride>), Failure> {
    let mut settings = Vec::new();
    for row in transaction.query(&SETTINGS, &[&NAMES])? {
        settings.push(Setting {
            name: row.text("name")?,
            value: row.text("value")?,
            unit: row.optional_text("unit")?,
            source: row.text("source")?,
        });
    }
    let mut overrides = Vec::new();
    for row in transaction.query(&SETTING_OVERRIDES, &[&NAMES])? {
        overrides.push(SettingOverride {
            role: row.optional_text("role")?,
            is_for_database: row.get("is_for_database")?,
            name: row.text("name")?,
            value: row.text("value")?,
        });
    }
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    overrides.sort_by(|a, b| {
        (&a.role, a.is_for_database, &a.name, &a.value).cmp(&(&b.role, b.is_for_database, &b.name, &b.value))
    });
    Ok((settings, overrides))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_once_each() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
