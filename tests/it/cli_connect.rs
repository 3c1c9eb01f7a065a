//! Servers that cannot be had, through the program: one line of cause, one of what to do next, the right exit code, and
//! nothing on stdout.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use pgadvise::server::{Cluster, ClusterOptions};

use crate::support::cli::Desk;
use crate::support::{self, listen};

const CONNECTION: i32 = 3;
const UNSUPPORTED: i32 = 4;
const USAGE: i32 = 2;

/// A server on 127.0.0.1 that asks `app` for a password, and has no TLS.
fn loopback() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let options = ClusterOptions { listens_on_loopback: true, ..ClusterOptions::default() };
        let cluster = support::private_server(15, &options);
        support::connect(&cluster.url("postgres")).execute("CREATE ROLE app LOGIN PASSWORD 'right canary'");
        cluster
    })
}

fn url(user: &str, more: &str) -> String {
    format!("postgresql://{user}@127.0.0.1:{}/{more}", loopback().port())
}

#[test]
fn a_host_that_does_not_exist() {
    let run = Desk::new().run(&["analyze", "postgresql://app:canary@no-such-host.invalid/shop"]);
    run.failed(CONNECTION, "could not connect to no-such-host.invalid:5432: could not translate host name", "spelling");
    assert!(!run.stderr.contains("canary"));
}

#[test]
fn a_port_where_nobody_listens() {
    let port = support::closed_port();
    let desk = Desk::new();
    let run = desk.run(&["analyze", &format!("postgresql://app:canary@127.0.0.1:{port}/shop")]);
    run.failed(
        CONNECTION,
        &format!("could not connect to 127.0.0.1:{port}: connection refused"),
        &format!("pg_isready -h 127.0.0.1 -p {port}"),
    );
    assert!(desk.files().is_empty(), "no migrations without a server");
    let run = desk.run(&["analyze", &format!("host=/nonexistent port={port} user=app dbname=shop")]);
    run.failed(CONNECTION, "no such file or directory", "unix_socket_directories");
}

#[test]
fn a_wrong_password_or_none() {
    let desk = Desk::new();
    let run = desk.run(&["analyze", &url("app:wrong%20canary", "postgres")]);
    run.failed(CONNECTION, "password authentication failed for user \"app\"", "In a URL, write \"@\" as %40");
    assert!(!run.stderr.contains("canary"));
    let run = desk.run(&["analyze", &url("app", "postgres")]);
    run.failed(CONNECTION, "no password supplied for user \"app\"", "~/.pgpass");
    let run = desk.run(&["analyze", &url("app:right%20canary", "nowhere")]);
    run.failed(CONNECTION, "database \"nowhere\" does not exist", "psql -l");
}

#[test]
fn tls_that_the_server_does_not_have() {
    for mode in ["require", "verify-full&sslrootcert=system"] {
        let run = Desk::new().run(&["analyze", &url("app:right%20canary", &format!("postgres?sslmode={mode}"))]);
        run.failed(CONNECTION, "the server does not support TLS, but sslmode requires it", "sslmode=prefer");
    }
}

#[test]
fn the_url_may_come_from_the_environment_and_the_password_from_pgpass() {
    let desk = Desk::new().with("DATABASE_URL", &url("app", "postgres"));
    let run = desk.run(&["analyze", "--format", "json", "--no-emit"]);
    run.failed(CONNECTION, "no password supplied", "PGPASSWORD");
    let file = desk.home().join(".pgpass");
    std::fs::write(&file, format!("127.0.0.1:{}:postgres:app:right canary\n", loopback().port())).expect("a file");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    let run = desk.run(&["analyze", "--format", "json", "--no-emit"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["source"]["database"], "postgres");
    assert!(!format!("{run:?}").contains("canary"));
    let run = desk.run(&["analyze", "postgresql://app@127.0.0.1:1/x"]);
    run.failed(CONNECTION, "127.0.0.1:1", "pg_isready -h 127.0.0.1 -p 1");
}

#[test]
fn a_url_that_is_none_is_never_repeated() {
    for source in
        ["postgresql://app:canary@[::1/shop", "postgresql://app:canary@host/db?sslmod=require", "canary = = 1"]
    {
        let run = Desk::new().run(&["analyze", source]);
        run.failed(USAGE, "", "");
        assert!(!run.stderr.contains("canary"), "{run:?}");
        let run = Desk::new().with("DATABASE_URL", source).run(&["analyze", "--help"]);
        assert!(run.code == Some(0) && !run.stdout.contains("canary"), "{run:?}");
    }
}

#[test]
fn a_server_that_is_not_postgresql() {
    let http = listen(|mut client| {
        let mut request = [0; 1024];
        let _ = client.read(&mut request);
        let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let hangs_up = listen(drop);
    for (port, message) in [(http, "does not speak PostgreSQL's protocol"), (hangs_up, "closed the connection")] {
        let run = Desk::new().run(&["analyze", &format!("postgresql://app:canary@127.0.0.1:{port}/shop")]);
        run.failed(CONNECTION, message, "port");
        assert!(!run.stderr.contains("canary"));
    }
}

#[test]
fn a_server_that_never_answers() {
    let silent = listen(|mut client| {
        let _ = client.read_to_end(&mut Vec::new());
    });
    let run = Desk::new().run(&["analyze", &format!("postgresql://app@127.0.0.1:{silent}/shop?connect_timeout=2")]);
    run.failed(CONNECTION, "no answer within 2 s", "connect_timeout");
    assert!(run.elapsed < Duration::from_secs(10), "{:?}", run.elapsed);
}

/// No server older than 13 is installed anywhere here, so this one is played: it says its version and knows nothing else.
#[test]
fn a_server_older_than_13() {
    let old = listen(play_version_12);
    let run = Desk::new().run(&["analyze", &format!("postgresql://app@127.0.0.1:{old}/shop?sslmode=disable")]);
    run.failed(UNSUPPORTED, "the server is PostgreSQL 12.22, older than 13", "Upgrade the server");
}

/// One message of the protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn play_version_12(mut client: TcpStream) {
    const READY: &[u8] = b"I";
    let mut length = [0; 4];
    client.read_exact(&mut length).expect("a startup message");
    client.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize - 4]).expect("its parameters");
    let greeting = [
        message(b'R', &0u32.to_be_bytes()),
        message(b'S', b"server_version\x0012.22\0"),
        message(b'K', &[0; 8]),
        message(b'Z', READY),
    ];
    client.write_all(&greeting.concat()).expect("a greeting");
    let columns: [(&str, u32); 3] = [("version", 25), ("version_number", 23), ("client_port", 23)];
    let mut description = 3u16.to_be_bytes().to_vec();
    for (name, oid) in columns {
        description.extend(name.as_bytes());
        description.extend([0, 0, 0, 0, 0, 0, 0]); // no name's end, no relation, no column of one
        description.extend(oid.to_be_bytes());
        description.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1]); // any length, no modifier, binary
    }
    let words = b"PostgreSQL 12.22 on x86_64-pc-linux-gnu";
    let number = 120_022u32.to_be_bytes();
    let row = [
        &3u16.to_be_bytes()[..],
        &u32::try_from(words.len()).expect("short").to_be_bytes(),
        words,
        &4u32.to_be_bytes(),
        &number,
        &u32::MAX.to_be_bytes(), // NULL
    ];
    let mut kind = [0];
    while client.read_exact(&mut kind).is_ok() && client.read_exact(&mut length).is_ok() {
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        client.read_exact(&mut body).expect("a message");
        let answer = match kind[0] {
            b'P' => message(b'1', &[]),
            b'B' => message(b'2', &[]),
            b'D' => [message(b't', &0u16.to_be_bytes()), message(b'T', &description)][usize::from(body[0] == b'P')..]
                .concat(),
            b'E' => [message(b'D', &row.concat()), message(b'C', b"SELECT 1\0")].concat(),
            b'S' => message(b'Z', READY),
            b'X' => return,
            _ => continue,
        };
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}
