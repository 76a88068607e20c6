//! The thinking of a model that thinks by itself, told apart from its answer token by token.
//!
//! Two ways are known, and the model's own template and vocabulary say which it is: `<think>…</think>` (Qwen3,
//! DeepSeek-R1 and most others) and the channels of gpt-oss (`<|channel|>analysis<|message|>…<|end|>`). Invariants: a
//! mark, a channel's name and what was thought are never part of the answer; a token belongs to exactly one of them;
//! when the tokens for thinking are used up, the tokens that close it are forced, so an answer always has room.
//! Made by `loaded`, kept by `running`, one a reply.

use boxwood_core::Effort;

/// How a model marks its thinking; tokens of its vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marks {
    /// One token opens and one closes it.
    Think {
        open: i32,
        close: i32,
        /// Whether the template itself opens it, so that a reply begins inside.
        opened: bool,
    },
    /// Every message has a channel.
    Harmony {
        channel: i32,
        message: i32,
        /// What ends thinking and begins the answer.
        to_answer: Vec<i32>,
    },
}

impl Marks {
    /// What the template and the vocabulary say; `None` for a model without thinking of its own. `tokens` gives the
    /// tokens of a text in which control words count.
    pub fn of(template: &str, tokens: impl Fn(&str) -> Vec<i32>) -> Option<Self> {
        let single = |text: &str| match tokens(text).as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        if template.contains("<|channel|>") {
            return Some(Self::Harmony {
                channel: single("<|channel|>")?,
                message: single("<|message|>")?,
                to_answer: tokens("<|end|><|start|>assistant<|channel|>final<|message|>"),
            });
        }
        if !template.contains("</think>") {
            return None;
        }
        Some(Self::Think {
            open: single("<think>")?,
            close: single("</think>")?,
            opened: opens_itself(template),
        })
    }

    /// The tokens that end thinking.
    fn closing(&self) -> Vec<i32> {
        match self {
            Self::Think { close, .. } => vec![*close],
            Self::Harmony { to_answer, .. } => to_answer.clone(),
        }
    }
}

/// Whether the last thing that a template writes before the reply is the opening mark.
fn opens_itself(template: &str) -> bool {
    let Some(at) = template.rfind("add_generation_prompt") else {
        return false;
    };
    let tail = &template[at..];
    // A template that may write an empty thought (`<think>\n\n</think>`) opens only what it closes.
    tail.contains("<think>") && !tail.contains("</think>")
}

/// The tokens that thinking may take of a completion.
pub(crate) fn thinking_budget(effort: Option<Effort>, max_output_tokens: u32) -> u32 {
    let wanted = match effort.unwrap_or(Effort::Medium) {
        Effort::Low => 256,
        Effort::Medium => 1_024,
        Effort::High => 4_096,
    };
    // At least a quarter is left for the answer.
    wanted.min(max_output_tokens - max_output_tokens.div_ceil(4))
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// A mark or a channel's name: shown nowhere.
    Mark,
    /// Thinking.
    Thought,
    /// The answer.
    Answer,
}

/// Where one reply stands.
#[derive(Debug)]
pub(crate) struct Channels {
    marks: Marks,
    state: State,
    budget: u32,
    /// Tokens of thinking, marks included.
    pub thought_tokens: u32,
    /// Text of a channel's name.
    header: String,
    closing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing came yet.
    Begins,
    /// Between messages, and within a message's head.
    Header,
    Thought,
    Answer,
}

impl Channels {
    pub fn new(marks: Marks, budget: u32) -> Self {
        let state = match &marks {
            Marks::Think { opened: true, .. } => State::Thought,
            Marks::Think { opened: false, .. } => State::Begins,
            Marks::Harmony { .. } => State::Header,
        };
        Self {
            marks,
            state,
            budget,
            thought_tokens: 0,
            header: String::new(),
            closing: false,
        }
    }

    /// Whether what comes next is not the answer yet, so that no schema binds it. `proposed` is the model's own next
    /// token.
    pub fn is_free(&self, proposed: i32) -> bool {
        match self.state {
            State::Answer => false,
            State::Begins => matches!(self.marks, Marks::Think { open, .. } if open == proposed),
            State::Header | State::Thought => true,
        }
    }

    /// Whether the model thinks, or has not yet begun to answer.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Header | State::Thought)
    }

    /// The tokens that must follow, once, because thinking has used up its tokens or the model wants to end within it.
    pub fn forced(&mut self, ends: bool) -> Vec<i32> {
        let over = self.thought_tokens >= self.budget || ends;
        if self.closing || !self.is_open() || !over {
            return Vec::new();
        }
        self.closing = true;
        self.marks.closing()
    }

    /// Takes a token with its text.
    pub fn take(&mut self, token: i32, text: &str) -> Part {
        let part = match &self.marks {
            Marks::Think { open, close, .. } => self.take_think(token, text, *open, *close),
            Marks::Harmony { channel, message, .. } => self.take_harmony(token, text, *channel, *message),
        };
        if part != Part::Answer {
            self.thought_tokens += 1;
        }
        part
    }

    fn take_think(&mut self, token: i32, text: &str, open: i32, close: i32) -> Part {
        match self.state {
            State::Begins if token == open => {
                self.state = State::Thought;
                Part::Mark
            }
            State::Begins | State::Answer if token != close => {
                if !text.trim().is_empty() {
                    self.state = State::Answer;
                }
                Part::Answer
            }
            State::Begins | State::Answer => Part::Mark,
            State::Thought | State::Header if token == close => {
                self.state = State::Answer;
                Part::Mark
            }
            State::Thought | State::Header => Part::Thought,
        }
    }

    fn take_harmony(&mut self, token: i32, text: &str, channel: i32, message: i32) -> Part {
        if token == channel {
            self.header.clear();
            self.state = State::Header;
            return Part::Mark;
        }
        if token == message {
            self.state = if self.header.trim().starts_with("final") {
                State::Answer
            } else {
                State::Thought
            };
            return Part::Mark;
        }
        match self.state {
            State::Begins | State::Header => {
                self.header.push_str(text);
                Part::Mark
            }
            // A control token has no text: what ends a thought begins the next head.
            State::Thought if text.is_empty() => {
                self.state = State::Header;
                Part::Mark
            }
            State::Thought => Part::Thought,
            State::Answer => Part::Answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: i32 = 1;
    const CLOSE: i32 = 2;
    const CHANNEL: i32 = 3;
    const MESSAGE: i32 = 4;
    const END: i32 = 5;
    const START: i32 = 6;

    fn tokens(text: &str) -> Vec<i32> {
        let mut rest = text;
        let mut found = Vec::new();
        let words = [
            ("<think>", OPEN),
            ("</think>", CLOSE),
            ("<|channel|>", CHANNEL),
            ("<|message|>", MESSAGE),
            ("<|end|>", END),
            ("<|start|>", START),
            ("assistant", 7),
            ("final", 8),
        ];
        while !rest.is_empty() {
            let (word, token) = words.iter().find(|(word, _)| rest.starts_with(word)).unwrap();
            found.push(*token);
            rest = &rest[word.len()..];
        }
        found
    }

    fn think(opened: bool) -> Marks {
        Marks::Think {
            open: OPEN,
            close: CLOSE,
            opened,
        }
    }

    /// Thought and answer of a reply.
    fn read(marks: Marks, reply: &[(i32, &str)]) -> (String, String) {
        let mut channels = Channels::new(marks, 100);
        let (mut thought, mut answer) = (String::new(), String::new());
        for (token, text) in reply {
            match channels.take(*token, text) {
                Part::Mark => {}
                Part::Thought => thought.push_str(text),
                Part::Answer => answer.push_str(text),
            }
        }
        (thought, answer)
    }

    #[test]
    fn templates_and_vocabularies_tell_how_a_model_thinks() {
        let qwen3 = "{% if add_generation_prompt %}<|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}";
        let r1 = "{% if '</think>' in content %}{% endif %}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}";
        assert_eq!(Marks::of(qwen3, tokens), Some(think(false)));
        assert_eq!(Marks::of(r1, tokens), Some(think(true)));
        assert_eq!(Marks::of("<|im_start|>assistant", tokens), None);
        assert_eq!(
            Marks::of("</think>", |_| vec![1, 2, 3]),
            None,
            "words of the vocabulary, not marks"
        );
        let Some(Marks::Harmony { to_answer, .. }) = Marks::of("<|channel|>analysis", tokens) else {
            panic!("channels");
        };
        assert_eq!(to_answer, [END, START, 7, CHANNEL, 8, MESSAGE]);
    }

    #[test]
    fn thoughts_and_answers_are_told_apart() {
        let reply = [
            (OPEN, "<think>"),
            (20, "so "),
            (21, "it"),
            (CLOSE, "</think>"),
            (22, "Yes"),
            (23, "."),
        ];
        assert_eq!(read(think(false), &reply), ("so it".into(), "Yes.".into()));
        assert_eq!(read(think(true), &reply[1..]), ("so it".into(), "Yes.".into()));
        let plain = [(20, "Yes"), (21, ".")];
        assert_eq!(read(think(false), &plain), (String::new(), "Yes.".into()));
        let blank = [(19, "\n"), (OPEN, "<think>"), (20, "hm"), (CLOSE, ""), (21, "No")];
        assert_eq!(read(think(false), &blank), ("hm".into(), "\nNo".into()));
    }

    #[test]
    fn channels_of_messages_are_told_apart() {
        let marks = Marks::of("<|channel|>", tokens).unwrap();
        let reply = [
            (CHANNEL, ""),
            (30, "analysis"),
            (MESSAGE, ""),
            (31, "let me "),
            (32, "see"),
            (END, ""),
            (START, ""),
            (7, "assistant"),
            (CHANNEL, ""),
            (8, "final"),
            (MESSAGE, ""),
            (33, "Four"),
        ];
        assert_eq!(read(marks, &reply), ("let me see".into(), "Four".into()));
    }

    #[test]
    fn thinking_is_closed_when_its_tokens_are_used_up() {
        let mut channels = Channels::new(think(false), 3);
        channels.take(OPEN, "<think>");
        channels.take(20, "a");
        assert!(channels.forced(false).is_empty());
        channels.take(21, "b");
        assert_eq!(channels.forced(false), [CLOSE]);
        assert!(channels.forced(false).is_empty(), "once");
        assert_eq!(channels.take(CLOSE, "</think>"), Part::Mark);
        assert!(!channels.is_open());
        assert_eq!(channels.thought_tokens, 4);
    }

    #[test]
    fn a_model_that_ends_within_its_thought_is_brought_to_an_answer() {
        let mut channels = Channels::new(think(true), 100);
        channels.take(20, "hm");
        assert_eq!(channels.forced(true), [CLOSE]);
    }

    #[test]
    fn no_schema_binds_a_thought() {
        let mut channels = Channels::new(think(false), 100);
        assert!(channels.is_free(OPEN) && !channels.is_free(20));
        channels.take(OPEN, "");
        assert!(channels.is_free(20));
        channels.take(CLOSE, "");
        assert!(!channels.is_free(20));
    }

    #[test]
    fn an_answer_keeps_room() {
        for (effort, most, budget) in [
            (None, 2_048, 1_024),
            (Some(Effort::Low), 2_048, 256),
            (Some(Effort::High), 1_000, 750),
            (Some(Effort::High), 1, 0),
        ] {
            assert_eq!(thinking_budget(effort, most), budget);
        }
    }
}
