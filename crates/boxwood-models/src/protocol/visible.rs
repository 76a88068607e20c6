//! The visible text of a stream: stop strings applied here, thinking taken out.
//!
//! Invariant: no character after the first stop string ever leaves, and no character that might be the beginning of one
//! leaves before it is clear that it is not. Used for every stream, so that hosts with and without `stop` agree.

/// Cuts a stream of text at its first stop string.
#[derive(Debug)]
pub(crate) struct VisibleText {
    stop: Vec<String>,
    held: String,
    thinking: Thinking,
    thought: String,
    stopped: bool,
}

#[derive(Debug, PartialEq)]
enum Thinking {
    /// The model writes none into its text.
    Never,
    /// The text may begin with it; what came so far.
    Unclear(String),
    /// Inside; the end of what came so far, for an end mark that is split.
    Inside(String),
    /// Just after the end mark: white space is left out.
    JustAfter,
}

const THINK_BEGIN: &str = "<think>";
const THINK_END: &str = "</think>";

impl VisibleText {
    pub(crate) fn new(stop: &[String], think_tags: bool) -> Self {
        Self {
            stop: stop.iter().filter(|text| !text.is_empty()).cloned().collect(),
            held: String::new(),
            thinking: if think_tags {
                Thinking::Unclear(String::new())
            } else {
                Thinking::Never
            },
            thought: String::new(),
            stopped: false,
        }
    }

    /// Takes a piece of the stream, gives what may be shown now.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        if self.stopped {
            return String::new();
        }
        let visible = self.without_thinking(piece);
        self.held.push_str(&visible);
        let first = self
            .stop
            .iter()
            .filter_map(|stop| self.held.find(stop.as_str()))
            .min();
        if let Some(position) = first {
            self.stopped = true;
            self.held.truncate(position);
            return std::mem::take(&mut self.held);
        }
        let keep = self
            .stop
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// Whether a stop string came: the rest of the stream is of no interest.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }

    /// What was thinking in the pieces since the last call.
    pub(crate) fn take_thought(&mut self) -> String {
        std::mem::take(&mut self.thought)
    }

    /// The stream is over: what was held back is text after all.
    pub(crate) fn finish(&mut self) -> String {
        if let Thinking::Unclear(text) = &mut self.thinking {
            self.held.push_str(text);
        }
        self.thinking = Thinking::Never;
        std::mem::take(&mut self.held)
    }

    fn without_thinking(&mut self, piece: &str) -> String {
        match &mut self.thinking {
            Thinking::Never => piece.to_owned(),
            Thinking::Unclear(seen) => {
                seen.push_str(piece);
                let begun = seen.trim_start();
                if let Some(inside) = begun.strip_prefix(THINK_BEGIN) {
                    let inside = inside.to_owned();
                    self.thinking = Thinking::Inside(String::new());
                    self.without_thinking(&inside)
                } else if THINK_BEGIN.starts_with(begun) {
                    String::new()
                } else {
                    let text = std::mem::take(seen);
                    self.thinking = Thinking::Never;
                    text
                }
            }
            Thinking::Inside(seen) => {
                seen.push_str(piece);
                if let Some(position) = seen.find(THINK_END) {
                    let after = seen.split_off(position + THINK_END.len());
                    self.thought.push_str(&seen[..position]);
                    self.thinking = Thinking::JustAfter;
                    self.without_thinking(&after)
                } else {
                    let keep = overlap(seen, THINK_END);
                    let rest = seen.split_off(seen.len() - keep);
                    self.thought.push_str(&std::mem::replace(seen, rest));
                    String::new()
                }
            }
            Thinking::JustAfter => {
                let text = piece.trim_start().to_owned();
                if !text.is_empty() {
                    self.thinking = Thinking::Never;
                }
                text
            }
        }
    }
}

/// Length of the longest end of `text` that is a beginning of `mark` (but not all of it).
fn overlap(text: &str, mark: &str) -> usize {
    let starts = mark.char_indices().map(|(index, _)| index).skip(1);
    starts
        .filter(|length| text.ends_with(&mark[..*length]))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way of cutting the text into two pieces, and one character at a time, gives the same.
    fn check(stop: &[&str], think: bool, text: &str, expected: &str, stopped: bool) {
        let stop: Vec<String> = stop.iter().map(|text| (*text).to_owned()).collect();
        let mut cuts: Vec<Vec<&str>> = vec![text.split_inclusive(|_| true).collect()];
        cuts.extend(
            text.char_indices()
                .map(|(index, _)| vec![&text[..index], &text[index..]]),
        );
        for pieces in cuts {
            let mut visible = VisibleText::new(&stop, think);
            let mut shown = String::new();
            for piece in &pieces {
                shown.push_str(&visible.push(piece));
                assert!(
                    expected.starts_with(&shown),
                    "{shown:?} left too early ({pieces:?})"
                );
            }
            shown.push_str(&visible.finish());
            assert_eq!(
                (shown.as_str(), visible.stopped()),
                (expected, stopped),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn stop_strings_cut_wherever_the_pieces_end() {
        check(&[], false, "all of it", "all of it", false);
        check(&["<|im_end|>"], false, "yes<|im_end|>no", "yes", true);
        check(
            &["<|im_end|>"],
            false,
            "a <| b <|im_end",
            "a <| b <|im_end",
            false,
        );
        check(&["aab"], false, "aaaab!", "aa", true);
        check(&["END", "\n\n"], false, "one\n\ntwo END", "one", true);
        check(&["終わり"], false, "これで終わりです", "これで", true);
        check(&[""], false, "text", "text", false);
        check(&["x"], false, "xrest", "", true);
    }

    #[test]
    fn thinking_is_given_apart() {
        for length in 1..9 {
            let mut visible = VisibleText::new(&["yes".to_owned()], true);
            let text: Vec<char> = "<think>yes, </thi hm</think>Paris".chars().collect();
            let (mut shown, mut thought) = (String::new(), String::new());
            for piece in text.chunks(length) {
                shown.push_str(&visible.push(&piece.iter().collect::<String>()));
                thought.push_str(&visible.take_thought());
            }
            shown.push_str(&visible.finish());
            assert_eq!(
                (shown.as_str(), thought.as_str()),
                ("Paris", "yes, </thi hm"),
                "{length}"
            );
        }
    }

    #[test]
    fn thinking_is_not_visible() {
        check(&[], true, "<think>hm </thin hm</think>\n\nParis", "Paris", false);
        check(&[], true, "\n<think></think>Paris", "Paris", false);
        check(&[], true, "Paris <think> stays", "Paris <think> stays", false);
        check(&[], true, "<thi", "<thi", false);
        check(&[], true, "<think>never ends", "", false);
        check(&["END"], true, "<think>END</think>yes END", "yes ", true);
        check(&[], false, "<think>kept</think>", "<think>kept</think>", false);
    }
}
