//! Store values → wire structs, for taxonomies. Pure.

use boxwood_api::metadata::taxonomies as wire;
use boxwood_store::metadata::{Taxonomy, TaxonomyLevel, TaxonomyNode, TaxonomyTree};

/// A taxonomy without its nodes.
pub(super) fn taxonomy(taxonomy: &Taxonomy) -> wire::MetadataTaxonomy {
    wire::MetadataTaxonomy {
        id: taxonomy.id.clone(),
        key: taxonomy.key.clone(),
        display_name: taxonomy.display_name.clone(),
        namespace: taxonomy.namespace(),
        levels: levels(taxonomy),
    }
}

/// All levels, numbered from 1.
pub(super) fn levels(taxonomy: &Taxonomy) -> Vec<wire::TaxonomyLevel> {
    (1..)
        .zip(&taxonomy.levels)
        .map(|(number, shown)| level(number, shown))
        .collect()
}

/// One level.
pub(super) fn level(number: u32, level: &TaxonomyLevel) -> wire::TaxonomyLevel {
    wire::TaxonomyLevel {
        display_name: level.display_name.clone(),
        description: level.description.clone(),
        level: number,
    }
}

/// A node with its way from the top.
pub(super) fn node(tree: &TaxonomyTree, node: &TaxonomyNode) -> wire::TaxonomyNode {
    let above = tree.ancestors(node);
    wire::TaxonomyNode {
        id: node.id.clone(),
        display_name: node.display_name.clone(),
        level: node.level,
        parent_id: node.parent.clone(),
        node_path: (!above.is_empty()).then(|| above.iter().map(|node| node.id.clone()).collect()),
        ancestors: (!above.is_empty()).then(|| above.iter().map(|node| ancestor(node)).collect()),
    }
}

fn ancestor(node: &TaxonomyNode) -> wire::TaxonomyAncestor {
    wire::TaxonomyAncestor {
        id: node.id.clone(),
        display_name: node.display_name.clone(),
        level: node.level,
    }
}
