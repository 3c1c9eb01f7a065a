//! INSERT, UPDATE, DELETE and MERGE: the target as a scan that is written, the rest as a query has it.

use super::super::error::{ShapeError, quoted};
use super::super::logic::scans_of;
use super::super::shape::JoinKind;
use super::super::tree::{Alias, Body, Delete, Expr, From, Insert, Item, Merge, SetColumn, Statement, Update};
use super::block::{Block, OuterJoin, Tail};
use super::from::Joined;
use super::scope::{Columns, Env, Output, Scope};
use super::{Done, Resolver};
use crate::sql::parameters::ParameterPlace;

impl<'s> Resolver<'_, 's> {
    /// A statement as block number `block`; the names of what it returns.
    pub(super) fn statement(&mut self, statement: &Statement, env: Env<'_, 's>, block: usize) -> Done<Vec<String>> {
        match statement {
            Statement::Query(query) => {
                let selected = self.query(query, env, block, JoinKind::PerRow)?;
                self.read_outputs(&selected.outputs);
                for scan in selected.whole {
                    self.scans[scan].needs_whole_row = true;
                }
                Ok(names(&selected.outputs))
            }
            Statement::Insert(insert) => self.insert(insert, env, block),
            Statement::Update(update) => self.update(update, env, block),
            Statement::Delete(delete) => self.delete(delete, env, block),
            Statement::Merge(merge) => self.merge_statement(merge, env, block),
        }
    }

    fn insert(&mut self, insert: &Insert, env: Env<'_, 's>, number: usize) -> Done<Vec<String>> {
        let relation = self.find_relation(&insert.path)?;
        let alias = insert.alias.as_ref().map(|name| Alias { name: name.clone(), columns: Vec::new() });
        let mut block = Block::new(number, JoinKind::PerRow);
        let mut scope = Scope::new(env);
        self.relation(relation, alias.as_ref(), &mut scope, &mut block)?;
        let target = self.mark_target(&scope);
        let columns = match insert.columns.as_slice() {
            [] => relation.columns.iter().map(|column| column.name.clone()).collect(),
            named => named.to_vec(),
        };
        for column in &columns {
            if relation.column(column).is_none() {
                return Err(ShapeError::UnknownColumn(quoted(std::slice::from_ref(column))));
            }
        }
        if let Some(source) = &insert.source {
            self.inserted_values(&source.body, relation.oid, &columns);
            let inner = self.new_block();
            let selected = self.query(source, env, inner, JoinKind::PerRow)?;
            self.read_outputs(&selected.outputs);
        }
        if let Some(on_conflict) = &insert.on_conflict {
            let excluded = relation
                .columns
                .iter()
                .map(|column| Output { name: column.name.clone(), expr: Expr::Opaque(column.name.clone()) });
            let outputs = Columns::Outputs(excluded.collect());
            scope.items.push(super::scope::Item { name: "excluded".to_owned(), schema: None, columns: outputs });
            self.set_columns(&on_conflict.set, target, &scope)?;
            if let Some(filter) = &on_conflict.filter {
                let filter = self.expr(filter, &scope)?;
                self.read(&filter);
            }
            scope.items.pop();
        }
        self.returning(&insert.returning, &scope)
    }

    /// Parameters in VALUES stand for values of the columns.
    fn inserted_values(&mut self, body: &Body, relation: crate::pg::Oid, columns: &[String]) {
        let Body::Values(rows) = body else { return };
        for (value, column) in rows.iter().flat_map(|row| row.iter().zip(columns)) {
            self.note(value, ParameterPlace::Inserted { relation, column: column.clone() });
        }
    }

    fn update(&mut self, update: &Update, env: Env<'_, 's>, number: usize) -> Done<Vec<String>> {
        let mut block = Block::new(number, JoinKind::PerRow);
        let mut scope = Scope::new(env);
        let joined = self.from(&update.target, &mut scope, &mut block)?;
        let target = self.mark_target(&scope);
        let joined = self.and_from(&update.from, joined, &mut scope, &mut block)?;
        self.set_columns(&update.set, target, &scope)?;
        if let Some(filter) = &update.filter {
            self.condition(filter, &scope, &mut block, &joined, None)?;
        }
        self.finish(block, Tail::default());
        self.returning(&update.returning, &scope)
    }

    fn delete(&mut self, delete: &Delete, env: Env<'_, 's>, number: usize) -> Done<Vec<String>> {
        let mut block = Block::new(number, JoinKind::PerRow);
        let mut scope = Scope::new(env);
        let joined = self.from(&delete.target, &mut scope, &mut block)?;
        self.mark_target(&scope);
        let joined = self.and_from(&delete.using, joined, &mut scope, &mut block)?;
        if let Some(filter) = &delete.filter {
            self.condition(filter, &scope, &mut block, &joined, None)?;
        }
        self.finish(block, Tail::default());
        self.returning(&delete.returning, &scope)
    }

    fn merge_statement(&mut self, merge: &Merge, env: Env<'_, 's>, number: usize) -> Done<Vec<String>> {
        let mut block = Block::new(number, JoinKind::PerRow);
        let mut scope = Scope::new(env);
        let target_joined = self.from(&merge.target, &mut scope, &mut block)?;
        let target = self.mark_target(&scope);
        let source = self.from(&merge.source, &mut scope, &mut block)?;
        // Source rows without a match are kept where some action is for them, target rows likewise.
        let keeps_source = merge.actions.iter().any(|action| action.is_for_unmatched);
        let keeps_target = merge.actions.iter().any(|action| action.is_for_unmatched_target);
        let join = match (keeps_source, keeps_target) {
            (false, false) => None,
            (true, true) => Some(OuterJoin::new(&source, &target_joined, true)),
            (true, false) => Some(OuterJoin::new(&source, &target_joined, false)),
            (false, true) => Some(OuterJoin::new(&target_joined, &source, false)),
        };
        let join = join.map(|join| block.add_outer_join(join));
        let mut inside = target_joined;
        inside.scans.extend(source.scans);
        inside.outer_joins.extend(source.outer_joins);
        self.condition(&merge.on, &scope, &mut block, &inside, join)?;
        for action in &merge.actions {
            if let Some(condition) = &action.condition {
                let condition = self.expr(condition, &scope)?;
                self.read(&condition);
            }
            self.set_columns(&action.set, target, &scope)?;
            for value in &action.insert_values {
                let value = self.expr(value, &scope)?;
                self.read(&value);
            }
        }
        self.finish(block, Tail::default());
        self.returning(&merge.returning, &scope)
    }

    /// Marks the scan behind the first FROM item as what is changed. Through a view that is its only scan.
    fn mark_target(&mut self, scope: &Scope<'_, 's>) -> Option<usize> {
        let scan = match &scope.items.first()?.columns {
            Columns::Scan { scan, .. } => *scan,
            Columns::Outputs(outputs) => {
                let scans = scans_of(&Expr::Row(outputs.iter().map(|output| output.expr.clone()).collect()));
                scans.first().copied().filter(|_| scans.len() == 1)?
            }
            Columns::Unknown(_) => return None,
        };
        self.scans[scan].is_target = true;
        self.scans[scan].needs_whole_row = true;
        Some(scan)
    }

    fn and_from(
        &mut self,
        items: &[From],
        mut joined: Joined,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        let more = self.join_list(items, scope, block)?;
        joined.scans.extend(more.scans);
        joined.outer_joins.extend(more.outer_joins);
        Ok(joined)
    }

    fn set_columns(&mut self, set: &[SetColumn], target: Option<usize>, scope: &Scope<'_, 's>) -> Done<()> {
        for assignment in set {
            for column in &assignment.columns {
                let found = scope.items.first().and_then(|item| item.column(column, true));
                let Some(found) = found else {
                    return Err(ShapeError::UnknownColumn(quoted(std::slice::from_ref(column))));
                };
                if let (Some(target), Expr::ScanColumn { column, .. }) = (target, found) {
                    self.scans[target].columns_set.insert(column.clone());
                    if assignment.columns.len() == 1 {
                        let relation = self.scans[target].relation;
                        self.note(&assignment.value, ParameterPlace::Set { relation, column });
                    }
                }
            }
            let value = self.expr(&assignment.value, scope)?;
            self.read(&value);
        }
        Ok(())
    }

    fn returning(&mut self, items: &[Item], scope: &Scope<'_, 's>) -> Done<Vec<String>> {
        let (outputs, _) = self.outputs(items, scope)?;
        self.read_outputs(&outputs);
        Ok(names(&outputs))
    }
}

fn names(outputs: &[Output]) -> Vec<String> {
    outputs.iter().map(|output| output.name.clone()).collect()
}
