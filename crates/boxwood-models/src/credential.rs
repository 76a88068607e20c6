//! What clouds are proven with: a client of Entra ID, the identity of a machine, a service account of Google, keys of AWS.
//!
//! Invariant: secrets are never printed. Read by `settings_cloud.rs`, used by the authenticators.

use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

/// A client that is registered in Entra ID.
#[derive(Debug, Clone)]
pub struct EntraClient {
    /// Where its secret becomes a token.
    pub token_url: Url,
    /// Which application it is.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// What the token is for.
    pub scope: String,
}

/// The identity that Azure gives a machine or an App Service.
#[derive(Debug, Clone)]
pub struct ManagedIdentity {
    /// Where tokens are asked for, with the resource and, where there are several, the identity.
    pub url: Url,
    /// The App Service's own header; `None`: a machine's metadata service.
    pub app_service_header: Option<SecretString>,
}

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
