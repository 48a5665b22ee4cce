//! What she is for, with real engines: a visitor of the page books by voice, a caller by telephone who wants the same time gets another,
//! and a third call cancels. Each is in the database, in the calendar's feed and in the figures.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use front_desk::business::Business;
use front_desk::hours::TimeOfDay;
use front_desk::{Date, Weekday, zone};
use local_providers::phone::Dial;
use local_providers::speech::Engines;
use local_providers::{Config, Mode, Providers};
use serde_json::{Value, json};
use tests::calendar::{Event, events};
use tests::caller::PATIENCE;
use tests::dashboard::Visitor;
use tests::database::rows;
use tests::edge::Edge;
use tests::figures::show;
use tests::page::{Chrome, Microphone};
use tests::phone::{Phone, dial};
use tests::sound::resample;
use tests::speech::{engines, engines_folder};

/// The rate at which the callers' voice was recorded: spoken at any other, it is higher or lower. They speak evenly, so that each run hears
/// the same.
const RECORDED_AT: u32 = 22_050;

/// In the currency's minor unit.
const PRICE: i64 = 6_500;

/// What the visitor says, and when, in seconds of their microphone: each well after she has answered the one before.
const VISITOR: [(f64, &str); 6] = [
    (9.0, "I'd like a haircut on {day} afternoon."),
    (22.0, "At two thirty, please."),
    (34.0, "My name is David Clark."),
    (
        46.0,
        "My number is two zero two, five five five, zero one four three.",
    ),
    (62.0, "Yes, please."),
    (75.0, "No, thank you. Goodbye."),
];
const VISIT_SECONDS: f64 = 86.0;
/// The time that the visitor asked for, as words and as figures: a recogniser takes either as it likes, and parts figures as it likes.
const TIME_AS_HEARD: [&[&str]; 3] = [&["two", "thirty"], &["2", "30"], &["230"]];
/// When she has told the visitor that it is done, and the last words have not begun.
const BOOKED_BY: f64 = 73.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_books_a_second_caller_gets_another_time_and_a_third_call_cancels()
-> anyhow::Result<()> {
    let engines = engines()?;
    let state = tempfile::tempdir()?;
    let providers = local_providers::start(Config {
        mode: Mode::Speech {
            engines: engines_folder()?,
        },
        log_audio: false,
        ..Config::default()
    })
    .await?;
    let edge = Edge::start_keeping(&providers, state.path()).await?;
    let owner = Visitor::first_owner(&edge).await?;
    let business = salon(&owner).await?;
    let (day, name) = soon(&business)?;
    let at = |time: &str| -> anyhow::Result<i64> {
        let time: TimeOfDay = time.parse()?;
        business
            .zone
            .instant(day, time)
            .context("a time that the clocks leave out")
    };

    visit(engines, &edge, name).await?;
    let made = figures(&owner, 1).await?;
    answers(state.path()).await?;
    ensure!(made == (1, PRICE), "{made:?}");
    let first = bookings(state.path()).await?;
    let [booked] = &first[..] else {
        anyhow::bail!("{first:#?}");
    };
    ensure!(booked["starts_at"] == at("14:30")?, "{booked:#?}");
    ensure!(booked["name"] == "David Clark", "{booked:#?}");
    ensure!(booked["phone"] == "+12025550143", "{booked:#?}");
    let feed = feed(&owner).await?;
    let [event] = &feed[..] else {
        anyhow::bail!("{feed:#?}");
    };
    ensure!(
        event.starts_at == at("14:30")? && event.ends_at == at("15:00")?,
        "{event:?}"
    );
    ensure!(event.summary.contains("David Clark"), "{event:?}");

    let heard = telephone(
        engines,
        &providers,
        &edge,
        "+12025550177",
        &[
            &format!("I'd like a haircut on {name} at two thirty."),
            "At three thirty, please.",
            "It's Robert Brown.",
            "Yes, please.",
            "No, thank you. Goodbye.",
        ],
    )
    .await?;
    let made = figures(&owner, 2).await?;
    let said = answers(state.path()).await?;
    ensure!(made == (2, 2 * PRICE), "{made:?}");
    ensure!(said.contains("not free"), "{said}");
    ensure!(likeness(&said, &heard) > 0.5, "{said}\n{heard}");
    let both = bookings(state.path()).await?;
    let [_, second] = &both[..] else {
        anyhow::bail!("{both:#?}");
    };
    ensure!(second["starts_at"] == at("15:30")?, "{second:#?}");
    ensure!(second["phone"] == "+12025550177", "{second:#?}");

    let heard = telephone(
        engines,
        &providers,
        &edge,
        "+12025550143",
        &[
            "I need to cancel my appointment.",
            "The name is David Clark.",
            "No, thank you. Goodbye.",
        ],
    )
    .await?;
    let stand = figures(&owner, 3).await?;
    let said = answers(state.path()).await?;
    ensure!(stand == (1, PRICE), "{stand:?}");
    ensure!(said.contains("is cancelled"), "{said}");
    ensure!(likeness(&said, &heard) > 0.5, "{said}\n{heard}");
    let after = bookings(state.path()).await?;
    let statuses: Vec<&str> = after
        .iter()
        .filter_map(|booking| booking["status"].as_str())
        .collect();
    ensure!(statuses == ["cancelled", "booked"], "{after:#?}");
    let feed = self::feed(&owner).await?;
    let standing: Vec<&Event> = feed
        .iter()
        .filter(|event| event.status != "CANCELLED")
        .collect();
    ensure!(
        standing.len() == 1 && standing[0].starts_at == at("15:30")?,
        "{feed:#?}"
    );
    Ok(())
}

/// The practice of a new installation, with haircuts.
async fn salon(owner: &Visitor) -> anyhow::Result<Business> {
    let mut settings = owner.get("/api/settings").await?.json();
    let haircut = json!({ "id": "haircut", "name": "haircut", "minutes": 30, "price": PRICE });
    let services = settings["business"]["services"]
        .as_array_mut()
        .context("no services")?;
    services.push(haircut);
    let save = json!({ "version": settings["version"], "business": settings["business"] });
    let saved = owner.put("/api/settings", &save).await?;
    ensure!(saved.status == 200, "{}", saved.text);
    let mut business = Business::demo();
    business.zone = serde_json::from_value(settings["business"]["zone"].take())?;
    Ok(business)
}

/// A day that its name alone means, for callers who call today or after midnight: the next Tuesday, or else Thursday.
fn soon(business: &Business) -> anyhow::Result<(Date, &'static str)> {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .context("a clock before 1970")?;
    let today = business.zone.today(i64::try_from(now.as_millis())?);
    let days = (2..7).map(|ahead| zone::plus_days(today, ahead));
    let named = days.filter_map(|day| match day.weekday() {
        Weekday::Tuesday => Some((day, "Tuesday")),
        Weekday::Thursday => Some((day, "Thursday")),
        _ => None,
    });
    named
        .min_by_key(|(_, name)| *name != "Tuesday")
        .context("five days have one of the two")
}

/// The page in Chromium, the button pressed, and the words into its microphone.
async fn visit(engines: &Engines, edge: &Edge, day: &str) -> anyhow::Result<()> {
    let mut utterances = Vec::new();
    for (at, words) in VISITOR {
        utterances.push((
            at,
            engines.say_evenly(&words.replace("{day}", day), 16_000, 1.0, RECORDED_AT)?,
        ));
    }
    let utterances: Vec<(f64, &[i16])> = utterances
        .iter()
        .map(|(at, sound)| (*at, &sound[..]))
        .collect();
    let microphone = Microphone::make(&utterances, VISIT_SECONDS)?;
    let chrome = Chrome::open_with_ears(&edge.url("/"), microphone.file.path()).await?;
    chrome.press().await?;
    chrome
        .wait_until("the call", "globalThis.ears?.played")
        .await?;
    // Once the call is over, nothing is left that could be listened to.
    tokio::time::sleep(Duration::from_secs_f64(BOOKED_BY)).await;
    let played = chrome.heard().await?.played.to_pcm(16_000);
    let answer = played.len().saturating_sub(10 * 16_000);
    let answer = engines.recognise(played.get(answer..).unwrap_or_default())?;
    show(format_args!("as rendered and recognised: {answer}"));
    chrome
        .wait_until(
            "the end of the call",
            "document.querySelector('voxanne-call').state === 'ended'",
        )
        .await
        .with_context(|| answer.clone())?;
    let captions: String = chrome
        .run("() => document.querySelector('voxanne-call').shadowRoot.querySelector('[part~=captions]').textContent")
        .await?;
    show(format_args!("captions: {captions}"));
    let answer = answer.to_lowercase();
    ensure!(answer.contains("haircut"), "{answer}");
    ensure!(tells_the_time(&answer), "{answer}");
    ensure!(captions.contains("Goodbye"), "{captions}");
    ensure!(chrome.complaints().is_empty(), "{:?}", chrome.complaints());
    chrome.close().await
}

/// Whether half past two is in these words, however the recogniser wrote it.
fn tells_the_time(heard: &str) -> bool {
    let words: Vec<&str> = heard
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let told = |time: &[&str]| words.windows(time.len()).any(|heard| heard == time);
    TIME_AS_HEARD.iter().any(|time| told(time))
}

/// A call from this number: each of these is said once she has answered the one before, the last makes her hang up. Gives what was heard
/// of her answers.
async fn telephone(
    engines: &Engines,
    providers: &Providers,
    edge: &Edge,
    from: &str,
    lines: &[&str],
) -> anyhow::Result<String> {
    let call = Dial {
        from: from.to_owned(),
        ..dial(edge)
    };
    let phone = Phone::call_as(providers, edge, call).await?;
    phone.listened_to(2).await?;
    let mut heard = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let known = phone.states().len();
        let said = phone
            .line
            .say(engines.say_evenly(line, 8_000, 1.0, RECORDED_AT)?);
        if n + 1 == lines.len() {
            phone.over().await?;
        } else {
            phone.heard_out(known).await?;
        }
        let her = phone.her();
        let answer = resample(her.pcm(said.to_ms, her.end_ms()), 8_000, 16_000);
        let answer = engines.recognise(&answer)?;
        show(format_args!("{line} → {answer}"));
        heard.push(answer);
    }
    Ok(heard.join(" "))
}

/// Her answers in the last call, as its record has them.
async fn answers(state: &Path) -> anyhow::Result<String> {
    let turns = rows(
        state,
        "SELECT caller_text, agent_heard FROM turns WHERE turn > ?1 AND call_id = \
         (SELECT id FROM calls ORDER BY started_at DESC LIMIT 1)",
        "0",
    );
    let mut answers = Vec::new();
    for turn in turns.await? {
        show(format_args!(
            "{} → {}",
            turn["caller_text"], turn["agent_heard"]
        ));
        answers.extend(turn["agent_heard"].as_str().map(str::to_owned));
    }
    Ok(answers.join(" "))
}

/// How many of the longer words that she said were heard as such, from 0 to 1: over a telephone a recogniser mistakes some of them.
fn likeness(said: &str, heard: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|letter: char| !letter.is_alphabetic())
            .filter(|word| word.len() > 3)
            .map(str::to_owned)
            .collect()
    };
    let (said, heard) = (words(said), words(heard));
    let known = said.iter().filter(|word| heard.contains(word)).count();
    known as f64 / said.len().max(1) as f64
}

/// Every booking of a call, in the order in which they were made.
async fn bookings(state: &Path) -> anyhow::Result<Vec<Value>> {
    rows(
        state,
        "SELECT starts_at, name, phone, status FROM bookings WHERE service = ?1 ORDER BY made_at",
        "haircut",
    )
    .await
}

async fn feed(owner: &Visitor) -> anyhow::Result<Vec<Event>> {
    let address = owner.get("/api/calendar").await?.json();
    let url = address["url"].as_str().context("no address")?;
    let path = url.find("/calendar/").and_then(|at| url.get(at..));
    let feed = owner.get(path.context("not a feed's address")?).await?;
    events(&feed.text).await
}

/// Waits until the last week has so many calls: each is counted soon after its end. Gives its bookings and revenue.
async fn figures(owner: &Visitor, calls: i64) -> anyhow::Result<(i64, i64)> {
    let counted = async {
        loop {
            let (counted, bookings, revenue) = figures_now(owner).await?;
            if counted == calls {
                return anyhow::Ok((bookings, revenue));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let counted = tokio::time::timeout(PATIENCE, counted).await;
    counted.with_context(|| format!("{calls} calls are not counted"))?
}

async fn figures_now(owner: &Visitor) -> anyhow::Result<(i64, i64, i64)> {
    let metrics = owner.get("/api/metrics").await?.json();
    let figures = &metrics["current"];
    let number = |value: &Value| value.as_i64().context("no figure");
    Ok((
        number(&figures["calls"])?,
        number(&figures["bookings"])?,
        number(&figures["revenue"]["minor"])?,
    ))
}
