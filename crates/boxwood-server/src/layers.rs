//! What every request passes: request id, log, metrics, panics, and the place where errors become bodies.
//!
//! Invariants: neither a body nor a secret is logged (of the request: method, path without query, status, time, peer);
//! the cause of a failure is logged once, here; every error body has the request id of the header.

use crate::compat;
use crate::compat::failure::Failure;
use crate::error::ApiError;
use crate::extract::{BoxJson, ConnectionInfo, Origin};
use crate::operations::{Known, look_up};
use crate::routes;
use crate::state::AppState;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use boxwood_api::{ErrorCode, FieldError, Reason};
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode, Uri};
use std::any::Any;
use std::time::{Duration, Instant};
use tower_http::catch_panic::CatchPanicLayer;

/// The id of a request, in the log, in the header `box-request-id` and in error bodies.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Puts the layers around the routes.
pub fn wrap(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state.clone(), finish_errors))
}

/// No row of the table has the path: 501 for an operation that Box has, 405, or 404.
async fn no_route(method: Method, uri: Uri) -> Response {
    if let Some(dialect) = compat::dialect_of(uri.path()) {
        let error = compat::failure::no_path(dialect, &method, uri.path());
        return Failure { error, dialect }.into_response();
    }
    match look_up(&method, uri.path()) {
        Known::Operation(operation) => not_served(operation),
        Known::OtherMethods(methods) => not_allowed(&method, &methods),
        Known::Nothing => ApiError::new(ErrorCode::NotFound, "There is no such path.").into_response(),
    }
}

/// Rows have the path, but none has the method: 501 for an operation that Box has, else 405 (on Azure's addresses 404).
async fn no_method(method: Method, uri: Uri) -> Response {
    let served = routes::methods(uri.path());
    let served: Vec<&str> = served.iter().map(Method::as_str).collect();
    if let Some(dialect) = compat::dialect_of(uri.path()) {
        let error = compat::failure::no_method(dialect, &method, uri.path());
        let response = Failure { error, dialect }.into_response();
        return match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => with_allow(response, &served),
            _ => response,
        };
    }
    match look_up(&method, uri.path()) {
        Known::Operation(operation) => not_served(operation),
        Known::OtherMethods(methods) => not_allowed(&method, &methods),
        Known::Nothing => not_allowed(&method, &served),
    }
}

fn not_served(operation: &str) -> Response {
    let message = format!("The operation `{operation}` of the Box API is not served by Boxwood (yet).");
    ApiError::new(ErrorCode::NotImplemented, message.clone())
        .with_error(FieldError::new(Reason::NotServed, "", message))
        .with_context("operation", operation.into())
        .into_response()
}

fn not_allowed(method: &Method, methods: &[&str]) -> Response {
    let message = format!("This path takes {}, not {method}.", methods.join(", "));
    let response = ApiError::new(ErrorCode::MethodNotAllowed, message).into_response();
    with_allow(response, methods)
}

fn with_allow(mut response: Response, methods: &[&str]) -> Response {
    if let Ok(allowed) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn panicked(payload: Box<dyn Any + Send>) -> Response {
    ApiError::panicked(payload.as_ref()).into_response()
}

/// Gives the request its id, counts and logs it, and gives errors their bodies.
pub async fn finish_errors(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = state.ids.hex(8);
    let (mut parts, body) = request.into_parts();
    let origin = Origin::of(&parts, &state);
    let seen = Seen {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        route: parts
            .extensions
            .get::<MatchedPath>()
            .map(|path| path.as_str().to_owned()),
        connection: parts.extensions.get::<ConnectionInfo>().copied(),
    };
    parts.extensions.insert(RequestId(id.clone()));
    state.metrics().request_began();
    let in_flight = InFlight {
        state: &state,
        seen: &seen,
        id: &id,
        began,
        status: None,
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let error = response.extensions_mut().remove::<ApiError>();
    let dialect = compat::dialect_of(&seen.path);
    if let (Some(error), Some(dialect)) = (&error, dialect) {
        let error = compat::failure::of_api(error);
        response = Failure { error, dialect }.into_response();
    } else if let Some(error) = &error {
        let allow = response.headers_mut().remove(ALLOW);
        response = render(error, &id, &origin);
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        if dialect.is_some() {
            response.headers_mut().insert("x-request-id", value.clone());
        }
        response.headers_mut().insert("box-request-id", value);
    }
    log_failure(error.as_ref(), &id);
    in_flight.ended(response.status());
    response
}

/// What the log and the counters keep of a request.
struct Seen {
    method: Method,
    path: String,
    route: Option<String>,
    connection: Option<ConnectionInfo>,
}

/// Counts a request that runs, also when its client goes away and the future is dropped.
struct InFlight<'a> {
    state: &'a AppState,
    seen: &'a Seen,
    id: &'a str,
    began: Instant,
    status: Option<StatusCode>,
}

impl<'a> InFlight<'a> {
    fn ended(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        /// What nginx logs for a client that went away.
        const CLIENT_GONE: u16 = 499;
        let status = self.status.map_or(CLIENT_GONE, |status| status.as_u16());
        let took = self.began.elapsed();
        let route = self.seen.route.as_deref().unwrap_or("unmatched");
        let method = method_label(&self.seen.method);
        self.state.metrics().request_ended(method, route, status, took);
        let peer = self
            .seen
            .connection
            .map(|connection| connection.peer.ip().to_string());
        tracing::info!(
            target: "boxwood::access",
            request_id = self.id,
            method,
            path = %shown_path(&self.seen.path, route),
            status,
            milliseconds = milliseconds(took),
            peer,
        );
    }
}

/// Download tickets are secrets that stand in a path: their route is logged instead.
fn shown_path<'a>(path: &'a str, route: &'a str) -> &'a str {
    if route.starts_with("/2.0/") || route.starts_with("/api/2.0/") || route == "unmatched" {
        path
    } else {
        route
    }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// Clients may invent methods; labels must not.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "OTHER",
    }
}

fn log_failure(error: Option<&ApiError>, id: &str) {
    let Some(source) = error.and_then(ApiError::source) else {
        return;
    };
    let mut words = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    tracing::error!(request_id = id, cause = words, "a request failed");
}

fn render(error: &ApiError, id: &str, origin: &Origin) -> Response {
    let mut response = (error.code().status(), BoxJson(error.body(id, &origin.0))).into_response();
    if let Some(seconds) = error.retry_after_seconds() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code() == ErrorCode::Unauthorized {
        let challenge = HeaderValue::from_static("Bearer realm=\"Service\", error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
