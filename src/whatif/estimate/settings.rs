//! The planner's settings as the snapshot has them. Estimates nothing.

use crate::snapshot::Snapshot;

/// What the cost formulas read. Costs are in planner units, sizes in blocks or bytes.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub major: u32,
    pub seq_page: f64,
    pub random_page: f64,
    pub cpu_tuple: f64,
    pub cpu_index_tuple: f64,
    pub cpu_operator: f64,
    pub cache_blocks: f64,
    pub work_mem_bytes: f64,
    pub has_leader: bool,
    disabled: Vec<String>,
}

impl Settings {
    /// What the analysed session had; PostgreSQL's defaults for what is missing.
    pub fn of(snapshot: &Snapshot) -> Self {
        let value = |name: &str| snapshot.settings.iter().find(|setting| setting.name == name);
        let number = |name: &str, default: f64| {
            value(name)
                .and_then(|setting| setting.value.parse().ok())
                .filter(|n: &f64| n.is_finite())
                .unwrap_or(default)
        };
        let is_off = |setting: &&crate::snapshot::Setting| setting.value == "off";
        let switches = snapshot.settings.iter().filter(is_off).map(|setting| setting.name.clone());
        Self {
            major: snapshot.server.version.major(),
            seq_page: number("seq_page_cost", 1.0),
            random_page: number("random_page_cost", 4.0),
            cpu_tuple: number("cpu_tuple_cost", 0.01),
            cpu_index_tuple: number("cpu_index_tuple_cost", 0.005),
            cpu_operator: number("cpu_operator_cost", 0.0025),
            cache_blocks: number("effective_cache_size", 524_288.0),
            work_mem_bytes: number("work_mem", 4096.0) * 1024.0,
            has_leader: value("parallel_leader_participation").is_none_or(|setting| setting.value != "off"),
            disabled: switches.collect(),
        }
    }

    /// PostgreSQL's defaults.
    #[cfg(test)]
    pub fn defaults(major: u32) -> Self {
        Self {
            major,
            seq_page: 1.0,
            random_page: 4.0,
            cpu_tuple: 0.01,
            cpu_index_tuple: 0.005,
            cpu_operator: 0.0025,
            cache_blocks: 524_288.0,
            work_mem_bytes: 4_194_304.0,
            has_leader: true,
            disabled: Vec::new(),
        }
    }

    /// Whether the switch `name` (`enable_seqscan` …) is not off.
    pub fn allows(&self, name: &str) -> bool {
        !self.disabled.iter().any(|disabled| disabled == name)
    }

    /// By how many processes the rows of a parallel scan are shared (`get_parallel_divisor`, `costsize.c`).
    pub fn parallel_divisor(&self, n_workers: f64) -> f64 {
        let leader = if self.has_leader { (1.0 - 0.3 * n_workers).max(0.0) } else { 0.0 };
        (n_workers + leader).max(1.0)
    }
}
