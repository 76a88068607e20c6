//! The whole path to Google, AWS and IBM, over real sockets, each against a strict stand-in that refuses what the host
//! refuses and fails on demand; and what was sent, against the makers' own libraries (`oracle`).
//!
//! The stand-ins are written from the hosts' specifications and from bodies that they sent, not from our client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of a test fail by panicking, and say what they leave out"
)]

mod ask;
mod bedrock;
mod bedrock_host;
mod embeddings;
mod faults;
mod gemini;
mod gemini_host;
mod live;
mod oracle;
mod stub;
mod watsonx;
mod watsonx_host;
