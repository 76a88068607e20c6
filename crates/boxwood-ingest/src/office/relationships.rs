//! Relationships between the parts of an Office Open XML file, and its declared title.
//!
//! Invariant: a target that is marked as external is only ever text (a link), never opened.

use crate::archive::Archive;
use crate::context::ParseContext;
use crate::encoding::decode_xml;
use crate::error::ParseError;
use crate::xml::{Node, XmlReader};
use std::collections::HashMap;

/// One relationship of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relationship {
    /// The last word of its type: `slide`, `footnotes`, `hyperlink`, …
    pub kind: String,
    /// Name of the part inside the archive, or the address where it is external.
    pub target: String,
    /// Whether it leads out of the file.
    pub external: bool,
}

/// Relationships of one part by their id.
#[derive(Debug, Default)]
pub(super) struct Relationships(HashMap<String, Relationship>, Vec<String>);

impl Relationships {
    /// Reads the relationships of a part; a part without any has none.
    pub(super) fn of(
        archive: &mut Archive<'_>,
        part: &str,
        context: &ParseContext,
    ) -> Result<Self, ParseError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let path = format!("{folder}/_rels/{name}.rels");
        let mut all = Self::default();
        let Some(bytes) = archive.read(&path, context)? else {
            return Ok(all);
        };
        let text = decode_xml(&bytes);
        let mut reader = XmlReader::new(&text);
        loop {
            match reader.next(context)? {
                Node::Open(element) if element.name() == "Relationship" => {
                    let value = |name| element.attribute(name).unwrap_or_default();
                    let external = value("TargetMode") == "External";
                    let relationship = Relationship {
                        kind: value("Type").rsplit('/').next().unwrap_or_default().to_owned(),
                        target: if external {
                            value("Target")
                        } else {
                            resolve(folder, &value("Target"))
                        },
                        external,
                    };
                    all.1.push(value("Id"));
                    all.0.insert(value("Id"), relationship);
                }
                Node::End => return Ok(all),
                _ => {}
            }
        }
    }

    /// The relationship with this id.
    pub(super) fn get(&self, id: &str) -> Option<&Relationship> {
        self.0.get(id)
    }

    /// All parts of a kind, in the order of the file.
    pub(super) fn parts(&self, kind: &str) -> Vec<String> {
        let of_kind = self.1.iter().filter_map(|id| self.0.get(id));
        of_kind
            .filter(|relationship| relationship.kind == kind && !relationship.external)
            .map(|relationship| relationship.target.clone())
            .collect()
    }
}

/// The main part of the package, or the usual name.
pub(super) fn main_part(
    archive: &mut Archive<'_>,
    usual: &str,
    context: &ParseContext,
) -> Result<String, ParseError> {
    let package = Relationships::of(archive, "", context)?;
    let named = package
        .parts("officeDocument")
        .into_iter()
        .find(|part| archive.contains(part));
    Ok(named.unwrap_or_else(|| usual.to_owned()))
}

/// The title in the package's core properties.
pub(super) fn declared_title(archive: &mut Archive<'_>, context: &ParseContext) -> Option<String> {
    title_in(archive, "docProps/core.xml", context)
}

/// The title in a part of properties; `None` where the part has none, or can't be read.
pub(super) fn title_in(archive: &mut Archive<'_>, part: &str, context: &ParseContext) -> Option<String> {
    let bytes = archive.read(part, context).ok()??;
    let text = decode_xml(&bytes);
    let mut reader = XmlReader::new(&text);
    loop {
        match reader.next(context).ok()? {
            Node::Open(element) if element.name() == "title" => return reader.text(context).ok(),
            Node::End => return None,
            _ => {}
        }
    }
}

/// Joins a target to the folder of the part that names it.
fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.retain(|step| !step.is_empty());
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn targets_stay_inside_the_package() {
        let check = |folder, target, expected: &str| assert_eq!(resolve(folder, target), expected);
        check("ppt/slides", "../media/a.png", "ppt/media/a.png");
        check("word", "footnotes.xml", "word/footnotes.xml");
        check("word", "/word/x.xml", "word/x.xml");
        check("word", "../../../../etc/passwd", "etc/passwd");
    }
}
