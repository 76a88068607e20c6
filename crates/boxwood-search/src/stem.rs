//! Light stemming: plural and the commonest verb endings, without a dictionary.
//!
//! Invariant: a stem is a prefix of its word and has at least three letters; it need not be a word. Over-stemming
//! would merge different words, so the rest of inflection is left to the prefix term of `terms`.

/// Endings that are cut, longest first, with the least number of bytes that must remain.
const ENDINGS: &[(&str, usize)] = &[
    ("ments", 4),
    ("ations", 4),
    ("ation", 4),
    ("ment", 4),
    ("ings", 4),
    ("ies", 3),
    ("ing", 4),
    ("ers", 4),
    ("ed", 4),
    ("es", 3),
    ("er", 4),
    ("en", 5),
    ("ly", 4),
    ("y", 3),
    ("s", 3),
    ("e", 3),
];

/// The stem of a folded, lower-case word; words with other letters than a to z are returned as they are.
pub(crate) fn stem(word: &str) -> &str {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) || word.ends_with("ss") {
        return word;
    }
    let cut = ENDINGS
        .iter()
        .find(|(ending, least)| word.ends_with(ending) && word.len() - ending.len() >= *least)
        .map_or(word.len(), |(ending, _)| word.len() - ending.len());
    let short = word.get(..cut).unwrap_or(word);
    undouble(short, word)
}

/// `planned` → `plan`: a doubled consonant before a cut ending.
fn undouble<'a>(short: &'a str, word: &str) -> &'a str {
    let bytes = short.as_bytes();
    let doubled = short.len() < word.len()
        && bytes.len() > 3
        && bytes.last() == bytes.get(bytes.len() - 2)
        && !matches!(bytes.last(), Some(b'l' | b's' | b'a' | b'e' | b'i' | b'o' | b'u'));
    if doubled {
        short.get(..short.len() - 1).unwrap_or(short)
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflections_meet_and_different_words_do_not() {
        let check = |left: &str, right: &str, expected: bool| {
            assert_eq!(stem(left) == stem(right), expected, "{left} {right}")
        };
        check("contracts", "contract", true);
        check("parties", "party", true);
        check("terminated", "terminate", true);
        check("terminating", "terminates", true);
        check("planned", "plan", true);
        check("payments", "payment", true);
        check("leases", "lease", true);
        check("glass", "glas", false);
        check("bus", "bus", true);
        check("university", "universe", false);
        check("thing", "the", false);
        check("договоры", "договор", false);
    }
}
