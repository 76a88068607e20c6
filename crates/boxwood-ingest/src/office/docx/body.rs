//! The walk over a part that holds paragraphs and tables.
//!
//! Invariant: recursion follows the nesting of the XML, which the reader bounds.

use super::numbering::Numbering;
use super::styles::Styles;
use super::{Findings, NoteKind};
use crate::context::ParseContext;
use crate::error::ParseError;
use crate::office::blocks::{Block, Grid, cell_text};
use crate::office::relationships::Relationships;
use crate::xml::{Element, Node, XmlReader};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, TextSource};

/// A cell may claim to span this many columns.
const MAX_SPAN: usize = 100;

/// What all parts of a document share.
pub(super) struct Scope<'a> {
    pub(super) relationships: &'a Relationships,
    pub(super) styles: &'a Styles,
    pub(super) numbering: Numbering,
    pub(super) findings: Findings,
}

/// Reads one part.
pub(super) struct Body<'a, 'b, 's> {
    reader: XmlReader<'a>,
    scope: &'b mut Scope<'s>,
    /// Word marks where its pages broke when it last laid the document out.
    pages_known: bool,
    breaks_before: usize,
    breaks_after: usize,
}

/// A paragraph while it is read.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    list: Option<(String, usize)>,
    outline: Option<u8>,
    hidden: bool,
    /// What stands in text boxes that hang on this paragraph.
    boxes: Vec<Block>,
}

impl<'a, 'b, 's> Body<'a, 'b, 's> {
    pub(super) fn new(xml: &'a str, scope: &'b mut Scope<'s>) -> Self {
        Self {
            pages_known: xml.contains("lastRenderedPageBreak"),
            reader: XmlReader::new(xml),
            scope,
            breaks_before: 0,
            breaks_after: 0,
        }
    }

    pub(super) fn next(&mut self, context: &ParseContext) -> Result<Node<'a>, ParseError> {
        self.reader.next(context)
    }

    /// Reads the main part into the document, block by block.
    pub(super) fn read_document(
        &mut self,
        context: &mut ParseContext,
        builder: &mut DocumentBuilder,
    ) -> Result<(), ParseError> {
        loop {
            match self.next(context)? {
                Node::Open(element) if matches!(element.name(), "document" | "body") => {}
                Node::Open(element) => {
                    let mut blocks = Vec::new();
                    let read = self.block(&element, &mut blocks, context);
                    self.turn_pages(true, context, builder)?;
                    blocks
                        .into_iter()
                        .try_for_each(|block| block.append(context, builder))?;
                    self.turn_pages(false, context, builder)?;
                    read?;
                }
                Node::End => return Ok(()),
                Node::Close | Node::Text(_) => {}
            }
        }
    }

    fn turn_pages(
        &mut self,
        before: bool,
        context: &mut ParseContext,
        builder: &mut DocumentBuilder,
    ) -> Result<(), ParseError> {
        let breaks = if before {
            &mut self.breaks_before
        } else {
            &mut self.breaks_after
        };
        for _ in 0..std::mem::take(breaks) {
            context.begin_page(builder.current_page() + 1, builder)?;
            builder.page(None, None, TextSource::Native);
        }
        Ok(())
    }

    /// All blocks of a part that is not the main one.
    pub(super) fn read_all(mut self, context: &ParseContext) -> Result<Vec<Block>, ParseError> {
        let mut blocks = Vec::new();
        loop {
            match self.next(context)? {
                Node::Open(element) if matches!(element.name(), "hdr" | "ftr") => {}
                Node::Open(element) => self.block(&element, &mut blocks, context)?,
                Node::End => return Ok(blocks),
                Node::Close | Node::Text(_) => {}
            }
        }
    }

    /// The blocks inside the element that was opened last.
    pub(super) fn blocks(&mut self, context: &ParseContext) -> Result<Vec<Block>, ParseError> {
        let mut blocks = Vec::new();
        self.blocks_into(&mut blocks, context)?;
        Ok(blocks)
    }

    fn blocks_into(&mut self, blocks: &mut Vec<Block>, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        while self.reader.depth() > outside {
            if let Node::Open(element) = self.next(context)? {
                self.block(&element, blocks, context)?;
            }
        }
        Ok(())
    }

    fn block(
        &mut self,
        element: &Element<'_>,
        blocks: &mut Vec<Block>,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        match element.name() {
            "p" => self.paragraph(blocks, context),
            "tbl" => self.table(blocks, context),
            "AlternateContent" => {
                self.alternative(context, |body, context| body.blocks_into(blocks, context))
            }
            "del" | "moveFrom" => self.skip_deleted(context),
            "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" | "smartTag" | "txbxContent" => {
                self.blocks_into(blocks, context)
            }
            _ => self.reader.skip(context),
        }
    }

    fn skip_deleted(&mut self, context: &ParseContext) -> Result<(), ParseError> {
        self.scope.findings.deleted += 1;
        self.reader.skip(context)
    }

    /// Reads the first choice of alternative representations of the same content.
    fn alternative(
        &mut self,
        context: &ParseContext,
        mut read: impl FnMut(&mut Self, &ParseContext) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        let mut chosen = false;
        while self.reader.depth() > outside {
            let Node::Open(element) = self.next(context)? else {
                continue;
            };
            match element.name() {
                "Choice" | "Fallback" if !chosen => {
                    chosen = true;
                    read(self, context)?;
                }
                _ => self.reader.skip(context)?,
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, blocks: &mut Vec<Block>, context: &ParseContext) -> Result<(), ParseError> {
        let mut paragraph = Paragraph::default();
        let read = self.inline(&mut paragraph, context);
        let kind = self.kind(&paragraph);
        let list = paragraph
            .list
            .clone()
            .or_else(|| self.scope.styles.list(paragraph.style.as_deref()?))
            .filter(|(list, _)| list != "0");
        let mut text = paragraph.text;
        let mut is_item = false;
        if let Some((list, level)) = list.filter(|_| !text.trim().is_empty())
            && let Some(label) = self.scope.numbering.next_label(&list, level)
        {
            text = format!("{} {}", label.trim(), text.trim_start());
            is_item = true;
        }
        let kind = match kind {
            LineKind::Body if is_item => LineKind::ListItem,
            kind => kind,
        };
        if !text.trim().is_empty() {
            blocks.push(Block::Paragraph(text, kind));
        }
        blocks.append(&mut paragraph.boxes);
        read
    }

    fn kind(&self, paragraph: &Paragraph) -> LineKind {
        let own = paragraph.outline.map(|level| level + 1);
        let level = own.or_else(|| self.scope.styles.heading(paragraph.style.as_deref()?));
        level.map_or(LineKind::Body, LineKind::Heading)
    }

    /// Reads what stands inside a line, of the element that was opened last.
    fn inline(&mut self, paragraph: &mut Paragraph, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        while self.reader.depth() > outside {
            if let Node::Open(element) = self.next(context)? {
                self.inline_element(&element, paragraph, context)?;
            }
        }
        Ok(())
    }

    fn inline_element(
        &mut self,
        element: &Element<'_>,
        paragraph: &mut Paragraph,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        match element.name() {
            "t" => {
                let text = self.reader.text(context)?;
                if !paragraph.hidden {
                    paragraph.text.push_str(&text);
                }
                return Ok(());
            }
            "r" => {
                let outer = paragraph.hidden;
                self.inline(paragraph, context)?;
                paragraph.hidden = outer;
                return Ok(());
            }
            "pPr" => return self.paragraph_properties(paragraph, context),
            "rPr" => {
                let run = super::properties(&mut self.reader, context)?;
                let hidden = run.iter().any(|(name, value)| name == "vanish" && value != "off");
                paragraph.hidden |= hidden;
                return Ok(());
            }
            "txbxContent" => {
                let blocks = self.blocks(context)?;
                paragraph.boxes.extend(blocks);
                return Ok(());
            }
            "hyperlink" => return self.hyperlink(element, paragraph, context),
            "AlternateContent" => {
                return self.alternative(context, |body, context| body.inline(paragraph, context));
            }
            "del" | "moveFrom" => return self.skip_deleted(context),
            "delText" | "instrText" | "delInstrText" | "sdtPr" | "rt" | "fldData" => {
                return self.reader.skip(context);
            }
            _ => {}
        }
        self.mark(element, paragraph);
        self.inline(paragraph, context)
    }

    /// Elements that stand for a character or for something that is not text.
    fn mark(&mut self, element: &Element<'_>, paragraph: &mut Paragraph) {
        let findings = &mut self.scope.findings;
        match element.name() {
            "tab" | "ptab" => paragraph.text.push('\t'),
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('-'),
            "sym" => paragraph.text.extend(symbol(element)),
            "blip" | "imagedata" => findings.pictures += 1,
            "chart" | "relIds" => findings.charts += 1,
            "OLEObject" => findings.embedded += 1,
            "footnoteReference" | "endnoteReference" => {
                let kind = if element.name().starts_with('f') {
                    NoteKind::Footnote
                } else {
                    NoteKind::Endnote
                };
                let id = element.attribute("id").unwrap_or_default();
                findings.notes.push((kind, id));
                paragraph.text.push_str(&format!("[{}]", findings.notes.len()));
            }
            "lastRenderedPageBreak" if self.pages_known => {
                if paragraph.text.trim().is_empty() && self.breaks_after == 0 {
                    self.breaks_before += 1;
                } else {
                    self.breaks_after += 1;
                }
            }
            _ => {}
        }
    }

    fn paragraph_properties(
        &mut self,
        paragraph: &mut Paragraph,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        let (mut list, mut level) = (None, 0);
        while self.reader.depth() > outside {
            let Node::Open(element) = self.next(context)? else {
                continue;
            };
            let value = element.attribute("val");
            match element.name() {
                // Earlier properties of tracked changes, and those of the paragraph's mark.
                "pPrChange" | "rPr" | "sectPr" => self.reader.skip(context)?,
                "pStyle" => paragraph.style = value,
                "outlineLvl" => {
                    paragraph.outline = value
                        .and_then(|level| level.parse().ok())
                        .filter(|level| *level < 9);
                }
                "numId" => list = value,
                "ilvl" => level = value.and_then(|level| level.parse().ok()).unwrap_or(0),
                _ => {}
            }
        }
        paragraph.list = list.map(|list| (list, level));
        Ok(())
    }

    /// The address follows the text where it leads out of the document and is not the text itself.
    fn hyperlink(
        &mut self,
        element: &Element<'_>,
        paragraph: &mut Paragraph,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let start = paragraph.text.len();
        self.inline(paragraph, context)?;
        let id = element.attribute("id").unwrap_or_default();
        let Some(link) = self.scope.relationships.get(&id).filter(|link| link.external) else {
            return Ok(());
        };
        let shown = paragraph.text.get(start..).unwrap_or_default().trim();
        let address = link.target.strip_prefix("mailto:").unwrap_or(&link.target);
        let plain = address.trim_end_matches('/');
        let named =
            shown.contains(plain) || plain.ends_with(shown.trim_end_matches('/')) && shown.contains('.');
        if !shown.is_empty() && !named && !paragraph.hidden && address.contains([':', '@']) {
            paragraph.text.push_str(&format!(" <{address}>"));
        }
        Ok(())
    }

    fn table(&mut self, blocks: &mut Vec<Block>, context: &ParseContext) -> Result<(), ParseError> {
        let mut table = Table::default();
        let read = self.rows(&mut table, context);
        if table.grid.rows.len() == 1 && table.cells == 1 {
            // A frame around other blocks.
            blocks.append(&mut table.last_cell);
        } else {
            blocks.push(Block::Table(table.grid));
        }
        read
    }

    /// Rows may be wrapped in content controls and insertions.
    fn rows(&mut self, table: &mut Table, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        while self.reader.depth() > outside {
            let Node::Open(element) = self.next(context)? else {
                continue;
            };
            match element.name() {
                "tr" => {
                    let mut row = Row::default();
                    let read = self.cells(&mut row, table, context);
                    table.end_row(row);
                    read?;
                }
                "sdt" | "sdtContent" | "ins" | "customXml" => self.rows(table, context)?,
                _ => self.reader.skip(context)?,
            }
        }
        Ok(())
    }

    fn cells(&mut self, row: &mut Row, table: &mut Table, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        while self.reader.depth() > outside {
            let Node::Open(element) = self.next(context)? else {
                continue;
            };
            match element.name() {
                "tc" => self.cell(row, table, context)?,
                "trPr" => {
                    for (name, value) in super::properties(&mut self.reader, context)? {
                        match name.as_str() {
                            "tblHeader" => row.header = value != "off",
                            "del" => row.deleted = true,
                            "gridBefore" => {
                                let skipped: usize = value.parse().unwrap_or(0);
                                row.cells.resize(skipped.min(MAX_SPAN), String::new());
                            }
                            _ => {}
                        }
                    }
                }
                "sdt" | "sdtContent" | "customXml" => self.cells(row, table, context)?,
                _ => self.reader.skip(context)?,
            }
        }
        Ok(())
    }

    fn cell(&mut self, row: &mut Row, table: &mut Table, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.reader.depth().saturating_sub(1);
        let mut blocks = Vec::new();
        let (mut span, mut continued) = (1, false);
        while self.reader.depth() > outside {
            let Node::Open(element) = self.next(context)? else {
                continue;
            };
            if element.name() == "tcPr" {
                for (name, value) in super::properties(&mut self.reader, context)? {
                    match name.as_str() {
                        "gridSpan" => span = value.parse().unwrap_or(1usize).clamp(1, MAX_SPAN),
                        "vMerge" => continued = value != "restart",
                        _ => {}
                    }
                }
            } else {
                self.block(&element, &mut blocks, context)?;
            }
        }
        let column = row.cells.len();
        // A cell that is merged with the one above says the same.
        let text = match table.grid.rows.last().and_then(|above| above.get(column)) {
            Some(above) if continued => above.clone(),
            _ => cell_text(&blocks),
        };
        row.cells.push(text);
        row.cells.resize(column + span, String::new());
        table.cells += 1;
        table.last_cell = blocks;
        Ok(())
    }
}

/// A table while it is read.
#[derive(Default)]
struct Table {
    grid: Grid,
    cells: usize,
    last_cell: Vec<Block>,
}

impl Table {
    fn end_row(&mut self, row: Row) {
        if row.deleted {
            return;
        }
        if row.header && self.grid.header_rows == self.grid.rows.len() {
            self.grid.header_rows += 1;
        }
        self.grid.rows.push(row.cells);
    }
}

#[derive(Default)]
struct Row {
    cells: Vec<String>,
    header: bool,
    deleted: bool,
}

/// A character of a symbol font; those of the private area are shown as a bullet where they usually are one.
fn symbol(element: &Element<'_>) -> Option<char> {
    let code = u32::from_str_radix(&element.attribute("char")?, 16).ok()?;
    match char::from_u32(code)? {
        '\u{F0B7}' | '\u{F0A7}' | '\u{F0D8}' => Some('•'),
        '\u{F0FE}' | '\u{F052}' => Some('☑'),
        '\u{F0A8}' | '\u{F06F}' => Some('☐'),
        '\u{F0E0}' => Some('→'),
        '\u{E000}'..='\u{F8FF}' => None,
        character => Some(character),
    }
}
