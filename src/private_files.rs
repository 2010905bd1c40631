//! Files and directories that only the user whom the service runs as can read: they hold credentials, personal data, and links that let
//! people in. Where the system has no such permissions they are made as usual.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::telemetry::error_chain;

/// Readable and writable by the owner.
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;
/// The same, and may be entered.
#[cfg(unix)]
const DIRECTORY_MODE: u32 = 0o700;

/// Creates a directory and what is missing above it. One that exists keeps its permissions.
///
/// # Errors
/// As [`std::fs::create_dir_all`].
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIRECTORY_MODE);
    builder.create(path)
}

/// Creates a file for writing, in place of what it held before.
///
/// # Errors
/// As [`File::create`].
pub fn create(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().write(true).create(true).truncate(true), path)
}

/// Creates a file that must not exist.
///
/// # Errors
/// As [`File::create_new`].
pub fn create_new(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().write(true).create_new(true), path)
}

fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, FILE_MODE);
    let file = options.open(path)?;
    // One that was there keeps the permissions it had.
    restrict(path)?;
    Ok(file)
}

/// Writes a file, in place of what it held before, on a thread that may block.
///
/// # Errors
/// As [`std::fs::write`].
pub async fn write(path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
    on_blocking_thread(move || create(&path)?.write_all(&bytes)).await
}

/// [`create_directory`] on a thread that may block.
///
/// # Errors
/// As [`std::fs::create_dir_all`].
pub async fn ensure_directory(path: PathBuf) -> io::Result<()> {
    on_blocking_thread(move || create_directory(&path)).await
}

async fn on_blocking_thread(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Creates an empty file unless there is one.
///
/// # Errors
/// As [`File::create_new`].
pub fn create_if_missing(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes a file and its companions, whose names end in `suffixes`, away from everybody but the owner, those that there are. What belongs to
/// another user stays as it is, with a word in the log.
///
/// # Errors
/// When a file can't be looked at.
pub fn restrict_to_owner(path: &Path, suffixes: &[&str]) -> io::Result<()> {
    for suffix in suffixes {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let companion = PathBuf::from(name);
        match restrict(&companion) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// By its name: whoever opens and closes a file of SQLite's takes from its process every lock on it
/// (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let found = metadata(path)?;
    // What is no file, such as /dev/null, is nobody's to change.
    if !found.is_file() || found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    match set_permissions(path, Permissions::from_mode(FILE_MODE)) {
        Ok(()) => tracing::info!(file = %path.display(), "other users could read this file; now only its owner can"),
        Err(error) => {
            tracing::warn!(file = %path.display(), error = %error_chain(&error), "other users can read this file, and it can't be changed here");
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(path: &Path) -> io::Result<()> {
    path.metadata().map(drop)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_created_belongs_to_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        create_directory(&directory).unwrap();
        assert_eq!((mode(&directory), mode(&root.path().join("a"))), (0o700, 0o700));
        let file = directory.join("file");
        create(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(create_new(&file).is_err());
    }

    #[test]
    fn files_that_others_could_read_are_taken_from_them() {
        let root = tempfile::tempdir().unwrap();
        let open_to_all = |name: &str| {
            let path = root.path().join(name);
            fs::write(&path, "kept").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            path
        };
        let (file, log) = (open_to_all("data.db"), open_to_all("data.db-wal"));
        create_if_missing(&file).unwrap();
        restrict_to_owner(&file, &["", "-wal", "-shm"]).unwrap();
        assert_eq!((mode(&file), mode(&log)), (0o600, 0o600));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        let message = open_to_all("message");
        create(&message).unwrap();
        assert_eq!(mode(&message), 0o600);
    }
}
