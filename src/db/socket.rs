//! A TCP or Unix socket as one stream type. Knows no protocol.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

/// An address that has been looked up: where a cancel request has to go too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    /// The socket file itself, or an abstract name behind a NUL.
    Unix(String),
}

impl Endpoint {
    /// Opens a connection.
    pub(super) async fn open(&self, keepalives: bool) -> io::Result<Socket> {
        let stream = match self {
            Self::Tcp(address) => {
                let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
                socket.set_keepalive(keepalives)?;
                let stream = socket.connect(*address).await?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            Self::Unix(path) => Stream::Unix(UnixStream::connect(path).await?),
        };
        Ok(Socket { stream, drains_on_shutdown: false })
    }

    pub(super) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

/// An open connection.
pub(super) struct Socket {
    stream: Stream,
    drains_on_shutdown: bool,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Makes a shutdown wait until the server has closed its side, as libpq does after a cancel request. PgBouncer 1.18
    /// and 1.19 cancel nothing, and then die, when the client closes first.
    pub(super) fn draining(self) -> Self {
        Self { drains_on_shutdown: true, ..self }
    }

    /// The port of this end; `None` for Unix sockets.
    pub(super) fn local_port(&self) -> Option<u16> {
        match &self.stream {
            Stream::Tcp(stream) => stream.local_addr().ok().map(|address| address.port()),
            Stream::Unix(_) => None,
        }
    }

    /// Reads until the server's end of file.
    fn poll_drained(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 256];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut *self).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => continue,
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.drains_on_shutdown {
            ready!(self.poll_drained(context));
        }
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
