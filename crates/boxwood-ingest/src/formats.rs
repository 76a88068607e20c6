//! The one table of formats: detection, the list of what is supported, error texts and the parsers derive from it.
//!
//! Invariant: every [`DocumentFormat`] has exactly one row; a row names the parser that reads it.

use crate::context::ParseContext;
use crate::error::ParseError;
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
