//! What is inside a ZIP or OLE file.
//!
//! Invariant: only the directory, `mimetype`, `[Content_Types].xml` and the ODF manifest are unpacked here, each with
//! a small bound.

use super::Detected;
use crate::formats::name_of;
use boxwood_core::DocumentFormat;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Largest part that detection reads.
const MAX_PART_BYTES: u64 = 4 << 20;

/// Main content types of Office Open XML, by the part of their name that tells.
const OFFICE_TYPES: &[(&str, DocumentFormat)] = &[
    ("wordprocessingml.document.main", DocumentFormat::Docx),
    ("wordprocessingml.template.main", DocumentFormat::Docx),
    ("ms-word.document.macroenabled.main", DocumentFormat::Docx),
    ("ms-word.template.macroenabledtemplate.main", DocumentFormat::Docx),
    ("presentationml.presentation.main", DocumentFormat::Pptx),
    ("presentationml.slideshow.main", DocumentFormat::Pptx),
    ("presentationml.template.main", DocumentFormat::Pptx),
    (
        "ms-powerpoint.presentation.macroenabled.main",
        DocumentFormat::Pptx,
    ),
    ("ms-powerpoint.slideshow.macroenabled.main", DocumentFormat::Pptx),
    ("ms-powerpoint.template.macroenabled.main", DocumentFormat::Pptx),
    ("ms-excel.sheet.binary.macroenabled.main", DocumentFormat::Xlsb),
    ("spreadsheetml.sheet.main", DocumentFormat::Xlsx),
    ("spreadsheetml.template.main", DocumentFormat::Xlsx),
    ("ms-excel.sheet.macroenabled.main", DocumentFormat::Xlsx),
    ("ms-excel.template.macroenabled.main", DocumentFormat::Xlsx),
];

/// Beginnings of `mimetype`.
const OPEN_DOCUMENT_TYPES: &[(&str, DocumentFormat)] = &[
    ("application/vnd.oasis.opendocument.text", DocumentFormat::Odt),
    (
        "application/vnd.oasis.opendocument.presentation",
        DocumentFormat::Odp,
    ),
    (
        "application/vnd.oasis.opendocument.spreadsheet",
        DocumentFormat::Ods,
    ),
];

/// A part whose presence tells, for files without a usable type list, and what it tells.
const PARTS: &[(&str, Result<DocumentFormat, &str>)] = &[
    ("visio/document.xml", Err("a Visio drawing")),
    ("word/document.xml", Ok(DocumentFormat::Docx)),
    ("ppt/presentation.xml", Ok(DocumentFormat::Pptx)),
    ("xl/workbook.xml", Ok(DocumentFormat::Xlsx)),
    ("xl/workbook.bin", Ok(DocumentFormat::Xlsb)),
    ("index/document.iwa", Err("an Apple iWork document")),
    (".iwph", Err("an Apple iWork document")),
    ("index/tables/datalist.iwa", Err("an Apple iWork document")),
    ("androidmanifest.xml", Err("an Android program")),
    ("meta-inf/container.xml", Err("an EPUB book")),
];

/// Names the format of a ZIP file.
pub(super) fn zip(bytes: &[u8]) -> Detected {
    let Ok(mut zip) = ZipArchive::new(Cursor::new(bytes)) else {
        return damaged_zip(bytes);
    };
    let mimetype = read(&mut zip, "mimetype").unwrap_or_default();
    if let Some((_, format)) = OPEN_DOCUMENT_TYPES
        .iter()
        .find(|(kind, _)| mimetype.starts_with(kind))
    {
        let manifest = read(&mut zip, "META-INF/manifest.xml").unwrap_or_default();
        if manifest.contains("encryption-data") {
            return Detected::Encrypted(name_of(*format).to_owned());
        }
        return Detected::Format(*format);
    }
    match mimetype.trim() {
        "application/epub+zip" => return Detected::unsupported("an EPUB book"),
        kind if kind.starts_with("application/vnd.oasis.opendocument") => {
            return Detected::unsupported("an OpenDocument file that is neither text, sheet nor slides");
        }
        _ => {}
    }
    let types = read(&mut zip, "[Content_Types].xml")
        .unwrap_or_default()
        .to_lowercase();
    if let Some((_, format)) = OFFICE_TYPES.iter().find(|(kind, _)| types.contains(kind)) {
        return Detected::Format(*format);
    }
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.replace('\\', "/").trim_start_matches('/').to_lowercase())
        .collect();
    by_parts(|part| names.iter().any(|name| name == part))
}

/// An archive without a readable directory still shows the names of its parts.
fn damaged_zip(bytes: &[u8]) -> Detected {
    let head = &bytes[..bytes.len().min(1 << 20)];
    let text = String::from_utf8_lossy(head).to_lowercase();
    by_parts(|part| text.contains(part))
}

fn by_parts(has: impl Fn(&str) -> bool) -> Detected {
    match PARTS.iter().find(|(part, _)| has(part)) {
        Some((_, Ok(format))) => Detected::Format(*format),
        Some((_, Err(what))) => Detected::unsupported(what),
        None => Detected::unsupported("a ZIP archive"),
    }
}

fn read(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Option<String> {
    let part = zip.by_name(name).ok()?;
    let mut bytes = Vec::new();
    part.take(MAX_PART_BYTES).read_to_end(&mut bytes).ok()?;
    Some(crate::encoding::decode_xml(&bytes).into_owned())
}

/// Stream names of OLE files, in the order of their weight, and what they tell.
const STREAMS: &[(&str, Result<Option<DocumentFormat>, &str>)] = &[
    ("EncryptedPackage", Ok(None)),
    ("EncryptionInfo", Ok(None)),
    (
        "WordDocument",
        Err("a legacy Word document (.doc; save it as .docx)"),
    ),
    (
        "PowerPoint Document",
        Err("a legacy PowerPoint presentation (.ppt; save it as .pptx)"),
    ),
    (
        "PP97_DUALSTORAGE",
        Err("a legacy PowerPoint presentation (.ppt; save it as .pptx)"),
    ),
    ("Workbook", Ok(Some(DocumentFormat::Xls))),
    ("WORKBOOK", Ok(Some(DocumentFormat::Xls))),
    ("Book", Ok(Some(DocumentFormat::Xls))),
    ("VisioDocument", Err("a Visio drawing")),
    (
        "__properties_version1.0",
        Err("an Outlook message (.msg; save it as .eml)"),
    ),
    ("CONTENTS", Err("a Microsoft Works or Publisher document")),
];

/// Names the format of an OLE compound file by its directory entries.
///
/// Entries are 128 bytes on a 128-byte grid, so a damaged allocation table does not hide them.
pub(super) fn ole(bytes: &[u8]) -> Detected {
    let mut names: Vec<String> = Vec::new();
    for entry in bytes.get(512..).unwrap_or_default().chunks_exact(128) {
        names.extend(entry_name(entry));
    }
    match STREAMS
        .iter()
        .find(|(stream, _)| names.iter().any(|name| name == stream))
    {
        Some((_, Ok(Some(format)))) => Detected::Format(*format),
        Some((_, Ok(None))) => Detected::Encrypted("Office".to_owned()),
        Some((_, Err(what))) => Detected::unsupported(what),
        None => Detected::unsupported("an OLE compound file of unknown kind"),
    }
}

fn entry_name(entry: &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes([*entry.get(64)?, *entry.get(65)?]));
    let is_entry = matches!(entry.get(66)?, 1 | 2 | 5) && (4..=64).contains(&length) && length % 2 == 0;
    if !is_entry {
        return None;
    }
    let units: Vec<u16> = entry[..length - 2]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    String::from_utf16(&units).ok()
}
