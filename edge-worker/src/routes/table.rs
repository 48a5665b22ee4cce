//! The table of routes, and the one decision whether a request may reach its handler.
//!
//! A row cannot be written without a guard, and the decision is a pure function of the guard, the method and what is known of
//! the request, so that a test can walk every row with every kind of visitor.

use futures_util::future::LocalBoxFuture;
use worker::{Method, Response};

use super::ask::{Ask, Failure};
use crate::auth::Role;

/// What a handler gives: an answer, or why there is none.
pub(crate) type Answer = Result<Response, Failure>;

/// Answers a request that its row has let through.
pub(crate) type Handler = fn(Ask) -> LocalBoxFuture<'static, Answer>;

/// One method of one address.
pub(crate) struct Route {
    pub(super) method: Method,
    /// Segments between slashes. `{name}` stands for any one that is not empty; `*` at the end for all that follow, or none.
    pub(super) path: &'static str,
    pub(super) guard: Guard,
    pub(super) handler: Handler,
}

impl Route {
    pub(crate) const fn new(
        method: Method,
        path: &'static str,
        guard: Guard,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            guard,
            handler,
        }
    }
}

/// Who may pass. Whatever changes something must come from one of our own pages too, except where a route guards itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Whoever has signed in, about themselves: their session and their password.
    Account,
    /// Nobody is asked for a session. The words say why that is right.
    Open(&'static str),
    /// The handler checks something else than a session. The words say what.
    Other(&'static str),
    /// Those who may change things.
    Owner,
    /// A page for whoever has signed in: others are sent to where they can.
    Page,
    /// Whoever has signed in, to look.
    Viewer,
}

impl Guard {
    /// Whether the decision needs to know who asks.
    #[must_use]
    pub const fn wants_visitor(self) -> bool {
        match self {
            Self::Account | Self::Owner | Self::Page | Self::Viewer => true,
            Self::Open(_) | Self::Other(_) => false,
        }
    }
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Whose session came along; none, or one that is over, is nobody's.
    pub(crate) role: Option<Role>,
    /// One of our own pages asks.
    pub(crate) is_same_origin: bool,
    /// A socket is to be opened: a page of another origin could, with the visitor's cookie, and read what it says.
    pub(crate) is_upgrade: bool,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    /// Another origin's page, or a program that does not say whose it is.
    CrossOrigin,
    /// Signed in, but only to look.
    OwnerOnly,
    /// Nobody has signed in.
    SignIn,
}

/// Whether a request may reach the handler of a row with this guard.
pub(crate) fn decide(guard: Guard, method: &Method, facts: Facts) -> Verdict {
    let is_change = !matches!(method, Method::Get | Method::Head);
    let needs_origin = is_change || facts.is_upgrade;
    match (guard, facts.role) {
        (Guard::Other(_), _) => Verdict::Allow,
        _ if needs_origin && !facts.is_same_origin => Verdict::CrossOrigin,
        (Guard::Open(_), _) => Verdict::Allow,
        (_, None) => Verdict::SignIn,
        (_, Some(Role::Owner)) | (Guard::Account, Some(Role::Viewer)) => Verdict::Allow,
        (Guard::Owner, Some(Role::Viewer)) => Verdict::OwnerOnly,
        (Guard::Page | Guard::Viewer, Some(Role::Viewer)) if is_change => Verdict::OwnerOnly,
        (Guard::Page | Guard::Viewer, Some(Role::Viewer)) => Verdict::Allow,
    }
}

/// What the tables hold for a request.
pub(crate) enum Found {
    /// The address is known, but not for this method; those that it is known for, as a header lists them.
    Methods(String),
    Nothing,
    Route {
        route: &'static Route,
        parameters: Vec<(&'static str, String)>,
    },
}

/// Looks a request up. `HEAD` is served by the row for `GET`: the runtime drops the body.
pub(crate) fn find(tables: &[&'static [Route]], method: &Method, path: &str) -> Found {
    let wanted = match method {
        Method::Head => &Method::Get,
        other => other,
    };
    let mut methods: Vec<&str> = Vec::new();
    for route in tables.iter().copied().flatten() {
        let Some(parameters) = parameters(route.path, path) else {
            continue;
        };
        if route.method == *wanted {
            return Found::Route { route, parameters };
        }
        methods.push(route.method.as_ref());
    }
    if methods.is_empty() {
        Found::Nothing
    } else {
        Found::Methods(methods.join(", "))
    }
}

/// Whether a path belongs to a part of the worker that is no file for all, however it is spelt: what is not in a table there does
/// not exist.
pub(crate) fn is_reserved(path: &str) -> bool {
    let plain = percent_decoded(path);
    let mut segments = plain
        .split(['/', '\\'])
        .filter(|segment| !matches!(*segment, "" | "."));
    let first = segments.next().unwrap_or_default().to_ascii_lowercase();
    matches!(first.as_str(), "api" | "calendar" | "dashboard" | "twilio")
        || segments.any(|segment| segment == "..")
}

/// The parts of a path that a pattern leaves open, if the pattern fits.
fn parameters(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut parameters = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        if wanted == "*" {
            return Some(parameters);
        }
        let segment = given.next()?;
        match wanted
            .strip_prefix('{')
            .and_then(|wanted| wanted.strip_suffix('}'))
        {
            Some(_) if segment.is_empty() => return None,
            Some(name) => parameters.push((name, segment.to_owned())),
            None if segment == wanted => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(parameters)
}

fn percent_decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().and_then(|digits| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 16).ok()
        });
        match digits {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &'static str, path: &str) -> Option<Vec<String>> {
        let parameters = parameters(pattern, path)?;
        Some(parameters.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn a_pattern_fits_whole_segments() {
        let none = Some(Vec::new());
        assert_eq!(names("/api/users", "/api/users"), none);
        assert_eq!(names("/api/users", "/api/users/"), None);
        assert_eq!(names("/api/users", "/api/usersx"), None);
        assert_eq!(names("/api/users", "/api"), None);
        assert_eq!(
            names("/api/users/{id}", "/api/users/7f"),
            Some(vec!["7f".to_owned()])
        );
        assert_eq!(names("/api/users/{id}", "/api/users/"), None);
        assert_eq!(names("/api/users/{id}", "/api/users/7f/x"), None);
        assert_eq!(
            names("/api/calls/{id}/turns/{turn}", "/api/calls/a/turns/b"),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(names("/dashboard/*", "/dashboard/"), none);
        assert_eq!(names("/dashboard/*", "/dashboard/a/b.js"), none);
        assert_eq!(names("/dashboard/*", "/dashboards"), None);
        assert_eq!(names("/dashboard", "/dashboard"), none);
    }

    #[test]
    fn what_is_reserved_is_so_in_every_spelling() {
        for path in [
            "/api/x",
            "/api",
            "/dashboard",
            "/dashboard/calls",
            "/DASHBOARD/",
            "/%64ashboard/calls",
            "//dashboard/calls",
            "/./dashboard",
            "/dashboard%2Fcalls",
            "/%2Fdashboard",
            "/\\dashboard",
            "/styles/..%2Fdashboard/calls",
            "/twilio/none",
        ] {
            assert!(is_reserved(path), "{path}");
        }
        for path in [
            "/",
            "/index.html",
            "/styles/api",
            "/apis",
            "/100%",
            "/%zz",
            "/a..b",
            "/%e2%82",
        ] {
            assert!(!is_reserved(path), "{path}");
        }
    }

    #[test]
    fn who_may_do_what() {
        let facts = |role, is_same_origin| Facts {
            role,
            is_same_origin,
            is_upgrade: false,
        };
        let viewer = Some(Role::Viewer);
        let owner = Some(Role::Owner);
        for (guard, method, facts, verdict) in [
            (
                Guard::Open(""),
                Method::Get,
                facts(None, false),
                Verdict::Allow,
            ),
            (
                Guard::Open(""),
                Method::Post,
                facts(None, true),
                Verdict::Allow,
            ),
            (
                Guard::Open(""),
                Method::Post,
                facts(owner, false),
                Verdict::CrossOrigin,
            ),
            (
                Guard::Other(""),
                Method::Post,
                facts(None, false),
                Verdict::Allow,
            ),
            (
                Guard::Viewer,
                Method::Get,
                facts(None, true),
                Verdict::SignIn,
            ),
            (
                Guard::Viewer,
                Method::Head,
                facts(viewer, false),
                Verdict::Allow,
            ),
            (
                Guard::Viewer,
                Method::Put,
                facts(viewer, true),
                Verdict::OwnerOnly,
            ),
            (
                Guard::Owner,
                Method::Get,
                facts(viewer, true),
                Verdict::OwnerOnly,
            ),
            (
                Guard::Owner,
                Method::Get,
                facts(owner, false),
                Verdict::Allow,
            ),
            (
                Guard::Owner,
                Method::Delete,
                facts(owner, true),
                Verdict::Allow,
            ),
            (
                Guard::Owner,
                Method::Delete,
                facts(owner, false),
                Verdict::CrossOrigin,
            ),
            (
                Guard::Account,
                Method::Delete,
                facts(viewer, true),
                Verdict::Allow,
            ),
            (
                Guard::Account,
                Method::Delete,
                facts(viewer, false),
                Verdict::CrossOrigin,
            ),
            (
                Guard::Page,
                Method::Get,
                facts(None, false),
                Verdict::SignIn,
            ),
            (
                Guard::Page,
                Method::Get,
                facts(viewer, false),
                Verdict::Allow,
            ),
        ] {
            assert_eq!(
                decide(guard, &method, facts),
                verdict,
                "{guard:?} {method:?} {facts:?}"
            );
        }
    }

    #[test]
    fn a_socket_is_opened_by_our_own_pages_only() {
        let facts = |is_same_origin| Facts {
            role: Some(Role::Owner),
            is_same_origin,
            is_upgrade: true,
        };
        assert_eq!(
            decide(Guard::Viewer, &Method::Get, facts(false)),
            Verdict::CrossOrigin
        );
        assert_eq!(
            decide(Guard::Viewer, &Method::Get, facts(true)),
            Verdict::Allow
        );
    }
}
