//! The one table of formats: detection, the list of what is supported, error texts and the parsers derive from it.
//!
//! Invariant: every [`DocumentFormat`] has exactly one row; a row names the parser that reads it.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::{office, text};
use boxwood_core::DocumentFormat;
use boxwood_core::document::DocumentBuilder;

/// The signature of every parser: reads all bytes of a file into the builder.
pub type Parser = fn(&[u8], &mut ParseContext, &mut DocumentBuilder) -> Result<(), ParseError>;

/// A format that Boxwood reads.
pub struct FormatRow {
    /// Its identity.
    pub format: DocumentFormat,
    /// Its name in sentences: "the DOCX file is damaged".
    pub name: &'static str,
    /// Usual file name extensions, lower case; only [`crate::detect`] uses them, and only between kinds of text.
    pub extensions: &'static [&'static str],
    /// Media type.
    pub media_type: &'static str,
    /// Reads it.
    pub parse: Parser,
}

macro_rules! rows {
    ($($format:ident, $name:literal, $extensions:expr, $media_type:literal, $parse:expr;)*) => {
        &[$(FormatRow {
            format: DocumentFormat::$format,
            name: $name,
            extensions: &$extensions,
            media_type: $media_type,
            parse: $parse,
        }),*]
    };
}

/// All formats, in the order in which they are listed to users.
pub const FORMATS: &[FormatRow] = rows! {
    Pdf, "PDF", ["pdf"], "application/pdf", crate::pdf::parse;
    Docx, "DOCX", ["docx", "docm", "dotx"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document", office::docx::parse;
    Pptx, "PPTX", ["pptx", "pptm", "ppsx"], "application/vnd.openxmlformats-officedocument.presentationml.presentation", office::pptx::parse;
    Xlsx, "XLSX", ["xlsx", "xlsm"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", office::workbook::parse;
    Xls, "XLS", ["xls"], "application/vnd.ms-excel", office::workbook::parse;
    Xlsb, "XLSB", ["xlsb"], "application/vnd.ms-excel.sheet.binary.macroenabled.12", office::workbook::parse;
    Ods, "ODS", ["ods"], "application/vnd.oasis.opendocument.spreadsheet", office::workbook::parse;
    Odt, "ODT", ["odt"], "application/vnd.oasis.opendocument.text", office::odf::parse;
    Odp, "ODP", ["odp"], "application/vnd.oasis.opendocument.presentation", office::odf::parse;
    Rtf, "RTF", ["rtf"], "application/rtf", text::rtf::parse;
    Csv, "CSV", ["csv", "tsv"], "text/csv", text::csv::parse;
    Html, "HTML", ["html", "htm"], "text/html", text::html::parse;
    Markdown, "Markdown", ["md"], "text/markdown", text::markdown::parse;
    Text, "plain text", ["txt"], "text/plain", text::plain::parse;
    Json, "JSON", ["json", "jsonl"], "application/json", text::json::parse;
    Xml, "XML", ["xml"], "application/xml", text::xml::parse;
    Eml, "e-mail (EML)", ["eml"], "message/rfc822", text::eml::parse;
    Png, "PNG", ["png"], "image/png", crate::image::parse;
    Jpeg, "JPEG", ["jpg", "jpeg"], "image/jpeg", crate::image::parse;
    Tiff, "TIFF", ["tif", "tiff"], "image/tiff", crate::image::parse;
    Webp, "WebP", ["webp"], "image/webp", crate::image::parse;
    Bmp, "BMP", ["bmp"], "image/bmp", crate::image::parse;
    Gif, "GIF", ["gif"], "image/gif", crate::image::parse;
};

/// The row of a format.
pub fn find(format: DocumentFormat) -> Option<&'static FormatRow> {
    FORMATS.iter().find(|row| row.format == format)
}

/// The name of a format in sentences.
pub fn name_of(format: DocumentFormat) -> &'static str {
    find(format).map_or("unknown", |row| row.name)
}

/// "PDF, DOCX, …": what a refusal tells the user.
pub fn supported_list() -> String {
    let names: Vec<&str> = FORMATS.iter().map(|row| row.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_one_row() {
        for row in FORMATS {
            let same = FORMATS.iter().filter(|other| other.format == row.format);
            assert_eq!(same.count(), 1, "{}", row.name);
            assert_eq!(name_of(row.format), row.name);
            assert!(supported_list().contains(row.name));
            assert!(!row.extensions.is_empty() && row.media_type.contains('/'));
        }
        // The enum has no iterator: its last variant's place in the order tells how many there are.
        assert_eq!(FORMATS.len(), DocumentFormat::Gif as usize + 1);
    }
}
