//! The dashboard's pages are shown to nobody who has not signed in, however their addresses are spelt.

use std::path::Path;

use anyhow::{Context, ensure};
use tests::dashboard::Visitor;
use tests::edge::Edge;
use tests::figures::show;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Desk, MADE_UP};

/// Ways to write the folder of the pages, each before a file's name. Which of them lead there is for the servers to say.
const SPELLINGS: [&str; 19] = [
    "/dashboard/",
    "/%64ashboard/",
    "/%2564ashboard/",
    "//dashboard/",
    "/dashboard//",
    "/dashboard%2F",
    "/dashboard%5C",
    "/dashboard\\",
    "/\\dashboard/",
    "/%2Fdashboard/",
    "/DASHBOARD/",
    "/Dashboard/",
    "/./dashboard/",
    "/dashboard/./",
    "/dashboard/x/../",
    "/styles/../dashboard/",
    "/styles/%2e%2e/dashboard/",
    "/styles/..%2Fdashboard/",
    "/dashboard;x/",
];

/// An answer as it came over the wire.
#[derive(Debug)]
struct Raw {
    status: u16,
    head: String,
    body: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_shown_to_nobody_however_it_is_spelt() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let owner = Visitor::first_owner(&desk.edge).await?;
    let cookie = owner.cookie.as_deref();
    let files = pages()?;
    ensure!(!files.is_empty(), "the dashboard has no files");

    let mut table = Vec::new();
    for (name, text) in &files {
        let mut path = format!("/dashboard/{name}");
        let mut shown = raw(&desk.edge, &path, cookie, "").await?;
        // A page's own address may be another than its file's.
        if let Some(location) = shown.header("location").map(str::to_owned) {
            shown = raw(&desk.edge, &location, cookie, "").await?;
            path = location;
        }
        ensure!(
            shown.status == 200 && shown.body.contains(text.trim()),
            "{path}, signed in: {shown:?}"
        );
        is_kept_by_nobody_else(&desk.edge, &path, cookie, &shown).await?;
        for spelling in SPELLINGS {
            table.push(is_refused(&desk.edge, &format!("{spelling}{name}"), text).await?);
        }
    }
    for spelling in SPELLINGS {
        for name in ["", "calls", "x/y.js"] {
            table.push(is_refused(&desk.edge, &format!("{spelling}{name}"), "<html").await?);
        }
    }
    for path in [
        "/dashboard",
        "/DASHBOARD",
        "/%64ashboard",
        "/api",
        "/api/",
        "/api/none",
        "/%61pi/session",
        "//api/session",
        "/API/session",
        "/calendar",
        "/calendar/none/x",
    ] {
        table.push(is_refused(&desk.edge, path, "<html").await?);
    }
    for line in table {
        show(line);
    }

    let wanted = "/dashboard/calls?from=2026-01-01&x=%22%2F";
    let sent = raw(&desk.edge, wanted, None, "").await?;
    let back = "/sign-in?next=%2Fdashboard%2Fcalls%3Ffrom%3D2026-01-01%26x%3D%2522%252F";
    ensure!(sent.header("location") == Some(back), "{sent:?}");
    Ok(())
}

/// What the dashboard consists of, as it was built: names and texts.
fn pages() -> anyhow::Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/dashboard");
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let name = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
                found.push((name, text));
            }
        }
    }
    Ok(found)
}

/// A browser may keep a page, and is told so again only while its session lives.
async fn is_kept_by_nobody_else(
    edge: &Edge,
    path: &str,
    cookie: Option<&str>,
    shown: &Raw,
) -> anyhow::Result<()> {
    ensure!(
        shown.header("cache-control") == Some("private, no-cache"),
        "{path}: {}",
        shown.head
    );
    let tag = shown.header("etag").context("no tag")?;
    let again = format!("If-None-Match: {tag}\r\n");
    let same = raw(edge, path, cookie, &again).await?;
    ensure!(same.status == 304, "{path}: {same:?}");
    let nobody = raw(edge, path, None, &again).await?;
    ensure!(nobody.status == 303, "{path}: {nobody:?}");
    Ok(())
}

/// Neither without a cookie nor with a made-up one is there an answer with anything of this text, or any answer but that there is none.
async fn is_refused(edge: &Edge, path: &str, text: &str) -> anyhow::Result<String> {
    let mark = text.lines().max_by_key(|line| line.len()).unwrap_or(text);
    let mut told = Vec::new();
    for cookie in [None, Some(MADE_UP)] {
        let answer = raw(edge, path, cookie, "").await?;
        let location = answer.header("location").unwrap_or_default();
        // The file server may send somebody to a file's one right address, where they are asked again.
        let is_no = match answer.status {
            303 => location.starts_with("/sign-in?next=%2Fdashboard"),
            301 | 302 | 307 | 308 => location.starts_with('/'),
            status => (400..500).contains(&status),
        };
        ensure!(
            is_no && !answer.body.contains(mark),
            "{path} with {cookie:?}: {answer:?}"
        );
        told.push(format!("{} {location}", answer.status));
    }
    told.dedup();
    Ok(format!("{path:<44} {}", told.join(" | ")))
}

/// Asks for a path exactly as it is written here: a client's library would tidy it up.
async fn raw(edge: &Edge, path: &str, cookie: Option<&str>, more: &str) -> anyhow::Result<Raw> {
    let host = edge.origin.trim_start_matches("http://");
    let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
    let mut stream = TcpStream::connect(host).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}{more}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok(Raw {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}
