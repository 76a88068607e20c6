//! Building a [`Document`]: what every parser uses.
//!
//! Invariant: the ranges of a document hold by construction.

use super::{
    BoundingBox, Document, DocumentFormat, Grid, Line, LineKind, Page, PageSize, ReadNote, ReadNoteKind,
    Table, TextSource, Word,
};

/// Builds a [`Document`] so that its ranges hold by construction; every parser uses it.
#[derive(Debug)]
pub struct DocumentBuilder {
    document: Document,
}

impl DocumentBuilder {
    /// An empty document.
    pub fn new(parser_version: u32, format: DocumentFormat) -> Self {
        Self {
            document: Document {
                parser_version,
                format,
                title: None,
                text: String::new(),
                pages: Vec::new(),
                tables: Vec::new(),
                notes: Vec::new(),
            },
        }
    }

    /// Sets the title that the file declares; an empty one counts as none.
    pub fn title(&mut self, title: Option<String>) {
        self.document.title = title
            .map(|title| title.trim().to_owned())
            .filter(|title| !title.is_empty());
    }

    /// Starts the next page; lines go onto the page that was started last.
    pub fn page(&mut self, label: Option<String>, size: Option<PageSize>, source: TextSource) {
        if !self.document.pages.is_empty() {
            self.document.text.push('\n');
        }
        let start = self.position();
        let number = self.document.pages.len() as u32 + 1;
        self.document.pages.push(Page {
            number,
            label,
            size,
            start,
            end: start,
            source,
            lines: Vec::new(),
        });
    }

    /// Appends a line of plain text. A line break inside becomes a space; starts a page where there is none.
    pub fn line(&mut self, text: &str, kind: LineKind) {
        let start = self.begin_line();
        self.push_clean(text);
        self.end_line(start, None, kind, Vec::new());
    }

    /// Appends a line from words with boxes, joined by the given separator (`""` for scripts without spaces).
    pub fn line_of_words(&mut self, words: &[PlacedWord<'_>], kind: LineKind) {
        let start = self.begin_line();
        let mut placed = Vec::with_capacity(words.len());
        let mut bounds: Option<BoundingBox> = None;
        for word in words {
            if word.space_before && self.position() > start {
                self.document.text.push(' ');
            }
            let word_start = self.position();
            self.push_clean(word.text);
            let end = self.position();
            placed.push(Word {
                start: word_start,
                end,
                bounds: word.bounds,
                confidence: word.confidence,
            });
            bounds = Some(bounds.map_or(word.bounds, |all| all.union(word.bounds)));
        }
        self.end_line(start, bounds, kind, placed);
    }

    /// Adds a table and its rows as lines on the current page.
    pub fn table(&mut self, name: Option<String>, header_rows: u32, rows: Vec<Vec<String>>) {
        self.add_table(name, header_rows, rows, None);
    }

    /// [`DocumentBuilder::table`] of a sheet, whose cells have places and values.
    pub fn sheet_table(
        &mut self,
        name: Option<String>,
        header_rows: u32,
        rows: Vec<Vec<String>>,
        grid: Grid,
    ) {
        self.add_table(name, header_rows, rows, Some(grid));
    }

    fn add_table(
        &mut self,
        name: Option<String>,
        header_rows: u32,
        rows: Vec<Vec<String>>,
        grid: Option<Grid>,
    ) {
        if self.document.pages.is_empty() {
            self.page(None, None, TextSource::Native);
        }
        let table = self.register_table(name, header_rows, rows);
        self.document.tables[table as usize].grid = grid;
        let count = self.document.tables[table as usize].rows.len();
        for row in 0..count {
            let text = self.document.tables[table as usize].rows[row].join(" | ");
            self.line(
                &text,
                LineKind::TableRow {
                    table,
                    row: row as u32,
                },
            );
        }
    }

    /// Adds a table whose lines the caller appends itself (with boxes); returns its index for [`LineKind::TableRow`].
    pub fn register_table(&mut self, name: Option<String>, header_rows: u32, rows: Vec<Vec<String>>) -> u32 {
        let page = self.document.pages.len().max(1) as u32;
        self.document.tables.push(Table {
            page,
            name,
            header_rows,
            rows,
            grid: None,
        });
        self.document.tables.len() as u32 - 1
    }

    /// Reports something that was present but not read.
    pub fn note(&mut self, page: Option<u32>, kind: ReadNoteKind, message: impl Into<String>) {
        self.document.notes.push(ReadNote {
            page,
            kind,
            message: message.into(),
        });
    }

    /// The number of the current page; 0 before the first.
    pub fn current_page(&self) -> u32 {
        self.document.pages.len() as u32
    }

    /// Bytes of text so far, for limits.
    pub fn text_len(&self) -> usize {
        self.document.text.len()
    }

    /// The finished document; a document without any page gets an empty one.
    pub fn finish(mut self) -> Document {
        if self.document.pages.is_empty() {
            self.page(None, None, TextSource::Native);
        }
        self.document
    }

    fn position(&self) -> u32 {
        u32::try_from(self.document.text.len()).unwrap_or(u32::MAX)
    }

    fn begin_line(&mut self) -> u32 {
        if self.document.pages.is_empty() {
            self.page(None, None, TextSource::Native);
        }
        self.position()
    }

    fn push_clean(&mut self, text: &str) {
        self.document.text.extend(
            text.chars()
                .map(|c| if c.is_control() && c != '\t' { ' ' } else { c }),
        );
    }

    fn end_line(&mut self, start: u32, bounds: Option<BoundingBox>, kind: LineKind, words: Vec<Word>) {
        let end = self.position();
        self.document.text.push('\n');
        let page_end = self.position();
        if let Some(page) = self.document.pages.last_mut() {
            page.lines.push(Line {
                start,
                end,
                bounds,
                kind,
                words,
            });
            page.end = page_end;
        }
    }
}

/// A word on its way into [`DocumentBuilder::line_of_words`].
#[derive(Debug, Clone, Copy)]
pub struct PlacedWord<'a> {
    /// The word's text.
    pub text: &'a str,
    /// Its place on the page.
    pub bounds: BoundingBox,
    /// OCR confidence, 0 to 1.
    pub confidence: Option<f32>,
    /// Whether a space stands before it.
    pub space_before: bool,
}
