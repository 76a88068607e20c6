//! Text into weighted search terms, for any script.
//!
//! Words of scripts with spaces are folded (NFKC, lower case, accents of Latin letters) and lightly stemmed; codes and
//! numbers are kept whole and also split; Chinese, Japanese, Korean and Thai are taken as character pairs, with single
//! Chinese characters as a weak addition. Invariant: a document and a query are cut by the same rules, and a term's
//! weight depends on its kind only, so that counts of both can be compared. Terms are 64-bit hashes: memory stays
//! bounded by the query, never by the document.

use crate::script::{CharClass, classify};
use crate::stem::stem;
use crate::stopwords::is_stop_word;
use unicode_normalization::UnicodeNormalization;

/// A search term on its way to a counter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    /// FNV-1a hash of kind and text.
    pub(crate) hash: u64,
    /// How much an occurrence counts, by kind.
    pub(crate) weight: f32,
    /// Whether it is a word that carries little meaning.
    pub(crate) stop: bool,
}

/// Weight of a whole word, number, or pair of Chinese characters.
const WHOLE: f32 = 1.0;
/// Weight of a part of a code: `2041` in `INV-2041`.
const PART: f32 = 0.6;
/// Weight of the first letters of a long word, which stands for its inflections and compounds.
const PREFIX: f32 = 0.3;
/// Room for a word; longer ones make it grow.
const USUAL_WORD_BYTES: usize = 48;
/// Letters of such a prefix.
const PREFIX_LETTERS: usize = 5;
/// Weight of one Chinese character.
const SINGLE_HAN: f32 = 0.3;
/// Weight of a pair of hiragana, mostly grammar.
const HIRAGANA_PAIR: f32 = 0.25;
/// Weight of a pair across two scripts.
const MIXED_PAIR: f32 = 0.6;

/// Calls `emit` for every term of the text.
pub(crate) fn for_each_term(text: &str, mut emit: impl FnMut(Term)) {
    let mut tokenizer = Tokenizer {
        emit: &mut emit,
        word: String::with_capacity(USUAL_WORD_BYTES),
        run: Vec::new(),
    };
    if text.is_ascii() {
        text.chars()
            .for_each(|character| tokenizer.push(character.to_ascii_lowercase()));
    } else {
        text.nfkc()
            .flat_map(char::to_lowercase)
            .for_each(|character| fold(character, &mut |folded| tokenizer.push(folded)));
    }
    tokenizer.end_word();
    tokenizer.end_run();
}

/// Takes the accent off a Latin or Greek letter; leaves other scripts alone, where marks make other letters (が, й).
fn fold(character: char, emit: &mut impl FnMut(char)) {
    match character {
        'ß' => ['s', 's'].into_iter().for_each(emit),
        'ø' => emit('o'),
        'ł' => emit('l'),
        'đ' => emit('d'),
        'æ' => ['a', 'e'].into_iter().for_each(emit),
        'œ' => ['o', 'e'].into_iter().for_each(emit),
        '\u{300}'..='\u{36f}' => {}
        '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}' => std::iter::once(character)
            .nfd()
            .filter(|part| !matches!(part, '\u{300}'..='\u{36f}'))
            .for_each(emit),
        other => emit(other),
    }
}

struct Tokenizer<'a, Emit: FnMut(Term)> {
    emit: &'a mut Emit,
    /// The word, number or code being read.
    word: String,
    /// The run of unspaced script being read.
    run: Vec<(char, CharClass)>,
}

impl<Emit: FnMut(Term)> Tokenizer<'_, Emit> {
    fn push(&mut self, character: char) {
        let class = classify(character);
        if class.is_paired() {
            self.end_word();
            self.run.push((character, class));
            return;
        }
        self.end_run();
        match class {
            CharClass::Letter | CharClass::Digit => self.word.push(character),
            CharClass::Other if is_joiner(character) && !self.word.is_empty() => self.word.push(character),
            _ => self.end_word(),
        }
    }

    fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let whole = word.trim_end_matches(is_joiner);
        let has_joiner = whole.contains(is_joiner);
        let has_digit = whole.contains(|c: char| c.is_numeric());
        if has_joiner && has_digit {
            self.emit_code(whole);
        } else {
            for part in whole.split(is_joiner).filter(|part| !part.is_empty()) {
                self.emit_word(part, has_digit);
            }
        }
        self.word = word;
        self.word.clear();
    }

    /// A code or number with joiners: whole without its joiners, and its parts.
    fn emit_code(&mut self, whole: &str) {
        let squeezed: String = whole.chars().filter(|&c| !is_joiner(c)).collect();
        self.send('w', &squeezed, WHOLE, false);
        for part in whole.split(is_joiner).filter(|part| !part.is_empty()) {
            self.send('w', stem(part), PART, false);
        }
    }

    fn emit_word(&mut self, word: &str, has_digit: bool) {
        let stop = is_stop_word(word);
        if has_digit {
            self.send('w', word, WHOLE, false);
            self.emit_digit_parts(word);
        } else if !(word.len() == 1 && word == "s") {
            self.send('w', stem(word), WHOLE, stop);
            if let Some((end, _)) = word.char_indices().nth(PREFIX_LETTERS + 1) {
                let prefix_end = word
                    .char_indices()
                    .nth(PREFIX_LETTERS)
                    .map_or(end, |(cut, _)| cut);
                self.send('p', &word[..prefix_end], PREFIX, stop);
            }
        }
    }

    /// `12kg` and `q3` also by their letters and digits.
    fn emit_digit_parts(&mut self, word: &str) {
        let mut start = 0;
        let mut previous: Option<bool> = None;
        for (cut, character) in word.char_indices() {
            let digit = character.is_numeric();
            if previous.is_some_and(|before| before != digit) {
                self.send('w', &word[start..cut], PART, false);
                start = cut;
            }
            previous = Some(digit);
        }
        if start > 0 {
            self.send('w', &word[start..], PART, false);
        }
    }

    fn end_run(&mut self) {
        if self.run.is_empty() {
            return;
        }
        let run = std::mem::take(&mut self.run);
        for (index, &(character, class)) in run.iter().enumerate() {
            let mut buffer = [0u8; 8];
            let first = character.encode_utf8(&mut buffer).len();
            if class == CharClass::Han || run.len() == 1 {
                self.send_bytes(
                    '1',
                    &buffer[..first],
                    if run.len() == 1 { WHOLE } else { SINGLE_HAN },
                    false,
                );
            }
            if let Some(&(next, next_class)) = run.get(index + 1) {
                let second = next.encode_utf8(&mut buffer[first..]).len();
                self.send_bytes(
                    '2',
                    &buffer[..first + second],
                    pair_weight(class, next_class),
                    false,
                );
            }
        }
        self.run = run;
        self.run.clear();
    }

    fn send(&mut self, kind: char, text: &str, weight: f32, stop: bool) {
        self.send_bytes(kind, text.as_bytes(), weight, stop);
    }

    fn send_bytes(&mut self, kind: char, bytes: &[u8], weight: f32, stop: bool) {
        (self.emit)(Term {
            hash: hash(kind, bytes),
            weight,
            stop,
        });
    }
}

fn pair_weight(first: CharClass, second: CharClass) -> f32 {
    match (first, second) {
        (CharClass::Hiragana, CharClass::Hiragana) => HIRAGANA_PAIR,
        (CharClass::Hiragana, _) | (_, CharClass::Hiragana) => HIRAGANA_PAIR,
        (first, second) if first == second => WHOLE,
        _ => MIXED_PAIR,
    }
}

/// Characters that hold codes, numbers and compounds together.
fn is_joiner(character: char) -> bool {
    matches!(
        character,
        '-' | '.' | ',' | '/' | '_' | '\'' | '’' | ':' | '@' | '#' | '‐' | '‑' | '–'
    )
}

fn hash(kind: char, bytes: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(u32::from(kind));
    for &byte in bytes {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn terms(text: &str) -> HashMap<u64, f32> {
        let mut found = HashMap::new();
        for_each_term(text, |term| {
            found.insert(term.hash, term.weight);
        });
        found
    }

    #[test]
    fn forms_that_people_hold_equal_share_a_strong_term() {
        let check = |left: &str, right: &str, expected: bool| {
            let (left_terms, right_terms) = (terms(left), terms(right));
            let shared = left_terms
                .iter()
                .any(|(hash, weight)| *weight >= 0.6 && right_terms.contains_key(hash));
            assert_eq!(shared, expected, "{left} / {right}");
        };
        check("Contracts", "contract", true);
        check("INV-2041", "INV2041", true);
        check("invoice 2041", "INV-2041", true);
        check("1,250,000", "1250000", true);
        check("ＡＢＣ１２３", "abc123", true);
        check("Müller", "muller", true);
        check("契約期間は三年", "期間", true);
        check("ﾃﾞｰﾀ", "データ", true);
        check("계약서를", "계약서", true);
        check("party's", "party", true);
        check("lease", "rent", false);
        check("か", "が", false);
        check("12kg", "12", true);
    }

    #[test]
    fn stop_words_are_marked() {
        let mut stops = Vec::new();
        for_each_term("What is the rent", |term| stops.push(term.stop));
        assert_eq!(stops, [true, true, true, false]);
    }
}
