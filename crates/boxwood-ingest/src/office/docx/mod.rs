//! Word documents (DOCX): body, headers, footers, notes, comments.
//!
//! * [`body`]: paragraphs, tables, text boxes, revisions
//! * [`styles`]: which paragraph styles are headings
//! * [`numbering`]: the numbers and bullets that Word computes
//!
//! Invariant: deleted text (tracked changes) is never read as text of the document; inserted text is.

mod body;
mod numbering;
mod styles;
#[cfg(test)]
mod tests;

use crate::archive::Archive;
use crate::context::ParseContext;
use crate::encoding::decode_xml;
use crate::error::ParseError;
use crate::office::blocks::{Block, cell_text};
use crate::office::relationships::{Relationships, declared_title, main_part};
use crate::xml::{Node, XmlReader};
use body::{Body, Scope};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};
use numbering::Numbering;
use styles::Styles;

/// What the walk over the body found besides text.
#[derive(Debug, Default)]
struct Findings {
    pictures: usize,
    charts: usize,
    embedded: usize,
    deleted: usize,
    /// Ids of foot- and endnotes in the order of their references.
    notes: Vec<(NoteKind, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoteKind {
    Footnote,
    Endnote,
}

/// Reads a Word document.
///
/// # Errors
/// Damaged, encrypted, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut archive = Archive::open(bytes, context)?;
    let main = main_part(&mut archive, "word/document.xml", context)?;
    let document = archive
        .read(&main, context)?
        .ok_or_else(|| context.damaged("its main part is missing"))?;
    builder.title(declared_title(&mut archive, context));
    let relationships = Relationships::of(&mut archive, &main, context)?;
    let styles = optional_part(&mut archive, &relationships, "styles", context)?
        .map_or_else(|| Ok(Styles::default()), |xml| Styles::read(&xml, context))?;
    let numbering = optional_part(&mut archive, &relationships, "numbering", context)?
        .map_or_else(|| Ok(Numbering::default()), |xml| Numbering::read(&xml, context))?;
    let mut scope = Scope {
        relationships: &relationships,
        styles: &styles,
        numbering,
        findings: Findings::default(),
    };

    context.begin_page(1, builder)?;
    builder.page(None, None, TextSource::Native);
    edges(&mut archive, "header", &mut scope, context, builder)?;
    let text = decode_xml(&document);
    let read = Body::new(&text, &mut scope).read_document(context, builder);
    // What else there is stays readable when the body is damaged.
    let after = notes(&mut archive, &mut scope, context, builder)
        .and_then(|()| comments(&mut archive, &mut scope, context, builder))
        .and_then(|()| edges(&mut archive, "footer", &mut scope, context, builder));
    report(&scope.findings, builder);
    read.and(after)
}

fn optional_part(
    archive: &mut Archive<'_>,
    relationships: &Relationships,
    kind: &str,
    context: &ParseContext,
) -> Result<Option<String>, ParseError> {
    let Some(part) = relationships.parts(kind).into_iter().next() else {
        return Ok(None);
    };
    let bytes = archive.read(&part, context)?;
    Ok(bytes.map(|bytes| decode_xml(&bytes).into_owned()))
}

/// Headers stand before the body and footers behind it, each different text once.
fn edges(
    archive: &mut Archive<'_>,
    kind: &str,
    scope: &mut Scope<'_>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut seen: Vec<Vec<Block>> = Vec::new();
    for part in scope.relationships.parts(kind) {
        let Some(bytes) = archive.read(&part, context)? else {
            continue;
        };
        let text = decode_xml(&bytes);
        let blocks = Body::new(&text, scope).read_all(context)?;
        if !seen.contains(&blocks) {
            blocks
                .iter()
                .try_for_each(|block| block.clone().append(context, builder))?;
            seen.push(blocks);
        }
    }
    Ok(())
}

/// Foot- and endnotes that the text refers to, behind the body with the number that the text shows.
fn notes(
    archive: &mut Archive<'_>,
    scope: &mut Scope<'_>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let referenced = std::mem::take(&mut scope.findings.notes);
    for (kind, part_kind, element) in [
        (NoteKind::Footnote, "footnotes", "footnote"),
        (NoteKind::Endnote, "endnotes", "endnote"),
    ] {
        if !referenced.iter().any(|(noted, _)| *noted == kind) {
            continue;
        }
        let Some(xml) = optional_part(archive, scope.relationships, part_kind, context)? else {
            continue;
        };
        for (id, _, blocks) in annotations(&xml, element, scope, context)? {
            let number = referenced
                .iter()
                .position(|(noted, noted_id)| *noted == kind && *noted_id == id);
            if let Some(number) = number {
                let text = format!("[{}] {}", number + 1, cell_text(&blocks));
                Block::Paragraph(text, LineKind::Body).append(context, builder)?;
            }
        }
    }
    Ok(())
}

fn comments(
    archive: &mut Archive<'_>,
    scope: &mut Scope<'_>,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let Some(xml) = optional_part(archive, scope.relationships, "comments", context)? else {
        return Ok(());
    };
    for (_, author, blocks) in annotations(&xml, "comment", scope, context)? {
        let text = cell_text(&blocks);
        if !text.is_empty() {
            let who = if author.is_empty() {
                String::new()
            } else {
                format!(" by {author}")
            };
            Block::Paragraph(format!("Comment{who}: {text}"), LineKind::Body).append(context, builder)?;
        }
    }
    Ok(())
}

/// Id, author and content of each note or comment of a part.
fn annotations(
    xml: &str,
    element_name: &str,
    scope: &mut Scope<'_>,
    context: &ParseContext,
) -> Result<Vec<(String, String, Vec<Block>)>, ParseError> {
    let mut body = Body::new(xml, scope);
    let mut all = Vec::new();
    loop {
        match body.next(context)? {
            Node::Open(element) if element.name() == element_name => {
                let value = |name| element.attribute(name).unwrap_or_default();
                let (id, author, kind) = (value("id"), value("author"), value("type"));
                let blocks = body.blocks(context)?;
                // Separators between text and notes are notes too.
                if kind.is_empty() || kind == "normal" {
                    all.push((id, author, blocks));
                }
            }
            Node::End => return Ok(all),
            _ => {}
        }
    }
}

fn report(findings: &Findings, builder: &mut DocumentBuilder) {
    let notes = [
        (
            findings.pictures,
            ReadNoteKind::NotRecognised,
            "pictures were not read",
        ),
        (
            findings.charts,
            ReadNoteKind::Unsupported,
            "charts or diagrams were not read",
        ),
        (
            findings.embedded,
            ReadNoteKind::Embedded,
            "embedded objects were not opened",
        ),
        (
            findings.deleted,
            ReadNoteKind::Unsupported,
            "deleted passages of tracked changes were left out",
        ),
    ];
    for (count, kind, words) in notes {
        if count > 0 {
            builder.note(None, kind, format!("{count} {words}"));
        }
    }
}

/// The `val` attribute of the empty elements inside the element that was opened last, by their names.
fn properties(
    reader: &mut XmlReader<'_>,
    context: &ParseContext,
) -> Result<Vec<(String, String)>, ParseError> {
    let outside = reader.depth().saturating_sub(1);
    let mut all = Vec::new();
    while reader.depth() > outside {
        if let Node::Open(element) = reader.next(context)? {
            let value = if element.is_on("val") {
                element.attribute("val").unwrap_or_default()
            } else {
                "off".to_owned()
            };
            all.push((element.name().to_owned(), value));
        }
    }
    Ok(all)
}
