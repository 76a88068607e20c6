//! JWT assertions of applications: signature and claims.
//!
//! Invariant: only RSA signatures by a registered key of the application that the assertion names as issuer are
//! accepted, with an id and an end at most a minute ahead. `aud` is not looked at: SDKs write Box's own address.

use boxwood_store::Client;
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

/// How far ahead an assertion may end: Box's minute, and a little for clocks that differ.
const LONGEST: Duration = Duration::seconds(90);
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// On whose behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The application itself.
    Enterprise,
    /// A user of the enterprise.
    User,
}

impl Subject {
    /// From `box_subject_type` or `box_sub_type`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "enterprise" => Some(Self::Enterprise),
            "user" => Some(Self::User),
            _ => None,
        }
    }
}

/// What a valid assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assertion {
    pub(crate) subject: Subject,
    pub(crate) subject_id: String,
    pub(crate) id: String,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Why an assertion is refused; the words are for the application's developer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssertionError {
    #[error("the assertion is not a signed JWT")]
    Malformed,
    #[error("the assertion must be signed with RS256, RS384 or RS512")]
    Algorithm,
    #[error("the application has no public key with the id `{0}`")]
    UnknownKey(String),
    #[error("the application has no public keys")]
    NoKeys,
    #[error("the signature does not fit a public key of the application")]
    Signature,
    #[error("the claim `{claim}` {problem}")]
    Claim {
        claim: &'static str,
        problem: &'static str,
    },
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    box_sub_type: Option<String>,
    jti: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl Assertion {
    /// Checks signature and claims; whether the id was used before is for the store to say.
    pub(crate) fn check(text: &str, client: &Client, now: DateTime<Utc>) -> Result<Self, AssertionError> {
        let header = decode_header(text).map_err(|_| AssertionError::Malformed)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(AssertionError::Algorithm);
        }
        if client.keys.is_empty() {
            return Err(AssertionError::NoKeys);
        }
        let named = header.kid.as_deref().map(str::to_owned);
        let keys = client
            .keys
            .iter()
            .filter(|key| named.as_ref().is_none_or(|id| *id == key.id));
        let keys: Vec<&str> = keys.map(|key| key.public_key_pem.as_str()).collect();
        if keys.is_empty() {
            let shown = named.unwrap_or_default().chars().take(64).collect();
            return Err(AssertionError::UnknownKey(shown));
        }
        let claims = keys
            .iter()
            .find_map(|pem| verified(text, pem, header.alg))
            .ok_or(AssertionError::Signature)?;
        Self::from_claims(claims, &client.client_id, now)
    }

    fn from_claims(claims: Claims, client_id: &str, now: DateTime<Utc>) -> Result<Self, AssertionError> {
        let claim = |claim, problem| AssertionError::Claim { claim, problem };
        if claims.iss.as_deref() != Some(client_id) {
            return Err(claim("iss", "must be the client_id"));
        }
        let subject_id = claims
            .sub
            .filter(|id| !id.is_empty())
            .ok_or(claim("sub", "is missing"))?;
        let subject = claims.box_sub_type.as_deref().and_then(Subject::parse);
        let subject = subject.ok_or(claim("box_sub_type", "must be enterprise or user"))?;
        let id = claims.jti.filter(|id| (16..=128).contains(&id.len()));
        let id = id.ok_or(claim("jti", "must have 16 to 128 characters"))?;
        let expires_at = claims
            .exp
            .and_then(moment)
            .ok_or(claim("exp", "is missing or not a time"))?;
        if expires_at <= now {
            return Err(claim("exp", "is over"));
        }
        if expires_at > now + LONGEST {
            return Err(claim("exp", "must be at most 60 seconds ahead"));
        }
        if claims
            .nbf
            .and_then(moment)
            .is_some_and(|begin| begin > now + Duration::seconds(30))
        {
            return Err(claim("nbf", "lies ahead"));
        }
        Ok(Self {
            subject,
            subject_id,
            id,
            expires_at,
        })
    }
}

fn verified(text: &str, public_key_pem: &str, algorithm: Algorithm) -> Option<Claims> {
    let key = DecodingKey::from_rsa_pem(public_key_pem.as_bytes()).ok()?;
    let mut validation = Validation::new(algorithm);
    // Times are checked against the server's own clock, see above; `aud` is not looked at.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode::<Claims>(text, &key, &validation)
        .ok()
        .map(|data| data.claims)
}

fn moment(seconds: f64) -> Option<DateTime<Utc>> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float beyond i64 saturates, and is then no valid time"
    )]
    DateTime::from_timestamp(seconds.floor() as i64, 0)
}
