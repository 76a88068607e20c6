//! What the process takes from itself before it looks at the program.
//!
//! Resource limits hold on every system; on Linux seccomp takes away every call that opens a file, makes a connection or
//! starts a program. Invariant: called before the program is run and before any other thread exists.

use boxwood_cage::{Refused, Resource, limit_resources, refuse_calls};

/// Applies what this system has; the text says what holds.
pub(crate) fn confine(memory_bytes: u64, cpu_seconds: u64) -> String {
    let missing = limit_resources(&[
        (Resource::Data, memory_bytes),
        (Resource::As, memory_bytes.saturating_mul(4)),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 8),
        (Resource::Cpu, cpu_seconds),
    ]);
    let limits = if missing.is_empty() {
        "resource limits"
    } else {
        "resource limits in part"
    };
    format!("{limits}, {}", refuse_calls(&Refused::ALL))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use boxwood_cage::{Refused, refuse_calls};
    use std::io::ErrorKind::PermissionDenied;

    /// Seccomp binds the calling thread only, so a thread of its own is as good as a process here.
    #[test]
    fn files_network_and_programs_are_out_of_reach() {
        let thread = std::thread::spawn(|| {
            assert_eq!(refuse_calls(&Refused::ALL), "seccomp");
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
                std::process::Command::new("/bin/true")
                    .status()
                    .err()
                    .map(|error| error.kind()),
            ]
        });
        assert_eq!(thread.join().unwrap(), [Some(PermissionDenied); 5]);
    }
}
