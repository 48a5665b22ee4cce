//! A request on its way to its handler, with what the table has found out about it, and the reading of its body.

use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use worker::{Env, Request};

use crate::auth::Visitor;
use crate::problem::{FieldError, Problem};
use crate::settings::{Origin, Settings, SettingsError};
use crate::store::database::{Meter, Metered};

/// What a handler is given.
pub(crate) struct Ask {
    pub(crate) request: Request,
    pub(crate) env: Env,
    settings: Result<Settings, SettingsError>,
    parameters: Vec<(&'static str, String)>,
    visitor: Option<Visitor>,
    meter: Meter,
}

/// Why a request gets no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client is told.
    Problem(Problem),
    /// The log is told.
    Runtime(worker::Error),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Runtime(error)
    }
}

/// A request's body, if it has at most `most` bytes; no more than that is ever held.
pub(crate) async fn body_of(request: &mut Request, most: usize) -> worker::Result<Option<Vec<u8>>> {
    let said = request
        .headers()
        .get("Content-Length")?
        .and_then(|length| length.parse::<usize>().ok());
    if said.is_some_and(|length| length > most) {
        return Ok(None);
    }
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(Some(body));
    }
    let mut chunks = request.stream()?;
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

impl Ask {
    pub(super) fn new(
        request: Request,
        env: Env,
        settings: Result<Settings, SettingsError>,
        parameters: Vec<(&'static str, String)>,
    ) -> Self {
        Self {
            request,
            env,
            settings,
            parameters,
            visitor: None,
            meter: Meter::default(),
        }
    }

    /// The settings, or the problem that names what is wrong with them.
    pub(crate) fn settings(&self) -> Result<&Settings, Failure> {
        self.settings
            .as_ref()
            .map_err(|error| Problem::settings(error).into())
    }

    /// The system of record.
    pub(crate) fn db(&self) -> Result<Metered, Failure> {
        Ok(Metered::new(self.env.d1("DB")?, self.meter.clone()))
    }

    /// What the system of record did for this request.
    pub(crate) const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// A part of the path that the route leaves open, as it stands there: not decoded. Empty if the route has no such part.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn admit(&mut self, visitor: Option<Visitor>) {
        self.visitor = visitor;
    }

    /// Who asks. A route whose guard asks for nobody has no visitor.
    pub(crate) fn visitor(&self) -> Result<&Visitor, Failure> {
        self.visitor
            .as_ref()
            .ok_or_else(|| Problem::sign_in_required().into())
    }

    /// The worker's own origin, as this request was addressed.
    pub(crate) fn own_origin(&self) -> Result<Option<Origin>, Failure> {
        let url = self.request.url()?;
        Ok(Origin::parse(&url.origin().ascii_serialization()))
    }

    /// The body, if it has at most `most` bytes.
    pub(crate) async fn body(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let body = body_of(&mut self.request, most).await?;
        body.ok_or_else(|| Problem::too_large(most).into())
    }

    /// The body as a JSON document of at most `most` bytes.
    pub(crate) async fn json(&mut self, most: usize) -> Result<Value, Failure> {
        let kind = self.request.headers().get("Content-Type")?;
        if !kind.as_deref().is_some_and(is_json) {
            return Err(Problem::unsupported_media_type("application/json").into());
        }
        let body = self.body(most).await?;
        serde_json::from_slice(&body)
            .map_err(|_| Problem::bad_request("the body is not JSON").into())
    }

    /// The fields of a body that is a JSON object of at most `most` bytes.
    pub(crate) async fn fields(&mut self, most: usize) -> Result<Fields, Failure> {
        match self.json(most).await? {
            Value::Object(given) => Ok(Fields::new(given)),
            _ => Err(Problem::bad_request("the body is not a JSON object").into()),
        }
    }
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The fields of a form, read one by one; everything wrong with them is found at once.
pub(crate) struct Fields {
    given: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    pub(crate) fn new(given: Map<String, Value>) -> Self {
        Self {
            given,
            errors: Vec::new(),
        }
    }

    /// A text that must be there and be what `parse` takes.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.given.remove(name) {
            None | Some(Value::Null) => {
                self.refuse(name, "is missing");
                None
            }
            Some(value) => self.parsed(name, &value, parse),
        }
    }

    /// A text that may be missing or null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match self.given.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.parsed(name, &value, parse),
        }
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse(&mut self, name: &str, why: &str) {
        self.errors.push(FieldError {
            field: name.to_owned(),
            why: why.to_owned(),
        });
    }

    /// The form, if nothing was wrong with it and `form` has all its parts.
    pub(crate) fn finish<T>(self, form: Option<T>) -> Result<T, Failure> {
        match form {
            Some(form) if self.errors.is_empty() => Ok(form),
            _ => Err(Problem::invalid(self.errors).into()),
        }
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        value: &Value,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match value.as_str().ok_or("must be text").and_then(parse) {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.refuse(name, why);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(given) => Fields::new(given),
            other => panic!("{other}"),
        }
    }

    fn short(text: &str) -> Result<String, &'static str> {
        if text.len() > 3 {
            return Err("is too long");
        }
        Ok(text.to_owned())
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut form = fields(json!({ "a": "long", "b": 7, "d": null }));
        let read = (
            form.required("a", short),
            form.required("b", short),
            form.required("c", short),
            form.optional("d", short),
        );
        assert_eq!(read, (None, None, None, None));
        let Err(Failure::Problem(problem)) = form.finish(Some(())) else {
            panic!("the form is refused");
        };
        let told = serde_json::to_value(problem).unwrap();
        assert_eq!(told["status"], 422);
        assert_eq!(
            told["errors"],
            json!([
                { "field": "a", "why": "is too long" },
                { "field": "b", "why": "must be text" },
                { "field": "c", "why": "is missing" },
            ])
        );
    }

    #[test]
    fn a_good_form_is_read() {
        let mut form = fields(json!({ "a": "abc" }));
        let read = (form.required("a", short), form.optional("b", short));
        assert_eq!(
            form.finish(Some(read)).ok(),
            Some((Some("abc".to_owned()), None))
        );
    }

    #[test]
    fn json_is_told_from_other_kinds() {
        assert!(is_json("application/json") && is_json("Application/JSON; charset=utf-8"));
        for kind in [
            "text/plain",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "",
        ] {
            assert!(!is_json(kind), "{kind}");
        }
    }
}
