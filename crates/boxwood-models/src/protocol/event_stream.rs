//! AWS's binary event stream (`application/vnd.amazon.eventstream`): bytes → frames, both checksums proven.
//!
//! A message is: total length, length of the headers, CRC-32 of these eight bytes, headers, payload, CRC-32 of all before
//! it; numbers are big-endian. Invariant: not a byte of a message is believed before its checksums agree, no length in it
//! can make us allocate more than [`LONGEST_FRAME`], and a stream that ends inside a message is an error. Byte oracle:
//! botocore's own encoder and decoder (`tests/oracle/botocore`).

use super::framing::{Frame, Framer, LONGEST_FRAME};

/// Total length, length of the headers and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const TRAILER: usize = 4;

/// Cuts one stream.
#[derive(Debug, Default)]
pub(crate) struct EventStreamFramer {
    unread: Vec<u8>,
}

impl Framer for EventStreamFramer {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, &'static str> {
        self.unread.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut start = 0;
        while let Some((frame, length)) = next_message(&self.unread[start..])? {
            start += length;
            frames.extend(frame);
        }
        self.unread.drain(..start);
        Ok(frames)
    }

    fn end(&mut self) -> Result<Vec<Frame>, &'static str> {
        if self.unread.is_empty() {
            Ok(Vec::new())
        } else {
            Err("broke off in the middle of a message")
        }
    }
}

/// The first message with its length; `None` until all of it is there.
fn next_message(bytes: &[u8]) -> Result<Option<(Option<Frame>, usize)>, &'static str> {
    let Some(prelude) = bytes.get(..PRELUDE) else {
        return Ok(None);
    };
    if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
        return Err("sent a message whose beginning does not agree with its checksum");
    }
    let (total, headers) = (number(prelude) as usize, number(&prelude[4..]) as usize);
    if total > LONGEST_FRAME || headers > total || total < PRELUDE + headers + TRAILER {
        return Err("sent a message whose lengths are impossible");
    }
    let Some(message) = bytes.get(..total) else {
        return Ok(None);
    };
    let (checked, checksum) = message.split_at(total - TRAILER);
    if crc32fast::hash(checked) != number(checksum) {
        return Err("sent a message that does not agree with its checksum");
    }
    let (headers, payload) = checked[PRELUDE..].split_at(headers);
    Ok(Some((frame_of(headers, payload)?, total)))
}

/// What the headers and the payload say; `None` for messages that carry nothing.
fn frame_of(headers: &[u8], payload: &[u8]) -> Result<Option<Frame>, &'static str> {
    let (mut kind, mut event, mut exception) = (None, None, None);
    let mut error = (None, None);
    let mut rest = headers;
    while !rest.is_empty() {
        let (name, value, after) = next_header(rest).ok_or("sent a message with a broken header")?;
        rest = after;
        match name {
            b":message-type" => kind = value,
            b":event-type" => event = value,
            b":exception-type" => exception = value,
            b":error-code" => error.0 = value,
            b":error-message" => error.1 = value,
            _ => {}
        }
    }
    Ok(match kind.as_deref() {
        Some("event") => event.map(|name| Frame {
            name: Some(name),
            data: payload.to_vec(),
            is_error: false,
        }),
        Some("exception") => Some(Frame {
            name: exception,
            data: payload.to_vec(),
            is_error: true,
        }),
        Some("error") => Some(Frame {
            name: error.0,
            data: serde_json::json!({"message": error.1}).to_string().into_bytes(),
            is_error: true,
        }),
        _ => return Err("sent a message of an unknown type"),
    })
}

/// Name, value (where it is a text) and what follows.
fn next_header(bytes: &[u8]) -> Option<(&[u8], Option<String>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let length = match kind {
        // true, false
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        // a 64-bit number, a time
        5 | 8 => 8,
        // a UUID
        9 => 16,
        // bytes, text: the length stands before them
        6 | 7 => {
            let (length, rest) = rest.split_at_checked(2)?;
            let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
            let (value, rest) = rest.split_at_checked(length)?;
            let text = (*kind == 7).then(|| String::from_utf8_lossy(value).into_owned());
            return Some((name, text, rest));
        }
        _ => return None,
    };
    let (_, rest) = rest.split_at_checked(length)?;
    Some((name, None, rest))
}

/// The first four bytes as a number.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk::<4>()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message as the host would write it.
    pub(crate) fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
        let mut encoded = Vec::new();
        for (name, value) in headers {
            encoded.push(u8::try_from(name.len()).unwrap());
            encoded.extend(name.as_bytes());
            encoded.push(7);
            encoded.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            encoded.extend(value.as_bytes());
        }
        let total = PRELUDE + encoded.len() + payload.len() + TRAILER;
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(total).unwrap().to_be_bytes());
        bytes.extend(u32::try_from(encoded.len()).unwrap().to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend(encoded);
        bytes.extend(payload.as_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn event(name: &str, payload: &str) -> Vec<u8> {
        message(&[(":event-type", name), (":message-type", "event")], payload)
    }

    fn read(bytes: &[u8]) -> Result<Vec<Frame>, &'static str> {
        let mut framer = EventStreamFramer::default();
        let mut frames = framer.push(bytes)?;
        frames.extend(framer.end()?);
        Ok(frames)
    }

    #[test]
    fn messages_are_cut_wherever_the_pieces_end() {
        let mut bytes = event("messageStart", "{\"role\":\"assistant\"}");
        bytes.extend(event("contentBlockDelta", "{\"delta\":{\"text\":\"日本\"}}"));
        let whole = read(&bytes).unwrap();
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].name.as_deref(), Some("messageStart"));
        assert_eq!(whole[1].data, "{\"delta\":{\"text\":\"日本\"}}".as_bytes());
        for cut in 1..bytes.len() {
            let mut framer = EventStreamFramer::default();
            let mut frames = framer.push(&bytes[..cut]).unwrap();
            frames.extend(framer.push(&bytes[cut..]).unwrap());
            framer.end().unwrap();
            assert_eq!(frames, whole, "cut at {cut}");
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = event("metadata", "{\"usage\":{}}");
        for at in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[at / 8] ^= 1 << (at % 8);
            let mut framer = EventStreamFramer::default();
            let found = framer.push(&broken).and_then(|_| framer.end());
            assert!(found.is_err(), "bit {at}");
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_message_is_an_error() {
        let bytes = event("messageStop", "{}");
        for cut in 1..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn exceptions_are_errors() {
        let headers = [
            (":exception-type", "throttlingException"),
            (":message-type", "exception"),
        ];
        let frames = read(&message(&headers, "{\"message\":\"slow down\"}")).unwrap();
        assert!(frames[0].is_error);
        assert_eq!(frames[0].name.as_deref(), Some("throttlingException"));
        let headers = [
            (":error-code", "InternalError"),
            (":error-message", "broken"),
            (":message-type", "error"),
        ];
        let frames = read(&message(&headers, "")).unwrap();
        assert!(frames[0].is_error);
        assert_eq!(frames[0].data, b"{\"message\":\"broken\"}");
    }

    #[test]
    fn impossible_lengths_are_refused_before_anything_is_kept() {
        let mut bytes = Vec::new();
        bytes.extend(u32::MAX.to_be_bytes());
        bytes.extend(0_u32.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        assert!(read(&bytes).is_err());
        let mut bytes = Vec::new();
        bytes.extend(20_u32.to_be_bytes());
        bytes.extend(u32::MAX.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        assert!(read(&bytes).is_err());
    }
}
