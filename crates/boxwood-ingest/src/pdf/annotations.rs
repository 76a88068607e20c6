//! Text of annotations and form fields that the file does not draw: field values and notes without an appearance.
//!
//! Invariant: text that an appearance already draws is not repeated. Used by `pdf::page`.

use super::strings::text_of;
use boxwood_core::BoundingBox;
use hayro::hayro_interpret::TransformExt;
use hayro::hayro_interpret::util::RectExt;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Rect, String as PdfString};
use hayro::hayro_syntax::page::Page;

const MAX_ANNOTATIONS: usize = 5_000;
const MAX_PARENTS: usize = 16;

/// Text of an annotation with its box on the page.
#[derive(Debug)]
pub(super) struct Annotation {
    /// Its lines.
    pub lines: Vec<String>,
    /// Its box.
    pub bounds: BoundingBox,
}

/// What the annotations of a page say beyond what is drawn, and how many files are attached to it.
pub(super) fn annotations_of(page: &Page<'_>) -> (Vec<Annotation>, usize) {
    let (mut found, mut attached) = (Vec::new(), 0);
    let Some(list) = page.raw().get::<Array<'_>>("Annots") else {
        return (found, attached);
    };
    let to_page = page.initial_transform(true).to_kurbo();
    for annotation in list.iter::<Dict<'_>>().take(MAX_ANNOTATIONS) {
        let kind = annotation
            .get::<Name<'_>>("Subtype")
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default();
        attached += usize::from(kind == "FileAttachment");
        let Some(text) = undrawn_text(&annotation, &kind) else {
            continue;
        };
        let lines: Vec<String> = text
            .split(['\r', '\n'])
            .map(|line| line.trim().to_owned())
            .collect();
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            continue;
        }
        let rect = annotation
            .get::<Rect>("Rect")
            .map(|rect| to_page.transform_rect_bbox(rect.to_kurbo()));
        let bounds = rect.map_or(
            BoundingBox {
                left: 0.0,
                top: 0.0,
                right: 0.0,
                bottom: 0.0,
            },
            |rect| BoundingBox {
                left: rect.x0 as f32,
                top: rect.y0 as f32,
                right: rect.x1 as f32,
                bottom: rect.y1 as f32,
            },
        );
        found.push(Annotation { lines, bounds });
    }
    (found, attached)
}

fn undrawn_text(annotation: &Dict<'_>, kind: &str) -> Option<String> {
    match kind {
        "Widget" => {
            if has_drawn_appearance(annotation) {
                return None;
            }
            field_value(annotation)
        }
        "FreeText" | "Stamp" if has_drawn_appearance(annotation) => None,
        // A link's or a pop-up's contents only describe it; file attachments are noted elsewhere.
        "Link" | "Popup" | "FileAttachment" | "Widget3D" => None,
        _ => annotation
            .get::<PdfString<'_>>("Contents")
            .map(|text| text_of(text.as_bytes())),
    }
}

fn has_drawn_appearance(annotation: &Dict<'_>) -> bool {
    let normal = annotation
        .get::<Dict<'_>>("AP")
        .and_then(|appearance| appearance.get::<Object<'_>>("N"));
    match normal {
        Some(Object::Stream(stream)) => stream.decoded_data().is_ok_and(|data| shows_text(&data)),
        Some(Object::Dict(_)) => true,
        _ => false,
    }
}

/// Whether a content stream shows any text; an appearance may be just an empty frame.
fn shows_text(content: &[u8]) -> bool {
    content.windows(2).any(|pair| pair == b"Tj" || pair == b"TJ")
        || content.windows(2).any(|pair| pair == b"Do")
}

/// The value of a field, which may stand in a parent.
fn field_value(field: &Dict<'_>) -> Option<String> {
    let mut node = field.clone();
    for _ in 0..MAX_PARENTS {
        match node.get::<Object<'_>>("V") {
            Some(Object::String(text)) => return Some(text_of(text.as_bytes())),
            Some(Object::Stream(stream)) => return stream.decoded_data().ok().map(|data| text_of(&data)),
            Some(Object::Array(values)) => {
                let values: Vec<String> = values
                    .iter::<PdfString<'_>>()
                    .map(|v| text_of(v.as_bytes()))
                    .collect();
                return Some(values.join("\n"));
            }
            // The state of a button or tick box.
            Some(_) => return None,
            None => node = node.get::<Dict<'_>>("Parent")?,
        }
    }
    None
}
