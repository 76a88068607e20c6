//! Rows of health, metrics and the description.

use super::Route;
use crate::handlers::{description, system};

pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get("/health", "boxwood_health", system::health),
        Route::get("/ready", "boxwood_ready", system::ready),
        Route::get("/metrics", "boxwood_metrics", system::metrics),
        Route::get("/docs/errors", "boxwood_errors", system::errors),
        Route::get("/openapi.json", "boxwood_description", description::show),
    ]
}
