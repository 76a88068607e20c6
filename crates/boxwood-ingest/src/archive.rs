//! ZIP-based files with limits: the only place of this crate that unpacks anything.
//!
//! Invariant: parts are read into memory by name and never written; names are only compared, so a name that climbs
//! out of a folder leads nowhere. Entry count, total unpacked size and ratio are bounded by what really comes out of
//! the decompressor, not by what the file claims.

use crate::context::ParseContext;
use crate::error::ParseError;
use std::collections::HashMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

/// A part may always unpack to this size, whatever its ratio.
const RATIO_FREE_BYTES: u64 = 64 << 20;
/// Beyond that, more than this times the packed size is a bomb: real sheets stay under 300.
const MAX_RATIO: u64 = 600;

/// An open ZIP file.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Lower-case name with forward slashes to index.
    index: HashMap<String, usize>,
    remaining: u64,
    limit: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory of the archive.
    ///
    /// # Errors
    /// Damaged, or more entries than the limit.
    pub fn open(bytes: &'a [u8], context: &ParseContext) -> Result<Self, ParseError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| context.damaged(error))?;
        let limits = context.limits();
        if zip.len() > limits.max_archive_entries {
            return Err(ParseError::limit("parts of the file", limits.max_archive_entries));
        }
        let index = (0..zip.len())
            .filter_map(|entry| Some((normalised(zip.name_for_index(entry)?), entry)))
            .collect();
        Ok(Self {
            zip,
            index,
            remaining: limits.max_unpacked_bytes,
            limit: limits.max_unpacked_bytes,
        })
    }

    /// Whether there is such a part; case and a leading slash do not matter.
    pub fn contains(&self, name: &str) -> bool {
        self.index.contains_key(&normalised(name))
    }

    /// Normalised names of all parts, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// Unpacks a part; `None` when there is none of this name.
    ///
    /// # Errors
    /// Damaged, encrypted, or over the limits.
    pub fn read(&mut self, name: &str, context: &ParseContext) -> Result<Option<Vec<u8>>, ParseError> {
        let Some(entry) = self.index.get(&normalised(name)).copied() else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        self.unpack(entry, context, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(Some(bytes))
    }

    /// Unpacks everything without keeping it, so that another library may open the same bytes.
    ///
    /// # Errors
    /// As for [`Archive::read`]; a damaged part is left to that library.
    pub fn check_sizes(&mut self, context: &ParseContext) -> Result<(), ParseError> {
        for entry in 0..self.zip.len() {
            match self.unpack(entry, context, |_| ()) {
                Err(ParseError::Damaged { .. }) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn unpack(
        &mut self,
        entry: usize,
        context: &ParseContext,
        mut keep: impl FnMut(&[u8]),
    ) -> Result<(), ParseError> {
        let mut part = match self.zip.by_index(entry) {
            Ok(part) => part,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(ParseError::encrypted(context.format()));
            }
            Err(error) => return Err(context.damaged(error)),
        };
        let bound = RATIO_FREE_BYTES.max(part.compressed_size().saturating_mul(MAX_RATIO));
        let mut total = 0u64;
        let mut buffer = vec![0u8; 64 << 10];
        loop {
            let count = part.read(&mut buffer).map_err(|error| context.damaged(error))?;
            if count == 0 {
                return Ok(());
            }
            total += count as u64;
            if total > bound {
                return Err(ParseError::limit("compression ratio", MAX_RATIO));
            }
            self.remaining = self
                .remaining
                .checked_sub(count as u64)
                .ok_or_else(|| ParseError::limit("unpacked size", format!("{} MiB", self.limit >> 20)))?;
            context.checkpoint()?;
            keep(&buffer[..count]);
        }
    }
}

fn normalised(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{IngestLimits, OcrConfig};
    use crate::testing::zip_of;

    fn context(change: impl FnOnce(&mut IngestLimits)) -> ParseContext {
        let mut limits = IngestLimits::default();
        change(&mut limits);
        ParseContext::new(limits, OcrConfig::default(), "")
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let zeros = vec![0u8; 3 << 20];
        let bytes = zip_of(&[("a.xml", &zeros), ("b.xml", &zeros)]);
        assert!(bytes.len() < 32 << 10);
        let context = context(|limits| limits.max_unpacked_bytes = 4 << 20);
        let mut archive = Archive::open(&bytes, &context).unwrap();
        assert_eq!(archive.read("a.xml", &context).unwrap().unwrap().len(), 3 << 20);
        let error = archive.read("b.xml", &context).unwrap_err();
        assert_eq!(error, ParseError::limit("unpacked size", "4 MiB"));
        let error = Archive::open(&bytes, &context)
            .unwrap()
            .check_sizes(&context)
            .unwrap_err();
        assert!(matches!(error, ParseError::LimitReached { .. }));
    }

    #[test]
    fn names_are_only_compared() {
        let bytes = zip_of(&[("../../etc/passwd", b"slip"), ("Word\\Document.xml", b"text")]);
        let context = context(|_| ());
        let mut archive = Archive::open(&bytes, &context).unwrap();
        assert_eq!(
            archive.read("/word/document.xml", &context).unwrap().unwrap(),
            b"text"
        );
        assert_eq!(archive.read("etc/passwd", &context).unwrap(), None);
    }

    #[test]
    fn too_many_entries_and_truncation_are_refused() {
        let bytes = zip_of(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
        let few = context(|limits| limits.max_archive_entries = 2);
        assert!(matches!(
            Archive::open(&bytes, &few),
            Err(ParseError::LimitReached { .. })
        ));
        let context = context(|_| ());
        assert!(matches!(
            Archive::open(&bytes[..bytes.len() / 2], &context),
            Err(ParseError::Damaged { .. })
        ));
    }
}
