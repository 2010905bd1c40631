//! SQL of the sync: its runs, the exports they make, what they read, and the merge into the people of the instance.

mod exports;
mod merge;
mod runs;
mod staging;

pub(super) use exports::{
    Export, ExportState, export_created, export_forgotten, export_staged, exports, insert_exports, staged_people_so_far,
};
pub(super) use merge::{known_boundary, merge_range, qualified, remove_range};
pub(super) use runs::{change_state, find_run, find_under_way, insert_run, list_runs, save_ledger, save_plan, save_progress};
pub(super) use staging::{clear_owners, clear_people, runs_with_staging, stage_owners, stage_people, staged, staged_boundary};
