//! What is looked for: words, phrases in quotes, `AND`, `OR`, `NOT` in capitals, as Box documents them.
//!
//! Words next to each other are alternatives, unless an operator joins them. `NOT` binds strongest, then `AND`, then `OR`.
//! Invariant: parsing never fails: what makes no sense (an operator at an end) is left out, as Box does. The number of
//! phrases is bounded.

use super::terms::Phrase;

/// Phrases that one search may have; the rest is left out.
const MOST_PHRASES: usize = 64;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Nothing can be found: the words hold nothing to look up.
    Nothing,
    /// The phrase with this place in the list of [`Expression::phrases`].
    Phrase(Phrase),
    /// All of them.
    All(Vec<Expression>),
    /// Any of them.
    Any(Vec<Expression>),
    /// What is without it.
    Not(Box<Expression>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    And,
    Or,
    Not,
    Words(Phrase),
}

impl Expression {
    /// Reads the words of a search.
    pub fn parse(text: &str) -> Self {
        let mut any = Vec::new();
        let mut all: Vec<Self> = Vec::new();
        let mut negated = false;
        let mut joined = false;
        for token in tokens(text) {
            match token {
                Token::And => joined = !all.is_empty(),
                Token::Or => joined = false,
                Token::Not => negated = !negated,
                Token::Words(phrase) => {
                    let mut operand = Self::Phrase(phrase);
                    if std::mem::take(&mut negated) {
                        operand = Self::Not(Box::new(operand));
                        // `a NOT b` means `a AND NOT b`: without an operator it would find nearly everything.
                        joined |= !all.is_empty();
                    }
                    if !std::mem::take(&mut joined) {
                        any.extend(group(&mut all));
                    }
                    all.push(operand);
                }
            }
        }
        any.extend(group(&mut all));
        match any.len() {
            0 => Self::Nothing,
            1 => any.swap_remove(0),
            _ => Self::Any(any),
        }
    }

    /// Every phrase in it, in order.
    pub fn phrases(&self) -> Vec<&Phrase> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Phrase(phrase) => vec![phrase],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::phrases).collect(),
            Self::Not(part) => part.phrases(),
        }
    }

    /// How well something fits, given how well each phrase does (`None`: not at all); phrases are asked for in the order
    /// of [`Expression::phrases`]. `None`: it does not fit.
    pub fn score(&self, next: &mut impl FnMut() -> Option<f64>) -> Option<f64> {
        match self {
            Self::Nothing => None,
            Self::Phrase(_) => next(),
            Self::Not(part) => match part.score(next) {
                Some(_) => None,
                None => Some(0.0),
            },
            Self::All(parts) => {
                let scores: Vec<Option<f64>> = parts.iter().map(|part| part.score(next)).collect();
                scores.into_iter().sum()
            }
            Self::Any(parts) => {
                let scores: Vec<f64> = parts
                    .iter()
                    .map(|part| part.score(next))
                    .collect::<Vec<_>>()
                    .into_iter()
                    .flatten()
                    .collect();
                (!scores.is_empty()).then(|| scores.iter().sum())
            }
        }
    }
}

/// The operands that `AND` joined.
fn group(all: &mut Vec<Expression>) -> Option<Expression> {
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Expression::All(std::mem::take(all))),
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (place, part) in text.split(['"', '\u{201c}', '\u{201d}']).enumerate() {
        if place % 2 == 1 {
            found.extend(Phrase::of(part, true).map(Token::Words));
            continue;
        }
        for word in part.split_whitespace() {
            match word {
                "AND" => found.push(Token::And),
                "OR" => found.push(Token::Or),
                "NOT" => found.push(Token::Not),
                word => found.extend(Phrase::of(word, false).map(Token::Words)),
            }
        }
    }
    let mut phrases = 0;
    found.retain(|token| {
        phrases += usize::from(matches!(token, Token::Words(_)));
        phrases <= MOST_PHRASES
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(expression: &Expression) -> String {
        let list = |parts: &[Expression], join: &str| parts.iter().map(show).collect::<Vec<_>>().join(join);
        match expression {
            Expression::Nothing => "-".to_owned(),
            Expression::Phrase(phrase) => phrase.terms.join("_"),
            Expression::All(parts) => format!("({})", list(parts, " & ")),
            Expression::Any(parts) => list(parts, " | "),
            Expression::Not(part) => format!("!{}", show(part)),
        }
    }

    #[test]
    fn operators_are_read_as_box_documents_them() {
        for (text, expected) in [
            ("marketing", "marketing"),
            ("marketing plan", "marketing | plan"),
            ("marketing AND BoxWorks", "(marketing & boxworks)"),
            ("marketing OR BoxWorks", "marketing | boxworks"),
            ("marketing AND NOT BoxWorks", "(marketing & !boxworks)"),
            ("marketing NOT BoxWorks", "(marketing & !boxworks)"),
            ("NOT BoxWorks", "!boxworks"),
            ("a AND b OR c AND d", "(a & b) | (c & d)"),
            ("\"Blue-Box\" red", "blue_box | red"),
            ("a and b", "a | and | b"),
            ("AND a AND", "a"),
            ("NOT NOT a", "a"),
            ("\"open end", "open_end"),
            ("契約 AND \"AI\"", "(契約 & ai)"),
            ("?!", "-"),
            ("", "-"),
        ] {
            assert_eq!(show(&Expression::parse(text)), expected, "{text:?}");
        }
        let many = "word ".repeat(200);
        assert_eq!(Expression::parse(&many).phrases().len(), MOST_PHRASES);
    }

    #[test]
    fn scores_follow_the_operators() {
        for (text, scores, expected) in [
            ("a b", [Some(1.0), Some(2.0)], Some(3.0)),
            ("a b", [None, Some(2.0)], Some(2.0)),
            ("a b", [None, None], None),
            ("a AND b", [Some(1.0), None], None),
            ("a AND b", [Some(1.0), Some(2.0)], Some(3.0)),
            ("a AND NOT b", [Some(1.0), None], Some(1.0)),
            ("a AND NOT b", [Some(1.0), Some(2.0)], None),
        ] {
            let mut given = scores.into_iter();
            let score = Expression::parse(text).score(&mut || given.next().flatten());
            assert_eq!(score, expected, "{text}");
        }
    }
}
