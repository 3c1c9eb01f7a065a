//! The shadow's databases: the first one made as the target's is (encoding, collation), the others copied from it while
//! all files are still empty. Loads nothing into them.

use crate::db::{Failure, WritableSession};
use crate::error::Result;
use crate::pg::identifier::quote_literal;
use crate::snapshot::{Gap, Server};

/// The first version whose CREATE DATABASE takes a locale provider, and whose STRATEGY copies files instead of writing
/// them to the WAL.
const PROVIDERS_SINCE: u32 = 15;
/// The first version with the builtin provider.
const BUILTIN_SINCE: u32 = 17;
/// A locale that nearly every system has and that is not C: the planner does not take texts to compare byte by byte.
const NOT_BYTEWISE: &str = "C.UTF-8";

/// The name of database number `number`.
pub(super) fn name(number: usize) -> String {
    format!("shadow_{number}")
}

/// Makes the first database as `server` describes the target's: the planner asks its collation whether texts compare
/// byte by byte, and the histogram of a text column is read by it. Where this machine lacks the locale, one that is as
/// near as can be; the gap says so.
///
/// # Errors
/// The server is lost, or makes no database at all.
pub(super) fn create_first(session: &mut WritableSession, server: &Server) -> Result<Option<Gap>> {
    let major = session.server_version().major();
    let wanted = locale_of(server, major);
    let near = near_locale(server, major);
    let mut refusal = None;
    for (locale, is_wanted) in
        wanted.iter().map(|locale| (locale, true)).chain(near.iter().map(|locale| (locale, false)))
    {
        let encoding = if is_wanted { server.encoding.as_str() } else { "UTF8" };
        match session.execute(&create_sql(encoding, locale)) {
            Ok(()) if is_wanted => return Ok(None),
            Ok(()) => return Ok(Some(other_locale(server, locale))),
            Err(Failure::Statement(refused)) => refusal = Some(refused),
            Err(lost) => return Err(lost.into()),
        }
    }
    let refusal = refusal.map_or_else(|| "no locale was accepted".to_owned(), |refused| refused.message);
    Err(crate::error::Error::unsupported(format!("the private server could not make a database: {refusal}")))
}

/// Makes database number `number` as a copy of the first one, with which nobody may be connected.
///
/// # Errors
/// The server is lost, or has no room.
pub(super) fn copy(session: &mut WritableSession, number: usize) -> Result<()> {
    let copies_files = session.server_version().major() >= PROVIDERS_SINCE;
    let strategy = if copies_files { " STRATEGY file_copy" } else { "" };
    let sql = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", name(number), name(0));
    session.execute(&sql).map_err(|failure| failure.while_doing("the shadow could not be copied"))
}

fn create_sql(encoding: &str, locale: &str) -> String {
    format!("CREATE DATABASE {} TEMPLATE template0 ENCODING {} {locale}", name(0), quote_literal(encoding))
}

/// The target's own locale as options of CREATE DATABASE; `None` where this version has no such provider.
fn locale_of(server: &Server, major: u32) -> Option<String> {
    let ctype = if server.ctype.is_empty() { &server.collate } else { &server.ctype };
    let libc = format!("LC_COLLATE {} LC_CTYPE {}", quote_literal(&server.collate), quote_literal(ctype));
    let locale = server.icu_locale.as_deref().map(quote_literal);
    match (server.locale_provider, locale) {
        ('i', Some(locale)) if major >= PROVIDERS_SINCE => {
            Some(format!("{libc} LOCALE_PROVIDER icu ICU_LOCALE {locale}"))
        }
        ('b', Some(locale)) if major >= BUILTIN_SINCE => {
            Some(format!("{libc} LOCALE_PROVIDER builtin BUILTIN_LOCALE {locale}"))
        }
        ('i' | 'b', _) => None,
        _ if major >= PROVIDERS_SINCE => Some(format!("{libc} LOCALE_PROVIDER libc")),
        _ => Some(libc),
    }
}

/// What stands in for a locale that this machine lacks, best first. Never C for one that is not: an index would seem to
/// serve LIKE that does not.
fn near_locale(server: &Server, major: u32) -> Vec<String> {
    if is_bytewise(server) {
        return vec!["LC_COLLATE 'C' LC_CTYPE 'C'".to_owned()];
    }
    let language = server.icu_locale.as_deref().unwrap_or(&server.collate);
    let language: String = language.chars().take_while(|c| !matches!(c, '.' | '@')).collect();
    let icu = (major >= PROVIDERS_SINCE
        && language.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
    .then(|| {
        let language = quote_literal(&language.replace('_', "-"));
        format!("LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE {language}")
    });
    let libc = quote_literal(NOT_BYTEWISE);
    icu.into_iter().chain([format!("LC_COLLATE {libc} LC_CTYPE {libc}")]).collect()
}

fn is_bytewise(server: &Server) -> bool {
    matches!(server.collate.as_str(), "C" | "POSIX") && server.locale_provider == 'c'
}

fn other_locale(server: &Server, used: &str) -> Gap {
    let wanted = server.icu_locale.as_deref().unwrap_or(&server.collate);
    let reason = format!(
        "this machine has no locale {wanted} (encoding {}); the shadow uses {used}, so that ranges of texts may be \
         estimated otherwise than on the server. Install the locale for exact plans.",
        server.encoding
    );
    Gap::new("shadow", "locale", reason)
}
