//! Rows of the AI operations.

use super::Route;
use crate::handlers::{agents, ask, extraction, studio, text_gen};

pub(super) fn rows() -> Vec<Route> {
    const AGENT: &str = "/2.0/ai_agents/{agent_id}";
    vec![
        Route::post("/2.0/ai/ask", "post_ai_ask", ask::ask_question),
        Route::post("/2.0/ai/extract", "post_ai_extract", extraction::extract),
        Route::post(
            "/2.0/ai/extract_structured",
            "post_ai_extract_structured",
            extraction::extract_structured,
        ),
        Route::post("/2.0/ai/text_gen", "post_ai_text_gen", text_gen::generate_text),
        Route::get(
            "/2.0/ai_agent_default",
            "get_ai_agent_default",
            agents::default_agent,
        ),
        Route::get("/2.0/ai_agents", "get_ai_agents", studio::list),
        Route::post("/2.0/ai_agents", "post_ai_agents", studio::create),
        Route::get(AGENT, "get_ai_agents_id", studio::get),
        Route::put(AGENT, "put_ai_agents_id", studio::update),
        Route::delete(AGENT, "delete_ai_agents_id", studio::delete),
    ]
}
