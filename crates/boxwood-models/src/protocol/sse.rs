//! Server-sent events, as model hosts send them.
//!
//! Invariant: tolerant of CR LF, comments, a missing last line end, and of servers that put a single line end between
//! events: a chunk that is complete JSON is an event of its own when the next `data:` begins.

use super::framing::{Frame, Framer, LONGEST_FRAME};

/// What OpenAI's dialect ends a stream with; it is a frame of its own even where no blank line parts it.
const DONE: &str = "[DONE]";

/// Cuts a stream of server-sent events.
#[derive(Debug, Default)]
pub(crate) struct SseFramer {
    unread: Vec<u8>,
    name: Option<String>,
    data: String,
}

impl Framer for SseFramer {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, &'static str> {
        self.unread.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut start = 0;
        while let Some(length) = self.unread[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.unread[start..start + length]).into_owned();
            start += length + 1;
            self.line(line.trim_end_matches('\r'), &mut frames);
        }
        self.unread.drain(..start);
        if self.unread.len() > LONGEST_FRAME || self.data.len() > LONGEST_FRAME {
            return Err("sent a piece without an end");
        }
        Ok(frames)
    }

    fn end(&mut self) -> Result<Vec<Frame>, &'static str> {
        let mut frames = Vec::new();
        let rest = std::mem::take(&mut self.unread);
        if !rest.is_empty() {
            let line = String::from_utf8_lossy(&rest).into_owned();
            self.line(line.trim_end_matches('\r'), &mut frames);
        }
        self.finish(&mut frames);
        Ok(frames)
    }
}

impl SseFramer {
    fn line(&mut self, line: &str, frames: &mut Vec<Frame>) {
        if line.is_empty() {
            self.finish(frames);
        } else if let Some(name) = line.strip_prefix("event:") {
            // A name begins an event: what came before it without a blank line was complete.
            self.finish(frames);
            self.name = Some(name.trim().to_owned());
        } else if let Some(data) = line.strip_prefix("data:") {
            self.data_line(data.strip_prefix(' ').unwrap_or(data), frames);
        }
        // Other fields (id, retry) and comments carry nothing here.
    }

    fn data_line(&mut self, data: &str, frames: &mut Vec<Frame>) {
        if data.trim() == DONE {
            self.finish(frames);
            self.data.push_str(DONE);
            self.finish(frames);
            return;
        }
        if !self.data.is_empty() {
            if serde_json::from_str::<serde::de::IgnoredAny>(&self.data).is_ok() {
                self.finish(frames);
            } else {
                self.data.push('\n');
            }
        }
        self.data.push_str(data);
    }

    fn finish(&mut self, frames: &mut Vec<Frame>) {
        let (name, data) = (self.name.take(), std::mem::take(&mut self.data));
        let data = data.trim();
        if !data.is_empty() {
            frames.push(Frame {
                name,
                data: data.as_bytes().to_vec(),
                is_error: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole, byte by byte, and cut in two everywhere: always the same frames.
    fn check(body: &str, expected: &[(Option<&str>, &str)]) {
        let bytes = body.as_bytes();
        let mut cuts: Vec<Vec<&[u8]>> = vec![vec![bytes], bytes.chunks(1).collect()];
        cuts.extend((1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]));
        for pieces in cuts {
            let mut framer = SseFramer::default();
            let mut frames: Vec<Frame> = pieces
                .iter()
                .flat_map(|piece| framer.push(piece).unwrap())
                .collect();
            frames.extend(framer.end().unwrap());
            let found: Vec<_> = frames
                .iter()
                .map(|frame| (frame.name.as_deref(), std::str::from_utf8(&frame.data).unwrap()))
                .collect();
            assert_eq!(found, expected, "{body:?} in {} pieces", pieces.len());
        }
    }

    #[test]
    fn events_are_cut_wherever_the_pieces_end() {
        check("data: {\"a\": 1}\n\n", &[(None, "{\"a\": 1}")]);
        check(
            "event: response.created\r\ndata: {}\r\n\r\nevent: end\r\ndata: 日本\r\n\r\n",
            &[(Some("response.created"), "{}"), (Some("end"), "日本")],
        );
        check(": ping\n\nid: 7\nretry: 3\ndata:x\n\n", &[(None, "x")]);
        check("data: {\"a\":\ndata: 1}\n\n", &[(None, "{\"a\":\n1}")]);
        check("event: only a name\n\n", &[]);
    }

    #[test]
    fn odd_servers_are_understood() {
        check(
            "data: {\"a\":1}\ndata: {\"a\":2}\ndata: [DONE]\n",
            &[(None, "{\"a\":1}"), (None, "{\"a\":2}"), (None, "[DONE]")],
        );
        check(
            "event: a\ndata: {}\nevent: b\ndata: {}",
            &[(Some("a"), "{}"), (Some("b"), "{}")],
        );
        check("data: {}", &[(None, "{}")]);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut framer = SseFramer::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..10).any(|_| framer.push(&piece).is_err()));
    }
}
