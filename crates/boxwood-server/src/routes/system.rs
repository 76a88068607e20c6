//! Rows of health, metrics, the description and the answers that are kept.

use super::Route;
use crate::handlers::{answers, description, system, usage};

pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::get("/health", "boxwood_health", system::health),
        Route::get("/ready", "boxwood_ready", system::ready),
        Route::get("/metrics", "boxwood_metrics", system::metrics),
        Route::get("/docs/errors", "boxwood_errors", system::errors),
        Route::get("/openapi.json", "boxwood_description", description::show),
        Route::get("/boxwood/models", "boxwood_models", usage::models),
        Route::get("/boxwood/usage", "boxwood_usage", usage::list),
        Route::get("/boxwood/answers", "boxwood_answers", answers::list),
        Route::get("/boxwood/answers/{answer_id}", "boxwood_answer", answers::get),
        Route::delete(
            "/boxwood/answers/{answer_id}",
            "boxwood_answer_remove",
            answers::delete,
        ),
    ]
}
