use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Lane and kind come from tables of ours, so that there are few of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    lane: &'static str,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    lane: &'static str,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    lane: &'static str,
    kind: &'static str,
    state: &'static str,
}

/// How many jobs of a kind are in a state, as all processes see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCount {
    pub lane: &'static str,
    pub kind: &'static str,
    /// `waiting`, `scheduled`, `running` or `dead`.
    pub state: &'static str,
    pub count: i64,
    /// Since when the oldest of them has waited; of waiting ones only.
    pub oldest_age_seconds: Option<i64>,
}

/// What is counted of jobs.
#[derive(Debug, Clone)]
pub struct JobMetrics {
    attempts: Family<OutcomeLabels, Counter>,
    durations: Family<KindLabels, Histogram, fn() -> Histogram>,
    jobs: Family<StateLabels, Gauge>,
    oldest: Family<KindLabels, Gauge>,
}

fn duration_buckets() -> Histogram {
    // A millisecond to over an hour.
    Histogram::new(exponential_buckets(0.001, 4.0, 12))
}

impl JobMetrics {
    /// Nothing counted yet.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let durations: Family<KindLabels, Histogram, fn() -> Histogram> = Family::new_with_constructor(duration_buckets);
        let made = Self { attempts: Family::default(), durations, jobs: Family::default(), oldest: Family::default() };
        registry.register("job_attempts", "Attempts at jobs that ended in this process, by outcome", made.attempts.clone());
        registry.register("job_duration_seconds", "Time that an attempt at a job took", made.durations.clone());
        registry.register("jobs", "Jobs in the queue, which all processes share, by state", made.jobs.clone());
        registry.register("job_oldest_due_age_seconds", "Time since the oldest waiting job was due", made.oldest.clone());
        made
    }

    /// Counts an attempt that ended.
    pub fn count_attempt(&self, lane: &'static str, kind: &'static str, outcome: &'static str, took: Duration) {
        self.attempts.get_or_create(&OutcomeLabels { lane, kind, outcome }).inc();
        self.durations.get_or_create(&KindLabels { lane, kind }).observe(took.as_secs_f64());
    }

    /// Shows what is in the queue, in place of what was.
    pub fn show_queue(&self, counts: &[JobCount]) {
        self.jobs.clear();
        self.oldest.clear();
        for one in counts {
            let JobCount { lane, kind, state, .. } = *one;
            self.jobs.get_or_create(&StateLabels { lane, kind, state }).set(one.count);
            if let Some(age) = one.oldest_age_seconds {
                self.oldest.get_or_create(&KindLabels { lane, kind }).set(age);
            }
        }
    }
}
