//! The Responses API: made (whole, as events, in the background), fetched, listed, cancelled, deleted.
//!
//! * `create`: the handler; `work`: one response while it is made
//! * `stored`: what is kept

mod create;
mod stored;
mod work;

pub(crate) use create::create;
pub(crate) use stored::{cancel, delete, get, input_items};
