//! Rows of health, metrics and the description.

use super::Route;

pub(super) fn rows() -> Vec<Route> {
    vec![]
}
