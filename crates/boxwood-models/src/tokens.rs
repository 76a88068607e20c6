//! How many tokens a text has: exactly for OpenAI's models, else an upper estimate.
//!
//! Invariants: a prompt that fits by its estimate is not counted, so that a long one costs a millisecond; one that does
//! not is counted exactly where the vocabulary is known, before it is refused. The estimate is
//! meant to be too high rather than too low for ordinary text in any script; it is not a proven bound (a text of rare
//! characters can exceed it), so a host's own "too long" is still handled.

use crate::capability::Family;
use crate::o200k;
use boxwood_core::ChatRequest;

/// Tokens around a message: role and separators.
const PER_MESSAGE: u32 = 8;
/// The most that OpenAI charges for a picture: 1,536 patches at o4-mini's factor of 1.72.
const PER_IMAGE: u32 = 2_650;

/// Characters that tokenizers treat alike.
#[derive(PartialEq, Clone, Copy)]
enum Class {
    Letter,
    Digit,
    Space,
    /// Letters of two bytes: Latin with accents, Greek, Cyrillic, Arabic.
    Wide,
    /// Characters of three bytes: Chinese, Japanese, Korean, Thai.
    Ideograph,
    /// Of four bytes: emoji, rare characters.
    Rare,
    Other,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            ' ' => Self::Space,
            c if c.is_ascii() => Self::Other,
            c => match c.len_utf8() {
                2 => Self::Wide,
                3 => Self::Ideograph,
                _ => Self::Rare,
            },
        }
    }

    /// The most tokens that a run of this class has in ordinary text.
    fn tokens(self, run: u64) -> u64 {
        match self {
            Self::Letter => run.div_ceil(4),
            Self::Digit => run.div_ceil(3),
            Self::Space => run / 8,
            Self::Wide => run.div_ceil(2),
            Self::Ideograph => (run * 3).div_ceil(2),
            Self::Rare => run * 4,
            Self::Other => run,
        }
    }
}

/// Whether models of the family read text as o200k_base does. `gpt_4` is left out: its older members do not.
fn reads_o200k(family: Family) -> bool {
    matches!(family, Family::OSeries | Family::Gpt5 | Family::GptOss)
}

/// Tokens of a text for a family: exactly where its vocabulary is known, else an upper estimate.
pub(crate) fn count_tokens(family: Family, text: &str) -> u32 {
    let exact = reads_o200k(family).then(|| o200k::count(text)).flatten();
    exact.unwrap_or_else(|| estimate_tokens(text))
}

/// Tokens of a prompt: the estimate where it leaves the wanted output its place in the window, else as exactly as the
/// family's vocabulary is known.
pub(crate) fn prompt_tokens(family: Family, request: &ChatRequest, wanted: u32, window: u32) -> u32 {
    let estimate = estimate_prompt(request);
    if estimate.saturating_add(wanted) <= window || !reads_o200k(family) {
        return estimate;
    }
    let counted = prompt_by(request, |text| count_tokens(family, text));
    counted.min(estimate)
}

/// Upper estimate for a text.
pub(crate) fn estimate_tokens(text: &str) -> u32 {
    let mut tokens: u64 = 0;
    let mut run: u64 = 0;
    let mut class = Class::Other;
    for character in text.chars() {
        let next = Class::of(character);
        if next != class {
            // A blank before a word is part of it, before a number it is a token.
            let blank = class == Class::Space && next == Class::Digit;
            tokens += class.tokens(run) + u64::from(blank);
            (class, run) = (next, 0);
        }
        run += 1;
    }
    tokens += class.tokens(run);
    u32::try_from(tokens + tokens / 10 + 1).unwrap_or(u32::MAX)
}

/// Upper estimate for a whole prompt.
pub(crate) fn estimate_prompt(request: &ChatRequest) -> u32 {
    prompt_by(request, estimate_tokens)
}

fn prompt_by(request: &ChatRequest, count: impl Fn(&str) -> u32) -> u32 {
    let of_message = |message: &boxwood_core::ChatMessage| {
        let images = u32::try_from(message.images.len())
            .unwrap_or(u32::MAX)
            .saturating_mul(PER_IMAGE);
        let calls = message.tool_calls.iter().map(|call| {
            count(&call.name)
                .saturating_add(count(&call.arguments))
                .saturating_add(PER_MESSAGE)
        });
        count(&message.content)
            .saturating_add(images)
            .saturating_add(calls.fold(0, u32::saturating_add))
            .saturating_add(PER_MESSAGE)
    };
    let of_tool = |tool: &boxwood_core::ToolDefinition| {
        count(&tool.name)
            .saturating_add(tool.description.as_deref().map_or(0, &count))
            .saturating_add(count(&tool.parameters.to_string()))
            .saturating_add(PER_MESSAGE)
    };
    let messages = request.messages.iter().map(of_message);
    messages
        .chain(request.tools.iter().map(of_tool))
        .fold(PER_MESSAGE, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::{ChatMessage, ChatRole};

    /// Counts of o200k_base, taken once with the real tokenizer: the estimate is above each, and not wildly so.
    #[test]
    fn the_estimate_is_above_the_true_count() {
        let check = |text: &str, counted: u32| {
            let estimate = estimate_tokens(text);
            assert!(estimate >= counted, "{text}: {estimate} < {counted}");
            assert!(
                estimate <= counted * 4 + 2,
                "{text}: {estimate} is far above {counted}"
            );
        };
        for (text, counted) in SAMPLES {
            check(text, *counted);
        }
        assert_eq!(estimate_tokens(""), 1);
    }

    #[test]
    fn openais_models_are_counted_exactly_and_only_where_it_matters() {
        for (text, counted) in SAMPLES {
            assert_eq!(count_tokens(Family::OSeries, text), *counted, "{text}");
            assert_eq!(
                count_tokens(Family::Compatible, text),
                estimate_tokens(text),
                "{text}"
            );
        }
        let text = SAMPLES[0].0.repeat(100);
        let request = ChatRequest::new(vec![ChatMessage::new(ChatRole::User, &text)], 10);
        let estimate = estimate_prompt(&request);
        assert_eq!(prompt_tokens(Family::OSeries, &request, 10, 1 << 20), estimate);
        let exact = prompt_tokens(Family::OSeries, &request, 10, 100);
        let framing = 2 * PER_MESSAGE;
        assert_eq!(exact, count_tokens(Family::OSeries, &text) + framing);
        assert!(exact < estimate);
        assert_eq!(prompt_tokens(Family::Gpt4, &request, 10, 100), estimate);
    }

    const SAMPLES: &[(&str, u32)] = &[
        (
            "The tenant shall pay the rent on or before the first business day of each calendar month.",
            18,
        ),
        (
            "Internationalization antidisestablishmentarianism hyperparathyroidism",
            12,
        ),
        (
            "Invoice 20260412-7781, total 1,234,567.89 EUR, due 2026-05-31; IBAN DE89 3704 0044 0532 0130 00",
            47,
        ),
        (
            "fn main() { let x: Vec<u8> = vec![1, 2, 3]; println!(\"{:?}\", x); }",
            29,
        ),
        ("    indented\n        more indented\n\n\n", 9),
        (
            "本契約は、甲と乙の間で締結された業務委託契約である。契約期間は二〇二六年四月一日から一年間とする。",
            43,
        ),
        ("根据本协议,乙方应当在收到发票后三十日内支付全部款项。", 21),
        ("임차인은 매월 첫 영업일까지 임대료를 지급하여야 한다.", 18),
        (
            "Арендатор обязан вносить арендную плату не позднее первого рабочего дня каждого месяца.",
            22,
        ),
        (
            "Der Mieter hat die Miete spätestens am dritten Werktag eines jeden Monats zu zahlen; Geschäftsfähigkeitsbescheinigung.",
            27,
        ),
        ("يجب على المستأجر دفع الإيجار في موعد أقصاه أول يوم عمل", 18),
        ("👍🏽🎉 done ✅ — “quoted” … €5", 14),
        ("a3f9c27be0d14785b6612fe09ac2d43b9ef0117755", 26),
        ("https://example.com/a/b?c=d&e=f#g", 12),
        ("ผู้เช่าต้องชำระค่าเช่าภายในวันทำการแรกของทุกเดือน", 21),
    ];
}
