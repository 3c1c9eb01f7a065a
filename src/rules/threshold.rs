//! The thresholds that a user may set with `--threshold NAME=VALUE`. All others are constants beside their rule.

use crate::error::{Error, Result};

/// Limits below which rules stay silent.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Days that usage counters must cover before an index may be called unused. 35 is what Azure's index tuning and
    /// pganalyze wait for: it spans a month's end.
    pub min_stats_age_days: f64,
    /// Bytes below which an unused index is not worth a finding; 32 kB as in pganalyze.
    pub unused_index_min_bytes: f64,
    /// Rows below which a relation is too small for a scan of it to hurt, unless the statement takes a large share of
    /// the workload. 10,000 as in pgdoctor's checks.
    pub min_table_rows: f64,
    /// Calls below which a statement is not looked at for N+1.
    pub n_plus_one_min_calls: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            min_stats_age_days: 35.0,
            unused_index_min_bytes: 32_768.0,
            min_table_rows: 10_000.0,
            n_plus_one_min_calls: 50.0,
        }
    }
}

/// How a threshold is set.
const EXAMPLE: &str = "Write it as in --threshold min_table_rows=10000.";

impl Thresholds {
    /// Sets one threshold from `NAME=VALUE`.
    ///
    /// # Errors
    /// Usage, when there is no such threshold or the value is not a number of at least 0.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let (name, value) = assignment.split_once('=').ok_or_else(|| {
            Error::usage(format!("threshold \"{assignment}\" is not of the form NAME=VALUE")).with_hint(EXAMPLE)
        })?;
        let place = match name.trim() {
            "min_stats_age_days" => &mut self.min_stats_age_days,
            "unused_index_min_bytes" => &mut self.unused_index_min_bytes,
            "min_table_rows" => &mut self.min_table_rows,
            "n_plus_one_min_calls" => &mut self.n_plus_one_min_calls,
            other => {
                return Err(Error::usage(format!("there is no threshold \"{other}\"")).with_hint(
                    "Thresholds are min_stats_age_days, unused_index_min_bytes, min_table_rows and n_plus_one_min_calls.",
                ));
            }
        };
        match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => *place = number,
            _ => {
                let message = format!("threshold {name} needs a number of at least 0, not \"{value}\"");
                return Err(Error::usage(message).with_hint(EXAMPLE));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_by_name_and_refuses_the_rest() {
        let mut thresholds = Thresholds::default();
        thresholds.set("min_stats_age_days=0").unwrap();
        assert_eq!(thresholds.min_stats_age_days, 0.0);
        for bad in ["min_stats_age_days", "min_stats_age_days=-1", "min_stats_age_days=soon", "other=1"] {
            assert!(thresholds.set(bad).is_err(), "{bad}");
        }
    }
}
