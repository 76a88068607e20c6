//! The worker's side of the pipes.
//!
//! Invariant: the sandbox stands before the first byte of a file is read, and nothing but frames is ever written to
//! the parent's pipe (the process's own standard output is pointed at its standard error first, since a library
//! could print). The worker ends when its input ends, after a panic, or after [`sandbox::MAX_FILES`] files.

use super::protocol::{MAX_REQUEST_FRAME, Request, Response, Task, read_frame, write_frame};
use super::sandbox;
use crate::context::{IngestLimits, OcrConfig, ParseContext};
use crate::error::ParseError;
use crate::fonts::SystemFonts;
use crate::parse::parse_bytes;
use crate::picture::render_pictures;
use crate::thumbnail::render_thumbnails;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Parsers of nested formats recurse; their depth is limited, and this stack holds that depth with room to spare.
const PARSER_STACK_BYTES: usize = 32 << 20;

/// Where frames go: shared by the loop and the progress reports of the parser's thread.
type Pipe = Arc<Mutex<File>>;

/// Entry of the hidden verb `ingest-worker`: serves parse requests on standard input until it ends.
///
/// Never call it from a process that does anything else: it gives up files, network and memory for good.
pub fn worker_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let pipe: Pipe = Arc::new(Mutex::new(take_output()?));
    let mut input = io::stdin().lock();
    let Some(Request::Setup { limits, ocr }) = read_frame(&mut input, MAX_REQUEST_FRAME)? else {
        return Err(io::Error::other("the first frame must set the worker up"));
    };
    keep_panics_quiet();
    // Opened now: the sandbox leaves no way to it.
    let fonts = SystemFonts::open();
    let sandbox = sandbox::enter(&limits, &ocr);
    send(&pipe, &Response::Ready { sandbox })?;
    for _ in 0..sandbox::MAX_FILES {
        match read_frame(&mut input, MAX_REQUEST_FRAME)? {
            None => return Ok(()),
            Some(Request::Setup { .. }) => return Err(io::Error::other("a second set-up frame")),
            Some(Request::File {
                file_name,
                size,
                task,
            }) => {
                let bytes = read_file(&mut input, size, &limits)?;
                sandbox::grant_cpu_time(&limits, 0);
                let file = Received {
                    name: &file_name,
                    bytes: &bytes,
                    task,
                    fonts: &fonts,
                };
                if !answer(&pipe, &limits, &ocr, &file)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Takes the pipe away from standard output. A program that is started does not inherit it: the pipe ends with this
/// process, which is how the parent learns of its death.
fn take_output() -> io::Result<File> {
    let pipe = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 0)?);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(pipe)
}

/// A caught panic is reported as a frame; the default hook would also fill the error pipe.
fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

fn read_file(input: &mut impl Read, size: u64, limits: &IngestLimits) -> io::Result<Vec<u8>> {
    if size > limits.max_file_bytes {
        return Err(io::Error::other("the file is over its limit"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(io::Error::other)?);
    input.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// A file that was sent.
struct Received<'a> {
    name: &'a str,
    bytes: &'a [u8],
    task: Task,
    fonts: &'a SystemFonts,
}

/// Does the task and sends the outcome; false when the worker must not be used again.
fn answer(pipe: &Pipe, limits: &IngestLimits, ocr: &OcrConfig, file: &Received<'_>) -> io::Result<bool> {
    let response = std::thread::scope(|scope| {
        let parser = std::thread::Builder::new()
            .stack_size(PARSER_STACK_BYTES)
            .spawn_scoped(scope, || work_caught(pipe, limits, ocr, file))?;
        parser
            .join()
            .map_err(|_| io::Error::other("the parser's thread died"))
    })?;
    let usable = !matches!(response, Response::Panicked(_));
    send(pipe, &response)?;
    Ok(usable)
}

fn work_caught(pipe: &Pipe, limits: &IngestLimits, ocr: &OcrConfig, file: &Received<'_>) -> Response {
    let mut context = ParseContext::new(limits.clone(), ocr.clone(), file.name)
        .with_sink(progress_sink(pipe, limits))
        .with_fonts(file.fonts.clone());
    let started = |format: &str| {
        let format = format.to_owned();
        let _ = send(pipe, &Response::Started { format });
    };
    let work = || -> Result<Response, ParseError> {
        match file.task {
            Task::Parse => {
                let document = parse_bytes(file.bytes, &mut context, started)?;
                Ok(match document.to_artifact() {
                    Ok(artifact) => Response::Parsed(artifact),
                    Err(error) => Response::Panicked(error.to_string()),
                })
            }
            Task::Paint(request) => render_pictures(file.bytes, &mut context, request).map(Response::Painted),
            Task::Thumbnails => render_thumbnails(file.bytes, &mut context).map(Response::Thumbnails),
        }
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => Response::Refused(error),
        Err(panic) => Response::Panicked(panic_message(panic.as_ref())),
    }
}

/// Sends progress at most every hundred pages or when a page is recognised, and grants that page its time.
fn progress_sink(pipe: &Pipe, limits: &IngestLimits) -> crate::context::ProgressSink {
    let (pipe, limits) = (Arc::clone(pipe), limits.clone());
    let mut recognised = 0;
    let mut last_sent = std::time::Instant::now();
    Box::new(move |progress| {
        let granted = progress.ocr_pages > recognised;
        if granted {
            recognised = progress.ocr_pages;
            sandbox::grant_cpu_time(&limits, 1);
        }
        if granted || last_sent.elapsed().as_millis() >= 100 {
            last_sent = std::time::Instant::now();
            let _ = send(&pipe, &Response::Progress(progress));
        }
    })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

fn send(pipe: &Pipe, response: &Response) -> io::Result<()> {
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    write_frame(&mut *pipe, response)
}
