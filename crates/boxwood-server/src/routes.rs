//! The table of routes, and how it becomes a router. Each row names the operation of Box's published description (or
//! ours), from which metrics, logs, `/openapi.json` and the answer for unserved operations follow.

use crate::layers;
use crate::operations::fits;
use crate::state::AppState;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

mod ai;
mod content;
mod metadata;
mod oauth;
mod openai;
mod people;
mod system;

/// One row: a method on a path.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path with `{parameters}`.
    pub path: &'static str,
    /// The operation's name in Box's description, or our own.
    pub operation: &'static str,
    handler: MethodRouter<AppState>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} → {}", self.method, self.path, self.operation)
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident, $method:ident;)*) => {
        $($(#[$doc])*
        pub fn $name<H, T>(path: &'static str, operation: &'static str, handler: H) -> Self
        where
            H: Handler<T, AppState>,
            T: 'static,
        {
            Self { method: Method::$method, path, operation, handler: on(MethodFilter::$method, handler) }
        })*
    };
}

impl Route {
    constructors! {
        /// A row for GET (and HEAD).
        get, GET;
        /// A row for POST.
        post, POST;
        /// A row for PUT.
        put, PUT;
        /// A row for PATCH.
        patch, PATCH;
        /// A row for DELETE.
        delete, DELETE;
        /// A row for OPTIONS.
        options, OPTIONS;
    }
}

/// Every row.
pub fn table() -> Vec<Route> {
    let parts = [
        ai::rows(),
        content::rows(),
        metadata::rows(),
        oauth::rows(),
        openai::rows(),
        people::rows(),
        system::rows(),
    ];
    parts.into_iter().flatten().collect()
}

/// The methods that rows have for a path.
pub(crate) fn methods(path: &str) -> Vec<Method> {
    let path = path
        .strip_prefix("/api")
        .filter(|rest| rest.starts_with("/2.0/"))
        .unwrap_or(path);
    let mut methods: Vec<Method> = Vec::new();
    for row in table().iter().filter(|row| fits(row.path, path)) {
        if !methods.contains(&row.method) {
            methods.push(row.method.clone());
        }
    }
    methods
}

/// The router with all layers. Paths under `/2.0` are also served under `/api/2.0`, where SDKs send uploads.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new();
    for Route { path, handler, .. } in table() {
        if path.starts_with("/2.0/") {
            router = router.route(&format!("/api{path}"), handler.clone());
        }
        router = router.route(path, handler);
    }
    layers::wrap(router, &state).with_state(state)
}
