//! Patterns of `LIKE` and `ILIKE`: `%` is any text, `_` one character, `\` takes both literally.
//!
//! Invariant: matching takes at most as many steps as text times pattern, whatever the pattern.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    folds_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Literal(char),
}

impl Pattern {
    /// Reads a pattern; `folds_case`: upper and lower case are the same.
    pub fn new(pattern: &str, folds_case: bool) -> Self {
        let folded = if folds_case {
            pattern.to_lowercase()
        } else {
            pattern.to_owned()
        };
        let mut pieces = Vec::new();
        let mut characters = folded.chars();
        while let Some(character) = characters.next() {
            pieces.push(match character {
                '%' => Piece::Any,
                '_' => Piece::One,
                // A backslash at the end stands for itself.
                '\\' => Piece::Literal(characters.next().unwrap_or('\\')),
                other => Piece::Literal(other),
            });
        }
        Self { pieces, folds_case }
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = if self.folds_case {
            text.to_lowercase().chars().collect()
        } else {
            text.chars().collect()
        };
        let (mut at, mut piece) = (0, 0);
        // After the last `%`: where to go on when what follows does not fit.
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    piece += 1;
                    retry = Some((at, piece));
                }
                Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
                Some(Piece::Literal(wanted)) if *wanted == text[at] => (at, piece) = (at + 1, piece + 1),
                _ => match retry {
                    Some((start, after)) => {
                        retry = Some((start + 1, after));
                        (at, piece) = (start + 1, after);
                    }
                    None => return false,
                },
            }
        }
        self.pieces[piece..].iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_guide_says() {
        for (pattern, text, expected) in [
            ("%Contract", "Contract", true),
            ("%Contract", "Sales Contract", true),
            ("%Contract", "Contract (Sales)", false),
            ("Bo_", "Box", true),
            ("Bo_", "Bots", false),
            ("Box% (____)", "Box Contract (2020)", true),
            (r"20\%", "20%", true),
            (r"20\%", "200", false),
            ("%", "", true),
            ("", "", true),
            ("", "a", false),
            ("%ab%ab%", "aabab", true),
            ("_", "日", true),
            ("a%", "A", false),
        ] {
            assert_eq!(
                Pattern::new(pattern, false).matches(text),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(Pattern::new("%UNITED%", true).matches("The united States"));
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = Pattern::new(&"%a".repeat(200), false);
        assert!(!pattern.matches(&"a".repeat(199)));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(20_000))));
    }
}
