//! `GET` and `POST /oauth2/authorize`: a development consent page, on this machine only.
//!
//! It stands in for the sign-in page of a real installation: whoever sits at the machine chooses a user and agrees.
//! Invariants: served only while the development identity is accepted, to this machine; the code goes only to a
//! registered address, or (for the development application) to an address on loopback; forms are signed.

use crate::auth::consent::Consent;
use crate::auth::{development, narrowed_scopes};
use crate::error::ApiError;
use crate::extract::{ConnectionInfo, Query, read_body};
use crate::settings::DevelopmentIdentity;
use crate::state::AppState;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use boxwood_api::{ErrorCode, Reason};
use boxwood_core::{Scope, ScopeSet, UserId};
use boxwood_store::{Client, NewAuthorizationCode, User};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderMap, StatusCode};
use std::fmt::Write as _;
use url::Url;

/// Shows the consent page.
pub(crate) async fn show(
    State(state): State<AppState>,
    connection: Option<Extension<ConnectionInfo>>,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    require_local(&state, connection, &headers)?;
    if query.text("response_type") != Some("code") {
        return Err(query.refuse("response_type", "must be code"));
    }
    let client_id = query.text("client_id").unwrap_or_default();
    let client = state.store.client(client_id).await?;
    let client = client.ok_or_else(|| query.refuse("client_id", "is not a known application"))?;
    let redirect_uri = redirect(&client, query.text("redirect_uri"))?;
    let consent = Consent {
        client_id: client.client_id.clone(),
        redirect_uri,
        redirect_given: query.text("redirect_uri").is_some(),
        state: query.text("state").map(str::to_owned),
        scope: query.text("scope").map(str::to_owned),
    };
    let form = state
        .consent()
        .seal(&consent, state.clock.now())
        .map_err(ApiError::internal)?;
    let users = state.store.users(&client.enterprise_id).await?;
    // Nothing may be loaded, and no other page may show this one in a frame.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    let headers = [(CONTENT_SECURITY_POLICY, policy), (CACHE_CONTROL, "no-store")];
    Ok((headers, Html(page(&client, &users, &form))).into_response())
}

/// Takes the answer and sends the browser back with a code, or with `access_denied`.
pub(crate) async fn decide(
    State(state): State<AppState>,
    connection: Option<Extension<ConnectionInfo>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    require_local(&state, connection, &headers)?;
    let bytes = read_body(body, 64 << 10).await?;
    let form = Query::parse(&String::from_utf8_lossy(&bytes));
    let consent = form
        .text("form")
        .and_then(|sealed| state.consent().open(sealed, state.clock.now()));
    let consent = consent.ok_or_else(|| {
        ApiError::field(
            Reason::InvalidParameter,
            "form",
            "is not valid any more; begin again in the application",
        )
    })?;
    let mut target = Url::parse(&consent.redirect_uri).map_err(ApiError::internal)?;
    if form.text("decision") == Some("grant") {
        let code = code(&state, &consent, form.text("user_id").unwrap_or_default()).await?;
        target.query_pairs_mut().append_pair("code", &code);
    } else {
        target.query_pairs_mut().append_pair("error", "access_denied");
    }
    if let Some(echo) = &consent.state {
        target.query_pairs_mut().append_pair("state", echo);
    }
    Ok((StatusCode::FOUND, [(LOCATION, target.to_string())]).into_response())
}

fn require_local(
    state: &AppState,
    connection: Option<Extension<ConnectionInfo>>,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let connection = connection.map(|Extension(connection)| connection);
    if state.settings.development && development::is_local(connection, headers) {
        return Ok(());
    }
    let message =
        "The consent page is for development on this machine; this installation has no sign-in page.";
    Err(ApiError::new(ErrorCode::Forbidden, message))
}

/// Where the code goes: the wanted address if it is allowed, else the only registered one.
fn redirect(client: &Client, wanted: Option<&str>) -> Result<String, ApiError> {
    let refuse = |message: &str| ApiError::field(Reason::InvalidParameter, "query.redirect_uri", message);
    match (wanted, client.redirect_uris.as_slice()) {
        (Some(wanted), registered) if registered.iter().any(|known| known == wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) if is_development(client) && is_loopback(wanted) => Ok(wanted.to_owned()),
        (Some(_), _) => Err(refuse("is not registered for this application")),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(refuse(
            "is required: the application has not exactly one registered address",
        )),
    }
}

fn is_development(client: &Client) -> bool {
    client.client_id == DevelopmentIdentity::default().client_id
}

fn is_loopback(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    })
}

async fn code(state: &AppState, consent: &Consent, user_id: &str) -> Result<String, ApiError> {
    let client = state.store.client(&consent.client_id).await?;
    let client = client.ok_or_else(|| ApiError::field(Reason::NotFound, "client_id", "is gone"))?;
    let user_id: UserId = user_id
        .parse()
        .map_err(|_| ApiError::field(Reason::InvalidParameter, "user_id", "must be a user's id"))?;
    let user = state.store.user(&user_id).await?;
    if user.enterprise.id != client.enterprise_id || !user.active {
        return Err(ApiError::field(
            Reason::NotFound,
            "user_id",
            "is no active user of the enterprise",
        ));
    }
    let code = NewAuthorizationCode {
        client_id: client.client_id,
        user_id,
        scopes: wanted_scopes(consent.scope.as_deref(), &client.scopes)?,
        redirect_uri: consent.redirect_given.then(|| consent.redirect_uri.clone()),
    };
    Ok(state.store.issue_code(code).await?.secret)
}

/// The wanted scopes that the application's own hold; names that Boxwood does not know are left out, as Box does.
///
/// # Errors
/// When nothing is left: silently giving more than was asked for would be wrong.
fn wanted_scopes(wanted: Option<&str>, own: &ScopeSet) -> Result<ScopeSet, ApiError> {
    let Some(wanted) = wanted else {
        return Ok(own.clone());
    };
    let known = wanted
        .split_whitespace()
        .filter_map(|name| name.parse::<Scope>().ok());
    let kept: ScopeSet = known
        .filter(|scope| narrowed_scopes(own, ScopeSet::from_iter([*scope])).is_ok())
        .collect();
    if kept.iter().next().is_none() {
        let message = format!("names no scope of the application; it has `{own}`");
        return Err(ApiError::field(Reason::InsufficientScope, "query.scope", message));
    }
    Ok(kept)
}

fn page(client: &Client, users: &[User], form: &str) -> String {
    let mut options = String::new();
    for user in users {
        // Writing into a String can't fail.
        let _ = write!(
            options,
            "<option value=\"{}\">{} ({})</option>",
            user.id,
            escaped(&user.name),
            escaped(&user.login)
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Boxwood: grant access</title>\
         <style>body{{font:16px sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.4rem 1rem;margin-right:.5rem}}</style>\
         <h1>Grant access?</h1>\
         <p><strong>{}</strong> wants to act on behalf of a user of this development server, with the scopes \
         <code>{}</code>.</p>\
         <form method=\"post\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
         <p><label>User <select name=\"user_id\">{options}</select></label></p>\
         <button name=\"decision\" value=\"grant\">Grant access</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form></html>",
        escaped(&client.name),
        escaped(&client.scopes.to_string()),
        escaped(form),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_count_as_development_redirects() {
        for (address, expected) in [
            ("http://127.0.0.1:9000/callback", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/", true),
            ("https://localhost.example/", false),
            ("http://user@example.com/127.0.0.1", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(address), expected, "{address}");
        }
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(escaped("<b a='\"&"), "&lt;b a=&#39;&quot;&amp;");
    }
}
