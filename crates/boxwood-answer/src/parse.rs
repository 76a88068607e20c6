//! Step 7: from the model's text to an answer: stray template tokens removed, the model's own "not in the document"
//! recognised.
//!
//! Called by [`crate::service`]. Structured answers get their parser with the extraction operations.

use crate::agent::Language;

/// What the model's text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text, without template tokens.
    pub text: String,
    /// Whether the text itself says that the documents do not hold the answer.
    pub declines: bool,
}

/// Tokens of chat templates that a model sometimes writes out as text.
const STRAY_TOKENS: [&str; 5] = [
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "</s>",
];

/// A text longer than this is an answer even where it says that something else is not stated.
const LONGEST_REFUSAL: usize = 240;

/// Ways in which models say that a document does not hold the answer, lower case.
const REFUSALS: [&str; 34] = [
    "does not say",
    "do not say",
    "doesn't say",
    "does not state",
    "do not state",
    "doesn't state",
    "does not mention",
    "do not mention",
    "doesn't mention",
    "does not contain",
    "do not contain",
    "doesn't contain",
    "does not provide",
    "do not provide",
    "doesn't provide",
    "does not specify",
    "do not specify",
    "doesn't specify",
    "not mentioned in",
    "not stated in",
    "not specified in",
    "not provided in",
    "not found in the",
    "no information about",
    "no information on",
    "no mention of",
    "cannot be determined from",
    "cannot answer",
    "can't answer",
    "i'm sorry, but",
    "記載がありません",
    "記載されていません",
    "書かれていません",
    "文档中没有",
];

/// Reads the model's text.
pub fn read_draft(text: &str) -> Draft {
    let mut text = text.to_owned();
    for token in STRAY_TOKENS {
        if let Some(end) = text.find(token) {
            text.truncate(end);
        }
    }
    let text = text.trim().to_owned();
    let lower = text.to_lowercase();
    let declines =
        text.chars().count() <= LONGEST_REFUSAL && REFUSALS.iter().any(|refusal| lower.contains(refusal));
    Draft { text, declines }
}

/// The sentence with which Boxwood says that the files do not hold the answer, in the language of the question.
pub fn abstention(question: &str, files: usize) -> &'static str {
    let has =
        |range: std::ops::RangeInclusive<char>| question.chars().any(|character| range.contains(&character));
    if Language::of_text(question) == Language::Japanese {
        "文書には記載がありません。"
    } else if has('\u{ac00}'..='\u{d7af}') {
        "문서에 나와 있지 않습니다."
    } else if has('\u{4e00}'..='\u{9fff}') {
        "文档中没有提到。"
    } else if has('\u{400}'..='\u{4ff}') {
        "В документе об этом не сказано."
    } else if files > 1 {
        "The documents do not say."
    } else {
        "The document does not say."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts() {
        let long = format!(
            "{} The date is not stated in the annex.",
            "The rent is 1,200 euros a month. ".repeat(10)
        );
        for (input, text, declines) in [
            ("  Donald Davies ", "Donald Davies", false),
            ("Yes<|im_end|>\n<|im_start|>user", "Yes", false),
            (
                "The document does not mention a deposit.",
                "The document does not mention a deposit.",
                true,
            ),
            ("文書には記載がありません。", "文書には記載がありません。", true),
            (long.as_str(), long.trim(), false),
        ] {
            assert_eq!(
                read_draft(input),
                Draft {
                    text: text.to_owned(),
                    declines
                },
                "{input}"
            );
        }
    }

    #[test]
    fn abstentions_speak_the_language_of_the_question_and_are_recognised() {
        for (question, files, expected) in [
            ("What is the rent?", 1, "The document does not say."),
            ("What is the rent?", 2, "The documents do not say."),
            ("賃料はいくらですか", 1, "文書には記載がありません。"),
            ("租金是多少", 1, "文档中没有提到。"),
        ] {
            assert_eq!(abstention(question, files), expected);
            assert!(read_draft(expected).declines, "{expected}");
        }
    }
}
