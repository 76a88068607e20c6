//! What a model accepts in a request: its parameters, how its output is bounded, how it keeps to a schema; for its family
//! ([`family`]), and for one binding of it.
//!
//! Invariant: what the configuration states wins over the family's row, and nothing else does. Read by the encoding of
//! requests, by warnings and by `boxwood models`.

mod family;

pub use family::{Family, FamilyRules};

use boxwood_core::Effort;
use serde::{Deserialize, Serialize};

/// A request parameter that some families refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// `temperature`
    Temperature,
    /// `top_p`
    TopP,
    /// `top_k` (not OpenAI's own)
    TopK,
    /// `frequency_penalty`
    FrequencyPenalty,
    /// `presence_penalty`
    PresencePenalty,
    /// `seed`
    Seed,
    /// `stop`; where it is refused, it is applied to the visible text here
    Stop,
    /// `reasoning_effort`
    ReasoningEffort,
    /// `parallel_tool_calls`
    ParallelToolCalls,
}

impl Parameter {
    /// Every parameter.
    pub const ALL: [Self; 9] = [
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::FrequencyPenalty,
        Self::PresencePenalty,
        Self::Seed,
        Self::Stop,
        Self::ReasoningEffort,
        Self::ParallelToolCalls,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::TopK => "top_k",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::PresencePenalty => "presence_penalty",
            Self::Seed => "seed",
            Self::Stop => "stop",
            Self::ReasoningEffort => "reasoning_effort",
            Self::ParallelToolCalls => "parallel_tool_calls",
        }
    }
}

/// The field that bounds the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitField {
    /// `max_tokens`
    MaxTokens,
    /// `max_completion_tokens`: thinking counts too.
    MaxCompletionTokens,
}

/// How the effort is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffortField {
    /// `reasoning_effort`
    ReasoningEffort,
    /// `chat_template_kwargs.enable_thinking`: off for the lowest effort.
    EnableThinking,
}

/// How a host keeps its reply to a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonSchemaSupport {
    /// Not at all.
    None,
    /// By OpenAI's strict subset, to which the schema is cut down.
    Strict,
    /// By the whole schema (vLLM, llama-server, Ollama).
    Full,
    /// By a tool that the model is made to call, whose input is the reply (Bedrock).
    Tool,
}

impl JsonSchemaSupport {
    /// Every way with its name in `boxwood.toml`.
    pub const TABLE: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("strict", Self::Strict),
        ("full", Self::Full),
        ("tool", Self::Tool),
    ];
}

/// How large a schema a strict host takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaLimits {
    /// Properties of all objects together.
    pub properties: usize,
    /// Objects inside one another.
    pub levels: usize,
    /// Values of all enums together.
    pub enum_values: usize,
    /// Characters of all names and enum values together.
    pub characters: usize,
}

/// What one binding accepts: its family's rules with what the configuration states otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// The family.
    pub family: Family,
    /// Tokens of prompt and completion together.
    pub context_window: u32,
    /// Tokens of one completion.
    pub max_output_tokens: u32,
    /// Takes pictures.
    pub images: bool,
    /// Keeps replies to a schema.
    pub json_schema: JsonSchemaSupport,
    /// Calls tools.
    pub tools: bool,
    /// Refused in addition to the family's list.
    pub also_refused: Vec<Parameter>,
    /// Output tokens kept for thinking, on top of what the caller asks for; `None`: by effort.
    pub reasoning_reserve: Option<u32>,
}

impl Capabilities {
    /// A family as its row says.
    pub fn of_family(family: Family) -> Self {
        let rules = family.rules();
        Self {
            family,
            context_window: rules.context_window,
            max_output_tokens: rules.max_output_tokens,
            images: rules.images,
            json_schema: rules.json_schema,
            tools: rules.tools,
            also_refused: Vec::new(),
            reasoning_reserve: None,
        }
    }

    /// The family's row.
    pub fn rules(&self) -> &'static FamilyRules {
        self.family.rules()
    }

    /// Whether the host takes the parameter.
    pub fn accepts(&self, parameter: Parameter) -> bool {
        let rules = self.rules();
        let has_effort = parameter != Parameter::ReasoningEffort || !rules.efforts.is_empty();
        has_effort && !rules.refused.contains(&parameter) && !self.also_refused.contains(&parameter)
    }

    /// Output tokens to ask for beyond the visible ones, so that thinking does not use up the answer.
    ///
    /// Hosts charge rate limits by what is asked for, hence no more than the effort usually needs.
    pub fn reserve(&self, effort: Option<Effort>) -> u32 {
        if !self.rules().reasoning {
            return 0;
        }
        self.reasoning_reserve
            .unwrap_or(match effort.unwrap_or(Effort::Medium) {
                Effort::Low => 4_096,
                Effort::Medium => 8_192,
                Effort::High => 24_576,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_follow_the_family() {
        let check = |family, parameter, expected| {
            assert_eq!(
                Capabilities::of_family(family).accepts(parameter),
                expected,
                "{family:?} {parameter:?}"
            );
        };
        for parameter in Family::OSeries.rules().refused {
            check(Family::OSeries, *parameter, false);
        }
        check(Family::OSeries, Parameter::Stop, false);
        check(Family::OSeries, Parameter::ReasoningEffort, true);
        check(Family::Gpt4, Parameter::Temperature, true);
        check(Family::Gpt4, Parameter::ReasoningEffort, false);
        check(Family::Compatible, Parameter::TopK, true);
        check(Family::CompatibleThinking, Parameter::ReasoningEffort, false);
        check(Family::GrokReasoning, Parameter::Stop, false);
    }

    #[test]
    fn only_reasoning_families_reserve() {
        let reserve = |family, effort| Capabilities::of_family(family).reserve(effort);
        assert_eq!(reserve(Family::Gpt4, Some(Effort::High)), 0);
        assert_eq!(reserve(Family::OSeries, None), 8_192);
        assert!(reserve(Family::OSeries, Some(Effort::High)) > reserve(Family::OSeries, Some(Effort::Low)));
    }
}
