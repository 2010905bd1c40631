//! What the check of statements lets pass, each with its reason.

use std::path::Path;

use super::on_one_line;
use crate::table_owners::literals_of;

/// Tables whose rows are found by something else than the instance they belong to, if they belong to one.
const GLOBAL: &[(&str, &str)] = &[
    ("api_clients", "who calls is found by the client's id, and operators' clients belong to no instance"),
    ("jobs", "there is one queue, whose jobs are claimed, counted and cleaned up whatever instance they work for"),
];

/// Statements across instances: the file, a part that tells the statement from others, the tables, and why.
const UNBOUND: &[(&str, &str, &[&str], &str)] = &[
    ("audit/store.rs", "SELECT instance_id FROM audit_heads UNION", &["audit_events", "audit_heads"], "an operator verifies all chains"),
    (
        "auth/store/scim_tokens.rs",
        "SELECT instance_id, id FROM scim_tokens WHERE token_hash",
        &["scim_tokens"],
        "a token tells the instance",
    ),
    (
        "auth/store/sessions.rs",
        "SELECT m.instance_id, m.id, m.role FROM sessions s JOIN members m",
        &["members", "sessions"],
        "a session's token tells the instance",
    ),
    ("auth/store/sessions.rs", "DELETE FROM sessions WHERE token_hash", &["sessions"], "whoever has the token may end its session"),
    ("connections/salesforce/store/authorizations.rs", "DELETE FROM oauth_states WHERE expires_at", &["oauth_states"], "old ones go"),
    (
        "connections/salesforce/store/authorizations.rs",
        "DELETE FROM oauth_states WHERE state_hash",
        &["oauth_states"],
        "a callback knows the state, which tells the instance",
    ),
    (
        "connections/salesforce/store/authorizations.rs",
        "SELECT * FROM oauth_states WHERE state_hash",
        &["oauth_states"],
        "a callback knows the state, which tells the instance",
    ),
    (
        "connections/salesforce/store/authorizations.rs",
        "UPDATE oauth_states SET browser_hash",
        &["oauth_states"],
        "a callback knows the state, which tells the instance",
    ),
    (
        "connections/salesforce/store/connections.rs",
        "UPDATE salesforce_connections SET state = 'needs_attention', last_error_code = $1",
        &["salesforce_connections"],
        "the only process finds at its start what the one before it left under way",
    ),
    (
        "vault/store/sealed_values.rs",
        "IS NOT NULL AND substr(",
        &[
            "idempotency_keys",
            "integration_clients",
            "mail_messages",
            "marketo_connections",
            "marketo_credentials",
            "salesforce_connections",
        ],
        "a new data key seals everything anew",
    ),
    ("http/idempotency/store.rs", "DELETE FROM idempotency_keys WHERE expires_at", &["idempotency_keys"], "old ones go"),
    ("imports/store.rs", "SELECT instance_id, id FROM invite_imports WHERE state", &["invite_imports"], "old ones are looked for"),
    ("invites/forget_store.rs", "SELECT i.instance_id FROM invites i WHERE", &["invites"], "old ones are looked for"),
    ("invites/message_store.rs", "DELETE FROM invite_messages WHERE queued_at", &["invite_messages"], "old ones go"),
    ("invites/store.rs", "FROM invite_links l JOIN invites i", &["invite_links", "invites"], "a link tells the instance"),
    ("mail/store.rs", "SELECT id, instance_id, kind, recipient", &["mail_messages"], "operators see the messages of all instances"),
    (
        "mail/store.rs",
        "DELETE FROM mail_messages WHERE id IN (SELECT id FROM mail_messages WHERE finished_at",
        &["mail_messages"],
        "old ones go",
    ),
    (
        "members/store/mod.rs",
        "UPDATE member_emails SET logs_in = TRUE",
        &["member_emails"],
        "an address logs in to one instance of all that know it",
    ),
    (
        "members/store/passwords.rs",
        "SELECT m.instance_id, m.id, CASE WHEN m.deactivated_at",
        &["member_emails", "members"],
        "an address that logs in tells the instance",
    ),
    (
        "members/store/passwords.rs",
        "SELECT instance_id, member_id FROM password_resets WHERE token_hash",
        &["password_resets"],
        "a link tells the instance",
    ),
    ("members/store/passwords.rs", "DELETE FROM password_resets WHERE token_hash", &["password_resets"], "a link tells the instance"),
    ("sync/store/changes.rs", "SELECT DISTINCT r.instance_id FROM sync_runs r", &["sync_runs"], "instances without a schedule get one"),
    (
        "sync/store/merge/sqlite.rs",
        "SELECT EXISTS (SELECT 1 FROM people WHERE instance_id = $1), EXISTS (SELECT 1 FROM people)",
        &["people"],
        "the indexes, which all instances share, are put off only when nobody has people",
    ),
];

/// Files that are told the names of other folders' tables.
const NAMED_AT_RUN_TIME: &[(&str, &[&str], &str)] = &[
    ("db/bulk/mod.rs", &["sync_staged_owners", "sync_staged_people"], "bulk loading fills the tables it is given"),
    ("db/bulk/postgres.rs", &["sync_staged_owners", "sync_staged_people"], "bulk loading fills the tables it is given"),
    ("db/bulk/sqlite.rs", &["sync_staged_owners", "sync_staged_people"], "bulk loading fills the tables it is given"),
    ("db/bulk/unindexed.rs", &["people"], "an index that was put off is made as it was"),
    (
        "vault/store/sealed_values.rs",
        &[
            "idempotency_keys",
            "integration_clients",
            "mail_messages",
            "marketo_connections",
            "marketo_credentials",
            "salesforce_connections",
            "signing_keys",
        ],
        "a new data key seals everything anew",
    ),
];

/// Whether a table in a statement of this file may go without an instance.
pub fn may_be_unbound(file: &str, table: &str, sql: &str) -> bool {
    let is_listed = |(of_file, part, tables, _): &(&str, &str, &[&str], &str)| {
        *of_file == file && tables.contains(&table) && on_one_line(sql).contains(part)
    };
    GLOBAL.iter().any(|(global, _)| *global == table) || UNBOUND.iter().any(is_listed)
}

/// Whether statements of this file may name this table, which it gets from elsewhere.
pub fn may_name(file: &str, table: &str) -> bool {
    NAMED_AT_RUN_TIME.iter().any(|(of_file, tables, _)| *of_file == file && tables.contains(&table))
}

#[test]
fn every_statement_that_may_be_unbound_is_still_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_gone = |(file, part, ..): &&(&str, &str, &[&str], &str)| {
        !literals_of(&root.join(file)).iter().any(|text| on_one_line(text).contains(part))
    };
    let gone: Vec<_> = UNBOUND.iter().filter(is_gone).map(|(file, part, ..)| format!("src/{file}: {part}")).collect();
    assert!(gone.is_empty(), "take these exceptions away:\n{}", gone.join("\n"));
}
