//! Signed consent forms: what a person is asked to agree to can't be changed between the page and the click.
//!
//! Invariant: a form is valid for ten minutes and only while this process runs; another site's page can't make one.

use boxwood_core::Ids;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// How long a person may take to agree.
const LIFETIME: Duration = Duration::minutes(10);

/// What is agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The application.
    pub client_id: String,
    /// Where the code goes.
    pub redirect_uri: String,
    /// Whether the request named it (then the exchange must repeat it).
    pub redirect_given: bool,
    /// Given back unchanged.
    pub state: Option<String>,
    /// Wanted scopes, parted by spaces; `None`: those of the application.
    pub scope: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    consent: Consent,
    exp: i64,
}

/// The key that signs forms.
pub struct ConsentKey {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl ConsentKey {
    /// A new key.
    pub fn new(ids: &dyn Ids) -> Self {
        let secret = ids.secret();
        Self {
            signing: EncodingKey::from_secret(&secret),
            checking: DecodingKey::from_secret(&secret),
        }
    }

    /// The form's text.
    ///
    /// # Errors
    /// From the encoder.
    pub fn seal(&self, consent: &Consent, now: DateTime<Utc>) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            consent: consent.clone(),
            exp: (now + LIFETIME).timestamp(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// What a form's text says, if it is ours and not too old.
    pub fn open(&self, form: &str, now: DateTime<Utc>) -> Option<Consent> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The server's own clock decides below.
        validation.validate_exp = false;
        let claims = decode::<Claims>(form, &self.checking, &validation).ok()?.claims;
        (claims.exp > now.timestamp()).then_some(claims.consent)
    }
}
