//! Reads the parts of an upload one after the other as one stream.
//!
//! Invariant: at most one part is open at a time. Used by the commit of an upload session.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

type Opening = Pin<Box<dyn Future<Output = io::Result<tokio::fs::File>> + Send>>;

enum State {
    Between,
    Opening(Opening),
    Reading(Box<tokio::fs::File>),
}

/// The parts as one stream.
pub(super) struct PartReader {
    waiting: VecDeque<PathBuf>,
    state: State,
}

impl PartReader {
    /// Reads these files in this order.
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            waiting: paths.into(),
            state: State::Between,
        }
    }
}

impl AsyncRead for PartReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.state = match &mut self.state {
                State::Between => match self.waiting.pop_front() {
                    None => return Poll::Ready(Ok(())),
                    Some(path) => State::Opening(Box::pin(tokio::fs::File::open(path))),
                },
                State::Opening(opening) => {
                    let mut file = ready!(opening.as_mut().poll(context))?;
                    file.set_max_buf_size(256 * 1024);
                    State::Reading(Box::new(file))
                }
                State::Reading(file) => {
                    let before = buffer.filled().len();
                    ready!(Pin::new(file).poll_read(context, buffer))?;
                    if buffer.filled().len() > before || buffer.remaining() == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    State::Between
                }
            };
        }
    }
}
