//! What a test did that no test may: a line that was logged, a statement that was run. It is found on whichever thread it happens, and fails
//! the test that caused it.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// A test that runs.
type TestId = u64;

/// What should not have happened, in one line, and whose it is.
#[derive(Debug)]
struct Finding {
    line: String,
    /// The test on whose thread it happened.
    test: Option<TestId>,
    /// The request it happened in: whoever got that answer has made it. Threads that serve requests belong to no test.
    request_id: Option<String>,
    /// The tests that ran then and haven't ended.
    suspects: BTreeSet<TestId>,
}

/// What was found, until the test is known that fails for it: the one that caused it, and no neighbor.
#[derive(Debug, Default)]
struct Findings {
    next_id: TestId,
    running: BTreeSet<TestId>,
    /// The tests that made the requests.
    requests: HashMap<String, TestId>,
    found: Vec<Finding>,
}

impl Findings {
    fn begin(&mut self) -> TestId {
        self.next_id += 1;
        self.running.insert(self.next_id);
        self.next_id
    }

    fn add(&mut self, lines: Vec<String>, test: Option<TestId>, request_id: Option<&String>) {
        let (request_id, suspects) = (request_id.cloned(), &self.running);
        self.found.extend(lines.into_iter().map(|line| Finding { line, test, request_id: request_id.clone(), suspects: suspects.clone() }));
    }

    /// Takes out what a test has caused.
    fn take(&mut self, test: TestId) -> Vec<String> {
        let requests = &self.requests;
        let is_its = |one: &mut Finding| {
            let by_request = one.request_id.as_ref().and_then(|id| requests.get(id)).copied();
            one.test.or(by_request) == Some(test)
        };
        self.found.extract_if(.., is_its).map(|one| one.line).collect()
    }

    /// Takes out what a test has caused that ends now, and what nobody else who is left can have caused.
    fn end(&mut self, test: TestId) -> Vec<String> {
        let mut lines = self.take(test);
        self.running.remove(&test);
        let is_nobodys = |one: &mut Finding| one.suspects.remove(&test) && one.suspects.is_empty();
        lines.extend(self.found.extract_if(.., is_nobodys).map(|one| format!("(by one of the tests that ran then) {}", one.line)));
        lines
    }
}

static FINDINGS: LazyLock<Mutex<Findings>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The test that this thread belongs to.
    static TEST: Cell<Option<TestId>> = const { Cell::new(None) };
}

fn findings() -> MutexGuard<'static, Findings> {
    FINDINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test that is watched. Dropped before its end, it takes nobody's blame.
pub struct WatchedTest(TestId);

impl WatchedTest {
    /// Begins to watch the test of this thread.
    pub fn begin() -> Self {
        #[cfg(debug_assertions)]
        crate::statements::observe();
        let test = Self(findings().begin());
        test.own_thread();
        test
    }

    /// Makes this thread one of the test's.
    pub fn own_thread(&self) {
        TEST.set(Some(self.0));
    }

    /// Another handle for threads that are yet to begin.
    pub fn on_thread_start(&self) -> impl Fn() + Send + Sync + 'static {
        let id = self.0;
        move || TEST.set(Some(id))
    }

    /// Fails when the test has done what it must not.
    #[track_caller]
    pub fn end(self) {
        let lines = findings().end(self.0);
        assert_none(&lines);
    }
}

impl Drop for WatchedTest {
    fn drop(&mut self) {
        TEST.set(None);
        // A test that failed otherwise has said enough; what only it can have caused goes with it.
        findings().end(self.0);
    }
}

/// Remembers that the test of this thread has made a request.
pub fn note_request(id: &str) {
    if let Some(test) = TEST.get() {
        findings().requests.insert(id.to_owned(), test);
    }
}

/// Fails when there are findings.
#[track_caller]
pub fn assert_none(lines: &[String]) {
    let each: BTreeSet<_> = lines.iter().map(String::as_str).collect();
    assert!(each.is_empty(), "{} findings:\n{}", each.len(), Vec::from_iter(each).join("\n"));
}

/// Adds what was found on this thread, in the request that it is answering.
pub fn add(lines: Vec<String>, request_id: Option<String>) {
    findings().add(lines, TEST.get(), request_id.as_ref());
}

/// Fails when the test of this thread has done what it must not, so far.
#[track_caller]
pub fn assert_silence() {
    let lines = TEST.get().map(|test| findings().take(test)).unwrap_or_default();
    assert_none(&lines);
}

#[test]
fn a_leak_fails_the_test_that_caused_it_and_no_other() {
    let mut findings = Findings::default();
    let (one, other, last) = (findings.begin(), findings.begin(), findings.begin());
    findings.add(vec!["a thread's".into()], Some(other), None);
    findings.requests.insert("request 1".into(), one);
    findings.add(vec!["an answer's".into()], None, Some(&"request 1".into()));
    assert_eq!(findings.end(one), ["an answer's"]);
    assert_eq!(findings.end(other), ["a thread's"]);
    assert!(findings.end(last).is_empty() && findings.found.is_empty());
}

#[test]
fn a_leak_that_nobody_claims_fails_one_of_the_tests_that_ran_then() {
    let mut findings = Findings::default();
    let (one, other) = (findings.begin(), findings.begin());
    findings.add(vec!["nobody's".into()], None, Some(&"unknown".into()));
    let later = findings.begin();
    assert!(findings.end(one).is_empty() && findings.end(later).is_empty());
    assert_eq!(findings.end(other).len(), 1);
    assert!(findings.found.is_empty());
}
