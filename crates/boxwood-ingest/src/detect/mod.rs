//! What a file is, by its content.
//!
//! Invariant: the name decides nothing but between kinds of plain text (CSV, Markdown, source code), which the same
//! bytes can be at once. Called by [`crate::parse::parse_bytes`] only.

mod containers;
mod signatures;
mod text;

use boxwood_core::DocumentFormat;

/// The outcome of detection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detected {
    /// A format that has a parser.
    Format(DocumentFormat),
    /// Locked by a password; holds the format's name.
    Encrypted(String),
    /// Something else, in words: "a ZIP archive".
    Unsupported(String),
    /// Nothing but white space.
    Empty,
}

impl Detected {
    fn unsupported(what: &str) -> Self {
        Self::Unsupported(what.to_owned())
    }
}

/// Looks at the bytes; `file_name` is the last hint between kinds of text.
pub fn detect(bytes: &[u8], file_name: &str) -> Detected {
    if bytes.is_empty() {
        return Detected::Empty;
    }
    if let Some(kind) = signatures::find(bytes) {
        return match kind {
            signatures::Kind::Is(format) => Detected::Format(format),
            signatures::Kind::Zip => containers::zip(bytes),
            signatures::Kind::Ole => containers::ole(bytes),
            signatures::Kind::Other(what) => Detected::unsupported(what),
        };
    }
    text::detect(bytes, file_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::zip_of;
    use DocumentFormat as F;

    fn check(bytes: &[u8], name: &str, expected: Detected) {
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!(detect(bytes, name), expected, "{name}: {head:?}");
    }

    #[test]
    fn binary_formats_are_known_by_their_first_bytes() {
        let cases: &[(&[u8], F)] = &[
            (b"%PDF-1.7\n1 0 obj", F::Pdf),
            (b"\n\n  %PDF-1.4", F::Pdf),
            (b"junk before it %PDF-1.4\n1 0 obj<<>>endobj", F::Pdf),
            (b"\x89PNG\r\n\x1a\n....", F::Png),
            (b"\xFF\xD8\xFF\xE0..JFIF", F::Jpeg),
            (b"II*\0....", F::Tiff),
            (b"GIF89a...", F::Gif),
            (b"RIFF\x10\0\0\0WEBPVP8 ", F::Webp),
            (b"{\\rtf1 x}", F::Rtf),
        ];
        for (bytes, format) in cases {
            // A wrong name changes nothing.
            check(bytes, "song.mp3", Detected::Format(*format));
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let cases: &[(&[u8], &str)] = &[
            (b"ID3\x03\0\0\0\0", "an MP3 sound file"),
            (b"MZ\x90\0\x03\0", "a Windows program"),
            (b"\x7fELF\x02\x01", "a program (ELF)"),
            (b"\x1f\x8b\x08\0", "a gzip archive"),
            (b"\0\0\0\x20ftypM4A \0", "an audio or video file (MP4)"),
            (
                b"\x01\x02\x03\x04\x05\0\0\0\x06\x07",
                "a binary file of unknown format",
            ),
        ];
        for (bytes, what) in cases {
            check(bytes, "a.txt", Detected::unsupported(what));
        }
        check(
            &zip_of(&[("a.txt", b"x")]),
            "a.docx",
            Detected::unsupported("a ZIP archive"),
        );
        check(b" \r\n\t", "a.txt", Detected::Empty);
    }

    #[test]
    fn zip_containers_are_known_by_their_parts() {
        let types = |main: &str| {
            format!("<Types><Override PartName='/x' ContentType='application/{main}'/></Types>").into_bytes()
        };
        let office = "vnd.openxmlformats-officedocument";
        let cases = [
            (format!("{office}.wordprocessingml.document.main+xml"), F::Docx),
            ("vnd.ms-word.document.macroEnabled.main+xml".into(), F::Docx),
            (format!("{office}.presentationml.slideshow.main+xml"), F::Pptx),
            (format!("{office}.spreadsheetml.sheet.main+xml"), F::Xlsx),
            ("vnd.ms-excel.sheet.binary.macroEnabled.main".into(), F::Xlsb),
        ];
        for (main, format) in cases {
            let bytes = zip_of(&[("[Content_Types].xml", &types(&main))]);
            check(&bytes, "x.zip", Detected::Format(format));
        }
        let odf = |manifest: &str| {
            zip_of(&[
                ("mimetype", b"application/vnd.oasis.opendocument.text"),
                ("META-INF/manifest.xml", manifest.as_bytes()),
            ])
        };
        check(&odf("<manifest/>"), "x", Detected::Format(F::Odt));
        check(
            &odf("<manifest:encryption-data/>"),
            "x",
            Detected::Encrypted("ODT".into()),
        );
        let visio = zip_of(&[("[Content_Types].xml", b"<Types/>"), ("visio/document.xml", b"")]);
        check(&visio, "x.docx", Detected::unsupported("a Visio drawing"));
        let epub = zip_of(&[("mimetype", b"application/epub+zip")]);
        check(&epub, "x", Detected::unsupported("an EPUB book"));
    }

    #[test]
    fn kinds_of_text_are_told_apart() {
        let mail = "Received: from a\r\nFrom: a@example.org\r\nSubject: Hello\r\n\r\nText";
        let cases: &[(&str, &str, F)] = &[
            ("<!DOCTYPE html><html><body>x", "a.txt", F::Html),
            ("  <HTML><body>x", "", F::Html),
            (
                "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
                "",
                F::Html,
            ),
            ("<?xml version='1.0'?><order id='1'/>", "a.html", F::Xml),
            ("<order id='1'><line/></order>", "", F::Xml),
            ("{\"a\": [1, 2]}", "a.txt", F::Json),
            ("{\"a\": 1}\n{\"a\": 2}\n", "", F::Json),
            ("{not json}", "a.json", F::Text),
            (mail, "a.txt", F::Eml),
            (
                "From alice@example.org Mon Jan 1\nFrom: a@b\nTo: c@d\n\nx",
                "",
                F::Eml,
            ),
            ("a,b\n1,2\n", "a.csv", F::Csv),
            ("name;age;city\nA;1;X\nB;2;Y\nC;3;Z\n", "data", F::Csv),
            ("one line, with a comma\nand another, too\n", "a.txt", F::Text),
            ("# Title\n\n- a\n- b\n", "", F::Markdown),
            ("plain", "a.md", F::Markdown),
            ("fn main() {}\n", "main.rs", F::Text),
            ("Just words.\n", "", F::Text),
            ("Dear all: this is text\nFrom: nobody knows\n\nx", "", F::Text),
        ];
        for (text, name, format) in cases {
            check(text.as_bytes(), name, Detected::Format(*format));
        }
        let utf16: Vec<u8> = "<html>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(
            &[b"\xFF\xFE", utf16.as_slice()].concat(),
            "",
            Detected::Format(F::Html),
        );
    }

    #[test]
    fn legacy_office_files_are_named() {
        let entry = |name: &str| {
            let mut entry = vec![0u8; 128];
            for (index, unit) in name.encode_utf16().enumerate() {
                entry[index * 2..index * 2 + 2].copy_from_slice(&unit.to_le_bytes());
            }
            entry[64..66].copy_from_slice(&(name.len() as u16 * 2 + 2).to_le_bytes());
            entry[66] = 2;
            entry
        };
        let file = |name: &str| {
            let mut bytes = vec![0u8; 512];
            bytes[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
            bytes.extend(entry(name));
            bytes
        };
        check(&file("Workbook"), "a.doc", Detected::Format(F::Xls));
        check(
            &file("WordDocument"),
            "a.xls",
            Detected::unsupported("a legacy Word document (.doc; save it as .docx)"),
        );
        check(
            &file("EncryptedPackage"),
            "a.docx",
            Detected::Encrypted("Office".into()),
        );
    }
}
