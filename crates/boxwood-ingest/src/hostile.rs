//! Files that were changed at random: no parser may panic, and what comes out holds the document's invariants.

use crate::testing::{parse_limited, zip_of};
use crate::{IngestLimits, ParseError};
use proptest::prelude::*;

const WORD: &str = "<w:document><w:body><w:tbl><w:tr><w:trPr><w:gridBefore w:val='1'/></w:trPr><w:tc><w:tcPr><w:gridSpan w:val='2'/><w:vMerge/></w:tcPr><w:p><w:pPr><w:numPr><w:ilvl w:val='1'/><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>a &amp; b</w:t><w:br/><w:sym w:char='F0B7'/><w:lastRenderedPageBreak/></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>";
const SLIDE: &str = "<p:sld><p:sp><p:ph type='title'/><p:txBody><a:p><a:t>Title</a:t></a:p></p:txBody></p:sp><a:tbl><a:tr><a:tc gridSpan='2'><a:txBody><a:p><a:t>x</a:t></a:p></a:txBody></a:tc><a:tc hMerge='1'/></a:tr><a:tr><a:tc vMerge='1'/></a:tr></a:tbl></p:sld>";
const SHEET: &str = "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><dimension ref=\"A1:C9\"/><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>x</t></is></c><c r=\"B1\" s=\"0\"><v>1.5</v></c><c r=\"C7\" t=\"e\"><v>#N/A</v></c></row></sheetData></worksheet>";
const OPEN_TEXT: &str = "<office:document-content><office:body><office:text><text:h text:outline-level='3'>H</text:h><text:p>a<text:s text:c='4'/><text:note><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p><table:table><table:table-row table:number-rows-repeated='9'><table:table-cell table:number-columns-spanned='2'><text:p>c</text:p></table:table-cell><table:covered-table-cell/></table:table-row></table:table></office:text></office:body></office:document-content>";
const HTML: &str = "<!DOCTYPE html><html><head><title>t</title></head><body><h1>x</h1><table><tr><th rowspan=2>a<th colspan=3>b<tr><td>c</table><ol start=-9><li>i</ol><pre>p\n q</pre>&amp;&nbsp;&#0;</body></html>";
const MAIL: &str = "From: A <a@example.org>\r\nTo: b@example.org\r\nDate: Tue, 5 Mar 2024 10:00:00 +0100\r\nSubject: =?utf-8?B?w7w=?=\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>a\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@d\r\n\r\nz\r\n--x--\r\n";
const RICH: &str = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset128 A;}}\f0\'93\'fa\u-10179?\u-8704?\trowd\intbl a\cell\row\pard{\pict\bin3 abc}\outlinelevel1 x\par}";
const TEXTS: [&str; 5] = [
    "a;b;c\n1;\"x\"\"y\";3\n4;5;6\n",
    "# T\n\n|a|b|\n|-|-|\n|1|2|\n\n- i\n```\nf\n```\n",
    "{\"a\": [{\"b\": 1}, {\"b\": [1, 2]}], \"c\": null}",
    "<?xml version='1.0'?><a b='1'><c>x &lt; y</c><![CDATA[z]]></a>",
    "plain \u{FC} text\x0C\r\nsecond",
];

/// The parts of a package whose main content type is this.
fn package(main: &str, content_type: &str, part: &[u8]) -> Vec<u8> {
    let types =
        format!("<Types><Override PartName='/{main}' ContentType='application/{content_type}'/></Types>");
    let relations = "<Relationships><Relationship Id='rId1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet' Target='worksheets/sheet1.xml'/><Relationship Id='r2' Type='t/slide' Target='slides/slide1.xml'/></Relationships>";
    let target = if main.starts_with("xl/") {
        "xl/workbook.xml"
    } else {
        main
    };
    let root = format!(
        "<Relationships><Relationship Id='m' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='{target}'/></Relationships>"
    );
    let book = "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>";
    zip_of(&[
        ("[Content_Types].xml", types.as_bytes()),
        ("mimetype", content_type.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        (main, part),
        ("content.xml", part),
    ])
}

/// Wraps a changed part so that its reader is reached.
fn wrap(kind: usize, part: &[u8]) -> Vec<u8> {
    let office = "vnd.openxmlformats-officedocument";
    match kind {
        0 => package(
            "word/document.xml",
            &format!("{office}.wordprocessingml.document.main+xml"),
            part,
        ),
        1 => package(
            "ppt/slides/slide1.xml",
            &format!("{office}.presentationml.presentation.main+xml"),
            part,
        ),
        2 => package(
            "xl/worksheets/sheet1.xml",
            &format!("{office}.spreadsheetml.sheet.main+xml"),
            part,
        ),
        3 => zip_of(&[
            ("mimetype", b"application/vnd.oasis.opendocument.text"),
            ("content.xml", part),
        ]),
        _ => part.to_vec(),
    }
}

fn seed(kind: usize) -> &'static str {
    match kind {
        0 => WORD,
        1 => SLIDE,
        2 => SHEET,
        3 => OPEN_TEXT,
        4 => HTML,
        5 => MAIL,
        6 => RICH,
        other => TEXTS[(other - 7) % TEXTS.len()],
    }
}

#[derive(Debug, Clone)]
enum Change {
    Replace(usize, u8),
    Remove(usize, usize),
    Double(usize, usize),
    Cut(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<usize>(), 1..40usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<usize>(), 1..200usize).prop_map(|(at, length)| Change::Double(at, length)),
        any::<usize>().prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let size = bytes.len();
    match *change {
        Change::Replace(at, byte) => bytes[at % size] = byte,
        Change::Remove(at, length) => {
            let start = at % size;
            bytes.drain(start..size.min(start + length));
        }
        Change::Double(at, length) => {
            let start = at % size;
            let piece = bytes[start..size.min(start + length)].to_vec();
            bytes.splice(start..start, piece);
        }
        Change::Cut(at) => bytes.truncate(at % size),
    }
}

fn limits() -> IngestLimits {
    IngestLimits {
        max_unpacked_bytes: 8 << 20,
        max_text_bytes: 4 << 20,
        ..IngestLimits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_files_never_panic(
        kind in 0..12usize,
        changes in prop::collection::vec(change(), 0..6),
        name in prop::sample::select(vec!["a.csv", "a.md", "a", "a.eml"]),
    ) {
        let mut part = seed(kind).as_bytes().to_vec();
        changes.iter().for_each(|change| apply(&mut part, change));
        // parse_limited checks the invariants of every document.
        let _ = parse_limited(&wrap(kind, &part), name, limits());
    }

    #[test]
    fn changed_archives_never_panic(kind in 0..4usize, changes in prop::collection::vec(change(), 1..8)) {
        let mut bytes = wrap(kind, seed(kind).as_bytes());
        changes.iter().for_each(|change| apply(&mut bytes, change));
        let _ = parse_limited(&bytes, "a.docx", limits());
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_limited(&bytes, "a", limits());
    }
}

#[test]
fn unchanged_seeds_are_read() {
    for kind in 0..12 {
        let document = parse_limited(&wrap(kind, seed(kind).as_bytes()), "a.csv", limits());
        assert!(
            document.is_ok_and(|document| !document.text.trim().is_empty()),
            "seed {kind}"
        );
    }
}

#[test]
fn a_zip_bomb_of_every_package_is_refused() {
    let zeros = vec![b' '; 80 << 20];
    for kind in 0..4 {
        let error = parse_limited(
            &wrap(kind, &zeros),
            "",
            IngestLimits {
                max_unpacked_bytes: 8 << 20,
                ..limits()
            },
        );
        assert!(
            matches!(error, Err(ParseError::LimitReached { .. })),
            "kind {kind}: {error:?}"
        );
    }
}
