//! How many files are received and analyzed at once: so many in all, and of one instance so few that the others always find a place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::InstanceId;
use crate::imports::ImportError;

/// Uploads of one instance at once; more are refused.
const UPLOADS_PER_INSTANCE: usize = 4;
/// Uploads at once in all. Each may have a file of 50 MB on the disk.
const UPLOADS: usize = 16;
/// Files of one instance analyzed at once; its others wait.
const ANALYSES_PER_INSTANCE: usize = 1;
/// Files analyzed at once in all; others wait, each instance with one. Each takes some tens of megabytes of memory at most, and
/// [`AnalysisLimits::written_bytes`](crate::imports::csv::AnalysisLimits) of disk.
const ANALYSES: usize = 2;

/// The places of this process for uploads.
#[derive(Debug)]
pub struct UploadSlots {
    uploads: Arc<Semaphore>,
    analyses: Arc<Semaphore>,
    /// Of the instances that have an upload under way.
    instances: Mutex<HashMap<InstanceId, InstanceSlots>>,
}

#[derive(Debug, Clone)]
struct InstanceSlots {
    uploads: Arc<Semaphore>,
    analyses: Arc<Semaphore>,
}

impl Default for InstanceSlots {
    fn default() -> Self {
        let slots = |count| Arc::new(Semaphore::new(count));
        Self { uploads: slots(UPLOADS_PER_INSTANCE), analyses: slots(ANALYSES_PER_INSTANCE) }
    }
}

impl Default for UploadSlots {
    fn default() -> Self {
        let slots = |count| Arc::new(Semaphore::new(count));
        Self { uploads: slots(UPLOADS), analyses: slots(ANALYSES), instances: Mutex::default() }
    }
}

/// The place of one upload, free again when it is dropped.
#[derive(Debug)]
pub(super) struct UploadSlot {
    own_analyses: Arc<Semaphore>,
    all_analyses: Arc<Semaphore>,
    _permits: [OwnedSemaphorePermit; 2],
}

/// The place of one analysis, free again when it is dropped.
#[derive(Debug)]
pub(super) struct AnalysisSlot {
    _permits: [OwnedSemaphorePermit; 2],
}

impl UploadSlots {
    /// Takes a place for an upload.
    ///
    /// # Errors
    /// [`ImportError::UploadsBusy`] when the instance has too many under way, or all instances together.
    pub(super) fn take(&self, instance: InstanceId) -> Result<UploadSlot, ImportError> {
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        instances.retain(|_, slots| slots.uploads.available_permits() < UPLOADS_PER_INSTANCE);
        let own = instances.entry(instance).or_default().clone();
        let busy = |most| move |_| ImportError::UploadsBusy(most);
        let permits = [
            own.uploads.try_acquire_owned().map_err(busy(UPLOADS_PER_INSTANCE))?,
            self.uploads.clone().try_acquire_owned().map_err(busy(UPLOADS))?,
        ];
        Ok(UploadSlot { own_analyses: own.analyses, all_analyses: self.analyses.clone(), _permits: permits })
    }
}

impl UploadSlot {
    /// Waits for a place to analyze the file. An instance's files wait for each other first, so that among those that wait for a
    /// place of all each instance has one at most.
    ///
    /// # Errors
    /// [`ImportError::Interrupted`], which doesn't happen: the semaphores are never closed.
    pub(super) async fn analysis(&self) -> Result<AnalysisSlot, ImportError> {
        let acquire = async |slots: &Arc<Semaphore>| slots.clone().acquire_owned().await.map_err(|_| ImportError::Interrupted);
        let own = acquire(&self.own_analyses).await?;
        Ok(AnalysisSlot { _permits: [own, acquire(&self.all_analyses).await?] })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use uuid::Uuid;

    use super::*;

    fn instance(number: u128) -> InstanceId {
        InstanceId(Uuid::from_u128(number))
    }

    #[test]
    fn an_instance_with_many_uploads_leaves_places_to_the_others() {
        let slots = UploadSlots::default();
        let mut taken: Vec<_> = (0..UPLOADS_PER_INSTANCE).map(|_| slots.take(instance(1)).unwrap()).collect();
        assert!(matches!(slots.take(instance(1)), Err(ImportError::UploadsBusy(UPLOADS_PER_INSTANCE))));
        slots.take(instance(2)).unwrap();
        taken.pop();
        slots.take(instance(1)).unwrap();
    }

    #[test]
    fn all_instances_together_have_a_bounded_number_of_uploads() {
        let slots = UploadSlots::default();
        let taken: Vec<_> = (0..UPLOADS as u128).map(|number| slots.take(instance(number)).unwrap()).collect();
        assert!(matches!(slots.take(instance(99)), Err(ImportError::UploadsBusy(UPLOADS))));
        drop(taken);
        slots.take(instance(99)).unwrap();
        assert_eq!(slots.instances.lock().unwrap().len(), 1, "who has no upload under way is forgotten");
    }

    #[test]
    fn two_files_of_one_instance_are_analyzed_one_after_the_other() {
        let slots = UploadSlots::default();
        let [one, two, other] = [1, 1, 2].map(|number| slots.take(instance(number)).unwrap());
        let first = one.analysis().now_or_never().unwrap().unwrap();
        assert!(two.analysis().now_or_never().is_none(), "the second file of the instance waits");
        assert!(other.analysis().now_or_never().is_some(), "another instance's doesn't");
        drop(first);
        assert!(two.analysis().now_or_never().is_some());
    }
}
