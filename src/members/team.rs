use super::MemberError;
use crate::clock::Timestamp;
use crate::display_name::{DisplayName, NoDisplayName};
use crate::ids::TeamId;

/// The name of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamName(pub(super) DisplayName);

impl TeamName {
    /// Reads a name, as [`DisplayName::parse`] does.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, NoDisplayName> {
        DisplayName::parse(text).map(Self)
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What names are compared by.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(self.as_str())
    }
}

fn key_of(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    /// Every member is in it, and it can't be left.
    pub is_everyone: bool,
    /// How many members it has, invited ones included.
    pub members: i64,
    pub created_at: Timestamp,
}

/// The teams of an instance, to find them by what a person calls them. There are few.
#[derive(Debug, Clone, Default)]
pub struct Teams(pub Vec<Team>);

impl Teams {
    /// The team of this name, whatever its case, or of this id.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<TeamId> {
        let key = key_of(name);
        let by_name = self.0.iter().find(|team| key_of(&team.name) == key);
        let by_id = || self.0.iter().find(|team| team.id.to_string() == key);
        by_name.or_else(by_id).map(|team| team.id)
    }

    /// The teams of these names or ids.
    ///
    /// # Errors
    /// [`MemberError::TeamUnknown`] with the first that is not there.
    pub fn all_named<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Vec<TeamId>, MemberError> {
        names.into_iter().map(|name| self.named(name).ok_or_else(|| MemberError::TeamUnknown(name.to_owned()))).collect()
    }

    /// The teams of a cell that names one or several, separated by semicolons, bars or commas; a name that itself holds one
    /// of these is found when it stands alone.
    ///
    /// # Errors
    /// The first name that no team has.
    pub fn in_cell<'a>(&self, cell: &'a str) -> Result<Vec<TeamId>, &'a str> {
        if let Some(team) = self.named(cell) {
            return Ok(vec![team]);
        }
        let names = cell.split([';', '|', ',']).map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| self.named(name).ok_or(name)).collect()
    }
}
