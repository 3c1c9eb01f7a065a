//! Signals: a run that waits for a server, connects, or computes ends in time, with the right exit code, and leaves
//! nothing running on the server.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use pgadvise::db::{Query, ReadOptions, Session, Target, interrupt};
use pgadvise::error::Error;

use super::child;
use crate::support;

const SLEEP: Query = Query { name: "a long nap", sql: "SELECT pg_sleep(600)::text" };

/// The promise, and what a loaded machine adds.
const IN_TIME: Duration = Duration::from_millis(2_000 + 1_500);

/// What the child does until the signal comes.
#[test]
fn child_until_a_signal() {
    let Some(argument) = child::argument() else { return };
    let (what, url) = argument.split_once(' ').expect("what to do, and a URL");
    interrupt::install().expect("signal handlers");
    let error = match what {
        "query" => sleep_on_server(url),
        "connect" => connect(url).err().expect("no session"),
        "check" => loop {
            ready();
            if let Err(error) = interrupt::check() {
                break error;
            }
        },
        "deaf" => {
            let _cleanup = interrupt::before_forced_exit(|| say("cleaned up"));
            ready();
            std::thread::sleep(Duration::from_secs(600));
            unreachable!()
        }
        _ => panic!("{what}?"),
    };
    say(&error.to_string());
    std::process::exit(i32::from(error.kind().exit_code()));
}

/// Tells the parent that the signal may come.
fn ready() {
    say("ready");
}

fn say(words: &str) {
    // A parent that is gone needs no words.
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn connect(url: &str) -> Result<Session, Error> {
    ready();
    Session::connect(&Target::resolve(Some(url))?)
}

fn sleep_on_server(url: &str) -> Error {
    let mut session = Session::connect(&Target::resolve(Some(url)).expect("a target")).expect("a session");
    let options = ReadOptions { statement_timeout_ms: 0, ..ReadOptions::default() };
    ready();
    let first = session.read(&options, |transaction| transaction.query(&SLEEP, &[])).expect_err("a signal");
    let second = session.read(&options, |transaction| transaction.query(&SLEEP, &[])).expect_err("a signal");
    assert_eq!(first, second, "every later call says the same");
    Error::from(first)
}

/// A child that has said that it is ready.
pub fn start(what: &str, url: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = child::start("connect::interrupt::child_until_a_signal", &format!("{what} {url}"), &[]);
    let mut said = BufReader::new(child.stderr.take().expect("stderr"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "ready");
    (child, said)
}

/// Sends `signal` and returns the exit code, what was said, and how long the end took.
pub fn end(mut child: Child, mut said: impl Read, signal: &str) -> (Option<i32>, String, Duration) {
    let began = Instant::now();
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill").success());
    let status = child.wait().expect("the child ends");
    let took = began.elapsed();
    let mut words = String::new();
    said.read_to_string(&mut words).expect("text");
    (status.code(), words, took)
}

#[test]
fn a_running_call_is_cancelled_on_the_server() {
    let database = support::database("interrupted", "");
    for (signal, code, word) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let (child, said) = start("query", &database.url());
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid() AND state = 'active'",
            database.name()
        );
        wait_until(|| database.value(&count) == "1");
        let (exit_code, words, took) = end(child, said, signal);
        assert_eq!(exit_code, Some(code), "{words}");
        assert!(words.contains(word) && took < IN_TIME, "{took:?} {words}");
        wait_until(|| database.value(&count) == "0");
    }
}

#[test]
fn connecting_and_computing_end_too() {
    let silent = support::listen(|_| std::thread::sleep(Duration::from_secs(600)));
    let (child, said) = start("connect", &format!("postgres://u@127.0.0.1:{silent}/d?connect_timeout=600"));
    std::thread::sleep(Duration::from_millis(200));
    let (exit_code, words, took) = end(child, said, "-INT");
    assert!(exit_code == Some(130) && took < Duration::from_secs(1), "{exit_code:?} {took:?} {words}");
    let (child, said) = start("check", "-");
    // What it says in its loop has to be read, or it waits for us.
    let reader = std::thread::spawn(move || std::io::copy(&mut { said }, &mut std::io::sink()));
    let (exit_code, _, took) = end(child, std::io::empty(), "-TERM");
    assert!(exit_code == Some(143) && took < Duration::from_secs(1), "{exit_code:?} {took:?}");
    reader.join().expect("the reader").expect("its end");
}

#[test]
fn who_does_not_listen_is_ended_by_force() {
    let (child, said) = start("deaf", "-");
    let (exit_code, words, took) = end(child, said, "-INT");
    assert_eq!(exit_code, Some(130));
    assert!(words.contains("cleaned up"), "{words}");
    assert!(took >= Duration::from_millis(1_900) && took < IN_TIME, "{took:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let (child, said) = start("deaf", "-");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    std::thread::sleep(Duration::from_millis(300));
    let (exit_code, _, took) = end(child, said, "-INT");
    assert!(exit_code == Some(130) && took < Duration::from_secs(1), "{exit_code:?} {took:?}");
}

/// Waits until `is_so`, or fails.
pub fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to that");
        std::thread::sleep(Duration::from_millis(20));
    }
}
