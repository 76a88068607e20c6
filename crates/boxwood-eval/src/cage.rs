//! The process that a program of unknown worth runs in: it locks itself in, then becomes Python.
//!
//! Resource limits (processor time, memory, no files to write, no core dumps), Landlock (only Python's own files, for
//! reading; no TCP; no signals outwards) and seccomp (no sockets, no new processes, no tracing). What a kernel lacks is
//! left out; the limits hold everywhere. Invariant: nothing of the program runs before all of that. Started by
//! [`crate::program`] as a hidden verb of the product.

use boxwood_cage::{DEVICES, LIBRARIES, Reach, Refused, Resource};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The verb that [`main`] stands behind.
pub const VERB: &str = "eval-program";

/// Status with which the cage ends when it can't become Python.
const NOT_STARTED: u8 = 125;

/// What the cage is told: `VERB PYTHON PREFIX SECONDS BYTES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CageArguments {
    /// Python's own file, no script that starts it.
    pub python: PathBuf,
    /// The folder that Python is installed in.
    pub prefix: PathBuf,
    /// Processor seconds.
    pub seconds: u64,
    /// Bytes of memory.
    pub memory: u64,
}

impl CageArguments {
    /// As arguments of a process, the verb first.
    pub fn to_arguments(&self) -> Vec<OsString> {
        vec![
            VERB.into(),
            self.python.clone().into(),
            self.prefix.clone().into(),
            self.seconds.to_string().into(),
            self.memory.to_string().into(),
        ]
    }

    fn from_process() -> Option<Self> {
        let mut arguments = std::env::args_os().skip(2);
        let number = |text: Option<OsString>| text?.to_str()?.parse().ok();
        Some(Self {
            python: arguments.next()?.into(),
            prefix: arguments.next()?.into(),
            seconds: number(arguments.next())?,
            memory: number(arguments.next())?,
        })
    }
}

/// Locks this process in and runs the program on standard input with Python. Comes back only when that fails.
pub fn main() -> ExitCode {
    let Some(arguments) = CageArguments::from_process() else {
        return ExitCode::from(NOT_STARTED);
    };
    if !limit_resources(&arguments) {
        return ExitCode::from(NOT_STARTED);
    }
    restrict_files(&arguments.prefix);
    filter_calls();
    let mut python = Command::new(&arguments.python);
    // Isolated, without site packages, without compiled files; the program comes over standard input.
    python.args(["-I", "-S", "-B", "-"]).env_clear();
    drop(python.exec());
    ExitCode::from(NOT_STARTED)
}

/// Whether all limits hold: without them the program is not run.
fn limit_resources(arguments: &CageArguments) -> bool {
    let missing = boxwood_cage::limit_resources(&[
        (Resource::Cpu, arguments.seconds),
        (Resource::Data, arguments.memory),
        (Resource::As, arguments.memory.saturating_mul(2)),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 64),
    ]);
    missing.is_empty()
}

fn restrict_files(prefix: &Path) {
    let all = |paths: &[&str], reach: Reach| -> Vec<(PathBuf, Reach)> {
        paths.iter().map(|path| (PathBuf::from(path), reach)).collect()
    };
    let mut kept = all(&LIBRARIES, Reach::ReadAndExecute);
    kept.push((prefix.to_owned(), Reach::ReadAndExecute));
    kept.extend(all(&DEVICES, Reach::Read));
    kept.extend(all(&["/etc/localtime"], Reach::Read));
    // A kernel without Landlock leaves the other two layers.
    let _report = boxwood_cage::keep_files(&kept);
}

fn filter_calls() {
    let _report = boxwood_cage::refuse_calls(&[Refused::SocketPairs, Refused::Signals, Refused::Processes]);
}
