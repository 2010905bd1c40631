use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::JobMetrics;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

/// What is counted, in the text format that Prometheus reads.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    usual: Arc<[OnceLock<UsualAnswerCounters>]>,
    jobs: JobMetrics,
}

/// What counts the usual answers of one operation, found once.
#[derive(Debug)]
struct UsualAnswerCounters {
    requests: Counter,
    durations: Histogram,
}

/// What was asked for, by names from tables of ours, so that no caller can make up new ones.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The method.
    pub method: &'static str,
    /// The route's pattern.
    pub route: &'static str,
    /// Its number among the operations, if it is one.
    pub number: Option<usize>,
}

fn duration_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.5, 12))
}

impl Metrics {
    /// Nothing counted yet; the numbers of operations are below `operations`.
    #[must_use]
    pub fn new(operations: usize) -> Self {
        let requests = Family::default();
        let durations: Family<RouteLabels, Histogram, fn() -> Histogram> = Family::new_with_constructor(duration_buckets);
        let mut registry = Registry::with_prefix("msi_actions");
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        registry.register("http_request_duration_seconds", "Time until the head of the answer", durations.clone());
        let jobs = JobMetrics::register(&mut registry);
        let usual = std::iter::repeat_with(OnceLock::new).take(operations).collect();
        Self { registry: Arc::new(registry), requests, durations, usual, jobs }
    }

    /// What is counted of jobs.
    #[must_use]
    pub fn jobs(&self) -> &JobMetrics {
        &self.jobs
    }

    /// Counts one answered request.
    pub fn answered(&self, operation: Operation, status: u16, took: Duration) {
        let Operation { method, route, number } = operation;
        let find = || UsualAnswerCounters {
            requests: self.requests.get_or_create(&RequestLabels { method, route, status }).clone(),
            durations: self.durations.get_or_create(&RouteLabels { method, route }).clone(),
        };
        let count = |counters: &UsualAnswerCounters| {
            counters.durations.observe(took.as_secs_f64());
            counters.requests.inc();
        };
        match number.filter(|_| status == 200).and_then(|number| self.usual.get(number)) {
            Some(usual) => count(usual.get_or_init(find)),
            None => count(&find()),
        }
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// Never in practice: writing to a string does not fail.
    pub fn to_prometheus_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Metrics")
    }
}
