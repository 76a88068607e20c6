//! Text that ends by repeating itself, as a small model writes it that has nothing more to say.
//!
//! Invariant: bytes are compared and nothing else; how much is too much is the caller's to say. Called by the local engine,
//! which leads a reply out of it, and by extraction, which stops listening.

/// The shortest phrase, of at most `longest` bytes, that the end of a text repeats: its length. `run` tells for a length how
/// many bytes of the text must be that phrase over and over, the first time included.
pub fn phrase_at_end(text: &[u8], longest: usize, run: impl Fn(usize) -> usize) -> Option<usize> {
    (1..=longest).find(|phrase| {
        let start = text.len().checked_sub(run(*phrase));
        start.is_some_and(|start| {
            let end = &text[start..];
            end.len() > *phrase && end[*phrase..] == end[..end.len() - phrase]
        })
    })
}

#[cfg(test)]
mod tests {
    use super::phrase_at_end;

    #[test]
    fn the_shortest_phrase_is_told_once_it_fills_the_run() {
        let four_times = |phrase: usize| phrase * 4;
        for (text, expected) in [
            ("so it was, and so on, and so on, and so on", None),
            (
                "so it was, and so on, and so on, and so on, and so on, ",
                Some(11),
            ),
            ("abababab", Some(2)),
            ("aaaaaaaa", Some(1)),
            ("babababa ", None),
            ("", None),
        ] {
            let text = text.as_bytes();
            assert_eq!(phrase_at_end(text, 20, four_times), expected);
            assert_eq!(phrase_at_end(text, 20, |_| text.len() + 1), None, "a longer run");
        }
        assert_eq!(
            phrase_at_end(b"abababab", 1, four_times),
            None,
            "a shorter phrase"
        );
    }
}
