//! Whether what a statement reads and changes is one instance's. Of each SELECT, UPDATE and DELETE, every table that has an `instance_id`
//! must have it compared with a value that is given, or with the `instance_id` of a table for which that is so.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, ConflictTarget, Delete, Expr, FromTable, InTarget, Insert, JoinConstraint, JoinOperator, OnConflictAction, OnInsert,
    Query, Select, Statement, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind, Value, Visit, Visitor,
};

use super::tables::bare_name;

const INSTANCE: &str = "instance_id";

/// A name that columns may be led by.
#[derive(Debug)]
struct Relation {
    alias: String,
    table: String,
    kind: RelationKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RelationKind {
    /// It has an `instance_id`.
    OfInstances,
    /// `instances`, whose id is an `instance_id`.
    Instances,
    /// A subquery or what WITH names, whose own tables must be bound. Also the row of an INSERT.
    Derived,
    /// A table of no instance.
    Other,
}

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// The `instance_id` of a relation of this scope.
    Relation(usize),
    /// A value that is given: a parameter, or what a scope around this one is bound to.
    Given,
}

type Equality = (Side, Side);

/// The relations of a SELECT, UPDATE or DELETE.
#[derive(Debug, Default)]
struct QueryScope {
    relations: Vec<Relation>,
    /// What is equal, with the relations for which it holds; none: for all.
    equalities: Vec<(Equality, Option<BTreeSet<usize>>)>,
}

impl QueryScope {
    /// Relations that aren't bound.
    fn unbound(&self) -> impl Iterator<Item = &Relation> {
        let is_derived = |(index, relation): (usize, &Relation)| (relation.kind == RelationKind::Derived).then_some(index);
        let mut bound: BTreeSet<usize> = self.relations.iter().enumerate().filter_map(is_derived).collect();
        loop {
            let before = bound.len();
            for ((one, other), may_bind) in &self.equalities {
                for (from, to) in [(one, other), (other, one)] {
                    let is_bound = matches!(from, Side::Given) || matches!(from, Side::Relation(index) if bound.contains(index));
                    if let (true, Side::Relation(to)) = (is_bound, to)
                        && may_bind.as_ref().is_none_or(|may| may.contains(to))
                    {
                        bound.insert(*to);
                    }
                }
            }
            if bound.len() == before {
                break;
            }
        }
        let relations = self.relations.iter().enumerate();
        relations.filter(move |(index, one)| one.kind == RelationKind::OfInstances && !bound.contains(index)).map(|(_, one)| one)
    }

    /// The relation that a column without a name before it is of.
    fn only(&self, kinds: &[RelationKind]) -> Option<usize> {
        let mut found = self.relations.iter().enumerate().filter(|(_, one)| kinds.contains(&one.kind));
        found.next().filter(|_| found.next().is_none()).map(|(index, _)| index)
    }
}

/// Goes through a statement, a scope within another.
struct BindingVisitor<'a> {
    /// Tables that have an `instance_id`.
    of_instances: &'a BTreeSet<String>,
    /// What WITH names.
    derived: BTreeSet<String>,
    scopes: Vec<QueryScope>,
    unbound: BTreeSet<String>,
}

/// The tables of a statement that aren't bound to an instance.
pub fn unbound_tables(statement: &Statement, of_instances: &BTreeSet<String>) -> BTreeSet<String> {
    let mut walk = BindingVisitor { of_instances, derived: BTreeSet::new(), scopes: Vec::new(), unbound: BTreeSet::new() };
    let _: ControlFlow<()> = statement.visit(&mut walk);
    walk.unbound
}

impl BindingVisitor<'_> {
    fn enter(&mut self, from: &[&[TableWithJoins]], condition: Option<&Expr>) {
        self.scopes.push(QueryScope::default());
        for table in from.iter().copied().flatten() {
            self.add_tables(table);
        }
        if let Some(condition) = condition {
            self.add_condition(condition, None);
        }
        let unbound: Vec<_> = self.scope().unbound().map(|relation| relation.table.clone()).collect();
        self.unbound.extend(unbound);
    }

    fn scope(&mut self) -> &mut QueryScope {
        self.scopes.last_mut().expect("a scope was entered")
    }

    fn add_tables(&mut self, tables: &TableWithJoins) -> BTreeSet<usize> {
        let mut all = self.add_factor(&tables.relation);
        for join in &tables.joins {
            let joined = self.add_factor(&join.relation);
            let (constraint, may_bind) = match &join.join_operator {
                JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => (Some(on), None),
                // Rows of the other side stay, whatever is compared.
                JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (Some(on), Some(joined.clone())),
                JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (Some(on), Some(all.clone())),
                _ => (None, None),
            };
            match constraint {
                Some(JoinConstraint::On(condition)) => self.add_condition(condition, may_bind),
                Some(JoinConstraint::Using(columns)) if columns.iter().any(|column| bare_name(column) == INSTANCE) => {
                    let pairs: Vec<_> = all.iter().flat_map(|one| joined.iter().map(move |other| (*one, *other))).collect();
                    let equalities = pairs.into_iter().map(|(one, other)| ((Side::Relation(one), Side::Relation(other)), may_bind.clone()));
                    self.scope().equalities.extend(equalities);
                }
                _ => {}
            }
            all.extend(joined);
        }
        all
    }

    fn add_factor(&mut self, factor: &TableFactor) -> BTreeSet<usize> {
        let (table, alias, kind) = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let table = bare_name(name);
                let kind = match table.as_str() {
                    name if self.derived.contains(name) => RelationKind::Derived,
                    "instances" => RelationKind::Instances,
                    name if self.of_instances.contains(name) => RelationKind::OfInstances,
                    _ => RelationKind::Other,
                };
                (table, alias, kind)
            }
            TableFactor::Derived { alias, .. } => (String::new(), alias, RelationKind::Derived),
            TableFactor::NestedJoin { table_with_joins, .. } => return self.add_tables(table_with_joins),
            _ => return BTreeSet::new(),
        };
        let alias = alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.clone());
        let relations = &mut self.scope().relations;
        relations.push(Relation { alias, table, kind });
        BTreeSet::from([relations.len() - 1])
    }

    fn add_condition(&mut self, condition: &Expr, may_bind: Option<BTreeSet<usize>>) {
        let equalities = self.equalities(condition);
        self.scope().equalities.extend(equalities.into_iter().map(|equality| (equality, may_bind.clone())));
    }

    /// What a condition says is equal, of instances.
    fn equalities(&self, condition: &Expr) -> BTreeSet<Equality> {
        match condition {
            Expr::Nested(inner) => self.equalities(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => &self.equalities(left) | &self.equalities(right),
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => &self.equalities(left) & &self.equalities(right),
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } | Expr::IsNotDistinctFrom(left, right) => self.compared(left, right),
            Expr::In { expr, target: InTarget::Subquery(_), negated: false, .. } => {
                let sides = items(expr).into_iter().filter_map(|item| self.side(item));
                sides.map(|side| (side, Side::Given)).collect()
            }
            Expr::In { expr, target: InTarget::List(list), negated: false, .. } => {
                let all = list.iter().map(|value| self.compared(expr, value));
                all.reduce(|one, other| &one & &other).unwrap_or_default()
            }
            _ => BTreeSet::new(),
        }
    }

    fn compared(&self, left: &Expr, right: &Expr) -> BTreeSet<Equality> {
        let pairs = items(left).into_iter().zip(items(right));
        pairs.filter_map(|(left, right)| Some((self.side(left)?, self.side(right)?))).collect()
    }

    fn side(&self, expression: &Expr) -> Option<Side> {
        match expression {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::Collate { expr: inner, .. } => self.side(inner),
            Expr::Value(value) => (!matches!(value.value, Value::Null)).then_some(Side::Given),
            Expr::Subquery(_) => Some(Side::Given),
            Expr::Identifier(column) => self.scopes.iter().rev().enumerate().find_map(|(depth, scope)| {
                let kinds: &[RelationKind] = match column.value.as_str() {
                    INSTANCE if scope.relations.iter().any(|one| one.kind == RelationKind::OfInstances) => &[RelationKind::OfInstances],
                    INSTANCE => &[RelationKind::Derived],
                    "id" if scope.relations.len() == 1 => &[RelationKind::Instances],
                    _ => &[],
                };
                scope.only(kinds).map(|index| at_depth(depth, index))
            }),
            Expr::CompoundIdentifier(parts) => {
                let [alias, column] = parts.as_slice() else { return None };
                self.scopes.iter().rev().enumerate().find_map(|(depth, scope)| {
                    let index = scope.relations.iter().position(|one| one.alias == alias.value)?;
                    let is_instance = match scope.relations[index].kind {
                        RelationKind::OfInstances | RelationKind::Derived => column.value == INSTANCE,
                        RelationKind::Instances => column.value == "id",
                        RelationKind::Other => false,
                    };
                    is_instance.then(|| at_depth(depth, index))
                })
            }
            _ => None,
        }
    }

    /// A row is an instance's by its `instance_id`, and one that is there already is changed only when it is the same instance's.
    fn enter_insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else { return self.enter(&[], None) };
        let table = bare_name(name);
        self.scopes.push(QueryScope::default());
        if self.of_instances.contains(&table) {
            let keeps_others = match &insert.on {
                Some(OnInsert::OnConflict(on)) => match (&on.action, &on.conflict_target) {
                    (OnConflictAction::DoNothing, _) => true,
                    (_, Some(ConflictTarget::Columns { columns, .. })) => columns.iter().any(|column| column.value == INSTANCE),
                    _ => false,
                },
                _ => true,
            };
            if !insert.columns.iter().any(|column| bare_name(column) == INSTANCE) || !keeps_others {
                self.unbound.insert(table.clone());
            }
        }
        let alias = insert.table_alias.as_ref().map_or_else(|| table.clone(), |alias| alias.alias.value.clone());
        self.scope().relations.push(Relation { alias, table, kind: RelationKind::Derived });
    }
}

/// What is bound in a scope around this one is given.
fn at_depth(depth: usize, index: usize) -> Side {
    if depth == 0 { Side::Relation(index) } else { Side::Given }
}

/// The items of a row value, or the one value.
fn items(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Tuple(items) => items.iter().collect(),
        one => vec![one],
    }
}

impl Visitor for BindingVisitor<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.derived.extend(query.with.iter().flat_map(|with| &with.cte_tables).map(|table| table.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.enter(&[&select.from], select.selection.as_ref());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Update(Update { table, from, selection, .. }) => {
                let from = match from {
                    Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from.as_slice(),
                    None => &[],
                };
                self.enter(&[std::slice::from_ref(table), from], selection.as_ref());
            }
            Statement::Delete(Delete { from, using, selection, .. }) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
                self.enter(&[from, using.as_deref().unwrap_or_default()], selection.as_ref());
            }
            Statement::Insert(insert) => self.enter_insert(insert),
            _ => self.scopes.push(QueryScope::default()),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn unbound(sql: &str) -> Vec<String> {
        let of_instances = ["a", "b"].map(str::to_owned).into_iter().collect();
        let by_engine = ["SQLite", "PostgreSQL"].map(|engine| unbound_tables(&parse(engine, sql).unwrap(), &of_instances));
        assert_eq!(by_engine[0], by_engine[1], "{sql}");
        by_engine.into_iter().next().unwrap().into_iter().collect()
    }

    #[test]
    fn a_table_is_bound_by_a_value_or_by_a_table_that_is() {
        for sql in [
            "SELECT 1 FROM a WHERE instance_id = $1",
            "SELECT 1 FROM a JOIN b ON b.instance_id = a.instance_id WHERE b.instance_id = $1",
            "SELECT 1 FROM a LEFT JOIN b ON b.instance_id = a.instance_id AND b.id = a.id WHERE a.instance_id = $1",
            "SELECT 1 FROM a JOIN b USING (instance_id) WHERE a.instance_id = $1",
            "SELECT 1 FROM a WHERE instance_id = $1 AND EXISTS (SELECT 1 FROM b WHERE b.instance_id = a.instance_id)",
            "SELECT 1 FROM a, instances i WHERE i.id = a.instance_id AND i.id = $1",
            "SELECT 1 FROM a WHERE (instance_id = $1 AND id = $2) OR (instance_id = $1 AND id = $3)",
            "SELECT 1 FROM a WHERE (instance_id, id) IN (SELECT instance_id, id FROM b WHERE b.instance_id = $1)",
            "SELECT 1 FROM a WHERE (instance_id, id) = ($1, $2)",
            "WITH x AS (SELECT instance_id FROM b WHERE instance_id = $1) SELECT 1 FROM x JOIN a ON a.instance_id = x.instance_id",
            "UPDATE a SET n = (SELECT MAX(n) FROM b WHERE b.instance_id = a.instance_id) WHERE a.instance_id = $1",
            "DELETE FROM a WHERE instance_id = $1",
            "INSERT INTO a (instance_id, id) VALUES ($1, $2) ON CONFLICT (instance_id, id) DO UPDATE SET n = excluded.n",
            "INSERT INTO a (instance_id, id) SELECT instance_id, id FROM b WHERE instance_id = $1 ON CONFLICT DO NOTHING",
            "SELECT 1 FROM c",
        ] {
            assert!(unbound(sql).is_empty(), "{sql}");
        }
    }

    #[test]
    fn what_does_not_hold_for_every_row_binds_nothing() {
        for (sql, tables) in [
            ("SELECT 1 FROM a", &["a"][..]),
            ("SELECT 1 FROM a WHERE instance_id = $1 OR id = $2", &["a"]),
            ("SELECT 1 FROM a WHERE instance_id <> $1", &["a"]),
            ("SELECT 1 FROM a WHERE NOT (instance_id = $1)", &["a"]),
            ("SELECT 1 FROM a WHERE instance_id = NULL", &["a"]),
            ("SELECT 1 FROM a WHERE instance_id IN ($1, id)", &["a"]),
            ("SELECT 1 FROM a JOIN b ON b.instance_id = a.instance_id", &["a", "b"]),
            ("SELECT 1 FROM a JOIN b ON b.id = a.id WHERE a.instance_id = $1", &["b"]),
            ("SELECT 1 FROM a LEFT JOIN b ON b.instance_id = a.instance_id AND a.instance_id = $1", &["a", "b"]),
            ("SELECT 1 FROM a WHERE a.instance_id = $1 AND EXISTS (SELECT 1 FROM b WHERE b.id = a.id)", &["b"]),
            ("SELECT 1 FROM a WHERE instance_id = $1 UNION SELECT 1 FROM b", &["b"]),
            ("SELECT 1 FROM (SELECT id FROM a) AS x", &["a"]),
            ("UPDATE a SET n = 1 WHERE id = $1", &["a"]),
            ("DELETE FROM a WHERE id IN (SELECT id FROM b WHERE instance_id = $1)", &["a"]),
            ("INSERT INTO a (id) VALUES ($1)", &["a"]),
            ("INSERT INTO a (instance_id, id) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = 1", &["a"]),
        ] {
            assert_eq!(unbound(sql), tables, "{sql}");
        }
    }
}
