//! From a conversation to tokens.
//!
//! Invariant: only the model's own chat template makes control tokens. What people and documents say is tokenised as
//! plain text, so a file that contains `<|im_end|>` can't end its message. The shared part and the rest are tokenised
//! apart, so that the same document always gives the same tokens, whatever question follows.
//! Called by `handle`, on a blocking thread.

use crate::loaded::LoadedModel;
use boxwood_core::{ChatMessage, ChatRequest, ChatRole};
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use std::sync::Arc;

/// A shared part of fewer tokens is not worth a place in memory: reading it again takes less than a blink.
const SHORTEST_PREFIX: usize = 16;

/// The part of a prompt that later requests share.
#[derive(Debug, Clone)]
pub(crate) struct PromptPrefix {
    pub tokens: Arc<[LlamaToken]>,
    pub partition: String,
}

/// A prompt as tokens.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub prefix: Option<PromptPrefix>,
    /// What follows the prefix; never empty.
    pub rest: Vec<LlamaToken>,
}

impl Prompt {
    /// All tokens.
    pub fn len(&self) -> usize {
        self.prefix_len() + self.rest.len()
    }

    /// Tokens of the shared part.
    pub fn prefix_len(&self) -> usize {
        self.prefix.as_ref().map_or(0, |prefix| prefix.tokens.len())
    }
}

/// Why a conversation can't become a prompt.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PromptError {
    #[error("messages: must end with a message of the user")]
    LastNotUser,
    #[error(
        "shared_prefix.boundary: {boundary} is not the beginning of a character of the last message, which has {length} bytes"
    )]
    Boundary { boundary: usize, length: usize },
    #[error("the chat template of this model is not one that the engine knows")]
    Template,
    #[error("the chat template of this model leaves out the {role} message {index}")]
    LeftOut { role: &'static str, index: usize },
}

/// A run of the rendered prompt.
#[derive(Debug, PartialEq, Eq)]
enum Segment<'a> {
    /// Words of the template: control words count.
    Template(String),
    /// Words of people and documents: nothing counts but the characters.
    Content(&'a str),
    /// Here the shared part ends.
    Boundary,
}

/// Renders and tokenises.
pub(crate) fn build(loaded: &LoadedModel, request: &ChatRequest) -> Result<Prompt, PromptError> {
    let messages = merged_if_needed(loaded, request)?;
    let segments = segments(loaded, &messages)?;
    Ok(tokenise(&loaded.model, &segments, request))
}

/// The tokens of plain text.
pub(crate) fn plain_tokens(model: &LlamaModel, text: &str) -> Vec<LlamaToken> {
    model.vocab().tokenize(text.as_bytes(), false, false)
}

/// The conversation as the template takes it, and where the shared part ends in the last message.
#[derive(Debug)]
struct Conversation {
    messages: Vec<ChatMessage>,
    boundary: Option<usize>,
}

/// A template that knows no instructions gets them at the head of the first message of the user.
fn merged_if_needed(loaded: &LoadedModel, request: &ChatRequest) -> Result<Conversation, PromptError> {
    let last = match request.messages.last() {
        Some(message) if message.role == ChatRole::User => message,
        _ => return Err(PromptError::LastNotUser),
    };
    let boundary = request.shared_prefix.as_ref().map(|prefix| prefix.boundary);
    if let Some(boundary) = boundary
        && !last.content.is_char_boundary(boundary)
    {
        return Err(PromptError::Boundary {
            boundary,
            length: last.content.len(),
        });
    }
    let conversation = Conversation {
        messages: request.messages.clone(),
        boundary,
    };
    if render(loaded, &conversation.messages)
        .and_then(|rendered| split(&rendered, &conversation))
        .is_ok()
    {
        return Ok(conversation);
    }
    Ok(merge_system(conversation))
}

fn merge_system(conversation: Conversation) -> Conversation {
    let (system, mut messages): (Vec<_>, Vec<_>) = conversation
        .messages
        .into_iter()
        .partition(|message| message.role == ChatRole::System);
    let mut instructions: String = system
        .iter()
        .map(|message| format!("{}\n\n", message.content))
        .collect();
    let mut boundary = conversation.boundary;
    if let Some(position) = messages.iter().position(|message| message.role == ChatRole::User) {
        if position + 1 == messages.len() {
            boundary = boundary.map(|boundary| boundary + instructions.len());
        }
        instructions.push_str(&messages[position].content);
        messages[position].content = instructions;
    }
    Conversation { messages, boundary }
}

fn segments<'a>(
    loaded: &LoadedModel,
    conversation: &'a Conversation,
) -> Result<Vec<Segment<'a>>, PromptError> {
    split(&render(loaded, &conversation.messages)?, conversation)
}

/// What stands for the content of a message while the template is applied: the template may move it, never change it.
fn placeholder(index: usize) -> String {
    format!("\u{E0B0}{index}\u{E0B1}")
}

fn render(loaded: &LoadedModel, messages: &[ChatMessage]) -> Result<String, PromptError> {
    render_with(&loaded.model, &loaded.template, messages)
}

fn render_with(
    model: &LlamaModel,
    template: &LlamaChatTemplate,
    messages: &[ChatMessage],
) -> Result<String, PromptError> {
    let chat = messages
        .iter()
        .enumerate()
        .map(|(index, message)| LlamaChatMessage::new(role_name(message.role).to_owned(), placeholder(index)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| PromptError::Template)?;
    model
        .apply_chat_template(template, &chat, true)
        .map_err(|_| PromptError::Template)
}

fn split<'a>(rendered: &str, conversation: &'a Conversation) -> Result<Vec<Segment<'a>>, PromptError> {
    let mut segments = Vec::new();
    let mut rest = rendered;
    let last = conversation.messages.len() - 1;
    for (index, message) in conversation.messages.iter().enumerate() {
        let mark = placeholder(index);
        let (before, after) = rest.split_once(&mark).ok_or(PromptError::LeftOut {
            role: role_name(message.role),
            index,
        })?;
        segments.push(Segment::Template(before.to_owned()));
        match conversation.boundary {
            Some(boundary) if index == last => {
                let (shared, own) = message.content.split_at(boundary);
                segments.extend([Segment::Content(shared), Segment::Boundary, Segment::Content(own)]);
            }
            _ => segments.push(Segment::Content(&message.content)),
        }
        rest = after;
    }
    segments.push(Segment::Template(rest.to_owned()));
    Ok(segments)
}

fn tokenise(model: &LlamaModel, segments: &[Segment<'_>], request: &ChatRequest) -> Prompt {
    let vocabulary = model.vocab();
    let mut tokens = Vec::new();
    if vocabulary.should_add_bos() {
        tokens.push(vocabulary.bos());
    }
    let mut prefix = None;
    for segment in segments {
        match segment {
            Segment::Template(text) => vocabulary.tokenize_into(text.as_bytes(), &mut tokens, false, true),
            Segment::Content(text) => vocabulary.tokenize_into(text.as_bytes(), &mut tokens, false, false),
            Segment::Boundary if tokens.len() < SHORTEST_PREFIX => {}
            Segment::Boundary => {
                prefix = request.shared_prefix.as_ref().map(|shared| PromptPrefix {
                    tokens: std::mem::take(&mut tokens).into(),
                    partition: shared.partition.clone(),
                });
            }
        }
    }
    Prompt { prefix, rest: tokens }
}

fn role_name(role: ChatRole) -> &'static str {
    match role {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
        ChatRole::Tool => "tool",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(messages: &[(ChatRole, &str)], boundary: Option<usize>) -> Conversation {
        Conversation {
            messages: messages
                .iter()
                .map(|(role, content)| ChatMessage::new(*role, *content))
                .collect(),
            boundary,
        }
    }

    #[test]
    fn content_is_put_back_where_the_template_moved_it() {
        let conversation = conversation(&[(ChatRole::System, "s"), (ChatRole::User, "doc?q")], Some(3));
        let rendered = format!("<s>{}</s><u>{}</u><a>", placeholder(0), placeholder(1));
        assert_eq!(
            split(&rendered, &conversation).unwrap(),
            [
                Segment::Template("<s>".to_owned()),
                Segment::Content("s"),
                Segment::Template("</s><u>".to_owned()),
                Segment::Content("doc"),
                Segment::Boundary,
                Segment::Content("?q"),
                Segment::Template("</u><a>".to_owned()),
            ]
        );
    }

    #[test]
    fn a_template_that_leaves_a_message_out_is_noticed() {
        let conversation = conversation(&[(ChatRole::System, "s"), (ChatRole::User, "u")], None);
        assert_eq!(
            split(&placeholder(1), &conversation),
            Err(PromptError::LeftOut {
                role: "system",
                index: 0
            })
        );
    }

    #[test]
    fn instructions_go_to_the_head_of_the_first_user_message() {
        let merged = merge_system(conversation(
            &[(ChatRole::System, "be brief"), (ChatRole::User, "doc?")],
            Some(3),
        ));
        assert_eq!(merged.messages.len(), 1);
        assert_eq!(merged.messages[0].content, "be brief\n\ndoc?");
        assert_eq!(merged.boundary, Some(13));
        let merged = merge_system(conversation(
            &[
                (ChatRole::System, "be brief"),
                (ChatRole::User, "one"),
                (ChatRole::Assistant, "two"),
                (ChatRole::User, "doc?"),
            ],
            Some(3),
        ));
        assert_eq!(merged.messages[0].content, "be brief\n\none");
        assert_eq!(merged.boundary, Some(3), "the boundary is in another message");
    }
}
