//! Watches everything that is logged, at every level, for what must never be: the tests' own secrets, tokens, passwords and people.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::util::SubscriberInitExt;

/// What the tests plant, by what it is.
const CANARIES: &[(&str, &str)] = &[
    ("the master key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ("Marketo's client secret", "sandbox-marketo-secret"),
    ("Salesforce's client secret", "sandbox-salesforce-consumer-secret"),
    ("a Salesforce access token", "!AQ"),
    ("a Salesforce refresh token", "5Aep861"),
    ("a Marketo access token", ":sj"),
    ("a directory's token", "msi_scim_"),
    ("one of our access tokens, or somebody's assertion", "eyJ"),
    ("a private key", "PRIVATE KEY"),
    ("a password", "correct horse"),
    ("an e-mail address", "@example."),
    ("an activation link", "/activate/"),
    ("a link for a new password", "/reset-password/"),
];

/// A test that runs.
type TestId = u64;

/// A line that should not have been logged, and whose it is.
#[derive(Debug)]
struct Finding {
    line: String,
    /// The test whose thread logged it.
    test: Option<TestId>,
    /// The request it was logged in: whoever got that answer has made it. Threads that serve requests belong to no test.
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
static STARTED: Once = Once::new();

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

    /// Fails when the test has logged what must not be.
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

/// Fails when lines should not have been logged.
#[track_caller]
pub fn assert_none(lines: &[String]) {
    assert!(lines.is_empty(), "{} leaks, the first: {}", lines.len(), lines[0]);
}

/// Begins to watch this process; what the service logs at `error` is shown, as a test's output.
pub fn watch() {
    STARTED.call_once(|| {
        let shown =
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(tracing_subscriber::filter::LevelFilter::ERROR);
        tracing_subscriber::registry().with(Watch).with(shown).init();
    });
}

/// What a line says that it must not.
pub fn leaks_in(line: &str) -> Vec<String> {
    // The pattern of the route is no link.
    let line = line.replace("/activate/{token}", "").replace("/reset-password/{token}", "");
    CANARIES.iter().filter(|(_, canary)| line.contains(canary)).map(|(what, _)| format!("{what} was logged: {line}")).collect()
}

/// Fails when the test of this thread has logged what must not be, so far.
#[track_caller]
pub fn assert_silence() {
    let lines = TEST.get().map(|test| findings().take(test)).unwrap_or_default();
    assert_none(&lines);
}

struct Watch;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

/// The id of the request that a span is for.
struct OfRequest(String);

#[derive(Default)]
struct RequestIdField(Option<String>);

impl Visit for RequestIdField {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "request_id" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// The request within which something is logged.
fn request_of<S: for<'a> LookupSpan<'a>>(span: Option<SpanRef<'_, S>>) -> Option<String> {
    span?.scope().find_map(|span| span.extensions().get::<OfRequest>().map(|of| of.0.clone()))
}

fn look(target: &str, request: impl FnOnce() -> Option<String>, record: impl FnOnce(&mut Text)) {
    let mut text = Text(target.to_owned());
    record(&mut text);
    let leaks = leaks_in(&text.0);
    if !leaks.is_empty() {
        findings().add(leaks, TEST.get(), request().as_ref());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watch {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut request = RequestIdField::default();
        attributes.record(&mut request);
        if let (Some(request), Some(span)) = (request.0, context.span(id)) {
            span.extensions_mut().insert(OfRequest(request));
        }
        look(attributes.metadata().target(), || request_of(context.span(id)), |text| attributes.record(text));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        look("span", || request_of(context.span(id)), |text| values.record(text));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        look(event.metadata().target(), || request_of(context.event_span(event)), |text| event.record(text));
    }
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
