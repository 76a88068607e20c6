//! Box's model cards as one table: what a name promises, never what serves it.
//!
//! Invariant: the values are Box's own as published (`data/cards.json`), also where they look wrong; oddities stand in
//! [`ModelCard::notes`]. Nothing here knows a binding. Read by the registry, the agents, `boxwood models` and the docs.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::capability::Family;

/// A model as Box published it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The name that API calls use: `azure__openai__gpt_o4_mini`.
    pub api_name: String,
    /// Other spellings that Box itself prints for the same model (tiles, guides).
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The name for people.
    pub display_name: String,
    /// Whether the card is in Box's list.
    pub status: CardStatus,
    /// First day in the list.
    pub listed_on: Option<CardDate>,
    /// Day on which it left the list.
    pub delisted_on: Option<CardDate>,
    /// Who may use it at Box; only for listed cards.
    pub access: Option<Access>,
    /// Price class at Box.
    pub category: Option<Category>,
    /// Where Box runs it: `Microsoft Azure`.
    pub hosting_layer: Option<String>,
    /// Who made it, as the card says.
    pub provider: Option<String>,
    /// Day, month or year of release.
    pub release: Option<CardDate>,
    /// End of the training data.
    pub knowledge_cutoff: Option<CardDate>,
    /// Input tokens; `None` where Box gives none.
    pub input_context_window: Option<u32>,
    /// Output tokens; `None` where Box gives none.
    pub max_output_tokens: Option<u32>,
    /// Tokens a second, as Box printed it.
    pub throughput: Option<Throughput>,
    /// Whether the weights are open.
    pub open_source: Option<bool>,
    /// What the model is for.
    pub purpose: Purpose,
    /// Which `llm_endpoint_params` fit.
    pub parameter_kind: ParameterKind,
    /// Request rules of the model where it speaks the OpenAI dialect.
    pub family: Option<Family>,
    /// The host's own names of this very model: a binding to one of them is not a successor.
    #[serde(default)]
    pub host_models: Vec<String>,
    /// What is odd about the card.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Every version of the card in the history of Box's documentation.
    pub versions: Vec<CardVersion>,
}

impl ModelCard {
    /// Whether the model thinks before it answers and takes an effort.
    pub fn reasoning(&self) -> bool {
        self.family.is_some_and(|family| family.rules().reasoning)
    }

    /// Whether the host's model name means this card's own model.
    ///
    /// On Bedrock a model has further names: those of its inference profiles, by region (`eu.anthropic.…`).
    pub fn is_host_model(&self, model: &str) -> bool {
        const PROFILES: [&str; 7] = ["us", "us-gov", "eu", "apac", "jp", "au", "global"];
        let of_profile = model
            .split_once('.')
            .filter(|(region, _)| PROFILES.contains(region));
        let base = of_profile.map_or(model, |(_, base)| base);
        self.host_models
            .iter()
            .any(|known| known.eq_ignore_ascii_case(model) || known.eq_ignore_ascii_case(base))
    }

    /// The name and the other spellings.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.api_name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// Whether a card is in Box's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// In the list.
    Listed,
    /// Was in the list.
    Removed,
    /// A draft that never reached the list.
    BranchOnly,
}

/// Who may use a model at Box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everyone.
    Core,
    /// Enterprises that switched it on.
    CustomerEnabled,
}

/// Price class at Box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The cheaper class.
    Standard,
    /// The dearer class.
    Premium,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Continues conversations.
    Chat,
    /// Turns text into vectors.
    Embedding,
}

/// Which kind of `llm_endpoint_params` a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// `openai_params`
    Openai,
    /// `google_params`
    Google,
    /// `aws_params`
    Aws,
    /// `ibm_params`
    Ibm,
}

impl ParameterKind {
    /// Prefix of a model name → kind: the rule of Box's agent configurator.
    pub const BY_PREFIX: [(&'static str, ParameterKind); 7] = [
        ("openai__", ParameterKind::Openai),
        ("azure__openai__", ParameterKind::Openai),
        ("xai__", ParameterKind::Openai),
        ("google__", ParameterKind::Google),
        ("aws__", ParameterKind::Aws),
        ("ibm__", ParameterKind::Ibm),
        ("meta__", ParameterKind::Ibm),
    ];

    /// The kind by the name's prefix; `None` for a name that is not one of Box's.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let row = Self::BY_PREFIX
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix));
        row.map(|(_, kind)| *kind)
    }

    /// The `type` on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai_params",
            Self::Google => "google_params",
            Self::Aws => "aws_params",
            Self::Ibm => "ibm_params",
        }
    }
}

/// Tokens a second; both ends are equal where Box gives one figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Lower end.
    pub from: f32,
    /// Upper end.
    pub to: f32,
}

/// One version of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardVersion {
    /// File name in Box's documentation, without ending.
    pub file: String,
    /// Where this version stood.
    pub status: CardStatus,
    /// Day on which it was added to the list.
    pub added: Option<CardDate>,
    /// Day on which it was taken out.
    pub removed: Option<CardDate>,
}

/// A draft card that never got an API name; it can't be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnnamedDraft {
    /// Its title.
    pub title: String,
    /// File name in Box's documentation.
    pub file: String,
    /// Where it would run.
    pub hosting_layer: String,
    /// Who makes it.
    pub provider: String,
}

/// A date as exact as it was printed. On the wire `2025`, `2025-04` or `2025-04-16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CardDate {
    /// The year.
    pub year: u16,
    /// 1 to 12, where it is known.
    pub month: Option<u8>,
    /// 1 to 31, where it is known.
    pub day: Option<u8>,
}

impl fmt::Display for CardDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().flatten() {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

impl From<CardDate> for String {
    fn from(date: CardDate) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for CardDate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a date like 2025, 2025-04 or 2025-04-16");
        let mut parts = text.split('-');
        let year = parts
            .next()
            .and_then(|part| part.parse().ok())
            .ok_or_else(wrong)?;
        let mut part = |highest: u8| match parts.next() {
            None => Ok(None),
            Some(part) => match part.parse::<u8>() {
                Ok(number) if (1..=highest).contains(&number) => Ok(Some(number)),
                _ => Err(wrong()),
            },
        };
        let (month, day) = (part(12)?, part(31)?);
        Ok(Self { year, month, day })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    #[serde(rename = "about")]
    _about: serde::de::IgnoredAny,
    cards: Vec<ModelCard>,
    unnamed_drafts: Vec<UnnamedDraft>,
}

/// A table that can't be read would be a fault of the build: the tests prove that it reads, with every card.
static TABLE: LazyLock<(Vec<ModelCard>, Vec<UnnamedDraft>)> =
    LazyLock::new(
        || match serde_json::from_str::<CardFile>(include_str!("../data/cards.json")) {
            Ok(file) => (file.cards, file.unnamed_drafts),
            Err(error) => {
                tracing::error!(%error, "the embedded table of model cards can't be read");
                (Vec::new(), Vec::new())
            }
        },
    );

/// Every card, by API name.
pub fn cards() -> &'static [ModelCard] {
    &TABLE.0
}

/// Drafts without an API name.
pub fn unnamed_drafts() -> &'static [UnnamedDraft] {
    &TABLE.1
}

/// The card of a name or alias. A spelling that differs only in case, hyphens, dots or doubled underscores is accepted
/// where exactly one card can be meant.
pub fn find_card(name: &str) -> Option<&'static ModelCard> {
    let exact = INDEX.exact.get(name).copied();
    exact.or_else(|| INDEX.tolerant.get(&normalised(name)).copied().flatten())
}

/// Cards by their names, because every question asks for one several times.
struct Index {
    exact: HashMap<&'static str, &'static ModelCard>,
    /// By normalised name; `None` where more than one card could be meant.
    tolerant: HashMap<String, Option<&'static ModelCard>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        exact: HashMap::new(),
        tolerant: HashMap::new(),
    };
    for card in cards() {
        for name in card.names() {
            index.exact.entry(name).or_insert(card);
            let meant = index.tolerant.entry(normalised(name)).or_insert(Some(card));
            if meant.is_some_and(|known| !std::ptr::eq(known, card)) {
                *meant = None;
            }
        }
    }
    index
});

/// Up to three card names that look like this one, the nearest first.
pub fn nearest_names(name: &str) -> Vec<&'static str> {
    nearest_of(name, cards().iter().map(|card| card.api_name.as_str()))
}

/// Lower case, with each run of `_`, `-` and `.` as one `_`.
pub(crate) fn normalised(name: &str) -> String {
    let mut result = String::with_capacity(name.len());
    for character in name.trim().chars() {
        match character {
            '_' | '-' | '.' if result.ends_with('_') => {}
            '_' | '-' | '.' => result.push('_'),
            other => result.extend(other.to_lowercase()),
        }
    }
    result
}

/// Up to three of the names that look like `name`, the nearest first.
pub(crate) fn nearest_of<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // A name of unbounded length would make the comparison costly; no card is near one anyway.
    let wanted: String = normalised(name).chars().take(128).collect();
    let mut scored: Vec<(f64, &str)> = known
        .map(|known| (likeness(&wanted, &normalised(known)), known))
        .filter(|(score, _)| *score >= 0.5)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    scored.into_iter().take(3).map(|(_, known)| known).collect()
}

/// 1 is equal. The last part of the name counts most, since people forget or mistake the host's prefix.
fn likeness(wanted: &str, known: &str) -> f64 {
    let tail = known.rsplit_once("openai_").map_or_else(
        || known.split_once('_').map_or(known, |(_, tail)| tail),
        |(_, tail)| tail,
    );
    strsim::normalized_damerau_levenshtein(wanted, known)
        .max(strsim::normalized_damerau_levenshtein(wanted, tail) * 0.95)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn date(text: &str) -> CardDate {
        CardDate::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn every_version_that_box_published_is_in_the_table() {
        let files: Vec<(&str, CardStatus)> = cards()
            .iter()
            .flat_map(|card| card.versions.iter().map(|v| (v.file.as_str(), v.status)))
            .collect();
        assert_eq!(files.len() + unnamed_drafts().len(), 62);
        let names: BTreeSet<_> = files.iter().map(|(file, _)| *file).collect();
        // Gemini 2.5 Flash has two versions in one file: it was renamed on the day it came.
        assert_eq!(names.len(), 60);
        assert_eq!(cards().len(), 50);
        let count = |status| files.iter().filter(|(_, s)| *s == status).count();
        assert_eq!(
            (
                count(CardStatus::Listed),
                count(CardStatus::Removed),
                count(CardStatus::BranchOnly)
            ),
            (31, 16, 14)
        );
    }

    #[test]
    fn names_and_aliases_are_unique_and_resolve() {
        let mut seen = BTreeSet::new();
        for card in cards() {
            for name in card.names() {
                assert!(seen.insert(name), "{name} twice");
                assert_eq!(find_card(name).map(|c| &c.api_name), Some(&card.api_name));
            }
            let by_prefix = ParameterKind::of_name(&card.api_name);
            assert!(by_prefix.is_none_or(|kind| kind == card.parameter_kind));
        }
    }

    #[test]
    fn o4_mini_is_as_box_published_it() {
        let card = find_card("azure__openai__gpt_o4_mini").unwrap();
        assert_eq!(card.input_context_window, Some(200_000));
        assert_eq!(card.max_output_tokens, Some(100_000));
        assert_eq!(card.knowledge_cutoff, Some(date("2024-05")));
        assert_eq!(card.release, Some(date("2025-04-16")));
        assert_eq!(card.status, CardStatus::Removed);
        assert_eq!(card.listed_on, Some(date("2025-04-30")));
        assert_eq!(card.delisted_on, Some(date("2025-05-30")));
        assert_eq!(card.throughput, None);
        assert_eq!(card.category, None);
        assert_eq!(card.hosting_layer.as_deref(), Some("Microsoft Azure"));
        assert_eq!(card.parameter_kind, ParameterKind::Openai);
        assert!(card.reasoning());
        assert!(card.is_host_model("o4-mini"));
    }

    #[test]
    fn spellings_resolve_where_they_are_unambiguous() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(
                find_card(name).map(|card| card.api_name.as_str()),
                expected,
                "{name}"
            );
        };
        check("azure__openai__gpt_o4-mini", Some("azure__openai__gpt_o4_mini"));
        check("Azure_OpenAI_GPT-o4-mini", Some("azure__openai__gpt_o4_mini"));
        check("azure__openai__gpt_4_1_mini", Some("azure__openai__gpt_4.1_mini"));
        check(
            "ibm__llama_3_2_90b_vision_instruct",
            Some("ibm__llama__3_2_90b_vision_instruct"),
        );
        check(
            "openai__gpt_4o_2024_05_13",
            Some("azure__openai__gpt_4o_2024-05-13"),
        );
        check(
            "google__textembedding_gecko_003",
            Some("google__textembedding_gecko__003"),
        );
        check(
            "openai__text_embedding_ada_002",
            Some("azure__openai__text_embedding_ada_002"),
        );
        check("azure__openai__gpt_o4", None);
        check("TDB", None);
        check("", None);
    }

    #[test]
    fn unknown_names_have_neighbours() {
        assert_eq!(
            nearest_names("azure__openai__gpt_o4_mimi").first(),
            Some(&"azure__openai__gpt_o4_mini")
        );
        assert!(nearest_names("gpt-o4-mini").contains(&"azure__openai__gpt_o4_mini"));
        assert!(nearest_names("claude_4_5_sonnet").contains(&"aws__claude_4_5_sonnet"));
        assert!(nearest_names("zzzzzzzzzzzz").is_empty());
        assert!(nearest_names(&"a".repeat(1_000_000)).is_empty());
    }

    #[test]
    fn dates_keep_their_exactness() {
        for text in ["2023", "2024-05", "2025-04-16"] {
            assert_eq!(date(text).to_string(), text);
        }
        for text in ["", "May 2024", "2024-13", "2024-05-32"] {
            assert!(CardDate::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_kind_follows_the_prefix() {
        let check = |name: &str, expected| assert_eq!(ParameterKind::of_name(name), expected);
        check("azure__openai__gpt_o4_mini", Some(ParameterKind::Openai));
        check("xai__grok_3_beta", Some(ParameterKind::Openai));
        check("google__gemini_3_pro", Some(ParameterKind::Google));
        check("meta__llama", Some(ParameterKind::Ibm));
        check("boxwood__qwen2_5_coder_1_5b_instruct", None);
    }
}
