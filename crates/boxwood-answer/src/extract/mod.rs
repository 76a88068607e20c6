//! Fields filled in from files: Box's freeform and structured extraction.
//!
//! * [`agent`]: the default agents and what a caller lays over them

pub mod agent;

pub use agent::{DEFAULT_EXTRACT_TOKENS, Depth, ExtractAgent, ExtractAgentOverride, ExtractMode};
