//! Servers that fall silent, break off, or speak nonsense: every wait ends, nothing panics, and nothing that is logged
//! holds a password.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pgadvise::db::{Failure, Query, ReadOptions, Session, Target};

use super::fixture::{CANARY, fixture};
use crate::support::{self, listen};

const ONE: Query = Query { name: "a number", sql: "SELECT 1 AS one" };

fn connect(url: &str) -> Result<Session, pgadvise::error::Error> {
    Session::connect(&Target::resolve(Some(url))?)
}

/// A proxy before the primary that does `break_off` to both ends as soon as it is told to.
fn proxy(is_broken: Arc<AtomicBool>, closes: bool) -> u16 {
    let port = fixture().primary.port();
    listen(move |client| {
        let server = TcpStream::connect(("127.0.0.1", port)).expect("the primary");
        let (mut from_server, mut to_client) = (server.try_clone().expect("clone"), client.try_clone().expect("clone"));
        let broken = is_broken.clone();
        std::thread::spawn(move || forward(&mut from_server, &mut to_client, &broken, closes));
        forward(&mut { client }, &mut { server }, &is_broken, closes);
    })
}

fn forward(from: &mut TcpStream, to: &mut TcpStream, is_broken: &AtomicBool, closes: bool) {
    let mut bytes = [0; 4096];
    while let Ok(n_bytes @ 1..) = from.read(&mut bytes) {
        if is_broken.load(Ordering::Relaxed) {
            if !closes {
                std::thread::sleep(Duration::from_secs(600));
            }
            let _ = from.shutdown(std::net::Shutdown::Both);
            return;
        }
        let _ = to.write_all(&bytes[..n_bytes]);
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn an_ipv6_address_is_reached() {
    // Machines without IPv6 have no such address to reach.
    let Ok(listener) = TcpListener::bind(("::1", 0)) else { return };
    let (port, primary) = (listener.local_addr().expect("an address").port(), fixture().primary.port());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", primary)).expect("the primary");
            let (mut from_server, mut to_client) =
                (server.try_clone().expect("clone"), client.try_clone().expect("clone"));
            std::thread::spawn(move || std::io::copy(&mut from_server, &mut to_client));
            std::thread::spawn(move || std::io::copy(&mut client, &mut server));
        }
    });
    let mut session = connect(&format!("postgres://trusted@[::1]:{port}/shop?sslmode=require")).expect("a session");
    assert!(session.is_pooled(), "the server sees another port than ours");
    assert!(session.read(&ReadOptions::default(), |transaction| transaction.query(&ONE, &[])).is_ok());
    assert!(connect(&format!("hostaddr=::1 port={port} user=trusted dbname=shop")).is_ok());
}

#[test]
fn a_link_that_falls_silent_is_given_up_in_time() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let port = proxy(is_broken.clone(), false);
    let mut session = connect(&format!("postgres://trusted@localhost:{port}/shop")).expect("a session");
    let options = ReadOptions { statement_timeout_ms: 500, ..ReadOptions::default() };
    let began = Instant::now();
    let lost = session.read(&options, |transaction| {
        is_broken.store(true, Ordering::Relaxed);
        transaction.query(&ONE, &[])
    });
    let Err(Failure::Session(error)) = lost else { panic!("{lost:?}") };
    assert_eq!(error.kind().exit_code(), 3, "{error}");
    // The statement's timeout, the margin of 2 s, and 2 s for the cancel request that nobody answers.
    assert!(began.elapsed() < Duration::from_millis(6_000), "{:?}", began.elapsed());
}

#[test]
fn a_link_that_breaks_is_a_lost_connection() {
    let is_broken = Arc::new(AtomicBool::new(false));
    let port = proxy(is_broken.clone(), true);
    let mut session = connect(&format!("postgres://trusted@localhost:{port}/shop")).expect("a session");
    let lost = session.read(&ReadOptions::default(), |transaction| {
        is_broken.store(true, Ordering::Relaxed);
        transaction.query(&ONE, &[])
    });
    let Err(Failure::Session(error)) = lost else { panic!("{lost:?}") };
    assert!(error.kind().exit_code() == 3 && error.message().contains("lost the connection"), "{error}");
}

#[test]
fn a_server_that_never_answers_is_given_up_at_the_deadline() {
    let silent = listen(|_| std::thread::sleep(Duration::from_secs(600)));
    // Says that it will have TLS, and then nothing.
    let half = listen(|mut client| {
        let _ = client.read(&mut [0; 64]);
        let _ = client.write_all(b"S");
        std::thread::sleep(Duration::from_secs(600));
    });
    for port in [silent, half] {
        let began = Instant::now();
        let error = connect(&format!("postgres://u@localhost:{port}/d?connect_timeout=1")).err().expect("no server");
        assert!(error.kind().exit_code() == 3 && error.message().contains("no answer within 1 s"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

/// One message of the protocol.
fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message").to_be_bytes();
    [&[tag][..], &length, body].concat()
}

/// The answers of a server to a login and to the question for its version.
fn honest_answers() -> [Vec<u8>; 2] {
    let columns: Vec<u8> = [("version", 25u32, -1i16), ("version_number", 23, 4), ("client_port", 23, 4)]
        .iter()
        .flat_map(|(name, oid, size)| {
            [name.as_bytes(), &[0; 7], &oid.to_be_bytes(), &size.to_be_bytes(), &[255; 4], &[0, 1]].concat()
        })
        .collect();
    let words = b"PostgreSQL 15.18 on x86_64";
    let row =
        [&[0, 3, 0, 0, 0, words.len() as u8][..], words, &[0, 0, 0, 4], &150_018i32.to_be_bytes(), &[255; 4]].concat();
    let login = [message(b'R', &[0; 4]), message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]), message(b'Z', b"I")].concat();
    let answer = [
        message(b'1', &[]),
        message(b'2', &[]),
        message(b't', &[0, 0]),
        message(b'T', &[&[0, 3][..], &columns].concat()),
        message(b'D', &row),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    [login, answer]
}

/// Connects to a server that gives these two answers.
fn try_answers([login, answer]: [Vec<u8>; 2]) -> Result<Session, pgadvise::error::Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        client.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        let mut bytes = [0; 4096];
        let _ = client.read(&mut bytes);
        let _ = client.write_all(&login);
        let _ = client.read(&mut bytes);
        let _ = client.write_all(&answer);
        let _ = client.shutdown(std::net::Shutdown::Write);
        let _ = client.read(&mut bytes);
    });
    let outcome = connect(&format!("postgres://u@127.0.0.1:{port}/d?sslmode=disable&connect_timeout=2"));
    let _ = server.join();
    outcome
}

#[test]
fn nonsense_from_a_server_is_an_error_and_never_a_panic() {
    assert!(try_answers(honest_answers()).is_ok_and(|session| session.server_version().major() == 15));
    let n_refused: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=SEEDS).map(|seed| scope.spawn(move || n_refused(seed))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    });
    assert!(n_refused > 100, "only {n_refused} of {} were noticed", SEEDS as usize * ANSWERS);
}

/// How many sequences of random answers are tried at once: each mostly waits.
const SEEDS: u64 = 6;
/// How many answers a sequence has.
const ANSWERS: usize = 50;

/// How many of the answers that `seed` spoils are refused. All of them end in time.
fn n_refused(seed: u64) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut n_refused = 0;
    for _ in 0..ANSWERS {
        let mut answers = honest_answers();
        for _ in 0..=random(3) {
            let answer = &mut answers[random(2)];
            let at = random(answer.len());
            match random(3) {
                0 => answer[at] = random(256) as u8,
                1 => _ = answer.remove(at),
                _ => answer.insert(at, random(256) as u8),
            }
        }
        let began = Instant::now();
        if let Err(error) = try_answers(answers) {
            n_refused += 1;
            assert!(matches!(error.kind().exit_code(), 3 | 4 | 70), "{error:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    }
    n_refused
}

/// Where a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_log_holds_a_password() {
    let port = fixture().primary.port();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        assert!(connect(&format!("postgres://app:canary-wrong@localhost:{port}/shop?connection_limit=1")).is_err());
        let places = fixture().places();
        let mut session =
            connect(&format!("postgres://app:{}@localhost:{port}/shop", places["{pw:url}"])).expect("a session");
        assert!(session.read(&ReadOptions::default(), |transaction| transaction.query(&ONE, &[])).is_ok());
        for malformed in
            ["postgres://app:canary@canary@h/db", "postgres://h?canary=x", "canary://x", "host=h port=canary"]
        {
            assert!(connect(malformed).is_err());
        }
    });
    let logged = String::from_utf8(log.0.lock().expect("the log").clone()).expect("text");
    assert!(logged.contains("connection_limit"), "the log is on: {logged}");
    assert!(!logged.contains(CANARY), "{logged}");
}

#[test]
fn a_server_that_does_not_do_it_is_told_apart() {
    let database = support::database("identity", "");
    assert!(connect(&database.url()).is_ok());
    let old = try_answers({
        let [login, answer] = honest_answers();
        let position = answer.windows(4).position(|bytes| bytes == 150_018i32.to_be_bytes()).expect("the number");
        let mut answer = answer;
        answer[position..position + 4].copy_from_slice(&120_022i32.to_be_bytes());
        [login, answer]
    });
    assert_eq!(old.err().map(|error| error.kind().exit_code()), Some(4));
}
