//! OpenDocument text (ODT) and presentations (ODP).
//!
//! Invariant: repeated rows and cells are repeated only while they hold text, and to a bound, so that a claim of a
//! million columns costs nothing. Tracked deletions are not read.

use super::blocks::{Block, Grid, cell_text};
use super::relationships::title_in;
use crate::archive::Archive;
use crate::context::ParseContext;
use crate::encoding::decode_xml;
use crate::error::ParseError;
use crate::xml::{Element, Node, XmlReader};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};

/// How often a cell or a row with text may be repeated.
const MAX_REPEATED: usize = 100;

/// What the walk found besides text.
#[derive(Default)]
struct Walk {
    notes: Vec<String>,
    comments: Vec<String>,
    pictures: usize,
    embedded: usize,
    /// Frames hang on paragraphs: their blocks follow.
    frames: Vec<Block>,
}

/// Reads an OpenDocument text or presentation.
///
/// # Errors
/// Damaged, encrypted, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut archive = Archive::open(bytes, context)?;
    builder.title(title_in(&mut archive, "meta.xml", context));
    let content = archive
        .read("content.xml", context)?
        .ok_or_else(|| context.damaged("content.xml is missing"))?;
    let text = decode_xml(&content);
    let mut reader = XmlReader::new(&text);
    let mut walk = Walk::default();
    let read = document(&mut reader, &mut walk, context, builder);
    append_notes(&mut walk, context, builder)?;
    let notes = [
        (
            walk.pictures,
            ReadNoteKind::NotRecognised,
            "pictures were not read",
        ),
        (
            walk.embedded,
            ReadNoteKind::Embedded,
            "embedded objects were not opened",
        ),
    ];
    for (count, kind, words) in notes.into_iter().filter(|(count, _, _)| *count > 0) {
        builder.note(None, kind, format!("{count} {words}"));
    }
    read
}

fn document(
    reader: &mut XmlReader<'_>,
    walk: &mut Walk,
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    loop {
        let element = match reader.next(context)? {
            Node::Open(element) => element,
            Node::End => return Ok(()),
            Node::Close | Node::Text(_) => continue,
        };
        match element.name() {
            "document-content" | "body" | "presentation" | "drawing" => {}
            "text" => {
                context.begin_page(1, builder)?;
                builder.page(None, None, TextSource::Native);
                stream(reader, walk, context, builder)?;
            }
            "page" => {
                context.begin_page(builder.current_page() + 1, builder)?;
                slide(&element, reader, walk, context, builder)?;
            }
            _ => reader.skip(context)?,
        }
    }
}

/// Blocks go into the document as they come, so that a long text needs little memory.
fn stream(
    reader: &mut XmlReader<'_>,
    walk: &mut Walk,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let outside = reader.depth().saturating_sub(1);
    while reader.depth() > outside {
        if let Node::Open(element) = reader.next(context)? {
            let mut blocks = Vec::new();
            let read = walk.block(&element, reader, 0, &mut blocks, context);
            blocks
                .into_iter()
                .try_for_each(|block| block.append(context, builder))?;
            read?;
        }
    }
    Ok(())
}

fn slide(
    element: &Element<'_>,
    reader: &mut XmlReader<'_>,
    walk: &mut Walk,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let name = element.attribute("name");
    let outside = reader.depth().saturating_sub(1);
    let (mut title, mut blocks, mut notes) = (None, Vec::new(), Vec::new());
    while reader.depth() > outside {
        let Node::Open(element) = reader.next(context)? else {
            continue;
        };
        match element.name() {
            "notes" => walk.blocks(reader, 0, &mut notes, context)?,
            "frame" if element.attribute("class").as_deref() == Some("title") => {
                let mut inner = Vec::new();
                walk.blocks(reader, 0, &mut inner, context)?;
                title = Some(cell_text(&inner)).filter(|text| !text.is_empty());
            }
            _ => walk.block(&element, reader, 0, &mut blocks, context)?,
        }
    }
    builder.page(title.clone().or(name), None, TextSource::Native);
    if let Some(title) = title {
        builder.line(&title, LineKind::Heading(1));
    }
    blocks
        .into_iter()
        .try_for_each(|block| block.append(context, builder))?;
    let notes = cell_text(&notes);
    if !notes.is_empty() {
        builder.line(&format!("Notes: {notes}"), LineKind::Body);
    }
    Ok(())
}

fn append_notes(
    walk: &mut Walk,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let notes = std::mem::take(&mut walk.notes).into_iter().enumerate();
    let notes = notes.map(|(index, text)| format!("[{}] {text}", index + 1));
    let comments = std::mem::take(&mut walk.comments)
        .into_iter()
        .map(|text| format!("Comment: {text}"));
    let mut all = notes.chain(comments);
    all.try_for_each(|text| Block::Paragraph(text, LineKind::Body).append(context, builder))
}

impl Walk {
    /// The blocks inside the element that was opened last.
    fn blocks(
        &mut self,
        reader: &mut XmlReader<'_>,
        list: usize,
        blocks: &mut Vec<Block>,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outside = reader.depth().saturating_sub(1);
        while reader.depth() > outside {
            if let Node::Open(element) = reader.next(context)? {
                self.block(&element, reader, list, blocks, context)?;
            }
        }
        Ok(())
    }

    /// `list` counts the lists around this block.
    fn block(
        &mut self,
        element: &Element<'_>,
        reader: &mut XmlReader<'_>,
        list: usize,
        blocks: &mut Vec<Block>,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        match element.name() {
            "h" => {
                let level = element
                    .attribute("outline-level")
                    .and_then(|level| level.parse::<u8>().ok());
                let kind = LineKind::Heading(level.unwrap_or(1).clamp(1, 9));
                self.paragraph(reader, kind, blocks, context)
            }
            "p" => {
                let kind = if list > 0 {
                    LineKind::ListItem
                } else {
                    LineKind::Body
                };
                self.paragraph(reader, kind, blocks, context)
            }
            "list" => self.blocks(reader, list + 1, blocks, context),
            "table" => {
                let mut grid = Grid::default();
                let read = self.rows(reader, &mut grid, false, context);
                blocks.push(Block::Table(grid));
                read
            }
            "tracked-changes" | "forms" | "sequence-decls" | "settings" | "variable-decls"
            | "user-field-decls" => reader.skip(context),
            "image" => {
                self.pictures += 1;
                reader.skip(context)
            }
            "object" | "object-ole" => {
                self.embedded += 1;
                reader.skip(context)
            }
            "annotation" => self.annotation(reader, context),
            _ => self.blocks(reader, list, blocks, context),
        }
    }

    fn paragraph(
        &mut self,
        reader: &mut XmlReader<'_>,
        kind: LineKind,
        blocks: &mut Vec<Block>,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outer = std::mem::take(&mut self.frames);
        let mut text = String::new();
        let read = self.inline(reader, &mut text, context);
        if !text.trim().is_empty() {
            blocks.push(Block::Paragraph(text, kind));
        }
        blocks.append(&mut std::mem::replace(&mut self.frames, outer));
        read
    }

    fn inline(
        &mut self,
        reader: &mut XmlReader<'_>,
        text: &mut String,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outside = reader.depth().saturating_sub(1);
        while reader.depth() > outside {
            match reader.next(context)? {
                Node::Text(piece) => push_collapsed(text, &piece),
                Node::Open(element) => self.inline_element(&element, reader, text, context)?,
                Node::Close | Node::End => {}
            }
        }
        Ok(())
    }

    fn inline_element(
        &mut self,
        element: &Element<'_>,
        reader: &mut XmlReader<'_>,
        text: &mut String,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        match element.name() {
            "s" => {
                let count = element
                    .attribute("c")
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(1usize);
                text.extend(std::iter::repeat_n(' ', count.min(MAX_REPEATED)));
            }
            "tab" => text.push('\t'),
            "line-break" => text.push('\n'),
            "note" => return self.note(reader, text, context),
            "annotation" => return self.annotation(reader, context),
            "ruby-text" => return reader.skip(context),
            "frame" | "custom-shape" | "text-box" | "g" => {
                let mut blocks = Vec::new();
                let read = self.blocks(reader, 0, &mut blocks, context);
                self.frames.append(&mut blocks);
                return read;
            }
            _ => return self.inline(reader, text, context),
        }
        reader.skip(context)
    }

    /// A foot- or endnote: its number stays in the text, its text follows behind the document.
    fn note(
        &mut self,
        reader: &mut XmlReader<'_>,
        text: &mut String,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outside = reader.depth().saturating_sub(1);
        let mut blocks = Vec::new();
        while reader.depth() > outside {
            if let Node::Open(element) = reader.next(context)? {
                match element.name() {
                    "note-body" => self.blocks(reader, 0, &mut blocks, context)?,
                    _ => reader.skip(context)?,
                }
            }
        }
        self.notes.push(cell_text(&blocks));
        text.push_str(&format!("[{}]", self.notes.len()));
        Ok(())
    }

    fn annotation(&mut self, reader: &mut XmlReader<'_>, context: &ParseContext) -> Result<(), ParseError> {
        let mut blocks = Vec::new();
        let outside = reader.depth().saturating_sub(1);
        while reader.depth() > outside {
            if let Node::Open(element) = reader.next(context)? {
                match element.name() {
                    "creator" | "date" | "date-string" | "creator-initials" => reader.skip(context)?,
                    _ => self.block(&element, reader, 0, &mut blocks, context)?,
                }
            }
        }
        let text = cell_text(&blocks);
        if !text.is_empty() {
            self.comments.push(text);
        }
        Ok(())
    }

    fn rows(
        &mut self,
        reader: &mut XmlReader<'_>,
        grid: &mut Grid,
        header: bool,
        context: &ParseContext,
    ) -> Result<(), ParseError> {
        let outside = reader.depth().saturating_sub(1);
        while reader.depth() > outside {
            let Node::Open(element) = reader.next(context)? else {
                continue;
            };
            match element.name() {
                "table-row" => {
                    let row = self.cells(reader, grid.rows.last(), context)?;
                    let filled = row.iter().any(|cell| !cell.is_empty());
                    let times = if filled {
                        repeated(&element, "number-rows-repeated")
                    } else {
                        1
                    };
                    if header && grid.header_rows == grid.rows.len() {
                        grid.header_rows += times;
                    }
                    grid.rows.extend(std::iter::repeat_n(row, times));
                }
                "table-header-rows" => self.rows(reader, grid, true, context)?,
                "table-rows" | "table-row-group" => self.rows(reader, grid, false, context)?,
                _ => reader.skip(context)?,
            }
        }
        Ok(())
    }

    fn cells(
        &mut self,
        reader: &mut XmlReader<'_>,
        above: Option<&Vec<String>>,
        context: &ParseContext,
    ) -> Result<Vec<String>, ParseError> {
        let outside = reader.depth().saturating_sub(1);
        let mut row: Vec<String> = Vec::new();
        let mut spanned = 0usize;
        while reader.depth() > outside {
            let Node::Open(element) = reader.next(context)? else {
                continue;
            };
            let times = repeated(&element, "number-columns-repeated");
            match element.name() {
                "table-cell" => {
                    let span = element
                        .attribute("number-columns-spanned")
                        .and_then(|span| span.parse().ok());
                    spanned = span.unwrap_or(1usize).saturating_sub(1);
                    let mut blocks = Vec::new();
                    self.blocks(reader, 0, &mut blocks, context)?;
                    row.extend(std::iter::repeat_n(cell_text(&blocks), times));
                }
                "covered-table-cell" => {
                    reader.skip(context)?;
                    for _ in 0..times {
                        // Covered from the left it is empty, covered from above it says the same as above.
                        let same = above
                            .and_then(|above| above.get(row.len()))
                            .filter(|_| spanned == 0);
                        row.push(same.cloned().unwrap_or_default());
                        spanned = spanned.saturating_sub(1);
                    }
                }
                _ => reader.skip(context)?,
            }
        }
        Ok(row)
    }
}

fn repeated(element: &Element<'_>, attribute: &str) -> usize {
    let count = element.attribute(attribute).and_then(|count| count.parse().ok());
    count.unwrap_or(1usize).clamp(1, MAX_REPEATED)
}

/// OpenDocument collapses white space; explicit spaces are elements of their own.
fn push_collapsed(text: &mut String, piece: &str) {
    for character in piece.chars() {
        if !matches!(character, ' ' | '\n' | '\t' | '\r') {
            text.push(character);
        } else if !text.ends_with([' ', '\n', '\t']) && !text.is_empty() {
            text.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{outline, parse, zip_of};

    fn check(kind: &str, body: &str, expected: &str) {
        let content =
            format!("<office:document-content><office:body>{body}</office:body></office:document-content>");
        let mimetype = format!("application/vnd.oasis.opendocument.{kind}");
        let meta = "<office:document-meta><office:meta><dc:title>The title</dc:title></office:meta></office:document-meta>";
        let bytes = zip_of(&[
            ("mimetype", mimetype.as_bytes()),
            ("content.xml", content.as_bytes()),
            ("meta.xml", meta.as_bytes()),
        ]);
        let document = parse(&bytes, "x").unwrap();
        assert_eq!(document.title.as_deref(), Some("The title"));
        assert_eq!(outline(&document), expected, "{body}");
    }

    #[test]
    fn text_documents() {
        check(
            "text",
            "<office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>\
             <text:h text:outline-level='2'>Head</text:h>\
             <text:p>One<text:s text:c='2'/>two<text:line-break/>next\n   line<text:note><text:note-citation>1</text:note-citation>\
             <text:note-body><text:p>noted</text:p></text:note-body></text:note></text:p>\
             <text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>\
             <text:p>x<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame></text:p></office:text>",
            "## Head\nOne  two\nnext line[1]\n* item\nx\nboxed\n[1] noted\n",
        );
    }

    #[test]
    fn tables_with_repeats_and_spans() {
        let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
        check(
            "text",
            &format!(
                "<office:text><table:table><table:table-header-rows><table:table-row>{}{}</table:table-row></table:table-header-rows>\
                 <table:table-row>{}<table:table-cell table:number-columns-repeated='2'><text:p>1</text:p></table:table-cell></table:table-row>\
                 <table:table-row table:number-rows-repeated='1048576'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>\
                 </table:table></office:text>",
                cell("Name"),
                cell("Sum"),
                cell("A")
            ),
            "|! Name | Sum | \n| A | 1 | 1\n",
        );
    }

    #[test]
    fn presentations() {
        check(
            "presentation",
            "<office:presentation><draw:page draw:name='page1'><draw:frame presentation:class='title'><draw:text-box>\
             <text:p>Hello</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:list><text:list-item>\
             <text:p>a</text:p></text:list-item></text:list></draw:text-box></draw:frame><presentation:notes><draw:frame>\
             <draw:text-box><text:p>say</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>\
             <draw:page draw:name='page2'/></office:presentation>",
            "== Hello\n# Hello\n* a\nNotes: say\n== page2\n",
        );
    }
}
