//! Watches everything that is logged, at every level, for what must never be: the tests' own secrets, tokens, passwords and people.

use std::fmt::Write as _;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry, SpanRef};
use tracing_subscriber::util::SubscriberInitExt;

use super::findings;

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

static STARTED: Once = Once::new();

/// Begins to watch this process; what the service logs at `error` is shown, as a test's output.
pub fn watch() {
    STARTED.call_once(|| {
        let shown =
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(tracing_subscriber::filter::LevelFilter::ERROR);
        tracing_subscriber::registry().with(CanaryLayer).with(shown).init();
    });
}

/// What a line says that it must not.
pub fn leaks_in(line: &str) -> Vec<String> {
    // The pattern of the route is no link.
    let line = line.replace("/activate/{token}", "").replace("/reset-password/{token}", "");
    CANARIES.iter().filter(|(_, canary)| line.contains(canary)).map(|(what, _)| format!("{what} was logged: {line}")).collect()
}

struct CanaryLayer;

struct EventText(String);

impl Visit for EventText {
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

/// The request that this thread is answering now.
pub fn current_request() -> Option<String> {
    let asked = tracing::Span::current().with_subscriber(|(id, subscriber)| request_of(subscriber.downcast_ref::<Registry>()?.span(id)));
    asked.flatten()
}

fn look(target: &str, request: impl FnOnce() -> Option<String>, record: impl FnOnce(&mut EventText)) {
    let mut text = EventText(target.to_owned());
    record(&mut text);
    let leaks = leaks_in(&text.0);
    if !leaks.is_empty() {
        findings::add(leaks, request());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for CanaryLayer {
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
