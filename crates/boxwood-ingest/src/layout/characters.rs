//! What single characters mean for layout: scripts without spaces, right-to-left scripts, spaces, ligatures.
//!
//! Invariant: pure functions of a character. Used by the other layout files and by the decision to recognise a page.

/// Whether words of this character's script are not separated by spaces (Chinese, Japanese; not Korean).
pub(crate) fn is_unspaced_script(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x2FDF | 0x3001..=0x30FF | 0x3105..=0x312F | 0x31A0..=0x31FF | 0x3220..=0x4DBF | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF40 | 0xFF5B..=0xFF9F
        | 0x20000..=0x3FFFF)
}

/// Whether the character is written from right to left (Hebrew, Arabic and their relatives).
pub(crate) fn is_right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFC | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF)
}

/// Whether the character only separates words.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{0}'..='\u{1f}' | '\u{200b}' | '\u{feff}')
}

/// Whether a glyph's character says nothing about its meaning: unknown, private use, control.
pub(crate) fn is_meaningless(c: char) -> bool {
    matches!(u32::from(c), 0xE000..=0xF8FF | 0xF0000..=0x10FFFF | 0xFFFD | 0x00..=0x08 | 0x0E..=0x1F | 0x7F..=0x9F)
}

/// Appends a character; a Latin ligature becomes its letters, so that a search for "office" finds "oﬃce".
pub(crate) fn push_normal(out: &mut String, c: char) {
    match c {
        '\u{fb00}' => out.push_str("ff"),
        '\u{fb01}' => out.push_str("fi"),
        '\u{fb02}' => out.push_str("fl"),
        '\u{fb03}' => out.push_str("ffi"),
        '\u{fb04}' => out.push_str("ffl"),
        '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
        '\u{ad}' => out.push('-'),
        c => out.push(c),
    }
}
