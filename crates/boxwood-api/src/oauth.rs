//! The token operations on the wire: forms in, JSON out, with OAuth's own shape of errors.
//!
//! Forms are read tolerantly (a client may send more than its grant needs); what a grant needs is checked by the
//! server's token handler. Secrets never implement `Debug` in the clear.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A form field that must not be logged.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// `POST /oauth2/token`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    /// From [`GrantType::TABLE`].
    pub grant_type: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<Hidden>,
    /// `enterprise` or `user` (client credentials).
    pub box_subject_type: Option<String>,
    /// The enterprise or the user (client credentials).
    pub box_subject_id: Option<String>,
    /// The signed claims (JWT).
    pub assertion: Option<Hidden>,
    /// The code (authorization code).
    pub code: Option<Hidden>,
    /// Where the code was sent, if the client repeats it.
    pub redirect_uri: Option<String>,
    /// The refresh token.
    pub refresh_token: Option<Hidden>,
    /// The token to be narrowed (token exchange).
    pub subject_token: Option<Hidden>,
    /// Its type (token exchange).
    pub subject_token_type: Option<String>,
    /// Not served (annotator tokens).
    pub actor_token: Option<Hidden>,
    /// Names parted by spaces (token exchange).
    pub scope: Option<String>,
    /// The address of a file or folder (token exchange).
    pub resource: Option<String>,
    /// Not served.
    pub box_shared_link: Option<String>,
}

/// `POST /oauth2/revoke`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RevokeForm {
    /// The application.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<Hidden>,
    /// An access or a refresh token.
    pub token: Option<Hidden>,
}

/// The ways to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// The application itself.
    ClientCredentials,
    /// Signed claims.
    Jwt,
    /// A user's consent.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// Narrowing a token.
    TokenExchange,
}

impl GrantType {
    /// Every grant with its name on the wire.
    pub const TABLE: [(&'static str, GrantType); 5] = [
        ("client_credentials", GrantType::ClientCredentials),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", GrantType::Jwt),
        ("authorization_code", GrantType::AuthorizationCode),
        ("refresh_token", GrantType::RefreshToken),
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            GrantType::TokenExchange,
        ),
    ];

    /// From the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::TABLE
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, grant)| *grant)
    }
}

/// The only type of token that can be exchanged and is issued.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// `AccessToken`.
#[derive(Clone, Serialize)]
pub struct TokenBody {
    /// The bearer token.
    pub access_token: String,
    /// Seconds.
    pub expires_in: i64,
    /// Always `bearer`.
    pub token_type: &'static str,
    /// What a narrowed token reaches; empty for others.
    pub restricted_to: Vec<RestrictedTo>,
    /// Only for tokens of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Only for narrowed tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
}

/// `ResourceScope`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestrictedTo {
    /// The scope.
    pub scope: String,
    /// The item; absent: everything the user reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<RestrictedObject>,
}

/// The item of a [`RestrictedTo`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestrictedObject {
    /// `file` or `folder`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

/// What OAuth calls an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthErrorCode {
    /// A field is absent or wrong.
    InvalidRequest,
    /// The application's id or secret is wrong.
    InvalidClient,
    /// The code, token, assertion or subject is wrong, used or expired.
    InvalidGrant,
    /// The grant's name is not known.
    UnsupportedGrantType,
    /// The application may not use this grant.
    UnauthorizedClient,
    /// The scope is not known or goes beyond the token.
    InvalidScope,
    /// The resource is not one that a token can be narrowed to.
    InvalidResource,
    /// Our own failure.
    ServerError,
    /// Try later.
    TemporarilyUnavailable,
}

impl OAuthErrorCode {
    /// The name on the wire and the status.
    pub const fn row(self) -> (&'static str, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", 400),
            // Box answers 400 here, not 401, and its clients refresh their token on a 401.
            Self::InvalidClient => ("invalid_client", 400),
            Self::InvalidGrant => ("invalid_grant", 400),
            Self::UnsupportedGrantType => ("unsupported_grant_type", 400),
            Self::UnauthorizedClient => ("unauthorized_client", 400),
            Self::InvalidScope => ("invalid_scope", 400),
            Self::InvalidResource => ("invalid_resource", 400),
            Self::ServerError => ("server_error", 500),
            Self::TemporarilyUnavailable => ("temporarily_unavailable", 503),
        }
    }
}

/// `OAuth2Error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuthErrorBody {
    /// From [`OAuthErrorCode::row`].
    pub error: &'static str,
    /// One sentence for a person.
    pub error_description: String,
}
