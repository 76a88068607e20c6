//! Characters of composite fonts that carry no map to Unicode, through the character collection that they name.
//!
//! Such a font (common in East Asian files) says which standard encoding its codes are in and which collection its
//! glyph numbers belong to; the standard maps of that collection lead to Unicode.
//! Invariant: never guesses: a code that the standard maps do not hold stays unknown. Used by `pdf::device`.

use hayro::hayro_interpret::font::OutlineGlyph;
use hayro::hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, String as PdfString};
use std::collections::HashMap;

/// Maps for the fonts of a document that need them, by PostScript name.
#[derive(Default)]
pub(super) struct UnicodeFallback {
    fonts: HashMap<String, FontMap>,
}

struct FontMap {
    encoding: CMap,
    to_unicode: CMap,
}

impl UnicodeFallback {
    /// Looks for composite fonts without a map to Unicode on the pages of the document.
    pub fn of(pdf: &Pdf) -> Self {
        let mut fonts = HashMap::new();
        for page in pdf.pages().iter().take(2_000) {
            let resources = &page.resources().fonts;
            for name in resources.keys() {
                if let Some(font) = resources.get::<Dict<'_>>(name)
                    && font
                        .get::<Name<'_>>("Subtype")
                        .is_some_and(|kind| kind.as_str() == "Type0")
                    && !font.contains_key("ToUnicode")
                    && let Some(base) = font.get::<Name<'_>>("BaseFont")
                {
                    let base = without_subset_tag(base.as_str()).to_owned();
                    if let std::collections::hash_map::Entry::Vacant(entry) = fonts.entry(base)
                        && let Some(map) = FontMap::of(&font)
                    {
                        entry.insert(map);
                    }
                }
            }
        }
        Self { fonts }
    }

    /// The character of a glyph that has none by itself.
    pub fn lookup(&self, glyph: &OutlineGlyph) -> Option<BfString> {
        if self.fonts.is_empty() {
            return None;
        }
        let name = glyph.font_data()?.postscript_name?;
        let font = self.fonts.get(&name)?;
        let code = glyph.char_code();
        let cid = (1..=4).find_map(|length| font.encoding.lookup_cid_code(code, length))?;
        font.to_unicode.lookup_bf_string(cid)
    }
}

impl FontMap {
    fn of(font: &Dict<'_>) -> Option<Self> {
        let encoding = match font.get::<Object<'_>>("Encoding")? {
            Object::Name(name) => match CMapName::from_bytes(name.as_ref()) {
                CMapName::IdentityH => CMap::identity_h(),
                CMapName::IdentityV => CMap::identity_v(),
                name => CMap::parse(load_embedded(name)?, load_embedded)?,
            },
            Object::Stream(stream) => CMap::parse(&stream.decoded_data().ok()?, load_embedded)?,
            _ => return None,
        };
        let named = encoding
            .metadata()
            .character_collection
            .clone()
            .map(|collection| collection.family);
        let family = match named {
            Some(family) if family != CidFamily::AdobeIdentity => family,
            _ => collection_of(font)?,
        };
        let to_unicode = CMap::parse(load_embedded(family.ucs2_cmap()?)?, load_embedded)?;
        Some(Self { encoding, to_unicode })
    }
}

fn collection_of(font: &Dict<'_>) -> Option<CidFamily> {
    let descendant = font
        .get::<Array<'_>>("DescendantFonts")?
        .iter::<Dict<'_>>()
        .next()?;
    let info = descendant.get::<Dict<'_>>("CIDSystemInfo")?;
    let (registry, ordering) = (
        info.get::<PdfString<'_>>("Registry")?,
        info.get::<PdfString<'_>>("Ordering")?,
    );
    Some(CidFamily::from_registry_ordering(
        registry.as_bytes(),
        ordering.as_bytes(),
    ))
}

fn without_subset_tag(name: &str) -> &str {
    match name.split_once('+') {
        Some((tag, rest)) if tag.len() == 6 => rest,
        _ => name,
    }
}
