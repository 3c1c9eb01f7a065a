//! The operator classes of GIN and GiST in PostgreSQL and its contrib modules: which operators of which types each of
//! them answers. Knows nothing of statements, and chooses among several only by what they answer.

use crate::pg::{AccessMethod, IndexColumn, IndexDefinition, IndexTarget, quote_identifier};
use crate::snapshot::{Relation, Server};
use crate::sql;

/// What can be told of a type by the names in `pg_type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueType {
    /// `typname`: `jsonb`, `_text`, `tstzrange`.
    pub name: String,
    /// `typcategory`; `None` for what an expression returns.
    category: Option<char>,
}

/// The types that an operator class is for.
#[derive(Debug, Clone, Copy)]
enum Of {
    Named(&'static [&'static str]),
    Arrays,
    Ranges,
    Multiranges,
    /// What has a btree operator class and is compared as a whole.
    Scalars,
}

/// The access methods that the classes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Gin,
    Gist,
}

/// An operator class.
#[derive(Debug, Clone, Copy)]
pub struct OperatorClass {
    method: Method,
    /// `opcname`.
    name: &'static str,
    /// Whether it need not be named for any of its types.
    is_default: bool,
    of: Of,
    /// The extension that brings it.
    pub extension: Option<&'static str>,
    /// The operators that it answers, with the column on the left.
    operators: &'static [&'static str],
    /// The distances by which it returns rows in order.
    distances: &'static [&'static str],
}

/// How an index definition spells an operator class, or why it cannot have it.
pub type Spelling = Result<Option<String>, String>;

const TEXTS: Of = Of::Named(&["text", "varchar"]);
const BOXES: &[&str] = &["&&", "@>", "<@", "<<", ">>", "&<", "&>", "~=", "|>>", "<<|", "|&>", "&<|"];
const RANGES: &[&str] = &["&&", "@>", "<@", "<<", ">>", "&<", "&>", "-|-"];
const TRIGRAMS: &[&str] = &[PATTERN, "%", "%>", "%>>"];

/// What stands for `LIKE`, `ILIKE`, `~` and `~*`, which the trigram classes answer alike.
pub const PATTERN: &str = "~~";

const GIN: Method = Method::Gin;
const GIST: Method = Method::Gist;

const fn class(method: Method, name: &'static str, of: Of, operators: &'static [&'static str]) -> OperatorClass {
    OperatorClass { method, name, is_default: true, of, extension: None, operators, distances: &[] }
}

const fn of_extension(extension: &'static str, class: OperatorClass) -> OperatorClass {
    OperatorClass { extension: Some(extension), ..class }
}

const fn named(class: OperatorClass) -> OperatorClass {
    OperatorClass { is_default: false, ..class }
}

const fn nearest(distances: &'static [&'static str], class: OperatorClass) -> OperatorClass {
    OperatorClass { distances, ..class }
}

/// As `pg_amop` and `pg_opclass` have them in versions 13 to 18 (multiranges from 14 on). Where two classes of one
/// access method answer the same, the earlier one is smaller or faster.
static CLASSES: [OperatorClass; 20] = [
    class(GIN, "array_ops", Of::Arrays, &["&&", "@>", "<@"]),
    named(of_extension("intarray", class(GIN, "gin__int_ops", Of::Named(&["_int4"]), &["&&", "@>", "<@", "@@"]))),
    class(GIN, "tsvector_ops", Of::Named(&["tsvector"]), &["@@", "@@@"]),
    named(class(GIN, "jsonb_path_ops", Of::Named(&["jsonb"]), &["@>", "@?", "@@"])),
    class(GIN, "jsonb_ops", Of::Named(&["jsonb"]), &["@>", "@?", "@@", "?", "?|", "?&"]),
    of_extension("hstore", class(GIN, "gin_hstore_ops", Of::Named(&["hstore"]), &["@>", "?", "?|", "?&"])),
    named(of_extension("pg_trgm", class(GIN, "gin_trgm_ops", TEXTS, TRIGRAMS))),
    class(GIST, "range_ops", Of::Ranges, RANGES),
    class(GIST, "multirange_ops", Of::Multiranges, RANGES),
    nearest(
        &["<->"],
        class(GIST, "point_ops", Of::Named(&["point"]), &["<@", "<<", ">>", "~=", "<<|", "|>>", "<^", ">^"]),
    ),
    nearest(&["<->"], class(GIST, "box_ops", Of::Named(&["box"]), BOXES)),
    nearest(&["<->"], class(GIST, "poly_ops", Of::Named(&["polygon"]), BOXES)),
    nearest(&["<->"], class(GIST, "circle_ops", Of::Named(&["circle"]), BOXES)),
    named(class(GIST, "inet_ops", Of::Named(&["inet", "cidr"]), &["&&", ">>", ">>=", "<<", "<<="])),
    of_extension("ltree", class(GIST, "gist_ltree_ops", Of::Named(&["ltree"]), &["@>", "<@", "~", "@", "?"])),
    of_extension("ltree", class(GIST, "gist__ltree_ops", Of::Named(&["_ltree"]), &["<@", "~", "@", "?"])),
    nearest(
        &["<->", "<#>", "<=>", "~>"],
        of_extension("cube", class(GIST, "gist_cube_ops", Of::Named(&["cube"]), &["&&", "@>", "<@"])),
    ),
    nearest(&["<->", "<->>", "<->>>"], named(of_extension("pg_trgm", class(GIST, "gist_trgm_ops", TEXTS, TRIGRAMS)))),
    nearest(&["<->"], of_extension("btree_gist", class(GIST, "gist_scalar_ops", Of::Scalars, &["="]))),
    of_extension("btree_gin", class(GIN, "scalar_ops", Of::Scalars, &["="])),
];

/// Types of which btree_gist and btree_gin both have the values in order.
#[rustfmt::skip]
const SCALARS: &[&str] = &[
    "int2", "int4", "int8", "float4", "float8", "numeric", "money", "oid", "text", "varchar", "bpchar", "bytea", "uuid",
    "date", "time", "timetz", "timestamp", "timestamptz", "interval", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit",
];

impl ValueType {
    /// The type of `target`; `None` when it cannot be told.
    pub fn of(relation: &Relation, target: &IndexTarget) -> Option<Self> {
        match target {
            IndexTarget::Column(name) => {
                let base_type = &relation.column(name)?.base_type;
                Some(Self { name: base_type.name.clone(), category: Some(base_type.category) })
            }
            IndexTarget::Expression(sql) => {
                Some(Self { name: sql::type_of_expression(sql, relation)?, category: None })
            }
        }
    }

    /// Whether its values are compared as a whole, and in an order.
    pub fn is_scalar(&self) -> bool {
        Of::Scalars.includes(self)
    }

    fn is_range(&self) -> bool {
        match self.category {
            Some(category) => category == 'R' && !self.name.ends_with("multirange"),
            None => self.name.ends_with("range") && !self.name.ends_with("multirange"),
        }
    }
}

impl Of {
    fn includes(self, value: &ValueType) -> bool {
        match self {
            Self::Named(names) => names.contains(&value.name.as_str()),
            Self::Arrays => value.name.starts_with('_') && value.category.is_none_or(|category| category == 'A'),
            Self::Ranges => value.is_range(),
            Self::Multiranges => value.name.ends_with("multirange") && value.category.is_none_or(|c| c == 'R'),
            Self::Scalars => SCALARS.contains(&value.name.as_str()) || value.category == Some('E'),
        }
    }
}

impl OperatorClass {
    /// The access method.
    pub fn access_method(&self) -> AccessMethod {
        match self.method {
            Method::Gin => AccessMethod::Gin,
            Method::Gist => AccessMethod::Gist,
        }
    }

    /// How the key of a definition names it on `server`: not at all where it is the default, with the schema that its
    /// extension is in.
    ///
    /// # Errors
    /// Why `server` does not have it.
    pub fn spelling(&self, server: &Server) -> Spelling {
        let Some(name) = self.extension else {
            return Ok((!self.is_default).then(|| self.name.to_owned()));
        };
        match server.extension(name) {
            Some(_) if self.is_default => Ok(None),
            Some(extension) => Ok(Some(format!("{}.{}", quote_identifier(&extension.schema), self.name))),
            None if server.available_extensions.iter().any(|available| available == name) => Err(format!(
                "extension {name} is not created in the database: run CREATE EXTENSION {name}, then analyse again"
            )),
            None => Err(format!("extension {name} is not available on the server")),
        }
    }

    /// An index on `target` by a class that the server does not have.
    pub fn without_schema(&self, target: &IndexTarget) -> IndexDefinition {
        let opclass = (!self.is_default).then(|| self.name.to_owned());
        let key = IndexColumn { opclass, ..IndexColumn::ascending(target.clone()) };
        IndexDefinition { access_method: self.access_method(), ..IndexDefinition::btree([key]) }
    }

    /// How many of `operators` it answers.
    pub fn n_answered(&self, operators: &[&str]) -> usize {
        operators.iter().filter(|operator| self.operators.contains(operator)).count()
    }

    /// Whether it is one for scalars, which serve beside a column of the access method's own kind and not alone.
    pub fn is_for_scalars(&self) -> bool {
        matches!(self.of, Of::Scalars)
    }
}

/// The classes of `access_method` for the type that answer any of `operators`.
pub fn answering<'c>(access_method: &AccessMethod, value: &ValueType, operators: &[&str]) -> Vec<&'c OperatorClass> {
    let answers = |class: &&OperatorClass| {
        class.access_method() == *access_method && class.of.includes(value) && class.n_answered(operators) > 0
    };
    CLASSES.iter().filter(answers).collect()
}

/// The GiST class for the type that returns rows by the distance that `operator` measures.
pub fn ordering(value: &ValueType, operator: &str) -> Option<&'static OperatorClass> {
    CLASSES.iter().find(|class| class.of.includes(value) && class.distances.contains(&operator))
}

/// The class of `access_method` by which a scalar stands beside another key.
pub fn beside(access_method: &AccessMethod, value: &ValueType) -> Option<&'static OperatorClass> {
    CLASSES
        .iter()
        .find(|class| class.access_method() == *access_method && class.is_for_scalars() && class.of.includes(value))
}
