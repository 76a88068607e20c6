//! Agents on the wire: the override in a question, and the body of `GET /2.0/ai_agent_default?mode=ask`.
//!
//! Invariant: a body that [`AskAgentBody`] writes is read by [`read_choice`] without a refusal, so a caller may send the
//! default agent back as an override. Bounds are those of the published specification. Called by the server.

use crate::error::Reason;
use crate::reading::{Findings, Reader, one_of};
use boxwood_core::Effort;
use serde::Serialize;

/// The longest template, in characters.
pub const MAX_TEMPLATE_CHARACTERS: usize = 10_000;
/// The most tokens of one chunk.
pub const MAX_CHUNK_TOKENS: u64 = 512;
/// `type` of the agent for questions.
pub const ASK_AGENT: &str = "ai_agent_ask";
/// The only way to cut texts.
pub const BASIC_STRATEGY: &str = "basic";

/// Which agent a request wants; `O` holds the settings of its operation.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentChoice<O> {
    /// `ai_agent_id`: an agent that was made before.
    Reference {
        /// Its id.
        id: String,
    },
    /// The default agent with these settings over it.
    Override(Box<O>),
}

/// Settings over the default agent, one set a processor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskOverride {
    /// One file that fits.
    pub basic_text: Option<ToolOverride>,
    /// Several files that fit.
    pub basic_text_multi: Option<ToolOverride>,
    /// One file by passages.
    pub long_text: Option<ToolOverride>,
    /// Several files by passages.
    pub long_text_multi: Option<ToolOverride>,
    /// One picture.
    pub basic_image: Option<ToolOverride>,
    /// Several pictures.
    pub basic_image_multi: Option<ToolOverride>,
    /// A workbook.
    pub spreadsheet: Option<ToolOverride>,
}

/// Settings of one processor; `None` keeps the default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolOverride {
    /// A model's name.
    pub model: Option<String>,
    /// Instructions.
    pub system_message: Option<String>,
    /// Holds `{user_question}` and `{content}`.
    pub prompt_template: Option<String>,
    /// At least 1.
    pub num_tokens_for_completion: Option<u32>,
    /// Sampling and stop.
    pub llm_endpoint_params: Option<EndpointParams>,
    /// How long texts are cut.
    pub embeddings: Option<EmbeddingsOverride>,
}

/// Embedding settings of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmbeddingsOverride {
    /// A model's name.
    pub model: Option<String>,
    /// 1 to 512.
    pub num_tokens_per_chunk: Option<u32>,
}

/// Whose parameters these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ParamsFamily {
    /// OpenAI, Azure, xAI.
    #[serde(rename = "openai_params")]
    OpenAi,
    /// Google.
    #[serde(rename = "google_params")]
    Google,
    /// Amazon.
    #[serde(rename = "aws_params")]
    Aws,
    /// IBM, Meta.
    #[serde(rename = "ibm_params")]
    Ibm,
}

impl ParamsFamily {
    /// Every family with its `type` on the wire.
    pub const TABLE: [(&'static str, ParamsFamily); 4] = [
        ("openai_params", ParamsFamily::OpenAi),
        ("google_params", ParamsFamily::Google),
        ("aws_params", ParamsFamily::Aws),
        ("ibm_params", ParamsFamily::Ibm),
    ];
}

/// `llm_endpoint_params`. What a family does not have stays `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointParams {
    /// Whose.
    #[serde(rename = "type")]
    pub family: ParamsFamily,
    /// 0 is greedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Candidates (Google, IBM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<f64>,
    /// OpenAI only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// OpenAI only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// OpenAI only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// OpenAI only, and Boxwood's own: Box has no field for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<Effort>,
}

/// `reasoning_effort` on the wire.
const EFFORTS: [(&str, Effort); 3] = [
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
];

/// `AiAgentAsk` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AskAgentBody {
    /// Always `ai_agent_ask`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// One file by passages.
    pub long_text: TextToolBody,
    /// One file that fits.
    pub basic_text: TextToolBody,
    /// A workbook.
    pub spreadsheet: SpreadsheetToolBody,
    /// Several files by passages.
    pub long_text_multi: TextToolBody,
    /// Several files that fit.
    pub basic_text_multi: TextToolBody,
    /// One picture.
    pub basic_image: TextToolBody,
    /// Several pictures.
    pub basic_image_multi: TextToolBody,
}

/// `AiAgentBasicTextTool` and `AiAgentLongTextTool` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TextToolBody {
    /// A model's name.
    pub model: String,
    /// Instructions.
    pub system_message: String,
    /// The template.
    pub prompt_template: String,
    /// At least 1.
    pub num_tokens_for_completion: u32,
    /// Sampling and stop.
    pub llm_endpoint_params: EndpointParams,
    /// Only of the processors that rank passages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<EmbeddingsBody>,
}

/// `AiAgentSpreadsheetTool` as an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpreadsheetToolBody {
    /// A model's name.
    pub model: String,
    /// At least 1.
    pub num_tokens_for_completion: u32,
    /// Sampling and stop.
    pub llm_endpoint_params: EndpointParams,
}

/// `embeddings` as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmbeddingsBody {
    /// A model's name; absent where no model embeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How texts are cut.
    pub strategy: StrategyBody,
}

/// `embeddings.strategy` as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StrategyBody {
    /// `basic`
    pub id: String,
    /// 1 to 512.
    pub num_tokens_per_chunk: u32,
}

#[derive(Clone, Copy)]
enum ChoiceKind {
    Override,
    Reference,
}

/// Reads `ai_agent` of a request: an object of type `own`, whose settings `read` takes, or a reference.
pub(crate) fn read_choice<'a, O>(
    mut reader: Reader<'a>,
    own: &str,
    findings: &mut Findings,
    read: impl FnOnce(&mut Reader<'a>, &mut Findings) -> O,
) -> Option<AgentChoice<O>> {
    let path = reader.path_of("type");
    let words = [
        (own, ChoiceKind::Override),
        ("ai_agent_id", ChoiceKind::Reference),
    ];
    let kind = one_of(reader.required_text("type", findings)?, &words, &path, findings)?;
    let choice = match kind {
        ChoiceKind::Reference => {
            let id = reader.required_text("id", findings).map(str::to_owned);
            id.map(|id| AgentChoice::Reference { id })
        }
        ChoiceKind::Override => Some(AgentChoice::Override(Box::new(read(&mut reader, findings)))),
    };
    reader.close(findings);
    choice
}

impl AskOverride {
    /// Reads the processors of an agent for questions.
    pub(crate) fn read(reader: &mut Reader<'_>, findings: &mut Findings) -> Self {
        Self::read_with(reader, &mut |_, _, _| {}, findings)
    }

    /// As [`AskOverride::read`]; `more` reads what else a processor has.
    pub(crate) fn read_with(
        reader: &mut Reader<'_>,
        more: &mut MoreOfTool<'_>,
        findings: &mut Findings,
    ) -> Self {
        use Embeddings::{No, Yes};
        Self {
            basic_text: read_tool(reader, "basic_text", No, more, findings),
            basic_text_multi: read_tool(reader, "basic_text_multi", No, more, findings),
            long_text: read_tool(reader, "long_text", Yes, more, findings),
            long_text_multi: read_tool(reader, "long_text_multi", Yes, more, findings),
            basic_image: read_tool(reader, "basic_image", No, more, findings),
            basic_image_multi: read_tool(reader, "basic_image_multi", No, more, findings),
            spreadsheet: read_spreadsheet(reader, more, findings),
        }
    }
}

/// Reads what a processor has besides the settings of a request; it is given the processor's name.
pub(crate) type MoreOfTool<'m> = dyn FnMut(&'static str, &mut Reader<'_>, &mut Findings) + 'm;

/// Whether a processor ranks passages, and so has `embeddings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embeddings {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What a processor's template must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholders {
    /// `{user_question}` and `{content}`.
    QuestionAndContent,
    /// `{user_question}`
    Question,
}

impl Placeholders {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::QuestionAndContent => &["{user_question}", "{content}"],
            Self::Question => &["{user_question}"],
        }
    }
}

/// Reads a processor of texts that needs both placeholders.
pub(crate) fn read_tool(
    agent: &mut Reader<'_>,
    name: &'static str,
    embeddings: Embeddings,
    more: &mut MoreOfTool<'_>,
    findings: &mut Findings,
) -> Option<ToolOverride> {
    let mut reader = agent.child(name, findings)?;
    let placeholders = Placeholders::QuestionAndContent;
    let tool = read_text_tool(&mut reader, embeddings, placeholders, findings);
    more(name, &mut reader, findings);
    reader.close(findings);
    Some(tool)
}

/// Reads the settings of a processor of texts; the caller closes the reader.
pub(crate) fn read_text_tool(
    reader: &mut Reader<'_>,
    embeddings: Embeddings,
    placeholders: Placeholders,
    findings: &mut Findings,
) -> ToolOverride {
    let mut tool = read_common(reader, findings);
    tool.system_message = reader.text("system_message", findings).map(str::to_owned);
    tool.prompt_template = reader.text("prompt_template", findings).map(str::to_owned);
    if let Some(template) = &tool.prompt_template {
        check_template(
            template,
            placeholders.names(),
            &reader.path_of("prompt_template"),
            findings,
        );
    }
    if embeddings == Embeddings::Yes {
        tool.embeddings = reader
            .child("embeddings", findings)
            .map(|child| read_embeddings(child, findings));
    }
    tool
}

fn read_spreadsheet(
    agent: &mut Reader<'_>,
    more: &mut MoreOfTool<'_>,
    findings: &mut Findings,
) -> Option<ToolOverride> {
    let mut reader = agent.child("spreadsheet", findings)?;
    let tool = read_common(&mut reader, findings);
    more("spreadsheet", &mut reader, findings);
    reader.close(findings);
    Some(tool)
}

fn read_common(reader: &mut Reader<'_>, findings: &mut Findings) -> ToolOverride {
    ToolOverride {
        model: read_model(reader, findings),
        num_tokens_for_completion: reader
            .whole("num_tokens_for_completion", 1, u64::from(u32::MAX), findings)
            .and_then(|tokens| u32::try_from(tokens).ok()),
        llm_endpoint_params: reader
            .child("llm_endpoint_params", findings)
            .and_then(|params| read_params(params, findings)),
        ..ToolOverride::default()
    }
}

fn read_model(reader: &mut Reader<'_>, findings: &mut Findings) -> Option<String> {
    let name = reader.text("model", findings)?;
    if name.is_empty() {
        findings.refuse(
            Reason::TooShort,
            reader.path_of("model"),
            "must be a model's name",
        );
    }
    Some(name.to_owned())
}

fn check_template(template: &str, placeholders: &[&str], path: &str, findings: &mut Findings) {
    let characters = template.chars().count();
    if characters > MAX_TEMPLATE_CHARACTERS {
        let message = format!("must have at most {MAX_TEMPLATE_CHARACTERS} characters, not {characters}");
        findings.refuse(Reason::TooLong, path, message);
    }
    for placeholder in placeholders {
        if !template.contains(placeholder) {
            findings.refuse(
                Reason::MissingPlaceholder,
                path,
                format!("must contain `{placeholder}`"),
            );
        }
    }
}

fn read_embeddings(mut reader: Reader<'_>, findings: &mut Findings) -> EmbeddingsOverride {
    let model = read_model(&mut reader, findings);
    let num_tokens_per_chunk = reader.child("strategy", findings).and_then(|mut strategy| {
        let path = strategy.path_of("id");
        if let Some(id) = strategy.text("id", findings) {
            one_of(id, &[(BASIC_STRATEGY, ())], &path, findings);
        }
        let tokens = strategy.whole("num_tokens_per_chunk", 1, MAX_CHUNK_TOKENS, findings);
        strategy.close(findings);
        tokens.and_then(|tokens| u32::try_from(tokens).ok())
    });
    reader.close(findings);
    EmbeddingsOverride {
        model,
        num_tokens_per_chunk,
    }
}

/// The least and most that a family's parameter takes; `None`: the family does not have it.
struct Bounds {
    temperature: (f64, f64),
    top_p: (f64, f64),
    top_k: Option<(f64, f64)>,
    penalties_and_stop: bool,
}

impl Bounds {
    fn of(family: ParamsFamily) -> Self {
        let (temperature, top_p, top_k) = match family {
            ParamsFamily::OpenAi => ((0.0, 2.0), (0.1, 1.0), None),
            ParamsFamily::Google => ((0.0, 2.0), (0.1, 2.0), Some((0.1, 2.0))),
            ParamsFamily::Aws => ((0.0, 1.0), (0.0, 1.0), None),
            ParamsFamily::Ibm => ((f64::MIN, f64::MAX), (0.1, 1.0), Some((f64::MIN, f64::MAX))),
        };
        Self {
            temperature,
            top_p,
            top_k,
            penalties_and_stop: family == ParamsFamily::OpenAi,
        }
    }
}

fn read_params(mut reader: Reader<'_>, findings: &mut Findings) -> Option<EndpointParams> {
    let path = reader.path_of("type");
    let family = one_of(
        reader.required_text("type", findings)?,
        &ParamsFamily::TABLE,
        &path,
        findings,
    )?;
    let bounds = Bounds::of(family);
    let mut params = EndpointParams {
        family,
        temperature: reader.number(
            "temperature",
            bounds.temperature.0,
            bounds.temperature.1,
            findings,
        ),
        top_p: reader.number("top_p", bounds.top_p.0, bounds.top_p.1, findings),
        top_k: bounds
            .top_k
            .and_then(|(least, most)| reader.number("top_k", least, most, findings)),
        frequency_penalty: None,
        presence_penalty: None,
        stop: None,
        reasoning_effort: None,
    };
    if bounds.penalties_and_stop {
        params.frequency_penalty = reader.number("frequency_penalty", -2.0, 2.0, findings);
        params.presence_penalty = reader.number("presence_penalty", -2.0, 2.0, findings);
        params.stop = reader.text("stop", findings).map(str::to_owned);
        let path = reader.path_of("reasoning_effort");
        params.reasoning_effort = reader
            .text("reasoning_effort", findings)
            .and_then(|effort| one_of(effort, &EFFORTS, &path, findings));
    }
    reader.close(findings);
    Some(params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_refusals;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(agent: &Value, expected: &[(Reason, &str)]) {
        let mut findings = Findings::default();
        if let Some(reader) = Reader::object(agent, "ai_agent", &mut findings) {
            read_choice(reader, ASK_AGENT, &mut findings, AskOverride::read);
        }
        assert_refusals(&findings.errors, expected, agent);
    }

    #[track_caller]
    fn check_tool(tool: &str, settings: &Value, expected: &[(Reason, &str)]) {
        let expected: Vec<(Reason, String)> = expected
            .iter()
            .map(|(reason, path)| (*reason, format!("ai_agent.{tool}.{path}")))
            .collect();
        let expected: Vec<(Reason, &str)> = expected.iter().map(|(r, p)| (*r, p.as_str())).collect();
        check(&json!({"type": "ai_agent_ask", tool: settings}), &expected);
    }

    #[test]
    fn templates_need_both_placeholders_in_any_order() {
        check_tool(
            "basic_text",
            &json!({"prompt_template": "{content} {user_question}"}),
            &[],
        );
        check_tool(
            "basic_text",
            &json!({"prompt_template": "{user_question} {content}"}),
            &[],
        );
        let place = "prompt_template";
        check_tool(
            "long_text",
            &json!({"prompt_template": "{content}"}),
            &[(Reason::MissingPlaceholder, place)],
        );
        check_tool(
            "basic_image",
            &json!({"prompt_template": "Question: user_question"}),
            &[
                (Reason::MissingPlaceholder, place),
                (Reason::MissingPlaceholder, place),
            ],
        );
        let long = format!("{{content}}{{user_question}}{}", "x".repeat(10_000));
        check_tool(
            "basic_text",
            &json!({"prompt_template": long}),
            &[(Reason::TooLong, place)],
        );
    }

    #[test]
    fn every_family_has_its_bounds() {
        for (params, expected) in [
            (
                json!({"type": "openai_params", "temperature": 2, "top_p": 0.1, "frequency_penalty": -2}),
                vec![],
            ),
            (
                json!({"type": "openai_params", "temperature": 2.1}),
                vec!["temperature"],
            ),
            (json!({"type": "openai_params", "top_p": 0}), vec!["top_p"]),
            (
                json!({"type": "openai_params", "reasoning_effort": "high"}),
                vec![],
            ),
            (
                json!({"type": "openai_params", "presence_penalty": 3}),
                vec!["presence_penalty"],
            ),
            (
                json!({"type": "aws_params", "temperature": 1.5}),
                vec!["temperature"],
            ),
            (
                json!({"type": "google_params", "top_p": 2, "top_k": 2.5}),
                vec!["top_k"],
            ),
            (
                json!({"type": "ibm_params", "temperature": 9, "top_k": 50, "top_p": 0.05}),
                vec!["top_p"],
            ),
        ] {
            let expected: Vec<(Reason, String)> = expected
                .into_iter()
                .map(|name| (Reason::OutOfRange, format!("llm_endpoint_params.{name}")))
                .collect();
            let expected: Vec<(Reason, &str)> = expected.iter().map(|(r, p)| (*r, p.as_str())).collect();
            check_tool("basic_text", &json!({"llm_endpoint_params": params}), &expected);
        }
        check_tool(
            "basic_text",
            &json!({"llm_endpoint_params": {"type": "openai_params", "reasoning_effort": "most"}}),
            &[(Reason::InvalidParameter, "llm_endpoint_params.reasoning_effort")],
        );
        check_tool(
            "spreadsheet",
            &json!({"llm_endpoint_params": {"type": "my_params"}}),
            &[(Reason::InvalidParameter, "llm_endpoint_params.type")],
        );
        check_tool(
            "spreadsheet",
            &json!({"llm_endpoint_params": {"temperature": 1}}),
            &[(Reason::MissingParameter, "llm_endpoint_params.type")],
        );
    }

    #[test]
    fn chunks_and_completions_have_bounds() {
        for (tokens, valid) in [
            (json!(1), true),
            (json!(512), true),
            (json!(0), false),
            (json!(513), false),
        ] {
            let place: &[_] = &[(Reason::OutOfRange, "embeddings.strategy.num_tokens_per_chunk")];
            let strategy =
                json!({"embeddings": {"strategy": {"id": "basic", "num_tokens_per_chunk": tokens}}});
            check_tool("long_text_multi", &strategy, if valid { &[] } else { place });
        }
        check_tool(
            "long_text",
            &json!({"embeddings": {"strategy": {"id": "clever"}}}),
            &[(Reason::InvalidParameter, "embeddings.strategy.id")],
        );
        let place: &[_] = &[(Reason::OutOfRange, "num_tokens_for_completion")];
        check_tool("basic_text", &json!({"num_tokens_for_completion": 0}), place);
        check_tool("basic_text", &json!({"num_tokens_for_completion": 1.5}), place);
        check_tool("basic_text", &json!({"num_tokens_for_completion": 8400.0}), &[]);
        check_tool(
            "basic_text",
            &json!({"model": ""}),
            &[(Reason::TooShort, "model")],
        );
        check_tool(
            "basic_text",
            &json!({"model": 5}),
            &[(Reason::WrongType, "model")],
        );
    }
}
