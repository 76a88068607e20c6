//! Parts of a message: text and pictures, as both APIs name them.
//!
//! Invariant: nothing is fetched: a picture comes as a data URL or not at all. Called by `messages` and
//! `responses::input`.

use super::error::OpenAiError;
use super::fields::{Endpoint, Fields, wrong_type};
use base64::Engine;
use boxwood_core::ImageInput;
use serde_json::Value;

/// The pictures that hosts take.
const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// What a message holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The texts, a line between two of them.
    pub text: String,
    /// The pictures, in their order.
    pub images: Vec<ImageInput>,
}

impl Content {
    fn add_text(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }
}

/// Which parts a place takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Texts.
    Text,
    /// Texts and pictures.
    TextAndImages,
}

/// A text, or an array of parts.
///
/// # Errors
/// Another type, a part that this place does not take, a picture that is no data URL.
pub fn read(value: &Value, path: &str, parts: Parts, endpoint: Endpoint) -> Result<Content, OpenAiError> {
    match value {
        Value::String(text) => Ok(Content {
            text: text.clone(),
            images: Vec::new(),
        }),
        Value::Array(entries) if entries.is_empty() => {
            let message = format!(
                "Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead."
            );
            Err(OpenAiError::invalid(path, Some("empty_array"), message))
        }
        Value::Array(entries) => {
            let mut content = Content::default();
            for (index, entry) in entries.iter().enumerate() {
                let mut part = Fields::of(entry, &format!("{path}[{index}]"), endpoint)?;
                read_part(&mut part, parts, endpoint, &mut content)?;
                part.close()?;
            }
            Ok(content)
        }
        other => Err(wrong_type(path, "one of a string or array of objects", other)),
    }
}

fn read_part(
    part: &mut Fields<'_>,
    parts: Parts,
    endpoint: Endpoint,
    content: &mut Content,
) -> Result<(), OpenAiError> {
    let kind = part.required_text("type")?;
    let with_images = parts == Parts::TextAndImages;
    match (endpoint, kind) {
        (Endpoint::Chat, "text") | (Endpoint::Responses, "input_text" | "output_text") => {
            // What an answer is sent back with.
            part.pass_over(&["annotations", "logprobs"]);
            content.add_text(part.required_text("text")?);
        }
        (_, "refusal") => content.add_text(part.required_text("refusal")?),
        (Endpoint::Chat, "image_url") if with_images => {
            part.required("image_url")?;
            if let Some(mut image) = part.child("image_url")? {
                content.images.push(read_image(&mut image, "url")?);
                image.close()?;
            }
        }
        (Endpoint::Responses, "input_image") if with_images => {
            if part.get("file_id").is_some() {
                return Err(no_files(&part.path_of("file_id")));
            }
            content.images.push(read_image(part, "image_url")?);
        }
        (Endpoint::Chat, "input_audio" | "file") | (Endpoint::Responses, "input_audio" | "input_file") => {
            return Err(no_files(&part.path_of("type")));
        }
        (endpoint, other) => {
            let words: &[&str] = match (endpoint, with_images) {
                (Endpoint::Chat, true) => &["text", "image_url"],
                (Endpoint::Chat, false) => &["text"],
                (Endpoint::Responses, true) => &["input_text", "input_image"],
                (Endpoint::Responses, false) => &["input_text", "output_text"],
            };
            return Err(OpenAiError::invalid_value(part.path_of("type"), other, words));
        }
    }
    Ok(())
}

fn no_files(path: &str) -> OpenAiError {
    OpenAiError::not_served(
        path,
        "Boxwood takes text and pictures here. Ask about files through POST /2.0/ai/ask, or send their text.",
    )
}

fn read_image(image: &mut Fields<'_>, name: &'static str) -> Result<ImageInput, OpenAiError> {
    const DETAILS: [(&str, ()); 4] = [("auto", ()), ("low", ()), ("high", ()), ("original", ())];
    // The serving model decides how closely it looks.
    image.word("detail", &DETAILS)?;
    let path = image.path_of(name);
    let url = image.required_text(name)?;
    let refused = |message: &str| OpenAiError::invalid(path.clone(), Some("invalid_image_url"), message);
    let Some((head, encoded)) = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"))
    else {
        return Err(refused(
            "Invalid image URL: Boxwood fetches nothing from the network. Send the picture as data:image/png;base64,…",
        ));
    };
    let media_type = head.to_ascii_lowercase();
    if !MEDIA_TYPES.contains(&media_type.as_str()) {
        return Err(OpenAiError::invalid(
            path,
            Some("invalid_image_format"),
            format!(
                "Invalid image: its type must be one of {}.",
                MEDIA_TYPES.join(", ")
            ),
        ));
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .map_err(|_| refused("Invalid base64 image_url."))?;
    Ok(ImageInput { media_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(value: Value, expected: Result<(&str, usize), (&str, &str)>) {
        let read = read(&value, "c", Parts::TextAndImages, Endpoint::Chat);
        let shown = read
            .as_ref()
            .map(|content| (content.text.as_str(), content.images.len()))
            .map_err(|error| {
                (
                    error.param.as_deref().unwrap_or_default(),
                    error.code.unwrap_or_default(),
                )
            });
        assert_eq!(shown, expected, "{value}");
    }

    #[test]
    fn texts_and_pictures_are_read() {
        check(json!("hello"), Ok(("hello", 0)));
        check(
            json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            Ok(("a\nb", 0)),
        );
        let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0=", "detail": "low"}});
        check(json!([picture]), Ok(("", 1)));
        check(json!([]), Err(("c", "empty_array")));
        check(json!(5), Err(("c", "invalid_type")));
        check(json!([{"type": "video"}]), Err(("c[0].type", "invalid_value")));
        check(json!([{"type": "text", "text": "a", "more": 1}]), Err(("", "")));
    }

    #[test]
    fn nothing_is_fetched() {
        let picture = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
        check(
            picture("https://example.com/a.png"),
            Err(("c[0].image_url.url", "invalid_image_url")),
        );
        check(
            picture("data:image/png;base64,???"),
            Err(("c[0].image_url.url", "invalid_image_url")),
        );
        check(
            picture("data:text/html;base64,aaaa"),
            Err(("c[0].image_url.url", "invalid_image_format")),
        );
    }
}
