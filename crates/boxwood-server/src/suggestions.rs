//! Writes the suggested questions of agents that were made without any, in the background.
//!
//! Invariants: nobody waits for it, and it waits until no question runs; what is still to be written stands in the
//! store, so a restart loses nothing; a capability that can't be served is tried a few times, then again after the next
//! start. Started by [`crate::listen::Server`], woken by the handlers of AI Studio.

use crate::state::AppState;
use boxwood_answer::AgentPurpose;
use boxwood_core::{AgentId, AgentMode};
use boxwood_store::UnsuggestedAgent;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Capabilities that are looked at in one go.
const BATCH: u32 = 32;
/// Tries of one capability before the next start.
const TRIES: u32 = 3;
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// How often it is looked whether questions run.
const POLL: Duration = Duration::from_millis(200);
/// A server that is never idle writes them anyway, in the end.
const MOST_PATIENCE: Duration = Duration::from_secs(120);

/// Which version of which capability of which agent.
type Key = (AgentId, u64, AgentMode);

/// Works until `stop`.
pub(crate) async fn write_all(state: AppState, stop: CancellationToken) {
    let mut failures: HashMap<Key, u32> = HashMap::new();
    loop {
        let retry = tokio::select! {
            () = stop.cancelled() => return,
            retry = write_waiting(&state, &mut failures, &stop) => retry,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = state.agents_changed().notified() => {}
            () = tokio::time::sleep(RETRY), if retry => {}
        }
    }
}

/// Writes what waits; answers whether something is left that may succeed later.
async fn write_waiting(state: &AppState, failures: &mut HashMap<Key, u32>, stop: &CancellationToken) -> bool {
    let waiting = match state.store.unsuggested_agents(BATCH).await {
        Ok(waiting) => waiting,
        Err(error) => {
            tracing::warn!(%error, "agents without questions could not be listed");
            return true;
        }
    };
    let mut left = waiting.len() >= BATCH as usize;
    for agent in waiting {
        let key = (agent.id.clone(), agent.revision, agent.capability.mode);
        if failures.get(&key).is_some_and(|tries| *tries >= TRIES) {
            continue;
        }
        until_idle(state).await;
        if !write_one(state, &agent, stop).await {
            let tries = failures.entry(key).or_default();
            *tries += 1;
            left |= *tries < TRIES;
        }
    }
    left
}

async fn write_one(state: &AppState, agent: &UnsuggestedAgent, stop: &CancellationToken) -> bool {
    let mode = agent.capability.mode;
    let written = state.asker.suggest_questions(&purpose(agent), stop).await;
    let questions = match written {
        Ok(questions) => questions,
        Err(error) => {
            tracing::info!(agent = %agent.id, %error, "no questions could be suggested");
            return false;
        }
    };
    let kept = state
        .store
        .put_suggested_questions(&agent.id, agent.revision, mode, &questions)
        .await;
    if let Err(error) = &kept {
        tracing::warn!(agent = %agent.id, %error, "suggested questions could not be kept");
    }
    kept.is_ok()
}

async fn until_idle(state: &AppState) {
    let idle = async {
        while state.joins().running() > 0 {
            tokio::time::sleep(POLL).await;
        }
    };
    // Whether it became idle or patience ended, now is the time.
    let _ = tokio::time::timeout(MOST_PATIENCE, idle).await;
}

fn purpose(agent: &UnsuggestedAgent) -> AgentPurpose {
    let settings = &agent.capability.settings;
    let text = |name: &str| settings[name].as_str().unwrap_or_default().to_owned();
    let writes = agent.capability.mode == AgentMode::TextGen;
    let tool: &Value = &settings[if writes { "basic_gen" } else { "basic_text" }];
    AgentPurpose {
        model: tool["model"].as_str().map(str::to_owned),
        name: agent.name.clone(),
        description: text("description"),
        instructions: text("custom_instructions"),
        writes,
    }
}
