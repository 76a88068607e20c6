//! Paragraph styles: which are headings, and which carry a list's numbering.

use crate::context::ParseContext;
use crate::error::ParseError;
use crate::xml::{Node, XmlReader};
use std::collections::HashMap;

/// A style may be based on another; longer chains are loops.
const MAX_CHAIN: usize = 16;

/// What a style says about its paragraphs.
#[derive(Debug, Clone, Default, PartialEq)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<u8>,
    list: Option<(String, usize)>,
}

/// All paragraph styles by id.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    /// Reads the styles part.
    pub(super) fn read(xml: &str, context: &ParseContext) -> Result<Self, ParseError> {
        let mut reader = XmlReader::new(xml);
        let mut styles = HashMap::new();
        loop {
            match reader.next(context)? {
                Node::Open(element) if element.name() == "style" => {
                    let id = element.attribute("styleId").unwrap_or_default();
                    let mut style = Style::default();
                    for (name, value) in super::properties(&mut reader, context)? {
                        match name.as_str() {
                            "name" => style.name = value.to_lowercase(),
                            "basedOn" => style.based_on = Some(value),
                            "outlineLvl" => style.outline = value.parse().ok().filter(|level| *level < 9),
                            "numId" => style.list = Some((value, style.list.map_or(0, |(_, level)| level))),
                            "ilvl" => {
                                let level = value.parse().unwrap_or(0);
                                style.list = Some((style.list.map_or_else(String::new, |(id, _)| id), level));
                            }
                            _ => {}
                        }
                    }
                    styles.insert(id, style);
                }
                Node::End => return Ok(Self(styles)),
                _ => {}
            }
        }
    }

    /// The heading level (1 is topmost) of paragraphs with this style.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        self.chain(id).find_map(|style| {
            let named = style
                .name
                .strip_prefix("heading ")
                .and_then(|level| level.trim().parse::<u8>().ok());
            let level = match style.name.as_str() {
                "title" => Some(1),
                "subtitle" => Some(2),
                _ => named.or(style.outline.map(|level| level + 1)),
            };
            level.filter(|level| (1..=9).contains(level))
        })
    }

    /// The list that paragraphs with this style belong to.
    pub(super) fn list(&self, id: &str) -> Option<(String, usize)> {
        self.chain(id)
            .find_map(|style| style.list.clone())
            .filter(|(list, _)| !list.is_empty())
    }

    fn chain(&self, id: &str) -> impl Iterator<Item = &Style> {
        let based_on = |style: &&Style| style.based_on.as_deref().and_then(|id| self.0.get(id));
        std::iter::successors(self.0.get(id), based_on).take(MAX_CHAIN)
    }
}
