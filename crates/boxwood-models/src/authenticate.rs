//! How a request proves who asks: one [`Authenticator`] per binding.
//!
//! Invariant: secrets live here and in the settings only; whatever a host says is passed through
//! [`Authenticator::without_secrets`] before anybody sees it. Asked by `remote` before every try, so that tokens that
//! run out and signatures over the body have their place.

mod aws;
mod entra;
mod google;
mod ibm;
mod token;

use crate::host::{Credential, Host};
use crate::protocol::errors::HostError;
use crate::protocol::{gemini, watsonx};
use crate::retry::AttemptError;
use crate::settings::Proxy;
use crate::transport::Transport;
use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use url::Url;

/// A request that is about to leave.
pub(crate) struct Outgoing<'a> {
    /// Where to; always a POST.
    pub(crate) url: &'a Url,
    /// Its other headers.
    pub(crate) headers: &'a HeaderMap,
    /// Its body.
    pub(crate) body: &'a [u8],
}

/// Proves who asks.
#[async_trait]
pub(crate) trait Authenticator: Send + Sync {
    /// The headers to add, marked as sensitive. May ask a token service.
    ///
    /// # Errors
    /// When no token can be had; whether to try again is the error's hint.
    async fn headers(&self, outgoing: &Outgoing<'_>) -> Result<HeaderMap, AttemptError>;

    /// The host refused the proof (401): forgets a kept token. True: another try, with a fresh one, makes sense.
    fn forget(&self) -> bool {
        false
    }

    /// The text with every secret taken out.
    fn without_secrets(&self, text: &str) -> String;
}

/// The text without the secret.
pub(crate) fn without_secret(text: &str, secret: &SecretString) -> String {
    text.replace(secret.expose_secret(), "[key]")
}

/// A header that is never printed; `None` where the secret holds what no header may carry.
pub(crate) fn secret_header(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The authenticator of a binding; the error says what is wrong with the secret.
pub(crate) fn authenticator_of(host: &Host, transport: &Transport) -> Result<Arc<dyn Authenticator>, String> {
    if host.kind.is_cloud() {
        return cloud_authenticator(host, transport);
    }
    let header = match &host.credential {
        Credential::None => FixedHeader {
            header: None,
            secret: None,
        },
        Credential::ApiKey(key) => fixed(HeaderName::from_static("api-key"), key.expose_secret(), key)?,
        Credential::Bearer(key) => fixed(AUTHORIZATION, &format!("Bearer {}", key.expose_secret()), key)?,
        Credential::Entra(_) | Credential::ManagedIdentity(_) => return entra_authenticator(host, transport),
        _ => return Err("the host is not asked in this way".to_owned()),
    };
    Ok(Arc::new(header))
}

/// The authenticator of a binding that proves itself with tokens of Entra ID.
fn entra_authenticator(host: &Host, transport: &Transport) -> Result<Arc<dyn Authenticator>, String> {
    let model = host.deployment.clone().unwrap_or_else(|| host.provider.clone());
    let (source, transport, url, read_error): (_, _, _, fn(&str) -> HostError) = match &host.credential {
        Credential::Entra(client) => (
            entra::Source::Client(client.clone()),
            transport.clone(),
            client.token_url.clone(),
            entra::read_client_error,
        ),
        Credential::ManagedIdentity(machine) => (
            entra::Source::Machine(machine.clone()),
            // The service is on the machine itself: no proxy can reach it.
            Transport::new(&host.limits, &Proxy::None).map_err(|error| error.to_string())?,
            machine.url.clone(),
            entra::read_machine_error,
        ),
        _ => return Err("the host is not asked in this way".to_owned()),
    };
    Ok(Arc::new(entra::EntraToken {
        source,
        service: token::TokenService {
            transport,
            url,
            model,
            read_error,
        },
        cache: token::TokenCache::default(),
    }))
}

/// The authenticator of a binding in a cloud.
fn cloud_authenticator(host: &Host, transport: &Transport) -> Result<Arc<dyn Authenticator>, String> {
    let model = host.model.clone().unwrap_or_else(|| host.provider.clone());
    let service = |url: &Url, read_error| token::TokenService {
        transport: transport.clone(),
        url: url.clone(),
        model: model.clone(),
        read_error,
    };
    let google = |source, url: &Url| -> Arc<dyn Authenticator> {
        Arc::new(google::GoogleToken {
            source,
            service: service(url, gemini::read_error),
            cache: token::TokenCache::default(),
        })
    };
    Ok(match &host.credential {
        Credential::GoogleKey(key) => Arc::new(fixed(
            HeaderName::from_static("x-goog-api-key"),
            key.expose_secret(),
            key,
        )?),
        Credential::Bearer(key) => Arc::new(fixed(
            AUTHORIZATION,
            &format!("Bearer {}", key.expose_secret()),
            key,
        )?),
        Credential::ServiceAccount(account) => {
            let key = google::signing_key(account)?;
            google(
                google::Source::Account(account.clone(), Box::new(key)),
                &account.token_uri,
            )
        }
        Credential::GoogleMetadata(url) => google(google::Source::Metadata, url),
        Credential::Aws(keys) => Arc::new(aws::AwsSigner {
            keys: keys.clone(),
            region: host.place.region.clone().unwrap_or_default(),
            model,
        }),
        Credential::Ibm(key, url) => Arc::new(ibm::IbmToken {
            key: key.clone(),
            service: service(url, watsonx::read_error),
            cache: token::TokenCache::default(),
        }),
        Credential::ApiKey(_) | Credential::Entra(_) | Credential::ManagedIdentity(_) | Credential::None => {
            return Err("the host is not asked in this way".to_owned());
        }
    })
}

fn fixed(name: HeaderName, text: &str, secret: &SecretString) -> Result<FixedHeader, String> {
    let value = secret_header(text).ok_or("the key can't be sent in a header")?;
    Ok(FixedHeader {
        header: Some((name, value)),
        secret: Some(secret.clone()),
    })
}

/// A key that is the same for every request.
struct FixedHeader {
    header: Option<(HeaderName, HeaderValue)>,
    secret: Option<SecretString>,
}

#[async_trait]
impl Authenticator for FixedHeader {
    async fn headers(&self, _: &Outgoing<'_>) -> Result<HeaderMap, AttemptError> {
        Ok(self.header.iter().cloned().collect())
    }

    fn without_secrets(&self, text: &str) -> String {
        match &self.secret {
            Some(secret) => without_secret(text, secret),
            None => text.to_owned(),
        }
    }
}

/// The authenticator of a host that tests of this crate made.
#[cfg(test)]
pub(crate) fn test_authenticator(host: &Host) -> Result<Arc<dyn Authenticator>, String> {
    let transport = Transport::new(&host.limits, &crate::settings::Proxy::None);
    authenticator_of(host, &transport.map_err(|error| error.to_string())?)
}
