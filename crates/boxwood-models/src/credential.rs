//! What clouds are proven with: a service account of Google, keys of AWS.
//!
//! Invariant: secrets are never printed. Read by `settings_cloud.rs`, used by the authenticators.

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

/// A service account of Google, as its key file holds it.
#[derive(Debug, Clone, Deserialize)]
pub struct ServiceAccount {
    /// Who it is.
    pub client_email: String,
    /// The private key, PEM.
    pub private_key: SecretString,
    /// Which of its keys that is.
    pub private_key_id: Option<String>,
    /// Where an assertion becomes a token.
    #[serde(deserialize_with = "url_of")]
    pub token_uri: Url,
    /// The project that it belongs to.
    pub project_id: Option<String>,
}

fn url_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    Url::parse(&text).map_err(D::Error::custom)
}

/// Keys of AWS.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// Names the secret key; is sent.
    pub access_key_id: String,
    /// Signs; is never sent.
    pub secret_access_key: SecretString,
    /// For keys that live for a session.
    pub session_token: Option<SecretString>,
}
