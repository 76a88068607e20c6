//! The two checks and their worked examples: our own short passages, half of them with a question that the passage
//! does not answer because a person, place, condition or direction was changed.

use boxwood_core::{ChatMessage, ChatRequest, ChatRole, SharedPrefix};

/// The reply for a supported answer.
pub const YES: &str = "Yes";
/// The reply for an unsupported one.
pub const NO: &str = "No";

/// One instruction with the form of its turns.
#[derive(Debug)]
pub struct Check {
    /// The system message.
    pub instruction: &'static str,
    /// Whether a turn shows a proposed answer.
    pub with_answer: bool,
}

/// Is the proposed answer stated?
pub const ANSWER_CHECK: Check = Check {
    instruction: "You check answers against a passage. Reply Yes only if the passage itself states that the proposed \
                  answer is the answer to exactly this question. If the question changes a person, place, time, number \
                  or condition, reverses the meaning, or asks for something the passage does not tell, reply No.",
    with_answer: true,
};

/// Does the passage hold an answer at all?
pub const QUESTION_CHECK: Check = Check {
    instruction: "You decide whether a passage answers a question. Reply Yes only if the passage itself states the \
                  answer to exactly this question. If the question changes a person, place, time, number or condition, \
                  reverses the meaning, or asks for something the passage does not tell, reply No.",
    with_answer: false,
};

/// One worked example.
#[derive(Debug)]
pub struct Example {
    passage: &'static str,
    question: &'static str,
    answer: &'static str,
    supported: bool,
}

impl Example {
    /// The right reply.
    pub fn verdict(&self) -> &'static str {
        if self.supported { YES } else { NO }
    }
}

impl Check {
    /// The instruction, the worked examples and this turn. The examples are the same for every question, so they are
    /// read once and come from the prefix cache afterwards.
    pub fn request(&self, partition: &str, turn: String) -> ChatRequest {
        let mut messages = vec![ChatMessage::new(ChatRole::System, self.instruction)];
        for example in EXAMPLES {
            messages.push(ChatMessage::new(ChatRole::User, self.turn_of(example)));
            messages.push(ChatMessage::new(ChatRole::Assistant, example.verdict()));
        }
        messages.push(ChatMessage::new(ChatRole::User, turn));
        let mut request = ChatRequest::new(messages, 1);
        request.shared_prefix = Some(SharedPrefix {
            boundary: 0,
            partition: partition.to_owned(),
        });
        request
    }

    /// The example as a turn of this check.
    pub fn turn_of(&self, example: &Example) -> String {
        turn(
            example.passage,
            example.question,
            self.with_answer.then_some(example.answer),
        )
    }
}

/// The turn after which the question itself is scored, as if the model had written it.
pub const ASK_TURN: &str = "\n\nWrite a question that the document answers.";

/// One turn.
pub fn turn(passage: &str, question: &str, answer: Option<&str>) -> String {
    match answer {
        Some(answer) => format!("Passage: {passage}\nQuestion: {question}\nProposed answer: {answer}"),
        None => format!("Passage: {passage}\nQuestion: {question}"),
    }
}

const BRIDGE: &str = "The Harlow bridge was opened in 1931 by the mayor, Edith Crane. It replaced a ferry that had run since 1860.";
const LEASE: &str =
    "Tenants may end the lease with three months' notice. The landlord may not end it before 1 May 2027.";
const REVENUE: &str = "Revenue in the north rose to 4.2 million, while the south fell to 3.1 million. Bakker attributes \
                       the fall to the closure of the Lund plant.";
const COPPER: &str =
    "Copper is used in the coils because it conducts well; silver would conduct better but costs too much.";

/// The worked examples, in an order without a pattern.
pub const EXAMPLES: &[Example] = &[
    Example {
        passage: BRIDGE,
        question: "Who opened the Harlow bridge?",
        answer: "Edith Crane",
        supported: true,
    },
    Example {
        passage: BRIDGE,
        question: "Who designed the Harlow bridge?",
        answer: "Edith Crane",
        supported: false,
    },
    Example {
        passage: LEASE,
        question: "What notice must the landlord give?",
        answer: "three months' notice",
        supported: false,
    },
    Example {
        passage: LEASE,
        question: "From what date can the landlord end the lease?",
        answer: "1 May 2027",
        supported: true,
    },
    Example {
        passage: REVENUE,
        question: "Which plant's opening caused revenue in the south to fall?",
        answer: "the Lund plant",
        supported: false,
    },
    Example {
        passage: REVENUE,
        question: "What was revenue in the south?",
        answer: "3.1 million",
        supported: true,
    },
    Example {
        passage: COPPER,
        question: "Which metal conducts better than copper but was too expensive?",
        answer: "silver",
        supported: true,
    },
    Example {
        passage: COPPER,
        question: "Which metal is never used because it conducts poorly?",
        answer: "silver",
        supported: false,
    },
];
