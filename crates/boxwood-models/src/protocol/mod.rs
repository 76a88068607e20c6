//! One module per wire protocol, each of pure functions: request → body, bytes → events. Nothing here sends.

pub(crate) mod openai_chat;
