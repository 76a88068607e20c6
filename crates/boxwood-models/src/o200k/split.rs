//! Cuts a text into the pieces within which o200k_base merges bytes: its regular expression, written out by hand.
//!
//! ```text
//! P? U* L+ 's?    P: neither letter nor number nor line break     's: 's 't 're 've 'm 'll 'd, in any case
//! P? U+ L* 's?    U: upper-case and title-case letters, modifier letters, other letters, marks
//! N{1,3}          L: lower-case letters, modifier letters, other letters, marks
//! _?O+[\r\n/]*    O: neither white space nor letter nor number    _: a blank
//! \s*[\r\n]+
//! \s+(?!\S)
//! \s+
//! ```
//! The first that fits is taken, each as long as it can be. Invariant: the pieces joined are the text. The classes are
//! those of `regex-syntax`, from which `tiktoken` has them too. Called by [`super::count`].

use regex_syntax::hir::{Class as HirClass, HirKind};
use std::sync::LazyLock;

/// What the expression tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    /// `Lu`, `Lt`
    Upper,
    /// `Ll`
    Lower,
    /// `Lm`, `Lo`
    Letter,
    /// `M`
    Mark,
    /// `N`
    Number,
    /// Carriage return and line feed.
    Break,
    /// Other white space.
    Space,
    /// Everything else.
    Other,
}

impl Class {
    /// Whether it is in `U`.
    fn upper(self) -> bool {
        matches!(self, Self::Upper | Self::Letter | Self::Mark)
    }

    /// Whether it is in `L`.
    fn lower(self) -> bool {
        matches!(self, Self::Lower | Self::Letter | Self::Mark)
    }

    /// Whether it is in both.
    fn both(self) -> bool {
        matches!(self, Self::Letter | Self::Mark)
    }

    fn white(self) -> bool {
        matches!(self, Self::Break | Self::Space)
    }

    /// Whether it is in `P`.
    fn prefix(self) -> bool {
        matches!(self, Self::Mark | Self::Space | Self::Other)
    }

    /// Whether it is in `O`.
    fn other(self) -> bool {
        matches!(self, Self::Mark | Self::Other)
    }
}

/// The class of every character.
static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let mut classes = vec![Class::Other; 0x11_0000];
    for (expression, class) in [
        (r"[\p{Lu}\p{Lt}]", Class::Upper),
        (r"\p{Ll}", Class::Lower),
        (r"[\p{Lm}\p{Lo}]", Class::Letter),
        (r"\p{M}", Class::Mark),
        (r"\p{N}", Class::Number),
        (r"\s", Class::Space),
        (r"[\r\n]", Class::Break),
    ] {
        let parsed = regex_syntax::parse(expression);
        let Ok(HirKind::Class(HirClass::Unicode(class_of))) = parsed.map(regex_syntax::hir::Hir::into_kind)
        else {
            tracing::error!(expression, "a class of characters can't be read");
            continue;
        };
        for range in class_of.iter() {
            classes[range.start() as usize..=range.end() as usize].fill(class);
        }
    }
    classes
});

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> Pieces<'_> {
    Pieces {
        scan: Scan {
            text,
            classes: &CLASSES,
        },
        at: 0,
    }
}

/// See [`pieces`].
pub(super) struct Pieces<'a> {
    scan: Scan<'a>,
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.at;
        let (class, size) = self.scan.class(start)?;
        self.at = self.scan.piece_end(start, class, size);
        self.scan.text.get(start..self.at)
    }
}

struct Scan<'a> {
    text: &'a str,
    classes: &'a [Class],
}

impl Scan<'_> {
    /// The class of the character at a place, and its bytes.
    fn class(&self, at: usize) -> Option<(Class, usize)> {
        let bytes = self.text.as_bytes();
        let byte = *bytes.get(at)?;
        if byte < 0x80 {
            return Some((self.classes[usize::from(byte)], 1));
        }
        // Three bytes have nearly all characters of East Asia: read without looking for boundaries, which `at` is one of.
        if byte & 0xf0 == 0xe0
            && let Some([second, third]) = bytes.get(at + 1..at + 3)
        {
            let code =
                usize::from(byte & 0x0f) << 12 | usize::from(second & 0x3f) << 6 | usize::from(third & 0x3f);
            return Some((self.classes[code], 3));
        }
        let character = self.text.get(at..)?.chars().next()?;
        Some((self.classes[character as usize], character.len_utf8()))
    }

    /// Where a run of characters ends.
    fn run(&self, mut at: usize, in_run: impl Fn(Class) -> bool) -> usize {
        while let Some((class, size)) = self.class(at)
            && in_run(class)
        {
            at += size;
        }
        at
    }

    fn piece_end(&self, start: usize, class: Class, size: usize) -> usize {
        let word =
            |from: usize, end: Option<usize>| end.map(|end| self.suffix(end)).filter(|end| *end > from);
        // Both ways of a word are tried with a prefix first, then without.
        if class.prefix() {
            let after = start + size;
            let found = word(start, self.mixed(after))
                .or_else(|| word(start, self.mixed(start)))
                .or_else(|| word(start, self.capital(after)))
                .or_else(|| word(start, self.capital(start)));
            if let Some(end) = found {
                return end;
            }
        } else if class.upper() || class.lower() {
            let found = word(start, self.mixed(start)).or_else(|| word(start, self.capital(start)));
            if let Some(end) = found {
                return end;
            }
        }
        if class == Class::Number {
            return self.digits(start);
        }
        if let Some(end) = self.signs(start, class, size) {
            return end;
        }
        self.blanks(start)
    }

    /// `U* L+`: upper-case letters, then lower-case ones, of which there is at least one.
    fn mixed(&self, start: usize) -> Option<usize> {
        let mut at = start;
        let mut after_last_both = None;
        while let Some((class, size)) = self.class(at)
            && class.upper()
        {
            at += size;
            if class.both() {
                after_last_both = Some(at);
            }
        }
        let end = self.run(at, Class::lower);
        if end > at { Some(end) } else { after_last_both }
    }

    /// `U+ L*`, where [`Self::mixed`] did not fit.
    fn capital(&self, start: usize) -> Option<usize> {
        let upper = self.run(start, Class::upper);
        (upper > start).then(|| self.run(upper, Class::lower))
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
    fn suffix(&self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if bytes.get(at) != Some(&b'\'') {
            return at;
        }
        let letter = |place: usize| bytes.get(at + place).map(u8::to_ascii_lowercase);
        match (letter(1), letter(2)) {
            (Some(b's' | b't' | b'm' | b'd'), _) => at + 2,
            (Some(b'r'), Some(b'e')) | (Some(b'v'), Some(b'e')) | (Some(b'l'), Some(b'l')) => at + 3,
            // The long s is an s in another case.
            _ if self.text[at + 1..].starts_with('ſ') => at + 1 + 'ſ'.len_utf8(),
            _ => at,
        }
    }

    fn digits(&self, start: usize) -> usize {
        let mut at = start;
        for _ in 0..3 {
            match self.class(at) {
                Some((Class::Number, size)) => at += size,
                _ => break,
            }
        }
        at
    }

    /// `_?O+[\r\n/]*`
    fn signs(&self, start: usize, class: Class, size: usize) -> Option<usize> {
        let first = match class {
            Class::Space if self.text.as_bytes()[start] == b' ' => start + size,
            _ => start,
        };
        let end = self.run(first, Class::other);
        if end == first {
            return None;
        }
        let rest = &self.text.as_bytes()[end..];
        let more = rest
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n' | b'/'));
        Some(end + more.count())
    }

    /// The three ways of white space.
    fn blanks(&self, start: usize) -> usize {
        let (mut at, mut last, mut after_break) = (start, start, None);
        while let Some((class, size)) = self.class(at)
            && class.white()
        {
            last = at;
            at += size;
            if class == Class::Break {
                after_break = Some(at);
            }
        }
        match after_break {
            Some(end) => end,
            // Before something that is no white space, the last blank is left to it.
            None if at < self.text.len() && last > start => last,
            None => at,
        }
    }
}
