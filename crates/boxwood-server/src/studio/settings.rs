//! A capability's settings: from the wire to the store, and from the store over the default agents.
//!
//! Invariant: an agent's custom instructions reach every processor that it does not keep them from.

use super::NamedAgent;
use crate::convert::{ask_override, extract_override, text_gen_override};
use crate::error::ApiError;
use boxwood_answer::agent::AgentOverride;
use boxwood_answer::{AskAgent, ExtractAgent, Processor, TextGenAgent, TextTool};
use boxwood_api::FieldError;
use boxwood_api::ai::studio::{AskCapability, Capability, ExtractCapability, StudioAgent, TextGenCapability};
use boxwood_core::AgentMode;
use boxwood_store::{AgentCapability, NewAgent, StoreError};

/// Every processor of the agent for questions.
const PROCESSORS: [Processor; 7] = [
    Processor::BasicText,
    Processor::BasicTextMulti,
    Processor::LongText,
    Processor::LongTextMulti,
    Processor::BasicImage,
    Processor::BasicImageMulti,
    Processor::Spreadsheet,
];

/// A body as the store keeps it.
pub(crate) fn new_agent(agent: &StudioAgent) -> NewAgent {
    let capabilities = [
        agent.ask.as_ref().map(|ask| kept(ask, AgentMode::Ask)),
        agent
            .text_gen
            .as_ref()
            .map(|writes| kept(writes, AgentMode::TextGen)),
        agent
            .extract
            .as_ref()
            .map(|extract| kept(extract, AgentMode::Extract)),
    ];
    NewAgent {
        name: agent.name.clone(),
        access: agent.access,
        icon_reference: agent.icon_reference.clone(),
        allowed: agent.allowed.clone(),
        capabilities: capabilities.into_iter().flatten().collect(),
    }
}

fn kept<O>(capability: &Capability<O>, mode: AgentMode) -> AgentCapability {
    AgentCapability {
        mode,
        enabled: capability.enabled,
        settings: capability.settings.clone(),
        suggested_questions: capability.suggested_questions.clone(),
    }
}

impl NamedAgent {
    /// The default agent for questions with this agent's settings over it.
    ///
    /// # Errors
    /// What is kept of the agent can't be read.
    pub(crate) fn over_ask(&self, defaults: AskAgent) -> Result<AskAgent, ApiError> {
        let Some(capability) = &self.capability else {
            return Ok(defaults);
        };
        let ask = AskCapability::kept(&capability.settings).map_err(damaged)?;
        let over: AgentOverride = ask_override(&ask.tools, &defaults);
        let mut agent = defaults.with_override(over);
        for (processor, tool) in PROCESSORS.into_iter().zip(agent.tools_mut()) {
            instruct(tool, processor.as_str(), &ask);
        }
        Ok(agent)
    }

    /// The default agent for extraction with this agent's settings over it.
    ///
    /// # Errors
    /// As [`NamedAgent::over_ask`].
    pub(crate) fn over_extract(&self, defaults: ExtractAgent) -> Result<ExtractAgent, ApiError> {
        let Some(capability) = &self.capability else {
            return Ok(defaults);
        };
        let extract = ExtractCapability::kept(&capability.settings).map_err(damaged)?;
        let over = extract_override(&extract.tools, &defaults);
        let mut agent = defaults.with_override(over);
        instruct(&mut agent.basic_text, "basic_text", &extract);
        instruct(&mut agent.long_text, "long_text", &extract);
        instruct(&mut agent.basic_image, "basic_image", &extract);
        Ok(agent)
    }

    /// The default agent for writing with this agent's settings over it.
    ///
    /// # Errors
    /// As [`NamedAgent::over_ask`].
    pub(crate) fn over_text_gen(&self, defaults: TextGenAgent) -> Result<TextGenAgent, ApiError> {
        let Some(capability) = &self.capability else {
            return Ok(defaults);
        };
        let writes = TextGenCapability::kept(&capability.settings).map_err(damaged)?;
        let over = text_gen_override(&writes.tools, &defaults);
        let mut agent = defaults.with_override(over);
        instruct(&mut agent.basic_gen.tool, "basic_gen", &writes);
        Ok(agent)
    }
}

fn instruct<O>(tool: &mut TextTool, processor: &str, capability: &Capability<O>) {
    let instructions = capability.custom_instructions.as_deref().unwrap_or_default();
    let wanted = !capability.uninstructed.contains(&processor);
    tool.instruct(if wanted { instructions } else { "" });
}

/// The rules were obeyed when it was kept.
fn damaged(errors: Vec<FieldError>) -> ApiError {
    let first = errors
        .first()
        .map(|error| error.name.as_str())
        .unwrap_or_default();
    ApiError::internal(StoreError::Damaged {
        what: format!("an agent's settings at {first}"),
    })
}
