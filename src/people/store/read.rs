//! Finding one person, and listing those who match a filter.

use std::sync::LazyLock;

use super::columns::COLUMNS;
use super::names::{FULL_NAME, LAST_NAME, begins_with, list_by_name};
use crate::db::{self, Db, DbError, on};
use crate::ids::InstanceId;
use crate::people::{ListedPerson, PeopleCursor, PeopleFilter, Person};

static ONE: LazyLock<String> = LazyLock::new(|| format!("SELECT {} FROM people WHERE instance_id = $1 AND marketo_id = $2", *COLUMNS));

pub(super) static ALL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM people WHERE instance_id = $1 AND marketo_id > $2 ORDER BY marketo_id LIMIT $3", *COLUMNS));

pub(super) static BY_MARKETO_ID: LazyLock<String> = LazyLock::new(|| write_list("people", "instance_id = $1 AND marketo_id = $6"));

/// People who are the lead or the contact `$4`: each half is served by its index.
pub(super) static BY_SALESFORCE_ID: LazyLock<String> = LazyLock::new(|| {
    let columns = &*COLUMNS;
    let people = format!(
        "(SELECT {columns} FROM people WHERE instance_id = $1 AND salesforce_contact_id = $4 \
          UNION SELECT {columns} FROM people WHERE instance_id = $1 AND salesforce_lead_id = $4) AS people"
    );
    write_list(&people, "1 = 1")
});

// The index leaves out people without an address, and SQLite uses it only when the query does so, too.
pub(super) static BY_EMAIL: LazyLock<String> =
    LazyLock::new(|| write_list("people", "instance_id = $1 AND email IS NOT NULL AND lower(email) = lower($5)"));

/// Writes the statement that lists those of `people` after `$2` whom an index finds by the condition `indexed`; all conditions follow in a
/// form that an absent value satisfies. These people are few: the sum `marketo_id + 0` keeps a planner from reading everybody in the order
/// of the key until it meets them.
fn write_list(people: &str, indexed: &str) -> String {
    format!(
        "SELECT {columns} FROM {people} WHERE {indexed} AND marketo_id + 0 > $2 \
             AND ($4 IS NULL OR salesforce_contact_id = $4 OR salesforce_lead_id = $4) \
             AND ($5 IS NULL OR lower(email) = lower($5)) AND ($6 IS NULL OR marketo_id = $6) \
             AND ($7 IS NULL OR {full_name_begins} OR {last_name_begins}) \
         ORDER BY marketo_id + 0 LIMIT $3",
        columns = *COLUMNS,
        full_name_begins = begins_with(FULL_NAME, "$7"),
        last_name_begins = begins_with(LAST_NAME, "$7"),
    )
}

/// Lists the people who match `filter`, those behind `after`, at most `limit`: by Marketo id, or by name when only a name prefix is given.
/// An index serves each kind of list.
pub async fn list(
    db: &Db,
    instance: InstanceId,
    filter: &PeopleFilter,
    after: &PeopleCursor,
    limit: i64,
) -> Result<Vec<ListedPerson>, DbError> {
    let sql: &'static str = match filter {
        PeopleFilter { marketo_id: Some(_), .. } => &BY_MARKETO_ID,
        PeopleFilter { salesforce_id: Some(_), .. } => &BY_SALESFORCE_ID,
        PeopleFilter { email: Some(_), .. } => &BY_EMAIL,
        PeopleFilter { name_prefix: Some(prefix), .. } => return list_by_name(db, instance, prefix, after, limit).await,
        PeopleFilter { name_prefix: None, .. } => {
            let people: Vec<Person> =
                on!(db, c => db::query_as(ALL.as_str()).bind(instance).bind(after.marketo_id).bind(limit).fetch_all(c))?;
            return Ok(people.into_iter().map(listed_by_id).collect());
        }
    };
    let salesforce_id = filter.salesforce_id.as_ref().map(|id| id.as_str());
    let people: Vec<Person> = on!(db, c => db::query_as(sql)
        .bind(instance).bind(after.marketo_id).bind(limit).bind(salesforce_id).bind(filter.email.as_deref())
        .bind(filter.marketo_id).bind(filter.name_prefix.as_deref())
        .fetch_all(c))?;
    Ok(people.into_iter().map(listed_by_id).collect())
}

fn listed_by_id(person: Person) -> ListedPerson {
    ListedPerson { cursor: PeopleCursor::at_id(person.marketo_id), person }
}

/// Finds a person.
pub async fn find(db: &Db, instance: InstanceId, marketo_id: i64) -> Result<Option<Person>, DbError> {
    on!(db, c => db::query_as(ONE.as_str()).bind(instance).bind(marketo_id).fetch_optional(c))
}
