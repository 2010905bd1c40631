//! SQL of the sync: runs, exports, staging tables, and the merge into the people of the instance.

mod changes;
mod control;
mod cursors;
mod exports;
pub(super) mod merge;
mod rejected;
mod runs;
mod staging;

pub(super) use changes::{
    LastFullRun, LinkedPerson, UnmatchedRecord, count_people, delete_unmatched_records, find_last_full_run, find_people_of_records,
    find_unmatched_records, find_unscheduled_instances, has_completed_full_run, merge_round, prune_idle_runs, save_unmatched_records,
};
pub(super) use control::{
    PauseEnd, assign_job, find_newer_run, find_request, lock_as_holder, lock_run, mark_staging_deleted, overwrite_progress, pause_run,
    release_run, reset_run, resume_run, set_request, take_over_run,
};
pub(super) use cursors::{find_live_cursor, find_live_cursor_in, reserve_cursor, save_live_cursor, take_reserved_cursor};
pub(super) use exports::{
    ExportState, WindowExport, delete_planned_exports, find_changed_since, list_exports, mark_export_created, mark_export_lost,
    mark_export_staged, plan_export, reset_export, set_changed_since, update_plan,
};
pub(super) use rejected::{RejectedCursor, StoredRejectedRecord, delete_rejected, insert_rejected, list_rejected, prune_rejected};
pub use runs::RunFilter;
pub(super) use runs::{
    RunRow, add_usage, change_state, find_active_run, find_last_completed_full_run, find_previous_run, find_run, insert_run, list_runs,
    save_plan, save_progress, update_done,
};
pub(super) use staging::{
    count_staged_people, create_staging, delete_staged_owners, delete_staged_window, drop_staging, find_lost_staging, runs_with_staging,
    stage_owners, stage_people,
};
