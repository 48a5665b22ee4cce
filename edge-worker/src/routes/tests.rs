//! Walks every row of the table with every kind of visitor.

use super::table::decide;
use super::*;
use crate::auth::session::{LIFETIME_MS, Row};
use crate::auth::{Role, Visitor};

const NOW: i64 = 1_795_000_000_000;

/// The rows that need no session. A new one is written here too, by somebody who has thought about it.
const WITHOUT_SESSION: [(&str, &str); 11] = [
    ("GET", "/api/setup"),
    ("GET", "/calendar/{file}"),
    ("GET", "/call"),
    ("GET", "/healthz"),
    ("GET", "/twilio/media"),
    ("OPTIONS", "/api/tickets"),
    ("POST", "/api/session"),
    ("POST", "/api/setup"),
    ("POST", "/api/tickets"),
    ("POST", "/twilio/status"),
    ("POST", "/twilio/voice"),
];

fn rows() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().copied().flatten()
}

fn guarded() -> impl Iterator<Item = &'static Route> {
    rows().filter(|route| route.guard.wants_visitor())
}

fn is_change(route: &Route) -> bool {
    !matches!(route.method, Method::Get | Method::Head)
}

fn visitor(role: Role, expires_at: i64) -> Option<Visitor> {
    let row = Row {
        token_hash: "hash".to_owned(),
        seen_at: NOW,
        expires_at,
        id: "1".to_owned(),
        email: "ann@example.com".to_owned(),
        name: "Ann".to_owned(),
        role,
    };
    row.visitor(NOW)
}

fn verdict(route: &Route, visitor: Option<&Visitor>, is_same_origin: bool) -> Verdict {
    let facts = Facts {
        role: visitor.map(|visitor| visitor.role),
        is_same_origin,
        is_upgrade: false,
    };
    decide(route.guard, &route.method, facts)
}

#[test]
fn rows_without_a_session_are_these() {
    let mut found: Vec<_> = rows()
        .filter(|route| !route.guard.wants_visitor())
        .map(|route| (route.method.as_ref().to_owned(), route.path.to_owned()))
        .collect();
    found.sort();
    let known = WITHOUT_SESSION.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(found, known);
}

#[test]
fn every_other_row_asks_for_a_session() {
    let expired = visitor(Role::Owner, NOW);
    assert!(expired.is_none());
    for route in guarded() {
        for nobody in [None, expired.as_ref()] {
            assert_eq!(
                verdict(route, nobody, true),
                Verdict::SignIn,
                "{:?} {}",
                route.method,
                route.path
            );
        }
        let owner = visitor(Role::Owner, NOW + LIFETIME_MS);
        assert_eq!(verdict(route, owner.as_ref(), true), Verdict::Allow);
    }
}

#[test]
fn a_viewer_changes_nothing_but_their_own_session_and_password() {
    let viewer = visitor(Role::Viewer, NOW + LIFETIME_MS);
    let mut own = Vec::new();
    for route in guarded().filter(|route| is_change(route)) {
        match verdict(route, viewer.as_ref(), true) {
            Verdict::Allow => own.push(route.path),
            refused => assert_eq!(refused, Verdict::OwnerOnly, "{}", route.path),
        }
    }
    own.sort_unstable();
    assert_eq!(own, ["/api/password", "/api/session", "/api/sessions"]);
}

#[test]
fn no_page_of_another_origin_changes_anything() {
    for role in [Role::Owner, Role::Viewer] {
        let visitor = visitor(role, NOW + LIFETIME_MS);
        for route in rows().filter(|route| is_change(route)) {
            if matches!(route.guard, Guard::Other(_)) {
                continue;
            }
            for visitor in [None, visitor.as_ref()] {
                assert_eq!(
                    verdict(route, visitor, false),
                    Verdict::CrossOrigin,
                    "{:?} {}",
                    route.method,
                    route.path
                );
            }
        }
    }
}

#[test]
fn every_row_has_its_own_address_and_reason() {
    let mut seen = std::collections::HashSet::new();
    for route in rows() {
        assert!(
            seen.insert((route.method.clone(), route.path)),
            "{} twice",
            route.path
        );
        if let Guard::Open(why) | Guard::Other(why) = route.guard {
            assert!(why.len() > 10, "{}: {why:?}", route.path);
        }
        // A viewer looks: a row that changes something is an owner's, or about the visitor themself.
        let is_look = matches!(route.guard, Guard::Page | Guard::Viewer);
        assert!(!(is_look && is_change(route)), "{}", route.path);
    }
}

#[test]
fn every_row_is_found_and_every_other_method_is_not() {
    for route in rows() {
        let path: Vec<_> = route
            .path
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    "x"
                } else {
                    segment
                }
            })
            .collect();
        let path = path.join("/");
        let Found::Route { route: found, .. } = table::find(TABLES, &route.method, &path) else {
            panic!("{path} is not found");
        };
        assert_eq!((found.path, &found.method), (route.path, &route.method));
        let Found::Methods(allow) = table::find(TABLES, &Method::Patch, &path) else {
            continue;
        };
        assert!(
            allow
                .split(", ")
                .any(|known| known == route.method.as_ref())
        );
    }
    assert!(matches!(
        table::find(TABLES, &Method::Head, "/healthz"),
        Found::Route { .. }
    ));
    assert!(matches!(
        table::find(TABLES, &Method::Get, "/api/none"),
        Found::Nothing
    ));
}
