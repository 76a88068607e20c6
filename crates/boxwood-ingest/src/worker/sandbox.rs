//! What the worker takes from itself before it reads the first byte of a file.
//!
//! Three layers, each as strong as the kernel allows, none of them required to start:
//! resource limits (memory, processor time, no files to write, no core dumps), Landlock (files: the recognition models
//! for reading and, only where Tesseract may run, the system's programs and libraries; no TCP; no signals outwards),
//! and seccomp (no sockets, no tracing, no new programs unless Tesseract may run). What a kernel lacks is said in the
//! report, which the parent logs. Invariant: called before any other thread exists.

use crate::context::{IngestLimits, OcrConfig, process_cpu_time};
use boxwood_cage::{DEVICES, LIBRARIES, Reach, Refused, Resource, keep_files, limit_resources, refuse_calls};
use rustix::process::setrlimit;
use std::path::PathBuf;

/// Files that one worker parses at most; bounds the processor time of its whole life.
pub(super) const MAX_FILES: u64 = 64;

/// What Tesseract needs besides the libraries of every program.
const PROGRAMS: [&str; 2] = ["/bin", "/opt/homebrew"];
/// Small system files that OpenMP asks for.
const SYSTEM_FILES: [&str; 2] = ["/proc/cpuinfo", "/sys/devices/system/cpu"];

/// Applies all layers; the text says which hold.
pub(super) fn enter(limits: &IngestLimits, ocr: &OcrConfig) -> String {
    let _ = rustix::process::nice(5);
    [resource_limits(limits), restrict_files(ocr), filter_calls(ocr)].join(", ")
}

fn resource_limits(limits: &IngestLimits) -> String {
    let life = file_cpu_seconds(limits, limits.max_ocr_pages).saturating_mul(MAX_FILES);
    let missing = limit_resources(&[
        // Anonymous memory; address space is not limited since mapped model files and thread stacks are not use.
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 128),
        (Resource::Cpu, life),
    ]);
    let missing: Vec<String> = missing.iter().map(|resource| format!("{resource:?}")).collect();
    if missing.is_empty() {
        "resource limits".to_owned()
    } else {
        format!("resource limits without {}", missing.join(" and "))
    }
}

fn restrict_files(ocr: &OcrConfig) -> String {
    let all = |paths: &[&str], reach: Reach| -> Vec<(PathBuf, Reach)> {
        paths.iter().map(|path| (PathBuf::from(path), reach)).collect()
    };
    let mut kept = all(&DEVICES, Reach::ReadAndWrite);
    kept.extend(all(&SYSTEM_FILES, Reach::ReadAndWrite));
    kept.extend(ocr.models_dir.clone().map(|models| (models, Reach::Read)));
    if ocr.engine.may_run_tesseract() {
        kept.extend(all(&LIBRARIES, Reach::ReadAndExecute));
        kept.extend(all(&PROGRAMS, Reach::ReadAndExecute));
        kept.extend(std::env::var_os("TESSDATA_PREFIX").map(|data| (data.into(), Reach::Read)));
    }
    keep_files(&kept)
}

fn filter_calls(ocr: &OcrConfig) -> String {
    match ocr.engine.may_run_tesseract() {
        true => refuse_calls(&[]),
        false => refuse_calls(&[Refused::Programs]),
    }
}

/// Lets the next file use its processor time from now on; the kernel ends the process after it.
pub(super) fn grant_cpu_time(limits: &IngestLimits, ocr_pages: u32) {
    let used = process_cpu_time().as_secs().saturating_add(1);
    let mut limit = rustix::process::getrlimit(Resource::Cpu);
    limit.current = Some(used.saturating_add(file_cpu_seconds(limits, ocr_pages)));
    if let (Some(current), Some(maximum)) = (limit.current, limit.maximum) {
        limit.current = Some(current.min(maximum));
    }
    let _ = setrlimit(Resource::Cpu, limit);
}

fn file_cpu_seconds(limits: &IngestLimits, ocr_pages: u32) -> u64 {
    let pages = u64::from(ocr_pages.min(limits.max_ocr_pages));
    limits
        .cpu_seconds
        .saturating_add(pages.saturating_mul(limits.ocr_page_seconds))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use crate::context::{OcrConfig, OcrEngine};
    use std::io::ErrorKind::PermissionDenied;

    /// Landlock and seccomp bind the calling thread only, so a thread of its own is as good as a process here.
    fn inside<T: Send>(ocr: &OcrConfig, act: impl FnOnce() -> T + Send) -> (String, T) {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let report = format!("{}, {}", super::restrict_files(ocr), super::filter_calls(ocr));
                (report, act())
            });
            thread.join().unwrap()
        })
    }

    #[test]
    fn files_network_and_programs_are_out_of_reach() {
        let models = tempfile::tempdir().unwrap();
        let (model, secret) = (
            models.path().join("a.rten"),
            tempfile::NamedTempFile::new().unwrap(),
        );
        std::fs::write(&model, b"model").unwrap();
        let mut ocr = OcrConfig {
            models_dir: Some(models.path().to_owned()),
            languages: Vec::new(),
            engine: OcrEngine::PpOcr,
        };
        let kind = |error: Option<std::io::Error>| error.map(|error| error.kind());
        let act = || {
            let read = kind(std::fs::read(secret.path()).err());
            let written = kind(std::fs::write(models.path().join("b"), b"x").err());
            let listen = kind(std::net::TcpListener::bind("127.0.0.1:0").err());
            let run = kind(std::process::Command::new("/bin/true").status().err());
            (std::fs::read(&model).is_ok(), [read, written, listen, run])
        };
        let (report, (model_readable, refused)) = inside(&ocr, act);
        assert!(model_readable);
        if report == "landlock, seccomp" {
            assert_eq!(refused, [Some(PermissionDenied); 4], "{report}");
        }
        ocr.engine = OcrEngine::Tesseract;
        let (report, (_, refused)) = inside(&ocr, act);
        if report == "landlock, seccomp" {
            assert_eq!(refused[..3], [Some(PermissionDenied); 3], "{report}");
            assert_eq!(refused[3], None, "Tesseract must be able to start");
        }
    }
}
