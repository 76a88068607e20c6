//! The AI operations on the wire.
//!
//! * [`ask`]: the body of `POST /2.0/ai/ask`, read field by field
//! * [`agent`]: agents, as an override in a request and as the answer of `GET /2.0/ai_agent_default`
//! * [`extract`]: the bodies of the two extractions; [`extract_field`]: their fields; [`extract_agent`]: their agents
//! * [`studio`]: agents of AI Studio, made, changed and shown
//! * [`text_gen`]: the body of `POST /2.0/ai/text_gen`, its agent and its answer
//! * [`response`]: `AiResponse--Full` with the `boxwood` extension, and the events of the stream

pub mod agent;
pub mod ask;
pub mod extract;
pub mod extract_agent;
pub mod extract_field;
pub mod response;
pub mod studio;
pub mod text_gen;

pub use agent::{
    AgentChoice, AskAgentBody, AskOverride, EmbeddingsBody, EndpointParams, ParamsFamily, TextToolBody,
};
pub use ask::{AskItem, AskMode, AskRequest, HistoryEntry};
pub use extract::{
    ExtractRequest, ExtractStructuredRequest, StructuredWanted, TaxonomyPlace, TaxonomySource,
};
pub use extract_agent::{ExtractAgentBody, ExtractKind};
pub use extract_field::{ExtractField, FieldType};
pub use response::{AgentInfo, AiExtractStructuredResponse, AiResponseFull, CitationBody, ModelInfo};
pub use text_gen::{AiResponse, TextGenAgentBody, TextGenOverride, TextGenRequest};
