//! Where the sandbox listens. Each vendor has its own origin, as the real ones do, because the vendors' clients keep only the origin of an
//! address.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize};

/// One of the two simulated systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxVendor {
    Marketo,
    Salesforce,
}

impl SandboxVendor {
    /// As written in faults and call counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Marketo => "marketo",
            Self::Salesforce => "salesforce",
        }
    }
}

/// The sockets that the sandbox answers on.
#[derive(Debug)]
pub struct SandboxListeners {
    /// For `/__sandbox`: looking inside and changing things.
    pub control: TcpListener,
    /// For Salesforce, login host and instance in one.
    pub salesforce: TcpListener,
    pub marketo: TcpListener,
}

impl SandboxListeners {
    /// Three free ports of 127.0.0.1.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn on_free_ports() -> io::Result<Self> {
        let bind = || TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Ok(Self { control: bind()?, salesforce: bind()?, marketo: bind()? })
    }

    pub(super) fn ports(&self) -> io::Result<VendorPorts> {
        Ok(VendorPorts { salesforce: self.salesforce.local_addr()?.port(), marketo: self.marketo.local_addr()?.port() })
    }
}

/// The vendors' ports.
#[derive(Debug, Clone, Copy)]
pub struct VendorPorts {
    pub salesforce: u16,
    pub marketo: u16,
}

impl VendorPorts {
    /// A vendor's origin, on the host by which `request` reached the control.
    pub fn origin(self, vendor: SandboxVendor, request: &HttpRequest) -> String {
        let port = match vendor {
            SandboxVendor::Marketo => self.marketo,
            SandboxVendor::Salesforce => self.salesforce,
        };
        let connection = request.connection_info();
        format!("{}://{}:{port}", connection.scheme(), without_port(connection.host()))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_taken_off_a_host() {
        for (host, name) in [("localhost", "localhost"), ("127.0.0.1:4010", "127.0.0.1"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")] {
            assert_eq!(without_port(host), name, "{host}");
        }
    }
}
