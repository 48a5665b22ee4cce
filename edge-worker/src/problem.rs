//! Errors as problem documents (RFC 9457). `code` is for programs and does not change; `detail` is for whoever reads a log or a console. The
//! type is `about:blank`: the status says what kind of problem it is, and `code` which one.

use std::borrow::Cow;

use serde::Serialize;
use worker::{Response, ResponseBuilder};

use crate::settings::SettingsError;
use crate::ticket::TicketError;

const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    /// What is wrong with each field of a form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// A header that HTTP demands beside this status.
    #[serde(skip)]
    header: Option<Box<Header>>,
}

type Header = (&'static str, Cow<'static, str>);

/// One field of a form that is not accepted. `why` goes on from the field's name: "is missing".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    pub field: String,
    pub why: String,
}

impl Problem {
    fn new(
        status: u16,
        title: &'static str,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: "about:blank",
            title,
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            header: None,
        }
    }

    /// The request cannot be read, or lacks something.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "Bad Request", "bad_request", detail)
    }

    /// The ticket is not accepted.
    #[must_use]
    pub fn ticket(error: TicketError) -> Self {
        let code = match error {
            TicketError::Expired => "ticket_expired",
            TicketError::Forged => "ticket_forged",
            TicketError::Malformed => "ticket_malformed",
            TicketError::WrongOrigin => return Self::forbidden_origin(),
        };
        let problem = Self::new(401, "Unauthorized", code, error.to_string());
        Self {
            header: header("WWW-Authenticate", r#"Ticket realm="call""#),
            ..problem
        }
    }

    /// The page may not do this from where it is.
    #[must_use]
    pub fn forbidden_origin() -> Self {
        Self::new(
            403,
            "Forbidden",
            "forbidden_origin",
            "pages of this origin may not open calls here",
        )
    }

    /// Nobody has signed in, or not any more.
    #[must_use]
    pub fn sign_in_required() -> Self {
        Self::unauthorized("sign_in_required", "sign in first")
    }

    /// The e-mail address and the password do not go together. Says nothing of which of the two is wrong.
    #[must_use]
    pub fn wrong_password() -> Self {
        Self::unauthorized(
            "wrong_password",
            "the e-mail address or the password is wrong",
        )
    }

    fn unauthorized(code: &'static str, detail: &'static str) -> Self {
        let problem = Self::new(401, "Unauthorized", code, detail);
        Self {
            header: header("WWW-Authenticate", r#"Session realm="dashboard""#),
            ..problem
        }
    }

    /// A page of another origin, or a program that does not name one, asks for a change.
    #[must_use]
    pub fn cross_origin() -> Self {
        Self::new(
            403,
            "Forbidden",
            "forbidden_origin",
            "only this worker's own pages may do that",
        )
    }

    /// Signed in, but only to look.
    #[must_use]
    pub fn owner_only() -> Self {
        Self::new(403, "Forbidden", "owner_only", "only an owner may do that")
    }

    /// It contradicts what there is. `code` says what.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(409, "Conflict", code, detail)
    }

    /// Fields of a form are not accepted.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let problem = Self::new(
            422,
            "Unprocessable Content",
            "invalid",
            "fields are missing or cannot be accepted",
        );
        Self { errors, ..problem }
    }

    /// Too many guesses; another may be made after this many seconds.
    #[must_use]
    pub fn too_many_attempts(seconds: u64) -> Self {
        let problem = Self::new(
            429,
            "Too Many Requests",
            "too_many_attempts",
            format!("too many attempts: try again in {seconds} s"),
        );
        Self {
            header: header("Retry-After", seconds.to_string()),
            ..problem
        }
    }

    /// The telephone company's signature is missing, or was not made for this request.
    #[must_use]
    pub fn bad_signature() -> Self {
        Self::new(
            403,
            "Forbidden",
            "bad_signature",
            "the request is not signed with this account's token for the address where the worker is reached",
        )
    }

    /// The telephone company tells of an account that is not the worker's.
    #[must_use]
    pub fn foreign_account() -> Self {
        Self::new(
            403,
            "Forbidden",
            "foreign_account",
            "the worker answers the calls of another account",
        )
    }

    /// There is nothing at this address.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            404,
            "Not Found",
            "not_found",
            "there is nothing at this address",
        )
    }

    /// The address exists, but not for this method. `allow` is the list of those that do.
    #[must_use]
    pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Self {
        let allow = allow.into();
        let problem = Self::new(
            405,
            "Method Not Allowed",
            "method_not_allowed",
            format!("use {allow}"),
        );
        Self {
            header: header("Allow", allow),
            ..problem
        }
    }

    /// The ticket has opened its call already.
    #[must_use]
    pub fn used_ticket() -> Self {
        Self::new(
            409,
            "Conflict",
            "ticket_used",
            "the ticket has been used: every call needs its own",
        )
    }

    /// The body is larger than this many bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "Content Too Large",
            "too_large",
            format!("the body may have at most {limit} bytes"),
        )
    }

    /// The body is of another kind than `expected`.
    #[must_use]
    pub fn unsupported_media_type(expected: &'static str) -> Self {
        let problem = Self::new(
            415,
            "Unsupported Media Type",
            "unsupported_media_type",
            format!("the body must be {expected}"),
        );
        Self {
            header: header("Accept-Post", expected),
            ..problem
        }
    }

    /// The address opens a socket and was asked for a document.
    #[must_use]
    pub fn upgrade_required() -> Self {
        let problem = Self::new(
            426,
            "Upgrade Required",
            "upgrade_required",
            "this address opens a WebSocket",
        );
        Self {
            header: header("Upgrade", "websocket"),
            ..problem
        }
    }

    /// Something broke that the client cannot help. What it was is in the log, not here.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            500,
            "Internal Server Error",
            "internal",
            "something went wrong here; it has been logged",
        )
    }

    /// The worker cannot serve before its settings are put right. Names them; knows no values.
    #[must_use]
    pub fn settings(error: &SettingsError) -> Self {
        Self::new(503, "Service Unavailable", "settings", error.to_string())
    }

    /// The worker has no account with a telephone company.
    #[must_use]
    pub fn no_telephone() -> Self {
        Self::new(
            503,
            "Service Unavailable",
            "settings",
            "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are missing: expected both, for telephone calls",
        )
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// What kind of problem it is, for programs and logs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The answer. It is never stored: the same request may be served a moment later.
    pub fn into_response(self) -> worker::Result<Response> {
        let mut response = ResponseBuilder::new()
            .with_status(self.status)
            .with_header("Content-Type", CONTENT_TYPE)?
            .with_header("Cache-Control", "no-store")?
            .with_header("X-Content-Type-Options", "nosniff")?;
        if let Some((name, value)) = self.header.as_deref() {
            response = response.with_header(name, value)?;
        }
        Ok(response.fixed(serde_json::to_vec(&self)?))
    }
}

fn header(name: &'static str, value: impl Into<Cow<'static, str>>) -> Option<Box<Header>> {
    Some(Box::new((name, value.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_document_has_the_standard_members() {
        assert_eq!(
            serde_json::to_value(Problem::method_not_allowed("GET, HEAD")).unwrap(),
            json!({
                "type": "about:blank",
                "title": "Method Not Allowed",
                "status": 405,
                "code": "method_not_allowed",
                "detail": "use GET, HEAD",
            })
        );
    }

    #[test]
    fn http_demands_some_headers() {
        assert_eq!(
            Problem::method_not_allowed("POST").header,
            header("Allow", "POST")
        );
        assert_eq!(
            Problem::upgrade_required().header,
            header("Upgrade", "websocket")
        );
        let unauthorized = Problem::ticket(TicketError::Expired);
        assert_eq!(unauthorized.status(), 401);
        assert_eq!(
            unauthorized.header.map(|header| header.0),
            Some("WWW-Authenticate")
        );
    }

    #[test]
    fn a_refused_form_names_its_fields() {
        let problem = Problem::invalid(vec![FieldError {
            field: "email".to_owned(),
            why: "is missing".to_owned(),
        }]);
        let told = serde_json::to_value(problem).unwrap();
        assert_eq!(told["code"], "invalid");
        assert_eq!(
            told["errors"],
            json!([{ "field": "email", "why": "is missing" }])
        );
    }

    #[test]
    fn whoever_guesses_too_often_is_told_when_to_come_back() {
        let problem = Problem::too_many_attempts(8);
        assert_eq!(problem.status(), 429);
        assert_eq!(problem.header, header("Retry-After", "8"));
    }

    #[test]
    fn each_refusal_of_a_telephone_request_has_its_code() {
        for (problem, status, code) in [
            (Problem::bad_signature(), 403, "bad_signature"),
            (Problem::foreign_account(), 403, "foreign_account"),
            (
                Problem::unsupported_media_type("text/plain"),
                415,
                "unsupported_media_type",
            ),
            (Problem::no_telephone(), 503, "settings"),
        ] {
            assert_eq!((problem.status, problem.code), (status, code));
        }
        let detail = Problem::no_telephone().detail;
        assert!(
            detail.contains("TWILIO_ACCOUNT_SID") && detail.contains("TWILIO_AUTH_TOKEN"),
            "{detail}"
        );
    }

    #[test]
    fn each_ticket_error_has_its_code() {
        for (error, status, code) in [
            (TicketError::Expired, 401, "ticket_expired"),
            (TicketError::Forged, 401, "ticket_forged"),
            (TicketError::Malformed, 401, "ticket_malformed"),
            (TicketError::WrongOrigin, 403, "forbidden_origin"),
        ] {
            let problem = Problem::ticket(error);
            assert_eq!((problem.status, problem.code), (status, code));
        }
    }

    #[test]
    fn missing_settings_are_named() {
        let error = Settings::from_lookup(|_| None).unwrap_err();
        let problem = Problem::settings(&error);
        assert_eq!(problem.status(), 503);
        assert!(
            problem.detail.contains("DEEPGRAM_API_KEY is missing"),
            "{}",
            problem.detail
        );
        assert!(
            problem.detail.contains("GROQ_API_KEY is missing"),
            "{}",
            problem.detail
        );
    }
}
