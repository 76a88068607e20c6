//! Text strings of PDF objects (titles, field values, labels).
//!
//! Invariant: any bytes give some text. Used by the other files of `pdf`.

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a PDF text string: UTF-16 or UTF-8 with a byte order mark, else the PDF's own 8-bit encoding.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0,
        [0xff, 0xfe, rest @ ..] => UTF_16LE.decode_without_bom_handling(rest).0,
        [0xef, 0xbb, 0xbf, rest @ ..] => UTF_8.decode_without_bom_handling(rest).0,
        // PDFDocEncoding differs from this only in a few typographic marks.
        bytes => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    text.chars().filter(|c| *c != '\0').collect()
}
