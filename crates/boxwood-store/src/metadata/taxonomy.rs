//! Taxonomies as values: levels, nodes, and which nodes a list shows.
//!
//! Invariant: a node lies on a level of its taxonomy, and its parent on the level above; a node of level 1 has none.
//! Called by the stores; extraction reads a [`TaxonomyTree`].

use super::error::MetadataError;
use super::key::{check_description, check_name};
use super::scope::enterprise_scope;
use super::template::{Page, PageQuery};
use boxwood_core::EnterpriseId;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// One level of a taxonomy. Its place in the list is its number, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxonomyLevel {
    /// What a person sees.
    pub display_name: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl TaxonomyLevel {
    /// Checks the names; `path` is where the wire has the level, empty for the body itself.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`].
    pub fn check(&self, path: &str) -> Result<(), MetadataError> {
        check_name(&self.display_name, &member(path, "displayName"))?;
        match &self.description {
            Some(description) => check_description(description, &member(path, "description")),
            None => Ok(()),
        }
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// A taxonomy without its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taxonomy {
    /// A UUID.
    pub id: String,
    /// Whose it is.
    pub enterprise: EnterpriseId,
    /// The name in paths; unique in the enterprise.
    pub key: String,
    /// What a person sees.
    pub display_name: String,
    /// From the top.
    pub levels: Vec<TaxonomyLevel>,
}

impl Taxonomy {
    /// `enterprise_123`.
    pub fn namespace(&self) -> String {
        enterprise_scope(&self.enterprise)
    }

    /// Checks where a new node shall lie; `parent` is the level of its parent.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`].
    pub fn check_place(&self, level: u32, parent: Option<u32>) -> Result<(), MetadataError> {
        let deepest = u32::try_from(self.levels.len()).unwrap_or(u32::MAX);
        if deepest == 0 {
            return Err(MetadataError::invalid(
                "level",
                "names no level: the taxonomy has none yet",
            ));
        }
        if !(1..=deepest).contains(&level) {
            let reason = format!("must be a level of the taxonomy, 1 to {deepest}, not {level}");
            return Err(MetadataError::invalid("level", reason));
        }
        match parent {
            None if level > 1 => {
                let reason = format!("must name the node of level {} above", level - 1);
                Err(MetadataError::invalid("parentId", reason))
            }
            Some(above) if above + 1 != level => {
                let reason = format!("must name a node of the level above {level}, not of level {above}");
                Err(MetadataError::invalid("parentId", reason))
            }
            _ => Ok(()),
        }
    }
}

/// A taxonomy to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTaxonomy {
    /// The key; `None`: made from the display name.
    pub key: Option<String>,
    /// What a person sees.
    pub display_name: String,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomyNode {
    /// A UUID.
    pub id: String,
    /// What a person sees.
    pub display_name: String,
    /// From 1.
    pub level: u32,
    /// The node above; `None` on level 1.
    pub parent: Option<String>,
}

/// A node to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTaxonomyNode {
    /// What a person sees.
    pub display_name: String,
    /// From 1.
    pub level: u32,
    /// The node above.
    pub parent: Option<String>,
}

/// A taxonomy with all its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomyTree {
    /// The taxonomy.
    pub taxonomy: Taxonomy,
    nodes: Vec<TaxonomyNode>,
    places: HashMap<String, usize>,
}

/// Which nodes a list shows; empty lists don't narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeFilter {
    /// On one of these levels.
    pub levels: Vec<u32>,
    /// Directly below one of these nodes.
    pub parents: Vec<String>,
    /// Anywhere below one of these nodes.
    pub ancestors: Vec<String>,
    /// With these words in the name; the best come first.
    pub text: Option<String>,
}

/// A page of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePage {
    /// The nodes.
    pub entries: Vec<TaxonomyNode>,
    /// Marker of the next page.
    pub next_marker: Option<String>,
    /// All nodes that the filter lets through.
    pub total: usize,
}

impl TaxonomyTree {
    /// A tree of these nodes, ordered by name.
    pub fn new(taxonomy: Taxonomy, mut nodes: Vec<TaxonomyNode>) -> Self {
        nodes.sort_by(|left, right| (&left.display_name, &left.id).cmp(&(&right.display_name, &right.id)));
        let places = nodes
            .iter()
            .enumerate()
            .map(|(place, node)| (node.id.clone(), place))
            .collect();
        Self {
            taxonomy,
            nodes,
            places,
        }
    }

    /// All nodes, ordered by name.
    pub fn nodes(&self) -> &[TaxonomyNode] {
        &self.nodes
    }

    /// The node with that id.
    pub fn node(&self, id: &str) -> Option<&TaxonomyNode> {
        self.places.get(id).and_then(|place| self.nodes.get(*place))
    }

    /// The nodes above a node, from the top down.
    pub fn ancestors(&self, node: &TaxonomyNode) -> Vec<&TaxonomyNode> {
        let mut above = Vec::new();
        let mut next = node.parent.as_deref().and_then(|id| self.node(id));
        // Parents lie one level higher, so this ends.
        while let Some(found) = next {
            above.push(found);
            next = found.parent.as_deref().and_then(|id| self.node(id));
        }
        above.reverse();
        above
    }

    /// A page of the nodes that a filter lets through, by name, or by relevance where the filter has a text.
    ///
    /// # Errors
    /// A marker that names no place in this order.
    pub fn page(&self, filter: &NodeFilter, query: &PageQuery) -> Result<NodePage, MetadataError> {
        let wanted = Wanted::of(filter);
        let mut found: Vec<(String, &TaxonomyNode)> = self
            .nodes
            .iter()
            .filter(|node| self.fits(node, filter, &wanted))
            .filter_map(|node| Some((wanted.place(node)?, node)))
            .collect();
        found.sort_by(|left, right| left.0.cmp(&right.0));
        let total = found.len();
        let page = Page::cut(found, query, |(place, _)| place.clone())?;
        Ok(NodePage {
            entries: page.entries.into_iter().map(|(_, node)| node.clone()).collect(),
            next_marker: page.next_marker,
            total,
        })
    }

    fn fits(&self, node: &TaxonomyNode, filter: &NodeFilter, wanted: &Wanted<'_>) -> bool {
        let level = filter.levels.is_empty() || filter.levels.contains(&node.level);
        let parent = wanted.parents.is_empty()
            || node
                .parent
                .as_deref()
                .is_some_and(|parent| wanted.parents.contains(parent));
        let ancestor = wanted.ancestors.is_empty()
            || self
                .ancestors(node)
                .iter()
                .any(|above| wanted.ancestors.contains(above.id.as_str()));
        level && parent && ancestor
    }
}

/// A filter, ready to be compared with many nodes.
struct Wanted<'a> {
    parents: HashSet<&'a str>,
    ancestors: HashSet<&'a str>,
    text: Option<String>,
}

impl<'a> Wanted<'a> {
    fn of(filter: &'a NodeFilter) -> Self {
        Self {
            parents: filter.parents.iter().map(String::as_str).collect(),
            ancestors: filter.ancestors.iter().map(String::as_str).collect(),
            text: filter.text.as_ref().map(|text| text.trim().to_lowercase()),
        }
    }

    /// The place of a node in the order; `None` where the name lacks a word of the text. Whole names come first, then
    /// beginnings, then the rest.
    fn place(&self, node: &TaxonomyNode) -> Option<String> {
        let rank = match &self.text {
            None => 0,
            Some(text) => {
                let name = node.display_name.to_lowercase();
                if !text.split_whitespace().all(|word| name.contains(word)) {
                    return None;
                }
                if name == *text {
                    0
                } else if name.starts_with(text.as_str()) {
                    1
                } else {
                    2
                }
            }
        };
        Some(format!("{rank}\u{0}{}\u{0}{}", node.display_name, node.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(name: &str) -> TaxonomyLevel {
        TaxonomyLevel {
            display_name: name.into(),
            description: None,
        }
    }

    fn tree() -> TaxonomyTree {
        let taxonomy = Taxonomy {
            id: "t".into(),
            enterprise: "1".parse().unwrap(),
            key: "geography".into(),
            display_name: "Geography".into(),
            levels: vec![level("Continent"), level("Country"), level("City")],
        };
        let node = |id: &str, name: &str, level, parent: Option<&str>| TaxonomyNode {
            id: id.into(),
            display_name: name.into(),
            level,
            parent: parent.map(str::to_owned),
        };
        TaxonomyTree::new(
            taxonomy,
            vec![
                node("3", "Paris", 3, Some("2")),
                node("1", "Europe", 1, None),
                node("2", "France", 2, Some("1")),
                node("4", "New France", 2, Some("5")),
                node("5", "America", 1, None),
            ],
        )
    }

    #[track_caller]
    fn check(filter: NodeFilter, expected: &[&str]) {
        let query = PageQuery {
            marker: None,
            limit: 100,
        };
        let page = tree().page(&filter, &query).unwrap();
        let names: Vec<&str> = page
            .entries
            .iter()
            .map(|node| node.display_name.as_str())
            .collect();
        assert_eq!(names, expected);
        assert_eq!(page.total, expected.len());
    }

    #[test]
    fn nodes_are_filtered_and_ordered() {
        check(
            NodeFilter::default(),
            &["America", "Europe", "France", "New France", "Paris"],
        );
        let levels = NodeFilter {
            levels: vec![1, 3],
            ..NodeFilter::default()
        };
        check(levels, &["America", "Europe", "Paris"]);
        let parents = NodeFilter {
            parents: vec!["1".into(), "2".into()],
            ..NodeFilter::default()
        };
        check(parents, &["France", "Paris"]);
        let ancestors = NodeFilter {
            ancestors: vec!["1".into()],
            ..NodeFilter::default()
        };
        check(ancestors, &["France", "Paris"]);
        let text = NodeFilter {
            text: Some("france".into()),
            ..NodeFilter::default()
        };
        check(text, &["France", "New France"]);
    }

    #[test]
    fn ancestors_stand_from_the_top() {
        let tree = tree();
        let above: Vec<&str> = tree
            .ancestors(tree.node("3").unwrap())
            .iter()
            .map(|node| node.display_name.as_str())
            .collect();
        assert_eq!(above, ["Europe", "France"]);
    }

    #[test]
    fn nodes_have_their_place() {
        let taxonomy = tree().taxonomy;
        for (level, parent, field) in [
            (1, None, None),
            (2, Some(1), None),
            (0, None, Some("level")),
            (4, Some(3), Some("level")),
            (2, None, Some("parentId")),
            (3, Some(1), Some("parentId")),
            (1, Some(1), Some("parentId")),
        ] {
            let found = match taxonomy.check_place(level, parent) {
                Ok(()) => None,
                Err(MetadataError::Invalid { field, .. }) => Some(field),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found.as_deref(), field, "{level} below {parent:?}");
        }
    }
}
