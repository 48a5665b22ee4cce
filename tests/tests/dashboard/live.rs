//! The socket that tells which calls are on.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tests::caller::{Caller, PATIENCE};
use tests::dashboard::Visitor;
use tests::door::{Door, Guest};
use tests::figures::show;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use voice_core::wire::ClientMessage;

use crate::Office;

/// Nothing of it is for the page.
const SCRIPT: &str = r#"{
    "utterances": ["my secret is xylophone", "it is a zeppelin"],
    "replies": [
        { "when": "xylophone", "say": "A kaleidoscope is better." },
        { "when": "zeppelin", "say": "Then fly." }
    ]
}"#;
const SECRETS: [&str; 7] = [
    "xylophone",
    "zeppelin",
    "kaleidoscope",
    "fly",
    "Voxanne",
    "Hello",
    "secret",
];

/// Pages that may watch one business, as the API's description has it.
const PAGES: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_which_calls_are_on_and_nothing_of_them() -> anyhow::Result<()> {
    let office = Office::open(SCRIPT).await?;
    let viewer = office.owner.viewer().await?;
    who_may_watch(&office, &viewer).await?;
    calls_come_and_go(&office, &viewer).await?;
    what_a_page_says(&office).await?;
    a_hundred_pages(&office).await
}

/// The page's silence after which it is taken for dead, as the API's description has it, and a little.
const DEAD_AFTER: Duration = Duration::from_secs(92);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_which_nothing_is_heard_is_told_nothing_more() -> anyhow::Result<()> {
    let office = Office::open(SCRIPT).await?;
    let (mut alive, _) = Page::watch(&office, &office.owner).await?;
    let (mut dead, _) = Page::watch(&office, &office.owner).await?;
    let end = tokio::time::Instant::now() + DEAD_AFTER;
    while tokio::time::Instant::now() < end {
        alive.say("ping").await?;
        ensure!(matches!(alive.next().await?, Told::Pong), "no pong");
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let caller = Caller::connect(&office.edge).await?;
    let event = alive.event().await?;
    ensure!(event["type"] == "call", "{event}");
    let told = dead.next().await?;
    ensure!(matches!(told, Told::Closed(4000)), "{told:?}");
    caller.leave().await
}

/// A page that watches.
pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// All text frames so far.
    frames: Vec<String>,
}

/// What is told next.
#[derive(Debug)]
enum Told {
    Event(Value),
    Pong,
    Closed(u16),
}

impl Page {
    /// Opens the socket as a page of the worker's own does; the status and code of a refusal.
    pub(crate) async fn open(
        office: &Office,
        visitor: &Visitor,
    ) -> anyhow::Result<Result<Self, (u16, String)>> {
        let address = office.edge.url("/api/live").replacen("http", "ws", 1);
        let mut request = address.into_client_request()?;
        for (name, value) in [("Origin", &visitor.origin), ("Cookie", &visitor.cookie)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse()?);
            }
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Ok(Self {
                socket,
                frames: Vec::new(),
            })),
            Err(SocketError::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let problem: Value = serde_json::from_slice(body).unwrap_or_default();
                let code = problem["code"].as_str().unwrap_or_default().to_owned();
                Ok(Err((response.status().as_u16(), code)))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Opens the socket, which must be let in, and gives the calls of the first frame.
    async fn watch(office: &Office, visitor: &Visitor) -> anyhow::Result<(Self, Vec<Value>)> {
        let opened = Self::open(office, visitor).await?;
        let mut page = opened.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
        let first = page.event().await?;
        ensure!(first["type"] == "snapshot", "{first}");
        let calls = first["calls"].as_array().cloned().context("no calls")?;
        Ok((page, calls))
    }

    async fn say(&mut self, message: impl Into<Message>) -> anyhow::Result<()> {
        Ok(self.socket.send(message.into()).await?)
    }

    async fn next(&mut self) -> anyhow::Result<Told> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next());
        Ok(match next.await.context("nothing is told")? {
            Some(Ok(Message::Text(text))) if text == "pong" => Told::Pong,
            Some(Ok(Message::Pong(_))) => Told::Pong,
            Some(Ok(Message::Text(text))) => {
                self.frames.push(text.to_string());
                Told::Event(serde_json::from_str(&text)?)
            }
            Some(Ok(Message::Close(close))) => {
                Told::Closed(close.map_or(1005, |close| close.code.into()))
            }
            Some(Ok(other)) => bail!("{other:?}"),
            Some(Err(_)) | None => Told::Closed(1006),
        })
    }

    pub(crate) async fn event(&mut self) -> anyhow::Result<Value> {
        match self.next().await? {
            Told::Event(event) => Ok(event),
            other => bail!("{other:?} instead of an event"),
        }
    }

    /// The newest frame.
    pub(crate) fn last(&self) -> Option<&String> {
        self.frames.last()
    }

    /// Events up to one that fits.
    async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Vec<Value>> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await?;
            let last = fits(&event);
            events.push(event);
            if last {
                return Ok(events);
            }
        }
    }
}

async fn who_may_watch(office: &Office, viewer: &Visitor) -> anyhow::Result<()> {
    let plain = office.owner.get("/api/live").await?;
    ensure!(
        plain.status == 426 && plain.code() == "upgrade_required",
        "{}",
        plain.text
    );
    let [mut nobody, mut elsewhere, mut program] = [(); 3].map(|()| viewer.clone());
    nobody.cookie = None;
    elsewhere.origin = Some("https://evil.example".to_owned());
    program.origin = None;
    for (who, status, code) in [
        (nobody, 401, "sign_in_required"),
        (elsewhere, 403, "forbidden_origin"),
        (program, 403, "forbidden_origin"),
    ] {
        let refused = Page::open(office, &who).await?.err();
        ensure!(
            refused == Some((status, code.to_owned())),
            "{code}: {refused:?}"
        );
    }
    Ok(())
}

async fn calls_come_and_go(office: &Office, viewer: &Visitor) -> anyhow::Result<()> {
    let (mut page, calls) = Page::watch(office, viewer).await?;
    let (mut other, _) = Page::watch(office, &office.owner).await?;
    ensure!(calls.is_empty(), "{calls:?}");
    let guest =
        Guest::greeted(Door::Phone, &office.providers, &office.edge, Duration::ZERO).await?;
    let listens =
        |event: &Value| event["state"] == "listening" && event["turns"].as_u64() >= Some(2);
    let mut events = page.until(listens).await?;
    let phone = events[0]["id"].as_str().context("no id")?.to_owned();

    // A page that comes later is told of the call that is on, as the others know it.
    let (mut late, calls) = Page::watch(office, viewer).await?;
    let mut last = events.last().cloned().context("no event")?;
    last.as_object_mut().context("no event")?.remove("type");
    ensure!(calls == [last], "{calls:?}");

    for _ in 0..2 {
        guest.ask(700).await?;
    }
    let mut caller = Caller::connect(&office.edge).await?;
    events.extend(page.until(|event| event["door"] == "browser").await?);
    let browser = events
        .last()
        .and_then(|event| event["id"].as_str())
        .context("no id")?
        .to_owned();
    let (_, calls) = Page::watch(office, viewer).await?;
    let on: Vec<&str> = calls
        .iter()
        .filter_map(|call| call["id"].as_str())
        .collect();
    ensure!(
        on == [phone.as_str(), browser.as_str()],
        "the oldest first: {calls:?}"
    );
    guest.hang_up().await?;
    events.extend(page.until(|event| event["type"] == "gone").await?);
    caller.tell(&ClientMessage::HangUp).await?;
    events.extend(
        page.until(|event| *event == json!({ "type": "gone", "id": browser }))
            .await?,
    );

    a_call_is_told_as_it_goes(&events, &phone, Some("+12025550123"))?;
    a_call_is_told_as_it_goes(&events, &browser, None)?;
    // Everybody was told the same.
    for (page, from) in [(&mut other, 1), (&mut late, 1)] {
        page.until(|event| *event == json!({ "type": "gone", "id": browser }))
            .await?;
        let told = &page.frames[from..];
        let same: Vec<String> = told
            .iter()
            .filter(|frame| !frame.contains("snapshot"))
            .cloned()
            .collect();
        ensure!(!same.is_empty(), "nothing was told");
    }
    ensure!(
        other.frames[1..] == page.frames[1..],
        "two pages were told different things"
    );
    ensure!(
        page.frames.ends_with(&late.frames[1..]),
        "a late page was told something else"
    );
    for frame in page.frames.iter().chain(&other.frames).chain(&late.frames) {
        let secret = SECRETS
            .iter()
            .find(|secret| frame.to_lowercase().contains(&secret.to_lowercase()));
        ensure!(secret.is_none(), "{secret:?} is told: {frame}");
    }
    let (_, calls) = Page::watch(office, viewer).await?;
    ensure!(calls.is_empty(), "{calls:?}");
    Ok(())
}

/// The events of one call: the same call, in states that there are, until it is gone.
fn a_call_is_told_as_it_goes(
    events: &[Value],
    id: &str,
    number: Option<&str>,
) -> anyhow::Result<()> {
    let of_call: Vec<&Value> = events.iter().filter(|event| event["id"] == id).collect();
    let (gone, calls) = of_call.split_last().context("nothing is told")?;
    ensure!(**gone == json!({ "type": "gone", "id": id }), "{gone}");
    let states: Vec<&str> = calls
        .iter()
        .filter_map(|call| call["state"].as_str())
        .collect();
    show(format_args!(
        "{}: {states:?}",
        number.unwrap_or("a browser")
    ));
    let first = if number.is_some() {
        "ringing"
    } else {
        states[0]
    };
    ensure!(states[0] == first, "{states:?}");
    let mut turns = 0;
    for call in calls {
        let keys: BTreeSet<&str> = call
            .as_object()
            .context("no call")?
            .keys()
            .map(String::as_str)
            .collect();
        let known = [
            "type",
            "id",
            "site",
            "door",
            "state",
            "caller",
            "started_at",
            "turns",
        ];
        ensure!(keys == known.into(), "{call}");
        ensure!(
            call["type"] == "call"
                && call["site"] == "demo-dental"
                && call["caller"] == json!(number)
                && call["started_at"] == calls[0]["started_at"],
            "{call}"
        );
        ensure!(
            ["ringing", "listening", "thinking", "speaking"]
                .contains(&call["state"].as_str().unwrap_or_default()),
            "{call}"
        );
        let now = call["turns"].as_u64().context("no turns")?;
        ensure!(now >= turns, "{calls:?}");
        turns = now;
    }
    if number.is_some() {
        for state in ["listening", "thinking", "speaking"] {
            ensure!(states.contains(&state), "never {state}: {states:?}");
        }
    }
    Ok(())
}

async fn what_a_page_says(office: &Office) -> anyhow::Result<()> {
    // A connection is kept open by as many as it likes.
    let (mut page, _) = Page::watch(office, &office.owner).await?;
    for _ in 0..1_000 {
        page.say("ping").await?;
    }
    for n in 0..1_000 {
        let told = page.next().await?;
        ensure!(matches!(told, Told::Pong), "{n}: {told:?}");
    }
    page.say(Message::Ping(b"x".to_vec().into())).await?;
    ensure!(
        matches!(page.next().await?, Told::Pong),
        "no pong of the protocol's"
    );
    for message in [
        Message::text("hello"),
        Message::text("PING"),
        Message::text("ping "),
        Message::text(""),
        Message::text("{\"type\":\"call\"}"),
        Message::binary(b"ping".to_vec()),
        Message::binary(vec![0; 100_000]),
    ] {
        let (mut loud, _) = Page::watch(office, &office.owner).await?;
        let what = format!("{message:.40}");
        loud.say(message).await?;
        let told = loud.next().await?;
        ensure!(matches!(told, Told::Closed(1008)), "{what}: {told:?}");
    }
    let (mut long, _) = Page::watch(office, &office.owner).await?;
    long.say(Message::text("a".repeat(2 << 20))).await?;
    let told = long.next().await?;
    show(format_args!("2 MB from a page: {told:?}"));
    ensure!(matches!(told, Told::Closed(1008 | 1009)), "{told:?}");
    let (mut leaves, _) = Page::watch(office, &office.owner).await?;
    leaves.socket.close(None).await?;
    let told = leaves.next().await?;
    ensure!(matches!(told, Told::Closed(_)), "{told:?}");
    // And whoever kept quiet is told of the next call.
    let mut caller = Caller::connect(&office.edge).await?;
    let event = page.event().await?;
    ensure!(
        event["type"] == "call" && event["door"] == "browser",
        "{event}"
    );
    caller.tell(&ClientMessage::HangUp).await?;
    page.until(|event| event["type"] == "gone").await?;
    Ok(())
}

async fn a_hundred_pages(office: &Office) -> anyhow::Result<()> {
    let mut pages = Vec::new();
    let refused = loop {
        match Page::open(office, &office.owner).await? {
            Ok(page) => pages.push(page),
            Err(refused) => break refused,
        }
        ensure!(pages.len() <= PAGES, "{} pages watch", pages.len());
    };
    show(format_args!(
        "{} pages watch, the next is told {refused:?}",
        pages.len()
    ));
    ensure!(
        refused == (409, "too_many_watchers".to_owned()),
        "{refused:?}"
    );
    // Others may have left without a word shortly before.
    ensure!(pages.len() > PAGES / 2, "only {} pages", pages.len());
    let mut caller = Caller::connect(&office.edge).await?;
    for page in &mut pages {
        let event = page.until(|event| event["type"] == "call").await?;
        ensure!(event.len() == 2, "{event:?}");
    }
    caller.tell(&ClientMessage::HangUp).await?;
    drop(pages);
    // Once the worker knows that they left, there is room.
    let room = async {
        while Page::open(office, &office.owner).await?.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, room)
        .await
        .context("there is no room")?
}
