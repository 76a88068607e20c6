//! Which script a character belongs to, as far as search cares, and how Latin a text is.
//!
//! Invariant: pure tables; a character has exactly one class. Used by the tokenizer, the token estimate and the
//! fusion weights.

/// The class of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CharClass {
    /// White space.
    Space,
    /// A decimal digit of any script.
    Digit,
    /// A letter (or combining mark) of a script that puts spaces between words.
    Letter,
    /// Chinese characters, also as used in Japanese and Korean.
    Han,
    /// Hiragana.
    Hiragana,
    /// Katakana and its length mark.
    Katakana,
    /// Korean syllables.
    Hangul,
    /// Other scripts without spaces between words: Thai, Lao, Khmer, Burmese.
    Unspaced,
    /// Punctuation, symbols, controls.
    Other,
}

impl CharClass {
    /// Whether words of this script are found by character pairs.
    pub(crate) fn is_paired(self) -> bool {
        matches!(
            self,
            Self::Han | Self::Hiragana | Self::Katakana | Self::Hangul | Self::Unspaced
        )
    }
}

/// The class of a character.
pub(crate) fn classify(character: char) -> CharClass {
    match character {
        '0'..='9' => CharClass::Digit,
        'a'..='z' | 'A'..='Z' => CharClass::Letter,
        ' ' | '\n' | '\t' | '\r' | '\u{3000}' => CharClass::Space,
        '\u{0}'..='\u{7f}' => CharClass::Other,
        '\u{3041}'..='\u{309f}' => CharClass::Hiragana,
        '\u{30a1}'..='\u{30fa}'
        | '\u{30fc}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{ff66}'..='\u{ff9f}' => CharClass::Katakana,
        '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => CharClass::Han,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => CharClass::Hangul,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => CharClass::Unspaced,
        '\u{0300}'..='\u{036f}' => CharClass::Letter,
        other if other.is_whitespace() => CharClass::Space,
        other if other.is_numeric() => CharClass::Digit,
        other if other.is_alphabetic() => CharClass::Letter,
        _ => CharClass::Other,
    }
}

fn is_latin(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Share of a text's letters that are Latin, 0 to 1; 1 for a text without letters.
pub fn latin_share(text: &str) -> f32 {
    let (mut latin, mut letters) = (0u32, 0u32);
    for character in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        latin += u32::from(is_latin(character));
    }
    if letters == 0 {
        1.0
    } else {
        latin as f32 / letters as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_classes() {
        let share =
            |text: &str, expected: f32| assert!((latin_share(text) - expected).abs() < 0.01, "{text}");
        share("Straße 12", 1.0);
        share("2041", 1.0);
        share("契約", 0.0);
        share("契約 ab", 0.5);
        share("Договор", 0.0);
        assert_eq!(classify('ー'), CharClass::Katakana);
        assert_eq!(classify('々'), CharClass::Han);
        assert_eq!(classify('한'), CharClass::Hangul);
        assert_eq!(classify('é'), CharClass::Letter);
        assert_eq!(classify('。'), CharClass::Other);
        assert_eq!(classify('٣'), CharClass::Digit);
    }
}
