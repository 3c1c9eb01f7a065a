//! Which ORM wrote a lookup, by the hand it writes, and what its users call the remedy.

use std::sync::LazyLock;

use regex::Regex;

/// An object-relational mapper whose single-row lookups can be told by their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectMapper {
    ActiveRecord,
    Prisma,
    Django,
    SqlAlchemy,
    Hibernate,
    EntityFramework,
    Ecto,
    Gorm,
    Laravel,
    TypeOrm,
    Sequelize,
}

/// The patterns, most telling first. `$n` stands where pg_stat_statements put it.
static HANDS: LazyLock<Vec<(ObjectMapper, Regex)>> = LazyLock::new(|| {
    [
        (ObjectMapper::Prisma, r#"(?s)^SELECT "[^"]+"\."[^"]+"\."[^"]+".* FROM "[^"]+"\."[^"]+" WHERE \("[^"]+"\."[^"]+"\."[^"]+" = .* AND (1=1|\$\d+=\$\d+)\)"#),
        (ObjectMapper::Prisma, r#"(?s)^SELECT "[^"]+"\."[^"]+"\."[^"]+".* FROM "[^"]+"\."[^"]+" WHERE .* OFFSET \S+"#),
        (ObjectMapper::Hibernate, r"(?s)^select (\w+\d+_\d+)\.\w+.* from \w+ \w+\d+_\d+ where "),
        (ObjectMapper::Hibernate, r"(?s)^select \w+0_\.\w+ as "),
        (ObjectMapper::Ecto, r#"(?s)^SELECT \w\d\."\w+".* FROM "\w+" AS \w\d WHERE \(\w\d\."#),
        (ObjectMapper::EntityFramework, r#"(?s)^SELECT \w+\."\w+".* FROM "\w+" AS \w+\s+WHERE \w+\."#),
        (ObjectMapper::TypeOrm, r#"(?s)^SELECT "\w+"\."\w+" AS "\w+_\w+".* FROM "\w+" "\w+" WHERE "#),
        (ObjectMapper::Sequelize, r#"(?s)^SELECT "\w+"(, "\w+")* FROM "\w+" AS "\w+" WHERE "\w+"\."#),
        (ObjectMapper::Gorm, r#"(?s)^SELECT \* FROM "\w+" WHERE .* ORDER BY "\w+"\."\w+" LIMIT \S+$"#),
        (ObjectMapper::ActiveRecord, r#"(?s)^SELECT\s+"\w+"\.\* FROM "\w+" WHERE "\w+"\."\w+" = "#),
        (ObjectMapper::Laravel, r#"(?s)^select \* from "\w+" where "\w+"\."\w+" = "#),
        (ObjectMapper::SqlAlchemy, r"(?s)^SELECT \w+\.(\w+) AS \w+_\w+.*\s+FROM \w+\s+WHERE "),
        (ObjectMapper::Django, r#"(?s)^SELECT "(\w+_\w+)"\."\w+"(, "\w+_\w+"\."\w+")* FROM "\w+_\w+" WHERE "#),
    ]
    .into_iter()
    .filter_map(|(orm, pattern)| Some((orm, Regex::new(pattern).ok()?)))
    .collect()
});

/// The ORM behind `text`, where its hand shows.
pub(super) fn recognise(text: &str) -> Option<ObjectMapper> {
    let text = text.trim_start();
    HANDS.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(orm, _)| *orm)
}

impl ObjectMapper {
    /// What to do about it, in the ORM's own words.
    pub(super) fn fix(self) -> &'static str {
        match self {
            Self::ActiveRecord => {
                "Load the association with the list: includes(:association), or preload; strict_loading finds the place."
            }
            Self::Prisma => {
                "Load the relation with the list: include or select it, with relationLoadStrategy: 'join' where it is available."
            }
            Self::Django => {
                "Load the relation with the list: select_related() for a foreign key, prefetch_related() for the reverse."
            }
            Self::SqlAlchemy => {
                "Load the relation with the list: selectinload() or joinedload(); raiseload('*') finds the place."
            }
            Self::Hibernate => {
                "Load the relation with the list: join fetch or @EntityGraph; @BatchSize reads several keys at once."
            }
            Self::EntityFramework => {
                "Load the navigation with the list: Include(), with AsSplitQuery() for collections."
            }
            Self::Ecto => "Load the association with the list: Repo.preload/2 on the whole list, or Dataloader.",
            Self::Gorm => "Load the association with the list: Preload(), or Joins() for a belongs-to.",
            Self::Laravel => "Load the relation with the list: with(); Model::preventLazyLoading() finds the place.",
            Self::TypeOrm => "Load the relation with the list: relations, or leftJoinAndSelect().",
            Self::Sequelize => "Load the association with the list: include.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_orms_by_their_hand() {
        for (text, orm) in [
            (r#"SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2"#, Some(ObjectMapper::ActiveRecord)),
            (
                r#"SELECT "public"."User"."id", "public"."User"."name" FROM "public"."User" WHERE ("public"."User"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3"#,
                Some(ObjectMapper::Prisma),
            ),
            (
                r#"SELECT "app_author"."id", "app_author"."name" FROM "app_author" WHERE "app_author"."id" = $1 LIMIT $2"#,
                Some(ObjectMapper::Django),
            ),
            (
                "SELECT authors.id AS authors_id, authors.name AS authors_name \nFROM authors \nWHERE authors.id = $1",
                Some(ObjectMapper::SqlAlchemy),
            ),
            ("select a1_0.id,a1_0.name from authors a1_0 where a1_0.id=$1", Some(ObjectMapper::Hibernate)),
            (
                r#"SELECT a."Id", a."Name" FROM "Authors" AS a WHERE a."Id" = $1 LIMIT $2"#,
                Some(ObjectMapper::EntityFramework),
            ),
            (r#"SELECT a0."id", a0."name" FROM "authors" AS a0 WHERE (a0."id" = $1)"#, Some(ObjectMapper::Ecto)),
            (
                r#"SELECT * FROM "authors" WHERE "authors"."id" = $1 ORDER BY "authors"."id" LIMIT $2"#,
                Some(ObjectMapper::Gorm),
            ),
            (r#"select * from "authors" where "authors"."id" = $1 limit $2"#, Some(ObjectMapper::Laravel)),
            ("SELECT id, name FROM authors WHERE id = $1", None),
        ] {
            assert_eq!(recognise(text), orm, "{text}");
        }
    }
}
