//! Telling the page: one callback, one plain object for each event.

use js_sys::{Function, Object, Reflect};
use voice_core::wire::{Outcome, Phase, Speaker};
use wasm_bindgen::JsValue;

use crate::captions::Line;
use crate::failure::Failure;

#[derive(Clone, Debug)]
pub(crate) struct Listener(pub(crate) Function);

impl Listener {
    /// Her state in the words of the element.
    pub(crate) fn state(&self, state: &str) {
        self.tell("state", &[("state", state.into())]);
    }

    pub(crate) fn line(&self, line: &Line) {
        let speaker = match line.speaker {
            Speaker::Agent => "agent",
            Speaker::Caller => "caller",
        };
        self.tell(
            "transcript",
            &[
                ("speaker", speaker.into()),
                ("turn", line.turn.number().into()),
                ("text", line.text.as_str().into()),
                ("cut", line.cut.as_str().into()),
                ("final", line.is_final.into()),
            ],
        );
    }

    pub(crate) fn level(&self, microphone: f64, voice: f64) {
        self.tell(
            "level",
            &[("microphone", microphone.into()), ("voice", voice.into())],
        );
    }

    /// The report of a finished turn, as the edge wrote it.
    pub(crate) fn report(&self, report: &JsValue) {
        self.tell("report", &[("report", report.clone())]);
    }

    pub(crate) fn ended(&self, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Completed => "completed",
            Outcome::Failed => "failed",
            Outcome::HungUp => "hung_up",
            Outcome::Refused => "refused",
            Outcome::Silent => "silent",
            Outcome::TooLong => "too_long",
            Outcome::Transferred => "transferred",
        };
        self.tell("ended", &[("outcome", outcome.into())]);
    }

    pub(crate) fn failed(&self, failure: Failure) {
        self.tell("failed", &[("code", failure.code().into())]);
    }

    fn tell(&self, kind: &str, fields: &[(&str, JsValue)]) {
        let event = object(fields);
        set(&event, "type", &kind.into());
        // A page's callback that throws is the page's affair; the call goes on.
        let _ = self.0.call1(&JsValue::NULL, &event);
    }
}

/// The element's word for the edge's state.
pub(crate) const fn state_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "connecting",
        Phase::Listening | Phase::Interrupted => "listening",
        Phase::Processing => "thinking",
        Phase::Speaking => "speaking",
        Phase::Ended => "ended",
    }
}

pub(crate) fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        set(&object, name, value);
    }
    object
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Setting a field of a plain object cannot fail.
    let _ = Reflect::set(object, &name.into(), value);
}
