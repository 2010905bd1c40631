use super::{PeopleFilter, Person};
use crate::db::{Db, DbError, on};
use crate::ids::InstanceId;

macro_rules! columns {
    () => {
        "marketo_id, first_name, last_name, email, company, title, phone, linkedin_url, source, salesforce_contact_id, salesforce_lead_id, \
         salesforce_account_id, salesforce_opportunity_id, owner_id, synced_at"
    };
}

/// A list after `$2`. The condition that an index serves comes first, written plainly; the same three conditions follow in a form
/// that an absent value satisfies.
macro_rules! list {
    ($indexed:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM people WHERE instance_id = $1 AND marketo_id > $2 AND ",
            $indexed,
            " AND ($4 IS NULL OR salesforce_contact_id = $4 OR salesforce_lead_id = $4) \
              AND ($5 IS NULL OR lower(email) = lower($5)) \
              AND ($6 IS NULL OR lower(first_name) LIKE lower($6) ESCAPE '\\' OR lower(last_name) LIKE lower($6) ESCAPE '\\' \
                   OR lower(first_name || ' ' || last_name) LIKE lower($6) ESCAPE '\\') \
             ORDER BY marketo_id LIMIT $3"
        )
    };
}

/// The people that `filter` lets through, by Marketo id, those after `after`, at most `limit`. A name is found by reading on
/// until a page is full, the other conditions by an index.
///
/// # Errors
/// When the database can't be asked.
pub async fn list(db: &Db, instance: InstanceId, filter: &PeopleFilter, after: i64, limit: i64) -> Result<Vec<Person>, DbError> {
    const ALL: &str = list!("marketo_id IS NOT NULL");
    const BY_SALESFORCE_ID: &str = list!("(salesforce_contact_id = $4 OR salesforce_lead_id = $4)");
    const BY_EMAIL: &str = list!("lower(email) = lower($5)");
    let sql = match filter {
        PeopleFilter { salesforce_id: Some(_), .. } => BY_SALESFORCE_ID,
        PeopleFilter { email: Some(_), .. } => BY_EMAIL,
        _ => ALL,
    };
    let salesforce_id = filter.salesforce_id.as_ref().map(|id| id.as_str());
    let pattern = filter.name_prefix.as_deref().map(starting_with);
    on!(db, c => sqlx::query_as(sql)
        .bind(instance).bind(after).bind(limit).bind(salesforce_id).bind(filter.email.as_deref()).bind(pattern.as_deref())
        .fetch_all(c))
}

/// The pattern of `LIKE` for texts that begin with `prefix`.
fn starting_with(prefix: &str) -> String {
    let mut pattern = prefix.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    pattern.push('%');
    pattern
}

/// One person.
///
/// # Errors
/// When the database can't be asked.
pub async fn find(db: &Db, instance: InstanceId, marketo_id: i64) -> Result<Option<Person>, DbError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM people WHERE instance_id = $1 AND marketo_id = $2");
    on!(db, c => sqlx::query_as(SQL).bind(instance).bind(marketo_id).fetch_optional(c))
}

#[cfg(test)]
mod tests {
    use super::starting_with;

    #[test]
    fn a_prefix_means_itself_also_with_the_signs_of_a_pattern() {
        assert_eq!(starting_with("50%_\\"), "50\\%\\_\\\\%");
    }
}
