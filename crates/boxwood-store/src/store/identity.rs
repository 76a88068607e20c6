//! The part of the contract that principals are made from.
//!
//! Invariant: none of these methods hands out an item or its content.

use crate::error::StoreError;
use crate::identity::{
    AccessToken, Client, IssuedToken, NewAccessToken, NewAuthorizationCode, NewClient, NewUser, Seed, Seeded,
    TokenCheck, TokenPair, User, UserChange,
};
use async_trait::async_trait;
use boxwood_core::{EnterpriseId, UserId};
use chrono::{DateTime, Duration, Utc};

/// Enterprises, users, applications, tokens.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Makes sure that the enterprise, its administrator, an application with its service account, and the developer
    /// token exist.
    ///
    /// # Errors
    /// From the database.
    async fn seed(&self, seed: Seed) -> Result<Seeded, StoreError>;

    /// Makes a user with an empty root folder.
    ///
    /// # Errors
    /// [`StoreError::LoginInUse`], unknown enterprise.
    async fn create_user(&self, user: NewUser) -> Result<User, StoreError>;

    /// A user by id; used for tokens and for `users/me`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    async fn user(&self, id: &UserId) -> Result<User, StoreError>;

    /// Users of an enterprise in the order of their ids, service accounts left out.
    ///
    /// # Errors
    /// From the database.
    async fn users(&self, enterprise: &EnterpriseId) -> Result<Vec<User>, StoreError>;

    /// Changes a user's name or login; what is `None` stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::LoginInUse`].
    async fn update_user(&self, id: &UserId, change: UserChange) -> Result<User, StoreError>;

    /// Removes a user with the tokens and the empty root folder. Nothing that somebody can still reach is removed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::InvalidValue`] while the user owns files or folders, has changed those of
    /// others, or is an application's service account.
    async fn delete_user(&self, id: &UserId) -> Result<(), StoreError>;

    /// Registers an application, or replaces the one with the same `client_id`.
    ///
    /// # Errors
    /// Unknown enterprise or service account.
    async fn put_client(&self, client: NewClient) -> Result<Client, StoreError>;

    /// An application by `client_id`.
    ///
    /// # Errors
    /// From the database.
    async fn client(&self, client_id: &str) -> Result<Option<Client>, StoreError>;

    /// An application, if the secret is its own (compared in constant time).
    ///
    /// # Errors
    /// From the database.
    async fn check_client(&self, client_id: &str, secret: &str) -> Result<Option<Client>, StoreError>;

    /// Issues an access token without a refresh token (client credentials, JWT, exchange).
    ///
    /// # Errors
    /// Unknown or inactive user; a parent that is not valid any more.
    async fn issue_access_token(&self, token: NewAccessToken) -> Result<IssuedToken, StoreError>;

    /// What a bearer token is worth now.
    ///
    /// # Errors
    /// From the database.
    async fn check_token(&self, secret: &str) -> Result<TokenCheck, StoreError>;

    /// Revokes an access token (with its refresh token and the tokens exchanged from it) or a refresh token (with its
    /// access token). Answers whether the token was known. With a client, only that client's tokens are touched.
    ///
    /// # Errors
    /// From the database.
    async fn revoke_token(&self, secret: &str, client_id: Option<&str>) -> Result<bool, StoreError>;

    /// Issues an authorization code: 30 seconds, one use.
    ///
    /// # Errors
    /// Unknown user or client.
    async fn issue_code(&self, code: NewAuthorizationCode) -> Result<IssuedToken, StoreError>;

    /// Uses an authorization code.
    ///
    /// # Errors
    /// [`StoreError::InvalidGrant`].
    async fn redeem_code(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: Option<&str>,
        access_lifetime: Duration,
    ) -> Result<TokenPair, StoreError>;

    /// Uses a refresh token and gives a new pair in the same transaction. The old access token stays valid until it ends.
    ///
    /// # Errors
    /// [`StoreError::InvalidGrant`].
    async fn redeem_refresh_token(
        &self,
        refresh_token: &str,
        client_id: &str,
        access_lifetime: Duration,
    ) -> Result<TokenPair, StoreError>;

    /// Remembers a JWT id until it expires; `false`: it was seen before, the assertion is a replay.
    ///
    /// # Errors
    /// From the database.
    async fn remember_jwt_id(
        &self,
        client_id: &str,
        jwt_id: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// The token behind a bearer text, or `None` where it is not valid now.
    ///
    /// # Errors
    /// From the database.
    async fn valid_token(&self, secret: &str) -> Result<Option<AccessToken>, StoreError> {
        Ok(match self.check_token(secret).await? {
            TokenCheck::Valid(token) => Some(token),
            TokenCheck::Expired | TokenCheck::Revoked | TokenCheck::Unknown => None,
        })
    }
}
