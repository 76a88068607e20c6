//! Taxonomies: trees of terms of which a field may choose, from a CSV file or from the store.
//!
//! A CSV file has one column a level, topmost first, and a header with the levels' names; a row is one path. A cell that
//! is left empty before a filled one repeats the cell above it. Called by the server, which finds the source of a field's
//! taxonomy, and by the steps of extraction.

use std::collections::HashMap;

/// One term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomyNode {
    /// The store's id; `None` for a node of a CSV file.
    pub id: Option<String>,
    /// The term.
    pub name: String,
    /// 1 is the topmost level.
    pub level: u32,
    /// Index of its parent.
    pub parent: Option<usize>,
}

/// A tree of terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taxonomy {
    /// Every node; a parent stands before its children.
    pub nodes: Vec<TaxonomyNode>,
}

/// What a field may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomyChoice {
    /// The nodes that may be chosen, each with a label of its own.
    pub options: Vec<TaxonomyOption>,
    /// Whether several may be chosen.
    pub multiple: bool,
}

/// A node that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxonomyOption {
    /// The term, or the path from the top where another node has the same term.
    pub label: String,
    /// The terms from the top down to this one.
    pub path: Vec<String>,
    /// The store's id.
    pub id: Option<String>,
    /// 1 is the topmost level.
    pub level: u32,
}

/// Why a CSV file is no taxonomy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxonomyError {
    /// No rows below the header.
    #[error("holds no rows below its header; each row is one path, a column a level")]
    Empty,
    /// A row of empty cells before its first term, at the top.
    #[error("row {row} begins with an empty cell, and no row above fills it")]
    NoParent {
        /// 1-based, with the header.
        row: usize,
    },
}

impl Taxonomy {
    /// Of the rows of a CSV file, its header included.
    ///
    /// # Errors
    /// [`TaxonomyError`].
    pub fn from_rows(rows: &[Vec<String>]) -> Result<Self, TaxonomyError> {
        let mut taxonomy = Self::default();
        let mut known: HashMap<(Option<usize>, String), usize> = HashMap::new();
        let mut above: Vec<usize> = Vec::new();
        for (number, row) in rows.iter().enumerate().skip(1) {
            let Some(last) = row.iter().rposition(|cell| !cell.trim().is_empty()) else {
                continue;
            };
            let mut path = Vec::with_capacity(last + 1);
            for (column, cell) in row.iter().take(last + 1).enumerate() {
                let parent = path.last().copied();
                let node = match cell.trim() {
                    "" => *above
                        .get(column)
                        .ok_or(TaxonomyError::NoParent { row: number + 1 })?,
                    name => taxonomy.child(&mut known, parent, name),
                };
                path.push(node);
            }
            above = path;
        }
        match taxonomy.nodes.is_empty() {
            true => Err(TaxonomyError::Empty),
            false => Ok(taxonomy),
        }
    }

    fn child(
        &mut self,
        known: &mut HashMap<(Option<usize>, String), usize>,
        parent: Option<usize>,
        name: &str,
    ) -> usize {
        let next = self.nodes.len();
        let index = *known.entry((parent, name.to_owned())).or_insert(next);
        if index == next {
            let level = parent
                .and_then(|parent| self.nodes.get(parent))
                .map_or(1, |parent| parent.level + 1);
            self.nodes.push(TaxonomyNode {
                id: None,
                name: name.to_owned(),
                level,
                parent,
            });
        }
        index
    }

    /// The deepest level.
    pub fn levels(&self) -> u32 {
        self.nodes.iter().map(|node| node.level).max().unwrap_or(0)
    }

    /// What may be chosen of these levels; of all levels where none is named.
    pub fn choice(&self, selectable_levels: &[u32], multiple: bool) -> TaxonomyChoice {
        let mut options: Vec<TaxonomyOption> = self
            .nodes
            .iter()
            .filter(|node| selectable_levels.is_empty() || selectable_levels.contains(&node.level))
            .map(|node| TaxonomyOption {
                label: node.name.clone(),
                path: self.path(node),
                id: node.id.clone(),
                level: node.level,
            })
            .collect();
        let mut uses: HashMap<String, usize> = HashMap::new();
        for option in &options {
            *uses.entry(option.label.clone()).or_insert(0) += 1;
        }
        for option in &mut options {
            if uses.get(&option.label).is_some_and(|uses| *uses > 1) {
                option.label = option.path.join(" > ");
            }
        }
        TaxonomyChoice { options, multiple }
    }

    fn path(&self, node: &TaxonomyNode) -> Vec<String> {
        let mut path = vec![node.name.clone()];
        let mut parent = node.parent;
        // A stored tree has no circle; the bound holds if it ever had one.
        while let Some(above) = parent
            .and_then(|index| self.nodes.get(index))
            .filter(|_| path.len() < 64)
        {
            path.push(above.name.clone());
            parent = above.parent;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    fn labels(choice: &TaxonomyChoice) -> Vec<&str> {
        choice
            .options
            .iter()
            .map(|option| option.label.as_str())
            .collect()
    }

    #[test]
    fn rows_are_paths_and_empty_cells_repeat_the_cell_above() {
        let table = rows(&[
            &["Area", "Trade"],
            &["Food", "Bakery"],
            &["", "Butcher"],
            &["Building", "Joiner"],
            &["Building", "Mason"],
        ]);
        let taxonomy = Taxonomy::from_rows(&table).unwrap();
        assert_eq!(taxonomy.levels(), 2);
        assert_eq!(
            labels(&taxonomy.choice(&[2], false)),
            ["Bakery", "Butcher", "Joiner", "Mason"]
        );
        assert_eq!(labels(&taxonomy.choice(&[1], false)), ["Food", "Building"]);
        let butcher = &taxonomy.choice(&[], false).options[2];
        assert_eq!(butcher.path, ["Food", "Butcher"]);
    }

    #[test]
    fn a_term_that_stands_twice_is_named_by_its_path() {
        let table = rows(&[
            &["Area", "Kind"],
            &["North", "Other"],
            &["South", "Other"],
            &["South", "Port"],
        ]);
        let choice = Taxonomy::from_rows(&table).unwrap().choice(&[2], true);
        assert_eq!(labels(&choice), ["North > Other", "South > Other", "Port"]);
    }

    #[test]
    fn files_that_are_no_taxonomy() {
        assert_eq!(
            Taxonomy::from_rows(&rows(&[&["Area"]])),
            Err(TaxonomyError::Empty)
        );
        assert_eq!(
            Taxonomy::from_rows(&rows(&[&["Area", "Kind"], &["", "Port"]])),
            Err(TaxonomyError::NoParent { row: 2 })
        );
    }
}
