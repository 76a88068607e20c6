//! Bytes of a file become a `Document`: pages, lines, words with boxes, tables, and notes of what was not read.
//!
//! Architecture invariant: no byte of a file is trusted. Parsers run in a worker process with limits of memory,
//! processor time and files, without network; the server only sees the finished document. The format is decided by
//! content ([`detect`]), and one table ([`formats`]) says what is read and by what.

pub mod archive;
pub mod context;
pub mod detect;
pub mod encoding;
pub mod error;
pub mod fonts;
pub mod formats;
#[cfg(test)]
mod hostile;
pub mod image;
mod layout;
mod ocr;
pub mod office;
pub mod parse;
pub mod pdf;
pub mod picture;
mod table;
#[cfg(test)]
mod testing;
pub mod text;
pub mod thumbnail;
mod worker;
pub mod xml;

pub use context::{IngestLimits, OcrConfig, OcrEngine, ParseContext, ParseProgress};
pub use error::{IngestError, ParseError};
pub use picture::{PagePicture, PictureRequest};
pub use thumbnail::{THUMBNAIL_VERSION, Thumbnail, ThumbnailFormat, Thumbnails};
pub use worker::{IngestConfig, Ingestor, ParseReport, WorkerCommand, worker_main};

/// Version of what the parsers produce: kept artifacts of another version are parsed again.
pub const PARSER_VERSION: u32 = 4;
