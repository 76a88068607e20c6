//! The Responses API: what it takes, and what it tells, as one object or as events.
//!
//! * [`request`]: the body; [`input`]: its items, and items as a conversation
//! * [`object`]: the response object; [`writer`]: the output as it grows, with its events
//!
//! Called by `boxwood-server/src/compat/responses`.

pub mod input;
pub mod object;
pub mod request;
pub mod writer;

pub use object::{Ending, Frame};
pub use request::ResponseRequest;
pub use writer::Writer;
