//! Points in time as queries return them: microseconds since 1970, which need no type of a driver.

use jiff::Timestamp;

use crate::db::{Failure, Row};

/// The time in `column`; `None` for NULL, and for times that have no date in our calendar.
pub(super) fn of_row(row: &Row, column: &str) -> Result<Option<Timestamp>, Failure> {
    let microseconds: Option<i64> = row.optional(column)?;
    Ok(microseconds.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()))
}
