use crate::db::bulk::{self, Column, Values};
use crate::db::{Db, DbError, Tx, execute, on};
use crate::ids::{InstanceId, RunId};
use crate::sync::rows::{OwnerRow, PersonRow};

/// Keeps people that were read; one read before is replaced.
pub(in crate::sync) async fn stage_people(tx: &mut Tx, instance: InstanceId, run: RunId, people: &[PersonRow]) -> Result<(), DbError> {
    let texts = |name, of: fn(&PersonRow) -> &Option<String>| Column {
        name,
        values: Values::Texts(people.iter().map(|person| of(person).as_deref()).collect()),
    };
    let columns = [
        Column { name: "marketo_id", values: Values::Integers(people.iter().map(|person| person.marketo_id).collect()) },
        texts("first_name", |person| &person.first_name),
        texts("last_name", |person| &person.last_name),
        texts("email", |person| &person.email),
        texts("company", |person| &person.company),
        texts("title", |person| &person.title),
        texts("phone", |person| &person.phone),
        texts("linkedin_url", |person| &person.linkedin_url),
        texts("source", |person| &person.source),
        texts("salesforce_contact_id", |person| &person.salesforce_contact_id),
        texts("salesforce_lead_id", |person| &person.salesforce_lead_id),
        texts("salesforce_account_id", |person| &person.salesforce_account_id),
        texts("salesforce_opportunity_id", |person| &person.salesforce_opportunity_id),
    ];
    bulk::upsert(tx, "sync_staged_people", instance, run, &columns).await
}

/// Keeps owners that were read; one read before is replaced.
pub(in crate::sync) async fn stage_owners(tx: &mut Tx, instance: InstanceId, run: RunId, owners: &[OwnerRow]) -> Result<(), DbError> {
    let columns = [
        Column { name: "salesforce_id", values: Values::Texts(owners.iter().map(|row| Some(row.id.as_str())).collect()) },
        Column { name: "owner_id", values: Values::Texts(owners.iter().map(|row| Some(row.owner.as_str())).collect()) },
    ];
    bulk::upsert(tx, "sync_staged_owners", instance, run, &columns).await
}

/// How many people a run has read.
pub(in crate::sync) async fn staged(db: &Db, instance: InstanceId, run: RunId) -> Result<i64, DbError> {
    const SQL: &str = "SELECT COUNT(*) FROM sync_staged_people WHERE instance_id = $1 AND run_id = $2";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(run).fetch_one(c))
}

/// The highest Marketo id of the next `rows` staged people after `after`; none when there are no more.
pub(in crate::sync) async fn staged_boundary(
    db: &Db,
    instance: InstanceId,
    run: RunId,
    after: i64,
    rows: i64,
) -> Result<Option<i64>, DbError> {
    const SQL: &str = "SELECT MAX(marketo_id) FROM (SELECT marketo_id FROM sync_staged_people \
         WHERE instance_id = $1 AND run_id = $2 AND marketo_id > $3 ORDER BY marketo_id LIMIT $4) AS next";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).bind(run).bind(after).bind(rows).fetch_one(c))
}

/// Runs of the instance that left something staged.
pub(in crate::sync) async fn runs_with_staging(db: &Db, instance: InstanceId) -> Result<Vec<RunId>, DbError> {
    const SQL: &str = "SELECT r.id FROM sync_runs r WHERE r.instance_id = $1 \
           AND (EXISTS (SELECT 1 FROM sync_staged_people p WHERE p.instance_id = r.instance_id AND p.run_id = r.id) \
             OR EXISTS (SELECT 1 FROM sync_staged_owners o WHERE o.instance_id = r.instance_id AND o.run_id = r.id))";
    on!(db, c => sqlx::query_scalar(SQL).bind(instance).fetch_all(c))
}

/// Deletes at most `rows` staged people; gives how many there were.
pub(in crate::sync) async fn clear_people(tx: &mut Tx, instance: InstanceId, run: RunId, rows: i64) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sync_staged_people WHERE instance_id = $1 AND run_id = $2 AND marketo_id <= \
           (SELECT MAX(marketo_id) FROM (SELECT marketo_id FROM sync_staged_people WHERE instance_id = $1 AND run_id = $2 ORDER BY marketo_id LIMIT $3) AS next)";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(run).bind(rows))
}

/// Deletes at most `rows` staged owners; gives how many there were.
pub(in crate::sync) async fn clear_owners(tx: &mut Tx, instance: InstanceId, run: RunId, rows: i64) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM sync_staged_owners WHERE instance_id = $1 AND run_id = $2 AND salesforce_id <= \
           (SELECT MAX(salesforce_id) FROM (SELECT salesforce_id FROM sync_staged_owners WHERE instance_id = $1 AND run_id = $2 ORDER BY salesforce_id LIMIT $3) AS next)";
    execute!(tx, sqlx::query(SQL).bind(instance).bind(run).bind(rows))
}
