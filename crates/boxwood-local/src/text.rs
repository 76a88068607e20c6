//! From token bytes to pieces of text: characters are never split, stop strings never shown.
//!
//! Invariant: everything that was pushed is either returned by `push`/`finish`, or follows a stop string.
//! Called by `running` for every generated token.

/// A piece that may be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    /// Text; whole characters.
    pub text: String,
    /// Sum of the log-probabilities of the tokens of which this piece is made.
    pub log_prob: f32,
}

/// What a push led to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pushed {
    /// Nothing to show yet.
    Held,
    /// Show this and go on.
    Show(Piece),
    /// A stop string came: show what stood before it and end.
    Stopped(Option<Piece>),
}

/// Collects the bytes of tokens.
#[derive(Debug)]
pub(crate) struct TextAssembler {
    stop: Vec<Vec<u8>>,
    held: Vec<u8>,
    log_prob: f32,
}

impl TextAssembler {
    /// Empty stop strings are ignored: they would end every answer at once.
    pub fn new(stop: &[String]) -> Self {
        Self {
            stop: stop
                .iter()
                .filter(|text| !text.is_empty())
                .map(|text| text.as_bytes().to_vec())
                .collect(),
            held: Vec::new(),
            log_prob: 0.0,
        }
    }

    /// Takes one token's bytes.
    pub fn push(&mut self, bytes: &[u8], log_prob: f32) -> Pushed {
        self.log_prob += log_prob;
        // A stop string that ends in the new bytes may begin in the held ones, which reach back far enough.
        self.held.extend_from_slice(bytes);
        if let Some(position) = self.first_stop() {
            self.held.truncate(position);
            let piece = self.take(position);
            self.held.clear();
            return Pushed::Stopped(piece);
        }
        let ready = self.held.len() - self.hold_back();
        match self.take(ready) {
            Some(piece) => Pushed::Show(piece),
            None => Pushed::Held,
        }
    }

    /// The rest, when no more tokens come.
    pub fn finish(&mut self) -> Option<Piece> {
        self.take(self.held.len())
    }

    fn first_stop(&self) -> Option<usize> {
        self.stop
            .iter()
            .filter_map(|stop| {
                self.held
                    .windows(stop.len())
                    .position(|window| window == stop.as_slice())
            })
            .min()
    }

    /// Bytes at the end that must wait: the beginning of a stop string, or of a character.
    fn hold_back(&self) -> usize {
        let stop = self
            .stop
            .iter()
            .map(|stop| {
                (1..stop.len().min(self.held.len() + 1))
                    .rev()
                    .find(|length| self.held.ends_with(&stop[..*length]))
                    .unwrap_or(0)
            })
            .max()
            .unwrap_or(0);
        let mut ready = self.held.len() - stop;
        ready -= unfinished_character(&self.held[..ready]);
        self.held.len() - ready
    }

    fn take(&mut self, length: usize) -> Option<Piece> {
        if length == 0 {
            return None;
        }
        let rest = self.held.split_off(length);
        let bytes = std::mem::replace(&mut self.held, rest);
        Some(Piece {
            text: String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            log_prob: std::mem::take(&mut self.log_prob),
        })
    }
}

/// Bytes at the end that begin a character whose other bytes have not come.
fn unfinished_character(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0x80..=0xBF => continue,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes the tokens and gives the pieces, and whether a stop string ended it.
    fn assemble(stop: &[&str], tokens: &[&[u8]]) -> (Vec<String>, bool) {
        let stop: Vec<String> = stop.iter().map(ToString::to_string).collect();
        let mut assembler = TextAssembler::new(&stop);
        let mut pieces = Vec::new();
        for token in tokens {
            match assembler.push(token, -1.0) {
                Pushed::Held => {}
                Pushed::Show(piece) => pieces.push(piece.text),
                Pushed::Stopped(piece) => {
                    pieces.extend(piece.map(|piece| piece.text));
                    return (pieces, true);
                }
            }
        }
        pieces.extend(assembler.finish().map(|piece| piece.text));
        (pieces, false)
    }

    fn check(stop: &[&str], tokens: &[&[u8]], expected: &[&str], stopped: bool) {
        let (pieces, found) = assemble(stop, tokens);
        assert_eq!(pieces, expected, "stop {stop:?}, tokens {tokens:?}");
        assert_eq!(found, stopped, "stop {stop:?}, tokens {tokens:?}");
    }

    #[test]
    fn characters_are_never_split() {
        let tree = "木".as_bytes();
        let face = "🙂".as_bytes();
        check(&[], &[b"a", b"b"], &["a", "b"], false);
        check(&[], &[&tree[..1], &tree[1..]], &["木"], false);
        check(&[], &[&tree[..1], &tree[1..2], &tree[2..]], &["木"], false);
        check(&[], &[&face[..3], &face[3..]], &["🙂"], false);
        check(&[], &[b"x\xF0\x9F", b"\x99\x82y"], &["x", "🙂y"], false);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_replacement() {
        check(&[], &[b"a\xFF", b"b"], &["a\u{FFFD}", "b"], false);
        check(&[], &[b"a\xE6"], &["a", "\u{FFFD}"], false);
    }

    #[test]
    fn stop_strings_end_the_text_and_are_not_shown() {
        check(&["END"], &[b"one ", b"END", b"two"], &["one "], true);
        check(&["END"], &[b"one E", b"N", b"D two"], &["one "], true);
        check(&["END"], &[b"one E", b"N", b"ough"], &["one ", "ENough"], false);
        check(&["END"], &[b"one E", b"N"], &["one ", "EN"], false);
        check(&["\n\n"], &[b"a\n", b"b\n", b"\nc"], &["a", "\nb"], true);
        check(&["bc", "abc"], &[b"x", b"a", b"bc"], &["x"], true);
        check(&[""], &[b"a"], &["a"], false);
        check(&["。"], &["一".as_bytes(), "。二".as_bytes()], &["一"], true);
        check(&["aab"], &[b"aa", b"ab"], &["a"], true);
    }

    #[test]
    fn probabilities_of_held_tokens_belong_to_the_piece_that_shows_them() {
        let mut assembler = TextAssembler::new(&["END".to_owned()]);
        assert_eq!(assembler.push(b"E", -0.5), Pushed::Held);
        assert_eq!(
            assembler.push(b"A", -0.25),
            Pushed::Show(Piece {
                text: "EA".to_owned(),
                log_prob: -0.75
            })
        );
    }
}
