//! Rows of the OpenAI- and Azure-compatible API, which are no operations of Box: they stand in no description of Box's
//! API and in no table of what is served of it.

use super::Route;
use crate::compat::{chat, embeddings, models, responses};

/// The rows below one prefix.
macro_rules! below {
    ($prefix:literal) => {
        [
            Route::post(
                concat!($prefix, "/chat/completions"),
                "openai_chat_completions",
                chat::create,
            ),
            Route::post(
                concat!($prefix, "/embeddings"),
                "openai_embeddings",
                embeddings::create,
            ),
            Route::get(concat!($prefix, "/models"), "openai_models", models::all),
            Route::get(concat!($prefix, "/models/{model}"), "openai_model", models::one),
            Route::post(
                concat!($prefix, "/responses"),
                "openai_responses",
                responses::create,
            ),
            Route::get(
                concat!($prefix, "/responses/{response_id}"),
                "openai_response",
                responses::get,
            ),
            Route::delete(
                concat!($prefix, "/responses/{response_id}"),
                "openai_response_delete",
                responses::delete,
            ),
            Route::post(
                concat!($prefix, "/responses/{response_id}/cancel"),
                "openai_response_cancel",
                responses::cancel,
            ),
            Route::get(
                concat!($prefix, "/responses/{response_id}/input_items"),
                "openai_response_input_items",
                responses::input_items,
            ),
        ]
    };
}

pub(super) fn rows() -> Vec<Route> {
    let deployments = [
        Route::post(
            "/openai/deployments/{deployment}/chat/completions",
            "openai_chat_completions",
            chat::create,
        ),
        Route::post(
            "/openai/deployments/{deployment}/embeddings",
            "openai_embeddings",
            embeddings::create,
        ),
    ];
    // Azure's older clients send everything but deployments straight below `/openai`.
    below!("/v1")
        .into_iter()
        .chain(below!("/openai/v1"))
        .chain(below!("/openai"))
        .chain(deployments)
        .collect()
}
