//! Takes the white space between the marks of a JSON stream out, as the contract of a reply with a schema wants it.
//!
//! Invariant: nothing inside a string changes. Called by `remote` for requests with a `response_format`.

/// Where in the JSON the stream is.
#[derive(Debug, Default)]
pub(crate) struct CompactJson {
    in_string: bool,
    after_backslash: bool,
}

impl CompactJson {
    /// Takes a piece of the stream, gives it without white space outside strings.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        piece.chars().filter(|character| self.keep(*character)).collect()
    }

    fn keep(&mut self, character: char) -> bool {
        if !self.in_string {
            self.in_string = character == '"';
            return !matches!(character, ' ' | '\t' | '\n' | '\r');
        }
        if self.after_backslash {
            self.after_backslash = false;
        } else {
            self.after_backslash = character == '\\';
            self.in_string = character != '"';
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &str) {
        let mut compact = CompactJson::default();
        let text: String = pieces.iter().map(|piece| compact.push(piece)).collect();
        assert_eq!(text, expected, "{pieces:?}");
    }

    #[test]
    fn white_space_goes_between_values_and_stays_in_strings() {
        check(&["{ \"a b\" :\n 1 }\n"], "{\"a b\":1}");
        check(
            &["[\"x \\", "\" y\" , ", "\" z\\\\\" , 2]"],
            "[\"x \\\" y\",\" z\\\\\",2]",
        );
        check(&["\"", " ", "\"", " "], "\" \"");
        check(&["{\"日 本\": null}"], "{\"日 本\":null}");
    }
}
