//! A font of this machine for East Asian text whose fonts a PDF names without holding them, as many Japanese files do.
//!
//! The worker opens the first font file that it knows before it gives up the file system, and reads it when a page that
//! is painted needs it; reading text needs no font. Invariant: which file is opened never depends on what a document
//! says. Opened by `worker/child.rs`, used by `pdf::paint`.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A larger file is no font that is wanted here.
const MAX_BYTES: u64 = 64 << 20;

/// Kinds of East Asian writing whose characters look different under the same code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// Japanese.
    Japanese,
    /// Korean.
    Korean,
    /// Chinese of the mainland and Singapore.
    SimplifiedChinese,
    /// Chinese of Taiwan and Hong Kong.
    TraditionalChinese,
}

/// A font file that is known to have the characters of every [`Writing`].
struct Known {
    path: &'static str,
    /// The face in the file for each writing, in the order of the enum.
    faces: [u32; 4],
}

const fn collection(path: &'static str) -> Known {
    Known {
        path,
        faces: [0, 1, 2, 3],
    }
}

const fn one_face(path: &'static str) -> Known {
    Known { path, faces: [0; 4] }
}

/// Where Debian, Fedora, Arch, Alpine and macOS keep them, the best first.
const KNOWN: [Known; 10] = [
    collection("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    collection("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
    collection("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc"),
    collection("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    collection("/usr/share/fonts/noto/NotoSansCJK-Regular.ttc"),
    one_face("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"),
    one_face("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    one_face("/usr/share/fonts/wenquanyi/wqy-zenhei/wqy-zenhei.ttc"),
    one_face("/Library/Fonts/Arial Unicode.ttf"),
    one_face("/System/Library/Fonts/Supplemental/Arial Unicode.ttf"),
];

/// The font that was opened, if this machine has one.
#[derive(Clone, Default)]
pub struct SystemFonts(Option<Arc<Opened>>);

struct Opened {
    file: File,
    faces: [u32; 4],
    bytes: OnceLock<Option<Arc<Vec<u8>>>>,
}

impl SystemFonts {
    /// Opens the first font file that exists. Call it before the sandbox stands.
    pub fn open() -> Self {
        Self::first_of(KNOWN.iter().map(|known| (Path::new(known.path), known.faces)))
    }

    fn first_of<'p>(mut files: impl Iterator<Item = (&'p Path, [u32; 4])>) -> Self {
        let opened = files.find_map(|(path, faces)| {
            Some(Opened {
                file: File::open(path).ok()?,
                faces,
                bytes: OnceLock::new(),
            })
        });
        Self(opened.map(Arc::new))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes of the font file and the face for a writing; read once a process.
    pub fn face(&self, writing: Writing) -> Option<(Arc<Vec<u8>>, u32)> {
        let opened = self.0.as_ref()?;
        let bytes = opened.bytes.get_or_init(|| {
            let mut bytes = Vec::new();
            let read = (&opened.file).take(MAX_BYTES).read_to_end(&mut bytes);
            read.ok().map(|_| Arc::new(bytes))
        });
        Some((Arc::clone(bytes.as_ref()?), opened.faces[writing as usize]))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Fonts whose file holds these bytes and is gone already.
    pub(crate) fn fonts_of(bytes: &[u8]) -> SystemFonts {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        SystemFonts::first_of(
            [
                (Path::new("/nowhere/font.ttf"), [9; 4]),
                (file.path(), [0, 1, 2, 3]),
            ]
            .into_iter(),
        )
    }

    #[test]
    fn the_first_file_that_exists_is_opened_at_once_and_read_when_it_is_needed() {
        let fonts = fonts_of(b"a font");
        assert!(!fonts.is_empty());
        let (bytes, face) = fonts.face(Writing::SimplifiedChinese).unwrap();
        assert_eq!((bytes.as_slice(), face), (&b"a font"[..], 2));
        assert_eq!(fonts.face(Writing::Japanese).unwrap().1, 0);
        let none = SystemFonts::first_of([(Path::new("/nowhere/font.ttf"), [0; 4])].into_iter());
        assert!(none.is_empty() && none.face(Writing::Korean).is_none());
    }
}
