//! Collations. Where this machine has no such locale, one that sorts otherwise takes its place, and never C's: byte order
//! would let LIKE use indexes that it cannot use on the target.

use super::step::Step;
use crate::pg::identifier::quote_literal;
use crate::snapshot::schema::Collation;

pub(super) fn step(collation: &Collation) -> Step {
    let name = collation.name.to_string();
    let create = |options: &str| vec![format!("CREATE COLLATION IF NOT EXISTS {name} ({options})")];
    Step::exact("collation", name.clone(), create(&options(collation)))
        .or(create("provider = icu, locale = 'und'"), "another collation, of ICU's root locale, takes its place")
        .or(create("provider = libc, locale = 'C.UTF-8'"), "another collation, C.UTF-8, takes its place")
}

fn options(collation: &Collation) -> String {
    let locale = quote_literal(&collation.locale);
    let mut options = match collation.provider {
        'i' => format!("provider = icu, locale = {locale}"),
        'b' => format!("provider = builtin, locale = {locale}"),
        _ => {
            let ctype = quote_literal(collation.ctype.as_deref().unwrap_or(&collation.locale));
            format!("provider = libc, lc_collate = {locale}, lc_ctype = {ctype}")
        }
    };
    if !collation.is_deterministic {
        options.push_str(", deterministic = false");
    }
    if let Some(rules) = &collation.rules {
        options.push_str(&format!(", rules = {}", quote_literal(rules)));
    }
    options
}
