//! From the name of a request to what serves it, under which contract and within which limits.
//!
//! Invariants: the contract is that of the name; over-length conversations are refused before any work; what is left out
//! or bounded here is among the warnings.

use super::caller::ModelCaller;
use super::failure::{of_model, of_name};
use super::thinking::Thinking;
use crate::state::AppState;
use boxwood_api::openai::{Contract, OpenAiError, ReplyFormat};
use boxwood_core::{
    ChatMessage, ChatRequest, ChatRole, Effort, ModelError, Sampling, SharedPrefix, ToolChoice,
    ToolDefinition,
};
use boxwood_models::{Family, ModelRegistry, ResolveError, ResolvedModel, cards};
use serde_json::{Value, json};

/// Tokens that a template puts around a message, at most.
const TOKENS_AROUND: usize = 16;
/// Tokens that a template puts around tools, at most.
const TOKENS_AROUND_TOOLS: usize = 256;
/// Tokens of a picture, roughly the most that hosts count.
const TOKENS_OF_PICTURE: usize = 1_600;
/// A shared part of fewer bytes is not looked for within a message.
const SHORTEST_SHARED: usize = 1_024;

/// What serves a name.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    /// The model.
    pub(super) model: ResolvedModel,
    /// The contract of the name.
    pub(super) contract: Contract,
}

/// The models as this caller reaches them: what they do is counted as his.
pub(super) fn registry(state: &AppState, caller: &ModelCaller) -> ModelRegistry {
    state.models.on_behalf_of(&caller.metered)
}

/// A card's name for a host's own name of the same model: `o4-mini` means `azure__openai__gpt_o4_mini`.
pub(super) fn card_of_host_name(name: &str) -> Option<&'static str> {
    let card = cards().iter().find(|card| card.is_host_model(name))?;
    Some(&card.api_name)
}

impl Serving {
    /// Resolves a name.
    ///
    /// # Errors
    /// 404 with the nearest names, and the other failures of a name.
    pub(super) fn of(registry: &ModelRegistry, name: &str) -> Result<Self, OpenAiError> {
        if name.trim().is_empty() {
            return Err(OpenAiError::no_model(name, ""));
        }
        let found = match registry.resolve(Some(name)) {
            Err(error @ ResolveError::Unknown { .. }) => match card_of_host_name(name) {
                Some(card) => registry.resolve(Some(card)),
                None => Err(error),
            },
            found => found,
        };
        let model = found.map_err(|error| of_name(name, &error))?;
        let contract = contract_of(&model);
        Ok(Self { model, contract })
    }
}

fn contract_of(model: &ResolvedModel) -> Contract {
    let family = match model.card {
        Some(card) => card.family,
        None => model
            .capabilities
            .as_ref()
            .map(|capabilities| capabilities.family),
    };
    Contract {
        reasoning: matches!(family, Some(Family::OSeries | Family::Gpt5)),
        openai: matches!(family, Some(Family::OSeries | Family::Gpt5 | Family::Gpt4)),
        effort: !matches!(family, Some(Family::Gpt4 | Family::Grok)),
    }
}

/// What chat and Responses both ask for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) messages: Vec<ChatMessage>,
    pub(super) tools: Vec<ToolDefinition>,
    pub(super) tool_choice: ToolChoice,
    pub(super) parallel_tool_calls: Option<bool>,
    pub(super) format: ReplyFormat,
    pub(super) sampling: Sampling,
    pub(super) stop: Vec<String>,
    pub(super) effort: Option<Effort>,
    pub(super) max_output_tokens: Option<u32>,
    /// Whether one reply is asked for, without the probabilities of its tokens.
    pub(super) is_single: bool,
    /// The parameter that names the effort, for messages.
    pub(super) effort_name: &'static str,
    /// The parameter that bounds the output, for messages.
    pub(super) limit_name: &'static str,
    /// The parameter that holds the conversation.
    pub(super) input_name: &'static str,
}

/// A request that is ready for its model.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The request.
    pub(super) request: ChatRequest,
    /// What is thought about it before; `None`: the model answers directly.
    pub(super) thinking: Option<Thinking>,
}

impl Serving {
    /// The request to the model, and what of it is done in another way.
    ///
    /// # Errors
    /// A limit beyond the contract's, a conversation that does not fit.
    pub(super) async fn request(
        &self,
        wanted: Wanted,
        caller: &ModelCaller,
        warnings: &mut Vec<String>,
    ) -> Result<Prepared, OpenAiError> {
        let (limit_name, input_name) = (wanted.limit_name, wanted.input_name);
        let tokens = self
            .count(&wanted)
            .await
            .map_err(|error| of_model(&error, input_name))?;
        let limit = self.limit(wanted.max_output_tokens, tokens, limit_name, input_name, warnings)?;
        let room = self.model.model.identity().context_window.saturating_sub(tokens);
        let (effort, thinking) = self.effort(&wanted, room, warnings);
        let shared_prefix = Some(SharedPrefix {
            boundary: shared_bytes(&wanted.messages),
            partition: caller.principal.enterprise_id.to_string(),
        });
        // No tool may be called, so none is shown.
        let tools = match wanted.tool_choice {
            ToolChoice::None => Vec::new(),
            _ => wanted.tools,
        };
        let response_format = wanted.format.as_schema();
        let request = ChatRequest {
            // Arguments of a tool that were cut short are better told as such than filled in.
            whole_value: response_format.is_some() && tools.is_empty(),
            sampling: wanted.sampling,
            stop: wanted.stop,
            shared_prefix,
            effort,
            response_format,
            tools,
            tool_choice: wanted.tool_choice,
            parallel_tool_calls: wanted.parallel_tool_calls,
            total_limit: true,
            ..ChatRequest::new(wanted.messages, limit)
        };
        let of_model = self.model.warnings_for(&request);
        warnings.extend(
            of_model
                .into_iter()
                .map(|warning| format!("{}: {}", warning.parameter, warning.message)),
        );
        Ok(Prepared { request, thinking })
    }

    /// The effort that the model itself is given, or what is thought here instead.
    fn effort(
        &self,
        wanted: &Wanted,
        room: u32,
        warnings: &mut Vec<String>,
    ) -> (Option<Effort>, Option<Thinking>) {
        let by_itself = self.model.capabilities.is_some() || self.model.model.thinks();
        let effort = match wanted.effort {
            Some(effort) if !by_itself => effort,
            given => return (given, None),
        };
        let identity = self.model.model.identity();
        // A schema that the model can't keep to is refused before any work.
        let is_refused = wanted.format.as_schema().is_some() && !identity.json_schema;
        if effort == Effort::Low || is_refused {
            return (None, None);
        }
        match Thinking::plan(effort, wanted, room) {
            Ok(thinking) => (None, Some(thinking)),
            Err(why) => {
                warnings.push(format!(
                    "{}: {} answers without thinking before, because {why}",
                    wanted.effort_name, identity.name
                ));
                (None, None)
            }
        }
    }

    /// Tokens of the conversation, with room for what the template puts around it.
    async fn count(&self, wanted: &Wanted) -> Result<u32, ModelError> {
        let mut text = String::new();
        let mut around = 64 + wanted.messages.len() * TOKENS_AROUND;
        for message in &wanted.messages {
            text.push_str(&message.content);
            for call in &message.tool_calls {
                text.push_str(&call.name);
                text.push_str(&call.arguments);
                around += TOKENS_AROUND;
            }
            around += message.images.len() * TOKENS_OF_PICTURE;
        }
        if !wanted.tools.is_empty() {
            around += TOKENS_AROUND_TOOLS;
            text.push_str(&json!(wanted.tools).to_string());
        }
        let counted = self.model.model.count_tokens(&text).await?;
        Ok(counted.saturating_add(u32::try_from(around).unwrap_or(u32::MAX)))
    }

    fn limit(
        &self,
        wanted: Option<u32>,
        prompt: u32,
        limit_name: &'static str,
        input_name: &'static str,
        warnings: &mut Vec<String>,
    ) -> Result<u32, OpenAiError> {
        let identity = self.model.model.identity();
        let of_card = self.model.card.and_then(|card| card.max_output_tokens);
        if let (Some(wanted), Some(most)) = (wanted, of_card)
            && wanted > most
        {
            let message = format!(
                "max_tokens is too large: {wanted}. This model supports at most {most} completion tokens, whereas you provided {wanted}."
            );
            return Err(OpenAiError::invalid(limit_name, Some("invalid_value"), message));
        }
        let left = identity.context_window.saturating_sub(prompt);
        if left == 0 {
            let error = ModelError::ContextTooLong {
                model: identity.name.clone(),
                tokens: prompt,
                limit: identity.context_window,
            };
            return Err(of_model(&error, input_name));
        }
        let served = self.model.max_output_tokens().min(left).max(1);
        if let Some(wanted) = wanted.filter(|wanted| *wanted > served) {
            warnings.push(format!(
                "{limit_name}: {} writes at most {served} tokens after this conversation, not {wanted}",
                identity.name
            ));
        }
        Ok(wanted.unwrap_or(served).min(served))
    }
}

/// Where the part ends that later requests are likely to share: before the last paragraph of a long last message, else
/// before that message.
fn shared_bytes(messages: &[ChatMessage]) -> usize {
    let last = messages.last().filter(|message| message.role == ChatRole::User);
    let paragraph = last.and_then(|message| message.content.rfind("\n\n"));
    paragraph
        .map(|place| place + 2)
        .filter(|place| *place >= SHORTEST_SHARED)
        .unwrap_or(0)
}

/// The member `boxwood` of an answer; `thoughts`: what is told of the thinking before it, one a reply.
pub(super) fn told(served: &ResolvedModel, warnings: &[String], thoughts: &[Value]) -> Value {
    let identity = served.model.identity();
    let mut told = json!({
        "served_by": {
            "name": identity.name,
            "provider": identity.provider,
            "relation": served.served.as_str(),
        },
        "card": served.card.map(|card| &card.api_name),
        "warnings": warnings,
    });
    if !thoughts.is_empty() {
        told["thinking"] = json!(thoughts);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_part_ends_before_the_last_paragraph_of_a_long_message() {
        let message = |text: String| vec![ChatMessage::new(ChatRole::User, text)];
        assert_eq!(shared_bytes(&message("short\n\nquestion".into())), 0);
        let document = "word ".repeat(400);
        let long = format!("{document}\n\nWhich word?");
        assert_eq!(shared_bytes(&message(long.clone())), document.len() + 2);
        assert!(long.is_char_boundary(document.len() + 2));
        let mut with_result = message(long);
        with_result.push(ChatMessage::tool_result("c", "2"));
        assert_eq!(shared_bytes(&with_result), 0);
    }

    #[test]
    fn a_host_s_own_name_means_its_card() {
        assert_eq!(card_of_host_name("o4-mini"), Some("azure__openai__gpt_o4_mini"));
        assert_eq!(card_of_host_name("no-such-model"), None);
    }
}
