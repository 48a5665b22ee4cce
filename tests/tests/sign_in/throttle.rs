//! Guessing is slow: by the account that is tried, whether there is one or not, and by the address that it comes from.
//!
//! A guess that was looked at costs a hash and is answered 401; one that was not is answered 429 at once. Waits double from one second. No
//! test here depends on how long anything takes: what a wait lets through is worked out from the time that passed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures_util::future::try_join_all;
use local_providers::Config;
use reqwest::Method;
use serde_json::{Value, json};
use tests::caller::PATIENCE;
use tests::dashboard::{Answer, PASSWORD, Visitor};
use tests::edge::{Edge, SETUP_CODE};
use tests::figures::{Figure, show};
use tokio::time::Instant;

use crate::is_in;

/// How often somebody may be wrong before the waiting begins.
const FREE_OF_ACCOUNT: u32 = 5;
const FREE_OF_ADDRESS: u32 = 20;

/// The longest wait in seconds.
const LONGEST_WAIT: u64 = 15 * 60;

/// How many guess at once.
const CROWD: u32 = 100;

struct Stage {
    edge: Edge,
    owner: Visitor,
}

impl Stage {
    async fn sign_in(&self, email: &str, password: &str, address: &str) -> anyhow::Result<Answer> {
        let form = json!({ "email": email, "password": password });
        self.at(address, None).post("/api/session", &form).await
    }

    /// A browser at an address, with or without a session.
    fn at(&self, address: &str, cookie: Option<String>) -> Visitor {
        let mut browser = self.owner.clone();
        browser.cookie = cookie;
        browser.address = Some(address.to_owned());
        browser
    }

    /// Guesses until it must wait; gives what was answered to those that were looked at, and to the one that was not.
    async fn until_slowed(
        &self,
        email: impl Fn(u32) -> String,
        address: &str,
    ) -> anyhow::Result<(Vec<Answer>, Answer)> {
        let mut looked_at = Vec::new();
        for number in 0..30 {
            let guess = format!("guess number {number}");
            let answer = self.sign_in(&email(number), &guess, address).await?;
            if answer.status == 429 {
                waits(&answer)?;
                return Ok((looked_at, answer));
            }
            ensure!(answer.code() == "wrong_password", "{answer:?}");
            looked_at.push(answer);
        }
        bail!("30 guesses one after the other, and all were looked at")
    }

    async fn add(&self, email: &str, password: Option<&str>) -> anyhow::Result<String> {
        let form =
            json!({ "email": email, "name": "Somebody", "role": "viewer", "password": password });
        let added = self.owner.post("/api/users", &form).await?;
        ensure!(added.status == 201, "{added:?}");
        let id = added.json()["id"].as_str().map(str::to_owned);
        id.context("no id")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slow_by_account_and_by_address() -> anyhow::Result<()> {
    let providers = local_providers::start(Config::default()).await?;
    // Where there is a team, an account need not have a password. Nobody asks this one's server for anything.
    let team = [
        ("ACCESS_TEAM_DOMAIN", "team.invalid"),
        ("ACCESS_AUD", "a1b2"),
    ];
    let edge = Edge::start_with_more(&providers, &team).await?;
    the_set_up_code_is_not_to_be_guessed(&edge).await?;
    let stage = Stage {
        owner: Visitor::first_owner(&edge).await?,
        edge,
    };
    which_accounts_exist_does_not_show(&stage).await?;
    the_right_password_waits_too(&stage).await?;
    an_address_is_slowed_whatever_it_tries(&stage).await?;
    waiting_for_an_account_does_not_slow_an_address(&stage).await?;
    guesses_at_once_count_as_many_as_they_are(&stage).await?;
    an_open_browser_is_no_place_to_guess(&stage).await
}

/// How many guesses may have been looked at: the free ones, and one for each wait that can have passed. The clock that counts is the
/// worker's, so one more.
fn at_most(free: u32, passed: Duration) -> u32 {
    let waits = (passed.as_secs_f64() + 1.0).log2().floor();
    free + waits as u32 + 1
}

/// The answer tells when to come again.
fn waits(answer: &Answer) -> anyhow::Result<()> {
    let seconds: u64 = answer.header("retry-after").parse()?;
    ensure!(
        answer.status == 429
            && answer.code() == "too_many_attempts"
            && (1..=LONGEST_WAIT).contains(&seconds),
        "{answer:?}"
    );
    Ok(())
}

/// What an answer shows to whoever guesses, but for the numbers in it.
fn shown(answer: &Answer) -> String {
    let headers: BTreeMap<&str, &str> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    let all = format!("{} {headers:?} {}", answer.status, answer.text);
    let digit = |c: char| if c.is_ascii_digit() { '#' } else { c };
    all.chars().map(digit).collect()
}

async fn which_accounts_exist_does_not_show(stage: &Stage) -> anyhow::Result<()> {
    stage.add("known@example.com", Some(PASSWORD)).await?;
    let removed = stage.add("removed@example.com", Some(PASSWORD)).await?;
    let path = format!("/api/users/{removed}");
    ensure!(stage.owner.delete(&path).await?.status == 204, "removed");
    stage.add("access@example.com", None).await?;

    let mut all = Vec::new();
    for (number, name) in (1..).zip(["known", "unknown", "removed", "access"]) {
        let email = format!("{name}@example.com");
        let address = format!("203.0.113.{number}");
        let (looked_at, slowed) = stage.until_slowed(|_| email.clone(), &address).await?;
        ensure!(
            looked_at.len() >= FREE_OF_ACCOUNT as usize,
            "{name}: slowed after {}",
            looked_at.len()
        );
        show(format_args!(
            "{name:<8} account: {} guesses looked at, then 429 with Retry-After {}",
            looked_at.len(),
            slowed.header("retry-after")
        ));
        let mut answers: Vec<String> = looked_at.iter().map(shown).collect();
        answers.dedup();
        answers.push(shown(&slowed));
        all.push(answers);
    }
    all.dedup();
    ensure!(all.len() == 1, "accounts can be told apart: {all:#?}");

    // Nor does the time tell, which is for whoever reads the figures.
    let mut times = BTreeMap::from([("an account", Vec::new()), ("no account", Vec::new())]);
    for round in 0..4 {
        stage
            .add(&format!("timed-{round}@example.com"), Some(PASSWORD))
            .await?;
        for try_ in 0..4 {
            let address = format!("203.0.113.{}", 20 + round * 4 + try_);
            for (kind, name) in [("an account", "timed"), ("no account", "nobody")] {
                let email = format!("{name}-{round}@example.com");
                let began = Instant::now();
                let answer = stage.sign_in(&email, "not it at all", &address).await?;
                ensure!(answer.code() == "wrong_password", "{answer:?}");
                let took = began.elapsed().as_secs_f64() * 1_000.0;
                times.entry(kind).or_default().push(took);
            }
        }
    }
    for (kind, times) in times {
        show(Figure::of(
            &format!("ms to refuse a guess at {kind}"),
            times,
        ));
    }
    Ok(())
}

/// While an account waits, the right password is refused like any other, wherever it comes from: somebody who guesses can keep its user from
/// signing in anew, up to a quarter of an hour at a time, and not from going on where they have signed in.
async fn the_right_password_waits_too(stage: &Stage) -> anyhow::Result<()> {
    let email = "waits@example.com";
    stage.add(email, Some(PASSWORD)).await?;
    let before = stage.sign_in(email, PASSWORD, "203.0.113.50").await?;
    let before = stage.at("203.0.113.50", before.cookie());
    // A slow machine may let the wait pass before the right password is tried.
    let mut refused = None;
    for _ in 0..5 {
        stage
            .until_slowed(|_| email.to_owned(), "203.0.113.51")
            .await?;
        let right = stage.sign_in(email, PASSWORD, "203.0.113.52").await?;
        if right.status == 429 {
            refused = Some(right);
            break;
        }
    }
    waits(&refused.context("the right password is not made to wait")?)?;
    ensure!(is_in(&before).await?, "a session that lives was touched");

    // Asking too early does not lengthen the wait.
    let mut asked = 0;
    let let_in = async {
        loop {
            let answer = stage.sign_in(email, PASSWORD, "203.0.113.52").await?;
            if answer.status == 201 {
                return anyhow::Ok(answer);
            }
            waits(&answer)?;
            asked += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, let_in)
        .await
        .context("the right password is never let in")??;
    show(format_args!(
        "the right password: refused {} times while the account waits, then let in",
        asked + 1
    ));
    // And being right forgets what was wrong.
    for number in 0..FREE_OF_ACCOUNT {
        let guess = stage.sign_in(email, "wrong again", "203.0.113.53").await?;
        ensure!(guess.code() == "wrong_password", "{number}: {guess:?}");
    }
    Ok(())
}

async fn an_address_is_slowed_whatever_it_tries(stage: &Stage) -> anyhow::Result<()> {
    let email = "elsewhere@example.com";
    stage.add(email, Some(PASSWORD)).await?;
    for (address, neighbours, stranger) in [
        ("203.0.113.60", &["203.0.113.60"][..], "203.0.113.61"),
        (
            "2001:db8:1:2::3",
            // A household has the first half of its addresses in common.
            &["2001:db8:1:2::3", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
            "2001:db8:1:3::3",
        ),
        ("::ffff:203.0.113.62", &["203.0.113.62"], "203.0.113.63"),
    ] {
        let guess = |number| format!("person-{number}@example.com");
        let (looked_at, _) = stage.until_slowed(guess, address).await?;
        ensure!(
            looked_at.len() >= FREE_OF_ADDRESS as usize,
            "{address}: slowed after {}",
            looked_at.len()
        );
        for neighbour in neighbours {
            // With a count of its own it would have as many free guesses as the first. Each that is looked at doubles the wait.
            let mut slowed = None;
            for number in 0..FREE_OF_ADDRESS / 4 {
                let guess = format!("other-{number}-{neighbour}@example.com");
                let guess = guess.replace(':', "-");
                let answer = stage.sign_in(&guess, "wrong", neighbour).await?;
                if answer.status == 429 {
                    slowed = Some(answer);
                    break;
                }
            }
            let slowed = slowed.with_context(|| format!("{neighbour} goes on guessing"))?;
            waits(&slowed)?;
        }
        let free = stage.sign_in(email, PASSWORD, stranger).await?;
        ensure!(free.status == 201, "{stranger}: {free:?}");
        show(format_args!(
            "{address}: {} guesses looked at, then it waits, with {neighbours:?}; {stranger} does not",
            looked_at.len()
        ));
    }
    Ok(())
}

/// Somebody whose account is being guessed at, elsewhere, tries again and again: their colleagues at the same address sign in all the same.
async fn waiting_for_an_account_does_not_slow_an_address(stage: &Stage) -> anyhow::Result<()> {
    let (mine, colleagues) = ("mine@example.com", "colleague@example.com");
    stage.add(mine, Some(PASSWORD)).await?;
    stage.add(colleagues, Some(PASSWORD)).await?;
    stage
        .until_slowed(|_| mine.to_owned(), "203.0.113.70")
        .await?;
    let office = "203.0.113.71";
    let tries = (0..3 * FREE_OF_ADDRESS).map(|_| stage.sign_in(mine, PASSWORD, office));
    let answers = try_join_all(tries).await?;
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    let colleague = stage.sign_in(colleagues, PASSWORD, office).await?;
    show(format_args!(
        "{} right passwords while their account waits: {refused} refused; a colleague at the same address: {}",
        answers.len(),
        colleague.status
    ));
    ensure!(colleague.status == 201, "{colleague:?}");
    Ok(())
}

async fn guesses_at_once_count_as_many_as_they_are(stage: &Stage) -> anyhow::Result<()> {
    stage.add("crowded@example.com", Some(PASSWORD)).await?;
    for (what, free, email, address) in [
        (
            "at one account",
            FREE_OF_ACCOUNT,
            (|_| "crowded@example.com".to_owned()) as fn(u32) -> String,
            (|number| format!("198.18.0.{number}")) as fn(u32) -> String,
        ),
        (
            "at one account that is not there",
            FREE_OF_ACCOUNT,
            |_| "nobody-at-all@example.com".to_owned(),
            |number| format!("198.18.1.{number}"),
        ),
        (
            "from one address",
            FREE_OF_ADDRESS,
            |number| format!("crowd-{number}@example.com"),
            |_| "198.18.2.1".to_owned(),
        ),
    ] {
        let before = stage.edge.usage()?;
        let began = Instant::now();
        let answers = try_join_all((0..CROWD).map(|number| async move {
            stage
                .sign_in(&email(number), "wrong", &address(number))
                .await
        }))
        .await?;
        let passed = began.elapsed();
        let used = stage.edge.usage()?.cpu - before.cpu;
        let looked_at = counted(&answers, "wrong_password")?;
        show(format_args!(
            "{CROWD} guesses at once {what}: {looked_at} hashed, the others refused, {:.0} ms of processor, {:.0} ms in all",
            used.as_secs_f64() * 1_000.0,
            passed.as_secs_f64() * 1_000.0
        ));
        let most = at_most(free, passed);
        ensure!(
            (free..=most).contains(&looked_at),
            "{what}: {looked_at} looked at, {most} may have been"
        );
    }
    Ok(())
}

/// How many answers have this code; all others must be told to wait.
fn counted(answers: &[Answer], code: &str) -> anyhow::Result<u32> {
    let mut count = 0;
    for answer in answers {
        if answer.code() == code {
            count += 1;
        } else {
            waits(answer)?;
        }
    }
    Ok(count)
}

/// Whoever finds a browser open cannot find the password out there, and its user is not signed out by it.
async fn an_open_browser_is_no_place_to_guess(stage: &Stage) -> anyhow::Result<()> {
    let email = "open@example.com";
    stage.add(email, Some(PASSWORD)).await?;
    let session = stage.sign_in(email, PASSWORD, "203.0.113.80").await?;
    let browser = stage.at("203.0.113.80", session.cookie());
    let mut looked_at = 0;
    let slowed = loop {
        ensure!(looked_at < 12, "12 guesses, and all were looked at");
        let form =
            json!({ "current": format!("guess {looked_at}"), "password": "a password of mine" });
        let answer = browser.put("/api/password", &form).await?;
        if answer.status == 429 {
            break answer;
        }
        ensure!(answer.code() == "wrong_password", "{answer:?}");
        looked_at += 1;
    };
    waits(&slowed)?;
    ensure!(looked_at >= FREE_OF_ACCOUNT, "slowed after {looked_at}");
    ensure!(is_in(&browser).await?, "the session ended");
    show(format_args!(
        "guesses at a new password's form: {looked_at} looked at, then 429"
    ));
    Ok(())
}

/// Before there is an owner, the code is what there is to guess.
async fn the_set_up_code_is_not_to_be_guessed(edge: &Edge) -> anyhow::Result<()> {
    let mut browser = Visitor::new(edge)?;
    browser.address = Some("198.18.3.1".to_owned());
    let form = |code: &str| -> Value {
        json!({ "code": code, "email": "thief@example.com", "password": PASSWORD, "name": "Thief" })
    };
    let began = Instant::now();
    let answers = try_join_all((0..CROWD).map(|number| {
        let body = form(&format!("setup-secret-{number}")).to_string();
        browser.ask(Method::POST, "/api/setup", Some(body), &[])
    }))
    .await?;
    let passed = began.elapsed();
    let looked_at = counted(&answers, "invalid")?;
    let most = at_most(FREE_OF_ADDRESS, passed);
    show(format_args!(
        "{CROWD} set-up codes at once from one address: {looked_at} looked at"
    ));
    ensure!(
        (FREE_OF_ADDRESS..=most).contains(&looked_at),
        "{looked_at} looked at, {most} may have been"
    );
    // The right one waits there too, and nowhere else. The form is wrong otherwise, so that it makes no owner.
    let right = json!({ "code": SETUP_CODE, "email": "x", "password": "x", "name": "x" });
    let mut slowed = None;
    for _ in 0..5 {
        browser.post("/api/setup", &form("setup-secret")).await?;
        let answer = browser.post("/api/setup", &right).await?;
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
    }
    waits(&slowed.context("the right code is not made to wait")?)?;
    browser.address = Some("198.18.3.2".to_owned());
    let elsewhere = browser.post("/api/setup", &right).await?;
    ensure!(elsewhere.fields() == ["email", "password"], "{elsewhere:?}");
    Ok(())
}
