//! What the process takes from itself before it looks at the program.
//!
//! Resource limits hold on every system; on Linux seccomp takes away every call that opens a file, makes a connection or
//! starts a program. Invariant: called before the program is run and before any other thread exists.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Applies what this system has; the text says what holds.
pub(crate) fn confine(memory_bytes: u64, cpu_seconds: u64) -> String {
    let fixed = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    let limits = [
        (Resource::Data, fixed(memory_bytes)),
        (Resource::As, fixed(memory_bytes.saturating_mul(4))),
        (Resource::Fsize, fixed(0)),
        (Resource::Core, fixed(0)),
        (Resource::Nofile, fixed(8)),
        (Resource::Cpu, fixed(cpu_seconds)),
    ];
    let missing = limits
        .into_iter()
        .filter(|(resource, limit)| setrlimit(*resource, *limit).is_err())
        .count();
    let limits = if missing == 0 {
        "resource limits"
    } else {
        "resource limits in part"
    };
    format!("{limits}, {}", system::filter_calls())
}

#[cfg(target_os = "linux")]
mod system {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    use std::collections::BTreeMap;

    pub(super) fn filter_calls() -> String {
        match seccomp() {
            Ok(()) => "seccomp".to_owned(),
            Err(error) => format!("no seccomp ({error})"),
        }
    }

    fn seccomp() -> Result<(), seccompiler::Error> {
        let refused = [
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_open_by_handle_at,
            libc::SYS_unlinkat,
            libc::SYS_renameat2,
            libc::SYS_mkdirat,
            libc::SYS_linkat,
            libc::SYS_symlinkat,
            libc::SYS_socket,
            libc::SYS_socketpair,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_pidfd_getfd,
            libc::SYS_kill,
            libc::SYS_tgkill,
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_io_uring_setup,
            libc::SYS_userfaultfd,
            libc::SYS_mount,
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
        ];
        #[cfg(target_arch = "x86_64")]
        let older = [libc::SYS_open, libc::SYS_creat, libc::SYS_fork, libc::SYS_vfork];
        #[cfg(not(target_arch = "x86_64"))]
        let older: [i64; 0] = [];
        let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> = refused
            .into_iter()
            .chain(older)
            .map(|call| (call, Vec::new()))
            .collect();
        let refuse = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
        let architecture = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn filter_calls() -> String {
        "no seccomp on this system".to_owned()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::ErrorKind::PermissionDenied;

    /// Seccomp binds the calling thread only, so a thread of its own is as good as a process here.
    #[test]
    fn files_network_and_programs_are_out_of_reach() {
        let thread = std::thread::spawn(|| {
            assert_eq!(super::system::filter_calls(), "seccomp");
            [
                std::fs::read("/etc/hostname").err().map(|error| error.kind()),
                std::fs::write("/tmp/boxwood-calculate-test", "x")
                    .err()
                    .map(|error| error.kind()),
                std::net::TcpListener::bind("127.0.0.1:0")
                    .err()
                    .map(|error| error.kind()),
                std::net::TcpStream::connect("127.0.0.1:1")
                    .err()
                    .map(|error| error.kind()),
            ]
        });
        assert_eq!(thread.join().unwrap(), [Some(PermissionDenied); 4]);
    }
}
