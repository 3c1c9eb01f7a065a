//! Connection strings: URLs and `key=value` pairs, split as libpq splits them. Reads no environment and no file, and
//! never repeats a piece of the string in an error, because a mistyped URL can put the password anywhere.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::parameter::{self, Meaning};
use crate::error::{Error, Result};

/// Connection parameters by libpq's name. Values are wiped when dropped: one of them may be the password.
#[derive(Default)]
pub(super) struct Parameters(BTreeMap<&'static str, Zeroizing<String>>);

impl Parameters {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// The value, unless it is absent or empty: most of libpq's parameters mean "default" when empty.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.0.insert(name, Zeroizing::new(value));
    }

    pub(super) fn set_if_absent(&mut self, name: &'static str, value: String) {
        self.0.entry(name).or_insert_with(|| Zeroizing::new(value));
    }

    /// Takes `value` for the name as it was written: libpq's, another driver's, or nobody's.
    pub(super) fn accept(&mut self, written: &str, value: String) -> Result<()> {
        match parameter::meaning(written) {
            Some(Meaning::Own(name)) => self.set(name, value),
            Some(Meaning::Ignored) => tracing::debug!(parameter = written, "connection parameter ignored"),
            None => return Err(unknown_parameter(written)),
        }
        Ok(())
    }
}

/// An unknown name may be a piece of a password (`…?a&b=c@host`), so it is named only if a known one is near.
fn unknown_parameter(written: &str) -> Error {
    match parameter::nearest(written) {
        Some(near) => Error::usage(format!("unknown connection parameter \"{written}\""))
            .with_hint(format!("Did you mean \"{near}\"?")),
        None => Error::usage("the connection string holds an unknown parameter")
            .with_hint("Leave out what is not one of libpq's parameters (https://www.postgresql.org/docs/current/libpq-connect.html). In a password, write \"?\" as %3F and \"&\" as %26."),
    }
}

/// Splits `source`: a URL, `key=value` pairs, or the bare name of a database as psql takes it.
pub(super) fn parse(source: &str) -> Result<Parameters> {
    let source = unquoted(source.trim());
    let source = source.strip_prefix("jdbc:").unwrap_or(source);
    if let Some((scheme, rest)) = source.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) {
        check_scheme(scheme)?;
        return parse_url(rest);
    }
    if source.contains('=') {
        return parse_pairs(source);
    }
    parse_database_name(source)
}

/// `.env` files are often copied with their quotes.
fn unquoted(source: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = source.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.trim();
        }
    }
    source
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}

/// Accepts libpq's two schemes in any case, with SQLAlchemy's `+driver` behind them, and the names that Django, Go and
/// Elixir libraries give the same thing.
fn check_scheme(scheme: &str) -> Result<()> {
    let scheme = scheme.to_ascii_lowercase();
    if scheme == "prisma+postgres" || scheme == "prisma" {
        return Err(Error::usage("this is the URL of Prisma's HTTP proxy, not of a PostgreSQL server")
            .with_hint("Pass the direct URL of the database (directUrl in schema.prisma, DIRECT_URL in .env)."));
    }
    let base = scheme.split('+').next().unwrap_or_default();
    match base {
        "postgres" | "postgresql" | "pgsql" | "psql" | "postgis" | "pgx" | "pgx5" | "ecto" => Ok(()),
        _ => Err(Error::unsupported(format!("\"{base}://\" is not the URL of a PostgreSQL server"))
            .with_hint("Pass postgresql://user@host:5432/database, or \"host=... dbname=... user=...\".")),
    }
}

fn parse_url(rest: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    let rest = take_user(rest, &mut parameters)?;
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(authority_end);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    refuse_stray_at_sign(authority, path)?;
    take_hosts(authority, &mut parameters)?;
    let database = path.strip_prefix('/').unwrap_or_default();
    if !database.is_empty() {
        parameters.set("dbname", decode(database)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Error::usage("a query parameter of the URL is not of the form name=value")
                .with_hint("Write \"&\" inside a value as %26, and \"?\" in a password as %3F."));
        };
        parameters.accept(&decode(name)?, decode(value)?)?;
    }
    Ok(parameters)
}

/// Takes `user:password@` off the front. As in libpq it ends at the first "@", and a "/" before it means there is none.
fn take_user<'s>(rest: &'s str, parameters: &mut Parameters) -> Result<&'s str> {
    let Some(end) = rest.find(['@', '/']).filter(|&end| rest[end..].starts_with('@')) else {
        return Ok(rest);
    };
    let (user, password) = rest[..end].split_once(':').unwrap_or((&rest[..end], ""));
    if !user.is_empty() {
        parameters.set("user", decode_leniently(user)?);
    }
    if !password.is_empty() {
        parameters.set("password", decode_leniently(password)?);
    }
    Ok(&rest[end + 1..])
}

/// An unescaped "@" or "/" in a password puts the rest of it where host or database belong. Such a URL is refused
/// before anything of it is looked up or shown.
fn refuse_stray_at_sign(authority: &str, path: &str) -> Result<()> {
    if authority.contains('@') || path.contains('@') {
        return Err(Error::usage("the URL has an \"@\" after the part that names the user")
            .with_hint("In a user name or password write \"@\" as %40, \"/\" as %2F, \":\" as %3A, \"#\" as %23 and \"?\" as %3F; in a database name write \"@\" as %40."));
    }
    Ok(())
}

fn take_hosts(authority: &str, parameters: &mut Parameters) -> Result<()> {
    if authority.is_empty() {
        return Ok(());
    }
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for entry in authority.split(',') {
        let (host, port) = split_host_port(entry)?;
        hosts.push(decode(host)?);
        ports.push(decode(port)?);
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        parameters.set("host", hosts.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        parameters.set("port", ports.join(","));
    }
    Ok(())
}

fn split_host_port(entry: &str) -> Result<(&str, &str)> {
    let Some(bracketed) = entry.strip_prefix('[') else {
        return Ok(entry.split_once(':').unwrap_or((entry, "")));
    };
    let malformed = || {
        Error::usage("an IPv6 address in the URL is not of the form [address]:port")
            .with_hint("Write it as postgresql://user@[2001:db8::1]:5432/database.")
    };
    let (address, after) =
        bracketed.split_once(']').filter(|(address, _)| !address.is_empty()).ok_or_else(malformed)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((address, port)),
        None if after.is_empty() => Ok((address, "")),
        None => Err(malformed()),
    }
}

/// Percent-decodes as strictly as libpq: a "%" that starts no escape is an error.
fn decode(text: &str) -> Result<String> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            continue;
        }
        let digits = [rest.next(), rest.next()];
        if !digits.iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())) {
            return Err(Error::usage("the URL holds a \"%\" that starts no percent-encoded character")
                .with_hint("Write \"%\" as %25."));
        }
    }
    decode_leniently(text)
}

/// Percent-decodes user names and passwords, where a lone "%" can only be meant as itself.
fn decode_leniently(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| {
        Error::usage("the URL is not UTF-8 after percent-decoding").with_hint("Percent-encode the UTF-8 bytes.")
    })?;
    if decoded.contains('\0') {
        return Err(
            Error::usage("the URL holds %00").with_hint("PostgreSQL accepts no zero byte in names or passwords.")
        );
    }
    Ok(decoded.into_owned())
}

/// Splits `key=value` pairs with libpq's quoting: `'…'` around a value, a backslash before a quote or a backslash.
fn parse_pairs(source: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    let mut rest = source.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = after.trim_start().strip_prefix('=').filter(|_| !name.is_empty()) else {
            return Err(Error::usage("the connection string is not of the form key=value")
                .with_hint("Put a value that holds spaces into single quotes, and write ' inside it as \\'."));
        };
        let (value, after) = take_value(after.trim_start())?;
        parameters.accept(name, value)?;
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// Takes one value off the front: quoted, or up to the next white space.
fn take_value(text: &str) -> Result<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            space if !quoted && space.is_ascii_whitespace() => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted {
        return Err(Error::usage("a quoted value in the connection string does not end")
            .with_hint("Close it with ', and write ' inside it as \\'."));
    }
    Ok((value, ""))
}

fn parse_database_name(source: &str) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    if source.is_empty() {
        return Ok(parameters);
    }
    if !source.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$')) {
        return Err(Error::usage("the source is neither a URL, nor key=value pairs, nor the name of a database")
            .with_hint("Pass postgresql://user@host:5432/database, \"host=... dbname=... user=...\", or the name of a database."));
    }
    parameters.set("dbname", source.to_owned());
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> String {
        match parse(source) {
            Ok(parameters) => parameters
                .0
                .iter()
                .map(|(name, value)| format!("{name}={}", value.as_str()))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => format!("error: {}", error.message()),
        }
    }

    #[test]
    fn urls_split_as_libpq_splits_them() {
        for (source, expected) in [
            ("postgres://u:p@localhost/db", "dbname=db host=localhost password=p user=u"),
            ("postgresql://", ""),
            ("postgresql:///db?host=/tmp&port=5433", "dbname=db host=/tmp port=5433"),
            ("postgres://u@h1:1,h2,h3:3/db", "dbname=db host=h1,h2,h3 port=1,,3 user=u"),
            ("postgres://[::1]:5432/db", "dbname=db host=::1 port=5432"),
            ("postgres://%2Fvar%2Frun/db", "dbname=db host=/var/run"),
            ("postgres://u:p%40ss%2Fw%23@h/db", "dbname=db host=h password=p@ss/w# user=u"),
            ("postgres://u:p#ss?x@h/db", "dbname=db host=h password=p#ss?x user=u"),
            ("postgres://u:100%@h", "host=h password=100% user=u"),
            ("postgres://h/my%20db", "dbname=my db host=h"),
            (" \"POSTGRES://u@h/db\"\n", "dbname=db host=h user=u"),
            ("postgresql+asyncpg://u@h/db?schema=app&connection_limit=5", "dbname=db host=h schema=app user=u"),
            ("jdbc:postgresql://h:5433/db?user=u&password=p", "dbname=db host=h password=p port=5433 user=u"),
            ("host = h user = 'a b' password='it\\'s'", "host=h password=it's user=a b"),
            ("user=a\\ b dbname=''", "dbname= user=a b"),
            ("shop", "dbname=shop"),
            ("", ""),
        ] {
            assert_eq!(shown(source), expected, "{source}");
        }
    }

    #[test]
    fn a_misplaced_password_is_never_repeated() {
        for source in [
            "postgres://u:canary@canary@h/db",
            "postgres://u:canary/canary@h/db",
            "postgres://u:12/canary@h/db",
            "postgres://u:p@h/db?canary&x=1",
            "postgres://u:p@h/db?canary=1",
            "postgres://u:p@h:5432/%zzcanary",
            "mysql://u:canary@h/db",
            "prisma+postgres://x/?api_key=canary",
            "password='canary",
            "canary=x",
            "u:canary@h/db",
        ] {
            let shown = shown(source);
            assert!(shown.starts_with("error: ") && !shown.contains("canary"), "{source}: {shown}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_an_error_that_names_the_nearest() {
        let Err(error) = parse("postgres://h/db?sslmod=require") else { panic!("accepted") };
        assert_eq!(error.hint(), Some("Did you mean \"sslmode\"?"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(postgres(ql)?://)?[a-z0-9:@/?&=%,'\\\\ \\[\\]é]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn an_encoded_password_comes_back(password in "\\PC{1,20}") {
            let encoded = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC);
            let escaped = password.replace('\\', "\\\\").replace('\'', "\\'");
            for source in [format!("postgres://u:{encoded}@h/db"), format!("user=u password='{escaped}'")] {
                let found = parse(&source).ok().and_then(|parameters| parameters.get("password").map(str::to_owned));
                proptest::prop_assert_eq!(found.as_deref(), Some(password.as_str()));
            }
        }
    }
}
