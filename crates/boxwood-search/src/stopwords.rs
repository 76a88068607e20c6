//! Words that carry little meaning in a question.
//!
//! They are weighed down, never dropped: a question that has only such words still ranks by them. The lists are short
//! on purpose: within the documents of one question, inverse document frequency does most of the work; what it can't
//! see are question words that happen to be rare in the text.

/// English, then German, French, Spanish, Italian, Portuguese and Dutch; folded, sorted within each row.
const STOP_WORDS: &[&str] = &[
    "a an and any are as at be been being by can could did do does for from had has have how i if in into is it its \
     many me much my no not of on or our shall should so such than that the their them then there these they this \
     those to under was we were what when where which who whom whose why will with would you your tell please name \
     document file say says mention mentioned according describe",
    "aber als am an auf aus bei bis das dass dem den der des die ein eine einem einen einer eines er es fur hat ist \
     im in mit nach nicht oder sich sie sind und von war was welche welcher welches wann wer wie wird wo zu zum zur",
    "au aux avec ce ces cette combien comment dans de des du elle en est et il la le les leur mais ne ou par pas pour \
     quand que quel quelle quelles quels qui quoi sa se ses son sont sur un une",
    "al como con cual cuales cuando cuanto de del donde el ella en entre es esta este la las lo los no para pero por \
     porque que quien se si sin son su sus un una y",
    "che chi come con cosa cui dei del della delle di e gli ha il ne nel nella per quale quali quando quanto sono \
     sulla tra uno",
    "ao aos com da das do dos ele em foi na nas nos o os onde pela pelo qual quais quem sao ser uma",
    "aan bij dat de deze dit een en het hij hoe hun met naar niet om op te uit van voor waar wat wie zijn",
];

/// Whether a folded, lower-case word is in the lists.
pub(crate) fn is_stop_word(word: &str) -> bool {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static WORDS: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| STOP_WORDS.iter().flat_map(|row| row.split_whitespace()).collect());
    word.len() <= 12 && WORDS.contains(word)
}
