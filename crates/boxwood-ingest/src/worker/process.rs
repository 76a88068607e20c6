//! One worker seen from the parent: start it, feed it a file, watch it, and kill it.
//!
//! Invariant: dropping a [`Worker`] kills its whole process group, so a cancelled request leaves nothing running.

use super::pool::{IngestConfig, ParseReport, ResolveCommand};
use super::protocol::{MAX_RESPONSE_FRAME, Request, Response, Task, decode, encode, frame_length};
use crate::context::{IngestLimits, ParseProgress};
use crate::error::{IngestError, ParseError};
use crate::picture::PagePicture;
use crate::thumbnail::Thumbnails;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::Instant;

/// Hears how far a parse has come.
pub(super) type Observer<'a> = &'a (dyn Fn(ParseProgress) + Send + Sync);

/// How long a worker may take to start.
const START_TIME: Duration = Duration::from_secs(20);
/// How often the worker's memory is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);
/// Last words of a worker that are kept.
const LAST_WORDS_BYTES: usize = 2_048;

/// What a worker said about a file.
pub(super) enum Outcome {
    /// The artifact of the document.
    Parsed(Vec<u8>),
    /// The pages as pictures.
    Painted(Vec<PagePicture>),
    /// The thumbnails.
    Thumbnails(Thumbnails),
    /// The parser refused the file; the worker is well.
    Refused(ParseError),
}

/// A file on its way to a worker.
pub(super) struct Sent<'a> {
    /// Its bytes.
    pub file: File,
    /// How many.
    pub size: u64,
    /// Its name, a hint.
    pub name: &'a str,
    /// What is wanted of it.
    pub task: Task,
}

/// A running worker process.
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
    last_words: Vec<u8>,
    group: Option<Pid>,
    /// Files that it was given.
    pub(super) files: u64,
    /// Since when it waits for a file.
    pub(super) idle_since: Instant,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Worker {
    /// Starts a worker and waits until its sandbox stands.
    pub(super) async fn start(config: &IngestConfig) -> Result<Self, IngestError> {
        let mut worker = Self::spawn(config).map_err(IngestError::io("can't start the parser's process"))?;
        worker.set_up(config).await?;
        Ok(worker)
    }

    /// Hands over limits and settings and waits for the answer. A worker that dies meanwhile may close the pipe before
    /// or after all of it was written; either way its exit status tells why.
    async fn set_up(&mut self, config: &IngestConfig) -> Result<(), IngestError> {
        let setup = Request::Setup {
            limits: config.limits.clone(),
            ocr: config.ocr.clone(),
        };
        let ready = async {
            self.input.write_all(&encode(&setup)?).await?;
            self.next_response().await
        };
        match tokio::time::timeout(START_TIME, ready).await {
            Ok(Ok(Response::Ready { sandbox })) => {
                tracing::debug!(sandbox, "a parser's process started");
                Ok(())
            }
            Ok(Err(error)) if !is_closed(&error) => {
                Err(IngestError::io("can't talk to the parser's process")(error))
            }
            _ => {
                let detail = format!("it did not start: {}", self.end_of_life().await.words());
                Err(IngestError::WorkerCrashed { detail })
            }
        }
    }

    fn spawn(config: &IngestConfig) -> io::Result<Self> {
        let command = config.worker_command.resolve()?;
        let mut builder = tokio::process::Command::new(&command.program);
        builder
            .args(&command.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/")
            .process_group(0)
            .kill_on_drop(true);
        for name in ["PATH", "TESSDATA_PREFIX"] {
            if let Some(value) = std::env::var_os(name) {
                builder.env(name, value);
            }
        }
        // One recognition must not take all cores: other files and the model need them.
        builder.env("OMP_THREAD_LIMIT", "1");
        let mut child = builder.spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self {
            input: child.stdin.take().ok_or_else(missing)?,
            output: BufReader::new(child.stdout.take().ok_or_else(missing)?),
            errors: child.stderr.take().ok_or_else(missing)?,
            last_words: Vec::new(),
            group,
            child,
            files: 0,
            idle_since: Instant::now(),
        })
    }

    /// Whether it still waits for a file.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Has the worker do its task with one file. After any error but [`Outcome::Refused`] it must be dropped.
    pub(super) async fn work(
        &mut self,
        sent: Sent<'_>,
        limits: &IngestLimits,
        watch: (Observer<'_>, &mut ParseReport),
    ) -> Result<Outcome, IngestError> {
        self.files += 1;
        let (observer, report) = watch;
        let request = Request::File {
            file_name: sent.name.to_owned(),
            size: sent.size,
            task: sent.task,
        };
        let sent = tokio::time::timeout(
            Duration::from_secs(limits.wall_seconds),
            self.send_file(&request, sent.file, sent.size),
        );
        match sent.await {
            // The worker died while it was fed: the exit status tells why.
            Ok(Err(IngestError::Io { source, .. })) if is_closed(&source) => {}
            Ok(sent) => sent?,
            Err(_) => return Err(wall_limit(limits)),
        }
        let outcome = self.follow(limits, observer, report).await;
        self.note_memory(report);
        outcome
    }

    async fn send_file(&mut self, request: &Request, file: File, size: u64) -> Result<(), IngestError> {
        let talking = || IngestError::io("can't talk to the parser's process");
        let frame = encode(request).map_err(talking())?;
        self.input.write_all(&frame).await.map_err(talking())?;
        let copied = tokio::io::copy(&mut file.take(size), &mut self.input)
            .await
            .map_err(talking())?;
        if copied != size {
            let changed = io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was read",
            );
            return Err(IngestError::io("can't read the file")(changed));
        }
        self.input.flush().await.map_err(talking())
    }

    /// Waits for the outcome, by the wall clock, and watches the memory meanwhile. Only the end of the answers is the
    /// worker's death: one that ends after its last file closes its errors while that file's answer is still unread.
    async fn follow(
        &mut self,
        limits: &IngestLimits,
        observer: Observer<'_>,
        report: &mut ParseReport,
    ) -> Result<Outcome, IngestError> {
        let mut deadline = Instant::now() + Duration::from_secs(limits.wall_seconds);
        let mut granted = 0;
        let mut reader = FrameReader::default();
        let mut buffer = [0u8; 1_024];
        let mut errors_are_open = true;
        let mut watch = tokio::time::interval(WATCH_INTERVAL);
        loop {
            let frame = tokio::select! {
                frame = reader.next(&mut self.output) => frame,
                read = self.errors.read(&mut buffer), if errors_are_open => {
                    let count = read.unwrap_or(0);
                    errors_are_open = count > 0;
                    keep_last(&mut self.last_words, &buffer[..count]);
                    continue;
                }
                _ = watch.tick() => {
                    self.note_memory(report);
                    continue;
                }
                () = tokio::time::sleep_until(deadline) => return Err(wall_limit(limits)),
            };
            let Ok(payload) = frame else {
                return Err(self.died(limits).await);
            };
            match decode(&payload).map_err(IngestError::io("the parser's process sent nonsense"))? {
                Response::Ready { .. } => {}
                Response::Started { format } => report.detected = Some(format),
                Response::Progress(progress) => {
                    let pages = progress
                        .ocr_pages
                        .min(limits.max_ocr_pages)
                        .saturating_sub(granted);
                    granted = granted.saturating_add(pages);
                    deadline += Duration::from_secs(u64::from(pages).saturating_mul(limits.ocr_page_seconds));
                    observer(progress);
                }
                Response::Parsed(artifact) => return Ok(Outcome::Parsed(artifact)),
                Response::Painted(pictures) => return Ok(Outcome::Painted(pictures)),
                Response::Thumbnails(thumbnails) => return Ok(Outcome::Thumbnails(thumbnails)),
                Response::Refused(error) => return Ok(Outcome::Refused(error)),
                Response::Panicked(message) => {
                    let detail = format!("panic: {message}");
                    return Err(IngestError::WorkerCrashed { detail });
                }
            }
        }
    }

    async fn next_response(&mut self) -> io::Result<Response> {
        decode(&FrameReader::default().next(&mut self.output).await?)
    }

    /// The worker closed its pipes: says why.
    async fn died(&mut self, limits: &IngestLimits) -> IngestError {
        self.end_of_life().await.into_error(limits)
    }

    async fn end_of_life(&mut self) -> EndOfLife {
        let mut buffer = [0u8; 1_024];
        let drain = async {
            while let Ok(count) = self.errors.read(&mut buffer).await {
                if count == 0 {
                    break;
                }
                keep_last(&mut self.last_words, &buffer[..count]);
            }
            self.child.wait().await
        };
        let status = tokio::time::timeout(Duration::from_secs(2), drain).await;
        EndOfLife {
            signal: status.as_ref().ok().and_then(|s| s.as_ref().ok()?.signal()),
            code: status.ok().and_then(|s| s.ok()?.code()),
            last_words: String::from_utf8_lossy(&self.last_words).trim().to_owned(),
        }
    }

    /// Largest resident memory so far, where the system tells.
    fn note_memory(&self, report: &mut ParseReport) {
        let peak = self.child.id().and_then(peak_memory).unwrap_or(0);
        report.peak_memory_bytes = report.peak_memory_bytes.max(peak);
    }
}

/// Reads frames without losing a half-read one when another branch of the loop wins.
#[derive(Default)]
struct FrameReader {
    prefix: Vec<u8>,
    payload: Option<(usize, Vec<u8>)>,
}

impl FrameReader {
    async fn next(&mut self, from: &mut BufReader<ChildStdout>) -> io::Result<Vec<u8>> {
        loop {
            let read = match &mut self.payload {
                None => {
                    let missing = 4 - self.prefix.len() as u64;
                    from.take(missing).read_buf(&mut self.prefix).await?
                }
                Some((length, payload)) => {
                    let missing = (*length - payload.len()) as u64;
                    from.take(missing).read_buf(payload).await?
                }
            };
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.payload.is_none()
                && let Ok(prefix) = <[u8; 4]>::try_from(self.prefix.as_slice())
            {
                let length = frame_length(prefix, MAX_RESPONSE_FRAME)?;
                // Grows with what really arrives.
                self.payload = Some((length, Vec::with_capacity(length.min(1 << 16))));
            }
            if let Some((length, _)) = &self.payload
                && self
                    .payload
                    .as_ref()
                    .is_some_and(|(_, payload)| payload.len() == *length)
            {
                self.prefix.clear();
                return Ok(self
                    .payload
                    .take()
                    .map(|(_, payload)| payload)
                    .unwrap_or_default());
            }
        }
    }
}

/// How a worker ended.
struct EndOfLife {
    signal: Option<i32>,
    code: Option<i32>,
    last_words: String,
}

impl EndOfLife {
    fn words(&self) -> String {
        let how = match (self.signal, self.code) {
            (Some(signal), _) => format!("signal {signal}"),
            (None, Some(code)) => format!("exit status {code}"),
            (None, None) => "it closed its pipes".to_owned(),
        };
        if self.last_words.is_empty() {
            how
        } else {
            format!("{how}: {}", self.last_words)
        }
    }

    fn into_error(self, limits: &IngestLimits) -> IngestError {
        if self.signal == Some(libc::SIGXCPU) {
            return ParseError::limit("CPU time", format!("{} s", limits.cpu_seconds)).into();
        }
        let out_of_memory = self.last_words.contains("memory allocation of")
            || self.last_words.contains("capacity overflow")
            || self.signal == Some(libc::SIGKILL);
        if out_of_memory {
            return ParseError::limit("memory", format!("{} MiB", limits.memory_bytes >> 20)).into();
        }
        IngestError::WorkerCrashed { detail: self.words() }
    }
}

/// Whether the other end of a pipe is gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}

fn wall_limit(limits: &IngestLimits) -> IngestError {
    ParseError::limit("time", format!("{} s", limits.wall_seconds)).into()
}

fn keep_last(words: &mut Vec<u8>, more: &[u8]) {
    words.extend_from_slice(more);
    let excess = words.len().saturating_sub(LAST_WORDS_BYTES);
    words.drain(..excess);
}

/// `VmHWM` of a process in bytes.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::pool::WorkerCommand;

    /// A worker that does what this script says.
    fn scripted(script: &str) -> (Worker, IngestConfig) {
        let config = IngestConfig {
            worker_command: Some(WorkerCommand {
                program: "/bin/sh".into(),
                arguments: vec!["-c".into(), script.into()],
            }),
            ..IngestConfig::default()
        };
        (Worker::spawn(&config).unwrap(), config)
    }

    /// A worker that has ended with this status before it is spoken to.
    async fn ended(script: &str) -> (Worker, IngestConfig) {
        let (mut worker, config) = scripted(script);
        worker.child.wait().await.unwrap();
        (worker, config)
    }

    fn detail_of(error: IngestError) -> String {
        match error {
            IngestError::WorkerCrashed { detail } => detail,
            other => panic!("no crash but {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_worker_that_ended_before_it_was_set_up_is_a_crash_with_its_status() {
        let (mut worker, config) = ended("echo last words >&2; exit 3").await;
        let detail = detail_of(worker.set_up(&config).await.unwrap_err());
        assert_eq!(detail, "it did not start: exit status 3: last words");
    }

    #[tokio::test]
    async fn a_worker_that_ended_before_its_file_is_a_crash_with_its_status() {
        let (mut worker, config) = ended("exit 3").await;
        let file = tempfile::NamedTempFile::new().unwrap();
        // More than a pipe holds, so that the write can't succeed by being buffered.
        std::fs::write(file.path(), vec![b'x'; 1 << 20]).unwrap();
        let open = File::open(file.path()).await.unwrap();
        let mut report = ParseReport::default();
        let watch: (Observer<'_>, _) = (&|_| (), &mut report);
        let sent = Sent {
            file: open,
            size: 1 << 20,
            name: "a",
            task: Task::Parse,
        };
        let worked = worker.work(sent, &config.limits, watch).await;
        assert_eq!(detail_of(worked.err().unwrap()), "exit status 3");
    }

    #[tokio::test]
    async fn an_answer_that_comes_after_the_end_of_the_errors_is_heard() {
        let answer = encode(&Response::Refused(ParseError::Empty)).unwrap();
        let octal: String = answer.iter().map(|byte| format!("\\{byte:03o}")).collect();
        let (mut worker, config) = scripted(&format!("exec 2>&-; sleep 0.2; printf '{octal}'"));
        let mut report = ParseReport::default();
        let outcome = worker.follow(&config.limits, &|_| (), &mut report).await;
        assert!(matches!(outcome, Ok(Outcome::Refused(ParseError::Empty))));
    }
}
