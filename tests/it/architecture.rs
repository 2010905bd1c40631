//! Who may import whom. One package has no crate walls, so this test reads the `crate::` paths of every folder. Arrows point
//! down: main → app → features → {salesforce, marketo, http, db, jobs, mail, vault, clock}.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder or file of `src` and what it may import; what it is part of itself goes without saying.
struct Room {
    name: &'static str,
    may: &'static [&'static str],
}

const FEATURES: &[&str] = &[
    "auth",
    "connections",
    "dead_letters",
    "diagnostics",
    "imports",
    "instances",
    "invites",
    "members",
    "onboarding",
    "package",
    "people",
    "proxy",
    "quotas",
    "scim",
    "sync",
    "tokens",
];

/// What every feature may build on.
const GROUND: &[&str] = &[
    "audit",
    "clock",
    "config",
    "context",
    "crypto",
    "db",
    "display_name",
    "http",
    "ids",
    "jobs",
    "language",
    "locales",
    "permissions",
    "private_files",
    "tasks",
    "telemetry",
    "vault",
    "wiring",
];

/// Modules below or beside the features.
const ROOMS: &[Room] = &[
    Room { name: "main", may: &["cli"] },
    // The command line makes clients and shows what it did, so it knows `auth` and asks `instances` whether one exists.
    Room {
        name: "cli",
        may: &[
            "app",
            "audit",
            "auth",
            "clock",
            "config",
            "db",
            "dead_letters",
            "demo",
            "display_name",
            "ids",
            "instances",
            "jobs",
            "language",
            "mail",
            "proxy",
            "sandbox",
            "telemetry",
            "vault",
        ],
    },
    Room { name: "demo", may: &["app", "auth", "clock", "config", "sandbox", "telemetry", "vault"] },
    // Every feature records what it changes here, so it knows none of them.
    Room { name: "audit", may: &["clock", "context", "crypto", "db", "http", "ids", "permissions"] },
    Room { name: "clock", may: &[] },
    // An origin of the simulated vendors is of the type that the clients take.
    Room { name: "config", may: &["telemetry", "upstream"] },
    // What rules, jobs and handlers are handed.
    Room { name: "context", may: &["clock", "config", "db", "vault"] },
    Room { name: "crypto", may: &[] },
    Room { name: "db", may: &["clock", "config", "ids", "private_files", "telemetry"] },
    // Names that people give and other people read.
    Room { name: "display_name", may: &[] },
    Room {
        name: "http",
        may: &[
            "clock",
            "config",
            "context",
            "crypto",
            "db",
            "display_name",
            "ids",
            "jobs",
            "language",
            "locales",
            "permissions",
            "telemetry",
            "vault",
            "wiring",
        ],
    },
    Room { name: "ids", may: &[] },
    Room { name: "jobs", may: &["clock", "config", "crypto", "db", "ids", "tasks", "telemetry"] },
    // Of messages and of pages.
    Room { name: "language", may: &[] },
    // What messages and pages say.
    Room { name: "locales", may: &["language"] },
    // The outbox: rows, jobs, and the operator's view of it. It knows no feature; those that write to people watch what becomes of it.
    Room {
        name: "mail",
        may: &[
            "clock",
            "config",
            "context",
            "db",
            "http",
            "ids",
            "jobs",
            "language",
            "locales",
            "permissions",
            "private_files",
            "telemetry",
            "vault",
            "wiring",
        ],
    },
    Room { name: "marketo", may: &["clock", "config", "private_files", "telemetry", "upstream", "http_stub"] },
    // Roles, scopes and callers: what handlers' signatures and the middleware are about.
    Room { name: "permissions", may: &["db", "ids"] },
    // Files that only the service's own user can read.
    Room { name: "private_files", may: &["telemetry"] },
    Room { name: "salesforce", may: &["clock", "config", "telemetry", "upstream", "http_stub"] },
    Room { name: "sandbox", may: &["clock", "config"] },
    // Background tasks, and how they end.
    Room { name: "tasks", may: &[] },
    Room { name: "telemetry", may: &["clock", "config"] },
    // What both vendors' clients share, and knows neither.
    Room { name: "upstream", may: &[] },
    // Its rotations are recorded in the audit by whoever asks for them: the audit is above it.
    Room { name: "vault", may: &["clock", "config", "crypto", "db", "jobs", "private_files", "telemetry"] },
    // What each feature says that it adds to the service.
    Room { name: "wiring", may: &["clock", "db", "jobs"] },
    Room { name: "http_stub", may: &["config", "upstream"] },
];

/// Which features a feature may ask, through its `mod.rs`. The order has no circle: each line asks lines above it only.
const FEATURE_ORDER: &[Room] = &[
    Room { name: "auth", may: &[] },
    // What operators do about jobs that failed too often; each kind's own feature says whether trying again makes sense.
    Room { name: "dead_letters", may: &["auth"] },
    Room { name: "instances", may: &["auth"] },
    Room { name: "package", may: &["auth", "instances"] },
    // What went wrong at the vendors; they alone know what their codes mean.
    Room { name: "diagnostics", may: &["salesforce", "marketo", "upstream"] },
    Room { name: "quotas", may: &["diagnostics", "marketo", "upstream"] },
    // The broker knows no vendor.
    Room { name: "tokens", may: &["upstream"] },
    Room { name: "connections", may: &["auth", "diagnostics", "instances", "marketo", "quotas", "salesforce", "tokens", "upstream"] },
    // Auto-login asks Salesforce, through `connections`, who a member is.
    Room { name: "members", may: &["auth", "instances", "connections", "mail"] },
    Room { name: "invites", may: &["auth", "instances", "connections", "members", "mail"] },
    // Invites the people of a file.
    Room { name: "imports", may: &["auth", "invites", "members"] },
    // Directories provision members and teams by its rules; removing one revokes what they connected.
    Room { name: "scim", may: &["auth", "instances", "connections", "members", "invites"] },
    Room { name: "people", may: &["auth", "instances"] },
    Room { name: "proxy", may: &["auth", "connections", "upstream"] },
    // The admins, whom it tells of runs, are `members`.
    Room {
        name: "sync",
        may: &["auth", "connections", "instances", "mail", "marketo", "members", "people", "quotas", "salesforce", "upstream"],
    },
    // How far the set-up is follows from facts of all features that it sets up.
    Room { name: "onboarding", may: &["auth", "connections", "instances", "invites", "package", "sync"] },
];

/// Every Rust file below a folder.
pub fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The first two names of every `crate::…` path of a text, with its line; `use crate::{a, b}` is not house style.
fn crate_paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for rest in line.split("crate::").skip(1) {
            let path: String = rest.chars().take_while(|one| one.is_alphanumeric() || matches!(one, '_' | ':')).collect();
            found.push((number + 1, path));
        }
    }
    found
}

fn faults(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    sources(root, &mut files);
    files.sort();
    let mut faults = Vec::new();
    for file in files {
        let inside = file.strip_prefix(root).unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let (room, rest) = inside.split_once('/').unwrap_or((&inside, ""));
        // The composition root may import everything; the library's root only declares.
        if matches!(room, "app" | "lib") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (line, path) in crate_paths(&text) {
            let target = path.split("::").next().unwrap();
            if target == room || target.chars().next().is_some_and(char::is_uppercase) {
                continue;
            }
            if let Some(why) = refuse(room, rest, target, &path) {
                faults.push(format!("src/{inside}.rs:{line}: {why} (crate::{path})"));
            }
        }
        for (line, name, why) in forbidden_crates(room, rest, &text) {
            faults.push(format!("src/{inside}.rs:{line}: {why} ({name})"));
        }
    }
    faults
}

fn refuse(room: &str, rest: &str, target: &str, path: &str) -> Option<String> {
    if target == "app" && !matches!(room, "cli" | "demo") {
        return Some("nothing imports app".into());
    }
    if let Some(known) = ROOMS.iter().find(|known| known.name == room) {
        let allowed = known.may.iter().any(|may| *may == target || path.starts_with(&format!("{may}::")));
        return (!allowed).then(|| format!("{room} may not import {target}"));
    }
    let Some(feature) = FEATURE_ORDER.iter().find(|known| known.name == room) else {
        return Some(format!("{room} stands in no row of the map; add it there first"));
    };
    if rest == "mod" && target == "http" {
        return Some("rules know no HTTP".into());
    }
    if rest.split('/').any(|part| part == "store") && matches!(target, "http" | "salesforce" | "marketo" | "jobs") {
        return Some(format!("a store knows no {target}"));
    }
    if GROUND.contains(&target) {
        return None;
    }
    if !feature.may.contains(&target) {
        return Some(format!("{room} may not import {target}"));
    }
    let second = path.split("::").nth(1).unwrap_or_default();
    (FEATURES.contains(&target) && matches!(second, "store" | "http"))
        .then(|| format!("{room} reaches {target} through its mod.rs only, not through {second}"))
}

/// Libraries that a room must not know.
fn forbidden_crates(room: &str, rest: &str, text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let is_in = |name: &str| rest.split('/').any(|part| part == name);
    let rules: &[(&str, &str)] = match rest {
        "mod" if FEATURES.contains(&room) => &[
            ("actix_web", "rules know no HTTP"),
            ("db::query", "rules know no SQL"),
            ("db::query_as", "rules know no SQL"),
            ("db::query_scalar", "rules know no SQL"),
        ],
        _ if is_in("store") => &[("actix_web", "a store knows no HTTP"), ("reqwest", "a store calls nobody")],
        _ if is_in("http") => &[("sqlx", "a route runs no SQL"), ("reqwest", "a route calls nobody")],
        _ => &[],
    };
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (name, why) in rules {
            let is_named = [format!("{name}::"), format!("{name}("), format!("use {name}")].iter().any(|form| line.contains(form));
            if is_named && !line.trim_start().starts_with("//") {
                found.push((number + 1, *name, *why));
            }
        }
    }
    found
}

#[test]
fn every_folder_imports_only_what_the_map_allows() {
    let faults = faults(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_forbidden_import_is_found_with_file_and_line() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("sandbox")).unwrap();
    fs::create_dir_all(root.path().join("package")).unwrap();
    fs::write(root.path().join("sandbox/mod.rs"), "//! crate::db in a comment is nothing\nuse crate::marketo::MarketoClient;\n").unwrap();
    fs::write(root.path().join("package/store.rs"), "use crate::db::Db;\nuse crate::instances::store::find;\n").unwrap();
    fs::write(root.path().join("package/mod.rs"), "use crate::http::Problem;\nuse actix_web::get;\n").unwrap();
    let faults = faults(root.path());
    assert_eq!(
        faults,
        [
            "src/package/mod.rs:1: rules know no HTTP (crate::http::Problem)",
            "src/package/mod.rs:2: rules know no HTTP (actix_web)",
            "src/package/store.rs:2: package reaches instances through its mod.rs only, not through store (crate::instances::store::find)",
            "src/sandbox/mod.rs:2: sandbox may not import marketo (crate::marketo::MarketoClient)",
        ]
    );
}

/// Lines of a text that log an error without its causes.
fn errors_without_causes(text: &str) -> Vec<usize> {
    let logs_it =
        |line: &str| ["error = %error", "(%error,", " %error,"].iter().any(|form| line.contains(form)) && !line.contains("reason = %error");
    let is_wrong = |line: &str| logs_it(&line.replace("%error_chain(", ""));
    text.lines().enumerate().filter(|(_, line)| is_wrong(line)).map(|(number, _)| number + 1).collect()
}

#[test]
fn every_error_is_logged_with_its_causes() {
    assert_eq!(
        errors_without_causes("warn!(error = %error_chain(&error), \"x\");\nwarn!(error = %error, \"x\");\nwarn!(%error, \"x\");"),
        [2, 3]
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let faults: Vec<_> = files
        .iter()
        .flat_map(|file| {
            errors_without_causes(&fs::read_to_string(file).unwrap()).into_iter().map(move |line| format!("{}:{line}", file.display()))
        })
        .collect();
    assert!(faults.is_empty(), "write `error = %error_chain(&error)` (src/telemetry/error_chain.rs) at\n{}", faults.join("\n"));
}
