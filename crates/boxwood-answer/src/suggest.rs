//! Questions that an agent offers to people, written by a model for whoever made the agent without any.
//!
//! Invariant: what comes out are one to four short lines, each once; a model that gives nothing of use is an error, never
//! a made-up question. Called by the server's background work.

use crate::agent::Language;
use crate::error::AnswerError;
use crate::generate;
use crate::progress::NoProgress;
use crate::service::AnswerService;
use boxwood_core::{Caller, ChatMessage, ChatRequest, ChatRole};
use tokio_util::sync::CancellationToken;

/// Box's most.
const MOST: usize = 4;
/// A longer line is no question that somebody would choose from a list.
const LONGEST: usize = 160;
/// Four short questions.
const OUTPUT_TOKENS: u32 = 160;
/// A little freedom: greedy small models write the same question four times.
const TEMPERATURE: f32 = 0.4;

/// What an agent is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPurpose {
    /// The model that the agent answers with; `None`: the default one.
    pub model: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for, for people.
    pub description: String,
    /// Words for the model.
    pub instructions: String,
    /// Whether it writes texts, so that requests are wanted and not questions.
    pub writes: bool,
}

impl AnswerService {
    /// Writes up to four questions, or requests, that a person might begin with.
    ///
    /// # Errors
    /// [`AnswerError::Model`], [`AnswerError::Generation`], [`AnswerError::Unusable`].
    pub async fn suggest_questions(
        &self,
        purpose: &AgentPurpose,
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, AnswerError> {
        let models = self.models.on_behalf_of(&Caller::program("suggestions"));
        let model = models
            .resolve(purpose.model.as_deref())
            .or_else(|_| models.resolve(None))
            .map_err(|source| AnswerError::Model {
                field: "model".to_owned(),
                source,
            })?;
        let completion = generate::generate(&model, request(purpose), cancel, &NoProgress).await?;
        let questions = read_lines(&completion.text);
        if questions.is_empty() {
            return Err(AnswerError::Unusable {
                model: completion.model.model.identity().name.clone(),
                reason: "it wrote no questions".to_owned(),
            });
        }
        Ok(questions)
    }
}

fn request(purpose: &AgentPurpose) -> ChatRequest {
    let about = format!("{} {}", purpose.description, purpose.instructions);
    let (system, wanted) = match (Language::of_text(&about), purpose.writes) {
        (Language::English, false) => (
            "You suggest short questions that people can ask an assistant about their documents.",
            "Write four different short questions that a person could ask this assistant about a document. One question \
             a line, nothing else.",
        ),
        (Language::English, true) => (
            "You suggest short requests that people can make to an assistant that writes texts.",
            "Write four different short requests that a person could make to this assistant. One request a line, nothing \
             else.",
        ),
        (Language::Japanese, false) => (
            "文書についてアシスタントに尋ねられる短い質問を提案してください。",
            "このアシスタントに文書について尋ねられる、互いに異なる短い質問を四つ書いてください。一行に一つ、質問だけを書きます。",
        ),
        (Language::Japanese, true) => (
            "文章を書くアシスタントに頼める短い依頼を提案してください。",
            "このアシスタントに頼める、互いに異なる短い依頼を四つ書いてください。一行に一つ、依頼だけを書きます。",
        ),
    };
    let mut words = format!("Assistant: {}\n", purpose.name.trim());
    for part in [&purpose.description, &purpose.instructions] {
        if !part.trim().is_empty() {
            words.push_str(part.trim());
            words.push('\n');
        }
    }
    words.push('\n');
    words.push_str(wanted);
    let messages = vec![
        ChatMessage::new(ChatRole::System, system),
        ChatMessage::new(ChatRole::User, words),
    ];
    let mut request = ChatRequest::new(messages, OUTPUT_TOKENS);
    request.sampling.temperature = Some(TEMPERATURE);
    request
}

/// The lines of a list without their bullets and numbers.
fn read_lines(text: &str) -> Vec<String> {
    let mut questions: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches(['-', '*', '•', '・']).trim_start();
        let numbered = line.trim_start_matches(|character: char| character.is_ascii_digit());
        let line = match numbered.len() < line.len() {
            true => numbered.strip_prefix(['.', ')', ':', '．', '、']).unwrap_or(line),
            false => line,
        };
        let line = line.trim().trim_matches(['"', '“', '”', '`']).trim();
        // A line that ends with a colon announces the list.
        let heading = line.ends_with([':', '：']);
        let known = questions.iter().any(|question| question == line);
        if !line.is_empty() && !heading && !known && line.chars().count() <= LONGEST {
            questions.push(line.to_owned());
        }
    }
    questions.truncate(MOST);
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_form_are_read() {
        for (text, expected) in [
            (
                "1. What is due?\n2) Who signed?",
                vec!["What is due?", "Who signed?"],
            ),
            (
                "Here are four questions:\n\n- What is due?\n* Who signed?\n• What is due?",
                vec!["What is due?", "Who signed?"],
            ),
            ("\"When does it end?\"", vec!["When does it end?"]),
            (
                "1．契約はいつ終わりますか？\n・誰が署名しましたか？",
                vec!["契約はいつ終わりますか？", "誰が署名しましたか？"],
            ),
            ("2026 figures: what changed?", vec!["2026 figures: what changed?"]),
            ("a?\nb?\nc?\nd?\ne?", vec!["a?", "b?", "c?", "d?"]),
            (" \n", vec![]),
        ] {
            assert_eq!(read_lines(text), expected, "{text}");
        }
        assert!(read_lines(&"long ".repeat(100)).is_empty());
    }

    #[test]
    fn the_purpose_decides_language_and_kind() {
        let purpose = AgentPurpose {
            model: None,
            name: "契約".to_owned(),
            description: "契約書を読みます".to_owned(),
            instructions: String::new(),
            writes: false,
        };
        let words = &request(&purpose).messages[1].content;
        assert!(
            words.contains("質問を四つ") && words.contains("契約書を読みます"),
            "{words}"
        );
        let writes = AgentPurpose {
            description: "Writes letters".to_owned(),
            writes: true,
            ..purpose
        };
        assert!(
            request(&writes).messages[1]
                .content
                .contains("four different short requests")
        );
    }
}
