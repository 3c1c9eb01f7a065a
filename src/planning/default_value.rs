//! A value for a parameter of which nothing but its type is known. Pure.

use jiff::Timestamp;

/// A harmless value of the type `type_sql` (as `format_type` writes it), in the type's text form.
///
/// `now` is the time that the statistics were read: dates and times are neither invented nor different from run to
/// run. `None` for types that pgadvise does not know: enums, composite types, types of extensions.
pub(super) fn default_value(type_sql: &str, now: Timestamp) -> Option<String> {
    if let Some(element_type) = type_sql.strip_suffix("[]") {
        let element = default_value(element_type, now);
        return Some(super::values::array(element.as_deref()));
    }
    let value = match type_sql {
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "oid" | "money" => "1",
        "boolean" => "true",
        "text" | "character varying" | "character" | "name" | "\"char\"" | "bpchar" | "citext" => "x",
        "json" | "jsonb" => "{}",
        "interval" => "7 days",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "inet" | "cidr" => "10.0.0.0/24",
        "macaddr" => "08:00:2b:01:02:03",
        "bytea" => "",
        "bit" | "bit varying" => "1",
        "tsquery" | "tsvector" => "x",
        "regconfig" => "simple",
        "regclass" => "pg_class",
        "jsonpath" => "$",
        "xml" => "<x/>",
        "point" => "0,0",
        "box" => "(1,1),(0,0)",
        "pg_lsn" => "0/0",
        "tid" => "(0,1)",
        "int4range" | "int8range" | "numrange" => "[1,2)",
        "int4multirange" | "int8multirange" | "nummultirange" => "{[1,2)}",
        "timestamp with time zone" | "timestamp without time zone" | "date" => return Some(now.to_string()),
        "time without time zone" | "time with time zone" => "12:00:00+00",
        "tsrange" | "tstzrange" | "daterange" => return Some(range(type_sql, now)),
        _ => return None,
    };
    Some(value.to_owned())
}

/// The hour (or the day) before `now`.
fn range(type_sql: &str, now: Timestamp) -> String {
    let before = if type_sql == "daterange" { 24 * 3600 } else { 3600 };
    let start = Timestamp::from_second(now.as_second() - before).unwrap_or(now);
    format!("[\"{start}\",\"{now}\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_that_of_the_snapshot() {
        let now: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        assert_eq!(default_value("date", now).as_deref(), Some("2026-11-20T18:00:00Z"));
        let hour = default_value("tstzrange", now);
        assert_eq!(hour.as_deref(), Some("[\"2026-11-20T17:00:00Z\",\"2026-11-20T18:00:00Z\")"));
        assert_eq!(default_value("public.mood", now), None);
        assert_eq!(default_value("mood[]", now).as_deref(), Some("{}"));
        assert_eq!(default_value("text[]", now).as_deref(), Some("{\"x\"}"));
    }
}
