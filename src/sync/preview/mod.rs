//! The preview of a sync, before anything is written: the fields, who qualifies and why others don't, and what it would cost.
//! It makes a dozen calls at most, each within the quotas.

mod cost;
mod people;
mod sample;

use serde::Serialize;

use super::fields::{self, MappedField};
use super::windows::ExportWindows;
use super::{SyncError, SyncService, store};
use crate::ids::InstanceId;
use crate::people::SyncField;

pub use cost::CostEstimate;
pub use people::{NotQualifyingGroup, NotQualifyingReason, PeopleEstimate};

/// What a sync would bring.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SyncPreview {
    /// The 13 fields.
    pub fields: Vec<FieldPreview>,
    /// Whether a sync can be started with these fields.
    pub can_start: bool,
    pub people: PeopleEstimate,
    /// Who would not be synced, and why.
    pub not_qualifying: Vec<NotQualifyingGroup>,
    pub cost: CostEstimate,
    /// People looked at for samples and shares: up to 150 contacts and as many leads that Salesforce names first.
    pub sampled_people: u32,
    /// Whether sample values are masked, because the caller may not read people.
    pub samples_masked: bool,
}

/// Whether a field can be synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncFieldState)]
pub enum FieldState {
    Available,
    /// The subscription has no such field.
    Missing,
    /// The field of this name holds something else.
    TypeMismatch,
}

/// A field and where it comes from.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FieldPreview {
    pub name: SyncField,
    /// What the source calls it; our name for it when the source doesn't have it.
    pub label: String,
    /// The system that has the value: `marketo` for every field.
    pub source: &'static str,
    /// The source's API name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_name: Option<String>,
    /// The source's word for the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Most characters, of types that have such a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    pub state: FieldState,
    /// What to do when it is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// A few values that people have, each once.
    pub samples: Vec<String>,
    /// The share of the sampled people who have a value, 0 to 1; absent when the field isn't available or nobody was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled: Option<f64>,
}

impl SyncService {
    /// Asks both vendors what a sync would bring. Without `may_read_people` the sample values are masked.
    ///
    /// # Errors
    /// [`SyncError::StepRequired`], [`SyncError::Connection`], [`SyncError::Db`].
    pub async fn preview(&self, instance: InstanceId, may_read_people: bool) -> Result<SyncPreview, SyncError> {
        let (marketo, salesforce) = self.clients_without_wait(instance).await?;
        let resolved = fields::resolve_fields(&marketo.describe().await?);
        let mapped = fields::map_fields(&resolved);
        let known: Vec<MappedField> = mapped.clone().unwrap_or_default();
        let (counts, people) =
            futures_util::try_join!(people::SalesforceCounts::fetch(&salesforce), sample::sample_people(&marketo, &salesforce, &known))?;
        let last = store::find_last_completed_full_run(&self.db, instance).await?.map(super::SyncRun::from);
        let limits = self.connections.marketo_limits(instance).await?;
        let estimate = counts.estimate(self.people_limit);
        let cost = CostEstimate::new(&self.cost_basis(&known, &counts, &people), last.as_ref(), &limits);
        let not_qualifying = counts.list_not_qualifying(last.as_ref());
        let sampled_people = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let fields = resolved.into_iter().map(|field| sample::preview_field(field, &people, may_read_people)).collect();
        Ok(SyncPreview {
            fields,
            can_start: mapped.is_ok(),
            people: estimate,
            not_qualifying,
            cost,
            sampled_people,
            samples_masked: !may_read_people,
        })
    }

    fn cost_basis(&self, fields: &[MappedField], counts: &people::SalesforceCounts, people: &[crate::marketo::Lead]) -> cost::CostBasis {
        cost::CostBasis {
            leads: counts.leads,
            contacts: counts.contacts,
            windows: u64::try_from(
                ExportWindows::new(self.earliest_creation(), self.clock.timestamp(), self.settings.window_days).remaining(),
            )
            .unwrap_or(0),
            bytes_per_person: sample::bytes_per_person(fields, people),
            poll_interval: self.poll_interval,
        }
    }
}
