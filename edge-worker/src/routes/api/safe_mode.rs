//! Safe Mode: whether it is on and why, and the owner's switch.

use serde_json::Value;
use worker::Method;

use super::whose::{Whose, json};
use super::{Answer, Ask, BODY_MAX, Failure, Guard, Route, now};
use crate::problem::{FieldError, Problem};
use crate::warden::{self, Terms};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/safe-mode", Guard::Viewer, |ask| {
        Box::pin(show(ask))
    }),
    Route::new(Method::Put, "/api/safe-mode", Guard::Owner, |ask| {
        Box::pin(switch(ask))
    }),
];

async fn show(ask: Ask) -> Answer {
    // Before it is read: what somebody saves meanwhile is newer.
    let read_at = now();
    let whose = Whose::of(&ask).await?;
    let terms = Terms::of(whose.business(), read_at);
    json(&warden::state(&ask.env, &terms).await?)
}

/// `{on}`
async fn switch(mut ask: Ask) -> Answer {
    let on = read(&ask.json(BODY_MAX).await?)?;
    let read_at = now();
    let whose = Whose::of(&ask).await?;
    let terms = Terms::of(whose.business(), read_at);
    let by = on.then_some(ask.visitor()?.name.as_str());
    let mode = warden::switch(&ask.env, &terms, by).await?;
    let action = if on { "safe_mode.on" } else { "safe_mode.off" };
    whose.note(&ask, action, whose.id()).await?;
    json(&mode)
}

fn read(body: &Value) -> Result<bool, Failure> {
    let Value::Object(given) = body else {
        return Err(Problem::bad_request("the body is not a JSON object").into());
    };
    let why = match given.get("on") {
        Some(Value::Bool(on)) => return Ok(*on),
        None | Some(Value::Null) => "is missing",
        Some(_) => "must be true or false",
    };
    let error = FieldError {
        field: "on".to_owned(),
        why: why.to_owned(),
    };
    Err(Problem::invalid(vec![error]).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_switch_is_on_or_off() {
        for on in [true, false] {
            assert_eq!(read(&json!({ "on": on })).ok(), Some(on));
        }
        for (body, status) in [
            (json!({}), 422),
            (json!({ "on": null }), 422),
            (json!({ "on": "true" }), 422),
            (json!({ "on": 1 }), 422),
            (json!([true]), 400),
            (json!(true), 400),
        ] {
            let refused = read(&body);
            assert!(
                matches!(&refused, Err(Failure::Problem(problem)) if problem.status() == status),
                "{body}: {refused:?}"
            );
        }
    }
}
