//! One run of `pgadvise analyze`, measured from outside: wall time, its peak memory, and the server's CPU time. Linux only, by /proc.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pgadvise::server::Cluster;

/// What one run took.
pub struct Run {
    pub n_statements: usize,
    pub n_planned: f64,
    pub n_proposed: usize,
    pub n_whatif_calls: f64,
    pub wall_s: f64,
    /// pgadvise's own, and its shadow's.
    pub own_cpu_s: f64,
    /// The analysed server's.
    pub server_cpu_s: f64,
    pub peak_bytes: f64,
}

/// Clock ticks in a second, as Linux reports times in /proc (`USER_HZ`, 100 on every platform it runs on today).
const TICKS_PER_SECOND: f64 = 100.0;

/// How long an ended backend may take until its postmaster has waited for it.
const REAPED: Duration = Duration::from_millis(300);

/// Analyses `workload` on the server.
pub fn run(cluster: &Cluster, what_if: &str, workload: &Path, n_statements: usize) -> Run {
    let url = cluster.url("postgres");
    let report = workload.with_extension("json");
    let cpu_before = (children_cpu_s(), server_cpu_s(cluster));
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgadvise"))
        .args(["analyze", &url, "--only-workload", "--no-emit", "--format", "json", "--weigh", "cost"])
        .args(["--what-if", what_if, "--quiet", "--output"])
        .arg(&report)
        .arg("--workload")
        .arg(workload)
        .stdin(Stdio::null())
        .spawn()
        .expect("pgadvise starts");
    let mut peak_bytes = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait().expect("pgadvise's status") {
            break status;
        }
        peak_bytes = peak_bytes.max(peak_memory_bytes(child.id()));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "pgadvise ended with {status}");
    let wall_s = started.elapsed().as_secs_f64();
    let text = std::fs::read_to_string(&report).expect("the report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("the report is JSON");
    Run {
        n_statements,
        n_planned: report["workload"]["n_planned"].as_f64().expect("n_planned"),
        n_proposed: report["advice"].as_array().expect("advice").len(),
        n_whatif_calls: report["summary"]["n_whatif_calls"].as_f64().expect("n_whatif_calls"),
        wall_s,
        own_cpu_s: children_cpu_s() - cpu_before.0,
        server_cpu_s: server_cpu_s(cluster) - cpu_before.1,
        peak_bytes,
    }
}

/// CPU seconds of the server, its ended backends included.
fn server_cpu_s(cluster: &Cluster) -> f64 {
    std::thread::sleep(REAPED);
    let pid = cluster.process_id().expect("the server runs");
    cpu_ticks(&pid.to_string()).iter().sum::<f64>() / TICKS_PER_SECOND
}

/// CPU seconds of the ended children of this process, and of theirs that they have waited for.
fn children_cpu_s() -> f64 {
    cpu_ticks("self")[2..].iter().sum::<f64>() / TICKS_PER_SECOND
}

/// utime, stime, cutime and cstime of a process: fields 14 to 17 of proc(5). The first after the name is field 3.
fn cpu_ticks(pid: &str) -> Vec<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("/proc: this bench runs on Linux");
    let after_name = stat.rsplit_once(')').expect("a process name").1;
    after_name.split_whitespace().skip(11).take(4).map(|ticks| ticks.parse().expect("ticks")).collect()
}

/// `VmHWM` of a process; 0 when it has just ended.
fn peak_memory_bytes(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}
