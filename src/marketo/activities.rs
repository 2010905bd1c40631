//! What changed in Marketo, read from its log of activities by paging tokens.
//!
//! A token stands for a place in the log. Each answer gives the next one; an answer may hold few activities or none and still not
//! be the last, which only `moreResult` tells. Vendor page:
//! <https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities>.

use std::collections::HashSet;

use time::OffsetDateTime;
use time::macros::format_description;
use url::form_urlencoded;

use super::client::{MarketoApiCall, MarketoClient};
use super::error::MarketoError;
use super::wire::{ActivityRow, Envelope};

/// Marketo's number of the activity "Merge Leads".
const MERGE_LEADS: i64 = 32;
/// Marketo's number of the activity "New Lead".
const NEW_LEAD: i64 = 12;
/// The attribute of a merge that lists the people who are gone, in brackets and with commas.
const MERGED: &str = "Merge IDs";

/// One page of activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityPage {
    /// Each activity once.
    pub activities: Vec<Activity>,
    /// Where to read on.
    pub token: String,
    /// Whether there is more by now.
    pub more: bool,
}

/// Something that happened to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Marketo's id of the person; of a merge, of the one who stayed.
    pub person: i64,
    /// Whether the person is new.
    pub is_new: bool,
    /// Of a merge, those who are gone. Marketo may leave them out.
    pub merged: Vec<i64>,
}

impl MarketoClient {
    /// The token of the place in the log where activities since `since` begin.
    ///
    /// # Errors
    /// See [`MarketoError`].
    pub async fn paging_token(&self, since: OffsetDateTime) -> Result<String, MarketoError> {
        let layout = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let since = since.to_offset(time::UtcOffset::UTC).format(layout);
        let since = since.map_err(|_| MarketoError::InvalidRequest { message: "the time can't be written".into() })?;
        let mut url = self.resource_url(&["rest", "v1", "activities", "pagingtoken.json"])?;
        url.query_pairs_mut().append_pair("sinceDatetime", &since);
        let answer: Envelope<serde::de::IgnoredAny> = self.json(&MarketoApiCall::get(url)).await?;
        let token = answer.next_page_token.filter(|token| !token.is_empty());
        token.ok_or_else(|| MarketoError::UnexpectedAnswer { message: "there is no paging token".into() })
    }

    /// New people and changes of `fields` behind `token`.
    ///
    /// # Errors
    /// See [`MarketoError`]; [`MarketoError::refuses_value`] is true of a token that can't be read on from.
    pub async fn lead_changes(&self, token: &str, fields: &[&str]) -> Result<ActivityPage, MarketoError> {
        self.activities("leadchanges.json", token, &[("fields", &fields.join(","))]).await
    }

    /// People deleted behind `token`. Marketo may forget deletions after 14 days.
    ///
    /// # Errors
    /// As [`MarketoClient::lead_changes`].
    pub async fn deleted_leads(&self, token: &str) -> Result<ActivityPage, MarketoError> {
        self.activities("deletedleads.json", token, &[]).await
    }

    /// Merges behind `token`: of several people one stays. Whether the others are also listed as deleted isn't documented.
    ///
    /// # Errors
    /// As [`MarketoClient::lead_changes`].
    pub async fn merged_leads(&self, token: &str) -> Result<ActivityPage, MarketoError> {
        self.activities("", token, &[("activityTypeIds", &MERGE_LEADS.to_string())]).await
    }

    async fn activities(&self, resource: &str, token: &str, more: &[(&str, &str)]) -> Result<ActivityPage, MarketoError> {
        let path: &[&str] = if resource.is_empty() { &["rest", "v1", "activities.json"] } else { &["rest", "v1", "activities", resource] };
        let query = {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("nextPageToken", token).append_pair("batchSize", "300").extend_pairs(more).finish()
        };
        let answer: Envelope<ActivityRow> = self.json(&self.question(path, query)?).await?;
        let mut seen = HashSet::new();
        let fresh = answer.result.into_iter().filter(|row| match row.guid.as_deref() {
            Some(guid) if !guid.is_empty() => seen.insert(guid.to_owned()),
            _ => true,
        });
        let activities =
            fresh.filter_map(|row| Some(Activity { person: row.lead_id?, is_new: row.kind == NEW_LEAD, merged: merged(&row) }));
        let activities = activities.collect();
        let token = answer.next_page_token.filter(|token| !token.is_empty()).unwrap_or_else(|| token.to_owned());
        Ok(ActivityPage { activities, token, more: answer.more_result.unwrap_or(false) })
    }
}

/// The people who went into another one.
fn merged(row: &ActivityRow) -> Vec<i64> {
    if row.kind != MERGE_LEADS {
        return Vec::new();
    }
    let values = row.attributes.iter().filter(|attribute| attribute.name.eq_ignore_ascii_case(MERGED));
    let texts = values.map(|attribute| attribute.value.to_string());
    texts.flat_map(|text| text.split(|one: char| !one.is_ascii_digit()).filter_map(|id| id.parse().ok()).collect::<Vec<i64>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_merged_are_read_in_whatever_form_they_are_listed() {
        for (value, wanted) in [("\"[1286861]\"", vec![1_286_861]), ("\"[1, 22]\"", vec![1, 22]), ("[3,4]", vec![3, 4]), ("null", vec![])] {
            let text =
                format!(r#"{{"marketoGUID":"1","leadId":9,"activityTypeId":32,"attributes":[{{"name":"Merge IDs","value":{value}}}]}}"#);
            let row: ActivityRow = serde_json::from_str(&text).expect("an activity");
            assert_eq!(merged(&row), wanted, "{value}");
        }
    }
}
