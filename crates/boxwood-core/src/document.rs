//! What a file turned into after parsing.
//!
//! Invariant: every range in a [`Document`] is a byte range of [`Document::text`] on character boundaries, pages and
//! lines are in reading order and do not overlap, and nothing that was present but not read is missing from
//! [`Document::notes`]. Made by `boxwood-ingest`, kept by the store as a versioned artifact, read by `boxwood-answer`.

mod builder;

pub use builder::{DocumentBuilder, PlacedWord};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A parsed file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Which parser made it; an artifact of another version is parsed again.
    pub parser_version: u32,
    /// The format that the content showed (never the file's name).
    pub format: DocumentFormat,
    /// The title that the file itself declares.
    pub title: Option<String>,
    /// All text: lines end in `\n`, pages are separated by one more `\n`.
    pub text: String,
    /// Pages in order: PDF pages, slides, sheets, image frames; one page for a format without pages.
    pub pages: Vec<Page>,
    /// Tables whose cells are known. Their rows also stand in `text`, one line a row, cells joined by ` | `.
    pub tables: Vec<Table>,
    /// What was present but could not be read, and why. Reported in every answer over this document.
    pub notes: Vec<ReadNote>,
}

/// One page, slide, sheet or frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// 1-based.
    pub number: u32,
    /// Sheet name, slide title; `None` where the page has only a number.
    pub label: Option<String>,
    /// Size of the rotated page in points; `None` where the format has no geometry.
    pub size: Option<PageSize>,
    /// Byte range in [`Document::text`].
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
    /// How the text was obtained.
    pub source: TextSource,
    /// Lines in reading order.
    pub lines: Vec<Line>,
}

/// Width and height in points (1/72 inch).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageSize {
    /// Width in points.
    pub width: f32,
    /// Height in points.
    pub height: f32,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Byte range in [`Document::text`], without the line end.
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
    /// Where it stands on the page, where that is known.
    pub bounds: Option<BoundingBox>,
    /// What kind of line it is.
    pub kind: LineKind,
    /// Words with boxes; empty where the format has no geometry.
    pub words: Vec<Word>,
}

/// What a line is in the structure of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineKind {
    /// Running text.
    Body,
    /// A heading; 1 is the topmost level.
    Heading(u8),
    /// An item of a list.
    ListItem,
    /// A row of `Document::tables[table]`.
    TableRow {
        /// Index into [`Document::tables`].
        table: u32,
        /// Index into [`Table::rows`].
        row: u32,
    },
}

/// One word with its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Byte range in [`Document::text`].
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
    /// Where it stands on the page.
    pub bounds: BoundingBox,
    /// OCR confidence, 0 to 1; `None` for text that was not recognised from pixels.
    pub confidence: Option<f32>,
}

/// A rectangle in points from the top left corner of the rotated page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Distance from the left edge.
    pub left: f32,
    /// Distance from the top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl BoundingBox {
    /// The smallest box around both.
    pub fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Width in points; never negative.
    pub fn width(&self) -> f32 {
        (self.right - self.left).max(0.0)
    }

    /// Height in points; never negative.
    pub fn height(&self) -> f32 {
        (self.bottom - self.top).max(0.0)
    }
}

/// A table whose cells are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The page (sheet, slide) it stands on, 1-based.
    pub page: u32,
    /// Sheet name or caption.
    pub name: Option<String>,
    /// How many of the first rows are headers.
    pub header_rows: u32,
    /// Cells as the reader of the file sees them (formatted values), row by row.
    pub rows: Vec<Vec<String>>,
    /// Of a sheet: where the cells stand and what they hold; `None` for tables of texts.
    pub grid: Option<Grid>,
}

/// Where the cells of a sheet's table stand, and the values behind what they show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// For each column of the table its column in the sheet; 0 is `A`.
    pub columns: Vec<u32>,
    /// For each of [`Table::rows`] its row in the sheet; 0 is row 1.
    pub rows: Vec<u32>,
    /// One value a cell, row by row; empty where the format has nothing but text (CSV).
    pub values: Vec<Vec<CellValue>>,
}

/// What a cell of a sheet holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum CellValue {
    /// Nothing, or the text that [`Table::rows`] shows.
    Text,
    /// A number, as exact as the file's.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// A date or a date with a time: seconds since 1970-01-01 00:00, by the sheet's own clock.
    Moment(i64),
}

/// How a page's text was obtained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextSource {
    /// The file holds text.
    Native,
    /// Recognised from pixels, by the engine named.
    Ocr {
        /// `"pp-ocrv6"`, `"tesseract"`, `"tesseract (rus)"`, or both names where they read different lines.
        engine: String,
    },
    /// Both: text from the file, and recognised text for the parts that were images.
    Mixed {
        /// The OCR engine.
        engine: String,
    },
}

/// Something that was present but not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadNote {
    /// The page it concerns; `None`: the whole file.
    pub page: Option<u32>,
    /// The kind.
    pub kind: ReadNoteKind,
    /// In words, for people: "2 embedded files were not opened".
    pub message: String,
}

/// Kinds of [`ReadNote`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadNoteKind {
    /// A part of the file is damaged; the rest was read.
    Damaged,
    /// A limit of pages, bytes, time or nesting was reached.
    LimitReached,
    /// Pixels that were not recognised: no engine, or not legible.
    NotRecognised,
    /// Embedded or attached files that were not opened.
    Embedded,
    /// A feature of the format that the parser does not read.
    Unsupported,
}

/// The formats that Boxwood reads: the set is ours, so every `match` breaks when it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// PDF
    Pdf,
    /// Word, Office Open XML
    Docx,
    /// PowerPoint, Office Open XML
    Pptx,
    /// Excel, Office Open XML (also macro-enabled)
    Xlsx,
    /// Excel 97–2004
    Xls,
    /// Excel binary workbook
    Xlsb,
    /// OpenDocument spreadsheet
    Ods,
    /// OpenDocument text
    Odt,
    /// OpenDocument presentation
    Odp,
    /// Rich text
    Rtf,
    /// Comma-, tab- or semicolon-separated values
    Csv,
    /// HTML
    Html,
    /// Markdown
    Markdown,
    /// Plain text, source code
    Text,
    /// JSON
    Json,
    /// XML
    Xml,
    /// E-mail message
    Eml,
    /// PNG
    Png,
    /// JPEG
    Jpeg,
    /// TIFF
    Tiff,
    /// WebP
    Webp,
    /// BMP
    Bmp,
    /// GIF
    Gif,
}

impl DocumentFormat {
    /// Whether the file is a picture, so that all its text comes from OCR.
    pub fn is_image(self) -> bool {
        matches!(
            self,
            Self::Png | Self::Jpeg | Self::Tiff | Self::Webp | Self::Bmp | Self::Gif
        )
    }

    /// Whether the file is a workbook, so that the `spreadsheet` processor takes it.
    pub fn is_spreadsheet(self) -> bool {
        matches!(self, Self::Xlsx | Self::Xls | Self::Xlsb | Self::Ods | Self::Csv)
    }
}

impl Page {
    /// The page's range in [`Document::text`].
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Line {
    /// The line's range in [`Document::text`].
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Word {
    /// The word's range in [`Document::text`].
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A stored artifact that is not a [`Document`] of this build.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The bytes are not an artifact.
    #[error("the stored parse result is damaged")]
    Damaged(#[source] postcard::Error),
    /// The document breaks an invariant.
    #[error("the parse result breaks an invariant: {0}")]
    Invariant(String),
}

impl Document {
    /// The text of a page.
    pub fn page_text(&self, page: &Page) -> &str {
        self.text.get(page.range()).unwrap_or("")
    }

    /// The text of a line.
    pub fn line_text(&self, line: &Line) -> &str {
        self.text.get(line.range()).unwrap_or("")
    }

    /// The page on which a byte of `text` stands.
    pub fn page_at(&self, offset: usize) -> Option<&Page> {
        let index = self.pages.partition_point(|page| page.start as usize <= offset);
        self.pages.get(index.checked_sub(1)?)
    }

    /// The bytes of the artifact.
    ///
    /// # Errors
    /// When the encoder fails, which only lack of memory can cause.
    pub fn to_artifact(&self) -> Result<Vec<u8>, ArtifactError> {
        postcard::to_stdvec(self).map_err(ArtifactError::Damaged)
    }

    /// Reads an artifact and checks its invariants, since a blob store may return damaged bytes.
    ///
    /// # Errors
    /// [`ArtifactError`]: the caller parses the file again.
    pub fn from_artifact(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let document: Self = postcard::from_bytes(bytes).map_err(ArtifactError::Damaged)?;
        document.check()?;
        Ok(document)
    }

    /// Checks the invariants that the module states.
    ///
    /// # Errors
    /// [`ArtifactError::Invariant`] with the first that does not hold.
    pub fn check(&self) -> Result<(), ArtifactError> {
        let broken = |what: String| Err(ArtifactError::Invariant(what));
        let mut position = 0usize;
        for page in &self.pages {
            if page.range().start < position || self.text.get(page.range()).is_none() {
                return broken(format!(
                    "page {} has the range {}..{}",
                    page.number, page.start, page.end
                ));
            }
            let mut line_position = page.start as usize;
            for line in &page.lines {
                let inside = line.range().start >= line_position && line.end <= page.end;
                if !inside || self.text.get(line.range()).is_none() {
                    return broken(format!(
                        "a line of page {} has the range {}..{}",
                        page.number, line.start, line.end
                    ));
                }
                if line
                    .words
                    .iter()
                    .any(|word| self.text.get(word.range()).is_none())
                {
                    return broken(format!("a word of page {} is outside the text", page.number));
                }
                if let LineKind::TableRow { table, row } = line.kind {
                    let rows = self
                        .tables
                        .get(table as usize)
                        .map_or(0, |table| table.rows.len());
                    if row as usize >= rows {
                        return broken(format!(
                            "a line of page {} names row {row} of table {table}",
                            page.number
                        ));
                    }
                }
                line_position = line.end as usize;
            }
            position = page.end as usize;
        }
        match self.tables.iter().position(|table| !table.grid_fits()) {
            Some(table) => broken(format!("the cells of table {table} do not fit its rows")),
            None => Ok(()),
        }
    }
}

impl Table {
    /// Whether the grid, where there is one, has a place and a value for every cell.
    fn grid_fits(&self) -> bool {
        let Some(grid) = &self.grid else { return true };
        let is_wide = |width: usize| width == grid.columns.len();
        grid.rows.len() == self.rows.len()
            && self.rows.iter().all(|row| is_wide(row.len()))
            && (grid.values.is_empty() || grid.values.len() == self.rows.len())
            && grid.values.iter().all(|row| is_wide(row.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Document {
        let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
        builder.page(
            None,
            Some(PageSize {
                width: 595.0,
                height: 842.0,
            }),
            TextSource::Native,
        );
        builder.line("Ünïcode\nline", LineKind::Body);
        builder.page(Some("Second".into()), None, TextSource::Native);
        builder.table(
            None,
            1,
            vec![vec!["a".into(), "b".into()], vec!["1".into(), "2".into()]],
        );
        let bounds = BoundingBox {
            left: 1.0,
            top: 2.0,
            right: 3.0,
            bottom: 4.0,
        };
        let word = |text, space_before| PlacedWord {
            text,
            bounds,
            confidence: None,
            space_before,
        };
        builder.line_of_words(&[word("two", false), word("words", true)], LineKind::Heading(1));
        builder.finish()
    }

    #[test]
    fn built_documents_hold_their_invariants_and_survive_the_artifact() {
        let document = sample();
        let restored = Document::from_artifact(&document.to_artifact().unwrap()).unwrap();
        assert_eq!(restored, document);
        assert_eq!(document.text, "Ünïcode line\n\na | b\n1 | 2\ntwo words\n");
        let heading = &document.pages[1].lines[2];
        assert_eq!(document.line_text(heading), "two words");
        assert_eq!(&document.text[heading.words[1].range()], "words");
    }

    #[test]
    fn a_damaged_artifact_is_refused() {
        let mut document = sample();
        document.pages[1].lines[0].end = 9_999;
        let bytes = document.to_artifact().unwrap();
        assert!(matches!(
            Document::from_artifact(&bytes),
            Err(ArtifactError::Invariant(_))
        ));
        assert!(Document::from_artifact(&bytes[..10]).is_err());
    }

    #[test]
    fn a_grid_that_does_not_fit_its_rows_is_refused() {
        let grid = |rows: Vec<u32>, values: Vec<Vec<CellValue>>| Grid {
            columns: vec![0, 3],
            rows,
            values,
        };
        let check = |grid: Grid, fits: bool| {
            let mut builder = DocumentBuilder::new(1, DocumentFormat::Xlsx);
            builder.sheet_table(None, 0, vec![vec!["a".into(), "2".into()]], grid);
            let document = builder.finish();
            assert_eq!(document.check().is_ok(), fits);
            assert_eq!(
                Document::from_artifact(&document.to_artifact().unwrap()).is_ok(),
                fits
            );
        };
        let values = vec![vec![CellValue::Text, CellValue::Number(2.0)]];
        check(grid(vec![4], values.clone()), true);
        check(grid(vec![4], Vec::new()), true);
        check(grid(vec![4, 5], values), false);
        check(grid(vec![4], vec![vec![CellValue::Text]]), false);
    }

    #[test]
    fn an_offset_finds_its_page() {
        let document = sample();
        assert_eq!(document.page_at(0).map(|page| page.number), Some(1));
        assert_eq!(
            document.page_at(document.text.len() - 2).map(|page| page.number),
            Some(2)
        );
    }
}
