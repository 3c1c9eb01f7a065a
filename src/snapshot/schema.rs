//! What the shadow is built from beside relations: schemas, roles, collations, types, functions, sequences, and how
//! relations were declared. Only what planning can see: no triggers' bodies, no comments, no privileges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::{Oid, RelationName};

/// The database's own objects that are no relations, and those of extensions that own objects are made with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Schema {
    /// The schemas but the system's, by name.
    pub schemas: Vec<String>,
    /// The roles that own relations, that policies or statements name, and those that these are members of, by name.
    pub roles: Vec<Role>,
    /// Collations outside the system schema, and those of it that an own column or index uses, by schema and name.
    pub collations: Vec<Collation>,
    /// Types but those of relations, arrays and multiranges, in the order in which they were created.
    pub types: Vec<DataType>,
    /// Functions that expressions can call, in the order in which they were created: own ones, and those of extensions
    /// that something outside the extension depends on. No procedures, no trigger functions.
    pub functions: Vec<Function>,
    /// Sequences, those of identity columns included, by schema and name.
    pub sequences: Vec<RelationName>,
    /// Own operators, in the order in which they were created.
    pub operators: Vec<Operator>,
    /// Own casts, in the order in which they were created.
    pub casts: Vec<Cast>,
    /// Own objects that are not read whole: operator classes and families, languages, access methods, text search
    /// configurations; as `kind name`.
    pub unread: Vec<String>,
}

/// A role: what row level security asks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// `rolname`.
    pub name: String,
    /// `rolsuper`.
    pub is_superuser: bool,
    /// `rolbypassrls`.
    pub bypasses_row_security: bool,
    /// The roles that it is a member of, by name.
    pub memberships: Vec<Membership>,
}

/// A role's membership in another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Membership {
    /// The other role.
    pub role: String,
    /// Whether the other role's rights hold without SET ROLE: the membership's own option from 16 on, before that
    /// `rolinherit` of the member.
    pub inherits: bool,
}

/// A collation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collation {
    /// Its name.
    pub name: RelationName,
    /// `collprovider`: `b` builtin, `c` libc, `i` ICU, `d` the database's.
    pub provider: char,
    /// `collisdeterministic`.
    pub is_deterministic: bool,
    /// `LC_COLLATE` of a libc collation, the locale of another one.
    pub locale: String,
    /// `LC_CTYPE` of a libc collation.
    pub ctype: Option<String>,
    /// `collicurules` (16 and later).
    pub rules: Option<String>,
}

/// A type.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DataType {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// Its name.
    pub name: RelationName,
    /// The extension that it belongs to.
    pub extension: Option<String>,
    /// What it is.
    pub kind: TypeKind,
}

/// What a type is made of. Types within it are as `format_type` prints them, qualified and quoted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    /// Labels in their order.
    Enum(Vec<String>),
    /// A domain.
    Domain(Domain),
    /// The attributes of a composite type that is no relation's.
    Composite(Vec<Attribute>),
    /// A range type.
    Range(Range),
    /// A type whose input and output are written in C.
    Base(BaseType),
}

/// A domain.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Domain {
    /// The type below, with modifiers.
    pub base: String,
    /// The collation, when it is not the type's own.
    pub collation: Option<String>,
    /// `NOT NULL`.
    pub is_not_null: bool,
    /// The default expression.
    pub default: Option<String>,
    /// Check constraints: name and definition (`CHECK (VALUE > 0)`).
    pub checks: Vec<(String, String)>,
}

/// An attribute of a composite type.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type, with modifiers.
    pub type_sql: String,
    /// The collation, when it is not the type's own.
    pub collation: Option<String>,
}

/// A range type. Names are qualified and quoted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The type of the bounds.
    pub subtype: String,
    /// The operator class that orders them, when it is not the default.
    pub opclass: Option<String>,
    /// The collation, when it is not the subtype's own.
    pub collation: Option<String>,
    /// The function that makes equal ranges look equal.
    pub canonical: Option<String>,
    /// The function that measures the distance of two bounds.
    pub difference: Option<String>,
    /// The multirange type's name (14 and later), in the range's own schema or another.
    pub multirange: Option<RelationName>,
}

/// How a base type is stored: enough for a type of the same layout to take its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaseType {
    /// `typlen`: bytes, −1 for variable length, −2 for C strings.
    pub length: i16,
    /// `typbyval`.
    pub is_by_value: bool,
    /// `typalign`: `c`, `s`, `i` or `d`.
    pub alignment: char,
    /// `typstorage`: `p`, `e`, `m` or `x`.
    pub storage: char,
    /// `typcategory`.
    pub category: char,
    /// `typispreferred`.
    pub is_preferred: bool,
    /// Whether it has the collation of strings.
    pub is_collatable: bool,
}

/// A function that an expression can call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Function {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// Its name.
    pub name: RelationName,
    /// `pg_get_function_identity_arguments`.
    pub identity_arguments: String,
    /// `pg_get_function_arguments`: names, types and defaults.
    pub arguments: String,
    /// `pg_get_function_result`; `None` for aggregates.
    pub result: Option<String>,
    /// The extension that it belongs to.
    pub extension: Option<String>,
    /// Function, aggregate or window function.
    pub kind: FunctionKind,
    /// The language's name.
    pub language: String,
    /// `provolatile`: `i`, `s` or `v`.
    pub volatility: char,
    /// `proisstrict`.
    pub is_strict: bool,
    /// `proleakproof`.
    pub is_leakproof: bool,
    /// `proparallel`: `s`, `r` or `u`.
    pub parallel: char,
    /// `procost`.
    pub cost: f64,
    /// `prorows`; 0 when it returns no set.
    pub n_rows: f64,
    /// Whether an argument or the result is a relation's row type, so that the relation has to be there first.
    pub takes_rows: bool,
    /// `pg_get_functiondef`, or `CREATE AGGREGATE …`, where planning can look inside: functions in SQL, which are
    /// inlined, and those that are not VOLATILE, which are evaluated. `None` for all others.
    pub definition: Option<String>,
}

/// `pg_proc.prokind`, of what expressions can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FunctionKind {
    /// `f`
    Function,
    /// `a`
    Aggregate,
    /// `w`
    Window,
}

impl FunctionKind {
    /// From `pg_proc.prokind`; `None` for procedures.
    pub fn from_code(code: char) -> Option<Self> {
        Some(match code {
            'f' => Self::Function,
            'a' => Self::Aggregate,
            'w' => Self::Window,
            _ => return None,
        })
    }
}

/// An operator. Types, functions and operators are named with their schemas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    /// Its schema.
    pub schema: String,
    /// Its name: `===`.
    pub name: String,
    /// The type of the left operand; `None` for prefix operators.
    pub left: Option<String>,
    /// The type of the right operand.
    pub right: String,
    /// What it runs and how it is estimated, as the options of `CREATE OPERATOR`: `FUNCTION = app.same, HASHES`.
    pub options: Vec<String>,
}

/// A cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cast {
    /// The type that is cast.
    pub source: String,
    /// The type that it becomes.
    pub target: String,
    /// `WITH FUNCTION f(t)`, `WITH INOUT` or `WITHOUT FUNCTION`, and `AS IMPLICIT` or `AS ASSIGNMENT`.
    pub method: String,
}

/// How a relation was declared, beyond its columns and constraints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Declaration {
    /// All parents, in the order in which they were inherited from.
    pub parents: Vec<Oid>,
    /// The bounds of a partition: `FOR VALUES FROM (1) TO (10)`.
    pub partition_bound: Option<String>,
    /// Whether row level security binds the owner too.
    pub forces_row_security: bool,
    /// The row level security policies, by name.
    pub policies: Vec<Policy>,
    /// Rewrite rules but a view's own, as `CREATE RULE …`, by name.
    pub rules: Vec<String>,
    /// Events (`INSERT`, `UPDATE`, `DELETE`) that INSTEAD OF triggers of a view handle.
    pub instead_of: Vec<String>,
}

/// A row level security policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Whether it is permissive rather than restrictive.
    pub is_permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// The roles that it applies to; empty for everybody.
    pub roles: Vec<String>,
    /// The `USING` expression.
    pub using: Option<String>,
    /// The `WITH CHECK` expression.
    pub check: Option<String>,
}

/// What a column holds when a statement does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnDefault {
    /// The value of an expression.
    Expression(String),
    /// Always the value of an expression, computed when a row is written.
    Stored(String),
    /// Always the value of an expression, computed when a row is read (18 and later).
    Virtual(String),
    /// The next value of a sequence, which a statement cannot replace.
    IdentityAlways(RelationName),
    /// The next value of a sequence.
    IdentityByDefault(RelationName),
}
