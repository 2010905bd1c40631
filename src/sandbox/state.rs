//! What every part of the sandbox shares: settings, clock, people, the state of both vendors, ordered faults and call counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::SandboxSettings;
use super::faults::{Fault, FaultKind};
use super::hex::to_hex;
use super::kept::Kept;
use super::origins::{Ports, Vendor};
use super::people::People;
use super::people::person::Owners;
use super::{marketo, salesforce};
use crate::clock::SharedClock;

/// Everything behind the routes.
#[derive(Debug)]
pub struct SandboxState {
    pub settings: SandboxSettings,
    pub clock: SharedClock,
    pub people: People,
    /// Where prepared export files lie.
    pub directory: PathBuf,
    pub ports: Ports,
    /// Held while an export file is written, so that two requests don't write the same one.
    pub export_writer: tokio::sync::Mutex<()>,
    pub kept: Kept,
    marketo: Mutex<marketo::state::State>,
    salesforce: Mutex<salesforce::state::State>,
    faults: Mutex<Vec<Fault>>,
    calls: Mutex<BTreeMap<String, u64>>,
    usage: Mutex<marketo::usage::Usage>,
    /// Calls to Marketo under way, and the most there were at once.
    at_once: Mutex<(u64, u64)>,
}

/// A poisoned lock means a handler panicked half-way; for a stand-in the state is still good enough to go on with.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SandboxState {
    /// The state at the start: the newest people were created a day ago.
    pub fn new(settings: SandboxSettings, clock: SharedClock, directory: PathBuf, ports: Ports) -> Self {
        let epoch = clock.now().unix_timestamp() - 86_400;
        let org = salesforce::state::State::new();
        let owners = Owners { users: org.owner_ids(), queues: salesforce::users::QUEUES.iter().map(|queue| queue.id()).collect() };
        let people = People::new(settings.seed, settings.people, epoch, owners);
        Self {
            people,
            directory,
            ports,
            export_writer: tokio::sync::Mutex::new(()),
            kept: Kept::default(),
            marketo: Mutex::new(marketo::state::State::default()),
            salesforce: Mutex::new(org),
            faults: Mutex::default(),
            calls: Mutex::default(),
            usage: Mutex::default(),
            at_once: Mutex::default(),
            settings,
            clock,
        }
    }

    /// The clock's time in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().unix_timestamp()
    }

    /// Marketo's state.
    pub fn marketo(&self) -> MutexGuard<'_, marketo::state::State> {
        locked(&self.marketo)
    }

    /// What Marketo counts for its statistics; a lock of its own, for errors are counted where the state may be locked.
    pub fn usage(&self) -> MutexGuard<'_, marketo::usage::Usage> {
        locked(&self.usage)
    }

    /// Salesforce's state.
    pub fn salesforce(&self) -> MutexGuard<'_, salesforce::state::State> {
        locked(&self.salesforce)
    }

    /// 64 hexadecimal digits that don't come twice.
    pub fn secret(&self) -> String {
        to_hex(&Sha256::digest(self.clock.new_id().as_bytes()))
    }

    /// A call to Marketo begins.
    pub fn begin_call(&self) {
        let mut at_once = locked(&self.at_once);
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }

    /// A call to Marketo ends.
    pub fn end_call(&self) {
        let mut at_once = locked(&self.at_once);
        at_once.0 = at_once.0.saturating_sub(1);
    }

    /// The most calls to Marketo that were under way at once, delays included.
    pub fn most_at_once(&self) -> u64 {
        locked(&self.at_once).1
    }

    /// Counts a call of `operation`.
    pub fn count(&self, operation: &str) {
        let mut calls = locked(&self.calls);
        if let Some(count) = calls.get_mut(operation) {
            *count += 1;
        } else {
            calls.insert(operation.to_owned(), 1);
        }
    }

    /// The counts so far.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        locked(&self.calls).clone()
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: Fault) {
        locked(&self.faults).push(fault);
    }

    /// The faults still to come.
    pub fn faults(&self) -> Vec<Fault> {
        locked(&self.faults).clone()
    }

    /// Cancels every fault.
    pub fn clear_faults(&self) {
        locked(&self.faults).clear();
    }

    /// Uses up one turn of the first fault ordered for this request whose kind `wanted` accepts.
    pub fn take_fault(&self, vendor: Vendor, method: &str, path: &str, wanted: impl Fn(&FaultKind) -> bool) -> Option<FaultKind> {
        let mut faults = locked(&self.faults);
        let place = faults.iter().position(|fault| fault.concerns(vendor, method, path) && wanted(&fault.kind))?;
        let kind = faults[place].kind.clone();
        faults[place].times = faults[place].times.saturating_sub(1);
        if faults[place].times == 0 {
            faults.remove(place);
        }
        Some(kind)
    }

    /// Puts everything back as it was at the start, except the clock.
    pub fn reset(&self) {
        self.people.reset();
        let jobs = std::mem::take(&mut *self.marketo());
        jobs.remove_files();
        *self.salesforce() = salesforce::state::State::new();
        self.clear_faults();
        locked(&self.calls).clear();
        *self.usage() = marketo::usage::Usage::default();
    }
}
