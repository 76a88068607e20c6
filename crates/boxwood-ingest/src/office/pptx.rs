//! Presentations (PPTX): a page for each slide in the order in which they are shown, with its notes.
//!
//! Invariant: a slide that can't be read is noted and costs only itself.

use super::blocks::{Block, Grid, cell_text};
use super::relationships::{Relationships, declared_title, main_part};
use crate::archive::Archive;
use crate::context::ParseContext;
use crate::encoding::decode_xml;
use crate::error::ParseError;
use crate::xml::{Element, Node, XmlReader};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{LineKind, ReadNoteKind, TextSource};

/// A cell may claim to span this many columns.
const MAX_SPAN: usize = 100;

/// What one slide holds.
#[derive(Default)]
struct Slide {
    title: Option<String>,
    blocks: Vec<Block>,
    hidden: bool,
    pictures: usize,
    charts: usize,
    embedded: usize,
}

/// Reads a presentation.
///
/// # Errors
/// Damaged, encrypted, or limits.
pub fn parse(
    bytes: &[u8],
    context: &mut ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let mut archive = Archive::open(bytes, context)?;
    let main = main_part(&mut archive, "ppt/presentation.xml", context)?;
    builder.title(declared_title(&mut archive, context));
    let slides = slide_parts(&mut archive, &main, context)?;
    context.pages_total(u32::try_from(slides.len()).unwrap_or(u32::MAX));
    let mut first_error = None;
    for (index, part) in slides.iter().enumerate() {
        let number = index as u32 + 1;
        context.begin_page(number, builder)?;
        match read_slide(&mut archive, part, context) {
            Ok(slide) => append_slide(slide, &mut archive, part, context, builder)?,
            Err(error @ ParseError::Damaged { .. }) => {
                builder.page(None, None, TextSource::Native);
                builder.note(
                    Some(number),
                    ReadNoteKind::Damaged,
                    format!("slide {number}: {error}"),
                );
                first_error.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first_error {
        Some(error) if builder.text_len() <= slides.len() => Err(error),
        _ => Ok(()),
    }
}

/// The slides' parts in the order of the show; in the order of their names where the show's list is unusable.
fn slide_parts(
    archive: &mut Archive<'_>,
    main: &str,
    context: &ParseContext,
) -> Result<Vec<String>, ParseError> {
    let relationships = Relationships::of(archive, main, context)?;
    let mut slides = Vec::new();
    if let Some(bytes) = archive.read(main, context)? {
        let text = decode_xml(&bytes);
        let mut reader = XmlReader::new(&text);
        loop {
            match reader.next(context)? {
                Node::Open(element) if element.name() == "sldId" => {
                    slides.extend(slide_of(&element, &relationships))
                }
                Node::End => break,
                _ => {}
            }
        }
    }
    if slides.is_empty() {
        slides = archive
            .names()
            .filter(|name| name.starts_with("ppt/slides/slide") && name.ends_with(".xml"))
            .map(str::to_owned)
            .collect();
        slides.sort_by_key(|name| (name.len(), name.clone()));
    }
    Ok(slides)
}

/// `sldId` has an `id` of its own besides the relationship's `r:id`: take the one that is a relationship.
fn slide_of(element: &Element<'_>, relationships: &Relationships) -> Option<String> {
    let ids = element.attributes().filter(|(name, _)| name == "id");
    ids.filter_map(|(_, id)| relationships.get(&id).map(|found| found.target.clone()))
        .next()
}

fn read_slide(archive: &mut Archive<'_>, part: &str, context: &ParseContext) -> Result<Slide, ParseError> {
    let bytes = archive
        .read(part, context)?
        .ok_or_else(|| context.damaged("a slide is missing"))?;
    let text = decode_xml(&bytes);
    let mut reader = XmlReader::new(&text);
    let mut slide = Slide::default();
    loop {
        match reader.next(context)? {
            Node::Open(element) => match element.name() {
                "sld" => {
                    slide.hidden = element
                        .attribute("show")
                        .is_some_and(|show| show == "0" || show == "false")
                }
                "sp" => shape(&mut reader, &mut slide, context)?,
                "tbl" => {
                    let grid = table(&mut reader, context)?;
                    slide.blocks.push(Block::Table(grid));
                }
                "Fallback" => reader.skip(context)?,
                "blip" => slide.pictures += 1,
                "chart" | "relIds" => slide.charts += 1,
                "oleObj" => slide.embedded += 1,
                _ => {}
            },
            Node::End => return Ok(slide),
            Node::Close | Node::Text(_) => {}
        }
    }
}

/// A shape with text: its placeholder type decides what the paragraphs are.
fn shape(reader: &mut XmlReader<'_>, slide: &mut Slide, context: &ParseContext) -> Result<(), ParseError> {
    let outside = reader.depth().saturating_sub(1);
    let mut placeholder = None;
    while reader.depth() > outside {
        let Node::Open(element) = reader.next(context)? else {
            continue;
        };
        match element.name() {
            "ph" => placeholder = Some(element.attribute("type").unwrap_or_else(|| "body".to_owned())),
            "blip" => slide.pictures += 1,
            "txBody" => {
                let paragraphs = paragraphs(reader, context)?;
                match placeholder.as_deref() {
                    Some("title" | "ctrTitle") => {
                        let texts: Vec<&str> = paragraphs.iter().map(|(text, _)| text.trim()).collect();
                        let title = texts.join(" ");
                        if !title.trim().is_empty() {
                            slide.title.get_or_insert(title.trim().to_owned());
                        }
                    }
                    // Slide numbers, dates and footers repeat on every slide.
                    Some("sldNum" | "dt" | "ftr" | "hdr") => {}
                    Some("subTitle") => push(slide, paragraphs, LineKind::Heading(2)),
                    Some("body" | "obj") => push(slide, paragraphs, LineKind::ListItem),
                    _ => push(slide, paragraphs, LineKind::Body),
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn push(slide: &mut Slide, paragraphs: Vec<(String, bool)>, kind: LineKind) {
    for (text, bullet) in paragraphs {
        let kind = if bullet && kind == LineKind::Body {
            LineKind::ListItem
        } else {
            kind
        };
        slide.blocks.push(Block::Paragraph(text, kind));
    }
}

/// The paragraphs of the text body that was opened last, with whether they have a bullet of their own.
fn paragraphs(reader: &mut XmlReader<'_>, context: &ParseContext) -> Result<Vec<(String, bool)>, ParseError> {
    let outside = reader.depth().saturating_sub(1);
    let mut all: Vec<(String, bool)> = Vec::new();
    while reader.depth() > outside {
        let Node::Open(element) = reader.next(context)? else {
            continue;
        };
        if element.name() == "p" {
            all.push((String::new(), false));
            continue;
        }
        let Some((text, bullet)) = all.last_mut() else {
            continue;
        };
        match element.name() {
            "t" => text.push_str(&reader.text(context)?),
            "br" => text.push('\n'),
            "tab" => text.push('\t'),
            "buChar" | "buAutoNum" => *bullet = true,
            _ => {}
        }
    }
    Ok(all)
}

fn table(reader: &mut XmlReader<'_>, context: &ParseContext) -> Result<Grid, ParseError> {
    let outside = reader.depth().saturating_sub(1);
    let mut grid = Grid::default();
    while reader.depth() > outside {
        let Node::Open(element) = reader.next(context)? else {
            continue;
        };
        match element.name() {
            "tblPr"
                if element
                    .attribute("firstRow")
                    .is_some_and(|on| on == "1" || on == "true") =>
            {
                grid.header_rows = 1;
            }
            "tr" => grid.rows.push(Vec::new()),
            "tc" => {
                let merged_down = element.attribute("vMerge").is_some();
                let merged_right = element.attribute("hMerge").is_some();
                let span = element
                    .attribute("gridSpan")
                    .and_then(|span| span.parse().ok())
                    .unwrap_or(1usize);
                let texts = paragraphs(reader, context)?;
                let blocks: Vec<Block> = texts
                    .into_iter()
                    .map(|(text, _)| Block::Paragraph(text, LineKind::Body))
                    .collect();
                cell(
                    &mut grid,
                    cell_text(&blocks),
                    merged_down,
                    merged_right || span > MAX_SPAN,
                );
            }
            _ => {}
        }
    }
    Ok(grid)
}

/// PowerPoint writes merged cells out, marked as merged: to the right they stay empty, downwards they repeat.
fn cell(grid: &mut Grid, text: String, merged_down: bool, merged_right: bool) {
    let above = grid.rows.len().checked_sub(2).and_then(|row| grid.rows.get(row));
    let column = grid.rows.last().map_or(0, Vec::len);
    let text = match above.and_then(|row| row.get(column)) {
        _ if merged_right => String::new(),
        Some(above) if merged_down => above.clone(),
        _ => text,
    };
    if let Some(row) = grid.rows.last_mut() {
        row.push(text);
    }
}

fn append_slide(
    slide: Slide,
    archive: &mut Archive<'_>,
    part: &str,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    builder.page(slide.title.clone(), None, TextSource::Native);
    let page = Some(builder.current_page());
    if let Some(title) = slide.title {
        builder.line(&title.replace('\n', " "), LineKind::Heading(1));
    }
    slide
        .blocks
        .into_iter()
        .try_for_each(|block| block.append(context, builder))?;
    let relationships = Relationships::of(archive, part, context)?;
    for diagram in relationships.parts("diagramData") {
        texts_of(archive, &diagram, "", context, builder)?;
    }
    for notes in relationships.parts("notesSlide") {
        texts_of(archive, &notes, "Notes: ", context, builder)?;
    }
    for comments in relationships.parts("comments") {
        texts_of(archive, &comments, "Comment: ", context, builder)?;
    }
    let charts = slide
        .charts
        .saturating_sub(relationships.parts("diagramData").len());
    let notes = [
        (
            usize::from(slide.hidden),
            ReadNoteKind::Unsupported,
            "hidden slide; it was read",
        ),
        (
            slide.pictures,
            ReadNoteKind::NotRecognised,
            "pictures were not read",
        ),
        (charts, ReadNoteKind::Unsupported, "charts were not read"),
        (
            slide.embedded,
            ReadNoteKind::Embedded,
            "embedded objects were not opened",
        ),
    ];
    for (count, kind, words) in notes.into_iter().filter(|(count, _, _)| *count > 0) {
        builder.note(page, kind, format!("{count} {words}"));
    }
    Ok(())
}

/// The paragraphs of a part that belongs to a slide: diagram, notes, comments.
fn texts_of(
    archive: &mut Archive<'_>,
    part: &str,
    prefix: &str,
    context: &ParseContext,
    builder: &mut DocumentBuilder,
) -> Result<(), ParseError> {
    let Some(bytes) = archive.read(part, context)? else {
        return Ok(());
    };
    let text = decode_xml(&bytes);
    let mut reader = XmlReader::new(&text);
    let mut placeholder = String::new();
    loop {
        let texts = match reader.next(context)? {
            Node::Open(element) => match element.name() {
                "sp" => {
                    placeholder.clear();
                    continue;
                }
                "ph" => {
                    placeholder = element.attribute("type").unwrap_or_default();
                    continue;
                }
                "txBody" | "t" if element.name() == "txBody" || prefix.is_empty() => {
                    paragraphs(&mut reader, context)?
                }
                "text" => vec![(reader.text(context)?, false)],
                _ => continue,
            },
            Node::End => return Ok(()),
            Node::Close | Node::Text(_) => continue,
        };
        if matches!(placeholder.as_str(), "sldNum" | "dt" | "ftr" | "hdr" | "sldImg") {
            continue;
        }
        for (text, _) in texts.into_iter().filter(|(text, _)| !text.trim().is_empty()) {
            Block::Paragraph(format!("{prefix}{text}"), LineKind::Body).append(context, builder)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{outline, parse, zip_of};

    const TYPES: &[u8] = b"<Types><Override PartName='/ppt/presentation.xml' ContentType='application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml'/></Types>";

    fn slide(title: &str, rest: &str) -> String {
        format!(
            "<p:sld><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph type='title'/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:txBody></p:sp>{rest}</p:spTree></p:cSld></p:sld>"
        )
    }

    fn presentation(slides: &[&str], notes: &str) -> Vec<u8> {
        // The show's order is the reverse of the files' numbers.
        let list: String = (1..=slides.len())
            .rev()
            .map(|n| format!("<p:sldId id='{n}' r:id='rId{n}'/>"))
            .collect();
        let main = format!("<p:presentation><p:sldIdLst>{list}</p:sldIdLst></p:presentation>");
        let relations: String = (1..=slides.len())
            .map(|n| format!("<Relationship Id='rId{n}' Type='t/slide' Target='slides/slide{n}.xml'/>"))
            .collect();
        let relations = format!("<Relationships>{relations}</Relationships>");
        let note_relation = "<Relationships><Relationship Id='r' Type='t/notesSlide' Target='../notesSlides/n1.xml'/></Relationships>";
        let names: Vec<String> = (1..=slides.len())
            .map(|n| format!("ppt/slides/slide{n}.xml"))
            .collect();
        let mut parts: Vec<(&str, &[u8])> = vec![
            ("[Content_Types].xml", TYPES),
            ("ppt/presentation.xml", main.as_bytes()),
            ("ppt/_rels/presentation.xml.rels", relations.as_bytes()),
            ("ppt/slides/_rels/slide1.xml.rels", note_relation.as_bytes()),
            ("ppt/notesSlides/n1.xml", notes.as_bytes()),
        ];
        parts.extend(
            names
                .iter()
                .zip(slides)
                .map(|(name, xml)| (name.as_str(), xml.as_bytes())),
        );
        zip_of(&parts)
    }

    #[test]
    fn slides_come_in_the_order_of_the_show() {
        let body = "<p:sp><p:nvPr><p:ph idx='1'/></p:nvPr><p:txBody><a:p><a:r><a:t>point</a:t></a:r></a:p><a:p/></p:txBody></p:sp><p:sp><p:nvPr><p:ph type='sldNum'/></p:nvPr><p:txBody><a:p><a:t>7</a:t></a:p></p:txBody></p:sp><p:pic><a:blip/></p:pic>";
        let cell =
            |text: &str| format!("<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>");
        let table = format!(
            "<p:graphicFrame><a:tbl><a:tblPr firstRow='1'/><a:tr>{}{}</a:tr><a:tr>{}{}</a:tr></a:tbl></p:graphicFrame>",
            cell("Name"),
            cell("Age"),
            cell("Ann"),
            cell("30")
        );
        let notes = "<p:notes><p:sp><p:ph type='sldImg'/></p:sp><p:sp><p:ph type='body'/><p:txBody><a:p><a:r><a:t>say it</a:t></a:r></a:p></p:txBody></p:sp></p:notes>";
        let bytes = presentation(&[&slide("First", body), &slide("Last", &table)], notes);
        assert_eq!(
            outline(&parse(&bytes, "").unwrap()),
            "== Last\n# Last\n|! Name | Age\n| Ann | 30\n== First\n# First\n* point\nNotes: say it\n\
             (NotRecognised) 1 pictures were not read\n"
        );
    }

    #[test]
    fn a_damaged_slide_costs_only_itself() {
        let bytes = presentation(&["<p:sld><broken", &slide("Good", "")], "<p:notes/>");
        let document = parse(&bytes, "").unwrap();
        assert!(document.text.contains("Good"));
        assert_eq!(document.notes.len(), 1);
    }
}
