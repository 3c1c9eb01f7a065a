//! The target's planner settings, as its application has them, for the private server. Knows no memory, connection or
//! file settings: those are the machine's own.

use std::collections::BTreeMap;

use crate::snapshot::{SettingOverride, Snapshot};

/// The settings that plans and their costs depend on ("Query Planning" and the parts of "Resource Consumption" that
/// costsize.c, planner.c and allpaths.c read), with the first version that knows each. `effective_io_concurrency` is not
/// among them: it is about executing only, and builds without posix_fadvise refuse to start with it.
const PLANNER_SETTINGS: &[(&str, u32)] = &[
    ("constraint_exclusion", 13),
    ("cpu_index_tuple_cost", 13),
    ("cpu_operator_cost", 13),
    ("cpu_tuple_cost", 13),
    ("cursor_tuple_fraction", 13),
    ("default_statistics_target", 13),
    ("effective_cache_size", 13),
    ("enable_async_append", 14),
    ("enable_bitmapscan", 13),
    ("enable_distinct_reordering", 18),
    ("enable_gathermerge", 13),
    ("enable_group_by_reordering", 17),
    ("enable_hashagg", 13),
    ("enable_hashjoin", 13),
    ("enable_incremental_sort", 13),
    ("enable_indexonlyscan", 13),
    ("enable_indexscan", 13),
    ("enable_material", 13),
    ("enable_memoize", 14),
    ("enable_mergejoin", 13),
    ("enable_nestloop", 13),
    ("enable_parallel_append", 13),
    ("enable_parallel_hash", 13),
    ("enable_partition_pruning", 13),
    ("enable_partitionwise_aggregate", 13),
    ("enable_partitionwise_join", 13),
    ("enable_presorted_aggregate", 16),
    ("enable_self_join_elimination", 18),
    ("enable_seqscan", 13),
    ("enable_sort", 13),
    ("enable_tidscan", 13),
    ("from_collapse_limit", 13),
    ("geqo", 13),
    ("geqo_effort", 13),
    ("geqo_generations", 13),
    ("geqo_pool_size", 13),
    ("geqo_seed", 13),
    ("geqo_selection_bias", 13),
    ("geqo_threshold", 13),
    ("hash_mem_multiplier", 13),
    ("jit", 13),
    ("jit_above_cost", 13),
    ("jit_inline_above_cost", 13),
    ("jit_optimize_above_cost", 13),
    ("join_collapse_limit", 13),
    ("max_parallel_workers", 13),
    ("max_parallel_workers_per_gather", 13),
    ("min_parallel_index_scan_size", 13),
    ("min_parallel_table_scan_size", 13),
    ("parallel_leader_participation", 13),
    ("parallel_setup_cost", 13),
    ("parallel_tuple_cost", 13),
    ("plan_cache_mode", 13),
    ("random_page_cost", 13),
    ("recursive_worktable_factor", 15),
    ("seq_page_cost", 13),
    ("work_mem", 13),
];

/// The settings by which a session reads the constants of a statement, and so estimates them.
const SESSION_SETTINGS: [&str; 6] =
    ["DateStyle", "IntervalStyle", "TimeZone", "array_nulls", "default_text_search_config", "transform_null_equals"];

/// The settings by which the application's sessions read constants. Apart from the others, for a server that does not
/// know a time zone or a configuration would not start with it.
pub fn for_sessions(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let role = snapshot.server.application_role.as_deref().unwrap_or(&snapshot.server.role);
    let known = SESSION_SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), value(snapshot, name, role)?)));
    known.collect()
}

/// The planner settings of `snapshot`'s server for a private server of version `major`: as they hold for the
/// application's role in the database, which is what `ALTER ROLE … IN DATABASE` says, else `ALTER ROLE`, else `ALTER
/// DATABASE`, else the server's own. Values are in the units of `pg_settings`, or as they were given to ALTER.
pub fn for_cluster(snapshot: &Snapshot, major: u32) -> BTreeMap<String, String> {
    let role = snapshot.server.application_role.as_deref().unwrap_or(&snapshot.server.role);
    let known = PLANNER_SETTINGS.iter().filter(|(_, since)| *since <= major).map(|(name, _)| *name);
    known.filter_map(|name| Some((name.to_owned(), value(snapshot, name, role)?))).collect()
}

/// Where the reading role was given a value of its own and the application's role was not, what the server would give
/// the latter is not shown to anybody but superusers: then the reading role's value stands in for it.
fn value(snapshot: &Snapshot, name: &str, role: &str) -> Option<String> {
    let own = snapshot.settings.iter().find(|setting| setting.name == name).map(|setting| setting.value.as_str());
    overridden(&snapshot.setting_overrides, name, role).or(own).map(str::to_owned)
}

fn overridden<'s>(overrides: &'s [SettingOverride], name: &str, role: &str) -> Option<&'s str> {
    let find = |role: Option<&str>, is_for_database: bool| {
        overrides
            .iter()
            .filter(|o| o.role.as_deref() == role && o.is_for_database == is_for_database)
            .find(|o| o.name.eq_ignore_ascii_case(name))
            .map(|o| o.value.as_str())
    };
    find(Some(role), true)
        .or_else(|| find(Some(role), false))
        .or_else(|| find(None, true))
        .or_else(|| find(None, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Setting;
    use crate::workload::test_workload;

    fn snapshot(overrides: &[(Option<&str>, bool, &str)]) -> Snapshot {
        let setting = |name: &str, value: &str| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
            unit: None,
            source: "configuration file".to_owned(),
        };
        let given = |(role, is_for_database, value): &(Option<&str>, bool, &str)| SettingOverride {
            role: role.map(str::to_owned),
            is_for_database: *is_for_database,
            name: "work_mem".to_owned(),
            value: (*value).to_owned(),
        };
        let mut snapshot = test_workload::snapshot();
        snapshot.server.application_role = Some("shop".to_owned());
        snapshot.settings = vec![
            setting("work_mem", "4096"),
            setting("shared_buffers", "16384"),
            setting("enable_memoize", "off"),
            setting("effective_io_concurrency", "200"),
        ];
        snapshot.setting_overrides = overrides.iter().map(given).collect();
        snapshot
    }

    #[test]
    fn names_are_sorted_and_once_each() {
        assert!(PLANNER_SETTINGS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn memory_and_unknown_settings_are_left_out() {
        let settings = for_cluster(&snapshot(&[]), 15);
        assert_eq!(settings.keys().collect::<Vec<_>>(), ["enable_memoize", "work_mem"]);
        assert_eq!(for_cluster(&snapshot(&[]), 13).keys().collect::<Vec<_>>(), ["work_mem"]);
    }

    #[test]
    fn the_applications_role_in_this_database_comes_first() {
        let all = [
            (None, false, "1MB"),
            (None, true, "2MB"),
            (Some("shop"), false, "3MB"),
            (Some("shop"), true, "4MB"),
            (Some("app"), true, "5MB"),
        ];
        let work_mem = |overrides| for_cluster(&snapshot(overrides), 15)["work_mem"].clone();
        assert_eq!(work_mem(&[]), "4096");
        assert_eq!(work_mem(&all[..1]), "1MB");
        assert_eq!(work_mem(&all[..2]), "2MB");
        assert_eq!(work_mem(&all[..3]), "3MB");
        assert_eq!(work_mem(&all), "4MB");
        assert_eq!(work_mem(&all[4..]), "4096");
    }
}
