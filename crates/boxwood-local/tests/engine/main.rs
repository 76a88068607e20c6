//! The engine with a real, very small model: free answers, and answers that keep to a schema.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

mod answers;
mod grammar;
mod schemas;
mod support;
