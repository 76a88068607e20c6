//! Rows of the AI operations.

use super::Route;
use crate::handlers::{agents, ask};

pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::post("/2.0/ai/ask", "post_ai_ask", ask::ask_question),
        Route::get(
            "/2.0/ai_agent_default",
            "get_ai_agent_default",
            agents::default_agent,
        ),
    ]
}
