//! What an operator decides about the server, valid and complete. Made by the binary from `boxwood.toml`.

use secrecy::SecretString;
use std::time::Duration;
use url::Url;

/// Bounds of what one request may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a JSON or form body.
    pub json_body_bytes: u64,
    /// Bytes of the body of a question, which may carry the text of its items.
    pub ask_body_bytes: u64,
    /// Bytes of an uploaded file.
    pub upload_bytes: u64,
    /// Bytes of request headers and of the request line together.
    pub header_bytes: usize,
    /// Connections at one time; more wait in the operating system's queue.
    pub connections: usize,
    /// Questions that may run or wait at one time; more are refused with 429.
    pub questions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_body_bytes: 4 << 20,
            ask_body_bytes: 64 << 20,
            upload_bytes: 50 << 30,
            header_bytes: 64 << 10,
            connections: 4_096,
            questions: 256,
        }
    }
}

/// The identity that works without any set-up, on loopback only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevelopmentIdentity {
    /// `boxwood-dev`
    pub client_id: String,
    /// `boxwood-dev-secret`
    pub client_secret: String,
    /// `boxwood-dev-token`
    pub token: String,
}

impl Default for DevelopmentIdentity {
    fn default() -> Self {
        Self {
            client_id: "boxwood-dev".to_owned(),
            client_secret: "boxwood-dev-secret".to_owned(),
            token: "boxwood-dev-token".to_owned(),
        }
    }
}

/// Everything the server is told.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// How clients reach this server, when that differs from the `Host` header they send (a proxy in front).
    pub public_url: Option<Url>,
    /// Bounds.
    pub limits: Limits,
    /// Whether the development identity is accepted. The server refuses to listen beyond loopback while it is.
    pub development: bool,
    /// How long an access token lives.
    pub access_token_lifetime: Duration,
    /// How long one answer may take; `None`: as long as somebody waits.
    pub answer_time_limit: Option<Duration>,
    /// Whether answers are kept for review; how long is the store's to know.
    pub keep_answers: bool,
    /// How long a question goes on after the last waiter left: SDKs repeat it after their read timeout.
    pub join_grace: Duration,
    /// How often a quiet event stream sends a comment, so that no proxy closes it.
    pub heartbeat: Duration,
    /// How long a client may take to send its headers.
    pub header_read_timeout: Duration,
    /// How long running requests may go on after a stop was asked for.
    pub stop_grace: Duration,
    /// What seals of reasoning items are made with ([`crate::seal`]); `None`: a secret of this process alone.
    pub seal_secret: Option<SecretString>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            limits: Limits::default(),
            development: true,
            access_token_lifetime: Duration::from_secs(3_600),
            answer_time_limit: None,
            keep_answers: true,
            join_grace: Duration::from_secs(15),
            heartbeat: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(30),
            stop_grace: Duration::from_secs(20),
            seal_secret: None,
        }
    }
}
