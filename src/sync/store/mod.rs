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
    LastFull, Linked, Stranger, count_people, forget_strangers, has_synced, keep_last_idle, keep_strangers, last_full_run,
    people_of_records, settle_people, strangers, unscheduled,
};
pub(super) use control::{
    Until, ask, begin_anew, find_newer, find_request, give_job, give_up_staging, go_on, lock_as_holder, lock_run, overwrite_progress,
    pause, put_down, take_over_run,
};
pub(super) use cursors::{live_cursor, live_cursor_within, move_cursor, reserve_cursor, take_reserved_cursor};
pub(super) use exports::{
    Export, ExportState, change_plan, changed_since, drop_planned_exports, export_created, export_forgotten, export_lost, export_staged,
    exports, plan_export, read_only_changes,
};
pub(super) use rejected::{RejectedListing, RejectedPlace, clear_rejected, forget_rejected, insert_rejected, list_rejected};
pub use runs::RunFilter;
pub(super) use runs::{
    RunRow, add_usage, change_state, find_active_run, find_before, find_last_full, find_run, insert_run, list_runs, save_plan,
    save_progress, update_done,
};
pub(super) use staging::{
    clear_owners, clear_window, drop_staging, lost, make_staging, runs_with_staging, stage_owners, stage_people, staged,
};
