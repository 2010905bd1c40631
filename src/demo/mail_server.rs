//! A mail server on this machine, for what a directory of messages can't show: it refuses recipients (RFC 5321).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// It knows nobody whose address begins so.
pub(super) const UNKNOWN_RECIPIENT: &str = "nobody";

/// The server; it stops when dropped.
pub(super) struct DemoMailServer {
    port: u16,
    _stop: DropGuard,
}

impl DemoMailServer {
    /// Starts a server that puts each message into `directory` as a file.
    ///
    /// # Errors
    /// When it can't listen or the directory can't be made.
    pub(super) async fn start(directory: PathBuf) -> std::io::Result<Self> {
        tokio::fs::create_dir_all(&directory).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(serve(listener, directory.into())));
        Ok(Self { port, _stop: stop.drop_guard() })
    }

    /// The address for `mail.smtp_url`.
    pub(super) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }
}

async fn serve(listener: TcpListener, directory: Arc<Path>) {
    let count = Arc::new(AtomicU32::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let (directory, count) = (directory.clone(), count.clone());
        // A client that hangs up takes its message with it.
        tokio::spawn(async move { converse(stream, &directory, &count).await });
    }
}

async fn converse(stream: TcpStream, directory: &Path, count: &AtomicU32) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 demo\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let command = line.to_ascii_uppercase();
        let reply: &[u8] = if command.starts_with("EHLO") {
            b"250-demo\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        } else if command.starts_with("RCPT TO:<") && command[9..].starts_with(&UNKNOWN_RECIPIENT.to_ascii_uppercase()) {
            b"550 5.1.1 Unknown recipient\r\n"
        } else if command == "DATA" {
            writing.write_all(b"354 Go ahead\r\n").await?;
            let mut message = String::new();
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                // Section 4.5.2: a dot at the beginning is doubled.
                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                message.push_str("\r\n");
            }
            let number = count.fetch_add(1, Ordering::Relaxed);
            // Under its name only when it is whole.
            let (begun, whole) = (directory.join(format!("{number:04}.part")), directory.join(format!("{number:04}.eml")));
            tokio::fs::write(&begun, message).await?;
            tokio::fs::rename(begun, whole).await?;
            b"250 Taken\r\n"
        } else if command == "QUIT" {
            writing.write_all(b"221 Bye\r\n").await?;
            break;
        } else {
            b"250 OK\r\n"
        };
        writing.write_all(reply).await?;
    }
    Ok(())
}
