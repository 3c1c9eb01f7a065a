//! Cancelling a running call: a second connection that asks the server to stop, and waits until the server has heard.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::socket::{Endpoint, Socket};

/// How long the server may take to close the connection of a cancel request. Below the two seconds in which a process
/// ends after a signal.
pub(super) const CANCEL_WAIT: Duration = Duration::from_millis(1500);

/// What is needed to cancel the calls of one session.
pub(super) struct Canceller {
    pub(super) token: CancelToken,
    pub(super) endpoint: Endpoint,
    /// Set where the session itself is encrypted: the request goes the same way.
    pub(super) tls: Option<(MakeRustlsConnect, String)>,
}

impl Canceller {
    /// Asks the server to cancel what the session runs. A failure is only logged: the server's own timeouts end the
    /// call too.
    pub(super) async fn cancel(&self) {
        match timeout(CANCEL_WAIT, self.request()).await {
            Ok(Ok(())) => tracing::debug!("cancel request sent"),
            Ok(Err(reason)) => tracing::debug!(reason, "cancel request failed"),
            Err(_) => tracing::debug!("cancel request not answered in time"),
        }
    }

    async fn request(&self) -> Result<(), String> {
        let socket = self.endpoint.open(false).await.map_err(|error| error.to_string())?.draining();
        let sent = match &self.tls {
            None => self.token.cancel_query_raw(socket, NoTls).await,
            Some((connector, name)) => {
                let mut connector = connector.clone();
                match MakeTlsConnect::<Socket>::make_tls_connect(&mut connector, name) {
                    Ok(connect) => self.token.cancel_query_raw(socket, connect).await,
                    Err(never) => match never {},
                }
            }
        };
        sent.map_err(|error| super::server_error::cause(&error))
    }
}
