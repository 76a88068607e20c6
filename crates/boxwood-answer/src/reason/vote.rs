//! A weighted vote over answers. Pure.
//!
//! Invariant: the more votes an answer gets, the surer it is; an answer that a program and a derivation in words both
//! reach counts more than the same number of votes of one kind.

use super::candidate::Candidate;
use super::prompts::Method;

/// What agreement of a program and words adds.
const BOTH_WAYS: f32 = 1.3;
/// The most that one more vote can weigh.
const MOST_WEIGHT: f32 = 1.0;

/// The votes until now.
#[derive(Debug, Default)]
pub(super) struct Tally {
    groups: Vec<Group>,
    /// Completions that gave an answer.
    pub samples: u32,
}

/// Equal answers.
#[derive(Debug)]
pub(super) struct Group {
    pub candidates: Vec<Candidate>,
}

impl Group {
    /// How much the answer counts.
    pub fn weight(&self) -> f32 {
        let sum: f32 = self.candidates.iter().map(|candidate| candidate.weight).sum();
        if self.has(Method::Program) && (self.has(Method::Prose) || self.has(Method::Direct)) {
            sum * BOTH_WAYS
        } else {
            sum
        }
    }

    /// Votes of completions; the scores of options are none.
    pub fn votes(&self) -> usize {
        let written = self
            .candidates
            .iter()
            .filter(|candidate| candidate.method != Method::Scores);
        written.count()
    }

    fn has(&self, method: Method) -> bool {
        self.candidates.iter().any(|candidate| candidate.method == method)
    }

    /// The answer as it is best written: as words have it, else as the surest program has it.
    pub fn answer(&self) -> &Candidate {
        let rank = |candidate: &&Candidate| {
            let worded = matches!(candidate.method, Method::Prose | Method::Direct);
            (worded, candidate.weight)
        };
        let best = self.candidates.iter().max_by(|one, other| {
            let (one, other) = (rank(one), rank(other));
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        // A group is made with its first candidate.
        best.unwrap_or(&self.candidates[0])
    }

    /// The surest program.
    pub fn program(&self) -> Option<&Candidate> {
        let programs = self
            .candidates
            .iter()
            .filter(|candidate| candidate.program.is_some());
        programs.max_by(|one, other| one.weight.total_cmp(&other.weight))
    }
}

impl Tally {
    /// Takes the answers of one completion.
    pub fn add(&mut self, candidates: Vec<Candidate>) {
        if candidates
            .iter()
            .any(|candidate| candidate.method != Method::Scores)
        {
            self.samples += 1;
        }
        for candidate in candidates {
            match self
                .groups
                .iter_mut()
                .find(|group| group.candidates[0].key == candidate.key)
            {
                Some(group) => group.candidates.push(candidate),
                None => self.groups.push(Group {
                    candidates: vec![candidate],
                }),
            }
        }
        self.groups
            .sort_by(|one, other| other.weight().total_cmp(&one.weight()));
    }

    /// The answers, the best first.
    pub fn ranked(&self) -> &[Group] {
        &self.groups
    }

    /// The answers that a program gave, the best first; all of them where no program gave one.
    pub fn by_programs(&self) -> Vec<&Group> {
        let computed: Vec<&Group> = self
            .groups
            .iter()
            .filter(|group| group.program().is_some())
            .collect();
        match computed.is_empty() {
            true => self.groups.iter().collect(),
            false => computed,
        }
    }

    /// The share of an answer in all weight.
    pub fn agreement(&self, answer: &Group) -> Option<f32> {
        let all: f32 = self.groups.iter().map(Group::weight).sum();
        (all > 0.0).then(|| answer.weight() / all)
    }

    /// Whether enough completions agree, or none of those that are left can change the result.
    pub fn is_decided(&self, enough: usize, left: usize) -> bool {
        let Some(first) = self.groups.first() else {
            return false;
        };
        let second = self.groups.get(1).map_or(0.0, Group::weight);
        let possible = second + left as f32 * MOST_WEIGHT;
        let agreed = first.votes() >= enough && first.weight() >= 2.0 * second;
        // With scores and the first completion of one mind, a second one rarely says something else.
        let scored = first.has(Method::Scores)
            && first.votes() >= enough.saturating_sub(1).max(1)
            && first.weight() >= 3.0 * second;
        agreed || scored || first.weight() > possible * BOTH_WAYS
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::ProgramUsed;
    use super::*;
    use proptest::prelude::*;

    fn candidate(answer: &str, weight: f32, method: Method) -> Candidate {
        Candidate {
            answer: answer.to_owned(),
            key: answer.to_owned(),
            weight,
            method,
            program: None,
        }
    }

    fn tally(votes: &[(&str, f32, Method)]) -> Tally {
        let mut tally = Tally::default();
        for (answer, weight, method) in votes {
            tally.add(vec![candidate(answer, *weight, *method)]);
        }
        tally
    }

    #[test]
    fn agreement_of_both_ways_weighs_more_than_two_of_one() {
        let votes = [
            ("7", 0.8, Method::Program),
            ("12", 0.9, Method::Prose),
            ("7", 0.8, Method::Prose),
            ("12", 0.9, Method::Prose),
        ];
        let tally = tally(&votes);
        assert_eq!(tally.ranked()[0].answer().answer, "7");
        assert_eq!(
            tally.ranked()[0].answer().method,
            Method::Prose,
            "as words have it"
        );
        assert_eq!(tally.samples, 4);
        let share = tally.agreement(&tally.ranked()[0]);
        assert!(share.is_some_and(|share| share > 0.5 && share < 0.6));
    }

    #[test]
    fn words_support_a_program_and_do_not_outvote_it() {
        let mut tally = tally(&[("12", 0.9, Method::Prose), ("12", 0.9, Method::Prose)]);
        assert_eq!(
            tally.by_programs().len(),
            1,
            "words alone are better than nothing"
        );
        let mut computed = candidate("7", 0.5, Method::Program);
        computed.program = Some(ProgramUsed {
            program: "print(7)".to_owned(),
            output: "7".to_owned(),
            values: Vec::new(),
            repaired: false,
        });
        tally.add(vec![computed]);
        assert_eq!(tally.ranked()[0].answer().answer, "12");
        let leading = tally.by_programs();
        assert_eq!(leading[0].answer().answer, "7");
        assert!(tally.agreement(leading[0]).is_some_and(|share| share < 0.3));
    }

    #[test]
    fn a_vote_is_decided_when_enough_agree_or_nothing_can_change_it() {
        let agreed = tally(&[("7", 0.9, Method::Program), ("7", 0.9, Method::Prose)]);
        assert!(agreed.is_decided(2, 1));
        assert!(!agreed.is_decided(4, 6));
        let open = tally(&[("7", 0.9, Method::Program), ("12", 0.9, Method::Prose)]);
        assert!(!open.is_decided(2, 1));
        assert!(!Tally::default().is_decided(1, 0));
        let settled = tally(&[("7", 0.9, Method::Prose); 5]);
        assert!(settled.is_decided(10, 3));
    }

    proptest! {
        #[test]
        fn the_order_of_votes_does_not_matter(
            votes in proptest::collection::vec((0u8..3, 1u8..100, prop::bool::ANY), 1..8),
            seed in 0usize..100,
        ) {
            let cast: Vec<(String, f32, Method)> = votes
                .iter()
                .enumerate()
                .map(|(index, (answer, weight, program))| {
                    let method = if *program { Method::Program } else { Method::Prose };
                    let weight = f32::from(*weight) / 100.0 + index as f32 * 1e-4;
                    (answer.to_string(), weight, method)
                })
                .collect();
            let heaviest = |votes: &[(String, f32, Method)]| {
                let mut tally = Tally::default();
                for (answer, weight, method) in votes {
                    tally.add(vec![candidate(answer, *weight, *method)]);
                }
                tally.ranked()[0].weight()
            };
            let mut turned = cast.clone();
            turned.rotate_left(seed % cast.len());
            prop_assert!((heaviest(&cast) - heaviest(&turned)).abs() < 1e-4);
        }
    }
}
