//! What handlers take out of a request: JSON bodies, query parameters, and where the request came in.
//!
//! Unknown fields: structs read by [`BoxJson`] ignore them, as Box does, unless the struct says otherwise; questions
//! report them as warnings (`boxwood_api::reading`). Unknown query parameters are ignored.

use crate::error::ApiError;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use boxwood_api::{ErrorCode, Reason};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// The connection on which a request came in. Put into every request by the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The other end.
    pub peer: SocketAddr,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// The server's address as this client knows it, without a slash at the end: `http://127.0.0.1:8020`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

impl Origin {
    /// From the settings, else from the `Host` header and the connection.
    pub fn of(parts: &Parts, state: &AppState) -> Self {
        if let Some(url) = &state.settings.public_url {
            return Self(url.as_str().trim_end_matches('/').to_owned());
        }
        let tls = parts
            .extensions
            .get::<ConnectionInfo>()
            .is_some_and(|connection| connection.tls);
        let host = parts
            .headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("localhost");
        Self(format!("{}://{host}", if tls { "https" } else { "http" }))
    }
}

impl FromRequestParts<AppState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(parts, state))
    }
}

/// A JSON body, whatever its `Content-Type` says (clients differ). A wrong field is named by its path.
/// As a response: JSON.
#[derive(Debug, Clone)]
pub struct BoxJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for BoxJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let bytes = read_body(request.into_body(), state.settings.limits.json_body_bytes).await?;
        parse_json(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for BoxJson<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
            Err(error) => ApiError::internal(error).into_response(),
        }
    }
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// 413 beyond the limit, 400 when the client ends early.
pub async fn read_body(body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("The body is larger than the {limit} bytes that this operation takes.");
            Err(ApiError::new(ErrorCode::TooLarge, message))
        }
        Err(_) => Err(ApiError::new(
            ErrorCode::BadRequest,
            "The body ended before it was complete.",
        )),
    }
}

/// Parses JSON into a struct; the error names the path of the wrong field.
///
/// # Errors
/// `bad_request`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let source = error.into_inner();
        let reason = if source.is_data() {
            Reason::InvalidParameter
        } else {
            Reason::Malformed
        };
        let path = if path == "." { String::new() } else { path };
        ApiError::field(
            reason,
            path,
            format!("is not valid JSON for this operation: {source}"),
        )
    })?;
    deserializer.end().map_err(|error| {
        ApiError::field(
            Reason::Malformed,
            "",
            format!("has something after its end: {error}"),
        )
    })?;
    Ok(value)
}

/// The query parameters, decoded; of a repeated name the last counts.
#[derive(Debug, Clone, Default)]
pub struct Query(HashMap<String, String>);

impl FromRequestParts<AppState> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads a query string.
    pub fn parse(query: &str) -> Self {
        Self(
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter; an empty one counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// `true` or `false` in any case (Python clients send `True`), `1` or `0`.
    ///
    /// # Errors
    /// `bad_request` naming `query.<name>`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.text(name) else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(self.refuse(name, "must be true or false")),
        }
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// `bad_request` naming `query.<name>`.
    pub fn number(&self, name: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.text(name) else {
            return Ok(None);
        };
        match value.parse::<u64>() {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                let message = format!(
                    "must be a whole number from {} to {}",
                    bounds.start(),
                    bounds.end()
                );
                Err(ApiError::field(
                    Reason::OutOfRange,
                    format!("query.{name}"),
                    message,
                ))
            }
        }
    }

    /// The names of a comma-separated list.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let names = self.text(name).unwrap_or_default().split(',');
        names.map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    /// A refusal of this parameter's value.
    pub fn refuse(&self, name: &str, message: &str) -> ApiError {
        ApiError::field(Reason::InvalidParameter, format!("query.{name}"), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_come_in_several_spellings() {
        for (query, expected) in [
            ("a=True", Some(Some(true))),
            ("a=false", Some(Some(false))),
            ("a=1", Some(Some(true))),
            ("a=", Some(None)),
            ("b=true", Some(None)),
            ("a=yes", None),
        ] {
            assert_eq!(Query::parse(query).flag("a").ok(), expected, "{query}");
        }
    }

    #[test]
    fn numbers_have_bounds_and_lists_have_commas() {
        for (query, expected) in [
            ("n=5", Some(Some(5))),
            ("n=0", None),
            ("n=1001", None),
            ("n=x", None),
            ("", Some(None)),
        ] {
            assert_eq!(
                Query::parse(query).number("n", 1..=1_000).ok(),
                expected,
                "{query}"
            );
        }
        assert_eq!(Query::parse("fields=a%2Cb,,c").list("fields"), ["a", "b", "c"]);
    }

    #[test]
    fn json_errors_name_the_path() {
        #[derive(Debug, serde::Deserialize)]
        struct Body {
            #[expect(dead_code, reason = "only the failure to read it matters")]
            parts: Vec<Part>,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Part {
            #[expect(dead_code, reason = "only the failure to read it matters")]
            size: u64,
        }
        for (body, path) in [
            (r#"{"parts":[{"size":1},{"size":"x"}]}"#, "parts[1].size"),
            (r#"{"parts":[{"size":1}"#, "parts"),
            ("", ""),
            (r#"{"parts":[]} x"#, ""),
        ] {
            let error = parse_json::<Body>(body.as_bytes()).unwrap_err().body("r", "");
            assert_eq!(error.context_info["errors"][0]["name"], path, "{body}");
        }
    }
}
