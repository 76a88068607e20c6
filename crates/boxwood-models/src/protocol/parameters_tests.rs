//! Tests of [`super`]: limits, efforts and warnings.

use super::*;
use crate::capability::Family;
use boxwood_core::{ChatMessage, ChatRole};

fn request() -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::new(ChatRole::User, "Which day?")], 6_000)
}

#[test]
fn the_output_limit_fits_model_and_window() {
    let check = |family, wanted, effort, prompt, expected| {
        let mut request = request();
        (request.max_output_tokens, request.effort) = (wanted, effort);
        assert_eq!(
            output_limit(&Capabilities::of_family(family), &request, prompt),
            expected
        );
    };
    check(Family::OSeries, 100, None, 1_000, 100 + 8_192);
    check(Family::OSeries, 99_000, Some(Effort::High), 1_000, 100_000);
    check(Family::OSeries, 6_000, Some(Effort::High), 190_000, 10_000);
    check(Family::Gpt4, 100, Some(Effort::High), 1_000, 100);
    check(Family::Gpt4, u32::MAX, None, 0, 16_384);
    let mut total = request();
    total.total_limit = true;
    let capabilities = Capabilities::of_family(Family::OSeries);
    assert_eq!(output_limit(&capabilities, &total, 1_000), 6_000);
}

#[test]
fn an_effort_that_a_family_lacks_becomes_the_next_higher() {
    let capabilities = Capabilities::of_family(Family::GrokReasoning);
    assert_eq!(sent_effort(&capabilities, Effort::Medium), Some(Effort::High));
    assert_eq!(sent_effort(&capabilities, Effort::Low), Some(Effort::Low));
    let mut request = request();
    request.effort = Some(Effort::Medium);
    assert!(
        warnings(&capabilities, &request)
            .iter()
            .any(|w| w.parameter == "reasoning_effort")
    );
    request.max_output_tokens = 1_000_000;
    assert!(
        warnings(&capabilities, &request)
            .iter()
            .any(|w| w.parameter == "max_output_tokens")
    );
}
