//! The process that a program of unknown worth runs in: it locks itself in, then becomes Python.
//!
//! Resource limits (processor time, memory, no files to write, no core dumps), Landlock (only Python's own files, for
//! reading; no TCP; no signals outwards) and seccomp (no sockets, no new processes, no tracing). What a kernel lacks is
//! left out; the limits hold everywhere. Invariant: nothing of the program runs before all of that. Started by
//! [`crate::program`] as a hidden verb of the product.

use rustix::process::{Resource, Rlimit, setrlimit};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
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
    system::restrict_files(&arguments);
    system::filter_calls();
    let mut python = Command::new(&arguments.python);
    // Isolated, without site packages, without compiled files; the program comes over standard input.
    python.args(["-I", "-S", "-B", "-"]).env_clear();
    drop(python.exec());
    ExitCode::from(NOT_STARTED)
}

fn limit_resources(arguments: &CageArguments) -> bool {
    let fixed = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    let limits = [
        (Resource::Cpu, fixed(arguments.seconds)),
        (Resource::Data, fixed(arguments.memory)),
        (Resource::As, fixed(arguments.memory.saturating_mul(2))),
        (Resource::Fsize, fixed(0)),
        (Resource::Core, fixed(0)),
        (Resource::Nofile, fixed(64)),
    ];
    limits
        .into_iter()
        .all(|(resource, limit)| setrlimit(resource, limit).is_ok())
}

#[cfg(target_os = "linux")]
mod system {
    use super::CageArguments;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
        path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    use std::collections::BTreeMap;
    use std::path::Path;

    /// The newest Landlock that the rules below were written against; older kernels enforce what they know.
    const LANDLOCK: ABI = ABI::V6;
    /// What a dynamically linked program needs to start.
    const LIBRARIES: [&str; 4] = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache"];
    /// Small system files that Python asks for.
    const SYSTEM_FILES: [&str; 3] = ["/dev/null", "/dev/urandom", "/etc/localtime"];

    pub(super) fn restrict_files(arguments: &CageArguments) {
        // A kernel without Landlock leaves the other two layers.
        let _enforced = landlock(&arguments.prefix);
    }

    fn landlock(prefix: &Path) -> Result<(), RulesetError> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        landlock::Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .add_rules(path_beneath_rules(LIBRARIES, read | AccessFs::Execute))?
            .add_rules(path_beneath_rules([prefix], read | AccessFs::Execute))?
            .add_rules(path_beneath_rules(SYSTEM_FILES, read))?
            .restrict_self()
            .map(drop)
    }

    pub(super) fn filter_calls() {
        let refuse = SeccompAction::Errno(number(libc::EPERM));
        let _enforced = refused()
            .and_then(|rules| apply(rules, refuse))
            // The C library then makes threads by `clone`, whose flags the other filter sees.
            .and_then(|()| {
                let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
                apply(rules, SeccompAction::Errno(number(libc::ENOSYS)))
            });
    }

    fn number(error: i32) -> u32 {
        u32::try_from(error).unwrap_or(1)
    }

    fn refused() -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::Error> {
        let always = [
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_pidfd_send_signal,
            libc::SYS_pidfd_getfd,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
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
            #[cfg(target_arch = "x86_64")]
            libc::SYS_fork,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_vfork,
        ];
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            always.into_iter().map(|call| (call, Vec::new())).collect();
        // Threads are allowed, processes are not.
        let thread = u64::try_from(libc::CLONE_THREAD).unwrap_or(0);
        let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(thread), 0)?;
        rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
        Ok(rules)
    }

    fn apply(
        rules: BTreeMap<i64, Vec<SeccompRule>>,
        refuse: SeccompAction,
    ) -> Result<(), seccompiler::Error> {
        let architecture = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::CageArguments;

    pub(super) fn restrict_files(_: &CageArguments) {}

    pub(super) fn filter_calls() {}
}
