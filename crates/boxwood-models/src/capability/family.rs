//! Families of models: which requests each accepts, a row a family.
//!
//! Invariant: a family is always stated (by the card or the binding), **never** guessed from a deployment's name:
//! deployments are named by people. The rows are the only place where family rules stand; request encoding, warnings
//! and `boxwood models` all read them.

use super::{EffortField, JsonSchemaSupport, LimitField, Parameter};
use crate::host::HostKind;
use boxwood_core::Effort;
use serde::{Deserialize, Serialize};

/// Models that accept the same requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// o1, o3, o4-mini.
    OSeries,
    /// gpt-5 and later minor versions.
    #[serde(rename = "gpt_5")]
    Gpt5,
    /// gpt-3.5, gpt-4, gpt-4o, gpt-4.1.
    #[serde(rename = "gpt_4")]
    Gpt4,
    /// gpt-oss-20b and -120b behind an OpenAI-compatible server.
    GptOss,
    /// Grok without reasoning.
    Grok,
    /// Grok with reasoning.
    GrokReasoning,
    /// Any other model behind vLLM, llama-server or Ollama.
    Compatible,
    /// The same, and it writes its thinking as `<think>…</think>` into the text.
    CompatibleThinking,
    /// Gemini that does not think: 2.0 and older.
    Gemini,
    /// Gemini 2.5: thinks within a budget.
    #[serde(rename = "gemini_2_5")]
    Gemini25,
    /// Gemini 3: thinks by levels.
    #[serde(rename = "gemini_3")]
    Gemini3,
    /// Claude that does not think, on Bedrock.
    Claude,
    /// Claude that thinks within a budget, on Bedrock.
    ClaudeThinking,
    /// Claude that decides itself how much to think, on Bedrock.
    ClaudeAdaptive,
    /// Any other model on Bedrock.
    Converse,
    /// A model on watsonx.
    Watsonx,
    /// The same, and its chat template can switch the thinking off (Qwen3.x, Gemma 4).
    SwitchedThinking,
}

/// The rules of a family: one row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FamilyRules {
    /// As in `boxwood.toml`.
    pub name: &'static str,
    /// For people: which models are meant.
    pub about: &'static str,
    /// Thinks before it answers.
    pub reasoning: bool,
    /// Accepted values of `reasoning_effort`; empty: the parameter is refused.
    pub efforts: &'static [Effort],
    /// How the effort is told.
    pub effort_field: EffortField,
    /// How the output is bounded.
    pub limit_field: LimitField,
    /// The role of instructions: `developer` or `system`, never both in one request.
    pub instruction_role: &'static str,
    /// Parameters that the host answers with 400.
    pub refused: &'static [Parameter],
    /// Writes its thinking as `<think>…</think>` at the start of the text.
    pub think_tags: bool,
    /// Takes pictures.
    pub images: bool,
    /// Keeps replies to a schema.
    pub json_schema: JsonSchemaSupport,
    /// Calls tools.
    pub tools: bool,
    /// Tokens of prompt and completion together.
    pub context_window: u32,
    /// Tokens of one completion.
    pub max_output_tokens: u32,
}

const ALL_EFFORTS: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High];

/// What reasoning models of OpenAI refuse. Whether zero penalties and a seed pass is not documented: they are left out.
const REASONING_REFUSED: &[Parameter] = &[
    Parameter::Temperature,
    Parameter::TopP,
    Parameter::TopK,
    Parameter::FrequencyPenalty,
    Parameter::PresencePenalty,
    Parameter::Seed,
    Parameter::Stop,
    Parameter::ParallelToolCalls,
];

impl Family {
    /// Every family with its rules.
    pub const TABLE: [(Family, FamilyRules); 17] = [
        (
            Family::OSeries,
            FamilyRules {
                about: "o1, o3, o4-mini (OpenAI, Azure)",
                images: true,
                context_window: 200_000,
                max_output_tokens: 100_000,
                ..reasoning_rules("o_series")
            },
        ),
        (
            Family::Gpt5,
            FamilyRules {
                about: "gpt-5 and later 5.x (OpenAI, Azure)",
                images: true,
                context_window: 400_000,
                max_output_tokens: 128_000,
                ..reasoning_rules("gpt_5")
            },
        ),
        (
            Family::Gpt4,
            FamilyRules {
                about: "gpt-4o, gpt-4.1 and older (OpenAI, Azure)",
                images: true,
                context_window: 128_000,
                max_output_tokens: 16_384,
                refused: &[Parameter::TopK, Parameter::ReasoningEffort],
                json_schema: JsonSchemaSupport::Strict,
                tools: true,
                ..plain_rules("gpt_4")
            },
        ),
        (
            Family::GptOss,
            FamilyRules {
                about: "gpt-oss-20b, gpt-oss-120b behind an OpenAI-compatible server",
                reasoning: true,
                efforts: ALL_EFFORTS,
                context_window: 131_072,
                max_output_tokens: 65_536,
                refused: &[],
                tools: true,
                ..plain_rules("gpt_oss")
            },
        ),
        (
            Family::Grok,
            FamilyRules {
                about: "Grok without reasoning (xAI)",
                context_window: 131_072,
                max_output_tokens: 131_072,
                refused: &[Parameter::TopK, Parameter::ReasoningEffort],
                json_schema: JsonSchemaSupport::Strict,
                tools: true,
                ..plain_rules("grok")
            },
        ),
        (
            Family::GrokReasoning,
            FamilyRules {
                about: "Grok with reasoning (xAI)",
                reasoning: true,
                efforts: &[Effort::Low, Effort::High],
                limit_field: LimitField::MaxCompletionTokens,
                context_window: 131_072,
                max_output_tokens: 131_072,
                refused: &[
                    Parameter::TopK,
                    Parameter::FrequencyPenalty,
                    Parameter::PresencePenalty,
                    Parameter::Stop,
                ],
                json_schema: JsonSchemaSupport::Strict,
                tools: true,
                ..plain_rules("grok_reasoning")
            },
        ),
        (Family::Compatible, plain_rules("compatible")),
        (
            Family::CompatibleThinking,
            FamilyRules {
                about: "the same, thinking as <think>…</think> in the text",
                reasoning: true,
                think_tags: true,
                ..plain_rules("compatible_thinking")
            },
        ),
        (
            Family::Gemini,
            FamilyRules {
                about: "Gemini 2.0 and older (Gemini API, Vertex)",
                refused: &[Parameter::ReasoningEffort, Parameter::ParallelToolCalls],
                max_output_tokens: 8_192,
                ..gemini_rules("gemini")
            },
        ),
        (
            Family::Gemini25,
            FamilyRules {
                about: "Gemini 2.5 (Gemini API, Vertex)",
                reasoning: true,
                efforts: ALL_EFFORTS,
                ..gemini_rules("gemini_2_5")
            },
        ),
        (
            Family::Gemini3,
            FamilyRules {
                about: "Gemini 3 (Gemini API, Vertex)",
                reasoning: true,
                efforts: &[Effort::Low, Effort::High],
                ..gemini_rules("gemini_3")
            },
        ),
        (
            Family::Claude,
            FamilyRules {
                about: "Claude without thinking (Bedrock)",
                max_output_tokens: 8_192,
                ..claude_rules("claude")
            },
        ),
        (
            Family::ClaudeThinking,
            FamilyRules {
                about: "Claude 3.7 to 4.5 with thinking (Bedrock)",
                reasoning: true,
                efforts: ALL_EFFORTS,
                refused: REASONING_CLAUDE_REFUSED,
                ..claude_rules("claude_thinking")
            },
        ),
        (
            Family::ClaudeAdaptive,
            FamilyRules {
                about: "Claude 4.6 and later, which decides how much it thinks (Bedrock)",
                reasoning: true,
                efforts: ALL_EFFORTS,
                refused: REASONING_CLAUDE_REFUSED,
                ..claude_rules("claude_adaptive")
            },
        ),
        (
            Family::Converse,
            FamilyRules {
                about: "any other model on Bedrock (Nova, Llama, Mistral, …)",
                refused: &[
                    Parameter::TopK,
                    Parameter::FrequencyPenalty,
                    Parameter::PresencePenalty,
                    Parameter::Seed,
                    Parameter::ReasoningEffort,
                    Parameter::ParallelToolCalls,
                ],
                context_window: 128_000,
                max_output_tokens: 4_096,
                ..plain_rules("converse")
            },
        ),
        (
            Family::Watsonx,
            FamilyRules {
                about: "Granite, Llama, Mistral on watsonx",
                refused: &[
                    Parameter::TopK,
                    Parameter::ReasoningEffort,
                    Parameter::ParallelToolCalls,
                ],
                context_window: 131_072,
                ..plain_rules("watsonx")
            },
        ),
        (
            Family::SwitchedThinking,
            FamilyRules {
                about: "the same behind vLLM or llama-server, where the chat template can switch thinking off (Qwen3.x, Gemma 4)",
                reasoning: true,
                think_tags: true,
                efforts: ALL_EFFORTS,
                effort_field: EffortField::EnableThinking,
                refused: &[],
                ..plain_rules("switched_thinking")
            },
        ),
    ];

    /// The family's row.
    pub fn rules(self) -> &'static FamilyRules {
        const ROWS: &[(Family, FamilyRules)] = &Family::TABLE;
        let row = ROWS.iter().find(|(family, _)| *family == self);
        // The table is exhaustive (tested), so the fallback row is never taken.
        row.map_or(&ROWS[6].1, |(_, rules)| rules)
    }

    /// Whether models of this family are asked on hosts of this kind.
    pub fn is_served_by(self, kind: HostKind) -> bool {
        match self {
            Self::Gemini | Self::Gemini25 | Self::Gemini3 => {
                matches!(kind, HostKind::Gemini | HostKind::Vertex)
            }
            Self::Claude | Self::ClaudeThinking | Self::ClaudeAdaptive | Self::Converse => {
                kind == HostKind::Bedrock
            }
            Self::Watsonx => kind == HostKind::Watsonx,
            // These run on watsonx too, which speaks nearly the same dialect.
            Self::GptOss | Self::Compatible | Self::CompatibleThinking => {
                !kind.is_cloud() || kind == HostKind::Watsonx
            }
            _ => !kind.is_cloud(),
        }
    }

    /// The family of a name in `boxwood.toml`.
    pub fn of_name(name: &str) -> Option<Self> {
        let row = Self::TABLE.iter().find(|(_, rules)| rules.name == name);
        row.map(|(family, _)| *family)
    }
}

const fn plain_rules(name: &'static str) -> FamilyRules {
    FamilyRules {
        name,
        about: "any other model behind an OpenAI-compatible server (vLLM, llama-server, Ollama)",
        reasoning: false,
        efforts: &[],
        effort_field: EffortField::ReasoningEffort,
        limit_field: LimitField::MaxTokens,
        instruction_role: "system",
        refused: &[Parameter::ReasoningEffort],
        think_tags: false,
        images: false,
        // Which server stands there, and which version, is not known: the binding says it.
        json_schema: JsonSchemaSupport::None,
        tools: false,
        context_window: 32_768,
        max_output_tokens: 8_192,
    }
}

/// Google does not say which of its newer models take penalties; those that refuse them answer with 400.
const fn gemini_rules(name: &'static str) -> FamilyRules {
    FamilyRules {
        refused: &[
            Parameter::FrequencyPenalty,
            Parameter::PresencePenalty,
            Parameter::ParallelToolCalls,
        ],
        images: true,
        json_schema: JsonSchemaSupport::Strict,
        tools: true,
        context_window: 1_048_576,
        max_output_tokens: 65_536,
        ..plain_rules(name)
    }
}

/// Thinking fixes how tokens are chosen.
const REASONING_CLAUDE_REFUSED: &[Parameter] = &[
    Parameter::Temperature,
    Parameter::TopP,
    Parameter::TopK,
    Parameter::FrequencyPenalty,
    Parameter::PresencePenalty,
    Parameter::Seed,
    Parameter::ParallelToolCalls,
];

const fn claude_rules(name: &'static str) -> FamilyRules {
    FamilyRules {
        refused: &[
            Parameter::FrequencyPenalty,
            Parameter::PresencePenalty,
            Parameter::Seed,
            Parameter::ReasoningEffort,
            Parameter::ParallelToolCalls,
        ],
        images: true,
        json_schema: JsonSchemaSupport::Tool,
        tools: true,
        context_window: 200_000,
        max_output_tokens: 64_000,
        ..plain_rules(name)
    }
}

const fn reasoning_rules(name: &'static str) -> FamilyRules {
    FamilyRules {
        reasoning: true,
        efforts: ALL_EFFORTS,
        limit_field: LimitField::MaxCompletionTokens,
        instruction_role: "developer",
        refused: REASONING_REFUSED,
        json_schema: JsonSchemaSupport::Strict,
        tools: true,
        ..plain_rules(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_own_row_and_name() {
        for (family, rules) in Family::TABLE {
            assert_eq!(family.rules().name, rules.name);
            assert_eq!(Family::of_name(rules.name), Some(family));
            assert_eq!(
                serde_json::to_value(family).unwrap(),
                serde_json::Value::from(rules.name)
            );
            assert!(rules.max_output_tokens <= rules.context_window);
        }
        assert_eq!(Family::of_name("o4-mini"), None);
    }
}
