//! Helpers of this crate's own tests.

use crate::context::{IngestLimits, OcrConfig, ParseContext};
use crate::error::ParseError;
use crate::parse::parse_bytes;
use boxwood_core::{Document, LineKind};
use image::{ImageFormat, Rgb, RgbImage};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A ZIP file with these parts.
pub(crate) fn zip_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Parses with default limits and without recognition.
pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<Document, ParseError> {
    parse_limited(bytes, name, IngestLimits::default())
}

/// Parses with these limits.
pub(crate) fn parse_limited(bytes: &[u8], name: &str, limits: IngestLimits) -> Result<Document, ParseError> {
    let ocr = OcrConfig {
        engine: crate::OcrEngine::Off,
        ..OcrConfig::default()
    };
    let document = parse_bytes(bytes, &mut ParseContext::new(limits, ocr, name), |_| ());
    if let Ok(document) = &document {
        document.check().unwrap();
    }
    document
}

/// A text in a file of this name must be read as this outline.
#[track_caller]
pub(crate) fn check(text: &str, name: &str, expected: &str) {
    let document = parse(text.as_bytes(), name).unwrap();
    assert_eq!(outline(&document), expected, "{text:?}");
}

/// A picture of one colour.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb([200, 30, 30]))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// The document in a form that tests can read: one line a line, marked by its kind; notes last.
pub(crate) fn outline(document: &Document) -> String {
    let mut out = String::new();
    for page in &document.pages {
        if document.pages.len() > 1 || page.label.is_some() {
            out.push_str(&format!("== {}\n", page.label.as_deref().unwrap_or("-")));
        }
        for line in &page.lines {
            let mark = match line.kind {
                LineKind::Body => String::new(),
                LineKind::Heading(level) => format!("{} ", "#".repeat(usize::from(level))),
                LineKind::ListItem => "* ".to_owned(),
                LineKind::TableRow { table, row } => {
                    let header = row < document.tables[table as usize].header_rows;
                    if header { "|! " } else { "| " }.to_owned()
                }
            };
            out.push_str(&format!("{mark}{}\n", document.line_text(line)));
        }
    }
    for note in &document.notes {
        out.push_str(&format!("({:?}) {}\n", note.kind, note.message));
    }
    out
}
