//! Files of the service belong to its own user alone: they hold credentials, personal data, and links that let people in.
#![cfg(unix)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::{Server, binary};

/// Everything in a directory, with its permissions.
fn permissions(directory: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let about = std::fs::metadata(&path).unwrap();
        found.push((path.clone(), about.is_dir(), about.permissions().mode() & 0o777));
        if about.is_dir() {
            found.extend(permissions(&path));
        }
    }
    found
}

fn assert_private(data: &Path, names: &[&str]) {
    let found = permissions(data);
    for name in names {
        assert!(found.iter().any(|(path, ..)| path.ends_with(name)), "{name} is not there: {found:?}");
    }
    for (path, is_directory, mode) in found {
        assert_eq!(mode, if is_directory { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[test]
fn only_its_own_user_can_read_what_the_service_writes() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("msi-actions-data");
    let mut server = Server::start(directory.path());
    let sent = binary(directory.path()).args(["mail", "test", "--to", "ann@example.com"]).output().unwrap();
    assert!(sent.status.success(), "{sent:?}");
    assert_private(&data, &["msi-actions.db", "msi-actions.db-wal", "msi-actions.db-shm", "master.key", "mail"]);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(permissions(&data).iter().any(|(path, ..)| path.extension().is_some_and(|extension| extension == "eml")));
    server.stop();
}

#[test]
fn files_of_an_earlier_version_are_taken_from_other_users() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("msi-actions-data");
    Server::start(directory.path()).stop();
    for name in ["msi-actions.db", "master.key"] {
        std::fs::set_permissions(data.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    let mut server = Server::start(directory.path());
    assert_private(&data, &["msi-actions.db", "msi-actions.db-wal", "master.key"]);
    server.stop();
}
