//! The text of a query as tokens with their places.

use crate::metadata::error::MetadataError;

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: a keyword or the name of a field.
    Word(String),
    /// A name in double quotes: always a field.
    Quoted(String),
    /// `:name`
    Argument(String),
    /// A number.
    Number(f64),
    /// A text in single quotes.
    Text(String),
    /// `(`, `)`, `,`, or a comparison.
    Symbol(&'static str),
}

impl Token {
    /// The token in words, for a message.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{}`", cut(word)),
            Token::Quoted(name) => format!("`\"{}\"`", cut(name)),
            Token::Argument(name) => format!("`:{}`", cut(name)),
            Token::Number(number) => format!("`{number}`"),
            Token::Text(_) => "a text".to_owned(),
            Token::Symbol(symbol) => format!("`{symbol}`"),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A token and the number of its first character, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) position: usize,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [(&str, &str); 10] = [
    ("<>", "<>"),
    ("!=", "<>"),
    ("<=", "<="),
    (">=", ">="),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("(", "("),
    (")", ")"),
    (",", ","),
];

pub(super) fn error(position: usize, reason: impl Into<String>) -> MetadataError {
    MetadataError::InvalidQuery {
        position,
        reason: reason.into(),
    }
}

/// Characters that a query may have: it is evaluated for every item that has metadata of the template.
const LONGEST: usize = 10_000;

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, MetadataError> {
    if text.chars().count() > LONGEST {
        let reason = format!("a query has at most {LONGEST} characters; use arguments for long values");
        return Err(error(LONGEST + 1, reason));
    }
    let mut lexer = Lexer {
        characters: text.chars().collect(),
        next: 0,
    };
    let mut tokens = Vec::new();
    while let Some(placed) = lexer.token()? {
        tokens.push(placed);
    }
    Ok(tokens)
}

struct Lexer {
    characters: Vec<char>,
    next: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.next).copied()
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let start = self.next;
        while self.peek().is_some_and(&fits) {
            self.next += 1;
        }
        self.characters[start..self.next].iter().collect()
    }

    fn token(&mut self) -> Result<Option<Placed>, MetadataError> {
        self.take_while(char::is_whitespace);
        let position = self.next + 1;
        let Some(first) = self.peek() else { return Ok(None) };
        let token = if is_start(first) {
            Token::Word(self.take_while(is_part))
        } else if first == ':' {
            self.next += 1;
            let name = self.take_while(is_part);
            if name.is_empty() {
                return Err(error(position, "`:` must be followed by the name of an argument"));
            }
            Token::Argument(name)
        } else if first == '\'' {
            Token::Text(self.quoted('\'', position)?)
        } else if first == '"' {
            Token::Quoted(self.quoted('"', position)?)
        } else if first.is_ascii_digit() || first == '-' || first == '.' {
            self.number(position)?
        } else {
            self.symbol(position)?
        };
        Ok(Some(Placed { token, position }))
    }

    /// What stands between quotes; a doubled quote is one that belongs to the text.
    fn quoted(&mut self, quote: char, position: usize) -> Result<String, MetadataError> {
        self.next += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(error(position, format!("the closing {quote} is missing"))),
                Some(found) if found == quote => {
                    self.next += 1;
                    if self.peek() != Some(quote) {
                        return Ok(text);
                    }
                    text.push(quote);
                    self.next += 1;
                }
                Some(other) => {
                    text.push(other);
                    self.next += 1;
                }
            }
        }
    }

    fn number(&mut self, position: usize) -> Result<Token, MetadataError> {
        let text = self.take_while(|part| part.is_ascii_alphanumeric() || "+-.".contains(part));
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(error(position, "this is not a number")),
        }
    }

    fn symbol(&mut self, position: usize) -> Result<Token, MetadataError> {
        let rest: String = self.characters[self.next..].iter().take(2).collect();
        for (written, symbol) in SYMBOLS {
            if rest.starts_with(written) {
                self.next += written.len();
                return Ok(Token::Symbol(symbol));
            }
        }
        let shown: String = rest.chars().take(1).collect();
        Err(error(position, format!("`{shown}` has no meaning here")))
    }
}

fn is_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_places() {
        let found = tokens("a-b >= :x AND \"the key\" IN ('it''s', -1.5)").unwrap();
        let expected = [
            (Token::Word("a-b".into()), 1),
            (Token::Symbol(">="), 5),
            (Token::Argument("x".into()), 8),
            (Token::Word("AND".into()), 11),
            (Token::Quoted("the key".into()), 15),
            (Token::Word("IN".into()), 25),
            (Token::Symbol("("), 28),
            (Token::Text("it's".into()), 29),
            (Token::Symbol(","), 36),
            (Token::Number(-1.5), 38),
            (Token::Symbol(")"), 42),
        ];
        let found: Vec<(Token, usize)> = found
            .into_iter()
            .map(|placed| (placed.token, placed.position))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_token_is_refused_with_its_place() {
        for (text, expected) in [
            ("a = 'open", 5),
            ("a = : b", 5),
            ("a # b", 3),
            ("a = 1x", 5),
            ("日本 ~ :a", 4),
            ("a = 1e999", 5),
            (&"a".repeat(10_001), 10_001),
        ] {
            let found = match tokens(text) {
                Err(MetadataError::InvalidQuery { position, .. }) => position,
                other => panic!("{text}: {other:?}"),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
