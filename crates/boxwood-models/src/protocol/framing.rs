//! How the bytes of a streamed reply are cut into frames, before any protocol looks at them.
//!
//! Invariant: pieces end anywhere, also inside a character; a frame without an end is bounded. Used by `remote`, which
//! gives each frame to the protocol's decoder.

use super::event_stream::EventStreamFramer;
use super::sse::SseFramer;

/// A frame that is longer than this is none.
pub(crate) const LONGEST_FRAME: usize = 8 << 20;

/// A way of cutting a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `event: …`, `data: …`, blank line (OpenAI, Azure, Gemini, watsonx).
    ServerSentEvents,
    /// AWS's binary messages with checksums (Bedrock).
    AwsEventStream,
}

impl Framing {
    /// A framer for one reply.
    pub(crate) fn framer(self) -> Box<dyn Framer> {
        match self {
            Self::ServerSentEvents => Box::new(SseFramer::default()),
            Self::AwsEventStream => Box::new(EventStreamFramer::default()),
        }
    }
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Frame {
    /// The event's name, where the framing has one.
    pub(crate) name: Option<String>,
    /// Its content.
    pub(crate) data: Vec<u8>,
    /// Whether the framing itself says that this is an error (AWS's exception messages).
    pub(crate) is_error: bool,
}

/// Cuts one stream.
pub(crate) trait Framer: Send {
    /// Takes bytes as they come, gives the frames that are complete.
    ///
    /// # Errors
    /// What is wrong, in the words that follow "the host".
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, &'static str>;

    /// The stream is over: what was left without its end, where the framing allows that.
    ///
    /// # Errors
    /// As for [`Framer::push`].
    fn end(&mut self) -> Result<Vec<Frame>, &'static str>;
}
