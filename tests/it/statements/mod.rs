//! Every statement that a test runs is parsed and judged: its tables belong to the folder of the line that runs it, and what it reads and
//! changes of a table with an `instance_id` is bound to an instance. A statement that is neither, nor listed with a reason, fails the
//! test that ran it. Processes that a test starts are not seen; what they run, other tests run here.

mod binding;
mod exceptions;
mod tables;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

use msi_actions::db::{ObservedStatement, set_statement_observer};
use sqlparser::ast::Statement;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::support::{Answer, canaries, findings};

/// Begins to judge the statements that run in this process.
pub fn observe() {
    set_statement_observer(|statement| {
        if let Some(request) = canaries::current_request() {
            *COUNTS.lock().unwrap_or_else(PoisonError::into_inner).entry(request).or_default() += 1;
        }
        let faults = VERDICTS.lock().unwrap_or_else(PoisonError::into_inner).faults_of(&statement);
        if !faults.is_empty() {
            findings::add(faults, canaries::current_request());
        }
    });
}

/// How many statements each request has run.
static COUNTS: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);

/// How many statements ran to answer a request.
pub fn count_for(answer: &Answer) -> usize {
    let id = answer.headers["x-request-id"].to_str().expect("an id is ASCII");
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or_default()
}

static VERDICTS: LazyLock<Mutex<Verdicts>> = LazyLock::new(Mutex::default);

/// What was found out already: most statements run again and again.
#[derive(Default)]
struct Verdicts {
    hasher: RandomState,
    /// Statements without faults, as they ran.
    faultless: HashSet<u64>,
    /// Faults of statements by file, line, engine and text without ids.
    faults: HashMap<(String, u32, &'static str, String), Vec<String>>,
}

impl Verdicts {
    fn faults_of(&mut self, statement: &ObservedStatement<'_>) -> Vec<String> {
        let (file, line) = (statement.location.file(), statement.location.line());
        let hash = self.hasher.hash_one((file, line, statement.engine, statement.sql));
        if self.faultless.contains(&hash) {
            return Vec::new();
        }
        let sql = without_ids(statement.sql);
        let key = (file.to_owned(), line, statement.engine, sql);
        let faults = self.faults.entry(key).or_insert_with_key(|(file, line, engine, sql)| statement_faults(file, *line, engine, sql));
        if faults.is_empty() {
            self.faultless.insert(hash);
        }
        faults.clone()
    }
}

/// The text with the names that tables of one run or one instance have in common: without the id at their end.
fn without_ids(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(underscore) = rest.find('_') {
        let (before, from) = rest.split_at(underscore);
        text.push_str(before);
        let has_id = from.get(1..33).is_some_and(|id| id.bytes().all(|one| one.is_ascii_hexdigit()));
        rest = if has_id { &from[33..] } else { &from[1..] };
        if !has_id {
            text.push('_');
        }
    }
    text + rest
}

/// The same text however it is broken into lines.
fn on_one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is wrong with a statement: lines to print.
fn statement_faults(file: &str, line: u32, engine: &str, sql: &str) -> Vec<String> {
    let Some(file) = file.strip_prefix("src/") else { return Vec::new() };
    let faults = match parse(engine, sql) {
        Ok(statement) => tables::faults(file, &statement).into_iter().chain(unbound(file, &statement, sql)).collect(),
        Err(error) => vec![format!("{error}: write it in another way")],
    };
    let sql = on_one_line(sql);
    faults.into_iter().map(|fault| format!("src/{file}:{line} on {engine}: {fault}\n    {sql}")).collect()
}

fn parse(engine: &str, sql: &str) -> Result<Statement, String> {
    let dialect: &dyn Dialect = if engine == "SQLite" { &SQLiteDialect {} } else { &PostgreSqlDialect {} };
    let mut statements = Parser::parse_sql(dialect, sql).map_err(|error| error.to_string())?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err("it is not one statement".into()),
    }
}

fn unbound(file: &str, statement: &Statement, sql: &str) -> Vec<String> {
    let unbound = binding::unbound_tables(statement, tables::of_instances());
    let is_listed = |table: &String| exceptions::may_be_unbound(file, table, sql);
    let to_fault = |table: String| {
        format!(
            "{table} is not bound to an instance: compare its instance_id with the instance's in WHERE or ON, or list the statement \
             with its reason in tests/it/statements/exceptions.rs"
        )
    };
    unbound.into_iter().filter(|table| !is_listed(table)).map(to_fault).collect()
}

#[test]
fn tables_of_one_run_or_instance_are_judged_by_their_common_name() {
    let id = "0198c0ffee00700080000123456789ab";
    assert_eq!(without_ids(&format!("SELECT a_b FROM staged_people_{id}, people_{id} p")), "SELECT a_b FROM staged_people, people p");
    assert_eq!(without_ids("_a__b_"), "_a__b_");
}

#[test]
fn a_statement_on_a_foreign_table_is_refused() {
    let faults = statement_faults("src/teams/store.rs", 7, "SQLite", "SELECT id\n FROM jobs");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("src/teams/store.rs:7 on SQLite: the table jobs belongs to jobs: "), "{faults:?}");
    assert!(faults[0].ends_with("\n    SELECT id FROM jobs"), "{faults:?}");
    assert!(statement_faults("src/jobs/store.rs", 7, "PostgreSQL", "SELECT id FROM jobs").is_empty());
}

#[test]
fn a_statement_on_an_unknown_table_is_refused() {
    let faults =
        statement_faults("src/teams/store.rs", 7, "PostgreSQL", "WITH a AS (SELECT 1) SELECT * FROM a, pg_class, secrets, json_each('{}')");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("the table secrets belongs to nobody"), "{faults:?}");
}

#[test]
fn a_statement_without_an_instance_is_refused() {
    let sql = "SELECT name FROM teams WHERE id = $1";
    for engine in ["SQLite", "PostgreSQL"] {
        let faults = statement_faults("src/members/store/teams.rs", 7, engine, sql);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(": teams is not bound to an instance: "), "{faults:?}");
        assert!(
            statement_faults("src/members/store/teams.rs", 7, engine, "SELECT name FROM teams WHERE instance_id = $1 AND id = $2")
                .is_empty()
        );
    }
}

#[test]
fn a_statement_that_cannot_be_parsed_is_refused() {
    assert_eq!(statement_faults("src/members/store/teams.rs", 7, "SQLite", "SELECT FROM WHERE").len(), 1);
    assert_eq!(statement_faults("src/members/store/teams.rs", 7, "SQLite", "SELECT 1; SELECT 2").len(), 1);
}
