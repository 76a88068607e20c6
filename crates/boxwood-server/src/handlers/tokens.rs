//! `POST /oauth2/token` and `POST /oauth2/revoke`.
//!
//! Invariant: no grant gives more than its application's scopes; errors have OAuth's shape and never say which part of
//! a pair of credentials was wrong.

mod exchange;
mod failure;

pub(crate) use failure::OAuthFailure;

use crate::auth::{Assertion, Subject, development};
use crate::extract::{BoxJson, ConnectionInfo, read_body};
use crate::state::AppState;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use boxwood_api::oauth::{GrantType, Hidden, OAuthErrorCode, RevokeForm, TokenBody, TokenForm};
use boxwood_core::{EnterpriseId, UserId};
use boxwood_store::{Client, IssuedToken, NewAccessToken, StoreError, TokenPair};
use chrono::Duration;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

/// Bytes of a form.
const FORM_BYTES: u64 = 64 << 10;

type TokenAnswer = Result<BoxJson<TokenBody>, OAuthFailure>;

/// A token request with what it came on.
struct Asked<'a> {
    state: &'a AppState,
    form: TokenForm,
    connection: Option<ConnectionInfo>,
    headers: HeaderMap,
}

/// Issues a token.
pub(crate) async fn issue_token(
    State(state): State<AppState>,
    connection: Option<Extension<ConnectionInfo>>,
    headers: HeaderMap,
    body: Body,
) -> TokenAnswer {
    let form: TokenForm = read_form(body).await?;
    let name = form
        .grant_type
        .clone()
        .ok_or_else(|| OAuthFailure::missing("grant_type"))?;
    let grant = GrantType::parse(&name).ok_or_else(|| {
        let names: Vec<&str> = GrantType::TABLE.iter().map(|(name, _)| *name).collect();
        OAuthFailure::new(
            OAuthErrorCode::UnsupportedGrantType,
            format!("grant_type must be one of {}", names.join(", ")),
        )
    })?;
    let connection = connection.map(|Extension(connection)| connection);
    let asked = Asked {
        state: &state,
        form,
        connection,
        headers,
    };
    match grant {
        GrantType::ClientCredentials => asked.client_credentials().await,
        GrantType::Jwt => asked.assertion().await,
        GrantType::AuthorizationCode => asked.authorization_code().await,
        GrantType::RefreshToken => asked.refresh().await,
        GrantType::TokenExchange => exchange::narrow(&asked).await,
    }
}

/// Revokes a token. Answers 200 also for a token that is not known (any more), as RFC 7009 says.
pub(crate) async fn revoke_token(
    State(state): State<AppState>,
    connection: Option<Extension<ConnectionInfo>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, OAuthFailure> {
    let form: RevokeForm = read_form(body).await?;
    let connection = connection.map(|Extension(connection)| connection);
    let token = form
        .token
        .as_ref()
        .ok_or_else(|| OAuthFailure::missing("token"))?;
    let client = checked_client(
        &state,
        form.client_id.as_deref(),
        form.client_secret.as_ref(),
        connection,
        &headers,
    )
    .await?;
    state
        .store
        .revoke_token(&token.0, Some(&client.client_id))
        .await?;
    Ok(StatusCode::OK)
}

async fn read_form<T: DeserializeOwned>(body: Body) -> Result<T, OAuthFailure> {
    let bytes = read_body(body, FORM_BYTES).await.map_err(|_| {
        OAuthFailure::new(
            OAuthErrorCode::InvalidRequest,
            "the body is too large or ended early",
        )
    })?;
    let pairs: serde_json::Map<String, serde_json::Value> = url::form_urlencoded::parse(&bytes)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    serde_json::from_value(serde_json::Value::Object(pairs))
        .map_err(|error| OAuthFailure::new(OAuthErrorCode::InvalidRequest, error.to_string()))
}

/// The application, if its secret is right and it may be used from where the request came.
async fn checked_client(
    state: &AppState,
    client_id: Option<&str>,
    secret: Option<&Hidden>,
    connection: Option<ConnectionInfo>,
    headers: &HeaderMap,
) -> Result<Client, OAuthFailure> {
    let client_id = client_id.ok_or_else(|| OAuthFailure::missing("client_id"))?;
    let secret = secret.ok_or_else(|| OAuthFailure::missing("client_secret"))?;
    let client = state.store.check_client(client_id, &secret.0).await?;
    client
        .filter(|client| development::allows_client(&state.settings, &client.client_id, connection, headers))
        .ok_or_else(OAuthFailure::wrong_client)
}

impl Asked<'_> {
    async fn client(&self) -> Result<Client, OAuthFailure> {
        let (id, secret) = (self.form.client_id.as_deref(), self.form.client_secret.as_ref());
        checked_client(self.state, id, secret, self.connection, &self.headers).await
    }

    async fn client_credentials(&self) -> TokenAnswer {
        let client = self.client().await?;
        let kind = self
            .form
            .box_subject_type
            .as_deref()
            .ok_or_else(|| OAuthFailure::missing("box_subject_type"))?;
        let subject = Subject::parse(kind).ok_or_else(|| {
            OAuthFailure::new(
                OAuthErrorCode::InvalidRequest,
                "box_subject_type must be enterprise or user",
            )
        })?;
        let id = self
            .form
            .box_subject_id
            .as_deref()
            .ok_or_else(|| OAuthFailure::missing("box_subject_id"))?;
        self.issue_for(&client, subject, id).await
    }

    async fn assertion(&self) -> TokenAnswer {
        let client = self.client().await?;
        let text = self
            .form
            .assertion
            .as_ref()
            .ok_or_else(|| OAuthFailure::missing("assertion"))?;
        let assertion = Assertion::check(&text.0, &client, self.state.clock.now())
            .map_err(|error| OAuthFailure::new(OAuthErrorCode::InvalidGrant, error.to_string()))?;
        let store = &self.state.store;
        if !store
            .remember_jwt_id(&client.client_id, &assertion.id, assertion.expires_at)
            .await?
        {
            let message = "the assertion was used before: each needs its own `jti`";
            return Err(OAuthFailure::new(OAuthErrorCode::InvalidGrant, message));
        }
        self.issue_for(&client, assertion.subject, &assertion.subject_id)
            .await
    }

    /// A token for the application's service account or for one of the enterprise's users.
    async fn issue_for(&self, client: &Client, subject: Subject, id: &str) -> TokenAnswer {
        let user_id = match subject {
            Subject::Enterprise => {
                let enterprise: EnterpriseId =
                    id.parse().map_err(|_| OAuthFailure::wrong_subject(subject))?;
                if enterprise != client.enterprise_id {
                    return Err(OAuthFailure::wrong_subject(subject));
                }
                client.service_account_id.clone()
            }
            Subject::User => self.user_of(client, id).await?,
        };
        let token = NewAccessToken {
            user_id,
            client_id: Some(client.client_id.clone()),
            scopes: client.scopes.clone(),
            resource: None,
            lifetime: self.lifetime(),
            parent: None,
        };
        let issued = self.state.store.issue_access_token(token).await?;
        Ok(BoxJson(self.body(issued, None)))
    }

    async fn user_of(&self, client: &Client, id: &str) -> Result<UserId, OAuthFailure> {
        let wrong = || OAuthFailure::wrong_subject(Subject::User);
        let id: UserId = id.parse().map_err(|_| wrong())?;
        let user = match self.state.store.user(&id).await {
            Ok(user) => user,
            Err(StoreError::NotFound { .. }) => return Err(wrong()),
            Err(error) => return Err(error.into()),
        };
        if user.enterprise.id == client.enterprise_id && user.active {
            Ok(user.id)
        } else {
            Err(wrong())
        }
    }

    async fn authorization_code(&self) -> TokenAnswer {
        let client = self.client().await?;
        let code = self
            .form
            .code
            .as_ref()
            .ok_or_else(|| OAuthFailure::missing("code"))?;
        let redirect = self.form.redirect_uri.as_deref();
        let store = &self.state.store;
        let pair = store
            .redeem_code(&code.0, &client.client_id, redirect, self.lifetime())
            .await?;
        Ok(BoxJson(self.pair_body(pair)))
    }

    async fn refresh(&self) -> TokenAnswer {
        let client = self.client().await?;
        let token = self
            .form
            .refresh_token
            .as_ref()
            .ok_or_else(|| OAuthFailure::missing("refresh_token"))?;
        let pair = self
            .state
            .store
            .redeem_refresh_token(&token.0, &client.client_id, self.lifetime())
            .await?;
        Ok(BoxJson(self.pair_body(pair)))
    }

    fn lifetime(&self) -> Duration {
        Duration::from_std(self.state.settings.access_token_lifetime).unwrap_or(Duration::hours(1))
    }

    fn pair_body(&self, pair: TokenPair) -> TokenBody {
        self.body(pair.access, Some(pair.refresh.secret))
    }

    fn body(&self, issued: IssuedToken, refresh_token: Option<String>) -> TokenBody {
        TokenBody {
            access_token: issued.secret,
            // The store keeps whole milliseconds, so a little is lost before it is counted.
            expires_in: ((issued.expires_at - self.state.clock.now())
                .num_milliseconds()
                .max(0)
                + 500)
                / 1_000,
            token_type: "bearer",
            restricted_to: Vec::new(),
            refresh_token,
            issued_token_type: None,
        }
    }
}
