//! Parsers of office formats.

mod blocks;
pub mod docx;
pub mod odf;
pub mod pptx;
mod number_format;
mod relationships;
pub mod workbook;
