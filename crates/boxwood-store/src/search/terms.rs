//! Text → terms, for the index and for what is looked up in it.
//!
//! Words of scripts that put spaces between words are terms. Where they don't (Chinese, Japanese, Korean, Thai, …) every
//! pair of neighbouring characters is one, and the last character of a run another, so that any sequence of two or more
//! characters is found as neighbouring pairs, and a single one as the beginning of a term.
//!
//! Invariant: a term holds only letters, digits and marks in lower case, in compatibility form: full-width and half-width
//! characters are the same.

use unicode_normalization::UnicodeNormalization;

/// Characters of a word that count; longer ones are cut.
const LONGEST: usize = 64;

/// Calls `each` with every term, in order.
fn terms(text: &str, mut each: impl FnMut(&str)) {
    let mut run = Vec::new();
    let mut paired = false;
    for character in text.nfkc().flat_map(char::to_lowercase) {
        let kind = Kind::of(character);
        if kind == Kind::Other || (!run.is_empty() && paired != (kind == Kind::Paired)) {
            flush(&mut run, paired, &mut each);
        }
        if kind != Kind::Other {
            paired = kind == Kind::Paired;
            run.push(character);
        }
    }
    flush(&mut run, paired, &mut each);
}

fn flush(run: &mut Vec<char>, paired: bool, each: &mut impl FnMut(&str)) {
    if run.is_empty() {
        return;
    }
    if paired {
        for pair in run.windows(2) {
            each(&pair.iter().collect::<String>());
        }
        if let Some(last) = run.last() {
            each(last.encode_utf8(&mut [0; 4]));
        }
    } else {
        each(&run.iter().take(LONGEST).collect::<String>());
    }
    run.clear();
}

/// The terms of a text, parted by spaces: what is indexed.
pub fn indexed(text: &str) -> String {
    let mut joined = String::with_capacity(text.len() + text.len() / 4);
    terms(text, |term| {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(term);
    });
    joined
}

/// The terms that must follow each other for a phrase to be there. `open`: the last one may be the beginning of a longer
/// term in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The terms; never empty.
    pub terms: Vec<String>,
    /// Whether the last term is a beginning.
    pub open: bool,
}

/// Shortest word that stands for longer ones that begin like it.
const SHORTEST_BEGINNING: usize = 3;

impl Phrase {
    /// Of words as written; `exact` words don't stand for longer ones. `None` where nothing in them can be looked up.
    pub fn of(text: &str, exact: bool) -> Option<Self> {
        let mut found = Vec::new();
        terms(text, |term| found.push(term.to_owned()));
        let last = found.last()?;
        let ends_paired = last
            .chars()
            .next()
            .is_some_and(|first| Kind::of(first) == Kind::Paired);
        if !ends_paired {
            let open = !exact && last.chars().count() >= SHORTEST_BEGINNING;
            return Some(Self { terms: found, open });
        }
        // The last character alone is a term only at the end of a run: within one it begins a pair.
        let before = found.iter().rev().nth(1);
        let pair =
            before.is_some_and(|before| before.chars().count() == 2 && before.ends_with(last.as_str()));
        if pair {
            found.pop();
        }
        Some(Self {
            open: !pair,
            terms: found,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter or digit of a script with spaces between words.
    Word,
    /// A character of a script without.
    Paired,
    /// Everything else: it parts terms.
    Other,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            // Marks of repetition and length that Japanese words hold.
            '\u{3005}'..='\u{3007}' | '\u{30fc}' => Self::Paired,
            '\u{0e00}'..='\u{0eff}'
            | '\u{1000}'..='\u{11ff}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3041}'..='\u{30fa}'
            | '\u{30fd}'..='\u{318f}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
                if character.is_alphanumeric() =>
            {
                Self::Paired
            }
            other if other.is_alphanumeric() => Self::Word,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_terms() {
        for (text, expected) in [
            ("Blue-Box, 2026!", "blue box 2026"),
            ("契約書", "契約 約書 書"),
            ("AI契約 v2", "ai 契約 約 v2"),
            ("ﾃﾞｰﾀ", "デー ータ タ"),
            ("ＡＢＣ", "abc"),
            ("계약서", "계약 약서 서"),
            ("書", "書"),
            ("Straße naïve", "straße naïve"),
            ("  ", ""),
        ] {
            assert_eq!(indexed(text), expected, "{text:?}");
        }
    }

    #[track_caller]
    fn check(text: &str, exact: bool, terms: &[&str], open: bool) {
        let phrase = Phrase::of(text, exact).unwrap();
        assert_eq!(
            (phrase.terms.as_slice(), phrase.open),
            (
                &terms.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()[..],
                open
            ),
            "{text}"
        );
    }

    #[test]
    fn phrases_are_found_inside_longer_runs() {
        check("Blue Box", true, &["blue", "box"], false);
        check("contr", false, &["contr"], true);
        check("ab", false, &["ab"], false);
        check("契約書", true, &["契約", "約書"], false);
        check("契約", false, &["契約"], false);
        check("書", false, &["書"], true);
        check("AI契約", true, &["ai", "契約"], false);
        check("契約 AI", true, &["契約", "約", "ai"], false);
        assert_eq!(Phrase::of("?!", false), None);
    }
}
