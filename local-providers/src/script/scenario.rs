//! A scenario file as a script: what its model answers in order, and what is heard of what its caller says.

use std::collections::BTreeMap;

use serde_json::Value;
use voice_core::simulation::scenario::{Action, Scenario};

use super::{Fault, FaultRule, Reply, Script, Utterance};
use crate::log::Service;

impl Script {
    /// The script of a call as a scenario describes it. Each request to the model takes the next answer, also one that is
    /// withdrawn; once they are used up there is always the same one.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario) -> Self {
        let mut script = Self::default();
        for (nth, answer) in (1..).zip(&scenario.answers) {
            match answer {
                Some(answer) => script.replies.push(Reply {
                    nth: Some(nth),
                    say: answer.clone(),
                    ..Reply::default()
                }),
                None => {
                    let refusal = Fault::Refuse {
                        status: NEVER_REPEATED,
                        body: Value::Null,
                        headers: BTreeMap::new(),
                    };
                    script
                        .faults
                        .push(FaultRule::nth(Service::Chat, nth, refusal));
                }
            }
        }
        script.replies.push(Reply {
            say: AFTER_THE_LAST.to_owned(),
            ..Reply::default()
        });
        let heard = scenario
            .actions
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Noise { .. } => Some(Utterance::default()),
                Action::Say { words, .. } => Some(Utterance::from(words.as_str())),
                Action::Call | Action::HangUp | Action::Press { .. } => None,
            });
        script.utterances = heard.collect();
        script
    }
}

/// A status after which no client asks again or elsewhere: then the k-th request is the k-th question.
const NEVER_REPEATED: u16 = 400;

/// What a model says that has no more answers: the same as in the scenarios' virtual calls.
const AFTER_THE_LAST: &str = "I see.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_and_noises_are_heard_without_words() {
        let scenario = Scenario::parse(
            "model \"One.\"\nmodel fails\nmodel \"Three.\"\n0 call\n1 say 1.0 \"Hello.\"\n3 noise 0.4\n4 press \"12#\"\n5 say 0.3 \"Bye.\"\n6 hang up\n",
        )
        .expect("a scenario");
        let script = Script::of_scenario(&scenario);
        let replies: Vec<_> = script
            .replies
            .iter()
            .map(|reply| (reply.nth, reply.say.as_str()))
            .collect();
        assert_eq!(
            replies,
            [(Some(1), "One."), (Some(3), "Three."), (None, "I see.")]
        );
        assert!(script.faults[0].strikes(Service::Chat, 2));
        assert!(!script.faults[0].strikes(Service::Chat, 3));
        let heard: Vec<&str> = script
            .utterances
            .iter()
            .map(|utterance| utterance.text.as_str())
            .collect();
        assert_eq!(heard, ["Hello.", "", "Bye."]);
    }
}
