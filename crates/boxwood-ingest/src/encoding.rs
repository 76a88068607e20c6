//! Bytes of text to characters: byte order marks, UTF-16 without one, UTF-8, then statistics.
//!
//! Invariant: never fails; bytes that the encoding does not know become U+FFFD.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// How many bytes the statistics look at.
const SAMPLE_BYTES: usize = 256 << 10;

/// Decodes text of unknown encoding; a byte order mark is not part of the result.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(text) = decode_utf32(bytes) {
        return Cow::Owned(text);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    guess(bytes).decode_without_bom_handling(bytes).0
}

/// Decodes with the encoding that the file itself declares, where that is known and the bytes do not contradict it.
pub fn decode_declared<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    let declared = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    match declared {
        // A text that says UTF-16 in ASCII letters is not UTF-16.
        Some(encoding)
            if encoding != UTF_8
                && encoding != UTF_16LE
                && encoding != UTF_16BE
                && Encoding::for_bom(bytes).is_none()
                && utf16_without_mark(bytes).is_none() =>
        {
            encoding.decode_without_bom_handling(bytes).0
        }
        _ => decode(bytes),
    }
}

/// Decodes an XML part by its mark or its declaration.
pub fn decode_xml(bytes: &[u8]) -> Cow<'_, str> {
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let label = head
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split("?>").next())
        .and_then(|declaration| declaration.split("encoding=").nth(1))
        .and_then(|value| value.get(1..))
        .and_then(|value| value.split(['"', '\'']).next());
    decode_declared(bytes, label)
}

/// UTF-16 text in scripts that use ASCII spaces and digits has every second byte zero often enough to be seen.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4_096) & !1];
    if sample.len() < 4 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let zeros = |offset: usize| {
        sample[offset..]
            .iter()
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (first, second) = (zeros(0), zeros(1));
    let pairs = sample.len() / 2;
    if second * 3 > pairs && first * 20 < pairs {
        Some(UTF_16LE)
    } else if first * 3 > pairs && second * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn decode_utf32(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 4]) -> u32 = match bytes.get(..4)? {
        [0xFF, 0xFE, 0, 0] if bytes.len().is_multiple_of(4) => u32::from_le_bytes,
        [0, 0, 0xFE, 0xFF] => u32::from_be_bytes,
        _ => return None,
    };
    let characters = bytes[4..].chunks_exact(4).map(|chunk| {
        let code = read([chunk[0], chunk[1], chunk[2], chunk[3]]);
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    });
    Some(characters.collect())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    detector.feed(sample, sample.len() == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_their_encodings() {
        let utf16 = |text: &str, mark: bool, big: bool| {
            let units = text.encode_utf16();
            let mut bytes: Vec<u8> = Vec::new();
            for unit in mark.then_some(0xFEFFu16).into_iter().chain(units) {
                bytes.extend(if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                });
            }
            bytes
        };
        let german = "Größe und Übermaß der äußeren Maße";
        let japanese = "契約書の第三条に定める支払期限は月末とする。".repeat(3);
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (german.as_bytes().to_vec(), german),
            ([b"\xEF\xBB\xBF", german.as_bytes()].concat(), german),
            (encoding_rs::WINDOWS_1252.encode(german).0.to_vec(), german),
            (utf16(german, true, false), german),
            (utf16(german, true, true), german),
            (utf16(german, false, false), german),
            (utf16(german, false, true), german),
            (encoding_rs::SHIFT_JIS.encode(&japanese).0.to_vec(), &japanese),
            (encoding_rs::EUC_JP.encode(&japanese).0.to_vec(), &japanese),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(&bytes), expected);
        }
    }

    #[test]
    fn a_declared_encoding_is_believed_where_it_can_be_true() {
        let bytes = b"<?xml version='1.0' encoding='ISO-8859-2'?><a>\xB1</a>";
        assert!(decode_xml(bytes).contains('ą'));
        let lie = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>ü</a>";
        assert_eq!(decode_xml(lie.as_bytes()), lie);
    }
}
