//! Ports for what listens, ends and listens again at the same place.

use std::fs::File;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

/// Below those that the system gives to outgoing connections, one of which could take a port while nobody listens at it.
const RESERVED: std::ops::Range<u16> = 20_000..32_000;

/// Locks on the ports that this process has reserved. They end with it.
static LOCKS: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// A port at 127.0.0.1 that no other test gets, in this run or in one beside it.
pub fn reserve_port() -> u16 {
    let directory = std::env::temp_dir().join("msi-actions-test-ports");
    std::fs::create_dir_all(&directory).unwrap();
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    for port in RESERVED {
        let lock = File::options().create(true).truncate(false).write(true).open(directory.join(port.to_string())).unwrap();
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            locks.push(lock);
            return port;
        }
    }
    panic!("no port is free");
}
