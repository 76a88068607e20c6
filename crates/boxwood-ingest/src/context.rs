//! What a parser may use: limits, recognition settings, time, and a way to report progress.
//!
//! Invariant: a parser calls [`ParseContext::checkpoint`] at least once a page, row block or few thousand XML events,
//! so that it stops by itself, with what it has read so far, before the worker process is killed from outside.
//! Used by every parser and made by the worker (`worker/child.rs`) and by tests.

use crate::error::ParseError;
use crate::fonts::SystemFonts;
use boxwood_core::DocumentFormat;
use boxwood_core::document::DocumentBuilder;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What one file may use. Everything is enforced twice: by the parsers, politely, and from outside the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestLimits {
    /// Processor seconds of the worker for one file, recognition of pictures not counted.
    pub cpu_seconds: u64,
    /// Seconds by the wall clock for one file, recognition of pictures not counted.
    pub wall_seconds: u64,
    /// Bytes of memory that the worker may allocate.
    pub memory_bytes: u64,
    /// Size of the file itself.
    pub max_file_bytes: u64,
    /// Pages, slides, sheets or frames that are read of one file.
    pub max_pages: u32,
    /// Bytes of text that are kept of one file.
    pub max_text_bytes: usize,
    /// Entries of a ZIP-based file.
    pub max_archive_entries: usize,
    /// Bytes that all parts of a ZIP-based file may unpack to.
    pub max_unpacked_bytes: u64,
    /// Nested elements, groups or tables.
    pub max_nesting: usize,
    /// Pages whose pixels are recognised; each adds [`IngestLimits::ocr_page_seconds`] to both times.
    pub max_ocr_pages: u32,
    /// Seconds that one recognised page adds.
    pub ocr_page_seconds: u64,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self {
            cpu_seconds: 60,
            wall_seconds: 120,
            memory_bytes: 1_536 << 20,
            max_file_bytes: 512 << 20,
            max_pages: 5_000,
            max_text_bytes: 64 << 20,
            max_archive_entries: 20_000,
            max_unpacked_bytes: 512 << 20,
            max_nesting: 200,
            max_ocr_pages: 200,
            ocr_page_seconds: 30,
        }
    }
}

/// How pixels become text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OcrConfig {
    /// Folder with the recognition models; the worker may read it and nothing else. `None`: no embedded engine.
    pub models_dir: Option<PathBuf>,
    /// Languages to expect, as ISO 639-1 codes (`en`, `ja`, `ko`, `ru`, …); empty: the engine's own guess.
    pub languages: Vec<String>,
    /// Which engine.
    pub engine: OcrEngine,
}

/// Which engine recognises text in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OcrEngine {
    /// The embedded one, and Tesseract for the languages that it does not know, where it is installed.
    #[default]
    Auto,
    /// Only the embedded one.
    PpOcr,
    /// Only Tesseract.
    Tesseract,
    /// None: pictures are reported as not read.
    Off,
}

impl OcrEngine {
    /// Whether the worker may start the Tesseract program, so that the sandbox must let it.
    pub fn may_run_tesseract(self) -> bool {
        matches!(self, Self::Auto | Self::Tesseract)
    }
}

/// How far a parse has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ParseProgress {
    /// Pages that are done.
    pub pages_done: u32,
    /// All pages; 0 where it is not known yet.
    pub pages_total: u32,
    /// Pages whose pixels were or are being recognised.
    pub ocr_pages: u32,
}

/// Receives progress inside the worker.
pub type ProgressSink = Box<dyn FnMut(ParseProgress) + Send>;

/// Handed to every parser.
pub struct ParseContext {
    limits: IngestLimits,
    ocr: OcrConfig,
    fonts: SystemFonts,
    format: DocumentFormat,
    file_name: String,
    progress: ParseProgress,
    sink: Option<ProgressSink>,
    wall_deadline: Instant,
    cpu_deadline: Duration,
}

impl ParseContext {
    /// A context whose times begin now. The parser stops at nine tenths of the hard limits.
    pub fn new(limits: IngestLimits, ocr: OcrConfig, file_name: &str) -> Self {
        let soft = |seconds: u64| Duration::from_millis(seconds.saturating_mul(900));
        Self {
            wall_deadline: Instant::now() + soft(limits.wall_seconds),
            cpu_deadline: process_cpu_time() + soft(limits.cpu_seconds),
            limits,
            ocr,
            fonts: SystemFonts::default(),
            format: DocumentFormat::Text,
            file_name: file_name.to_owned(),
            progress: ParseProgress::default(),
            sink: None,
        }
    }

    /// Reports progress to this function.
    pub fn with_sink(mut self, sink: ProgressSink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Paints with these fonts what a file does not hold fonts for; without any, boxes show where the text stands.
    pub fn with_fonts(mut self, fonts: SystemFonts) -> Self {
        self.fonts = fonts;
        self
    }

    pub(crate) fn set_format(&mut self, format: DocumentFormat) {
        self.format = format;
    }

    /// The limits.
    pub fn limits(&self) -> &IngestLimits {
        &self.limits
    }

    /// The recognition settings.
    pub fn ocr(&self) -> &OcrConfig {
        &self.ocr
    }

    /// The fonts of this machine.
    pub fn fonts(&self) -> &SystemFonts {
        &self.fonts
    }

    /// The format that was detected.
    pub fn format(&self) -> DocumentFormat {
        self.format
    }

    /// The name under which the file was sent: a hint between kinds of text, never trusted.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// [`ParseError::Damaged`] of the detected format.
    pub fn damaged(&self, reason: impl std::fmt::Display) -> ParseError {
        ParseError::damaged(self.format, reason)
    }

    /// Stops the parse when its time is over. Costs well under a microsecond.
    ///
    /// # Errors
    /// [`ParseError::LimitReached`]; pass it on: what was read so far is kept with a note.
    pub fn checkpoint(&self) -> Result<(), ParseError> {
        if Instant::now() >= self.wall_deadline {
            return Err(ParseError::limit(
                "time",
                format!("{} s", self.limits.wall_seconds),
            ));
        }
        if process_cpu_time() >= self.cpu_deadline {
            return Err(ParseError::limit(
                "CPU time",
                format!("{} s", self.limits.cpu_seconds),
            ));
        }
        Ok(())
    }

    /// [`ParseContext::checkpoint`], and stops when the document's text has reached its limit.
    ///
    /// # Errors
    /// [`ParseError::LimitReached`], as for the checkpoint.
    pub fn check_growth(&self, builder: &DocumentBuilder) -> Result<(), ParseError> {
        if builder.text_len() >= self.limits.max_text_bytes {
            let limit = format!("{} MiB", self.limits.max_text_bytes >> 20);
            return Err(ParseError::limit("text", limit));
        }
        self.checkpoint()
    }

    /// Call before starting page `number` (1-based): a checkpoint that also holds the limit of pages.
    ///
    /// # Errors
    /// [`ParseError::LimitReached`], as for the checkpoint.
    pub fn begin_page(&mut self, number: u32, builder: &DocumentBuilder) -> Result<(), ParseError> {
        if number > self.limits.max_pages {
            return Err(ParseError::limit("pages", self.limits.max_pages));
        }
        self.check_growth(builder)?;
        self.progress.pages_done = number.saturating_sub(1);
        self.report();
        Ok(())
    }

    /// Call before recognising the pixels of a page: grants its time and holds the limit of such pages.
    /// A refusal is not an end: note the page as not recognised and go on.
    ///
    /// # Errors
    /// [`ParseError::LimitReached`] when too many pages were recognised or the time is over.
    pub fn begin_ocr_page(&mut self) -> Result<(), ParseError> {
        if self.progress.ocr_pages >= self.limits.max_ocr_pages {
            return Err(ParseError::limit("recognised pages", self.limits.max_ocr_pages));
        }
        self.checkpoint()?;
        self.progress.ocr_pages += 1;
        let grant = Duration::from_secs(self.limits.ocr_page_seconds);
        self.wall_deadline += grant;
        self.cpu_deadline += grant;
        self.report();
        Ok(())
    }

    /// Tells how many pages there will be.
    pub fn pages_total(&mut self, total: u32) {
        self.progress.pages_total = total;
        self.report();
    }

    /// How far the parse has come.
    pub fn progress(&self) -> ParseProgress {
        self.progress
    }

    fn report(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink(self.progress);
        }
    }
}

/// Processor time that this process has used.
pub(crate) fn process_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxwood_core::DocumentFormat;

    fn context(change: impl FnOnce(&mut IngestLimits)) -> ParseContext {
        let mut limits = IngestLimits::default();
        change(&mut limits);
        ParseContext::new(limits, OcrConfig::default(), "a.txt")
    }

    #[test]
    fn limits_stop_a_parse_and_name_themselves() {
        let builder = DocumentBuilder::new(1, DocumentFormat::Text);
        let which = |result: Result<(), ParseError>| match result {
            Err(ParseError::LimitReached { which, .. }) => which,
            other => panic!("{other:?}"),
        };
        assert_eq!(which(context(|l| l.wall_seconds = 0).checkpoint()), "time");
        assert_eq!(which(context(|l| l.cpu_seconds = 0).checkpoint()), "CPU time");
        assert_eq!(
            which(context(|l| l.max_pages = 3).begin_page(4, &builder)),
            "pages"
        );
        assert_eq!(
            which(context(|l| l.max_text_bytes = 0).check_growth(&builder)),
            "text"
        );
        assert_eq!(context(|_| ()).begin_page(1, &builder), Ok(()));
    }

    #[test]
    fn recognised_pages_get_time_until_their_limit() {
        let mut context = context(|limits| limits.max_ocr_pages = 2);
        let before = context.wall_deadline;
        assert_eq!(context.begin_ocr_page(), Ok(()));
        assert_eq!(context.begin_ocr_page(), Ok(()));
        assert_eq!(context.wall_deadline, before + Duration::from_secs(60));
        assert!(context.begin_ocr_page().is_err());
        assert_eq!(context.progress().ocr_pages, 2);
    }
}
