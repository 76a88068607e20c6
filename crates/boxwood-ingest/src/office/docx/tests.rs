//! Word documents built part by part.

use crate::ParseError;
use crate::testing::{outline, parse, zip_of};

const TYPES: &[u8] = b"<Types><Override PartName='/word/document.xml' ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>";

/// A document from its body and further parts (name, relationship kind, content).
fn docx(body: &str, parts: &[(&str, &str, &str)]) -> Vec<u8> {
    let document = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    let mut relations = String::from(
        "<Relationships><Relationship Id='link' Type='t/hyperlink' Target='https://example.org/terms' TargetMode='External'/>",
    );
    for (index, (name, kind, _)) in parts.iter().enumerate() {
        relations.push_str(&format!(
            "<Relationship Id='r{index}' Type='t/{kind}' Target='{name}'/>"
        ));
    }
    relations.push_str("</Relationships>");
    let names: Vec<String> = parts.iter().map(|(name, _, _)| format!("word/{name}")).collect();
    let mut all: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", TYPES),
        ("word/document.xml", document.as_bytes()),
        ("word/_rels/document.xml.rels", relations.as_bytes()),
    ];
    all.extend(
        names
            .iter()
            .zip(parts)
            .map(|(name, (_, _, xml))| (name.as_str(), xml.as_bytes())),
    );
    zip_of(&all)
}

fn check(body: &str, parts: &[(&str, &str, &str)], expected: &str) {
    assert_eq!(
        outline(&parse(&docx(body, parts), "x.bin").unwrap()),
        expected,
        "{body}"
    );
}

fn p(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn paragraphs_runs_and_breaks() {
    check(
        "<w:p><w:r><w:t>One </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>two</w:t><w:tab/><w:t>three</w:t><w:br/><w:t>next</w:t></w:r></w:p><w:p/>",
        &[],
        "One two\tthree\nnext\n",
    );
    check(
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t>seen &amp; &#8364;</w:t></w:r></w:p>",
        &[],
        "seen & €\n",
    );
}

#[test]
fn revisions_links_and_fields() {
    check(
        "<w:p><w:ins><w:r><w:t>kept</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>\
         <w:hyperlink id='link'><w:r><w:t> terms</w:t></w:r></w:hyperlink>\
         <w:r><w:instrText>PAGE</w:instrText></w:r></w:p>",
        &[],
        "kept terms <https://example.org/terms>\n(Unsupported) 1 deleted passages of tracked changes were left out\n",
    );
}

#[test]
fn headings_by_style_and_numbers_of_lists() {
    let styles = "<w:styles><w:style w:styleId='H1'><w:name w:val='heading 1'/></w:style>\
        <w:style w:styleId='Sub'><w:name w:val='Own'/><w:basedOn w:val='H1'/></w:style>\
        <w:style w:styleId='Loop'><w:basedOn w:val='Loop'/></w:style></w:styles>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId='0'>\
        <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>\
        <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>\
        </w:abstractNum><w:num w:numId='5'><w:abstractNumId w:val='0'/></w:num></w:numbering>";
    let styled = |style: &str, text: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    };
    let item = |level: usize, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='5'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let body = [
        styled("H1", "Title"),
        styled("Sub", "Also"),
        styled("Loop", "text"),
        item(0, "first"),
        item(1, "deep"),
        item(1, "deeper"),
        item(0, "second"),
        item(1, "again"),
    ];
    check(
        &body.concat(),
        &[
            ("styles.xml", "styles", styles),
            ("numbering.xml", "numbering", numbering),
        ],
        "# Title\n# Also\ntext\n* 1. first\n* 1.a) deep\n* 1.b) deeper\n* 2. second\n* 2.a) again\n",
    );
}

#[test]
fn tables_with_merged_and_nested_cells() {
    let cell =
        |properties: &str, content: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>");
    let nested = format!(
        "<w:tbl><w:tr>{}{}</w:tr></w:tbl>",
        cell("", &p("x")),
        cell("", &p("y"))
    );
    let body = format!(
        "<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{}{}{}</w:tr><w:tr>{}{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
        cell("", &p("Region")),
        cell("", &p("Sum")),
        cell("", &p("Note")),
        cell("<w:vMerge w:val='restart'/>", &p("North")),
        cell("", &p("1")),
        cell("", &nested),
        cell("<w:vMerge/>", "<w:p/>"),
        cell("<w:gridSpan w:val='2'/>", &format!("{}{}", p("two"), p("lines"))),
    );
    check(
        &body,
        &[],
        "|! Region | Sum | Note\n| North | 1 | x, y\n| North | two lines | \n",
    );
    let frame = format!(
        "<w:tbl><w:tr>{}</w:tr></w:tbl>",
        cell("", &format!("{}{}", p("a"), p("b")))
    );
    check(&frame, &[], "a\nb\n");
}

#[test]
fn headers_notes_comments_and_text_boxes() {
    let body = format!(
        "<w:p><w:r><w:t>Text</w:t><w:footnoteReference w:id='2'/></w:r><w:r><mc:AlternateContent><mc:Choice>\
         <w:drawing><wps:txbx><w:txbxContent>{}</w:txbxContent></wps:txbx><a:blip/></w:drawing></mc:Choice>\
         <mc:Fallback><w:pict><w:txbxContent>{}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>",
        p("boxed"),
        p("boxed twice"),
    );
    let footnotes = format!(
        "<w:footnotes><w:footnote w:id='0' w:type='separator'>{}</w:footnote><w:footnote w:id='2'>{}</w:footnote></w:footnotes>",
        p("---"),
        p("the note")
    );
    let header = format!("<w:hdr>{}</w:hdr>", p("Head"));
    let comments = format!(
        "<w:comments><w:comment w:id='1' w:author='Ann'>{}</w:comment></w:comments>",
        p("why?")
    );
    let footer = format!("<w:ftr>{}</w:ftr>", p("Foot"));
    check(
        &body,
        &[
            ("header1.xml", "header", &header),
            ("header2.xml", "header", &header),
            ("footnotes.xml", "footnotes", &footnotes),
            ("comments.xml", "comments", &comments),
            ("footer1.xml", "footer", &footer),
        ],
        "Head\nText[1]\nboxed\n[1] the note\nComment by Ann: why?\nFoot\n(NotRecognised) 1 pictures were not read\n",
    );
}

#[test]
fn pages_that_word_laid_out_are_kept() {
    let body = format!(
        "{}<w:p><w:r><w:lastRenderedPageBreak/><w:t>two</w:t></w:r></w:p>\
         <w:p><w:r><w:t>over </w:t><w:lastRenderedPageBreak/><w:t>the edge</w:t></w:r></w:p>{}",
        p("one"),
        p("three")
    );
    check(&body, &[], "== -\none\n== -\ntwo\nover the edge\n== -\nthree\n");
}

#[test]
fn damage_keeps_what_was_read() {
    let document = parse(&docx(&format!("{}<w:p><w:r><w:t>cut", p("whole")), &[]), "x").unwrap();
    assert_eq!(document.notes.len(), 1);
    assert_eq!(document.text, "whole\n");
    let bytes = docx(&p("x"), &[]);
    let error = parse(&bytes[..bytes.len() - 60], "x").unwrap_err();
    assert!(matches!(error, ParseError::Damaged { .. }), "{error:?}");
    let deep = docx(&"<w:sdt>".repeat(10_000), &[]);
    assert!(matches!(parse(&deep, "x"), Err(ParseError::LimitReached { .. })));
}
