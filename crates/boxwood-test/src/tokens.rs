//! Tokens for tests: what `POST /oauth2/token` is asked with.

use crate::app::{Reply, TestApp};

/// The grant's name of narrowing.
pub const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The grant's name of signed claims.
pub const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The only type of token that is exchanged.
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

impl TestApp {
    /// Asks for a token as the development application, with these fields more.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Reply {
        let own = [
            ("client_id", "boxwood-dev"),
            ("client_secret", "boxwood-dev-secret"),
        ];
        let fields: Vec<(&str, &str)> = own
            .into_iter()
            .filter(|(name, _)| fields.iter().all(|(n, _)| n != name))
            .chain(fields.iter().copied())
            .collect();
        self.form("/oauth2/token", &fields).await
    }

    /// A token of the application's service account.
    pub async fn service_token(&self) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("box_subject_type", "enterprise"),
            ("box_subject_id", self.enterprise_id.as_str()),
        ];
        self.token(&fields).await.access_token()
    }

    /// A token of a user.
    pub async fn user_token(&self, user_id: &str) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("box_subject_type", "user"),
            ("box_subject_id", user_id),
        ];
        self.token(&fields).await.access_token()
    }

    /// Narrows a token.
    pub async fn narrow(&self, token: &str, scope: &str, resource: Option<&str>) -> Reply {
        let mut fields = vec![
            ("grant_type", EXCHANGE),
            ("subject_token", token),
            ("subject_token_type", ACCESS_TOKEN),
            ("scope", scope),
        ];
        fields.extend(resource.map(|resource| ("resource", resource)));
        self.form("/oauth2/token", &fields).await
    }
}
