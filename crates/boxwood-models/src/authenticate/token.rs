//! Tokens that run out: kept until shortly before that, fetched by one request at a time.
//!
//! Invariants: a token is never printed, and is taken out of whatever a host says; while one request fetches a token the
//! others wait for it instead of fetching their own. Used by the authenticators of Entra, Google
//! and IBM.

use crate::protocol::errors::{HostError, transport_error};
use crate::retry::AttemptError;
use crate::transport::{Reply, Transport};
use boxwood_core::ModelError;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// A token is fetched again so long before it runs out.
const MARGIN: Duration = Duration::from_secs(120);
/// A service that does not say how long its token lives.
const USUAL_LIFE: Duration = Duration::from_secs(600);
/// A token service's answer is read no further than this.
const LONGEST_ANSWER: usize = 64 << 10;

/// A token with its time to live.
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) lives: Duration,
}

/// The token of one binding.
#[derive(Default)]
pub(super) struct TokenCache {
    /// Held while a token is fetched.
    fetching: tokio::sync::Mutex<()>,
    kept: Mutex<Option<(SecretString, Instant)>>,
    /// What was kept before, so that it is taken out of late messages too.
    former: Mutex<Option<SecretString>>,
}

impl TokenCache {
    /// The kept token while it is good, else a fresh one.
    pub(super) async fn get<Fetch, Fetched>(&self, fetch: Fetch) -> Result<SecretString, AttemptError>
    where
        Fetch: FnOnce() -> Fetched + Send,
        Fetched: Future<Output = Result<Token, AttemptError>> + Send,
    {
        if let Some(secret) = self.good() {
            return Ok(secret);
        }
        let _fetching = self.fetching.lock().await;
        if let Some(secret) = self.good() {
            return Ok(secret);
        }
        let token = fetch().await?;
        let good_until = Instant::now() + token.lives.saturating_sub(MARGIN).max(token.lives / 2);
        *self.kept.lock() = Some((token.secret.clone(), good_until));
        Ok(token.secret)
    }

    fn good(&self) -> Option<SecretString> {
        let kept = self.kept.lock();
        let (secret, good_until) = kept.as_ref()?;
        (Instant::now() < *good_until).then(|| secret.clone())
    }

    /// Drops the kept token; whether there was one.
    pub(super) fn forget(&self) -> bool {
        let kept = self.kept.lock().take();
        let was_kept = kept.is_some();
        if let Some((secret, _)) = kept {
            *self.former.lock() = Some(secret);
        }
        was_kept
    }

    /// The text without the token.
    pub(super) fn without(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let kept = self.kept.lock().as_ref().map(|(secret, _)| secret.clone());
        for secret in kept.iter().chain(self.former.lock().iter()) {
            text = super::without_secret(&text, secret);
        }
        text
    }
}

/// A token service as a binding uses it.
pub(super) struct TokenService {
    pub(super) transport: Transport,
    pub(super) url: Url,
    /// Stands in errors.
    pub(super) model: String,
    /// Reads its refusals.
    pub(super) read_error: fn(&str) -> HostError,
}

impl TokenService {
    /// Posts a form.
    pub(super) async fn post(&self, fields: &[(&str, &str)]) -> Result<Token, AttemptError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let sent = self.transport.post(self.url.clone(), headers, body.into()).await;
        self.read(sent.map_err(|error| transport_error(&self.model, &error))?)
            .await
    }

    /// Asks with GET, as the metadata servers of machines in the cloud are asked.
    pub(super) async fn get(&self, headers: HeaderMap) -> Result<Token, AttemptError> {
        let sent = self.transport.get(self.url.clone(), headers).await;
        self.read(sent.map_err(|error| transport_error(&self.model, &error))?)
            .await
    }

    async fn read(&self, reply: Reply) -> Result<Token, AttemptError> {
        let status = reply.status.as_u16();
        let body = reply.body_start(LONGEST_ANSWER).await;
        let parsed: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = parsed["access_token"].as_str().filter(|token| !token.is_empty());
        match token {
            Some(token) if (200..300).contains(&status) => Ok(Token {
                secret: token.to_owned().into(),
                lives: seconds(&parsed["expires_in"]).map_or(USUAL_LIFE, Duration::from_secs),
            }),
            _ => Err(self.refused(status, &String::from_utf8_lossy(&body))),
        }
    }

    fn refused(&self, status: u16, body: &str) -> AttemptError {
        let origin = self.url.origin().ascii_serialization();
        let error = (self.read_error)(body);
        let words = if error.message.is_empty() {
            "no reason given"
        } else {
            &error.message
        };
        let mend = error.mend.unwrap_or("check the credentials of the binding");
        let model = self.model.clone();
        if status == 429 || status >= 500 {
            let message = format!("the token service {origin} answered with HTTP {status}: {words}");
            return AttemptError::backoff(ModelError::Failed { model, message });
        }
        AttemptError::never(ModelError::Refused {
            model,
            status: Some(status),
            code: error.code,
            message: format!("no token from {origin}: {mend} ({words})"),
        })
    }
}

/// Machines in Azure give numbers as text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `Authorization: Bearer …`.
pub(super) fn bearer(secret: &SecretString, model: &str) -> Result<HeaderMap, AttemptError> {
    let value = super::secret_header(&format!("Bearer {}", secret.expose_secret())).ok_or_else(|| {
        AttemptError::never(ModelError::Failed {
            model: model.to_owned(),
            message: "the token service gave a token that can't be sent in a header".to_owned(),
        })
    })?;
    Ok(HeaderMap::from_iter([(http::header::AUTHORIZATION, value)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn get(cache: &TokenCache, fetched: &AtomicUsize, lives: Duration) -> String {
        let token = cache
            .get(|| async {
                let number = fetched.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(Token {
                    secret: format!("token-{number}").into(),
                    lives,
                })
            })
            .await;
        token.unwrap().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn a_token_is_fetched_once_and_again_before_it_runs_out() {
        let (cache, fetched) = (TokenCache::default(), AtomicUsize::new(0));
        let hour = Duration::from_secs(3_600);
        let (one, other) = tokio::join!(get(&cache, &fetched, hour), get(&cache, &fetched, hour));
        assert_eq!((one.as_str(), other.as_str()), ("token-0", "token-0"));
        // One that lives shortly is renewed at half its time.
        let (cache, fetched) = (TokenCache::default(), AtomicUsize::new(0));
        let short = Duration::from_millis(400);
        assert_eq!(get(&cache, &fetched, short).await, "token-0");
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(get(&cache, &fetched, short).await, "token-1");
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_forgotten_token_is_fetched_again_and_still_hidden() {
        let (cache, fetched) = (TokenCache::default(), AtomicUsize::new(0));
        let hour = Duration::from_secs(3_600);
        assert!(!cache.forget());
        get(&cache, &fetched, hour).await;
        assert_eq!(cache.without("x token-0 y"), "x [key] y");
        assert!(cache.forget());
        assert_eq!(cache.without("x token-0 y"), "x [key] y");
        assert_eq!(get(&cache, &fetched, hour).await, "token-1");
    }
}
