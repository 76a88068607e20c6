//! A prompt that is XML: elements are keys, elements with elements inside are objects, those that stand twice are rows.
//! An element with a `name` or `key` attribute (as in a schema) is known by that.
//!
//! Invariant: nothing is expanded or fetched; what is no well-formed tree is no XML prompt.

use crate::extract::field::{FieldKind, FieldSpec};

/// How deep elements may be nested.
const DEEPEST: usize = 12;

struct Element {
    name: String,
    children: Vec<Element>,
    text: String,
}

/// The fields, if the prompt is XML.
pub(super) fn read(prompt: &str) -> Option<Vec<FieldSpec>> {
    if !prompt.starts_with('<') {
        return None;
    }
    let mut roots = tree(prompt)?;
    // One element around everything only names the whole.
    while roots.len() == 1 && roots.first().is_some_and(|root| !root.children.is_empty()) {
        roots = roots.remove(0).children;
    }
    Some(fields(&roots))
}

fn fields(elements: &[Element]) -> Vec<FieldSpec> {
    let mut fields: Vec<FieldSpec> = Vec::new();
    for element in elements {
        if let Some(known) = fields.iter_mut().find(|field| field.key == element.name) {
            known.kind = match std::mem::replace(&mut known.kind, FieldKind::Text) {
                FieldKind::Struct(inner) => FieldKind::Table(inner),
                FieldKind::Text => FieldKind::List(Box::new(FieldKind::Text)),
                other => other,
            };
            continue;
        }
        let mut field = FieldSpec::text(element.name.clone());
        if element.children.is_empty() {
            field.description = Some(element.text.trim().to_owned()).filter(|text| !text.is_empty());
        } else {
            field.kind = FieldKind::Struct(self::fields(&element.children));
        }
        fields.push(field);
    }
    fields
}

fn tree(text: &str) -> Option<Vec<Element>> {
    let mut open = vec![Element {
        name: String::new(),
        children: Vec::new(),
        text: String::new(),
    }];
    let mut tags: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        open.last_mut()?.text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = &after[after.find("-->")? + 3..];
            continue;
        }
        let end = rest.find('>')?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if tags.pop()? != name.trim() {
                return None;
            }
            let element = open.pop()?;
            open.last_mut()?.children.push(element);
            continue;
        }
        let is_empty = tag.ends_with('/');
        let element = Element {
            name: name_of(tag.trim_end_matches('/'))?,
            children: Vec::new(),
            text: String::new(),
        };
        if is_empty {
            open.last_mut()?.children.push(element);
        } else {
            tags.push(tag.split_whitespace().next()?.to_owned());
            open.push(element);
        }
        if open.len() > DEEPEST {
            return None;
        }
    }
    let root = open.pop()?;
    (open.is_empty() && tags.is_empty() && !root.children.is_empty()).then_some(root.children)
}

/// The value of `name` or `key`, else the tag's own name without its prefix.
fn name_of(tag: &str) -> Option<String> {
    for attribute in [" name=", " key="] {
        if let Some((_, value)) = tag.split_once(attribute) {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            return value[1..].split(quote).next().map(str::to_owned);
        }
    }
    let name = tag.split_whitespace().next()?;
    Some(name.rsplit(':').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_keys_objects_and_rows() {
        let fields = read(
            "<?xml version=\"1.0\"?><invoice><!-- c --><number>of the invoice</number><buyer><city/></buyer>\
             <line><item/><price/></line><line/><note/><note/></invoice>",
        )
        .unwrap();
        assert_eq!(fields[0].description.as_deref(), Some("of the invoice"));
        assert_eq!(fields[1].kind, FieldKind::Struct(vec![FieldSpec::text("city")]));
        assert_eq!(
            fields[2].kind,
            FieldKind::Table(vec![FieldSpec::text("item"), FieldSpec::text("price")])
        );
        assert_eq!(fields[3].kind, FieldKind::List(Box::new(FieldKind::Text)));
    }

    #[test]
    fn a_schema_names_its_elements() {
        let fields =
            read("<xs:schema><xs:element name=\"total\"/><xs:element name='date'/></xs:schema>").unwrap();
        let keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        assert_eq!(keys, ["total", "date"]);
    }

    #[test]
    fn broken_xml_is_none() {
        for prompt in ["<a><b></a>", "<a", "<a>", "< 5 items, < 6 items"] {
            assert!(read(prompt).is_none(), "{prompt}");
        }
    }
}
