//! The first owner: made once, with the set-up code, however many try at once.

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tests::dashboard::{Answer, PASSWORD, Visitor};
use tests::edge::SETUP_CODE;
use tests::figures::show;

use crate::{Desk, gives_a_session, is_in, token};

/// How many try at once.
const CROWD: u8 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn one_first_owner_is_made_however_many_try() -> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    let browser = desk.browser("192.0.2.100")?;
    ensure!(is_possible(&browser).await?, "set-up is not possible");
    what_cannot_be_a_form_is_refused(&browser).await?;
    fields_are_named(&browser).await?;
    ensure!(is_possible(&browser).await?, "something was set up");

    let crowd: Vec<Visitor> = (1..=CROWD)
        .map(|number| desk.browser(&format!("192.0.2.{number}")))
        .collect::<Result<_, _>>()?;
    let tries = crowd.iter().zip(1..).map(|(browser, number)| async move {
        let form = form(&format!("owner-{number}@example.com"));
        browser.post("/api/setup", &form).await
    });
    let answers = try_join_all(tries).await?;
    let (made, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    show(format_args!(
        "{CROWD} set-ups at once: {} made an owner, {} were told that it is closed",
        made.len(),
        refused.len()
    ));
    ensure!(made.len() == 1, "{answers:#?}");
    for answer in refused {
        ensure!(
            answer.status == 409 && answer.code() == "setup_closed",
            "{answer:?}"
        );
        ensure!(answer.cookie().is_none(), "{answer:?}");
    }

    let made = made.first().context("nobody")?;
    gives_a_session(made)?;
    ensure!(made.json()["role"] == "owner", "{}", made.text);
    let mut owner = browser.clone();
    owner.cookie = made.cookie();
    ensure!(is_in(&owner).await?, "the first owner is not signed in");
    let counts = "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM sessions) AS sessions, \
        (SELECT count(*) FROM audit WHERE action = 'setup') AS setups WHERE ?1 = ''";
    let counts = desk.row(counts, "").await?;
    ensure!(
        counts == json!({ "users": 1, "sessions": 1, "setups": 1 }),
        "{counts}"
    );

    ensure!(!is_possible(&browser).await?, "set-up is still possible");
    let late = browser
        .post("/api/setup", &form("late@example.com"))
        .await?;
    ensure!(
        late.status == 409 && late.code() == "setup_closed",
        "{late:?}"
    );
    desk.keep_hashes_secret().await?;
    desk.keep_secret([token(&owner)]);
    desk.close()
}

fn form(email: &str) -> Value {
    json!({ "code": SETUP_CODE, "email": email, "password": PASSWORD, "name": "Ann <b>Owner</b>" })
}

async fn is_possible(browser: &Visitor) -> anyhow::Result<bool> {
    let answer = browser.get("/api/setup").await?;
    let possible = answer.json()["possible"].as_bool();
    possible.with_context(|| format!("{answer:?}"))
}

async fn what_cannot_be_a_form_is_refused(browser: &Visitor) -> anyhow::Result<()> {
    let form = form("owner@example.com").to_string();
    let long = format!("{}{form}", " ".repeat(1 << 20));
    for (body, kind, status, code) in [
        (&*form, "text/plain", 415, "unsupported_media_type"),
        (
            "code=x",
            "application/x-www-form-urlencoded",
            415,
            "unsupported_media_type",
        ),
        (
            &form[..form.len() - 1],
            "application/json",
            400,
            "bad_request",
        ),
        ("[]", "application/json", 400, "bad_request"),
        ("", "application/json", 400, "bad_request"),
        (&long, "application/json", 413, "too_large"),
    ] {
        let headers = [("Content-Type", kind)];
        let answer = browser
            .ask(
                reqwest::Method::POST,
                "/api/setup",
                Some(body.to_owned()),
                &headers,
            )
            .await?;
        ensure!(
            answer.status == status && answer.code() == code,
            "{kind}, {} bytes: {answer:?}",
            body.len()
        );
    }
    Ok(())
}

async fn fields_are_named(browser: &Visitor) -> anyhow::Result<()> {
    let all = ["code", "email", "password", "name"];
    for (change, wrong) in [
        (json!({ "code": "setup-secret" }), &["code"][..]),
        (json!({ "code": "" }), &["code"]),
        (json!({ "email": "x" }), &["email"]),
        (json!({ "password": "short" }), &["password"]),
        (json!({ "name": 7 }), &["name"]),
        (
            json!({ "code": null, "email": null, "password": null, "name": null }),
            &all,
        ),
        (
            json!({ "code": ["x"], "email": {}, "password": 7, "name": "\u{202e}" }),
            &all,
        ),
    ] {
        let mut form = form("owner@example.com");
        for (name, value) in change.as_object().into_iter().flatten() {
            form[name] = value.clone();
        }
        let answer = browser.post("/api/setup", &form).await?;
        let mut named = answer.fields();
        named.sort_unstable();
        let mut wrong = wrong.to_vec();
        wrong.sort_unstable();
        ensure!(
            answer.status == 422 && named == wrong,
            "{change}: {answer:?}"
        );
    }
    Ok(())
}
