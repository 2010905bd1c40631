//! Whose table it is: each belongs to one folder of `src`, and only that folder's SQL names it. What reads another's table all the same
//! stands here with its reason. Here the text of the sources is read; `statements` looks at the statements that run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use crate::architecture::sources;
use crate::circles::is_test;

/// The folders and their tables.
const OWNERS: &[(&str, &[&str])] = &[
    ("audit", &["audit_events", "audit_heads"]),
    (
        "auth",
        &[
            "api_clients",
            "failed_attempts",
            "known_addresses",
            "revoked_tokens",
            "scim_tokens",
            "sessions",
            "signing_keys",
            "used_assertions",
        ],
    ),
    ("connections", &["marketo_access", "marketo_connections", "oauth_states", "salesforce_connections", "salesforce_organizations"]),
    ("db", &["schema_lock", "unbuilt_indexes", "write_probes"]),
    ("diagnostics", &["diagnostics"]),
    ("http", &["idempotency_keys"]),
    ("imports", &["invite_import_chunks", "invite_imports"]),
    ("instances", &["instances", "integration_clients", "marketo_credentials"]),
    ("invites", &["invite_links", "invite_messages", "invites"]),
    ("jobs", &["jobs"]),
    ("mail", &["mail_messages", "mail_pace"]),
    ("members", &["member_emails", "members", "password_resets", "team_members", "teams"]),
    ("package", &["package_reports"]),
    ("people", &["people_feeds"]),
    ("proxy", &["client_call_rules"]),
    ("quotas", &["quota_accounts", "quota_grants", "quota_periods", "quota_places"]),
    ("scim", &["scim_groups", "scim_users"]),
    (
        "sync",
        &[
            "people",
            "people_removed",
            "sync_changes",
            "sync_cursors",
            "sync_extract_jobs",
            "sync_rejected_rows",
            "sync_runs",
            "sync_staged_owners",
            "sync_staged_people",
            "sync_strangers",
        ],
    ),
    ("vault", &["data_keys"]),
];

/// Files that name a table of another folder, and why.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    ("audit/store.rs", &["instances"], "verifying looks for instances without a chain"),
    ("auth/store/mod.rs", &["instances"], "a token is issued only for an instance that exists"),
    ("auth/store/sessions.rs", &["members"], "a session is that of a member who is active, in one statement"),
    ("connections/marketo/store/access.rs", &["members", "teams"], "members builds on connections, whose changes wait for theirs"),
    ("db/claim.rs", &["jobs"], "claiming a job differs between the engines"),
    ("instances/facts.rs", &["sync_runs"], "members and invites ask whether data sync has started, and sync builds on them"),
    ("invites/forget_store.rs", &["members"], "invitations of members who were removed are forgotten, in one statement"),
    ("invites/store.rs", &["instances", "members"], "who invites, and in whose name, in one statement"),
    ("members/store/changes.rs", &["invite_imports", "invites"], "invites and imports build on members, and go with them"),
    ("members/store/passwords.rs", &["sessions"], "a new password ends sessions in one statement"),
    (
        "onboarding/store.rs",
        &["invites", "marketo_connections", "package_reports", "salesforce_connections", "sync_runs"],
        "how far the set-up is follows from facts of all features",
    ),
    ("people/store/feed.rs", &["people", "people_removed"], "the read API over what the sync writes"),
    ("people/store/lookup.rs", &["people"], "the read API over what the sync writes"),
    ("people/store/names.rs", &["people"], "the read API over what the sync writes"),
    ("people/store/read.rs", &["people"], "the read API over what the sync writes"),
    ("scim/store.rs", &["member_emails"], "a directory finds a member by address, in one statement"),
    ("sync/store/changes.rs", &["jobs"], "a schedule looks for its own job"),
];

/// The folder that a table belongs to.
pub fn owner_of(table: &str) -> Option<&'static str> {
    OWNERS.iter().find(|(_, tables)| tables.contains(&table)).map(|(folder, _)| *folder)
}

/// Whether a file (from `src`) may name another folder's table.
pub fn is_exception(file: &str, table: &str) -> bool {
    EXCEPTIONS.iter().any(|(of_file, tables, _)| *of_file == file && tables.contains(&table))
}

/// String literals of a file, those within macros too, that no test holds.
#[derive(Default)]
struct Literals(Vec<String>);

impl Literals {
    fn add_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        for token in tokens {
            match token {
                proc_macro2::TokenTree::Group(group) => self.add_tokens(group.stream()),
                proc_macro2::TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.0.push(text.value());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Literals {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.push(literal.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.add_tokens(item.mac.tokens.clone());
    }
}

/// The string literals of a file, but for those of its tests.
pub fn literals_of(file: &Path) -> Vec<String> {
    let mut literals = Literals::default();
    literals.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    literals.0
}

/// The names that stand in a text where SQL has those of tables.
fn tables_in(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> =
        text.split(|one: char| one.is_whitespace() || matches!(one, '(' | ')' | ',' | ';')).filter(|word| !word.is_empty()).collect();
    let is_before_table = |word: &&str| matches!(*word, "FROM" | "JOIN" | "INTO" | "UPDATE" | "TABLE");
    words.windows(2).filter(|pair| is_before_table(&pair[0])).map(|pair| pair[1].to_owned()).collect()
}

/// Every table that the migrations have made and not dropped or renamed again.
fn migrated_tables(migrations: &Path) -> BTreeSet<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut tables = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let words: Vec<&str> =
                line.split(|one: char| one.is_whitespace() || matches!(one, '(' | ';')).filter(|word| !word.is_empty()).collect();
            match words.as_slice() {
                ["CREATE", "TABLE", "IF", "NOT", "EXISTS", name, ..] | ["CREATE", "TABLE", name, ..] => {
                    tables.insert((*name).to_owned());
                }
                ["DROP", "TABLE", "IF", "EXISTS", name, ..] | ["DROP", "TABLE", name, ..] => {
                    tables.remove(*name);
                }
                ["ALTER", "TABLE", from, "RENAME", "TO", to, ..] => {
                    tables.remove(*from);
                    tables.insert((*to).to_owned());
                }
                _ => {}
            }
        }
    }
    tables
}

/// What is wrong with the SQL of a crate: lines to print.
fn faults(root: &Path, owners: &[(&str, &[&str])], exceptions: &[(&str, &[&str], &str)]) -> Vec<String> {
    let owner_of: BTreeMap<&str, &str> =
        owners.iter().flat_map(|(folder, tables)| tables.iter().map(move |table| (*table, *folder))).collect();
    let listed = exceptions.iter().flat_map(|(file, tables, _)| tables.iter().map(|table| ((*file).to_owned(), (*table).to_owned())));
    let mut unused: BTreeSet<(String, String)> = listed.collect();
    let mut files = Vec::new();
    sources(root, &mut files);
    files.sort();
    let mut faults = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let folder = name.split(['/', '.']).next().unwrap();
        if folder == "sandbox" || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let tables: BTreeSet<String> = literals_of(&file).iter().flat_map(|text| tables_in(text)).collect();
        for table in tables {
            let Some(owner) = owner_of.get(table.as_str()) else { continue };
            if *owner != folder && !unused.remove(&(name.clone(), table.clone())) {
                faults.push(format!("src/{name} names the table {table} of {owner}: ask {owner}, or list it with a reason"));
            }
        }
    }
    faults.extend(unused.iter().map(|(file, table)| format!("src/{file} names {table} no more: take the exception away")));
    faults
}

#[test]
fn each_table_belongs_to_one_folder() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let faults = faults(&crate_root.join("src"), OWNERS, EXCEPTIONS);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let owned: BTreeSet<String> = OWNERS.iter().flat_map(|(_, tables)| tables.iter().map(|table| (*table).to_owned())).collect();
    for engine in ["sqlite", "postgres"] {
        let migrated = migrated_tables(&crate_root.join("migrations").join(engine));
        let without: Vec<_> = migrated.difference(&owned).collect();
        assert!(without.is_empty(), "tables of {engine} without an owner: {without:?}");
    }
}

#[test]
fn a_statement_on_a_foreign_table_is_found_wherever_it_stands() {
    let root = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("orders/store.rs", "fn list() { query(\"SELECT id FROM orders JOIN customers ON true\"); }");
    write("customers/store.rs", "fn list() { on!(db, c => query(concat!(\"DELETE FROM \", \"x\"), \"UPDATE orders SET a = 1\")); }");
    write("customers/rules.rs", "#[cfg(test)] mod tests { const SQL: &str = \"SELECT id FROM orders\"; }");
    let owners: &[(&str, &[&str])] = &[("orders", &["orders"]), ("customers", &["customers"])];
    assert_eq!(
        faults(root.path(), owners, &[("orders/store.rs", &["customers"], "a join")]),
        ["src/customers/store.rs names the table orders of orders: ask orders, or list it with a reason"]
    );
    let stale: &[(&str, &[&str], &str)] =
        &[("orders/store.rs", &["customers"], "a join"), ("customers/store.rs", &["orders", "gone"], "-")];
    assert_eq!(faults(root.path(), owners, stale), ["src/customers/store.rs names gone no more: take the exception away"]);
}
