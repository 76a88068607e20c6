//! What the worker takes from itself before it reads the first byte of a file.
//!
//! Three layers, each as strong as the kernel allows, none of them required to start:
//! resource limits (memory, processor time, no files to write, no core dumps), Landlock (files: the recognition models
//! for reading and, only where Tesseract may run, the system's programs and libraries; no TCP; no signals outwards),
//! and seccomp (no sockets, no tracing, no new programs unless Tesseract may run). What a kernel lacks is said in the
//! report, which the parent logs. Invariant: called before any other thread exists.

use crate::context::{IngestLimits, OcrConfig, process_cpu_time};
use rustix::process::{Resource, Rlimit, setrlimit};

/// Files that one worker parses at most; bounds the processor time of its whole life.
pub(super) const MAX_FILES: u64 = 64;

/// Applies all layers; the text says which hold.
pub(super) fn enter(limits: &IngestLimits, ocr: &OcrConfig) -> String {
    let _ = rustix::process::nice(5);
    let mut report = vec![resource_limits(limits)];
    report.push(system::restrict_files(ocr));
    report.push(system::filter_calls(ocr));
    report.join(", ")
}

fn resource_limits(limits: &IngestLimits) -> String {
    let fixed = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    let life = file_cpu_seconds(limits, limits.max_ocr_pages).saturating_mul(MAX_FILES);
    let all = [
        // Anonymous memory; address space is not limited since mapped model files and thread stacks are not use.
        (Resource::Data, fixed(limits.memory_bytes)),
        (Resource::Fsize, fixed(0)),
        (Resource::Core, fixed(0)),
        (Resource::Nofile, fixed(128)),
        (Resource::Cpu, fixed(life)),
    ];
    let missing: Vec<String> = all
        .into_iter()
        .filter_map(|(resource, limit)| setrlimit(resource, limit).err().map(|_| format!("{resource:?}")))
        .collect();
    if missing.is_empty() {
        "resource limits".to_owned()
    } else {
        format!("resource limits without {}", missing.join(" and "))
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

#[cfg(target_os = "linux")]
mod system {
    use crate::context::OcrConfig;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, RulesetAttr, RulesetCreatedAttr, RulesetError,
        RulesetStatus, Scope, path_beneath_rules,
    };
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    use std::collections::BTreeMap;

    /// The newest Landlock that the rules below were written against; older kernels enforce what they know.
    const LANDLOCK: ABI = ABI::V6;
    /// What a dynamically linked program needs to start.
    const PROGRAMS: &[&str] = &[
        "/usr",
        "/bin",
        "/lib",
        "/lib64",
        "/opt/homebrew",
        "/etc/ld.so.cache",
    ];
    /// Small system files that the standard library and OpenMP ask for.
    const SYSTEM_FILES: &[&str] = &[
        "/dev/null",
        "/dev/urandom",
        "/proc/cpuinfo",
        "/sys/devices/system/cpu",
    ];

    pub(super) fn restrict_files(ocr: &OcrConfig) -> String {
        match landlock(ocr) {
            Ok(RulesetStatus::FullyEnforced) => "landlock".to_owned(),
            Ok(RulesetStatus::PartiallyEnforced) => "landlock in part".to_owned(),
            Ok(RulesetStatus::NotEnforced) => "no landlock".to_owned(),
            Err(error) => format!("no landlock ({error})"),
        }
    }

    fn landlock(ocr: &OcrConfig) -> Result<RulesetStatus, RulesetError> {
        let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        let mut ruleset = landlock::Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .add_rules(path_beneath_rules(&ocr.models_dir, read))?
            .add_rules(path_beneath_rules(SYSTEM_FILES, read | AccessFs::WriteFile))?;
        if ocr.engine.may_run_tesseract() {
            ruleset = ruleset.add_rules(path_beneath_rules(PROGRAMS, read | AccessFs::Execute))?;
            if let Some(data) = std::env::var_os("TESSDATA_PREFIX") {
                ruleset = ruleset.add_rules(path_beneath_rules([data], read))?;
            }
        }
        ruleset.restrict_self().map(|status| status.ruleset)
    }

    pub(super) fn filter_calls(ocr: &OcrConfig) -> String {
        match seccomp(ocr) {
            Ok(()) => "seccomp".to_owned(),
            Err(error) => format!("no seccomp ({error})"),
        }
    }

    fn seccomp(ocr: &OcrConfig) -> Result<(), seccompiler::Error> {
        let mut refused = vec![
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_getfd,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_chroot,
            libc::SYS_pivot_root,
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_kexec_load,
            libc::SYS_reboot,
        ];
        if !ocr.engine.may_run_tesseract() {
            refused.extend([libc::SYS_execve, libc::SYS_execveat]);
        }
        let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
            refused.into_iter().map(|call| (call, Vec::new())).collect();
        let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
        let architecture = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use crate::context::OcrConfig;

    pub(super) fn restrict_files(_: &OcrConfig) -> String {
        "no landlock on this system".to_owned()
    }

    pub(super) fn filter_calls(_: &OcrConfig) -> String {
        "no seccomp on this system".to_owned()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::system;
    use crate::context::{OcrConfig, OcrEngine};
    use std::io::ErrorKind::PermissionDenied;

    /// Landlock and seccomp bind the calling thread only, so a thread of its own is as good as a process here.
    fn inside<T: Send>(ocr: &OcrConfig, act: impl FnOnce() -> T + Send) -> (String, T) {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let report = format!("{}, {}", system::restrict_files(ocr), system::filter_calls(ocr));
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
