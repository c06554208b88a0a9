//! One SELECT: its clauses in PostgreSQL's order of analysis, its relations in the order of execution.

use super::Analyzer;
use super::clause::Clause;
use super::group::{Groups, same};
use super::order::Sorting;
use super::target::Target;
use crate::error::{Error, Result, SqlState};
use crate::parse::syntax::{self, Distinct, Select};
use crate::tree::visit::{Visitor, walk_relation, walk_window};
use crate::tree::{
    Column, ColumnNumber, Expression, ExpressionKind, FunctionItem, OutputColumn, Query, Relation, SortKey,
};
use crate::types::oid;

/// What DISTINCT asks for, by places of targets.
enum Uniqueness {
    None,
    All,
    On(Vec<usize>),
}

impl Analyzer<'_> {
    /// A SELECT with what surrounds it in its query.
    pub(super) fn select(&mut self, select: &Select, query: &syntax::Query) -> Result<Query> {
        if let Some(into) = &select.into {
            return Err(Error::new(SqlState::SyntaxError, "SELECT ... INTO is not allowed here")
                .at(self.position(into.name.at)));
        }
        let mut relation = self.crossed_entries(&select.from)?;
        self.named_windows(&select.windows)?;
        let mut targets = self.targets(&select.items, Clause::Select)?;
        if let Some(filter) = &select.filter {
            let predicate = self.condition(Clause::Where, filter)?;
            relation = Relation::Filter { input: Box::new(relation), predicate };
        }
        let having = match &select.having {
            Some(having) => Some(self.condition(Clause::Having, having)?),
            None => None,
        };
        let mut sortings = self.sortings(&query.order_by, &mut targets)?;
        let groups = self.groups(select, &targets)?;
        self.scope_mut()?.written_order = sortings.len();
        self.scope_mut()?.written_groups = groups.items.len();
        let uniqueness = self.uniqueness(select, &mut targets, &mut sortings)?;
        let keep_unknown = self.scope()?.keep_unknown && matches!(uniqueness, Uniqueness::None);
        self.resolve_targets(&mut targets, keep_unknown)?;
        if matches!(uniqueness, Uniqueness::All) {
            for target in targets.iter().filter(|target| !target.hidden) {
                self.check_equality(&target.expression)?;
            }
        }
        self.check_locks(select, query)?;
        relation = self.aggregated(relation, select, groups, having, &mut targets)?;
        relation = self.windowed(relation)?;
        relation = self.project_sets(relation)?;
        let (relation, columns) = self.computed(relation, &targets)?;
        self.finish_select(relation, query, &targets, &columns, &sortings, &uniqueness)
    }

    /// DISTINCT over everything needs every sort key shown; DISTINCT ON needs the order to start with its keys.
    fn uniqueness(
        &mut self,
        select: &Select,
        targets: &mut Vec<Target>,
        sortings: &mut Vec<Sorting>,
    ) -> Result<Uniqueness> {
        match &select.distinct {
            Distinct::All => Ok(Uniqueness::None),
            Distinct::Distinct => {
                let hidden =
                    |sorting: &&Sorting| targets.get(sorting.target).is_some_and(|target| target.hidden);
                if let Some(sorting) = sortings.iter().find(hidden) {
                    let position = targets.get(sorting.target).and_then(|target| target.expression.position);
                    let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                    return Err(Error::new(SqlState::InvalidColumnReference, message).at(position));
                }
                Ok(Uniqueness::All)
            }
            Distinct::On(items) => {
                let mut keys = Vec::with_capacity(items.len());
                for item in items {
                    let index = self.find_target(item, targets, Clause::DistinctOn)?;
                    if !keys.contains(&index) {
                        keys.push(index);
                    }
                }
                for sorting in sortings.iter().take(keys.len()) {
                    if !keys.contains(&sorting.target) {
                        let sorted = |key: &usize| sortings.iter().any(|sorting| sorting.target == *key);
                        let stray = keys.iter().position(|key| !sorted(key));
                        let position =
                            stray.and_then(|i| items.get(i)).and_then(|item| self.position(item.at));
                        let message =
                            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                        return Err(Error::new(SqlState::InvalidColumnReference, message).at(position));
                    }
                }
                // Keys that ORDER BY does not name are sorted by after it, as PostgreSQL does.
                for &key in &keys {
                    if !sortings.iter().any(|sorting| sorting.target == key) {
                        sortings.push(Sorting { target: key, descending: false, nulls_first: false });
                    }
                }
                Ok(Uniqueness::On(keys))
            }
        }
    }

    /// Grouping, where there is any: the relation of groups, HAVING above it, and the targets rewritten.
    fn aggregated(
        &mut self,
        input: Relation,
        select: &Select,
        mut groups: Groups,
        mut having: Option<Expression>,
        targets: &mut [Target],
    ) -> Result<Relation> {
        let scope = self.scope()?;
        let grouped = !select.group_by.is_empty()
            || having.is_some()
            || !scope.aggregates.is_empty()
            || !scope.grouping.is_empty();
        if !grouped {
            return Ok(input);
        }
        for target in targets {
            self.above_groups(&mut target.expression, &mut groups)?;
        }
        if let Some(having) = &mut having {
            self.above_groups(having, &mut groups)?;
        }
        self.windows_above_groups(&mut groups)?;
        let mut sets = std::mem::take(&mut self.scope_mut()?.sets);
        // The placeholders of sets must stay known while the calls behind them are rewritten.
        self.scope_mut()?.sets.clone_from(&sets);
        for item in &mut sets {
            self.above_groups(&mut item.call, &mut groups)?;
        }
        self.scope_mut()?.sets = sets;
        let relation = self.aggregate_relation(input, groups)?;
        Ok(match having {
            Some(predicate) => Relation::Filter { input: Box::new(relation), predicate },
            None => relation,
        })
    }

    fn windows_above_groups(&mut self, groups: &mut Groups) -> Result<()> {
        struct Collect(Vec<Expression>);
        impl Visitor for Collect {
            fn expression(&mut self, expression: &mut Expression) -> bool {
                self.0.push(expression.clone());
                false
            }
        }
        struct Replace(std::vec::IntoIter<Expression>);
        impl Visitor for Replace {
            fn expression(&mut self, expression: &mut Expression) -> bool {
                if let Some(next) = self.0.next() {
                    *expression = next;
                }
                false
            }
        }
        let mut calls = self.scope()?.window_calls.clone();
        for (_, call) in &mut calls {
            let mut collect = Collect(Vec::new());
            walk_window(call, &mut collect);
            let mut parts = collect.0;
            for part in &mut parts {
                self.above_groups(part, groups)?;
            }
            walk_window(call, &mut Replace(parts.into_iter()));
        }
        self.scope_mut()?.window_calls = calls;
        Ok(())
    }

    fn windowed(&mut self, input: Relation) -> Result<Relation> {
        let calls = std::mem::take(&mut self.scope_mut()?.window_calls);
        if calls.is_empty() {
            return Ok(input);
        }
        Ok(Relation::Window { input: Box::new(input), calls })
    }

    /// Set-returning calls of the select list: those at one depth run in lockstep, inner ones below.
    fn project_sets(&mut self, mut input: Relation) -> Result<Relation> {
        let mut waiting = std::mem::take(&mut self.scope_mut()?.sets);
        while !waiting.is_empty() {
            let produced: Vec<ColumnNumber> =
                waiting.iter().flat_map(|item| &item.columns).map(|column| column.number).collect();
            let reads = |item: &FunctionItem| {
                super::group::columns_of(&item.call).iter().any(|number| produced.contains(number))
            };
            let (later, now): (Vec<_>, Vec<_>) = waiting.into_iter().partition(reads);
            if now.is_empty() {
                return Err(Error::internal("set-returning calls that wait for each other"));
            }
            input = Relation::ProjectSet { input: Box::new(input), items: now };
            waiting = later;
        }
        Ok(input)
    }

    /// Gives every target a number: its own column's, or that of a computed one.
    fn computed(&mut self, input: Relation, targets: &[Target]) -> Result<(Relation, Vec<Column>)> {
        let id = self.scope()?.id;
        let mut columns: Vec<Column> = Vec::with_capacity(targets.len());
        let mut items: Vec<(ColumnNumber, Expression)> = Vec::new();
        // Literals whose type the context gives may come to different ones.
        let shareable = |known: &Expression| known.ty.oid != oid::UNKNOWN && is_repeatable(known);
        for target in targets {
            let expression = &target.expression;
            let number = match expression.kind {
                ExpressionKind::Column(number) if self.owner(number) == id => number,
                _ => match items.iter().find(|(_, known)| shareable(known) && same(known, expression)) {
                    Some((number, _)) => *number,
                    None => {
                        let number = self.new_column();
                        self.keep_shape(number, expression);
                        items.push((number, expression.clone()));
                        number
                    }
                },
            };
            columns.push(Column { number, ty: expression.ty, collation: expression.collation });
        }
        let relation = match items.is_empty() {
            true => input,
            false => Relation::Extend { input: Box::new(input), items },
        };
        Ok((relation, columns))
    }

    fn finish_select(
        &mut self,
        mut relation: Relation,
        query: &syntax::Query,
        targets: &[Target],
        columns: &[Column],
        sortings: &[Sorting],
        uniqueness: &Uniqueness,
    ) -> Result<Query> {
        let keys = self.sort_keys(columns, targets, sortings)?;
        let shown: Vec<Column> = targets
            .iter()
            .zip(columns)
            .filter(|(target, _)| !target.hidden)
            .map(|(_, column)| column.clone())
            .collect();
        if let Uniqueness::All = uniqueness {
            let mut distinct: Vec<Column> = Vec::with_capacity(shown.len());
            for column in &shown {
                if !distinct.iter().any(|known| known.number == column.number) {
                    distinct.push(column.clone());
                }
            }
            relation = Relation::Distinct { input: Box::new(relation), columns: distinct, on: false };
        }
        if !keys.is_empty() {
            relation = Relation::Sort { input: Box::new(relation), keys: keys.clone() };
        }
        if let Uniqueness::On(indexes) = uniqueness {
            let on: Vec<Column> = indexes.iter().filter_map(|index| columns.get(*index)).cloned().collect();
            relation = Relation::Distinct { input: Box::new(relation), columns: on, on: true };
        }
        relation = self.locked(relation, &query.locks)?;
        relation = self.limited(relation, query.limit.as_ref(), query.offset.as_ref(), &keys)?;
        let visible = targets.iter().filter(|target| !target.hidden).zip(&shown);
        let output = visible
            .map(|(target, column)| OutputColumn {
                column: column.number,
                name: target.name.clone(),
                ty: column.ty,
                collation: column.collation,
                origin: target.origin,
            })
            .collect();
        let shape = self.level_shape()?;
        Ok(Query { common: Vec::new(), relation, output, shape })
    }

    /// ORDER BY and LIMIT over VALUES.
    pub(super) fn finish_values(
        &mut self,
        relation: Relation,
        query: &syntax::Query,
        targets: &[Target],
        sortings: &[Sorting],
    ) -> Result<Query> {
        let (relation, columns) = self.computed(relation, targets)?;
        self.finish_select(relation, query, targets, &columns, sortings, &Uniqueness::None)
    }

    fn sort_keys(
        &self,
        columns: &[Column],
        targets: &[Target],
        sortings: &[Sorting],
    ) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(sortings.len());
        for sorting in sortings {
            let (Some(column), Some(target)) = (columns.get(sorting.target), targets.get(sorting.target))
            else {
                return Err(Error::internal("a sort key without its target"));
            };
            let mut expression = super::item::column_expression(column);
            expression.position = target.expression.position;
            let (descending, nulls_first) = (sorting.descending, sorting.nulls_first);
            keys.push(SortKey { expression, descending, nulls_first });
        }
        Ok(keys)
    }

    /// FOR UPDATE and its kin do not go with rows that are no table's rows any more.
    fn check_locks(&self, select: &Select, query: &syntax::Query) -> Result<()> {
        let Some(lock) = query.locks.first() else { return Ok(()) };
        let scope = self.scope()?;
        let complaint = match () {
            () if !matches!(select.distinct, Distinct::All) => "DISTINCT clause",
            () if !select.group_by.is_empty() => "GROUP BY clause",
            () if select.having.is_some() => "HAVING clause",
            () if !scope.aggregates.is_empty() => "aggregate functions",
            () if !scope.window_calls.is_empty() => "window functions",
            () if !scope.sets.is_empty() => "set-returning functions in the target list",
            () => return Ok(()),
        };
        let message = format!("{} is not allowed with {complaint}", lock_name(lock.strength));
        Err(Error::new(SqlState::FeatureNotSupported, message))
    }

    /// The row locks of a query, over the tables of its FROM.
    fn locked(&mut self, input: Relation, locks: &[syntax::LockClause]) -> Result<Relation> {
        if locks.is_empty() {
            return Ok(input);
        }
        let mut clauses = Vec::new();
        for lock in locks {
            let items = self.scope()?.items.clone();
            let named = lock.of.iter().map(|name| {
                let found = items.iter().find(|item| item.name_visible && item.name == name.name());
                found.cloned().ok_or_else(|| {
                    let clause = lock_name(lock.strength);
                    let message =
                        format!("relation \"{}\" in {clause} clause not found in FROM clause", name.name());
                    Error::new(SqlState::UndefinedTable, message).at(self.position(name.at))
                })
            });
            let chosen: Vec<_> = match lock.of.is_empty() {
                true => items.iter().filter(|item| item.lockable.is_some()).cloned().collect(),
                false => named.collect::<Result<_>>()?,
            };
            for item in chosen {
                let Some(handle) = item.lockable else {
                    let message =
                        format!("{} cannot be applied to \"{}\"", lock_name(lock.strength), item.name);
                    return Err(Error::new(SqlState::FeatureNotSupported, message)
                        .at(lock.of.first().and_then(|name| self.position(name.at))));
                };
                self.refuse_lock_in_past(&input, item.table, handle)?;
                self.used.insert(handle);
                let (strength, wait) = (lock.strength, lock.wait);
                clauses.push(crate::tree::RowLockClause { table: item.table, handle, strength, wait });
            }
        }
        if clauses.is_empty() {
            return Ok(input);
        }
        Ok(Relation::LockRows { input: Box::new(input), clauses })
    }

    /// Rows of the past cannot be locked.
    fn refuse_lock_in_past(&self, input: &Relation, table: u32, handle: ColumnNumber) -> Result<()> {
        struct Find {
            handle: ColumnNumber,
            past: bool,
        }
        impl Visitor for Find {
            fn relation(&mut self, relation: &mut Relation) -> bool {
                if let Relation::Table(scan) = relation {
                    self.past |=
                        scan.time.is_some() && scan.columns.iter().any(|column| column.number == self.handle);
                }
                true
            }
        }
        let mut find = Find { handle, past: false };
        walk_relation(&mut input.clone(), &mut find);
        let name = self.environment.catalog.relation(self.environment.database, table);
        match find.past {
            true => Err(Error::new(
                SqlState::FeatureNotSupported,
                format!(
                    "rows of \"{}\" in the past cannot be locked",
                    name.map_or("?", |table| table.name.as_str())
                ),
            )),
            false => Ok(()),
        }
    }
}

fn lock_name(strength: crate::tree::LockStrength) -> &'static str {
    match strength {
        crate::tree::LockStrength::KeyShare => "FOR KEY SHARE",
        crate::tree::LockStrength::Share => "FOR SHARE",
        crate::tree::LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        crate::tree::LockStrength::Update => "FOR UPDATE",
    }
}

/// Whether computing an expression once for two columns changes nothing.
pub(super) fn is_repeatable(expression: &Expression) -> bool {
    struct Search(bool);
    impl Visitor for Search {
        fn expression(&mut self, expression: &mut Expression) -> bool {
            match &expression.kind {
                ExpressionKind::Call { function, .. } => {
                    let row = catalog::builtin::function_by_oid(*function);
                    self.0 &= row.is_some_and(|row| row.volatility != catalog::builtin::Volatility::Volatile);
                }
                ExpressionKind::Subquery(_) => self.0 = false,
                _ => {}
            }
            self.0
        }
    }
    let mut search = Search(true);
    crate::tree::visit::walk_expression(&mut expression.clone(), &mut search);
    search.0
}
