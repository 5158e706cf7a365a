//! Connections that can be spoilt on purpose: reset before the answer, or closed in the middle of it. A real client has
//! to survive both, and no HTTP library lets a server do either, so it is done below it. A request whose head does not
//! come to its end is given up here too.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// 0 is a sound connection.
const RESET: u8 = 1;
const TRUNCATE: u8 = 2;
const DEAD: u8 = 3;

/// A handle by which the answer's author spoils the connection that will carry it.
#[derive(Debug, Clone, Default)]
pub(super) struct Sabotage(Arc<AtomicU8>);

impl Sabotage {
    /// The next write resets the connection.
    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::SeqCst);
    }

    /// The next answer ends in the middle of its body.
    pub(super) fn truncate(&self) {
        self.0.store(TRUNCATE, Ordering::SeqCst);
    }

    fn mode(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How far the head of a request has come.
enum Head {
    /// No byte of the next request is there.
    Awaited,
    /// It has begun; how many line ends came last, and until when the rest is waited for.
    Begun(u8, Pin<Box<Sleep>>),
    /// It is there: what follows is the body, until the answer.
    Complete,
}

impl Head {
    fn read(&mut self, bytes: &[u8], patience: Duration) {
        for byte in bytes {
            match self {
                Self::Awaited => *self = Self::Begun(0, Box::pin(sleep(patience))),
                Self::Begun(ends, _) => match byte {
                    b'\n' if *ends > 0 => *self = Self::Complete,
                    b'\n' => *ends = 1,
                    b'\r' => {}
                    _ => *ends = 0,
                },
                Self::Complete => return,
            }
        }
    }
}

/// A connection off the listener.
pub(super) struct Connection {
    wire: Wire,
    sabotage: Sabotage,
    head: Head,
    patience: Duration,
}

impl Connection {
    fn wire(&mut self) -> Pin<&mut (dyn Duplex + '_)> {
        match &mut self.wire {
            Wire::Plain(stream) => Pin::new(stream),
            Wire::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => stream.get_ref().0,
        }
    }

    fn reset(&self) -> io::Error {
        // With no linger the close that follows is a reset. If it cannot be set, the close is still abrupt.
        let _ = self.socket().set_zero_linger();
        io::ErrorKind::ConnectionReset.into()
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        let read = self.wire().poll_read(context, buffer);
        if read.is_ready() {
            let patience = self.patience;
            self.head.read(&buffer.filled()[known..], patience);
        } else if let Head::Begun(_, end) = &mut self.head
            && end.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

/// Where to cut an answer: behind its head and half of the body that is in the buffer.
fn half(buffer: &[u8]) -> usize {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
    head + (buffer.len() - head) / 2
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        // "100 Continue" is not the answer yet.
        if !buffer.starts_with(b"HTTP/1.1 100") {
            self.head = Head::Awaited;
        }
        match self.sabotage.mode() {
            RESET => Poll::Ready(Err(self.reset())),
            DEAD => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            TRUNCATE => {
                let cut = half(buffer).max(1);
                let written = self.wire().poll_write(context, &buffer[..cut]);
                if let Poll::Ready(Ok(_)) = written {
                    self.sabotage.0.store(DEAD, Ordering::SeqCst);
                }
                written
            }
            _ => self.wire().poll_write(context, buffer),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().poll_shutdown(context)
    }
}

/// Accepts connections and does the TLS handshakes beside each other, so that a slow one holds up nobody.
pub(super) struct Incoming {
    address: SocketAddr,
    accepted: mpsc::Receiver<(Connection, SocketAddr)>,
}

impl Incoming {
    /// Starts to accept.
    pub(super) fn open(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        patience: Duration,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(256);
        tokio::spawn(async move {
            loop {
                let (stream, peer) = tokio::select! {
                    () = sender.closed() => return,
                    accepted = listener.accept() => {
                        let Ok(accepted) = accepted else {
                            // Out of file descriptors, or the peer is gone: the next one may fare better.
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            continue;
                        };
                        accepted
                    }
                };
                let _ = stream.set_nodelay(true);
                let (sender, tls) = (sender.clone(), tls.clone());
                tokio::spawn(async move {
                    let wire = match tls {
                        None => Wire::Plain(stream),
                        Some(tls) => {
                            let handshake = tokio::time::timeout(Duration::from_secs(10), tls.accept(stream));
                            let Ok(Ok(stream)) = handshake.await else { return };
                            Wire::Tls(Box::new(stream))
                        }
                    };
                    let connection =
                        Connection { wire, sabotage: Sabotage::default(), head: Head::Awaited, patience };
                    let _ = sender.send((connection, peer)).await;
                });
            }
        });
        Ok(Self { address, accepted })
    }
}

impl Listener for Incoming {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // Only while the runtime shuts down.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Incoming>> for Sabotage {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        stream.io().sabotage.clone()
    }
}
