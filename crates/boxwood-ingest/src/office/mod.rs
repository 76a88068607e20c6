//! Parsers of office formats.

mod blocks;
pub mod docx;
mod number_format;
pub mod odf;
pub mod pptx;
mod relationships;
pub mod workbook;
