//! Handlers: extract, authorise, one core call, convert.
