//! Where in its JSON a reply is, byte by byte.
//!
//! Invariant: bytes are those of a valid beginning of one value, as the grammar lets no others through. Used by `circles`
//! and `closing`.

/// A place in a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of strings and numbers.
    Between,
    /// In a string, a key or a value.
    Text {
        /// The next byte is escaped.
        after_backslash: bool,
    },
    /// In a number.
    Number,
}

/// Follows a reply.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Where it is.
    pub place: Place,
    /// Objects and arrays that are open.
    pub depth: usize,
}

impl Scanner {
    pub fn new() -> Self {
        Self {
            place: Place::Between,
            depth: 0,
        }
    }

    /// Takes the next byte.
    pub fn push(&mut self, byte: u8) {
        let was_text = matches!(self.place, Place::Text { .. });
        self.place = self.after(byte);
        match byte {
            b'{' | b'[' if !was_text => self.depth += 1,
            b'}' | b']' if !was_text => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn after(&self, byte: u8) -> Place {
        match self.place {
            Place::Text {
                after_backslash: true,
            } => Place::Text {
                after_backslash: false,
            },
            Place::Text { .. } if byte == b'"' => Place::Between,
            Place::Text { .. } => Place::Text {
                after_backslash: byte == b'\\',
            },
            Place::Number if is_of_number(byte) => Place::Number,
            Place::Between | Place::Number => match byte {
                b'"' => Place::Text {
                    after_backslash: false,
                },
                b'-' | b'0'..=b'9' => Place::Number,
                _ => Place::Between,
            },
        }
    }
}

/// Whether a byte can be part of a number.
pub(super) fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}
