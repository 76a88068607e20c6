//! The fixed patterns of the scorers, the same as in `score.py`.

use regex::Regex;
use std::sync::LazyLock;

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants; a test of this module compiles each of them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// Words that decline to answer.
pub(super) static ABSTAIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(unanswerable|(do not|don't|don’t|does not|doesn't) (currently )?have\b[^.]{0,40}\b",
        r"(information|answer|details?|data|knowledge|adviser)|(do not|don't|don’t|did not) know",
        r"|not (be )?(mentioned|stated|specified|provided|found|given|available|contained)",
        r"|no (relevant |specific )?(information|answer|mention)",
        r"|(can ?not|can't|couldn't|could not|unable to) (be )?(answer|determin|find|provide|locate|help|confirm|advise)\w*",
        r"|do(es)? not (contain|mention|state|provide|specify|say|include)|doesn't (contain|mention|state|provide|say)",
        r"|insufficient|not enough (information|context))\b",
        r"|記載(は|が)?(あ|され|な)|わかりません|分かりません|不明です|无法|没有提到|未提及"
    ))
});

/// Articles.
pub(super) static ARTICLES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(a|an|the)\b"));

/// A number; in brackets it is negative.
pub(super) static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\(\s*\$?\s*(\d+(?:\.\d+)?)\s*\)|(-?\s?\$?\s?\d+(?:\.\d+)?)"));

/// An answer that is an amount and nothing else.
pub(super) static AMOUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:[-$(]*[\d,.]+ ?[%)]*( ?(million|billion|times|x|USD))?\.?)$"));

/// The letter of a choice.
pub(super) static LETTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\(?\b([A-F])\b\)?"));

/// LaTeX's box around an answer.
pub(super) static BOXED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"));

/// What of LaTeX says nothing about the value. `\text{` is found with its brace, which stays.
pub(super) static LATEX_NOISE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\\(?:left|right|,|!|;)|\\text(?:bf)?\{|\s|\\\$|\$|\\%|%|\^\\circ|\^\{\\circ\}")
});

/// A plain number.
pub(super) static PLAIN_NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^-?[\d.,]+$"));

/// A question back to the person.
pub(super) static ASKS_BACK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(which|please (specify|clarify|provide)|could you)\b"));

/// White space, underscores and colons.
pub(super) static JOINTS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\s_:]+"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let all = [
            &ABSTAIN,
            &ARTICLES,
            &NUMBER,
            &AMOUNT,
            &LETTER,
            &BOXED,
            &LATEX_NOISE,
            &PLAIN_NUMBER,
            &ASKS_BACK,
            &JOINTS,
        ];
        assert!(all.iter().all(|pattern| !pattern.as_str().is_empty()));
    }
}
