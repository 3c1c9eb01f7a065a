//! sqlparser's tree → pgadvise's own (`tree`): statements. Chains that the parser builds as deep left spines (AND, OR,
//! UNION, `||`) are walked in loops; nothing of sqlparser's tree is ever cloned.

mod expression;
mod from;
mod function;
mod query;
mod type_name;

use sqlparser::ast;

use super::tree::{Delete, Insert, Item, Merge, MergeAction, OnConflict, SetColumn, Statement, Update};

pub(super) use expression::expression;

/// A construct that the tree has no place for; the text says which.
pub(super) type Lowered<T> = Result<T, String>;

/// Lowers one statement.
pub(super) fn statement(statement: &ast::Statement) -> Lowered<Statement> {
    match statement {
        ast::Statement::Query(query) => query::query(query).map(Statement::Query),
        ast::Statement::Insert(statement) => insert(statement).map(Statement::Insert),
        ast::Statement::Update(statement) => update(statement).map(Statement::Update),
        ast::Statement::Delete(statement) => delete(statement).map(Statement::Delete),
        ast::Statement::Merge(statement) => merge(statement).map(Statement::Merge),
        _ => Err("not a statement that is planned".to_owned()),
    }
}

fn insert(insert: &ast::Insert) -> Lowered<Insert> {
    let ast::TableObject::TableName(name) = &insert.table else {
        return Err("INSERT into something that is no relation".to_owned());
    };
    let on_conflict = match &insert.on {
        Some(ast::OnInsert::OnConflict(on_conflict)) => Some(conflict(on_conflict)?),
        Some(_) => return Err("ON DUPLICATE KEY is not PostgreSQL".to_owned()),
        None => None,
    };
    Ok(Insert {
        path: path(name)?,
        alias: insert.table_alias.as_ref().map(|alias| name_of(&alias.alias)),
        columns: insert.columns.iter().map(first_name).collect::<Lowered<_>>()?,
        source: insert.source.as_ref().map(|source| query::query(source).map(Box::new)).transpose()?,
        on_conflict,
        returning: returning(insert.returning.as_ref())?,
    })
}

fn conflict(on_conflict: &ast::OnConflict) -> Lowered<OnConflict> {
    match &on_conflict.action {
        ast::OnConflictAction::DoNothing => Ok(OnConflict { set: Vec::new(), filter: None }),
        ast::OnConflictAction::DoUpdate(update) => Ok(OnConflict {
            set: assignments(&update.assignments)?,
            filter: update.selection.as_ref().map(expression).transpose()?,
        }),
    }
}

fn update(update: &ast::Update) -> Lowered<Update> {
    let from = match &update.from {
        Some(ast::UpdateTableFromKind::AfterSet(from) | ast::UpdateTableFromKind::BeforeSet(from)) => from::list(from)?,
        None => Vec::new(),
    };
    Ok(Update {
        target: from::with_joins(&update.table)?,
        set: assignments(&update.assignments)?,
        from,
        filter: update.selection.as_ref().map(expression).transpose()?,
        returning: returning(update.returning.as_ref())?,
    })
}

fn delete(delete: &ast::Delete) -> Lowered<Delete> {
    let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) = &delete.from;
    let [target] = from.as_slice() else {
        return Err("DELETE from other than one relation".to_owned());
    };
    Ok(Delete {
        target: from::with_joins(target)?,
        using: delete.using.as_deref().map(from::list).transpose()?.unwrap_or_default(),
        filter: delete.selection.as_ref().map(expression).transpose()?,
        returning: returning(delete.returning.as_ref())?,
    })
}

fn merge(merge: &ast::Merge) -> Lowered<Merge> {
    let returning = match &merge.output {
        Some(ast::OutputClause::Returning { select_items, .. } | ast::OutputClause::Output { select_items, .. }) => {
            query::items(select_items)?
        }
        None => Vec::new(),
    };
    Ok(Merge {
        target: from::factor(&merge.table)?,
        source: from::factor(&merge.source)?,
        on: expression(&merge.on)?,
        actions: merge.clauses.iter().map(merge_action).collect::<Lowered<_>>()?,
        returning,
    })
}

fn merge_action(clause: &ast::MergeClause) -> Lowered<MergeAction> {
    let kind = &clause.clause_kind;
    let mut action = MergeAction {
        is_for_unmatched: matches!(kind, ast::MergeClauseKind::NotMatched | ast::MergeClauseKind::NotMatchedByTarget),
        is_for_unmatched_target: matches!(kind, ast::MergeClauseKind::NotMatchedBySource),
        condition: clause.predicate.as_ref().map(expression).transpose()?,
        set: Vec::new(),
        insert_columns: Vec::new(),
        insert_values: Vec::new(),
        is_delete: false,
    };
    match &clause.action {
        ast::MergeAction::Insert(insert) => {
            action.insert_columns = insert.columns.iter().map(first_name).collect::<Lowered<_>>()?;
            if let ast::MergeInsertKind::Values(values) = &insert.kind {
                let values = values.rows.iter().flat_map(|row| &row.content);
                action.insert_values = values.map(expression).collect::<Lowered<_>>()?;
            }
        }
        ast::MergeAction::Update(update) => {
            if let ast::MergeUpdateKind::Set(set) = &update.kind {
                action.set = assignments(set)?;
            }
        }
        ast::MergeAction::Delete { .. } => action.is_delete = true,
        ast::MergeAction::DoNothing { .. } => {}
    }
    Ok(action)
}

fn assignments(assignments: &[ast::Assignment]) -> Lowered<Vec<SetColumn>> {
    assignments
        .iter()
        .map(|assignment| {
            let columns = match &assignment.target {
                ast::AssignmentTarget::ColumnName(name) => vec![first_name(name)?],
                ast::AssignmentTarget::Tuple(names) => names.iter().map(first_name).collect::<Lowered<_>>()?,
            };
            Ok(SetColumn { columns, value: expression(&assignment.value)? })
        })
        .collect()
}

fn returning(items: Option<&Vec<ast::SelectItem>>) -> Lowered<Vec<Item>> {
    items.map(|items| query::items(items)).transpose().map(Option::unwrap_or_default)
}

/// A name as PostgreSQL stores it: folded unless quoted.
pub(super) fn name_of(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// A possibly qualified name. A relation that is literally called ONLY, unquoted, is the keyword misread.
pub(super) fn path(name: &ast::ObjectName) -> Lowered<Vec<String>> {
    let path = name
        .0
        .iter()
        .map(|part| match part {
            ast::ObjectNamePart::Identifier(ident) => Ok(name_of(ident)),
            ast::ObjectNamePart::Function(_) => Err("a function call inside a name".to_owned()),
        })
        .collect::<Lowered<Vec<String>>>()?;
    let is_only = matches!(name.0.as_slice(), [ast::ObjectNamePart::Identifier(ident)]
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("only"));
    if is_only {
        return Err("the keyword ONLY was read as a relation".to_owned());
    }
    Ok(path)
}

/// The first part of a target such as `column`, `column.field`.
fn first_name(name: &ast::ObjectName) -> Lowered<String> {
    path(name)?.into_iter().next().ok_or_else(|| "an empty name".to_owned())
}
