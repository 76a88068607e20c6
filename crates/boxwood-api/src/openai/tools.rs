//! Tools and the choice among them, in the nested form of chat and the flat one of Responses.
//!
//! Invariant: a choice that names a tool names one of the request. Called by `chat` and `responses::request`.

use super::contract::Contract;
use super::error::OpenAiError;
use super::fields::{Endpoint, Fields, one_of, wrong_type};
use super::schema;
use boxwood_core::{ToolChoice, ToolDefinition};
use serde_json::{Value, json};

/// As the hosts bound it.
const MOST_TOOLS: usize = 128;

/// Reads `tools`.
///
/// # Errors
/// The first tool that is wrong, or that is no function.
pub fn read(
    body: &mut Fields<'_>,
    endpoint: Endpoint,
    contract: &Contract,
) -> Result<Vec<ToolDefinition>, OpenAiError> {
    let entries = body.array("tools")?.unwrap_or_default();
    if entries.len() > MOST_TOOLS {
        let message = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length {MOST_TOOLS}, but got an array with length {} instead.",
            entries.len()
        );
        return Err(OpenAiError::invalid(
            "tools",
            Some("array_above_max_length"),
            message,
        ));
    }
    let mut tools: Vec<ToolDefinition> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let tool = read_tool(entry, &format!("tools[{index}]"), endpoint, contract)?;
        if tools.iter().any(|other| other.name == tool.name) {
            let message = format!("Invalid 'tools': two functions are called '{}'.", tool.name);
            return Err(OpenAiError::invalid("tools", Some("invalid_value"), message));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn read_tool(
    entry: &Value,
    path: &str,
    endpoint: Endpoint,
    contract: &Contract,
) -> Result<ToolDefinition, OpenAiError> {
    let mut tool = Fields::of(entry, path, endpoint)?;
    let kind = tool.required_text("type")?;
    if kind != "function" {
        let message = format!("Tools of the type '{kind}' are not served here; only functions are.");
        return Err(OpenAiError::not_served(tool.path_of("type"), message));
    }
    if endpoint == Endpoint::Responses {
        let read = read_function(&mut tool, true, contract)?;
        tool.close()?;
        return Ok(read);
    }
    tool.required("function")?;
    let Some(mut function) = tool.child("function")? else {
        return Err(wrong_type(path, "an object", &Value::Null));
    };
    let read = read_function(&mut function, false, contract)?;
    function.close()?;
    tool.close()?;
    Ok(read)
}

/// Responses are strict unless told otherwise, chat the other way round.
fn read_function(
    function: &mut Fields<'_>,
    strict_by_default: bool,
    contract: &Contract,
) -> Result<ToolDefinition, OpenAiError> {
    let name = function.required_text("name")?.to_owned();
    check_name(&name, &function.path_of("name"))?;
    let description = function.text("description")?.map(str::to_owned);
    let given = function.get("parameters");
    let path = function.path_of("parameters");
    let parameters = match given {
        None => json!({"type": "object", "properties": {}, "additionalProperties": false}),
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(other) => return Err(wrong_type(&path, "an object", other)),
    };
    let asked = function.flag("strict")?;
    let strict = asked.unwrap_or(strict_by_default);
    if strict && contract.openai && given.is_some() {
        match schema::check_strict(&parameters) {
            Ok(()) => {}
            // Strictness that nobody asked for is given where it can be.
            Err(_) if asked.is_none() => {
                return Ok(ToolDefinition {
                    name,
                    description,
                    parameters,
                    strict: false,
                });
            }
            Err(problem) => {
                let message = format!("Invalid schema for function '{name}': {problem}");
                return Err(OpenAiError::invalid(
                    path,
                    Some("invalid_function_parameters"),
                    message,
                ));
            }
        }
    }
    Ok(ToolDefinition {
        name,
        description,
        parameters,
        strict,
    })
}

/// Letters, digits, `_` and `-`, at most 64.
///
/// # Errors
/// Another name.
pub fn check_name(name: &str, path: &str) -> Result<(), OpenAiError> {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(is_taken) {
        return Ok(());
    }
    let message = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{{1,64}}$'."
    );
    Err(OpenAiError::invalid(path, Some("invalid_value"), message))
}

/// Reads `tool_choice` and `parallel_tool_calls`.
///
/// # Errors
/// A word that is none, a tool that is not among `tools`, a choice without tools.
pub fn read_choice(
    body: &mut Fields<'_>,
    tools: &[ToolDefinition],
    endpoint: Endpoint,
) -> Result<(ToolChoice, Option<bool>), OpenAiError> {
    const WORDS: [(&str, u8); 3] = [("none", 0), ("auto", 1), ("required", 2)];
    let parallel = body.flag("parallel_tool_calls")?;
    // Clients of Responses always say both.
    let must_have_tools = endpoint == Endpoint::Chat;
    if parallel.is_some() && tools.is_empty() && must_have_tools {
        return Err(only_with_tools("parallel_tool_calls"));
    }
    let choice = match body.get("tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) => match one_of(word, &WORDS, "tool_choice")? {
            0 => ToolChoice::None,
            1 => ToolChoice::Auto,
            _ => ToolChoice::Required,
        },
        Some(value) => ToolChoice::Named(read_named(value, endpoint)?),
    };
    if tools.is_empty() && must_have_tools && body.get("tool_choice").is_some() {
        return Err(only_with_tools("tool_choice"));
    }
    match &choice {
        ToolChoice::Named(name) if !tools.iter().any(|tool| tool.name == *name) => {
            let shown: String = name.chars().take(64).collect();
            let message = format!("Tool choice '{shown}' not found in 'tools' parameter.");
            Err(OpenAiError::invalid("tool_choice", None, message))
        }
        ToolChoice::Required if tools.is_empty() => Err(only_with_tools("tool_choice")),
        _ => Ok((choice, parallel)),
    }
}

fn only_with_tools(name: &str) -> OpenAiError {
    let message = format!("Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.");
    OpenAiError::invalid(name, None, message)
}

fn read_named(value: &Value, endpoint: Endpoint) -> Result<String, OpenAiError> {
    let mut choice = Fields::of(value, "tool_choice", endpoint)?;
    let kind = choice.required_text("type")?;
    if kind != "function" {
        let message = format!("A choice of the type '{kind}' is not served here; a function can be named.");
        return Err(OpenAiError::not_served("tool_choice.type", message));
    }
    if endpoint == Endpoint::Responses {
        let name = choice.required_text("name")?.to_owned();
        choice.close()?;
        return Ok(name);
    }
    choice.required("function")?;
    let Some(mut function) = choice.child("function")? else {
        return Err(wrong_type("tool_choice.function", "an object", &Value::Null));
    };
    let name = function.required_text("name")?.to_owned();
    function.close()?;
    choice.close()?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: Contract = Contract {
        reasoning: true,
        openai: true,
        effort: true,
    };

    fn read_both(body: &Value) -> Result<(Vec<ToolDefinition>, ToolChoice), OpenAiError> {
        let mut fields = Fields::of(body, "", Endpoint::Chat)?;
        let tools = read(&mut fields, Endpoint::Chat, &OPENAI)?;
        let (choice, _) = read_choice(&mut fields, &tools, Endpoint::Chat)?;
        fields.close()?;
        Ok((tools, choice))
    }

    fn weather(strict: bool) -> Value {
        json!({"type": "function", "function": {"name": "weather", "description": "Tells it.", "strict": strict,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}})
    }

    #[test]
    fn tools_and_a_choice_are_read() {
        let named = json!({"type": "function", "function": {"name": "weather"}});
        let (tools, choice) = read_both(&json!({"tools": [weather(false)], "tool_choice": named})).unwrap();
        assert_eq!(tools[0].description.as_deref(), Some("Tells it."));
        assert_eq!(choice, ToolChoice::Named("weather".into()));
        let (_, choice) = read_both(&json!({"tools": [weather(false)], "tool_choice": "required"})).unwrap();
        assert_eq!(choice, ToolChoice::Required);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |body: Value, param: &str| {
            assert_eq!(
                read_both(&body).unwrap_err().param.as_deref(),
                Some(param),
                "{body}"
            );
        };
        check(json!({"tool_choice": "auto"}), "tool_choice");
        check(
            json!({"tools": [weather(false)], "tool_choice": "always"}),
            "tool_choice",
        );
        let other = json!({"type": "function", "function": {"name": "other"}});
        check(
            json!({"tools": [weather(false)], "tool_choice": other}),
            "tool_choice",
        );
        check(json!({"tools": [weather(false), weather(false)]}), "tools");
        check(json!({"tools": [{"type": "custom"}]}), "tools[0].type");
        check(
            json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}),
            "tools[0].function.name",
        );
        // Without `additionalProperties: false` and `required` it is not strict.
        check(json!({"tools": [weather(true)]}), "tools[0].function.parameters");
    }
}
