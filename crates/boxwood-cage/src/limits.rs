//! Resource limits, which hold on every system.

pub use rustix::process::Resource;
use rustix::process::{Rlimit, setrlimit};

/// Sets limits for good: the hard limit is the soft one. Gives the resources that could not be limited.
///
/// Sizes are in bytes, processor time ([`Resource::Cpu`]) in seconds.
#[must_use = "a limit that is missing must be told or end the process"]
pub fn limit_resources(limits: &[(Resource, u64)]) -> Vec<Resource> {
    limits
        .iter()
        .filter(|(resource, value)| {
            let fixed = Rlimit {
                current: Some(*value),
                maximum: Some(*value),
            };
            setrlimit(*resource, fixed).is_err()
        })
        .map(|(resource, _)| *resource)
        .collect()
}
