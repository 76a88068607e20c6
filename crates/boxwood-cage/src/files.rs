//! The files that a process may still reach: Landlock. TCP and signals to other processes go with them.

use std::path::PathBuf;

/// What every program needs to start that is linked to shared libraries.
pub const LIBRARIES: [&str; 4] = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache"];
/// Devices that standard libraries open.
pub const DEVICES: [&str; 2] = ["/dev/null", "/dev/urandom"];

/// What may be done with a file, or with everything below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Read it, list it.
    Read,
    /// Read it and write to what is there; nothing new is made.
    ReadAndWrite,
    /// Read it and start it as a program.
    ReadAndExecute,
}

/// Keeps these paths and gives up all other files, TCP, and signals and abstract sockets of other processes; paths that
/// are not there are passed over. The text says how far it holds.
pub fn keep_files(kept: &[(PathBuf, Reach)]) -> String {
    system::keep_files(kept)
}

#[cfg(target_os = "linux")]
mod system {
    use super::Reach;
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, RulesetAttr, RulesetCreatedAttr, RulesetError,
        RulesetStatus, Scope, path_beneath_rules,
    };
    use std::path::PathBuf;

    /// The newest Landlock that the rules were written against; older kernels enforce what they know.
    const LANDLOCK: ABI = ABI::V6;

    pub(super) fn keep_files(kept: &[(PathBuf, Reach)]) -> String {
        match restrict(kept) {
            Ok(RulesetStatus::FullyEnforced) => "landlock".to_owned(),
            Ok(RulesetStatus::PartiallyEnforced) => "landlock in part".to_owned(),
            Ok(RulesetStatus::NotEnforced) => "no landlock".to_owned(),
            Err(error) => format!("no landlock ({error})"),
        }
    }

    fn restrict(kept: &[(PathBuf, Reach)]) -> Result<RulesetStatus, RulesetError> {
        let mut ruleset = landlock::Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?;
        for (path, reach) in kept {
            ruleset = ruleset.add_rules(path_beneath_rules([path], access(*reach)))?;
        }
        ruleset.restrict_self().map(|status| status.ruleset)
    }

    fn access(reach: Reach) -> BitFlags<AccessFs> {
        let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
        match reach {
            Reach::Read => read,
            Reach::ReadAndWrite => read | AccessFs::WriteFile,
            Reach::ReadAndExecute => read | AccessFs::Execute,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Reach;
    use std::path::PathBuf;

    pub(super) fn keep_files(_: &[(PathBuf, Reach)]) -> String {
        "no landlock on this system".to_owned()
    }
}
