//! Rows of an answer and the types that cross the wire. Runs nothing.

use tokio_postgres::types::{self, IsNull, Type};

use super::server_error::Failure;
use crate::error::Error;
use crate::pg::{Oid, QueryId};

pub use tokio_postgres::types::FromSql;

/// A value that can be sent as a parameter, with the type that it is sent as: unnamed statements need it beforehand.
pub trait ToSql: types::ToSql {
    /// The type of `$n` where this is the n-th parameter.
    fn sql_type(&self) -> Type;
}

macro_rules! parameter_types {
    ($($rust:ty => $sql:ident),+ $(,)?) => {$(
        impl ToSql for $rust {
            fn sql_type(&self) -> Type {
                Type::$sql
            }
        }
        impl ToSql for Option<$rust> {
            fn sql_type(&self) -> Type {
                Type::$sql
            }
        }
    )+};
}

parameter_types! {
    bool => BOOL, i16 => INT2, i32 => INT4, i64 => INT8, u32 => OID, f32 => FLOAT4, f64 => FLOAT8, String => TEXT,
    &str => TEXT, Vec<u8> => BYTEA, Vec<String> => TEXT_ARRAY, Vec<&str> => TEXT_ARRAY, Vec<i16> => INT2_ARRAY, Vec<i32> => INT4_ARRAY,
    Vec<i64> => INT8_ARRAY, Vec<u32> => OID_ARRAY, Vec<f64> => FLOAT8_ARRAY, Vec<Option<String>> => TEXT_ARRAY,
    Oid => OID, QueryId => INT8, Vec<Oid> => OID_ARRAY, Vec<QueryId> => INT8_ARRAY,
    &[i64] => INT8_ARRAY, &[u32] => OID_ARRAY, &[&str] => TEXT_ARRAY, &[String] => TEXT_ARRAY, &[Oid] => OID_ARRAY, &[QueryId] => INT8_ARRAY,
}

/// Passes a newtype over the wire as the number inside it.
macro_rules! as_number {
    ($newtype:ident, $number:ty) => {
        impl types::ToSql for $newtype {
            fn to_sql(
                &self,
                sql_type: &Type,
                out: &mut types::private::BytesMut,
            ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
                types::ToSql::to_sql(&self.0, sql_type, out)
            }

            fn accepts(sql_type: &Type) -> bool {
                <$number as types::ToSql>::accepts(sql_type)
            }

            types::to_sql_checked!();
        }

        impl<'a> FromSql<'a> for $newtype {
            fn from_sql(sql_type: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
                <$number as FromSql>::from_sql(sql_type, raw).map(Self)
            }

            fn accepts(sql_type: &Type) -> bool {
                <$number as FromSql>::accepts(sql_type)
            }
        }
    };
}

as_number!(Oid, u32);
as_number!(QueryId, i64);

/// A value as text whose type the server infers from where it stands, as it does for a quoted literal.
#[derive(Debug, Clone, Copy)]
pub struct Untyped<'a>(pub &'a str);

impl types::ToSql for Untyped<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> types::Format {
        types::Format::Text
    }

    types::to_sql_checked!();
}

impl ToSql for Untyped<'_> {
    fn sql_type(&self) -> Type {
        Type::UNKNOWN
    }
}

/// The text of a plan, whatever type EXPLAIN gives its column: `json` or `text`.
pub(super) struct PlanText(pub(super) String);

impl<'a> FromSql<'a> for PlanText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(sql_type: &Type) -> bool {
        matches!(*sql_type, Type::JSON | Type::TEXT)
    }
}

/// Text of a database whose encoding nobody guarantees.
struct LossyText(String);

impl<'a> FromSql<'a> for LossyText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(sql_type: &Type) -> bool {
        <String as FromSql>::accepts(sql_type)
    }
}

/// One row of an answer.
#[derive(Debug)]
pub struct Row {
    row: tokio_postgres::Row,
    query: &'static str,
}

impl Row {
    pub(super) fn new(row: tokio_postgres::Row, query: &'static str) -> Self {
        Self { row, query }
    }

    /// The value of `column`.
    ///
    /// # Errors
    /// The query has no such column, the value is NULL and `T` is not an `Option`, or the type differs: all of them
    /// defects of the query, told as an internal error that names query and column.
    pub fn get<'r, T: FromSql<'r>>(&'r self, column: &str) -> Result<T, Failure> {
        self.row.try_get(column).map_err(|error| {
            let cause = super::server_error::cause(&error);
            Error::internal(format!("reading {}: column \"{column}\": {cause}", self.query)).into()
        })
    }

    /// The value of `column`, `None` for NULL.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn optional<'r, T: FromSql<'r>>(&'r self, column: &str) -> Result<Option<T>, Failure> {
        self.get(column)
    }

    /// The text of `column`. Bytes that are not valid UTF-8 become U+FFFD: a database of encoding SQL_ASCII sends such,
    /// to clients that ask for that encoding.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn text(&self, column: &str) -> Result<String, Failure> {
        self.get::<LossyText>(column).map(|text| text.0)
    }

    /// As [`Row::text`], `None` for NULL.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn optional_text(&self, column: &str) -> Result<Option<String>, Failure> {
        Ok(self.get::<Option<LossyText>>(column)?.map(|text| text.0))
    }

    /// The texts of `column`, an array. Otherwise as [`Row::text`].
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn texts(&self, column: &str) -> Result<Vec<String>, Failure> {
        Ok(self.get::<Vec<LossyText>>(column)?.into_iter().map(|text| text.0).collect())
    }

    /// How many columns there are.
    pub fn n_columns(&self) -> usize {
        self.row.len()
    }

    /// The first column, for answers of one column.
    pub(super) fn first<'r, T: FromSql<'r>>(&'r self) -> Result<T, Failure> {
        self.row.try_get(0).map_err(|error| {
            let cause = super::server_error::cause(&error);
            Error::internal(format!("reading {}: {cause}", self.query)).into()
        })
    }
}
