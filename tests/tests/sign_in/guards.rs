//! Every address that the router knows, asked by everybody who may not use it, and at last by those who may.
//!
//! Which addresses ask for no visitor is listed, with the reasons, in the router's own tests. Every other is asked for here, so that a
//! new one cannot be forgotten.

use anyhow::ensure;
use edge_worker::routes::{Guard, addresses};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tests::dashboard::{Answer, Visitor};
use tests::database::{execute, rows};
use tests::edge::Edge;
use tests::figures::show;

use crate::{MADE_UP, SOCKET, is_in};

/// A request for an address.
struct Asked {
    method: Method,
    path: String,
    guard: Guard,
    is_socket: bool,
}

/// Those whose session does not count.
struct Nobodies {
    all: Vec<Visitor>,
}

/// Where a page is that asks for a change, and how a browser says so.
const ELSEWHERE: [(Option<&str>, Option<&str>); 5] = [
    (Some("https://evil.example"), None),
    (Some("https://evil.example"), Some("same-origin")),
    (Some("null"), None),
    (None, None),
    (None, Some("cross-site")),
];

const OTHER_SITES: [&str; 3] = ["cross-site", "same-site", "none"];

#[tokio::test(flavor = "multi_thread")]
async fn invariant_19_nobody_passes_a_guard_who_may_not() -> anyhow::Result<()> {
    let providers = local_providers::start(local_providers::Config::default()).await?;
    let state = TempDir::new()?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let known = sessions(&edge).await?;
    drop(edge);
    age(&state).await?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let nobodies = Nobodies::new(&edge, &known)?;
    let [_, _, late, owner, viewer] = &known;
    let [late, mut owner, mut viewer] = [
        moved(&edge, late)?,
        moved(&edge, owner)?,
        moved(&edge, viewer)?,
    ];

    let before = stored(&state).await?;
    let asked = asked()?;
    let mut table = Vec::new();
    for asked in &asked {
        table.push([
            nobodies.are_refused(asked).await?,
            viewer_is_refused(&viewer, asked).await?,
            elsewhere_is_refused(&owner, asked).await?,
        ]);
    }
    let after = stored(&state).await?;
    ensure!(before == after, "{before} became {after}");
    // It was the worker that found them to be over: they are still there.
    let over = "SELECT count(*) AS n FROM sessions WHERE address IN ('192.0.2.11', '192.0.2.12') AND ?1 = ''";
    let over = rows(state.path(), over, "").await?;
    ensure!(over[0]["n"] == 2, "{over:?}");
    a_late_session_goes_on(&state, &late).await?;

    other_methods_are_not_known(&asked, &owner).await?;

    show("by whoever has no session, an expired one, an idle one, a made-up one, a broken one;");
    show(
        "by a viewer; by an owner from another origin; as a control by a viewer and an owner who may:",
    );
    let mut controls = 0;
    for (asked, cells) in asked.iter().zip(table) {
        let viewers = asked.allowed(&mut viewer, "viewer@example.com").await?;
        let owners = asked.allowed(&mut owner, "owner@example.com").await?;
        controls += usize::from(owners != "-");
        let [nobody, looking, elsewhere] = cells;
        show(format_args!(
            "{:<40} {nobody:<21} {looking:<6} {elsewhere:<27} {viewers:<6} {owners}",
            asked.to_string()
        ));
    }
    ensure!(controls > 50, "only {controls} addresses have a visitor");
    Ok(())
}

/// Sessions of an owner that are about to be made to look expired, idle and nearly idle, one that stays, and a viewer's.
async fn sessions(edge: &Edge) -> anyhow::Result<[Visitor; 5]> {
    let first = Visitor::first_owner(edge).await?;
    let viewer = first.viewer().await?;
    let mut all = [(); 3].map(|()| first.clone());
    for (number, owner) in (11..).zip(&mut all) {
        owner.cookie = None;
        owner.address = Some(format!("192.0.2.{number}"));
        owner.sign_in("owner@example.com").await?;
    }
    let [expired, idle, late] = all;
    Ok([expired, idle, late, first, viewer])
}

/// Turns the clock forward for them, as the worker's records have it.
async fn age(state: &TempDir) -> anyhow::Result<()> {
    const MINUTE: i64 = 60_000;
    for (change, address) in [
        ("expires_at = created_at", "192.0.2.11"),
        (
            &*format!("seen_at = seen_at - {}", 12 * 60 * MINUTE),
            "192.0.2.12",
        ),
        (
            &*format!("seen_at = seen_at - {}", 11 * 60 * MINUTE),
            "192.0.2.13",
        ),
    ] {
        let statement = format!("UPDATE sessions SET {change} WHERE address = ?1");
        let changed = execute(state.path(), &statement, &[json!([address])]).await?;
        ensure!(changed == 1, "{statement}: {changed} rows");
    }
    Ok(())
}

/// The same browser before the worker that was started anew.
fn moved(edge: &Edge, browser: &Visitor) -> anyhow::Result<Visitor> {
    let mut moved = Visitor::new(edge)?;
    moved.cookie.clone_from(&browser.cookie);
    Ok(moved)
}

/// How much of everything there is that a request could have changed.
async fn stored(state: &TempDir) -> anyhow::Result<String> {
    let tables = [
        "audit", "bookings", "messages", "sessions", "sites", "users",
    ];
    let counts = tables.map(|table| format!("(SELECT count(*) FROM {table}) AS {table}"));
    let query = format!("SELECT {} WHERE ?1 = ''", counts.join(", "));
    let found = rows(state.path(), &query, "").await?;
    Ok(found[0].to_string())
}

/// Eleven hours idle is not over, and being used again is noted.
async fn a_late_session_goes_on(state: &TempDir, late: &Visitor) -> anyhow::Result<()> {
    ensure!(is_in(late).await?, "eleven hours idle is over");
    let query = "SELECT seen_at >= created_at AS noted FROM sessions WHERE address = ?1";
    let noted = rows(state.path(), query, "192.0.2.13").await?;
    ensure!(noted[0]["noted"] == 1, "{noted:?}");
    Ok(())
}

impl Nobodies {
    fn new(edge: &Edge, [expired, idle, ..]: &[Visitor; 5]) -> anyhow::Result<Self> {
        let mut made_up = Visitor::new(edge)?;
        made_up.cookie = Some(MADE_UP.to_owned());
        let mut broken = Visitor::new(edge)?;
        broken.cookie = Some("__Host-voxanne=' OR 1=1 --".to_owned());
        Ok(Self {
            all: vec![
                Visitor::new(edge)?,
                moved(edge, expired)?,
                moved(edge, idle)?,
                made_up,
                broken,
            ],
        })
    }

    /// To sign in: pages by being sent there, programs by being told.
    async fn are_refused(&self, asked: &Asked) -> anyhow::Result<String> {
        if !asked.guard.wants_visitor() {
            return Ok("-".to_owned());
        }
        let mut statuses = Vec::new();
        for nobody in &self.all {
            let answer = asked.by(nobody).await?;
            if asked.guard == Guard::Page {
                let location = answer.header("location");
                ensure!(
                    answer.status == 303 && location.starts_with("/sign-in?next=%2F"),
                    "{asked} with {:?}: {answer:?}",
                    nobody.cookie
                );
            } else {
                asked.is_problem(&answer, 401, "sign_in_required")?;
                ensure!(
                    answer.header("www-authenticate").starts_with("Session "),
                    "{asked}: {answer:?}"
                );
            }
            statuses.push(answer.status.as_str().to_owned());
        }
        Ok(statuses.join(" "))
    }
}

/// What is an owner's is not a viewer's.
async fn viewer_is_refused(viewer: &Visitor, asked: &Asked) -> anyhow::Result<String> {
    if asked.guard != Guard::Owner {
        return Ok("-".to_owned());
    }
    let answer = asked.by(viewer).await?;
    asked.is_problem(&answer, 403, "owner_only")?;
    Ok(answer.status.as_str().to_owned())
}

/// Whoever changes something or opens a socket does so from one of the worker's own pages, even an owner.
async fn elsewhere_is_refused(owner: &Visitor, asked: &Asked) -> anyhow::Result<String> {
    if !asked.needs_origin() {
        return Ok("-".to_owned());
    }
    let own = owner.origin.as_deref();
    let cases = ELSEWHERE
        .into_iter()
        .chain(OTHER_SITES.map(|site| (own, Some(site))));
    let mut statuses = Vec::new();
    for (origin, site) in cases {
        let mut page = owner.clone();
        page.origin = origin.map(str::to_owned);
        let site = site.map(|site| ("Sec-Fetch-Site", site));
        let answer = asked.with(&page, site.as_slice()).await?;
        asked
            .is_problem(&answer, 403, "forbidden_origin")
            .map_err(|error| error.context(format!("from {origin:?}, {site:?}")))?;
        statuses.push(answer.status.as_str().to_owned());
    }
    statuses.dedup();
    Ok(format!(
        "{} from {}",
        statuses.join(" "),
        ELSEWHERE.len() + OTHER_SITES.len()
    ))
}

/// What no row of the table names is refused, and no other origin's page is told that it may ask: only the door for callers says that.
async fn other_methods_are_not_known(all: &[Asked], owner: &Visitor) -> anyhow::Result<()> {
    let mut page = owner.clone();
    page.origin = Some("https://evil.example".to_owned());
    let preflight = [
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ];
    for asked in all {
        for method in [Method::PATCH, Method::OPTIONS] {
            if all
                .iter()
                .any(|other| other.method == method && other.path == asked.path)
            {
                continue;
            }
            let answer = page
                .ask(method.clone(), &asked.path, None, &preflight)
                .await?;
            ensure!(
                answer.status == 405
                    && answer
                        .header("allow")
                        .contains(asked.method.as_str().replace("HEAD", "GET").as_str())
                    && answer.header("access-control-allow-origin").is_empty(),
                "{method} {}: {answer:?}",
                asked.path
            );
        }
    }
    Ok(())
}

/// Every address there is, as it is asked for: what is read also by `HEAD`, and as a socket.
fn asked() -> anyhow::Result<Vec<Asked>> {
    let mut all = Vec::new();
    for address in addresses() {
        let segments = address.path.split('/').map(|segment| match segment {
            "*" => "calls",
            open if open.starts_with('{') => "x",
            segment => segment,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let method = Method::from_bytes(address.method.as_bytes())?;
        let mut ways = vec![(method.clone(), false)];
        if method == Method::GET && address.guard.wants_visitor() {
            ways.extend([(Method::HEAD, false), (method, true)]);
        }
        all.extend(ways.into_iter().map(|(method, is_socket)| Asked {
            method,
            path: path.clone(),
            guard: address.guard,
            is_socket,
        }));
    }
    Ok(all)
}

impl Asked {
    fn is_change(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Others guard themselves: the call's door and the telephone have tests of their own.
    fn needs_origin(&self) -> bool {
        (self.is_change() || self.is_socket) && !matches!(self.guard, Guard::Other(_))
    }

    async fn by(&self, visitor: &Visitor) -> anyhow::Result<Answer> {
        self.with(visitor, &[]).await
    }

    async fn with(&self, visitor: &Visitor, more: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let body = self.is_change().then(|| "{}".to_owned());
        let socket: &[_] = if self.is_socket { &SOCKET } else { &[] };
        let headers = [socket, more].concat();
        let answer = visitor
            .ask(self.method.clone(), &self.path, body, &headers)
            .await?;
        ensure!(
            answer.header("access-control-allow-origin").is_empty(),
            "{self}: another origin may read {answer:?}"
        );
        Ok(answer)
    }

    /// The answer is this problem document, and for no cache.
    fn is_problem(&self, answer: &Answer, status: u16, code: &str) -> anyhow::Result<()> {
        let says = self.method == Method::HEAD || answer.code() == code;
        ensure!(
            answer.status == status
                && says
                && answer.header("content-type") == "application/problem+json"
                && answer.header("set-cookie").is_empty(),
            "{self} should be {status} {code}: {answer:?}"
        );
        Ok(())
    }

    /// Somebody who may is not turned away. They sign in again when the last address ended their session.
    async fn allowed(&self, visitor: &mut Visitor, email: &str) -> anyhow::Result<String> {
        let is_theirs = self.guard.wants_visitor()
            && (self.guard != Guard::Owner || email.starts_with("owner"));
        if !is_theirs {
            return Ok("-".to_owned());
        }
        if !is_in(visitor).await? {
            visitor.sign_in(email).await?;
        }
        let answer = self.by(visitor).await?;
        let status = answer.status;
        ensure!(
            status != 401 && status != 403 && status != 303 && status.as_u16() < 500,
            "{self} by {email}: {answer:?}"
        );
        Ok(status.as_str().to_owned())
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = if self.is_socket {
            "socket"
        } else {
            self.method.as_str()
        };
        write!(f, "{way:<8}{}", self.path)
    }
}
