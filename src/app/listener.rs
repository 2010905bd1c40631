use std::net::{SocketAddr, TcpListener};

/// Callers who may wait to be accepted. The usual 128 are too few when thousands come at once; the rest would be reset.
const BACKLOG: u32 = 4096;

/// Listens at the address, before anything is served there.
pub(super) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
    #[cfg(unix)] // elsewhere it would let two processes share the address
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}
