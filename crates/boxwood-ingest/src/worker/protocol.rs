//! What goes over the pipes between the server and a worker: length-prefixed frames of postcard.
//!
//! Invariant: neither side allocates by a length that the other claims before checking it against a bound.

use crate::context::{IngestLimits, OcrConfig, ParseProgress};
use crate::error::ParseError;
use crate::picture::{PagePicture, PictureRequest};
use crate::thumbnail::Thumbnails;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Largest frame to a worker: settings and file names only.
pub(super) const MAX_REQUEST_FRAME: u32 = 1 << 20;
/// Largest frame from a worker: a finished document.
pub(super) const MAX_RESPONSE_FRAME: u32 = 768 << 20;

/// Parent to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Request {
    /// The first frame: the limits and what the sandbox must leave open.
    Setup {
        /// Limits of every file.
        limits: IngestLimits,
        /// Recognition settings.
        ocr: OcrConfig,
    },
    /// One file; `size` raw bytes follow the frame.
    File {
        /// Name under which it was sent.
        file_name: String,
        /// Bytes that follow.
        size: u64,
        /// What is wanted of it.
        task: Task,
    },
}

/// What a worker does with a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Task {
    /// Read it.
    Parse,
    /// Paint its first pages.
    Paint(PictureRequest),
    /// Paint its thumbnails.
    Thumbnails,
}

/// Worker to parent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Response {
    /// The sandbox stands; says how strong it is, for the log.
    Ready {
        /// Which protections this kernel gave.
        sandbox: String,
    },
    /// The format was detected.
    Started {
        /// Its name.
        format: String,
    },
    /// A page was reached.
    Progress(ParseProgress),
    /// The document, as an artifact.
    Parsed(Vec<u8>),
    /// The pages that were painted.
    Painted(Vec<PagePicture>),
    /// Its thumbnails.
    Thumbnails(Thumbnails),
    /// The file was refused.
    Refused(ParseError),
    /// A parser panicked; the worker ends.
    Panicked(String),
}

/// The bytes of a frame.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0u8; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads the payload of a frame.
pub(super) fn decode<T: DeserializeOwned>(payload: &[u8]) -> io::Result<T> {
    postcard::from_bytes(payload).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Checks a length prefix.
pub(super) fn frame_length(prefix: [u8; 4], limit: u32) -> io::Result<usize> {
    let length = u32::from_le_bytes(prefix);
    if length > limit {
        let message = format!("a frame of {length} bytes exceeds {limit}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(length as usize)
}

/// Writes one frame.
pub(super) fn write_frame(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&encode(message)?)?;
    to.flush()
}

/// Reads one frame; `None` at the end of the stream.
pub(super) fn read_frame<T: DeserializeOwned>(from: &mut impl Read, limit: u32) -> io::Result<Option<T>> {
    let mut prefix = [0u8; 4];
    match from.read_exact(&mut prefix) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut payload = vec![0u8; frame_length(prefix, limit)?];
    from.read_exact(&mut payload)?;
    decode(&payload).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_the_pipe_and_claimed_lengths_are_bounded() {
        let request = Request::File {
            file_name: "ü.pdf".into(),
            size: 7,
            task: Task::Paint(PictureRequest { most: 5, side: 1_024 }),
        };
        let bytes = encode(&request).unwrap();
        let read: Option<Request> = read_frame(&mut bytes.as_slice(), MAX_REQUEST_FRAME).unwrap();
        assert_eq!(format!("{:?}", read.unwrap()), format!("{request:?}"));
        let end: Option<Request> = read_frame(&mut [].as_slice(), MAX_REQUEST_FRAME).unwrap();
        assert!(end.is_none());
        let lie = u32::MAX.to_le_bytes();
        let error = read_frame::<Request>(&mut lie.as_slice(), MAX_REQUEST_FRAME).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
