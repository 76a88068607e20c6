//! The whole program, started as a user starts it: the official SDKs, large uploads, a full disk.

#[path = "program/sdk.rs"]
mod sdk;
#[path = "program/server.rs"]
mod server;
#[path = "program/uploads.rs"]
mod uploads;
