//! IBM Cloud's tokens: an API key is handed to the identity service, which gives a token for an hour.
//!
//! Invariant: the key goes to the identity service only, never to the host of the model.

use super::token::{TokenCache, TokenService, bearer};
use super::{Authenticator, Outgoing, without_secret};
use crate::retry::AttemptError;
use async_trait::async_trait;
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

/// How a key is handed in.
const GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// Sends IBM's tokens.
pub(super) struct IbmToken {
    pub(super) key: SecretString,
    pub(super) service: TokenService,
    pub(super) cache: TokenCache,
}

#[async_trait]
impl Authenticator for IbmToken {
    async fn headers(&self, _: &Outgoing<'_>) -> Result<HeaderMap, AttemptError> {
        let form = [("grant_type", GRANT), ("apikey", self.key.expose_secret())];
        let token = self.cache.get(|| self.service.post(&form)).await?;
        bearer(&token, &self.service.model)
    }

    fn forget(&self) -> bool {
        self.cache.forget()
    }

    fn without_secrets(&self, text: &str) -> String {
        without_secret(&self.cache.without(text), &self.key)
    }
}
