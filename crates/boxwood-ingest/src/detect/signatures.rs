//! The table of first bytes.
//!
//! Invariant: a row is matched only by bytes at fixed places (the PDF header, which may stand behind junk, apart).

use boxwood_core::DocumentFormat;

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A format that is read.
    Is(DocumentFormat),
    /// A ZIP file: its parts decide.
    Zip,
    /// An OLE compound file: its streams decide.
    Ole,
    /// Something else.
    Other(&'static str),
}

/// Offset, bytes, meaning. The first row that matches decides.
const SIGNATURES: &[(usize, &[u8], Kind)] = &[
    (0, b"\x89PNG\r\n\x1a\n", Kind::Is(DocumentFormat::Png)),
    (0, b"\xFF\xD8\xFF", Kind::Is(DocumentFormat::Jpeg)),
    (0, b"II*\0", Kind::Is(DocumentFormat::Tiff)),
    (0, b"MM\0*", Kind::Is(DocumentFormat::Tiff)),
    (0, b"II+\0", Kind::Is(DocumentFormat::Tiff)),
    (0, b"MM\0+", Kind::Is(DocumentFormat::Tiff)),
    (0, b"GIF87a", Kind::Is(DocumentFormat::Gif)),
    (0, b"GIF89a", Kind::Is(DocumentFormat::Gif)),
    (8, b"WEBPVP8", Kind::Is(DocumentFormat::Webp)),
    (0, b"{\\rtf", Kind::Is(DocumentFormat::Rtf)),
    (0, b"PK\x03\x04", Kind::Zip),
    (0, b"PK\x05\x06", Kind::Zip),
    (0, b"PK\x07\x08", Kind::Zip),
    (0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Ole),
    (0, b"ID3", Kind::Other("an MP3 sound file")),
    (0, b"\xFF\xFB", Kind::Other("an MP3 sound file")),
    (0, b"\xFF\xF3", Kind::Other("an MP3 sound file")),
    (4, b"ftypheic", Kind::Other("a HEIC picture")),
    (4, b"ftypheix", Kind::Other("a HEIC picture")),
    (4, b"ftypmif1", Kind::Other("a HEIC picture")),
    (4, b"ftypavif", Kind::Other("an AVIF picture")),
    (4, b"ftyp", Kind::Other("an audio or video file (MP4)")),
    (0, b"OggS", Kind::Other("an audio or video file (Ogg)")),
    (0, b"fLaC", Kind::Other("a FLAC sound file")),
    (8, b"WAVEfmt", Kind::Other("a WAV sound file")),
    (8, b"AVI LIST", Kind::Other("a video file (AVI)")),
    (0, b"\x1A\x45\xDF\xA3", Kind::Other("a video file (Matroska)")),
    (0, b"\x1F\x8B", Kind::Other("a gzip archive")),
    (0, b"BZh", Kind::Other("a bzip2 archive")),
    (0, b"\xFD7zXZ\0", Kind::Other("an xz archive")),
    (0, b"\x28\xB5\x2F\xFD", Kind::Other("a Zstandard archive")),
    (0, b"7z\xBC\xAF\x27\x1C", Kind::Other("a 7-Zip archive")),
    (0, b"Rar!\x1A\x07", Kind::Other("a RAR archive")),
    (257, b"ustar", Kind::Other("a tar archive")),
    (0, b"\x7FELF", Kind::Other("a program (ELF)")),
    (0, b"MZ\x90\0", Kind::Other("a Windows program")),
    (0, b"MZ\0", Kind::Other("a Windows program")),
    (0, b"\xCF\xFA\xED\xFE", Kind::Other("a program (Mach-O)")),
    (
        0,
        b"\xCA\xFE\xBA\xBE",
        Kind::Other("a program (Java class or Mach-O)"),
    ),
    (0, b"\0asm", Kind::Other("a WebAssembly program")),
    (0, b"SQLite format 3\0", Kind::Other("an SQLite database")),
    (0, b"PAR1", Kind::Other("a Parquet file")),
    (0, b"%!PS", Kind::Other("a PostScript file")),
    (0, b"AT&TFORM", Kind::Other("a DjVu file")),
    (0, b"8BPS", Kind::Other("a Photoshop picture")),
    (0, b"\0\0\0\x0CjP  ", Kind::Other("a JPEG 2000 picture")),
    (0, b"\xFF\x0A", Kind::Other("a JPEG XL picture")),
    (0, b"\0\0\x01\0", Kind::Other("an icon")),
    (0, b"wOFF", Kind::Other("a font")),
    (0, b"OTTO\0", Kind::Other("a font")),
    (0, b"\0\x01\0\0\0", Kind::Other("a font")),
    (0, b"\xFFWPC", Kind::Other("a WordPerfect document")),
];

/// A PDF header may stand behind this many bytes of junk.
const PDF_HEADER_WINDOW: usize = 1_024;

/// The meaning of the first bytes, where they mean something.
pub(super) fn find(bytes: &[u8]) -> Option<Kind> {
    for (offset, signature, kind) in SIGNATURES {
        if bytes
            .get(*offset..)
            .is_some_and(|rest| rest.starts_with(signature))
        {
            return Some(*kind);
        }
    }
    if is_bitmap(bytes) {
        return Some(Kind::Is(DocumentFormat::Bmp));
    }
    is_pdf(bytes).then_some(Kind::Is(DocumentFormat::Pdf))
}

/// "BM" are also letters: the header's size must be one that exists.
fn is_bitmap(bytes: &[u8]) -> bool {
    let header = bytes.get(14..18).and_then(|size| <[u8; 4]>::try_from(size).ok());
    bytes.starts_with(b"BM")
        && header.is_some_and(|size| matches!(u32::from_le_bytes(size), 12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// A header at the start, or behind junk if objects follow (a text may mention the header).
fn is_pdf(bytes: &[u8]) -> bool {
    let window = &bytes[..bytes.len().min(PDF_HEADER_WINDOW)];
    if window.trim_ascii_start().starts_with(b"%PDF-") {
        return true;
    }
    let Some(position) = window.windows(5).position(|found| found == b"%PDF-") else {
        return false;
    };
    let after = &bytes[position..bytes.len().min(position + (64 << 10))];
    after.windows(4).any(|found| found == b" obj")
}
