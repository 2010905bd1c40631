//! Whose tables a statement names.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use sqlparser::ast::{ObjectName, ObjectType, Query, Statement, TableFactor, Visit, Visitor};

use super::exceptions;
use crate::{schema, table_owners};

/// Tables of which each row belongs to an instance.
pub fn of_instances() -> &'static BTreeSet<String> {
    static TABLES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let has_instance = |(_, columns): &(String, Vec<String>)| columns.iter().any(|column| column == "instance_id");
        schema::tables("sqlite").into_iter().filter(has_instance).map(|(table, _)| table).collect()
    });
    &TABLES
}

/// The name without its schema.
pub fn bare_name(name: &ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|name| name.value.clone()).unwrap_or_default()
}

/// Names that stand where tables do.
#[derive(Default)]
struct TableNames {
    tables: BTreeSet<String>,
    /// What a WITH calls so, and functions that give rows.
    others: BTreeSet<String>,
}

impl Visitor for TableNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.others.extend(query.with.iter().flat_map(|with| &with.cte_tables).map(|table| table.alias.name.value.clone()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: Some(_), .. } = factor {
            self.others.insert(bare_name(name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        self.tables.insert(bare_name(name));
        ControlFlow::Continue(())
    }
}

/// The tables that a statement names.
fn tables_of(statement: &Statement) -> BTreeSet<String> {
    let mut names = TableNames::default();
    let _: ControlFlow<()> = statement.visit(&mut names);
    if let Statement::Drop { object_type: ObjectType::Index, names: indexes, .. } = statement {
        names.others.extend(indexes.iter().map(bare_name));
    }
    names.tables.difference(&names.others).cloned().collect()
}

fn is_of_the_engine(table: &str) -> bool {
    table == "sqlite_master" || table == "_sqlx_migrations" || table.starts_with("pg_")
}

/// What is wrong with the tables of a statement that a line of this file (from `src`) runs.
pub fn faults(file: &str, statement: &Statement) -> Vec<String> {
    let folder = file.split(['/', '.']).next().unwrap_or_default();
    let mut faults = Vec::new();
    for table in tables_of(statement).into_iter().filter(|table| !is_of_the_engine(table)) {
        match table_owners::owner_of(&table) {
            None => faults.push(format!("the table {table} belongs to nobody: give it to a folder in tests/it/table_owners.rs")),
            Some(owner) if owner != folder && !table_owners::is_exception(file, &table) && !exceptions::may_name(file, &table) => {
                faults.push(format!("the table {table} belongs to {owner}: ask {owner}, or list the file with a reason"));
            }
            Some(_) => {}
        }
    }
    faults
}
