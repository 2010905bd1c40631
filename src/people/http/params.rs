//! Query parameters of lists and exports.

use serde::Deserialize;

use super::cursor;
use crate::http::paging::MAX_LIMIT;
use crate::http::{PageParams, Problem, ValidationError};
use crate::people::{InvalidSalesforceId, PeopleCursor, PeopleExportFormat, PeopleFilter, SalesforceId};

/// The most characters of a text to search for.
const MAX_TEXT_CHARS: usize = 320;

/// Which people are wanted; every condition that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleListParams {
    /// Most rows to return; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
    /// `next_cursor` of the page before, with the same conditions.
    #[param(pattern = "^([0-9A-Za-z_-]{21}[AQgw]|([0-9A-Za-z_-]{4}){4,110})$")]
    cursor: Option<String>,
    /// Marketo's id of the person.
    #[param(minimum = 1)]
    marketo_id: Option<i64>,
    /// Id of the Salesforce lead or contact, 15 or 18 characters.
    #[param(pattern = "^([0-9A-Za-z]{15}|[0-9A-Za-z]{18})$", example = "0031U00000V0tkDQAR")]
    salesforce_id: Option<String>,
    /// E-mail address, without regard to case. Several people may have it.
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    email: Option<String>,
    /// What the first name, the last name, or both with a space between begin with, without regard to case. (On SQLite the case of
    /// letters other than A to Z matters.)
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    name_prefix: Option<String>,
}

impl PeopleListParams {
    /// The number of rows, the cursor and the filter; no filter when nobody can match it.
    pub(super) fn read(self) -> Result<(u16, PeopleCursor, Option<PeopleFilter>), Problem> {
        let (mut errors, limit) = (Vec::new(), self.limit.unwrap_or(PageParams::DEFAULT_LIMIT));
        if !(1..=MAX_LIMIT).contains(&limit) {
            errors.push(ValidationError::new("#query/limit", "out_of_range", format!("limit is between 1 and {MAX_LIMIT}.")));
        }
        let after = self.cursor.as_deref().map(cursor::read);
        if let Some(None) = after {
            errors.push(ValidationError::new("#query/cursor", "unknown_cursor", "Use next_cursor of the page before, unchanged."));
        }
        let filter = FilterParams {
            marketo_id: self.marketo_id,
            salesforce_id: self.salesforce_id,
            email: self.email,
            name_prefix: self.name_prefix,
        };
        let filter = filter.read(errors)?;
        Ok((limit, after.flatten().unwrap_or_default(), filter))
    }
}

/// What is to be exported; every condition that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleExportParams {
    /// `csv` unless given.
    #[param(inline)]
    format: Option<PeopleExportFormat>,
    /// As in the list.
    #[param(minimum = 1)]
    marketo_id: Option<i64>,
    /// As in the list.
    #[param(pattern = "^([0-9A-Za-z]{15}|[0-9A-Za-z]{18})$", example = "0031U00000V0tkDQAR")]
    salesforce_id: Option<String>,
    /// As in the list.
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    email: Option<String>,
    /// As in the list.
    #[param(min_length = 1, max_length = 320, pattern = r"^[^\x00]+$")]
    name_prefix: Option<String>,
}

impl PeopleExportParams {
    /// The format and the filter; no filter when nobody can match it.
    pub(super) fn read(self) -> Result<(PeopleExportFormat, Option<PeopleFilter>), Problem> {
        let filter = FilterParams {
            marketo_id: self.marketo_id,
            salesforce_id: self.salesforce_id,
            email: self.email,
            name_prefix: self.name_prefix,
        };
        Ok((self.format.unwrap_or_default(), filter.read(Vec::new())?))
    }
}

/// The filter as it was sent. (Query parameters can't be read into a nested structure: numbers would be refused.)
struct FilterParams {
    marketo_id: Option<i64>,
    salesforce_id: Option<String>,
    email: Option<String>,
    name_prefix: Option<String>,
}

impl FilterParams {
    fn read(self, mut errors: Vec<ValidationError>) -> Result<Option<PeopleFilter>, Problem> {
        if self.marketo_id.is_some_and(|id| id < 1) {
            errors.push(ValidationError::new("#query/marketo_id", "out_of_range", "A Marketo id is 1 or more."));
        }
        let salesforce_id = self.salesforce_id.as_deref().map(str::parse::<SalesforceId>);
        if let Some(Err(error @ InvalidSalesforceId::Malformed)) = &salesforce_id {
            errors.push(ValidationError::new("#query/salesforce_id", error.code(), format!("{error}.")));
        }
        for (pointer, text) in [("#query/email", &self.email), ("#query/name_prefix", &self.name_prefix)] {
            let Some(text) = text else { continue };
            if text.is_empty() || text.chars().count() > MAX_TEXT_CHARS || text.contains('\0') {
                errors.push(ValidationError::new(
                    pointer,
                    "length",
                    format!("this has 1 to {MAX_TEXT_CHARS} characters, none of them NUL."),
                ));
            }
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        // An id whose suffix doesn't fit is the id of nothing.
        let Ok(salesforce_id) = salesforce_id.transpose() else { return Ok(None) };
        Ok(Some(PeopleFilter { marketo_id: self.marketo_id, salesforce_id, email: self.email, name_prefix: self.name_prefix }))
    }
}
