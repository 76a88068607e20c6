//! Step 3: from readable files to documents with pages, lines and offsets.
//!
//! Invariant: every item of a request ends up either as a source or as an unread file that the answer reports; a
//! request of which nothing could be read is refused with the first reason. Called by [`crate::service`].

use crate::error::AnswerError;
use crate::library::{Library, ReadError};
use crate::progress::{Progress, ProgressSink};
use boxwood_core::document::DocumentBuilder;
use boxwood_core::{Document, DocumentFormat, FileId, LineKind, ReadNote, ReadNoteKind};
use boxwood_store::{ReadableFile, ReadableFiles};
use futures::stream::{self, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Files that are parsed or loaded at the same time.
const CONCURRENT_READS: usize = 4;

const NO_TEXT: &str = "the file holds no readable text";

/// The files of a request, and the texts that it gives in place of theirs.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    /// The files, in the order of the request.
    pub files: &'a ReadableFiles,
    /// Text that replaces a file's own.
    pub contents: &'a HashMap<FileId, String>,
    /// Cancelled when nobody waits any more.
    pub cancel: &'a CancellationToken,
}

/// One item with its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub file: ReadableFile,
    /// Its text, or the text that the request gave instead.
    pub document: Arc<Document>,
    /// Whether the text is the request's, so that nothing may be kept for the file's content.
    pub given: bool,
}

/// A file that could not be read although others could.
#[derive(Debug, Clone)]
pub struct UnreadFile {
    /// The file.
    pub file: ReadableFile,
    /// Why.
    pub note: ReadNote,
}

/// What the items turned into.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Items with text, in the order of the request.
    pub sources: Vec<Source>,
    /// Items without.
    pub unread: Vec<UnreadFile>,
}

impl Gathered {
    /// Among texts a picture without text is shown to nobody.
    fn leave_out_textless(&mut self) {
        let (textless, sources): (Vec<Source>, Vec<Source>) = std::mem::take(&mut self.sources)
            .into_iter()
            .partition(is_textless);
        self.sources = sources;
        let unread = |source: Source| unread(&source.file, NO_TEXT.to_owned());
        self.unread.extend(textless.into_iter().map(unread));
    }
}

fn is_textless(source: &Source) -> bool {
    source.document.text.trim().is_empty()
}

/// Reads every item.
///
/// # Errors
/// [`AnswerError::Unreadable`] or [`AnswerError::NoText`] when no item holds text, store errors, cancellation.
pub async fn gather(
    library: &Library,
    items: Items<'_>,
    progress: &dyn ProgressSink,
) -> Result<Gathered, AnswerError> {
    gather_for(library, items, false, progress).await
}

/// [`gather`]; a picture without text counts as read where a model `sees` it, and all items are pictures.
///
/// # Errors
/// As for [`gather`].
pub async fn gather_for(
    library: &Library,
    items: Items<'_>,
    sees: bool,
    progress: &dyn ProgressSink,
) -> Result<Gathered, AnswerError> {
    let total = items.files.len();
    progress.report(Progress::Reading { done: 0, total });
    // Made before they are streamed: the compiler can't prove a lazily mapped one to be `Send`.
    let reads = items.files.iter().enumerate();
    let reads: Vec<_> = reads
        .map(|(item, file)| async move { (item, file, read(library, items, file).await) })
        .collect();
    let mut reads = stream::iter(reads).buffered(CONCURRENT_READS);
    let mut gathered = Gathered::default();
    let mut refusal = None;
    while let Some((item, file, outcome)) = reads.next().await {
        progress.report(Progress::Reading {
            done: item + 1,
            total,
        });
        match outcome {
            Ok(source) if is_textless(&source) && !(sees && source.document.format.is_image()) => {
                let no_text = || AnswerError::NoText {
                    item,
                    file_id: file.id().clone(),
                    file_name: file.name().to_owned(),
                };
                gathered.unread.push(unread(file, NO_TEXT.to_owned()));
                refusal.get_or_insert_with(no_text);
            }
            Ok(source) => gathered.sources.push(source),
            Err(ReadError::Refused { code, message }) => {
                gathered.unread.push(unread(file, message.clone()));
                let (file_id, file_name) = (file.id().clone(), file.name().to_owned());
                refusal.get_or_insert(AnswerError::Unreadable {
                    item,
                    file_id,
                    file_name,
                    code,
                    message,
                });
            }
            Err(ReadError::Failed { file_id, message }) => {
                return Err(AnswerError::ReadFailed { file_id, message });
            }
            Err(ReadError::Cancelled) => return Err(AnswerError::Cancelled),
            Err(ReadError::Store(error)) => return Err(error.into()),
        }
    }
    if !gathered
        .sources
        .iter()
        .all(|source| source.document.format.is_image())
    {
        gathered.leave_out_textless();
    }
    match refusal {
        Some(refusal) if gathered.sources.is_empty() => Err(refusal),
        _ => Ok(gathered),
    }
}

async fn read(library: &Library, items: Items<'_>, file: &ReadableFile) -> Result<Source, ReadError> {
    match items.contents.get(file.id()) {
        Some(text) => Ok(Source {
            file: file.clone(),
            document: Arc::new(given_document(text)),
            given: true,
        }),
        None => {
            let document = library.document(file, items.cancel).await?;
            Ok(Source {
                file: file.clone(),
                document,
                given: false,
            })
        }
    }
}

/// The document of a text that stands in the request.
fn given_document(text: &str) -> Document {
    let mut builder = DocumentBuilder::new(boxwood_ingest::PARSER_VERSION, DocumentFormat::Text);
    for line in text.lines() {
        builder.line(line, LineKind::Body);
    }
    builder.finish()
}

fn unread(file: &ReadableFile, message: String) -> UnreadFile {
    UnreadFile {
        file: file.clone(),
        note: ReadNote {
            page: None,
            kind: ReadNoteKind::Unsupported,
            message,
        },
    }
}
