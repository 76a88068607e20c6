//! Rows of the AI operations.

use super::Route;

pub(super) fn rows() -> Vec<Route> {
    vec![]
}
