use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use super::headers::role_meant;
use super::rows::{Cells, examine};
use super::{LISTED_ERRORS, Mapping, RowError};
use crate::members::{MAX_ADDRESS_LENGTH, Teams};

/// Different cells of one column whose meaning is remembered.
const REMEMBERED: usize = 1000;

/// Counts what in the rows of a file can be used under a mapping, and which rows repeat an address.
pub struct RowCheck {
    mapping: Mapping,
    columns: usize,
    teams: Teams,
    seen: SeenHashes,
    roles: HashMap<String, bool>,
    team_cells: HashMap<String, Option<String>>,
    scratch: Vec<RowError>,
    /// The first errors.
    pub errors: Vec<RowError>,
    /// How many errors there are.
    pub error_count: u64,
    /// Rows without an error.
    pub valid_rows: u64,
}

/// What was found in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFindings {
    pub errors: u32,
    /// The earlier row with the same address.
    pub repeats: Option<u64>,
}

impl RowCheck {
    /// Nothing is checked yet.
    #[must_use]
    pub fn new(mapping: Mapping, columns: usize, teams: Teams) -> Self {
        Self {
            mapping,
            columns,
            teams,
            seen: SeenHashes::default(),
            roles: HashMap::new(),
            team_cells: HashMap::new(),
            scratch: Vec::new(),
            errors: Vec::new(),
            error_count: 0,
            valid_rows: 0,
        }
    }

    /// Looks at the next row.
    pub fn row(&mut self, number: u64, cells: Cells<'_>) -> RowFindings {
        let (roles, team_cells, teams) = (&mut self.roles, &mut self.team_cells, &self.teams);
        let is_role = |cell: &str| remembered(roles, cell, |cell| role_meant(cell).is_some());
        let unknown_team = |cell: &str| remembered(team_cells, cell, |cell| teams.in_cell(cell).err().map(str::to_owned));
        let said = examine(number, cells, &self.mapping, self.columns, is_role, unknown_team, &mut self.scratch);
        let mut repeats = None;
        if self.scratch.is_empty() {
            repeats = self.seen.earlier(said.email, number);
            match repeats {
                Some(first) => self.scratch.push(repeated(number, &self.mapping, first)),
                None => self.valid_rows += 1,
            }
        }
        let found = RowFindings { errors: u32::try_from(self.scratch.len()).unwrap_or(u32::MAX), repeats };
        self.error_count += u64::from(found.errors);
        let room = LISTED_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(self.scratch.drain(..).take(room));
        found
    }
}

/// The error of a row that has the address of an earlier one.
pub(super) fn repeated(number: u64, mapping: &Mapping, first: u64) -> RowError {
    let detail = format!("row {first} has the same address; a person is invited once");
    RowError::new(number, Some(mapping.email), "duplicate", detail)
}

fn remembered<T: Clone>(cells: &mut HashMap<String, T>, cell: &str, find: impl FnOnce(&str) -> T) -> T {
    if let Some(known) = cells.get(cell) {
        return known.clone();
    }
    let found = find(cell);
    if cells.len() < REMEMBERED {
        cells.insert(cell.to_owned(), found.clone());
    }
    found
}

/// The addresses seen so far. Of each only a keyed hash is kept: 200,000 take a few megabytes, and two of them meet by chance
/// once in a billion files. Only what is shown before an import is confirmed depends on it.
#[derive(Default)]
struct SeenHashes {
    key: RandomState,
    rows: HashMap<u64, u32, BuildHasherDefault<PreHashedKey>>,
}

impl SeenHashes {
    /// The row that had the address before; else the address is this row's from now on.
    fn earlier(&mut self, email: &str, number: u64) -> Option<u64> {
        let mut lower = [0; MAX_ADDRESS_LENGTH];
        let hash = match lower.get_mut(..email.len()) {
            Some(lower) if email.is_ascii() => {
                lower.copy_from_slice(email.as_bytes());
                lower.make_ascii_lowercase();
                self.key.hash_one(&*lower)
            }
            _ => self.key.hash_one(email.to_lowercase().as_bytes()),
        };
        match self.rows.entry(hash) {
            Entry::Occupied(first) => Some(u64::from(*first.get())),
            Entry::Vacant(vacant) => {
                vacant.insert(u32::try_from(number).unwrap_or(u32::MAX));
                None
            }
        }
    }
}

/// A key that is a hash already.
#[derive(Default)]
struct PreHashedKey(u64);

impl Hasher for PreHashedKey {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
