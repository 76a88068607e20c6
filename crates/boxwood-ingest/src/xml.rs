//! A pull reader over untrusted XML.
//!
//! Invariant: document type definitions are skipped, so no entity is ever expanded and nothing outside is ever
//! fetched; nesting is bounded by the limit; a long part can be interrupted by the deadline.

use crate::context::ParseContext;
use crate::error::ParseError;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::borrow::Cow;

/// How many events pass between two looks at the clock.
const EVENTS_PER_CHECK: u32 = 2_048;

/// What comes next. An empty element is an `Open` followed by a `Close`.
#[derive(Debug)]
pub enum Node<'a> {
    /// A start tag.
    Open(Element<'a>),
    /// An end tag.
    Close,
    /// Text, with references resolved; a reference to an entity that XML itself does not define stays as written.
    Text(Cow<'a, str>),
    /// The end of the part.
    End,
}

/// A start tag.
#[derive(Debug)]
pub struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// The name without its prefix.
    pub fn name(&self) -> &str {
        local(self.0.name().into_inner())
    }

    /// The value of the attribute with this local name.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.attributes()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Whether a boolean attribute (or the `val` of an on/off element) is on.
    pub fn is_on(&self, name: &str) -> bool {
        !matches!(self.attribute(name).as_deref(), Some("0" | "false" | "off"))
    }

    /// Local names and values.
    pub fn attributes(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.0
            .html_attributes()
            .with_checks(false)
            .clone()
            .filter_map(|attribute| {
                let attribute = attribute.ok()?;
                let value = match attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0) {
                    Ok(value) => value.into_owned(),
                    Err(_) => attribute.value.clone().into_owned(),
                };
                Some((local(attribute.key.into_inner()).to_owned(), value))
            })
    }
}

/// Reads one part.
pub struct XmlReader<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    events: u32,
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl<'a> XmlReader<'a> {
    /// A reader at the start of the text.
    pub fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Self {
            reader,
            depth: 0,
            events: 0,
        }
    }

    /// How many elements are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The next node.
    ///
    /// # Errors
    /// Damaged XML, too deep nesting, or the deadline.
    pub fn next(&mut self, context: &ParseContext) -> Result<Node<'a>, ParseError> {
        loop {
            self.events += 1;
            if self.events.is_multiple_of(EVENTS_PER_CHECK) {
                context.checkpoint()?;
            }
            let event = self.reader.read_event().map_err(|error| context.damaged(error))?;
            return Ok(match event {
                Event::Start(start) | Event::Empty(start) => {
                    self.depth += 1;
                    if self.depth > context.limits().max_nesting {
                        return Err(ParseError::limit("nesting", context.limits().max_nesting));
                    }
                    Node::Open(Element(start))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::Close
                }
                Event::Text(text) => Node::Text(text.into_inner()),
                Event::CData(text) => Node::Text(text.into_inner()),
                Event::GeneralRef(reference) => Node::Text(resolve(&reference)),
                Event::Eof if self.depth > 0 => return Err(context.damaged("the XML ends too early")),
                Event::Eof => Node::End,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => continue,
            });
        }
    }

    /// Skips the rest of the element that was opened last.
    ///
    /// # Errors
    /// As for [`XmlReader::next`].
    pub fn skip(&mut self, context: &ParseContext) -> Result<(), ParseError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next(context)?;
        }
        Ok(())
    }

    /// All text inside the element that was opened last.
    ///
    /// # Errors
    /// As for [`XmlReader::next`].
    pub fn text(&mut self, context: &ParseContext) -> Result<String, ParseError> {
        let outside = self.depth.saturating_sub(1);
        let mut all = String::new();
        while self.depth > outside {
            if let Node::Text(text) = self.next(context)? {
                all.push_str(&text);
            }
        }
        Ok(all)
    }
}

fn resolve<'a>(reference: &quick_xml::events::BytesRef<'_>) -> Cow<'a, str> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Cow::Owned(character.to_string());
    }
    let name: &str = reference;
    match quick_xml::escape::resolve_predefined_entity(name) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(format!("&{name};")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{IngestLimits, OcrConfig};

    fn context() -> ParseContext {
        ParseContext::new(IngestLimits::default(), OcrConfig::default(), "")
    }

    fn texts(xml: &str) -> Result<String, ParseError> {
        let mut reader = XmlReader::new(xml);
        let mut all = String::new();
        loop {
            match reader.next(&context())? {
                Node::Text(text) => all.push_str(&text),
                Node::End => return Ok(all),
                Node::Open(_) | Node::Close => {}
            }
        }
    }

    #[test]
    fn entities_are_never_expanded() {
        let laughs = "<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;'>]><a>&m; &amp; &#65;</a>";
        assert_eq!(texts(laughs).unwrap(), "&m; & A");
        let external = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>";
        assert_eq!(texts(external).unwrap(), "&x;");
    }

    #[test]
    fn nesting_and_truncation_are_errors() {
        let deep = "<a>".repeat(100_000);
        assert!(matches!(texts(&deep), Err(ParseError::LimitReached { .. })));
        assert!(matches!(texts("<a><b>x</b>"), Err(ParseError::Damaged { .. })));
        assert!(matches!(texts("<a></b>"), Err(ParseError::Damaged { .. })));
    }

    #[test]
    fn elements_are_named_without_prefixes() {
        let mut reader = XmlReader::new("<w:p w:val='1 &lt; 2'><w:r/></w:p>");
        let Ok(Node::Open(element)) = reader.next(&context()) else {
            panic!("no element")
        };
        assert_eq!(element.name(), "p");
        assert_eq!(element.attribute("val").as_deref(), Some("1 < 2"));
        assert_eq!(element.attribute("none"), None);
        reader.skip(&context()).unwrap();
        assert!(matches!(reader.next(&context()), Ok(Node::End)));
    }
}
