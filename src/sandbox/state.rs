//! What every part of the sandbox shares: settings, clock, people, the state of both vendors, ordered faults and call counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::SandboxSettings;
use super::faults::{FaultKind, InjectedFault};
use super::hex::to_hex;
use super::listeners::{SandboxVendor, VendorPorts};
use super::marketo::state::MarketoState;
use super::marketo::usage::UsageStatistics;
use super::people::People;
use super::people::person::RecordOwners;
use super::result_cache::ResultCache;
use super::salesforce::state::SalesforceState;
use super::salesforce::users::QUEUES;
use crate::clock::SharedClock;

/// Everything behind the routes.
#[derive(Debug)]
pub struct SandboxState {
    pub settings: SandboxSettings,
    pub clock: SharedClock,
    pub people: People,
    /// Where export files are written.
    pub directory: PathBuf,
    pub ports: VendorPorts,
    /// Locked while export files are written, so that two requests don't write the same one.
    pub export_writer: tokio::sync::Mutex<()>,
    pub result_cache: ResultCache,
    marketo: Mutex<MarketoState>,
    salesforce: Mutex<SalesforceState>,
    faults: Mutex<Vec<InjectedFault>>,
    call_counts: Mutex<BTreeMap<String, u64>>,
    usage: Mutex<UsageStatistics>,
    marketo_concurrency: Mutex<Concurrency>,
}

/// Calls in progress, and the most there were at once.
#[derive(Debug, Default)]
struct Concurrency {
    current: u64,
    peak: u64,
}

/// A poisoned lock means that a handler panicked half-way; for a simulation the state is still good enough to continue.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SandboxState {
    /// The state at the start: the newest people were created a day ago.
    pub fn new(settings: SandboxSettings, clock: SharedClock, directory: PathBuf, ports: VendorPorts) -> Self {
        let newest_at = clock.now().unix_timestamp() - 86_400;
        let org = SalesforceState::new();
        let owners = RecordOwners { users: org.owner_ids(), queues: QUEUES.iter().map(|queue| queue.id()).collect() };
        let people = People::new(settings.seed, settings.people, newest_at, owners);
        Self {
            people,
            directory,
            ports,
            export_writer: tokio::sync::Mutex::new(()),
            result_cache: ResultCache::default(),
            marketo: Mutex::new(MarketoState::default()),
            salesforce: Mutex::new(org),
            faults: Mutex::default(),
            call_counts: Mutex::default(),
            usage: Mutex::default(),
            marketo_concurrency: Mutex::default(),
            settings,
            clock,
        }
    }

    /// The clock's time in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }

    /// Marketo's state.
    pub fn marketo(&self) -> MutexGuard<'_, MarketoState> {
        lock(&self.marketo)
    }

    /// What Marketo counts for its statistics. It has its own lock because errors are counted where the state may be locked.
    pub fn usage(&self) -> MutexGuard<'_, UsageStatistics> {
        lock(&self.usage)
    }

    /// Salesforce's state.
    pub fn salesforce(&self) -> MutexGuard<'_, SalesforceState> {
        lock(&self.salesforce)
    }

    /// 64 hexadecimal digits, different each time.
    pub fn new_secret(&self) -> String {
        to_hex(&Sha256::digest(self.clock.new_id().as_bytes()))
    }

    /// Counts a call to Marketo as in progress.
    pub fn begin_call(&self) {
        let mut concurrency = lock(&self.marketo_concurrency);
        concurrency.current += 1;
        concurrency.peak = concurrency.peak.max(concurrency.current);
    }

    /// Counts a call to Marketo as ended.
    pub fn end_call(&self) {
        let mut concurrency = lock(&self.marketo_concurrency);
        concurrency.current = concurrency.current.saturating_sub(1);
    }

    /// The most calls to Marketo that were in progress at once, delays included.
    pub fn peak_concurrency(&self) -> u64 {
        lock(&self.marketo_concurrency).peak
    }

    /// Counts a call of an operation, written as `METHOD /vendor/path`.
    pub fn count_call(&self, operation: &str) {
        let mut counts = lock(&self.call_counts);
        if let Some(count) = counts.get_mut(operation) {
            *count += 1;
        } else {
            counts.insert(operation.to_owned(), 1);
        }
    }

    /// How often each operation was called.
    pub fn call_counts(&self) -> BTreeMap<String, u64> {
        lock(&self.call_counts).clone()
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: InjectedFault) {
        lock(&self.faults).push(fault);
    }

    /// The faults that haven't struck yet.
    pub fn pending_faults(&self) -> Vec<InjectedFault> {
        lock(&self.faults).clone()
    }

    /// Cancels every fault.
    pub fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    /// Uses up one strike of the first fault ordered for this request whose kind `is_wanted` accepts.
    pub fn take_fault(&self, vendor: SandboxVendor, method: &str, path: &str, is_wanted: impl Fn(&FaultKind) -> bool) -> Option<FaultKind> {
        let mut faults = lock(&self.faults);
        let position = faults.iter().position(|fault| fault.matches(vendor, method, path) && is_wanted(&fault.kind))?;
        let kind = faults[position].kind.clone();
        faults[position].times = faults[position].times.saturating_sub(1);
        if faults[position].times == 0 {
            faults.remove(position);
        }
        Some(kind)
    }

    /// Resets everything to the start, except the clock.
    pub fn reset(&self) {
        self.people.reset();
        let marketo = std::mem::take(&mut *self.marketo());
        marketo.remove_files();
        *self.salesforce() = SalesforceState::new();
        self.clear_faults();
        lock(&self.call_counts).clear();
        *self.usage() = UsageStatistics::default();
    }
}
