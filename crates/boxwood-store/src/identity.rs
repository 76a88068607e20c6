//! Enterprises, users, application clients and tokens as values.
//!
//! Invariant: no secret is stored or read back; a token's text exists only in [`IssuedToken`], once, when it is made.
//! Made by the store, used by the server's authenticator and OAuth handlers.

use boxwood_core::{EnterpriseId, Principal, Resource, ScopeSet, UserId};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// An enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enterprise {
    /// Its id.
    pub id: EnterpriseId,
    /// Its name.
    pub name: String,
}

/// What a user may do in the enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRole {
    /// Administrator.
    Admin,
    /// Co-administrator.
    CoAdmin,
    /// Everybody else.
    User,
}

impl UserRole {
    /// As Box writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            UserRole::Admin => "admin",
            UserRole::CoAdmin => "coadmin",
            UserRole::User => "user",
        }
    }

    /// Reads what [`UserRole::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [UserRole::Admin, UserRole::CoAdmin, UserRole::User]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// Person or application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// A person.
    Managed,
    /// The service account of an application: the subject of enterprise tokens.
    ServiceAccount,
}

impl UserKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            UserKind::Managed => "managed",
            UserKind::ServiceAccount => "service_account",
        }
    }

    /// Reads what [`UserKind::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [UserKind::Managed, UserKind::ServiceAccount]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The enterprise.
    pub enterprise: Enterprise,
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub login: String,
    /// Role in the enterprise.
    pub role: UserRole,
    /// Person or service account.
    pub kind: UserKind,
    /// Whether the user may sign in; tokens of inactive users are refused.
    pub active: bool,
    /// Language, `en`.
    pub language: String,
    /// Time zone, `America/Los_Angeles`.
    pub timezone: String,
    /// Bytes of all current and earlier versions in files that the user owns, the trash included.
    pub space_used: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub modified_at: DateTime<Utc>,
}

/// A user to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The enterprise.
    pub enterprise_id: EnterpriseId,
    /// Display name.
    pub name: String,
    /// E-mail address; unique over all enterprises, case does not matter.
    pub login: String,
    /// Role.
    pub role: UserRole,
    /// Kind.
    pub kind: UserKind,
}

/// Changes of a user; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// A new display name.
    pub name: Option<String>,
    /// A new e-mail address.
    pub login: Option<String>,
}

/// A public key that signs an application's JWT assertions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// `kid` of the JWT header; a JWT without `kid` is tried with every key.
    pub id: String,
    /// RSA public key, PEM.
    pub public_key_pem: String,
}

/// An application. Its secret is not in it: [`crate::IdentityStore::check_client`] compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub client_id: String,
    /// Name, for people.
    pub name: String,
    /// The enterprise that authorised it.
    pub enterprise_id: EnterpriseId,
    /// Its service account: the user of enterprise-subject tokens.
    pub service_account_id: UserId,
    /// Scopes that its tokens get.
    pub scopes: ScopeSet,
    /// Redirect URIs of the authorization-code flow.
    pub redirect_uris: Vec<String>,
    /// Keys for JWT assertions.
    pub keys: Vec<ClientKey>,
}

/// An application to register or to replace (same `client_id`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`; only its hash is kept.
    pub client_secret: String,
    /// Name, for people.
    pub name: String,
    /// The enterprise.
    pub enterprise_id: EnterpriseId,
    /// Its service account.
    pub service_account_id: UserId,
    /// Scopes that its tokens get.
    pub scopes: ScopeSet,
    /// Redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Keys for JWT assertions.
    pub keys: Vec<ClientKey>,
}

/// The identity to make sure of at start. Running it again with the same values changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Name of the enterprise.
    pub enterprise_name: String,
    /// Name of the administrator.
    pub admin_name: String,
    /// Login of the administrator.
    pub admin_login: String,
    /// `client_id` of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// JWT keys of the application.
    pub client_keys: Vec<ClientKey>,
    /// Redirect URIs of the application.
    pub redirect_uris: Vec<String>,
    /// A developer token that acts as the administrator and never expires; `None` removes none and makes none.
    pub developer_token: Option<String>,
}

/// What the seed stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeded {
    /// The enterprise.
    pub enterprise: Enterprise,
    /// The administrator.
    pub admin: User,
    /// The service account.
    pub service_account: User,
    /// The application.
    pub client: Client,
}

/// An access token to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccessToken {
    /// On whose behalf.
    pub user_id: UserId,
    /// For which application; `None` for developer tokens.
    pub client_id: Option<String>,
    /// What it allows.
    pub scopes: ScopeSet,
    /// The item that it is limited to.
    pub resource: Option<Resource>,
    /// How long it lives.
    pub lifetime: Duration,
    /// [`AccessToken::number`] of the token that it was exchanged from: it ends with that one, at the latest.
    pub parent: Option<u64>,
}

/// The only time that a token's text is known.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The text for the client. Never log it.
    pub secret: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Access and refresh token of one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPair {
    /// The access token.
    pub access: IssuedToken,
    /// The refresh token: one use, 60 days.
    pub refresh: IssuedToken,
    /// What the access token allows.
    pub scopes: ScopeSet,
}

/// A token that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its number in the store (not a secret), for logs and for [`NewAccessToken::parent`].
    pub number: u64,
    /// Who asks, and what the token allows.
    pub principal: Principal,
    /// For which application.
    pub client_id: Option<String>,
    /// When it ends; `None`: never (developer token of the seed).
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a bearer token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenCheck {
    /// It is good.
    Valid(AccessToken),
    /// Its time is over.
    Expired,
    /// It was revoked, or its user is inactive.
    Revoked,
    /// Never issued.
    Unknown,
}

/// An authorization code to issue: 30 seconds, one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthorizationCode {
    /// The application.
    pub client_id: String,
    /// Who agreed.
    pub user_id: UserId,
    /// To what.
    pub scopes: ScopeSet,
    /// The redirect URI of the request, which the exchange must repeat where it was given.
    pub redirect_uri: Option<String>,
}
