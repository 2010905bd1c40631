use super::forget::ForgetInvites;
use super::http::UploadSlots;
use super::job::ImportInvites;
use crate::config::RetentionSettings;
use crate::context::Context;
use crate::wiring::Wiring;

/// What imports add to the service: the jobs that invite a file's people and forget them, and the bound on uploads.
pub fn wire(context: &Context, retention: RetentionSettings) -> Wiring {
    Wiring::new()
        .with_state(UploadSlots::default())
        .with_job(ImportInvites::new(context.clone()))
        .with_cleanup(ForgetInvites::new(context.clone(), retention))
}
