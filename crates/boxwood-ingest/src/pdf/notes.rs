//! Notes that concern many pages, gathered so that a scanned book gives one note and not a thousand.
//!
//! Invariant: each reason is reported once, with all its pages. Used by `pdf`.

use boxwood_core::document::{DocumentBuilder, ReadNoteKind};
use std::collections::BTreeMap;

/// Pages by reason.
#[derive(Default)]
pub(super) struct Notes {
    reasons: BTreeMap<(u8, String), Vec<u32>>,
}

impl Notes {
    /// Remembers that something of a page (1-based) was not read. `reason` completes "pages 3–5: …".
    pub fn add(&mut self, page: u32, kind: ReadNoteKind, reason: impl Into<String>) {
        self.reasons
            .entry((kind as u8, reason.into()))
            .or_default()
            .push(page);
    }

    /// Writes the notes; one that concerns a single page names it as its page.
    pub fn finish(&mut self, builder: &mut DocumentBuilder) {
        for ((kind, reason), pages) in std::mem::take(&mut self.reasons) {
            let kind = match kind {
                kind if kind == ReadNoteKind::Damaged as u8 => ReadNoteKind::Damaged,
                kind if kind == ReadNoteKind::LimitReached as u8 => ReadNoteKind::LimitReached,
                kind if kind == ReadNoteKind::NotRecognised as u8 => ReadNoteKind::NotRecognised,
                kind if kind == ReadNoteKind::Embedded as u8 => ReadNoteKind::Embedded,
                _ => ReadNoteKind::Unsupported,
            };
            match pages.as_slice() {
                [page] => builder.note(Some(*page), kind, format!("page {page}: {reason}")),
                pages => builder.note(None, kind, format!("pages {}: {reason}", ranges(pages))),
            }
        }
    }
}

/// "1–3, 7, 9–10"
fn ranges(pages: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for &page in pages {
        match parts.last_mut() {
            Some((_, last)) if page <= *last + 1 => *last = page,
            _ => parts.push((page, page)),
        }
    }
    let parts = parts.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}–{last}")
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// "2 embedded files were not opened: a.xml, b.pdf"
pub(super) fn embedded_message(names: &[String]) -> String {
    let shown: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .take(5)
        .collect();
    let (noun, verb) = if names.len() == 1 {
        ("file", "was")
    } else {
        ("files", "were")
    };
    let more = if names.len() > shown.len() && !shown.is_empty() {
        ", …"
    } else {
        ""
    };
    let list = if shown.is_empty() {
        String::new()
    } else {
        format!(": {}{more}", shown.join(", "))
    };
    format!("{} embedded {noun} {verb} not opened{list}", names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_as_ranges() {
        let check = |pages: &[u32], expected: &str| assert_eq!(ranges(pages), expected);
        check(&[1, 2, 3, 7, 9, 10], "1–3, 7, 9–10");
        check(&[4], "4");
    }

    #[test]
    fn embedded_files_are_counted_and_named() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            embedded_message(&names(&["a.xml"])),
            "1 embedded file was not opened: a.xml"
        );
        assert_eq!(
            embedded_message(&names(&["", ""])),
            "2 embedded files were not opened"
        );
    }
}
