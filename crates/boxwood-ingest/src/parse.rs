//! One file, in this process: detect, pick the parser, keep what is honest.
//!
//! Invariant: only the worker process (and tests) call this; the server goes through [`crate::Ingestor`].

use crate::PARSER_VERSION;
use crate::context::ParseContext;
use crate::detect::{Detected, detect};
use crate::error::ParseError;
use crate::formats;
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Document, ReadNoteKind};

/// Parses the bytes of a file.
///
/// A parser that fails after it has read text (damage further on, a limit of time, pages or text) yields what it read,
/// with a note that says so; failing before any text is an error. `started` hears the detected format's name first.
///
/// # Errors
/// [`ParseError`], in words for the person who sent the file.
pub fn parse_bytes(
    bytes: &[u8],
    context: &mut ParseContext,
    started: impl FnOnce(&str),
) -> Result<Document, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    let format = match detect(bytes, context.file_name()) {
        Detected::Format(format) => format,
        Detected::Encrypted(format) => {
            started(&format);
            return Err(ParseError::Encrypted { format });
        }
        Detected::Unsupported(detected) => {
            started(&detected);
            return Err(ParseError::Unsupported { detected });
        }
        Detected::Empty => return Err(ParseError::Empty),
    };
    started(formats::name_of(format));
    let Some(row) = formats::find(format) else {
        let detected = format!("{format:?}");
        return Err(ParseError::Unsupported { detected });
    };
    context.set_format(format);
    let mut builder = DocumentBuilder::new(PARSER_VERSION, format);
    if let Err(error) = (row.parse)(bytes, context, &mut builder) {
        keep_what_was_read(error, &mut builder)?;
    }
    Ok(builder.finish())
}

/// Turns an error after the first text into a note.
fn keep_what_was_read(error: ParseError, builder: &mut DocumentBuilder) -> Result<(), ParseError> {
    let kind = match &error {
        ParseError::Damaged { .. } => ReadNoteKind::Damaged,
        ParseError::LimitReached { .. } => ReadNoteKind::LimitReached,
        ParseError::Unsupported { .. } | ParseError::Encrypted { .. } | ParseError::Empty => {
            return Err(error);
        }
    };
    if builder.text_len() == 0 {
        return Err(error);
    }
    let message = match &error {
        ParseError::Damaged { reason, .. } => format!("the file is damaged from here on: {reason}"),
        _ => format!("{error}; what follows was not read"),
    };
    builder.note(Some(builder.current_page()), kind, message);
    Ok(())
}
