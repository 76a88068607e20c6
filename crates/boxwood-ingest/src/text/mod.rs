//! Parsers of formats that are text.

pub mod csv;
pub mod eml;
pub mod html;
pub mod json;
pub mod markdown;
pub mod plain;
pub mod rtf;
pub mod xml;
