//! Google's OAuth tokens: from a service account's key, or from the metadata server of a machine in Google's cloud.
//!
//! Invariant: the private key signs here and never leaves; what is sent is an assertion that lives for an hour.

use super::token::{Token, TokenCache, TokenService, bearer};
use super::{Authenticator, Outgoing, without_secret};
use crate::host::ServiceAccount;
use crate::retry::AttemptError;
use async_trait::async_trait;
use boxwood_core::{Clock, ModelError, SystemClock};
use http::{HeaderMap, HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use secrecy::ExposeSecret;
use serde::Serialize;

/// Whatever the account may do; Google has no narrower one for Vertex.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How an assertion is handed in.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion may live at most.
const LIFE_SECONDS: i64 = 3_600;

/// Where a token comes from.
pub(super) enum Source {
    /// A service account's key, with the parsed private key.
    Account(Box<ServiceAccount>, Box<EncodingKey>),
    /// The metadata server.
    Metadata,
}

/// Sends Google's tokens.
pub(super) struct GoogleToken {
    pub(super) source: Source,
    pub(super) service: TokenService,
    pub(super) cache: TokenCache,
}

impl GoogleToken {
    async fn fetch(&self) -> Result<Token, AttemptError> {
        match &self.source {
            Source::Account(account, key) => {
                let assertion = assertion(account, key, SystemClock.now().timestamp()).map_err(|error| {
                    AttemptError::never(ModelError::Failed {
                        model: self.service.model.clone(),
                        message: format!("the service account's key can't sign: {error}"),
                    })
                })?;
                self.service
                    .post(&[("grant_type", GRANT), ("assertion", &assertion)])
                    .await
            }
            Source::Metadata => {
                let flavor = (
                    HeaderName::from_static("metadata-flavor"),
                    HeaderValue::from_static("Google"),
                );
                self.service.get(HeaderMap::from_iter([flavor])).await
            }
        }
    }
}

#[async_trait]
impl Authenticator for GoogleToken {
    async fn headers(&self, _: &Outgoing<'_>) -> Result<HeaderMap, AttemptError> {
        let token = self.cache.get(|| self.fetch()).await?;
        bearer(&token, &self.service.model)
    }

    fn forget(&self) -> bool {
        self.cache.forget()
    }

    fn without_secrets(&self, text: &str) -> String {
        let text = self.cache.without(text);
        match &self.source {
            Source::Account(account, _) => without_secret(&text, &account.private_key),
            Source::Metadata => text,
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// The private key of a service account, ready to sign.
pub(super) fn signing_key(account: &ServiceAccount) -> Result<EncodingKey, String> {
    EncodingKey::from_rsa_pem(account.private_key.expose_secret().as_bytes())
        .map_err(|error| format!("the private key in `credentials_file` can't be read: {error}"))
}

fn assertion(
    account: &ServiceAccount,
    key: &EncodingKey,
    now: i64,
) -> Result<String, jsonwebtoken::errors::Error> {
    let header = Header {
        kid: account.private_key_id.clone(),
        ..Header::new(Algorithm::RS256)
    };
    let claims = Claims {
        iss: &account.client_email,
        scope: SCOPE,
        aud: account.token_uri.as_str(),
        iat: now,
        exp: now + LIFE_SECONDS,
    };
    encode(&header, &claims, key)
}
