//! Waiting for what comes about beside a test, on another task or connection. Called by the tests of the server and by
//! [`crate::ScriptedModel`].
//!
//! Invariant: a wait ends; what does not come true within [`LONGEST`] fails the test.

use std::time::{Duration, Instant};

/// The longest wait. Far longer than anything takes on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until something is true.
///
/// # Panics
/// With these words, where it does not come true.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONGEST, "never: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
