//! FROM: scans, views, subqueries, functions and joins; which of them a condition can restrict.

use std::collections::BTreeSet;

use super::super::error::{ShapeError, quoted};
use super::super::parse;
use super::super::shape::JoinKind;
use super::super::tree::{Alias, Body, Expr, From, Join, JoinCondition, Query, Statement};
use super::block::{Block, OuterJoin};
use super::item::is_pulled_up;
use super::scope::{Columns, CteBinding, Env, Item, Output, Scope};
use super::{Done, Resolver, VIEW_DEPTH_MAX};
use crate::snapshot::{Relation, RelationKind};

/// What a FROM item brings.
#[derive(Debug, Default, Clone)]
pub(super) struct Joined {
    /// The scans in it.
    pub scans: BTreeSet<usize>,
    /// The outer joins in it, by their number in the block.
    pub outer_joins: Vec<usize>,
    /// How many row sources other than scans its rows are joined to; those that only add columns do not count.
    pub n_sources: usize,
}

impl Joined {
    fn and(mut self, other: Self) -> Self {
        self.scans.extend(other.scans);
        self.outer_joins.extend(other.outer_joins);
        self.n_sources += other.n_sources;
        self
    }
}

impl<'s> Resolver<'_, 's> {
    /// A FROM list: the comma joins.
    pub(super) fn join_list(&mut self, items: &[From], scope: &mut Scope<'_, 's>, block: &mut Block) -> Done<Joined> {
        let mut joined = Joined::default();
        for item in items {
            joined = joined.and(self.from(item, scope, block)?);
        }
        Ok(joined)
    }

    /// One FROM item.
    pub(super) fn from(&mut self, item: &From, scope: &mut Scope<'_, 's>, block: &mut Block) -> Done<Joined> {
        match item {
            From::Relation { path, alias, is_sampled } => {
                if let [name] = path.as_slice()
                    && let Some(cte) = scope.env.ctes.and_then(|ctes| ctes.find(name))
                {
                    let alias = alias.clone().unwrap_or_else(|| Alias { name: name.clone(), columns: Vec::new() });
                    return self.cte(&cte.binding, cte.parent, alias, scope, block);
                }
                let relation = self.find_relation(path)?;
                let joined = self.relation(relation, alias.as_ref(), scope, block)?;
                block.sampled.extend(joined.scans.iter().filter(|_| *is_sampled));
                Ok(joined)
            }
            From::Query { is_lateral, query, alias } => {
                let outer = if *is_lateral { None } else { Some(scope.env.outer) };
                self.derived(query, alias.as_ref(), outer, scope.env.ctes, scope, block)
            }
            From::Function { name, args, alias } => {
                for arg in args {
                    let arg = self.expr(arg, scope)?;
                    self.read(&arg);
                }
                let item_name = alias.as_ref().map_or(name, |alias| &alias.name).clone();
                let columns = alias.as_ref().map(|alias| alias.columns.clone()).unwrap_or_default();
                scope.items.push(Item { name: item_name, schema: None, columns: Columns::Unknown(columns) });
                Ok(Joined { n_sources: 1, ..Joined::default() })
            }
            From::Join { left, right, kind, condition, alias } => {
                let start = scope.items.len();
                let joined = self.join(left, right, *kind, condition, scope, block)?;
                if let Some(alias) = alias {
                    let inner: Vec<Item<'s>> = scope.items.drain(start..).collect();
                    let outputs = inner.iter().flat_map(Item::all_columns).collect();
                    scope.items.push(outputs_item(outputs, Some(alias)));
                }
                Ok(joined)
            }
        }
    }

    fn cte(
        &mut self,
        binding: &CteBinding<'_>,
        parent: Option<&super::scope::CteScope<'_>>,
        alias: Alias,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        match binding {
            CteBinding::Inline(query, columns) => {
                let renamed = if alias.columns.is_empty() { columns.clone() } else { alias.columns.clone() };
                let alias = Alias { name: alias.name, columns: renamed };
                let outer = scope.env.outer;
                self.derived(query, Some(&alias), Some(outer), parent, scope, block)
            }
            CteBinding::Stored(names) => {
                let outputs = names.iter().map(|name| Output { name: name.clone(), expr: Expr::Opaque(name.clone()) });
                scope.items.push(outputs_item(outputs.collect(), Some(&alias)));
                Ok(Joined { n_sources: 1, ..Joined::default() })
            }
        }
    }

    /// The relation called `path`.
    pub(super) fn find_relation(&self, path: &[String]) -> Done<&'s Relation> {
        let (schema, name) = match path {
            [name] => (None, name),
            [.., schema, name] => (Some(schema.as_str()), name),
            [] => return Err(ShapeError::UnknownRelation(String::new())),
        };
        if matches!(schema, Some("pg_catalog" | "information_schema")) {
            return Err(ShapeError::SystemRelation(quoted(path)));
        }
        match self.catalog.find(schema, name) {
            Some(relation) => Ok(relation),
            None if schema.is_none() && name.starts_with("pg_") => Err(ShapeError::SystemRelation(quoted(path))),
            None => Err(ShapeError::UnknownRelation(quoted(path))),
        }
    }

    /// A stored relation, or a view as the query that it is.
    pub(super) fn relation(
        &mut self,
        relation: &'s Relation,
        alias: Option<&Alias>,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        if relation.kind == RelationKind::View {
            return self.view(relation, alias, scope, block);
        }
        let name = alias.map_or(&relation.name.name, |alias| &alias.name);
        let scan = self.new_scan(relation.oid, name, block.number);
        block.local.insert(scan);
        scope.items.push(Item {
            name: name.clone(),
            schema: alias.is_none().then(|| relation.name.schema.clone()),
            columns: Columns::Scan {
                scan,
                relation,
                renamed: alias.map(|alias| alias.columns.clone()).unwrap_or_default(),
            },
        });
        Ok(Joined { scans: BTreeSet::from([scan]), ..Joined::default() })
    }

    fn view(
        &mut self,
        view: &'s Relation,
        alias: Option<&Alias>,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        let unreadable = |reason: &str| ShapeError::NotParsed(format!("view {}: {reason}", view.name));
        let definition = view.view_definition.as_deref().ok_or_else(|| unreadable("its definition is not known"))?;
        if self.view_depth >= VIEW_DEPTH_MAX {
            return Err(unreadable("views are nested too deeply"));
        }
        let Statement::Query(query) = parse::parse(definition).map_err(|reason| unreadable(&reason))? else {
            return Err(unreadable("its definition is no query"));
        };
        let mut columns: Vec<String> = view.columns.iter().map(|column| column.name.clone()).collect();
        for (name, given) in columns.iter_mut().zip(alias.iter().flat_map(|alias| &alias.columns)) {
            name.clone_from(given);
        }
        let name = alias.map_or(&view.name.name, |alias| &alias.name).clone();
        self.view_depth += 1;
        let joined = self.derived(&query, Some(&Alias { name, columns }), Some(None), None, scope, block);
        self.view_depth -= 1;
        let joined = joined?;
        if let (None, Some(item)) = (alias, scope.items.last_mut()) {
            item.schema = Some(view.name.schema.clone());
        }
        Ok(joined)
    }

    /// A subquery in FROM. `outer` is what it sees around it; `None` for LATERAL, which sees the items before it.
    fn derived(
        &mut self,
        query: &Query,
        alias: Option<&Alias>,
        outer: Option<Option<&Scope<'_, 's>>>,
        ctes: Option<&super::scope::CteScope<'_>>,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        let env = Env { outer: outer.unwrap_or(Some(&*scope)), ctes, depth: scope.depth + 1 };
        let (outputs, joined) = match (&query.body, is_pulled_up(query)) {
            (Body::Select(select), true) => {
                let mut inner = Scope::new(env);
                let joined = self.join_list(&select.from, &mut inner, block)?;
                if let Some(filter) = &select.filter {
                    self.condition(filter, &inner, block, &joined, None)?;
                }
                (self.outputs(&select.items, &inner)?.0, joined)
            }
            _ => {
                let number = self.new_block();
                let selected = self.query(query, env, number, JoinKind::PerRow)?;
                self.read_outputs(&selected.outputs);
                (selected.fenced(), Joined { n_sources: 1, ..Joined::default() })
            }
        };
        scope.items.push(outputs_item(outputs, alias));
        Ok(joined)
    }

    fn join(
        &mut self,
        left: &From,
        right: &From,
        kind: Join,
        condition: &JoinCondition,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
    ) -> Done<Joined> {
        let start = scope.items.len();
        let left = self.from(left, scope, block)?;
        let middle = scope.items.len();
        let right = self.from(right, scope, block)?;
        let outer_join = match kind {
            Join::Inner => None,
            Join::Left => Some(OuterJoin::new(&left, &right, false)),
            Join::Right => Some(OuterJoin::new(&right, &left, false)),
            Join::Full => Some(OuterJoin::new(&left, &right, true)),
        };
        let outer_join = outer_join.map(|join| block.add_outer_join(join));
        let n_sources = match kind {
            Join::Left => left.n_sources,
            Join::Right => right.n_sources,
            Join::Inner | Join::Full => left.n_sources + right.n_sources,
        };
        let inside = left.and(right);
        match condition {
            JoinCondition::None => {}
            JoinCondition::On(expr) => self.condition(expr, scope, block, &inside, outer_join)?,
            JoinCondition::Using(names) => {
                self.merge(names.clone(), kind, start..middle, scope, block, &inside, outer_join)?;
            }
            JoinCondition::Natural => {
                let names = common_columns(scope, start..middle);
                self.merge(names, kind, start..middle, scope, block, &inside, outer_join)?;
            }
        }
        let mut joined = Joined { n_sources, ..inside };
        joined.outer_joins.extend(outer_join);
        Ok(joined)
    }

    /// USING: an equality for each column, which then is one column.
    #[allow(clippy::too_many_arguments)]
    fn merge(
        &mut self,
        names: Vec<String>,
        kind: Join,
        left_items: std::ops::Range<usize>,
        scope: &mut Scope<'_, 's>,
        block: &mut Block,
        inside: &Joined,
        outer_join: Option<usize>,
    ) -> Done<()> {
        for name in names {
            let unknown = || ShapeError::UnknownColumn(quoted(std::slice::from_ref(&name)));
            let in_items = |items: &[Item<'s>]| items.iter().find_map(|item| item.column(&name, false));
            let merged = scope.merged.iter().position(|(known, _)| *known == name);
            let left = match merged {
                Some(position) => Some(scope.merged[position].1.clone()),
                None => in_items(&scope.items[left_items.clone()]),
            };
            let left = left.ok_or_else(unknown)?;
            let right = in_items(&scope.items[left_items.end..]).ok_or_else(unknown)?;
            let equal = Expr::binary("=", left.clone(), right.clone());
            self.resolved_condition(equal, block, inside, outer_join);
            if let Some(position) = merged {
                scope.merged.remove(position);
            }
            scope.merged.push((name, if kind == Join::Right { right } else { left }));
        }
        Ok(())
    }
}

/// The columns that the items before and after the end of `left` have in common.
fn common_columns(scope: &Scope<'_, '_>, left: std::ops::Range<usize>) -> Vec<String> {
    let names = |items: &[Item<'_>]| -> Vec<String> {
        items.iter().flat_map(Item::all_columns).map(|output| output.name).collect()
    };
    let right = names(&scope.items[left.end..]);
    names(&scope.items[left]).into_iter().filter(|name| right.contains(name)).collect()
}

fn outputs_item<'s>(mut outputs: Vec<Output>, alias: Option<&Alias>) -> Item<'s> {
    for (output, given) in outputs.iter_mut().zip(alias.iter().flat_map(|alias| &alias.columns)) {
        output.name.clone_from(given);
    }
    let name = alias.map(|alias| alias.name.clone()).unwrap_or_default();
    Item { name, schema: None, columns: Columns::Outputs(outputs) }
}
