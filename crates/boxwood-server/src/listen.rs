//! Listeners, connections, and the orderly end.
//!
//! Invariants: HTTP/1 with title-case headers (older SDKs read `Retry-After` only so written); a client that sends its
//! headers too slowly, or opens connections without end, costs a bounded amount; the development identity is never
//! offered beyond loopback. Called by the binary and by tests.

use crate::extract::ConnectionInfo;
use crate::routes;
use crate::state::AppState;
use crate::suggestions;
use crate::tls::TlsError;
use axum::body::Body;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long cancelled requests may take to say so to their clients.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// What accepting waits after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the server can't listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or not one of this machine.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The development identity is on, and the address can be reached from elsewhere.
    #[error(
        "{address} can be reached from other machines, and the development identity (whose secrets everybody knows) is \
         on: set a client_id and client_secret of your own under [auth], or listen on 127.0.0.1"
    )]
    OpenDevelopment {
        /// The address.
        address: SocketAddr,
    },
    /// No listener at all.
    #[error("neither an HTTP nor an HTTPS address is set")]
    Nowhere,
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Where to listen.
#[derive(Clone, Default)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS, with its configuration.
    pub https: Option<(SocketAddr, Arc<rustls::ServerConfig>)>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Whether every request ended by itself within the grace time.
    pub gracefully: bool,
}

struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// A server that listens, but does not answer yet.
pub struct Server {
    state: AppState,
    listeners: Vec<Listener>,
}

impl Server {
    /// Takes the addresses.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(state: AppState, addresses: Addresses) -> Result<Self, ListenError> {
        let wanted = [
            addresses.http.map(|address| (address, None)),
            addresses
                .https
                .map(|(address, config)| (address, Some(TlsAcceptor::from(config)))),
        ];
        let mut listeners = Vec::new();
        for (address, tls) in wanted.into_iter().flatten() {
            if state.settings.development && !address.ip().to_canonical().is_loopback() {
                return Err(ListenError::OpenDevelopment { address });
            }
            let refused = |source| ListenError::Bind { address, source };
            let socket = TcpListener::bind(address).await.map_err(refused)?;
            let address = socket.local_addr().map_err(refused)?;
            listeners.push(Listener { socket, address, tls });
        }
        if listeners.is_empty() {
            return Err(ListenError::Nowhere);
        }
        Ok(Self { state, listeners })
    }

    /// The HTTP address, with the port that the system chose where 0 was asked for.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.listeners
            .iter()
            .find(|listener| listener.tls.is_none())
            .map(|listener| listener.address)
    }

    /// The HTTPS address.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.listeners
            .iter()
            .find(|listener| listener.tls.is_some())
            .map(|listener| listener.address)
    }

    /// Answers until `stop` ends; then accepts nothing new, lets running requests end within the grace time, and
    /// cancels the rest.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Ended {
        let settings = self.state.settings.clone();
        let accepting = Accepting {
            router: routes::router(self.state.clone()),
            graceful_stop: CancellationToken::new(),
            connections: Arc::new(Semaphore::new(settings.limits.connections)),
            tasks: TaskTracker::new(),
            header_read_timeout: settings.header_read_timeout,
            header_bytes: settings.limits.header_bytes.max(8_192),
            closing: CancellationToken::new(),
        };
        let accepting = Arc::new(accepting);
        let accepters = TaskTracker::new();
        for listener in self.listeners {
            let accepting = accepting.clone();
            accepters.spawn(async move { accepting.accept(listener).await });
        }
        accepters.close();
        // Ends with the acceptance of connections: what it leaves is done after the next start.
        let background = TaskTracker::new();
        background.spawn(suggestions::write_all(
            self.state.clone(),
            accepting.closing.clone(),
        ));
        background.close();
        stop.await;
        accepting.closing.cancel();
        accepters.wait().await;
        accepting.tasks.close();
        let gracefully = finish(&accepting, settings.stop_grace).await;
        self.state.stop.cancel();
        let last = async {
            tokio::join!(
                self.state.joins().drained(),
                self.state.painting().drained(),
                self.state.backgrounds().drained(),
                accepting.tasks.wait(),
                background.wait()
            );
            self.state.keeper().drained().await;
            self.state.meter.drained().await;
        };
        let said = tokio::time::timeout(LAST_WORDS, last).await.is_ok();
        Ended {
            gracefully: gracefully && said,
        }
    }
}

/// Tells every connection to end after its running request; answers whether all did in time.
async fn finish(accepting: &Accepting, grace: Duration) -> bool {
    accepting.graceful_stop.cancel();
    tokio::time::timeout(grace, accepting.tasks.wait()).await.is_ok()
}

struct Accepting {
    router: Router,
    connections: Arc<Semaphore>,
    tasks: TaskTracker,
    header_read_timeout: Duration,
    header_bytes: usize,
    /// No new connections.
    closing: CancellationToken,
    /// No new requests on old connections.
    graceful_stop: CancellationToken,
}

impl Accepting {
    async fn accept(self: Arc<Self>, listener: Listener) {
        loop {
            let next = async {
                // First a place, then a connection: what finds no place waits in the system's queue.
                let place = self.connections.clone().acquire_owned().await;
                (listener.socket.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                next = next => next,
                () = self.closing.cancelled() => return,
            };
            match (accepted, place) {
                (Ok((stream, peer)), Ok(place)) => {
                    let (this, tls) = (self.clone(), listener.tls.clone());
                    self.tasks
                        .spawn(async move { this.connection(stream, peer, tls, place).await });
                }
                (Err(error), _) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                (_, Err(_)) => return,
            }
        }
    }

    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<TlsAcceptor>,
        _place: OwnedSemaphorePermit,
    ) {
        // Answers are small and must not wait for more of them to come.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.serve(stream, ConnectionInfo { peer, tls: false }).await;
        };
        match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream, ConnectionInfo { peer, tls: true }).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        info: ConnectionInfo,
    ) {
        let router = self.router.clone().layer(Extension(info));
        let service = router.map_request(|request: http::Request<Incoming>| request.map(Body::new));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_read_timeout)
            .max_buf_size(self.header_bytes)
            .title_case_headers(true)
            .keep_alive(true)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        let result = tokio::select! {
            result = &mut connection => result,
            () = self.graceful_stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(peer = %info.peer, %error, "a connection ended early");
        }
    }
}
