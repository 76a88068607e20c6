//! What of a request a family of models takes: parameters, effort, output limit, and the warnings about the rest.
//!
//! Invariant: a parameter that the model refuses is never sent, and whatever is left out is in [`warnings`], which
//! reads the same rules. Shared by every protocol that takes parameters of this kind.

use crate::capability::{Capabilities, Family, Parameter};
use crate::resolved::ModelWarning;
use boxwood_core::{ChatRequest, Effort, Sampling};
use serde_json::Value;

/// Tokens to ask for: the visible ones and a reserve for thinking (none where the caller's limit holds both), within the model's limit and what the prompt leaves.
pub(crate) fn output_limit(capabilities: &Capabilities, request: &ChatRequest, prompt_tokens: u32) -> u32 {
    let reserve = if request.total_limit {
        0
    } else {
        capabilities.reserve(request.effort)
    };
    let wanted = request.max_output_tokens.saturating_add(reserve);
    let left = capabilities.context_window.saturating_sub(prompt_tokens);
    wanted.min(capabilities.max_output_tokens).min(left).max(1)
}

/// What of the request is left out, or done here instead of by the host.
pub(crate) fn warnings(capabilities: &Capabilities, request: &ChatRequest) -> Vec<ModelWarning> {
    let family = capabilities.rules().name;
    let mut warnings = Vec::new();
    let mut warn =
        |parameter: &'static str, message: String| warnings.push(ModelWarning { parameter, message });
    for (parameter, value) in sampling_values(&request.sampling) {
        if !capabilities.accepts(parameter) && !is_default(parameter, &value) {
            let who = who_refuses(capabilities, parameter);
            warn(parameter.as_str(), format!("{who} take it; {value} was left out"));
        }
    }
    let may_stop = request.response_format.is_none() && !request.stop.is_empty();
    if may_stop && !capabilities.accepts(Parameter::Stop) {
        let who = who_refuses(capabilities, Parameter::Stop);
        warn("stop", format!("{who} take it; the answer is cut here instead"));
    }
    let both =
        request.sampling.temperature.is_some() && request.sampling.top_p.is_some_and(|top_p| top_p < 1.0);
    if both && capabilities.family == Family::Claude {
        let message =
            format!("models of the family {family} take it or `temperature`, not both; it was left out");
        warn(Parameter::TopP.as_str(), message);
    }
    if request.parallel_tool_calls.is_some() && !capabilities.accepts(Parameter::ParallelToolCalls) {
        let who = who_refuses(capabilities, Parameter::ParallelToolCalls);
        warn("parallel_tool_calls", format!("{who} take it; it was left out"));
    }
    if let Some(effort) = request.effort {
        match sent_effort(capabilities, effort) {
            None => warn(
                "reasoning_effort",
                format!("models of the family {family} have none; it was left out"),
            ),
            Some(sent) if sent != effort => {
                warn(
                    "reasoning_effort",
                    format!("models of the family {family} do not have this value; {sent:?} is used")
                        .to_lowercase(),
                );
            }
            Some(_) => {}
        }
    }
    if request.max_output_tokens > capabilities.max_output_tokens {
        let most = capabilities.max_output_tokens;
        warn(
            "max_output_tokens",
            format!("the model writes at most {most} tokens; {most} is used"),
        );
    }
    warnings
}

/// The beginning of a sentence: the family, or else what the binding says of its host.
fn who_refuses(capabilities: &Capabilities, parameter: Parameter) -> String {
    let rules = capabilities.rules();
    if rules.refused.contains(&parameter) {
        format!("models of the family {} do not", rules.name)
    } else {
        "what this binding asks (`api`, `unsupported`) does not".to_owned()
    }
}

/// The effort as it is sent: a value that the family lacks becomes the next higher one that it has.
pub(crate) fn sent_effort(capabilities: &Capabilities, effort: Effort) -> Option<Effort> {
    if !capabilities.accepts(Parameter::ReasoningEffort) {
        return None;
    }
    let efforts = capabilities.rules().efforts;
    let rank = |effort: Effort| effort as u8;
    let exact_or_higher = efforts
        .iter()
        .filter(|known| rank(**known) >= rank(effort))
        .min_by_key(|known| rank(**known));
    exact_or_higher.or(efforts.last()).copied()
}

/// The sampling parameters that the caller gave.
pub(crate) fn sampling_values(sampling: &Sampling) -> Vec<(Parameter, Value)> {
    let number = |parameter, value: Option<f32>| value.map(|value| (parameter, shortest(value)));
    let top_k = sampling.top_k.map(|value| (Parameter::TopK, whole(value)));
    [
        number(Parameter::Temperature, sampling.temperature),
        number(Parameter::TopP, sampling.top_p),
        top_k,
        number(Parameter::FrequencyPenalty, sampling.frequency_penalty),
        number(Parameter::PresencePenalty, sampling.presence_penalty),
        sampling.seed.map(|seed| (Parameter::Seed, seed.into())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Leaving out a value that is the host's default anyway changes nothing.
fn is_default(parameter: Parameter, value: &Value) -> bool {
    let default = match parameter {
        Parameter::Temperature | Parameter::TopP => 1.0,
        Parameter::FrequencyPenalty | Parameter::PresencePenalty => 0.0,
        _ => return false,
    };
    value.as_f64() == Some(default)
}

/// 0.1 as `0.1`, not as the 0.10000000149 that widening to 64 bits would print.
fn shortest(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// `top_k` is a whole number on the wire.
fn whole(value: f32) -> Value {
    // Saturating: a negative or huge value becomes the nearest possible one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturating by definition of `as`"
    )]
    let rounded = value.round() as u32;
    rounded.into()
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
