//! Fields filled in from files: Box's freeform and structured extraction.
//!
//! The path of one extraction is `AnswerService::extract` in [`run`]: gather → [`plan`] → [`freeform`] (which fields does
//! the prompt name) → [`split`] (into completions over one document prefix) → [`fill`] (schema-held completions) →
//! [`read`] (typed values, each re-found in the file) → [`second`] (each value again, for its confidence) → [`deep`] (the
//! enhanced agent) → merge. Fields of open length take their rows from [`tables`] or go through [`windows`] ([`rows`]).
//!
//! Invariant: a number or date is worked out from what the document writes, never from a model's rewriting of it.

pub mod agent;
mod circle;
mod confidence;
pub(crate) mod dates;
mod deep;
pub mod extraction;
pub mod field;
mod fill;
pub mod finding;
pub(crate) mod fold;
pub mod freeform;
mod ground;
mod json;
mod leaf;
pub(crate) mod numbers;
mod partial;
mod plan;
mod read;
mod rows;
mod run;
mod schema;
mod second;
mod shortlist;
mod split;
mod tables;
pub mod taxonomy;
mod windows;

pub(crate) use dates::{DateOrder, last_date, parse_date};
pub(crate) use fold::{folded, is_ideograph};
pub(crate) use numbers::find_numbers;

pub use agent::{DEFAULT_EXTRACT_TOKENS, Depth, ExtractAgent, ExtractAgentOverride, ExtractMode};
pub use extraction::{Extracted, Extraction, Wanted};
pub use field::{DateForm, FieldKind, FieldSpec};
pub use finding::{Confidence, Content, Finding, Reference};
pub use freeform::spaced_json;
pub use taxonomy::{Taxonomy, TaxonomyChoice, TaxonomyError, TaxonomyNode, TaxonomyOption};
