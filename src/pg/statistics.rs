//! What a statistics object (`CREATE STATISTICS`) is, apart from what ANALYZE finds for it. Sends nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RelationName, quote_identifier};

/// The most columns that one object can have (`STATS_MAX_DIMENSIONS`, statistics.h).
pub const STATISTICS_COLUMNS_MAX: usize = 8;

/// A kind of statistics over several columns, in the order in which the server lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsKind {
    /// How many combinations of values there are.
    Ndistinct,
    /// How far one column's value decides another's.
    Dependencies,
    /// The most common combinations of values.
    Mcv,
}

impl StatisticsKind {
    /// All of them, in that order.
    pub const ALL: [Self; 3] = [Self::Ndistinct, Self::Dependencies, Self::Mcv];

    /// The word for it in `CREATE STATISTICS`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndistinct => "ndistinct",
            Self::Dependencies => "dependencies",
            Self::Mcv => "mcv",
        }
    }

    /// Its letter in `pg_statistic_ext.stxkind`.
    pub fn code(self) -> char {
        match self {
            Self::Ndistinct => 'd',
            Self::Dependencies => 'f',
            Self::Mcv => 'm',
        }
    }
}

/// A statistics object over plain columns. It lives in its relation's schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StatisticsDefinition {
    /// Its name, unquoted, without the schema.
    pub name: String,
    /// The relation.
    pub relation: RelationName,
    /// The columns, 2 to [`STATISTICS_COLUMNS_MAX`].
    pub columns: Vec<String>,
    /// What is gathered.
    pub kinds: Vec<StatisticsKind>,
}

impl StatisticsDefinition {
    /// Its name with the schema, as SQL.
    pub fn qualified_name(&self) -> String {
        RelationName::new(&self.relation.schema, &self.name).to_string()
    }

    /// The statement that makes it.
    pub fn create_sql(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        let columns: Vec<_> = self.columns.iter().map(|column| quote_identifier(column)).collect();
        let (name, relation) = (self.qualified_name(), &self.relation);
        format!("CREATE STATISTICS {name} ({}) ON {} FROM {relation}", kinds.join(", "), columns.join(", "))
    }

    /// The statement that fills it.
    pub fn analyze_sql(&self) -> String {
        format!("ANALYZE {}", self.relation)
    }

    /// The statement that takes it away.
    pub fn drop_sql(&self) -> String {
        format!("DROP STATISTICS {}", self.qualified_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_have_to_be() {
        let definition = StatisticsDefinition {
            name: "Order_user_day_stats".into(),
            relation: RelationName::new("app", "Order"),
            columns: vec!["user".into(), "day".into()],
            kinds: vec![StatisticsKind::Ndistinct, StatisticsKind::Mcv],
        };
        assert_eq!(
            definition.create_sql(),
            "CREATE STATISTICS app.\"Order_user_day_stats\" (ndistinct, mcv) ON \"user\", day FROM app.\"Order\""
        );
        assert_eq!(definition.analyze_sql(), "ANALYZE app.\"Order\"");
        assert_eq!(definition.drop_sql(), "DROP STATISTICS app.\"Order_user_day_stats\"");
    }
}
