//! Rich Text Format: a reader of its groups and control words that keeps text, line ends and table cells.
//!
//! Invariant: pictures, objects, fonts and everything marked as ignorable is skipped; groups are bounded; no control
//! word can make the reader allocate more than the file holds.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::table::{guess_header_rows, tidy};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};
use encoding_rs::{Encoding, SHIFT_JIS, WINDOWS_1252};

/// Destinations whose content is not text of the document.
const SKIPPED: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "themedata",
    "colorschememapping",
    "datastore",
    "latentstyles",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "mmathPr",
    "filetbl",
    "revtbl",
    "fldinst",
    "bkmkstart",
    "bkmkend",
    "atnid",
    "atnauthor",
    "atndate",
    "nonshppict",
    "wgrffmtfilter",
    "panose",
    "falt",
    "objdata",
    "objclass",
    "sp",
    "deleted",
    "xe",
    "tc",
    "rxe",
    "tcn",
    "template",
    "private",
    "pgdsctbl",
    "docvar",
    "mhtmltag",
];

/// State that a closing brace restores.
#[derive(Clone)]
struct Group {
    skipped: bool,
    hidden: bool,
    unicode_skip: usize,
    encoding: &'static Encoding,
}

struct Reader<'a, 'b> {
    bytes: &'a [u8],
    position: usize,
    groups: Vec<Group>,
    state: Group,
    /// Bytes of the document's code page that wait to be decoded together.
    pending: Vec<u8>,
    high_surrogate: Option<u16>,
    /// Characters to pass over after a Unicode character.
    to_skip: usize,
    fonts: std::collections::HashMap<i32, &'static Encoding>,
    in_font_table: Option<usize>,
    font: i32,
    default_encoding: &'static Encoding,
    line: String,
    outline: Option<u8>,
    in_table: bool,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
    pictures: usize,
    context: &'a ParseContext,
    builder: &'b mut DocumentBuilder,
}

/// Reads rich text.
///
/// # Errors
/// Damaged, too many groups, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    context.begin_page(1, builder)?;
    let start = Group {
        skipped: false,
        hidden: false,
        unicode_skip: 1,
        encoding: WINDOWS_1252,
    };
    let mut reader = Reader {
        bytes: bytes.trim_ascii_start(),
        position: 0,
        groups: Vec::new(),
        state: start,
        pending: Vec::new(),
        high_surrogate: None,
        to_skip: 0,
        fonts: std::collections::HashMap::new(),
        in_font_table: None,
        font: 0,
        default_encoding: WINDOWS_1252,
        line: String::new(),
        outline: None,
        in_table: false,
        row: Vec::new(),
        rows: Vec::new(),
        pictures: 0,
        context,
        builder,
    };
    reader.builder.page(None, None, TextSource::Native);
    let read = reader.read();
    reader.finish();
    read
}

impl Reader<'_, '_> {
    fn read(&mut self) -> Result<(), ParseError> {
        while let Some(byte) = self.next() {
            match byte {
                b'{' => {
                    self.decode_pending();
                    if self.groups.len() >= self.context.limits().max_nesting {
                        return Err(ParseError::limit("nesting", self.context.limits().max_nesting));
                    }
                    self.groups.push(self.state.clone());
                }
                b'}' => {
                    self.decode_pending();
                    if self.in_font_table.is_some_and(|depth| self.groups.len() <= depth) {
                        self.in_font_table = None;
                    }
                    match self.groups.pop() {
                        Some(group) => self.state = group,
                        None => return Ok(()),
                    }
                    if self.groups.is_empty() {
                        return Ok(());
                    }
                }
                b'\\' => self.control()?,
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        Err(self.context.damaged("a group is not closed"))
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.position).copied();
        self.position += 1;
        byte
    }

    fn peek(&self) -> u8 {
        self.bytes.get(self.position).copied().unwrap_or(0)
    }

    fn control(&mut self) -> Result<(), ParseError> {
        let Some(first) = self.next() else { return Ok(()) };
        if !first.is_ascii_alphabetic() {
            self.symbol(first);
            return Ok(());
        }
        let start = self.position - 1;
        while self.peek().is_ascii_alphabetic() && self.position - start < 32 {
            self.position += 1;
        }
        let word = String::from_utf8_lossy(&self.bytes[start..self.position]).into_owned();
        let number_start = self.position;
        if self.peek() == b'-' {
            self.position += 1;
        }
        while self.peek().is_ascii_digit() && self.position - number_start < 11 {
            self.position += 1;
        }
        let number = std::str::from_utf8(&self.bytes[number_start..self.position])
            .ok()
            .and_then(|number| number.parse::<i32>().ok());
        if self.peek() == b' ' {
            self.position += 1;
        }
        self.word(&word, number)
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'\'' => {
                let digits = self.bytes.get(self.position..self.position + 2);
                let byte = digits
                    .and_then(|digits| std::str::from_utf8(digits).ok())
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                if let Some(byte) = byte {
                    self.position += 2;
                    self.byte(byte);
                }
            }
            b'*' => self.state.skipped = true,
            b'~' => self.text("\u{A0}"),
            b'_' => self.text("-"),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'\r' | b'\n' => self.paragraph(),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) -> Result<(), ParseError> {
        self.decode_unless_unicode(word);
        let on = number != Some(0);
        match word {
            "fonttbl" => {
                self.in_font_table = Some(self.groups.len());
                self.state.skipped = true;
            }
            "pict" => {
                self.pictures += usize::from(!self.state.skipped);
                self.state.skipped = true;
            }
            // The wrapper of a picture, marked as ignorable; the picture inside must be counted.
            "shppict" => self.state.skipped = self.groups.last().is_some_and(|outer| outer.skipped),
            "fcharset" if self.in_font_table.is_some() => {
                if let Some(encoding) = number.and_then(charset) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            "f" | "af" if self.in_font_table.is_some() => self.font = number.unwrap_or(0),
            "f" => {
                let font = number.unwrap_or(0);
                self.state.encoding = self.fonts.get(&font).copied().unwrap_or(self.default_encoding);
            }
            "ansicpg" => {
                if let Some(encoding) = number.and_then(code_page) {
                    self.default_encoding = encoding;
                    self.state.encoding = encoding;
                }
            }
            "mac" => self.state.encoding = encoding_rs::MACINTOSH,
            "bin" => {
                self.position = self
                    .position
                    .saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0))
            }
            "uc" => self.state.unicode_skip = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16),
            "u" => self.unicode(number.unwrap_or(0)),
            "v" => self.state.hidden = on,
            "par" | "line" | "sect" | "page" => {
                self.paragraph();
                self.context.check_growth(self.builder)?;
            }
            "pard" => {
                self.in_table = false;
                self.outline = None;
            }
            "intbl" => self.in_table = true,
            "outlinelevel" => {
                self.outline = number
                    .and_then(|level| u8::try_from(level).ok())
                    .filter(|level| *level < 9)
            }
            "cell" | "nestcell" => self.cell(),
            "row" | "nestrow" => {
                self.end_row();
                self.context.check_growth(self.builder)?;
            }
            "tab" => self.text("\t"),
            "footnote" | "annotation" => self.text(" ["),
            _ if SKIPPED.contains(&word) => self.state.skipped = true,
            _ => {
                if let Some(text) = special(word) {
                    self.text(text);
                }
            }
        }
        Ok(())
    }

    /// Any control word but a Unicode character ends a run of code page bytes and of replacement characters.
    fn decode_unless_unicode(&mut self, word: &str) {
        self.decode_pending();
        if word != "u" {
            self.high_surrogate = None;
            if word != "uc" {
                self.to_skip = 0;
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if !self.state.skipped && !self.state.hidden {
            self.pending.push(byte);
        }
    }

    fn decode_pending(&mut self) {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            let text = self.state.encoding.decode_without_bom_handling(&pending).0;
            self.line.push_str(&text);
        }
    }

    fn text(&mut self, text: &str) {
        self.decode_pending();
        if !self.state.skipped && !self.state.hidden {
            self.line.push_str(text);
        }
    }

    fn unicode(&mut self, number: i32) {
        self.to_skip = self.state.unicode_skip;
        // Values above 32,767 are written as negative numbers.
        let unit = (number & 0xFFFF) as u16;
        let units = match (self.high_surrogate.take(), unit) {
            (None, 0xD800..=0xDBFF) => {
                self.high_surrogate = Some(unit);
                return;
            }
            (Some(high), low) => vec![high, low],
            (None, unit) => vec![unit],
        };
        // Symbol fonts use the private area: U+F0xx stands for the byte xx.
        let text: String = char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .map(|character| if character == '\u{F0B7}' { '•' } else { character })
            .collect();
        self.text(&text);
    }

    fn paragraph(&mut self) {
        self.decode_pending();
        if self.state.skipped {
            return;
        }
        if self.in_table {
            self.line.push(' ');
            return;
        }
        self.end_table();
        let line = std::mem::take(&mut self.line);
        let text = line.trim();
        let kind = match self.outline {
            Some(level) => LineKind::Heading(level + 1),
            None if text.starts_with(['•', '·']) => LineKind::ListItem,
            None => LineKind::Body,
        };
        self.builder.line(text, kind);
    }

    fn cell(&mut self) {
        self.decode_pending();
        let cell = std::mem::take(&mut self.line);
        self.row
            .push(cell.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    fn end_row(&mut self) {
        if !self.row.is_empty() {
            self.rows.push(std::mem::take(&mut self.row));
        }
    }

    fn end_table(&mut self) {
        let rows = tidy(std::mem::take(&mut self.rows));
        if !rows.is_empty() {
            self.builder.table(None, guess_header_rows(&rows), rows);
        }
    }

    fn finish(&mut self) {
        self.decode_pending();
        self.end_row();
        self.end_table();
        if !self.line.trim().is_empty() {
            self.in_table = false;
            self.state.skipped = false;
            self.paragraph();
        }
        if self.pictures > 0 {
            let message = format!("{} pictures were not read", self.pictures);
            self.builder.note(None, ReadNoteKind::NotRecognised, message);
        }
    }
}

fn special(word: &str) -> Option<&'static str> {
    Some(match word {
        "emdash" => "—",
        "endash" => "–",
        "bullet" => "•",
        "lquote" => "‘",
        "rquote" => "’",
        "ldblquote" => "“",
        "rdblquote" => "”",
        "emspace" | "enspace" | "qmspace" => " ",
        _ => return None,
    })
}

fn charset(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        0 | 1 => return None,
        77 => encoding_rs::MACINTOSH,
        128 => SHIFT_JIS,
        129 => encoding_rs::EUC_KR,
        134 => encoding_rs::GBK,
        136 => encoding_rs::BIG5,
        161 => encoding_rs::WINDOWS_1253,
        162 => encoding_rs::WINDOWS_1254,
        163 => encoding_rs::WINDOWS_1258,
        177 => encoding_rs::WINDOWS_1255,
        178 => encoding_rs::WINDOWS_1256,
        186 => encoding_rs::WINDOWS_1257,
        204 => encoding_rs::WINDOWS_1251,
        222 => encoding_rs::WINDOWS_874,
        238 => encoding_rs::WINDOWS_1250,
        _ => return None,
    })
}

fn code_page(number: i32) -> Option<&'static Encoding> {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        other => format!("windows-{other}"),
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::ParseError;
    use crate::testing::{outline, parse};

    #[test]
    fn text_is_read_and_the_rest_is_skipped() {
        let check = |rtf: &str, expected: &str| {
            assert_eq!(outline(&parse(rtf.as_bytes(), "").unwrap()), expected, "{rtf}");
        };
        check(
            r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title x}}Hello \b bold\b0\par caf\'e9 \u8364?\par}",
            "Hello bold\ncafé €\n",
        );
        check(r"{\rtf1\ansi\uc1\u-10179?\u-8704? ok}", "😀 ok\n");
        check(
            r"{\rtf1{\fonttbl{\f0 A;}{\f1\fcharset204 B;}}\f1\'cf\'f0 \f0 x\par}",
            "Пр x\n",
        );
        check(r"{\rtf1\ansicpg932\'93\'fa\'96\'7b\par}", "日本\n");
        check(
            r"{\rtf1\trowd\intbl Name\cell Age\cell\row\trowd\intbl Ann\cell 30\cell\row\pard After\par}",
            "|! Name | Age\n| Ann | 30\nAfter\n",
        );
        check(
            r"{\rtf1 a{\*\unknown gone}b{\v hidden}c{\pict 00ff}\par}",
            "abc\n(NotRecognised) 1 pictures were not read\n",
        );
        check(r"{\rtf1 {\outlinelevel0 Title\par}\pard body}", "# Title\nbody\n");
    }

    #[test]
    fn hostile_rich_text_ends() {
        let deep = format!("{{\\rtf1{}", "{".repeat(100_000));
        assert!(matches!(
            parse(deep.as_bytes(), ""),
            Err(ParseError::LimitReached { .. })
        ));
        let cut = parse(b"{\\rtf1 some text\\par more", "").unwrap();
        assert_eq!(cut.notes.len(), 1);
        assert_eq!(cut.pages[0].lines.len(), 2);
        assert!(parse(b"{\\rtf1 \\bin2147483647 x}", "").is_err());
    }
}
