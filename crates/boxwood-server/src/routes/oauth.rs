//! Rows of the token operations.

use super::Route;

pub(super) fn rows() -> Vec<Route> {
    vec![]
}
