//! The resolution that a picture states.
//!
//! Invariant: only plausible values come out; broken headers give none. Used by `image::parse`.

const PLAUSIBLE: std::ops::RangeInclusive<f32> = 40.0..=2_400.0;

/// Dots per inch by the header of a PNG, JPEG, BMP or TIFF.
pub(super) fn dots_per_inch(bytes: &[u8]) -> Option<f32> {
    let found = match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes),
        [0xff, 0xd8, ..] => jpeg(bytes),
        [b'B', b'M', ..] => little_u32(bytes, 38).map(|per_metre| per_metre as f32 * 0.0254),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => tiff(bytes),
        _ => None,
    };
    found.filter(|dots| PLAUSIBLE.contains(dots))
}

fn little_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

fn big_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_be_bytes)
}

/// The chunk `pHYs`, before the pixels.
fn png(bytes: &[u8]) -> Option<f32> {
    let mut at = 8usize;
    for _ in 0..64 {
        let length = big_u32(bytes, at)? as usize;
        match bytes.get(at + 4..at + 8)? {
            b"pHYs" => {
                let per_metre = big_u32(bytes, at + 8)?;
                return (bytes.get(at + 16) == Some(&1)).then_some(per_metre as f32 * 0.0254);
            }
            b"IDAT" | b"IEND" => return None,
            _ => at = at.checked_add(length)?.checked_add(12)?,
        }
    }
    None
}

/// The JFIF segment.
fn jpeg(bytes: &[u8]) -> Option<f32> {
    let mut at = 2usize;
    for _ in 0..32 {
        let [0xff, marker, high, low] = *bytes.get(at..at + 4)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xe0 && bytes.get(at + 4..at + 9)? == b"JFIF\0" {
            let density = f32::from(u16::from_be_bytes([*bytes.get(at + 12)?, *bytes.get(at + 13)?]));
            return match bytes.get(at + 11)? {
                1 => Some(density),
                2 => Some(density * 2.54),
                _ => None,
            };
        }
        if marker == 0xda {
            return None;
        }
        at = at.checked_add(length)?.checked_add(2)?;
    }
    None
}

/// XResolution of the first directory.
fn tiff(bytes: &[u8]) -> Option<f32> {
    let little = bytes.first() == Some(&b'I');
    let long = |at| {
        if little {
            little_u32(bytes, at)
        } else {
            big_u32(bytes, at)
        }
    };
    let short = |at: usize| {
        let pair: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        })
    };
    let directory = long(4)? as usize;
    let (mut resolution, mut unit) = (None, 2);
    for entry in 0..usize::from(short(directory)?) {
        let at = directory + 2 + entry * 12;
        match short(at)? {
            282 => {
                let value = long(at + 8)? as usize;
                resolution = Some(long(value)? as f32 / (long(value.checked_add(4)?)? as f32).max(1.0));
            }
            296 => unit = short(at + 8)?,
            _ => {}
        }
    }
    match unit {
        2 => resolution,
        3 => resolution.map(|per_centimetre| per_centimetre * 2.54),
        _ => None,
    }
}
