//! Tokens of Entra ID for Azure: by a client's secret, or by the identity of the machine.
//!
//! Invariant: the secret goes to the token service only, and never into a message. Used by bindings of Azure.

use super::token::{Token, TokenCache, TokenService, bearer};
use super::{Authenticator, Outgoing, secret_header, without_secret};
use crate::host::{EntraClient, ManagedIdentity};
use crate::protocol::errors::{HostError, clipped};
use crate::retry::AttemptError;
use async_trait::async_trait;
use boxwood_core::ModelError;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Who asks for a token.
pub(super) enum Source {
    /// A registered application.
    Client(EntraClient),
    /// The machine, or the App Service.
    Machine(ManagedIdentity),
}

/// The token of one binding.
pub(super) struct EntraToken {
    pub(super) source: Source,
    pub(super) service: TokenService,
    pub(super) cache: TokenCache,
}

#[async_trait]
impl Authenticator for EntraToken {
    async fn headers(&self, _: &Outgoing<'_>) -> Result<HeaderMap, AttemptError> {
        let token = self.cache.get(|| self.fetch()).await?;
        bearer(&token, &self.service.model)
    }

    fn forget(&self) -> bool {
        self.cache.forget()
    }

    fn without_secrets(&self, text: &str) -> String {
        let text = self.cache.without(text);
        match self.secret() {
            Some(secret) => without_secret(&text, secret),
            None => text,
        }
    }
}

impl EntraToken {
    fn secret(&self) -> Option<&SecretString> {
        match &self.source {
            Source::Client(client) => Some(&client.client_secret),
            Source::Machine(machine) => machine.app_service_header.as_ref(),
        }
    }

    async fn fetch(&self) -> Result<Token, AttemptError> {
        match &self.source {
            Source::Client(client) => {
                let fields = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client.client_id.as_str()),
                    ("client_secret", client.client_secret.expose_secret()),
                    ("scope", client.scope.as_str()),
                ];
                self.service.post(&fields).await
            }
            Source::Machine(machine) => self.service.get(self.machine_headers(machine)?).await,
        }
    }

    /// What keeps requests that somebody else was talked into from reaching the service.
    fn machine_headers(&self, machine: &ManagedIdentity) -> Result<HeaderMap, AttemptError> {
        let (name, value) = match &machine.app_service_header {
            None => ("metadata", Some(HeaderValue::from_static("true"))),
            Some(secret) => ("x-identity-header", secret_header(secret.expose_secret())),
        };
        let value = value.ok_or_else(|| {
            AttemptError::never(ModelError::Unavailable {
                model: self.service.model.clone(),
                message: "IDENTITY_HEADER holds a character that no header may carry".to_owned(),
            })
        })?;
        Ok(HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
    }
}

/// What the token service refuses with, with what mends it for a client.
pub(super) fn read_client_error(body: &str) -> HostError {
    let mend = "check `tenant_id`, `client_id` and `client_secret_env` of the binding";
    read_error(body, mend)
}

/// The same for the identity of a machine.
pub(super) fn read_machine_error(body: &str) -> HostError {
    let mend = "check that the machine has an identity, and its `client_id` where it has several";
    read_error(body, mend)
}

fn read_error(body: &str, mend: &'static str) -> HostError {
    let error: Value = serde_json::from_str(body).unwrap_or_default();
    let words = error["error_description"].as_str().or(error["message"].as_str());
    HostError {
        code: error["error"].as_str().map(str::to_owned),
        message: clipped(words.unwrap_or_default()),
        mend: Some(mend),
        ..HostError::default()
    }
}
