//! The only sender of this program: every byte that leaves the machine for a model passes here.
//!
//! Invariants: a key never follows a redirect to another origin; no proxy is used that the user did not configure; no
//! message holds a key. Nothing is sent unless a binding, or a configured hub, asks for it.

use crate::host::HostLimits;
use crate::settings::Proxy;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use url::Url;

/// No connection can be made at all.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The client can't be set up.
    #[error("no connection to a model host can be set up: {reason}")]
    Setup {
        /// What is missing.
        reason: String,
    },
    /// Nobody answered.
    #[error("no connection to {origin}: {reason}")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// What happened.
        reason: String,
    },
    /// Nothing came in time.
    #[error("{origin} did not answer within {seconds} s")]
    Slow {
        /// Scheme, host and port.
        origin: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection to {origin} broke: {reason}")]
    Broken {
        /// Scheme, host and port.
        origin: String,
        /// What happened.
        reason: String,
    },
    /// The host wants the key sent elsewhere.
    #[error(
        "{origin} redirects to another place, where the key is not sent: set base_url to that place if you trust it"
    )]
    Redirected {
        /// Scheme, host and port.
        origin: String,
    },
}

/// The beginning of an answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    response: reqwest::Response,
    origin: String,
    idle: Duration,
}

/// A connection pool to one host.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    first_byte: Duration,
    idle: Duration,
}

impl Transport {
    pub(crate) fn new(limits: &HostLimits, proxy: &Proxy) -> Result<Self, TransportError> {
        let policy = reqwest::redirect::Policy::custom(|attempt| {
            let same = attempt
                .previous()
                .last()
                .is_some_and(|last| last.origin() == attempt.url().origin());
            if same && attempt.previous().len() <= 5 {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        Self::build(limits, proxy, policy)
    }

    /// For downloads without a key, which hubs redirect to their stores.
    pub(crate) fn for_downloads(limits: &HostLimits, proxy: &Proxy) -> Result<Self, TransportError> {
        Self::build(limits, proxy, reqwest::redirect::Policy::limited(10))
    }

    fn build(
        limits: &HostLimits,
        proxy: &Proxy,
        policy: reqwest::redirect::Policy,
    ) -> Result<Self, TransportError> {
        // Fails only when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let setup = |error: reqwest::Error| TransportError::Setup {
            reason: chain(&error),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("boxwood/", env!("CARGO_PKG_VERSION")))
            .redirect(policy)
            .referer(false)
            .no_proxy()
            .connect_timeout(limits.connect);
        if let Proxy::Url(url) = proxy {
            builder = builder.proxy(reqwest::Proxy::all(url.clone()).map_err(setup)?);
        }
        let client = builder.build().map_err(setup)?;
        Ok(Self {
            client,
            first_byte: limits.first_byte,
            idle: limits.idle,
        })
    }

    /// Sends one request and waits for the head of the answer.
    pub(crate) async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, TransportError> {
        let request = self.client.post(url.clone()).headers(headers).body(body);
        let reply = self.send(request, &url).await?;
        if reply.status.is_redirection() {
            return Err(TransportError::Redirected { origin: reply.origin });
        }
        Ok(reply)
    }

    /// Asks for a file, from an offset on.
    pub(crate) async fn get_from(&self, url: Url, offset: u64) -> Result<Reply, TransportError> {
        let mut request = self.client.get(url.clone());
        if offset > 0 {
            request = request.header(http::header::RANGE, format!("bytes={offset}-"));
        }
        self.send(request, &url).await
    }

    /// Asks for a small answer, like a metadata server's.
    pub(crate) async fn get(&self, url: Url, headers: HeaderMap) -> Result<Reply, TransportError> {
        self.send(self.client.get(url.clone()).headers(headers), &url)
            .await
    }

    async fn send(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Reply, TransportError> {
        let origin = url.origin().ascii_serialization();
        let sent = tokio::time::timeout(self.first_byte, request.send()).await;
        let response = match sent {
            Err(_) => {
                return Err(TransportError::Slow {
                    origin,
                    seconds: self.first_byte.as_secs(),
                });
            }
            Ok(Err(error)) if error.is_connect() || error.is_timeout() => {
                return Err(TransportError::Connect {
                    origin,
                    reason: chain(&error),
                });
            }
            Ok(Err(error)) => {
                return Err(TransportError::Broken {
                    origin,
                    reason: chain(&error),
                });
            }
            Ok(Ok(response)) => response,
        };
        Ok(Reply {
            status: response.status(),
            headers: response.headers().clone(),
            response,
            origin,
            idle: self.idle,
        })
    }
}

impl Reply {
    /// At most `limit` bytes of the body: an error's body is read for its message only.
    pub(crate) async fn body_start(self, limit: usize) -> Vec<u8> {
        use futures::StreamExt;
        let mut body = Vec::new();
        let mut pieces = std::pin::pin!(self.pieces());
        while let Some(Ok(piece)) = pieces.next().await {
            body.extend_from_slice(&piece);
            if body.len() >= limit {
                body.truncate(limit);
                break;
            }
        }
        body
    }

    /// The body piece by piece; a pause longer than the idle limit is an error.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static {
        let Self {
            response,
            origin,
            idle,
            ..
        } = self;
        futures::stream::unfold(Some((response, origin)), move |state| async move {
            let (mut response, origin) = state?;
            match tokio::time::timeout(idle, response.chunk()).await {
                Ok(Ok(Some(piece))) => Some((Ok(piece), Some((response, origin)))),
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some((
                    Err(TransportError::Broken {
                        origin,
                        reason: chain(&error),
                    }),
                    None,
                )),
                Err(_) => Some((
                    Err(TransportError::Slow {
                        origin,
                        seconds: idle.as_secs(),
                    }),
                    None,
                )),
            }
        })
    }
}

/// An error with its sources in one line, without the URL (which may hold more than the origin).
fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    if text.is_empty() {
        "the request could not be made or read".to_owned()
    } else {
        text
    }
}
