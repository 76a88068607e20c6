//! The whole program, started as a user starts it: clients that people use already, large uploads, a full disk.

#[cfg(test)]
#[path = "program/conformance.rs"]
mod conformance;
#[cfg(test)]
#[path = "program/eval.rs"]
mod eval;
#[cfg(test)]
#[path = "program/sdk.rs"]
mod sdk;
#[cfg(test)]
#[path = "program/server.rs"]
mod server;
#[cfg(test)]
#[path = "program/uploads.rs"]
mod uploads;
