//! Watches everything that is logged, at every level, for what must never be: the tests' own secrets, tokens, passwords and people.

use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
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

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

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

/// Looks at one line of a log.
pub fn look_at(line: &str) {
    let leaks = leaks_in(line);
    if !leaks.is_empty() {
        FOUND.lock().unwrap_or_else(PoisonError::into_inner).extend(leaks);
    }
}

/// Fails when anything was found so far, by whichever test.
#[track_caller]
pub fn assert_silence() {
    let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(found.is_empty(), "{} leaks, the first: {}", found.len(), found[0]);
}

struct Watch;

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

fn look(target: &str, record: impl FnOnce(&mut Text)) {
    let mut text = Text(target.to_owned());
    record(&mut text);
    look_at(&text.0);
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watch {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        look(attributes.metadata().target(), |text| attributes.record(text));
    }

    fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        look("span", |text| values.record(text));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        look(event.metadata().target(), |text| event.record(text));
    }
}
