//! PDFs that the tests write themselves.

use super::parse;
use crate::context::{IngestLimits, OcrConfig, OcrEngine, ParseContext};
use crate::error::ParseError;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Document, DocumentFormat, PageSize, ReadNoteKind, TextSource};
use std::fmt::Write;

/// A PDF of these objects (from number 1, the first is the catalogue) with a correct table of offsets.
fn pdf_of(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1).unwrap();
    }
    let start = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(file, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        file,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    )
    .unwrap();
    file.into_bytes()
}

/// A PDF with these content streams as pages, in Helvetica as `/F1`.
fn pdf(pages: &[&str], catalog: &str, page_entries: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|index| format!("{} 0 R", 4 + 2 * index))
        .collect();
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (index, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Resources << /Font << /F1 3 0 R >> >> \
             /Contents {} 0 R {page_entries} >>",
            5 + 2 * index
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    pdf_of(&objects)
}

fn read_with(bytes: &[u8], limits: IngestLimits) -> Result<Document, ParseError> {
    let ocr = OcrConfig {
        engine: OcrEngine::Off,
        ..OcrConfig::default()
    };
    let mut context = ParseContext::new(limits, ocr, "test.pdf");
    let mut builder = DocumentBuilder::new(1, DocumentFormat::Pdf);
    parse(bytes, &mut context, &mut builder)?;
    let document = builder.finish();
    document.check().unwrap();
    Ok(document)
}

fn read(bytes: &[u8]) -> Document {
    read_with(bytes, IngestLimits::default()).unwrap()
}

const HELLO: &str = "BT /F1 12 Tf 72 500 Td (Hello world) Tj ET";

#[test]
fn words_have_boxes_from_the_top_left() {
    let document = read(&pdf(&[HELLO], "", ""));
    assert_eq!(document.text, "Hello world\n");
    let page = &document.pages[0];
    assert_eq!(
        page.size,
        Some(PageSize {
            width: 400.0,
            height: 600.0
        })
    );
    assert_eq!(page.source, TextSource::Native);
    let [hello, world] = page.lines[0].words.as_slice() else {
        panic!("{:?}", page.lines)
    };
    assert_eq!(&document.text[world.range()], "world");
    assert!(
        (hello.bounds.left - 72.0).abs() < 0.1 && (hello.bounds.bottom - 102.4).abs() < 0.5,
        "{hello:?}"
    );
    assert!(
        (hello.bounds.right - 99.3).abs() < 1.0 && world.bounds.left > hello.bounds.right,
        "{world:?}"
    );
}

#[test]
fn pages_are_read_as_they_are_turned_and_cropped() {
    let turned = read(&pdf(&[HELLO], "", "/Rotate 90"));
    let page = &turned.pages[0];
    assert_eq!(
        page.size,
        Some(PageSize {
            width: 600.0,
            height: 400.0
        })
    );
    assert_eq!(turned.text, "Hello world\n");
    let bounds = page.lines[0].words[0].bounds;
    assert!(
        bounds.height() > bounds.width() && bounds.left > 480.0 && bounds.right < 520.0,
        "{bounds:?}"
    );

    let cropped = read(&pdf(&[HELLO], "", "/CropBox [50 400 300 560]"));
    let bounds = cropped.pages[0].lines[0].words[0].bounds;
    assert_eq!(
        cropped.pages[0].size,
        Some(PageSize {
            width: 250.0,
            height: 160.0
        })
    );
    assert!(
        (bounds.left - 22.0).abs() < 0.1 && (bounds.bottom - 62.4).abs() < 0.5,
        "{bounds:?}"
    );
}

#[test]
fn what_is_drawn_twice_is_read_once_and_what_is_hidden_is_read() {
    let check = |content: &str, expected: &str| assert_eq!(read(&pdf(&[content], "", "")).text, expected);
    check("BT /F1 12 Tf 72 500 Td (Bold) Tj 0.4 0 Td (Bold) Tj ET", "Bold\n");
    check("BT 2 Tr /F1 12 Tf 72 500 Td (Outlined) Tj ET", "Outlined\n");
    check("BT 3 Tr /F1 12 Tf 72 500 Td (Invisible) Tj ET", "Invisible\n");
    check("1 g BT /F1 12 Tf 72 500 Td (White) Tj ET", "White\n");
    check(
        "0 0 10 10 re W n BT /F1 12 Tf 72 500 Td (Clipped) Tj ET",
        "Clipped\n",
    );
    check(
        "BT /F1 12 Tf 72 500 Td [(Ker) 40 (ned) -300 (apart)] TJ ET",
        "Kerned apart\n",
    );
    check(
        "BT /F1 12 Tf 72 500 Td (well) Tj ET BT /F1 12 Tf 72 480 Td (known-) Tj ET",
        "well\nknown-\n",
    );
}

#[test]
fn text_outside_the_page_is_noted() {
    let document = read(&pdf(
        &["BT /F1 12 Tf 72 900 Td (Far away) Tj 0 -400 Td (Here) Tj ET"],
        "",
        "",
    ));
    assert_eq!(document.text, "Here\n");
    assert_eq!(document.notes[0].kind, ReadNoteKind::Unsupported);
    assert_eq!(document.notes[0].page, Some(1));
}

#[test]
fn pages_carry_their_labels() {
    let labels = "/PageLabels << /Nums [0 << /S /r >> 2 << /S /D /P (A-) /St 5 >>] >>";
    let document = read(&pdf(&[HELLO, HELLO, HELLO], labels, ""));
    let found: Vec<Option<&str>> = document.pages.iter().map(|page| page.label.as_deref()).collect();
    assert_eq!(found, [Some("i"), Some("ii"), Some("A-5")]);
}

#[test]
fn form_values_and_notes_without_an_appearance_are_read() {
    let annotations = "/Annots [<< /Subtype /Widget /FT /Tx /V (Jane Doe) /Rect [72 300 200 320] >> \
        << /Subtype /FreeText /Contents (Remark) /Rect [72 200 200 220] >> << /Subtype /Link /Contents (no) >>]";
    let document = read(&pdf(&[HELLO], "", annotations));
    assert_eq!(document.text, "Hello world\nJane Doe\nRemark\n");
    let bounds = document.pages[0].lines[1].words[1].bounds;
    assert_eq!((bounds.left, bounds.top, bounds.bottom), (72.0, 280.0, 300.0));
}

#[test]
fn embedded_files_are_noted() {
    let names = "/Names << /EmbeddedFiles << /Names [(a) << /Type /Filespec /UF (invoice.xml) >>] >> >>";
    let document = read(&pdf(&[HELLO], names, ""));
    assert_eq!(document.notes[0].kind, ReadNoteKind::Embedded);
    assert_eq!(
        document.notes[0].message,
        "1 embedded file was not opened: invoice.xml"
    );
}

#[test]
fn pixels_without_an_engine_are_noted() {
    let image = "q 380 0 0 580 10 10 cm BI /W 16 /H 16 /CS /G /BPC 8 /F /AHx ID ".to_owned()
        + &"80".repeat(256)
        + "> EI Q";
    let document = read(&pdf(&[HELLO, &image, &image], "", ""));
    assert_eq!(document.notes.len(), 1);
    assert_eq!(document.notes[0].kind, ReadNoteKind::NotRecognised);
    assert!(
        document.notes[0].message.starts_with("pages 2–3: "),
        "{:?}",
        document.notes
    );
    // A letterhead over a scan: the text that is there is kept, the rest is noted.
    let both = read(&pdf(&[&format!("{image} {HELLO}")], "", ""));
    assert_eq!((both.text.as_str(), both.notes.len()), ("Hello world\n", 1));
}

#[test]
fn limits_name_the_pages_that_were_not_read() {
    let pages = [HELLO; 5];
    let document = read_with(
        &pdf(&pages, "", ""),
        IngestLimits {
            max_pages: 2,
            ..IngestLimits::default()
        },
    )
    .unwrap();
    assert_eq!(document.pages.len(), 2);
    assert_eq!(document.notes[0].kind, ReadNoteKind::LimitReached);
    assert!(
        document.notes[0].message.starts_with("pages 3–5 were not read"),
        "{:?}",
        document.notes
    );
    let nothing = read_with(
        &pdf(&pages, "", ""),
        IngestLimits {
            wall_seconds: 0,
            ..IngestLimits::default()
        },
    );
    assert!(matches!(nothing, Err(ParseError::LimitReached { .. })));
}

#[test]
fn broken_and_locked_files_are_refused_with_a_reason() {
    let refused = |bytes: &[u8]| read_with(bytes, IngestLimits::default()).unwrap_err();
    assert!(matches!(
        refused(b"%PDF-1.7\nnothing here"),
        ParseError::Damaged { .. }
    ));
    assert!(matches!(refused(&pdf(&[], "", "")), ParseError::Damaged { .. }));
    let locked = include_bytes!("../../tests/fixtures/needs-password.pdf");
    assert!(matches!(refused(locked), ParseError::Encrypted { .. }));
    let open = include_bytes!("../../tests/fixtures/empty-password.pdf");
    assert_eq!(read(open).text, "Readable without a password\n");
}

#[test]
fn a_damaged_table_of_offsets_is_mended() {
    let mut bytes = pdf(&[HELLO, HELLO], "", "");
    let cut = bytes.windows(4).rposition(|part| part == b"xref").unwrap() - 60;
    bytes.truncate(cut);
    assert!(read(&bytes).text.starts_with("Hello world\n"));
}

#[test]
fn the_head_of_an_invoice_is_read_block_by_block() {
    let mut content = String::from("BT /F1 10 Tf ");
    let mut put = |x: u32, y: u32, text: &str| {
        write!(content, "1 0 0 1 {x} {y} Tm ({text}) Tj ").unwrap();
    };
    let address = [
        "Supplier Ltd",
        "Mill Lane 20",
        "80333 Munich",
        "Germany",
        "Customer plc",
    ];
    let numbers = [
        ("Invoice number", "471102"),
        ("Invoice date", "05.03.2013"),
        ("Customer", "GE2020211"),
        ("Currency", "EUR"),
        ("Terms", "30 days"),
    ];
    // Line by line, as many programs write.
    for (row, (line, (label, value))) in (0..).zip(address.into_iter().zip(numbers)) {
        put(30, 560 - 14 * row, line);
        put(220, 553 - 14 * row, label);
        put(320, 553 - 14 * row, value);
    }
    content.push_str("ET");
    assert_eq!(
        read(&pdf(&[&content], "", "")).text,
        "Supplier Ltd\nMill Lane 20\n80333 Munich\nGermany\nCustomer plc\nInvoice number | 471102\n\
         Invoice date | 05.03.2013\nCustomer | GE2020211\nCurrency | EUR\nTerms | 30 days\n"
    );
}
