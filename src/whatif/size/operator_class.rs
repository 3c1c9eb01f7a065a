//! Operator classes by name, as index definitions spell them: `public.gist_trgm_ops (siglen='32')`. Knows nothing of what
//! they store.

use crate::pg::IndexColumn;

/// The name without schema and parameters; `None` for the type's default.
pub(super) fn name(key: &IndexColumn) -> Option<&str> {
    let spelled = key.opclass.as_deref()?;
    let qualified = spelled.split([' ', '(']).next().unwrap_or(spelled);
    Some(qualified.rsplit('.').next().unwrap_or(qualified).trim_matches('"'))
}

/// The number that a parameter is set to.
pub(super) fn parameter(key: &IndexColumn, name: &str) -> Option<f64> {
    let (_, parameters) = key.opclass.as_deref()?.split_once('(')?;
    let value = |parameter: &str| {
        let (found, value) = parameter.split_once('=')?;
        (found.trim() == name).then(|| value.trim().trim_matches('\'').parse::<f64>().ok())?
    };
    parameters.trim_end_matches(')').split(',').find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_and_parameters_are_told_from_the_name() {
        let key = |opclass: &str| IndexColumn { opclass: Some(opclass.to_owned()), ..IndexColumn::from("a") };
        assert_eq!(name(&key("jsonb_path_ops")), Some("jsonb_path_ops"));
        let full = key("public.gist_trgm_ops (siglen='32')");
        assert_eq!((name(&full), parameter(&full, "siglen")), (Some("gist_trgm_ops"), Some(32.0)));
        assert_eq!(parameter(&full, "other"), None);
        assert_eq!(name(&IndexColumn::from("a")), None);
    }
}
