//! Plain text and source code: every line is a line, form feeds begin pages.

use crate::context::ParseContext;
use crate::encoding::decode;
use crate::error::ParseError;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, TextSource};

/// Lines between two looks at the clock.
const LINES_PER_CHECK: usize = 1_024;

/// Reads plain text.
///
/// # Errors
/// Limits only.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let text = decode(bytes);
    for (index, page) in text.trim_end_matches(['\x0C', '\x1A']).split('\x0C').enumerate() {
        context.begin_page(index as u32 + 1, builder)?;
        builder.page(None, None, TextSource::Native);
        lines(page, context, builder)?;
    }
    Ok(())
}

/// Appends each line as running text.
///
/// # Errors
/// Limits only.
pub fn lines(text: &str, context: &ParseContext, builder: &mut DocumentBuilder) -> Result<(), ParseError> {
    for (number, line) in split_lines(text).enumerate() {
        if number % LINES_PER_CHECK == 0 {
            context.check_growth(builder)?;
        }
        builder.line(line.trim_end(), LineKind::Body);
    }
    Ok(())
}

/// Lines by `\n`, `\r\n` or a lone `\r`.
pub(crate) fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let old_mac = !text.contains('\n') && text.contains('\r');
    let text = text.strip_suffix(['\n', '\r']).unwrap_or(text);
    text.split(move |c| if old_mac { c == '\r' } else { c == '\n' })
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use crate::IngestLimits;
    use crate::testing::{self, parse_limited};

    #[test]
    fn lines_and_pages_are_kept() {
        let check = |text: &str, expected: &str| testing::check(text, "a.txt", expected);
        check("a\r\nb\n\n  c", "a\nb\n\n  c\n");
        check("a\rb", "a\nb\n");
        check("one\x0Ctwo\n\x0C", "== -\none\n== -\ntwo\n");
    }

    #[test]
    fn long_text_ends_with_a_note() {
        let text = "0123456789\n".repeat(200_000);
        let limits = IngestLimits {
            max_text_bytes: 1 << 20,
            ..IngestLimits::default()
        };
        let document = parse_limited(text.as_bytes(), "a.txt", limits).unwrap();
        assert!(document.text.len() < (1 << 20) + 20_000);
        assert_eq!(document.notes.len(), 1);
        assert!(
            document.notes[0].message.contains("1 MiB"),
            "{:?}",
            document.notes
        );
    }
}
