//! A vote among answers to one question, by what they state and how well the files support it. Pure.
//!
//! Invariant: the first answer wins unless others that state the same as each other, and something else, are clearly
//! better supported together. Called by [`super`].

use super::statement;

/// How much better supported what others state must be.
const CLEARLY: f32 = 0.15;

/// What speaks for an answer.
#[derive(Debug, Clone)]
pub(super) struct Vote {
    /// As the model wrote it.
    pub text: String,
    /// The answer in it.
    pub draft: String,
    /// Probability that the files support it.
    pub support: f32,
}

/// The votes until now.
pub(super) struct Ballot<'a, T> {
    question: &'a str,
    first: Group<T>,
    others: Vec<Group<T>>,
}

/// Answers that state the same.
struct Group<T> {
    /// The earliest of them.
    vote: Vote,
    answer: T,
    votes: u32,
    /// The sum of all.
    support: f32,
}

impl<T> Group<T> {
    fn new(vote: Vote, answer: T) -> Self {
        Self {
            support: vote.support,
            votes: 1,
            vote,
            answer,
        }
    }

    fn count(&mut self, support: f32) {
        self.votes += 1;
        self.support += support;
    }
}

impl<'a, T> Ballot<'a, T> {
    pub fn new(question: &'a str, vote: Vote, first: T) -> Self {
        Self {
            question,
            first: Group::new(vote, first),
            others: Vec::new(),
        }
    }

    fn groups(&mut self) -> impl Iterator<Item = &mut Group<T>> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// Counts an answer that was given before, word for word; whether it was.
    pub fn repeats(&mut self, text: &str) -> bool {
        let same = self.groups().find(|group| group.vote.text == text);
        same.map(|group| group.count(group.vote.support)).is_some()
    }

    /// Counts an answer in words that were not given before.
    pub fn add(&mut self, vote: Vote, answer: T) {
        let question = self.question;
        let mut groups = self.groups();
        let same = groups.find(|group| statement::agree(question, &group.vote.draft, &vote.draft));
        let counted = same.map(|group| group.count(vote.support)).is_some();
        drop(groups);
        if !counted {
            self.others.push(Group::new(vote, answer));
        }
    }

    /// The answer to give, and how many state the same.
    pub fn decide(self) -> (T, u32) {
        let others = self.others.into_iter();
        let best = others.max_by(|one, other| one.support.total_cmp(&other.support));
        let chosen = match best {
            Some(other) if other.support > self.first.support + CLEARLY => other,
            _ => self.first,
        };
        (chosen.answer, chosen.votes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &str = "How high is the fee of 2019?";

    fn vote(text: &str, support: f32) -> Vote {
        Vote {
            text: text.to_owned(),
            draft: text.to_owned(),
            support,
        }
    }

    /// The number of the answer that is given, and its votes.
    fn decided(votes: &[(&str, f32)]) -> (usize, u32) {
        let mut answers = votes.iter().enumerate();
        let (_, (text, support)) = answers.next().unwrap();
        let mut ballot = Ballot::new(QUESTION, vote(text, *support), 0);
        for (number, (text, support)) in answers {
            if !ballot.repeats(text) {
                ballot.add(vote(text, *support), number);
            }
        }
        ballot.decide()
    }

    #[test]
    fn the_first_answer_stays_in_its_own_words() {
        let sentence = "The fee of 2019 is $ 46.";
        assert_eq!(
            decided(&[("46", 0.6), (sentence, 0.95), (sentence, 0.95)]),
            (0, 3)
        );
        assert_eq!(decided(&[("46", 0.6), ("52", 0.7), ("58", 0.74)]), (0, 1));
        assert_eq!(decided(&[("46", 0.6), ("52", 0.9), ("46", 0.6)]), (0, 2));
    }

    #[test]
    fn what_is_clearly_better_supported_replaces_it() {
        assert_eq!(decided(&[("46", 0.2), ("52", 0.1), ("58", 0.6)]), (2, 1));
        let sentence = "It is 52.";
        assert_eq!(decided(&[("46", 0.6), ("52", 0.5), (sentence, 0.5)]), (1, 2));
    }
}
