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
            .map_err(AnswerError::model_of("model"))?;
        let words = words(purpose);
        let completion = generate::generate(&model, request(&words), cancel, &NoProgress).await?;
        let questions = read_lines(&completion.text, &words.asked);
        if questions.is_empty() {
            return Err(AnswerError::Unusable {
                model: completion.model.model.identity().name.clone(),
                reason: "it wrote no questions".to_owned(),
            });
        }
        Ok(questions)
    }
}

/// What the model is told.
struct Words {
    system: &'static str,
    asked: String,
}

/// An example shows what the lines are about: small models otherwise ask about the assistant itself, or repeat the request.
fn words(purpose: &AgentPurpose) -> Words {
    let about = format!("{} {}", purpose.description, purpose.instructions);
    let (system, example, wanted) = match (Language::of_text(&about), purpose.writes) {
        (Language::English, false) => (
            "You suggest short questions that people can ask an assistant about the document that lies before them.",
            "Assistant: Recipe helper\nFinds amounts, times and steps in recipes.\nFour different short questions about \
             what a document says, one a line:\nHow much flour does the dough need?\nHow long does it bake?\nWhich steps \
             can be done the day before?\nWhat can replace the butter?",
            "Four different short questions about what a document says, one a line:",
        ),
        (Language::English, true) => (
            "You suggest short requests that people can make to an assistant that writes texts.",
            "Assistant: Travel desk\nWrites messages to the guests of a small hotel.\nFour different short requests, one a \
             line:\nWrite a welcome message for a family with two children.\nTell a guest politely that breakfast ends at \
             ten.\nShorten this itinerary to five lines.\nAnswer a complaint about noise.",
            "Four different short requests, one a line:",
        ),
        (Language::Japanese, false) => (
            "手元の文書についてアシスタントに尋ねられる短い質問を提案してください。",
            "アシスタント: 料理ヘルパー\nレシピの分量・時間・手順を調べます。\n文書の内容について、互いに異なる短い質問を四つ、一行に一つ:\n\
             小麦粉は何グラム必要ですか？\n焼き時間はどのくらいですか？\n前日に準備できる手順はどれですか？\nバターの代わりに何を使えますか？",
            "文書の内容について、互いに異なる短い質問を四つ、一行に一つ:",
        ),
        (Language::Japanese, true) => (
            "文章を書くアシスタントに頼める短い依頼を提案してください。",
            "アシスタント: 旅館の案内係\n宿泊客への文章を書きます。\n互いに異なる短い依頼を四つ、一行に一つ:\n\
             家族連れのお客様への歓迎の文章を書いてください。\n朝食の終了時刻を丁寧に伝える文を書いてください。\nこの旅程を五行に短くしてください。\n\
             騒音の苦情への返事を書いてください。",
            "互いに異なる短い依頼を四つ、一行に一つ:",
        ),
    };
    let name = match Language::of_text(&about) {
        Language::English => "Assistant",
        Language::Japanese => "アシスタント",
    };
    let mut asked = format!("{example}\n\n{name}: {}\n", purpose.name.trim());
    for part in [&purpose.description, &purpose.instructions] {
        if !part.trim().is_empty() {
            asked.push_str(part.trim());
            asked.push('\n');
        }
    }
    asked.push_str(wanted);
    Words { system, asked }
}

fn request(words: &Words) -> ChatRequest {
    let messages = vec![
        ChatMessage::new(ChatRole::System, words.system),
        ChatMessage::new(ChatRole::User, words.asked.as_str()),
    ];
    let mut request = ChatRequest::new(messages, OUTPUT_TOKENS);
    request.sampling.temperature = Some(TEMPERATURE);
    request
}

/// The lines of a list without their bullets and numbers, and without those that repeat what was asked.
fn read_lines(text: &str, asked: &str) -> Vec<String> {
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
        let repeated = asked.contains(line);
        if !line.is_empty() && !heading && !known && !repeated && line.chars().count() <= LONGEST {
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
            assert_eq!(read_lines(text, ""), expected, "{text}");
        }
        assert!(read_lines(&"long ".repeat(100), "").is_empty());
        let asked = "Answer in yen.\nFour questions, one a line:";
        assert_eq!(
            read_lines("Answer in yen.\nWhat is due?", asked),
            ["What is due?"]
        );
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
        let asked = words(&purpose).asked;
        assert!(
            asked.contains("質問を四つ") && asked.contains("契約書を読みます"),
            "{asked}"
        );
        let writes = AgentPurpose {
            description: "Writes letters".to_owned(),
            writes: true,
            ..purpose
        };
        let asked = words(&writes).asked;
        assert!(
            asked.ends_with("Four different short requests, one a line:"),
            "{asked}"
        );
    }
}
