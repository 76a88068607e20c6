//! Long lists of options cut to those that the documents speak of, so that a prompt can hold them.
//!
//! Invariant: options keep their order, and a list that is short enough is left as it is. Called before fields are asked for.

use super::field::{FieldKind, FieldSpec};
use super::ground::Grounds;
use super::taxonomy::TaxonomyChoice;

/// Lists up to this length are not cut.
const LONGEST: usize = 80;
/// What is kept of a longer one.
const KEPT: usize = 60;

/// The field with its options cut.
pub fn shortened(field: &FieldSpec, grounds: &Grounds) -> FieldSpec {
    let kind = match &field.kind {
        FieldKind::Choice { options, multiple } if options.len() > LONGEST => FieldKind::Choice {
            options: kept(options, |option| grounds.familiarity(option)),
            multiple: *multiple,
        },
        FieldKind::Taxonomy(choice) if choice.options.len() > LONGEST => {
            FieldKind::Taxonomy(TaxonomyChoice {
                options: kept(&choice.options, |option| {
                    // The term itself tells more than what it stands under.
                    2.0 * grounds.familiarity(&option.label) + grounds.familiarity(&option.path.join(" "))
                }),
                multiple: choice.multiple,
            })
        }
        FieldKind::Struct(fields) => {
            FieldKind::Struct(fields.iter().map(|field| shortened(field, grounds)).collect())
        }
        FieldKind::Table(fields) => {
            FieldKind::Table(fields.iter().map(|field| shortened(field, grounds)).collect())
        }
        _ => return field.clone(),
    };
    field.clone().of_kind(kind)
}

/// The options of the highest scores, in their own order.
fn kept<T: Clone>(options: &[T], score: impl Fn(&T) -> f32) -> Vec<T> {
    let mut ranked: Vec<(usize, f32)> = options.iter().map(score).enumerate().collect();
    ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
    let mut indices: Vec<usize> = ranked.into_iter().take(KEPT).map(|(index, _)| index).collect();
    indices.sort_unstable();
    indices
        .into_iter()
        .filter_map(|index| options.get(index).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_options_are_kept_in_their_order() {
        let options: Vec<usize> = (0..200).collect();
        let kept = kept(
            &options,
            |option| if *option == 150 || *option == 20 { 1.0 } else { 0.0 },
        );
        assert_eq!(kept.len(), KEPT);
        assert!(kept.contains(&150) && kept.is_sorted());
    }

    #[test]
    fn short_lists_stay() {
        let field = FieldSpec::text("state").of_kind(FieldKind::Choice {
            options: vec!["open".to_owned(), "paid".to_owned()],
            multiple: false,
        });
        assert_eq!(shortened(&field, &Grounds::of(&[])), field);
    }
}
