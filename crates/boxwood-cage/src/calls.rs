//! The calls to the kernel that a process gives up: seccomp. They fail with "operation not permitted".

/// What a process gives up on top of the base, which every cage refuses: connections (`socket`, `connect`, `bind`,
/// `listen`), looking into other processes (`ptrace`, `process_vm_*`, `pidfd_getfd`), parts of the kernel that mistakes
/// are found in (`bpf`, `perf_event_open`, `io_uring_setup`, `userfaultfd`), mounts and namespaces, keys, modules and
/// restarting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Becoming another program: `execve`.
    Programs,
    /// Opening, making, renaming and removing files. What is open stays open.
    Files,
    /// Pairs of connected sockets, which stay within the process.
    SocketPairs,
    /// Signals to other processes and, by `tkill`, to threads.
    Signals,
    /// Signals to a thread of a process, by which a process also ends itself (`abort`).
    ThreadSignals,
    /// New processes; threads are left.
    Processes,
}

impl Refused {
    /// Everything that can be given up.
    pub const ALL: [Self; 6] = [
        Self::Programs,
        Self::Files,
        Self::SocketPairs,
        Self::Signals,
        Self::ThreadSignals,
        Self::Processes,
    ];
}

/// Gives up the base and these; the text says whether it holds.
pub fn refuse_calls(further: &[Refused]) -> String {
    system::refuse_calls(further)
}

#[cfg(target_os = "linux")]
mod system {
    use super::Refused;
    use seccompiler::{
        BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    use std::collections::BTreeMap;

    /// What every cage refuses.
    const BASE: [i64; 25] = [
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

    /// The calls of a group, whatever their arguments.
    fn calls(group: Refused) -> &'static [i64] {
        match group {
            Refused::Programs => &[libc::SYS_execve, libc::SYS_execveat],
            Refused::Files => &[
                libc::SYS_openat,
                libc::SYS_openat2,
                libc::SYS_open_by_handle_at,
                libc::SYS_unlinkat,
                libc::SYS_renameat2,
                libc::SYS_mkdirat,
                libc::SYS_linkat,
                libc::SYS_symlinkat,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_open,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_creat,
            ],
            Refused::SocketPairs => &[libc::SYS_socketpair],
            Refused::Signals => &[libc::SYS_kill, libc::SYS_tkill, libc::SYS_pidfd_send_signal],
            Refused::ThreadSignals => &[libc::SYS_tgkill],
            Refused::Processes => &[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_fork,
                #[cfg(target_arch = "x86_64")]
                libc::SYS_vfork,
            ],
        }
    }

    pub(super) fn refuse_calls(further: &[Refused]) -> String {
        match apply_all(further) {
            Ok(()) => "seccomp".to_owned(),
            Err(error) => format!("no seccomp ({error})"),
        }
    }

    fn apply_all(further: &[Refused]) -> Result<(), Error> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BASE
            .iter()
            .chain(further.iter().flat_map(|group| calls(*group)))
            .map(|call| (*call, Vec::new()))
            .collect();
        let no_processes = further.contains(&Refused::Processes);
        if no_processes {
            rules.insert(libc::SYS_clone, vec![no_thread()?]);
        }
        apply(rules, libc::EPERM)?;
        if no_processes {
            // Its flags can't be looked at; the C library then makes threads by `clone`.
            apply(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
        }
        Ok(())
    }

    /// Holds for a `clone` that makes no thread.
    fn no_thread() -> Result<SeccompRule, Error> {
        let thread = u64::try_from(libc::CLONE_THREAD).unwrap_or(0);
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(thread), 0)?;
        Ok(SeccompRule::new(vec![condition])?)
    }

    fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<(), Error> {
        let refuse = SeccompAction::Errno(u32::try_from(error).unwrap_or(1));
        let architecture = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Refused;

    pub(super) fn refuse_calls(_: &[Refused]) -> String {
        "no seccomp on this system".to_owned()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::ErrorKind::PermissionDenied;
    use std::process::{Command, Stdio};

    /// Seccomp binds the calling thread and those that it starts, so a thread of its own is as good as a process here.
    fn inside<T: Send>(further: &[Refused], act: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                assert_eq!(refuse_calls(further), "seccomp");
                act()
            });
            thread.join().unwrap()
        })
    }

    /// What of a file, a connection, a pair of sockets and a program is refused.
    fn refused(further: &[Refused]) -> [bool; 4] {
        inside(further, || {
            let no =
                |error: Option<std::io::Error>| error.is_some_and(|error| error.kind() == PermissionDenied);
            [
                no(std::fs::read("/proc/self/status").err()),
                no(std::net::TcpListener::bind("127.0.0.1:0").err()),
                no(std::os::unix::net::UnixStream::pair().err()),
                no(Command::new("/bin/true").stderr(Stdio::piped()).status().err()),
            ]
        })
    }

    #[test]
    fn each_group_takes_what_it_says_and_no_more() {
        for (further, expected) in [
            (&[][..], [false, true, false, false]),
            (&[Refused::Programs], [false, true, false, true]),
            // A program starts, but finds none of its libraries.
            (&[Refused::Files], [true, true, false, false]),
            (&[Refused::SocketPairs], [false, true, true, false]),
            (&[Refused::Signals], [false, true, false, false]),
            (&[Refused::Processes], [false, true, false, true]),
            (&Refused::ALL, [true, true, true, true]),
        ] {
            assert_eq!(refused(further), expected, "{further:?}");
        }
    }

    #[test]
    fn threads_are_left_where_processes_are_refused() {
        let sum = inside(&Refused::ALL, || {
            let threads: Vec<_> = (1..=3).map(|number| std::thread::spawn(move || number)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum::<i32>()
        });
        assert_eq!(sum, 6);
    }
}
