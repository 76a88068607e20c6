//! A quote that was re-found in a file.
//!
//! Invariant: `quote` is a byte-exact slice of the document's text. Made only by `boxwood-answer`'s cite step.

use crate::document::{BoundingBox, PageSize};
use crate::ids::FileId;
use serde::{Deserialize, Serialize};

/// An exact span of a file that supports an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The file that was cited.
    pub file_id: FileId,
    /// Its name.
    pub file_name: String,
    /// The exact text.
    pub quote: String,
    /// Byte range in the document's text.
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
    /// Where it stands: a rectangle a line, over several pages where the quote runs over a page break.
    pub highlights: Vec<Highlight>,
    /// Probability, 0 to 1, that the quote supports the answer.
    pub support: f32,
}

/// Where a part of a quote stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Highlight {
    /// 1-based page.
    pub page: u32,
    /// Sheet name or slide title.
    pub label: Option<String>,
    /// The page's size in points, so that a client can scale the boxes.
    pub page_size: Option<PageSize>,
    /// One box a line; empty where the format has no geometry.
    pub boxes: Vec<BoundingBox>,
}
