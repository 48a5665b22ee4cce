//! Cloudflare Access before the worker: an assertion counts if the team signed it for this application and for now, and nothing else does.

use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use local_providers::Config;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use tests::caller::PATIENCE;
use tests::dashboard::{Answer, Visitor};
use tests::edge::Edge;
use tests::figures::show;

use crate::SOCKET;
use crate::team::{AUDIENCE, Team, now, part};

const HEADER: &str = "Cf-Access-Jwt-Assertion";

/// Asks with an assertion and no cookie.
async fn ask(
    visitor: &Visitor,
    method: Method,
    path: &str,
    body: Option<Value>,
    assertion: &str,
) -> anyhow::Result<Answer> {
    let mut nobody = visitor.clone();
    nobody.cookie = None;
    let body = body.map(|body| body.to_string());
    nobody.ask(method, path, body, &[(HEADER, assertion)]).await
}

/// Who somebody is by an assertion.
async fn who(visitor: &Visitor, assertion: &str) -> anyhow::Result<Answer> {
    ask(visitor, Method::GET, "/api/session", None, assertion).await
}

fn is_nobody(answer: &Answer) -> bool {
    answer.status == 401 && answer.code() == "sign_in_required"
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_counts_if_the_team_made_it_for_us_and_for_now() -> anyhow::Result<()> {
    let team = Team::new().await?;
    let settings = [
        ("ACCESS_TEAM_DOMAIN", &*team.origin),
        ("ACCESS_AUD", AUDIENCE),
    ];
    let providers = local_providers::start(Config::default()).await?;
    let edge = Edge::start_with_more(&providers, &settings).await?;
    let owner = Visitor::first_owner(&edge).await?;

    without_keys_nobody_is_vouched_for(&team, &owner).await?;
    team.serve_one();
    once_asked(&team, &owner).await?;
    let id = somebody_new_may_look(&team, &owner).await?;
    let before = team.fetched();
    what_does_not_count(&team, &owner).await?;
    unknown_keys_are_not_fetched_each_time(&team, &owner, before).await?;
    roles_and_origins_count_as_with_a_session(&team, &owner).await?;
    there_is_no_password(&team, &owner).await?;
    a_session_counts_before_an_assertion(&team, &owner).await?;
    whoever_is_removed_stays_out(&team, &owner, &id).await?;

    let log = edge.log().join("\n");
    ensure!(
        log.contains("assertion not accepted"),
        "nothing is said of what was refused: {log}"
    );
    for secret in ["eyJ", "cy@example.com", "owner@example.com"] {
        ensure!(!log.contains(secret), "the log has {secret}: {log}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_team_an_assertion_is_just_a_header() -> anyhow::Result<()> {
    let team = Team::new().await?;
    team.serve_one();
    let providers = local_providers::start(Config::default()).await?;
    let edge = Edge::start(&providers).await?;
    let owner = Visitor::first_owner(&edge).await?;
    let good = team.vouch("owner@example.com")?;
    let answer = who(&owner, &good).await?;
    ensure!(is_nobody(&answer), "{answer:?}");
    let page = ask(&owner, Method::GET, "/dashboard/", None, &good).await?;
    ensure!(page.status == 303, "{page:?}");
    let mut form =
        json!({ "email": "cy@example.com", "name": "Cy", "role": "viewer", "password": null });
    let without = owner.post("/api/users", &form).await?;
    ensure!(
        without.status == 422 && without.fields() == ["password"],
        "an account that nobody could use: {without:?}"
    );
    form["password"] = json!("a password of Cy's");
    ensure!(owner.post("/api/users", &form).await?.status == 201, "Cy");
    ensure!(team.fetched() == 0, "the team was asked");
    Ok(())
}

/// Asks until the team's server has been asked anew: after a failure it is left alone for a moment.
async fn once_asked(team: &Team, owner: &Visitor) -> anyhow::Result<Answer> {
    let before = team.fetched();
    let asking = async {
        loop {
            let answer = who(owner, &team.vouch("owner@example.com")?).await?;
            if team.fetched() > before {
                return anyhow::Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let asked = tokio::time::timeout(PATIENCE, asking).await;
    asked.context("the team's server is not asked again")?
}

/// Whatever is wrong with the team's server is not the worker's failure, and lets nobody in.
async fn without_keys_nobody_is_vouched_for(team: &Team, owner: &Visitor) -> anyhow::Result<()> {
    for (status, body) in [
        (500, ""),
        (404, "<html>"),
        (200, "<html>"),
        (200, "{}"),
        (200, "{\"keys\":[{\"kid\":\"one\"}]}"),
        (302, ""),
    ] {
        team.serve(status, body);
        let answer = once_asked(team, owner).await?;
        ensure!(is_nobody(&answer), "{status} {body}: {answer:?}");
        let session = owner.get("/api/session").await?;
        ensure!(session.status == 200, "{session:?}");
    }
    Ok(())
}

/// A viewer at first sight, once, though a page asks for many things at once. Gives the id.
async fn somebody_new_may_look(team: &Team, owner: &Visitor) -> anyhow::Result<String> {
    let assertion = team.vouch("cy@example.com")?;
    let answers = try_join_all((0..20).map(|_| who(owner, &assertion))).await?;
    for answer in &answers {
        let told = answer.json();
        ensure!(
            answer.status == 200 && told["role"] == "viewer" && told["expires_at"].is_null(),
            "{answer:?}"
        );
        ensure!(told["id"] == answers[0].json()["id"], "two of one: {told}");
        ensure!(answer.cookie().is_none(), "{answer:?}");
    }
    show(format_args!(
        "20 requests at once of somebody new: one account, keys fetched {} times with those that failed",
        team.fetched()
    ));
    let shouted = who(owner, &team.vouch("CY@Example.com")?).await?.json();
    ensure!(shouted["id"] == answers[0].json()["id"], "{shouted}");
    let page = ask(owner, Method::GET, "/dashboard/", None, &assertion).await?;
    ensure!(page.status != 303 && page.status != 401, "{page:?}");

    let users = owner.get("/api/users").await?.json();
    let cy: Vec<&Value> = users["users"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|user| user["email"] == "cy@example.com")
        .collect();
    ensure!(
        cy.len() == 1 && cy[0]["has_password"] == false && cy[0]["name"] == "cy",
        "{users}"
    );
    Ok(cy[0]["id"].as_str().context("no id")?.to_owned())
}

/// A table of assertions that are each good but for one thing.
async fn what_does_not_count(team: &Team, owner: &Visitor) -> anyhow::Result<()> {
    let email = "owner@example.com";
    let good = team.vouch(email)?;
    let answer = who(owner, &good).await?;
    ensure!(answer.json()["role"] == "owner", "the good one: {answer:?}");

    let now = now()?;
    let claim = |name: &str, value: Value| -> anyhow::Result<String> {
        let mut claims = team.claims(email)?;
        claims[name] = value;
        team.one.sign(&claims)
    };
    let claims = team.claims(email)?;
    let under = |header: Value| team.one.sign_under(&header, &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, body, signature] = parts[..] else {
        anyhow::bail!("{good}");
    };
    // Of somebody else, with the signature that was made for them.
    let others = team.vouch("cy@example.com")?;
    let others = others.rsplit('.').next().context("no signature")?;
    let unsigned = part(&json!({ "alg": "none", "kid": "one" }));
    // The public key, which everybody has, taken for a secret.
    let symmetric = format!("{}.{body}", part(&json!({ "alg": "HS256", "kid": "one" })));
    let modulus = team.one.public()["n"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &URL_SAFE_NO_PAD.decode(modulus)?);
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&key, symmetric.as_bytes()));

    let cases = [
        (
            "another key under the team's name",
            team.foreign.sign(&claims)?,
        ),
        (
            "another key that it brings along",
            team.foreign.sign_under(
                &json!({ "alg": "RS256", "kid": "one", "jwk": team.foreign.public() }),
                &claims,
            )?,
        ),
        (
            "the team's next key, not served yet",
            team.two.sign(&claims)?,
        ),
        ("another application", claim("aud", json!(["ffff"]))?),
        ("no application", claim("aud", json!([]))?),
        (
            "part of our application",
            claim("aud", json!(&AUDIENCE[..4]))?,
        ),
        ("expired", claim("exp", json!(now - 31))?),
        ("expired long ago", claim("exp", json!(1))?),
        ("not good yet", claim("nbf", json!(now + 120))?),
        ("no end", claim("exp", Value::Null)?),
        (
            "another team",
            claim("iss", json!("https://evil.cloudflareaccess.com"))?,
        ),
        (
            "a team whose name begins so",
            claim("iss", json!(format!("{}.evil.example", team.origin)))?,
        ),
        ("a program: no person", claim("email", Value::Null)?),
        (
            "a person without an address",
            claim("email", json!("owner"))?,
        ),
        (
            "a letter that looks like another",
            claim("email", json!("\u{43e}wner@example.com"))?,
        ),
        ("claims that were changed", {
            let mut claims = claims.clone();
            claims["exp"] = json!(now + 3_600);
            format!("{header}.{}.{signature}", part(&claims))
        }),
        (
            "somebody else's signature",
            format!("{header}.{body}.{others}"),
        ),
        ("no signature", format!("{header}.{body}.")),
        ("alg none", format!("{unsigned}.{body}.")),
        ("alg none, signed", format!("{unsigned}.{body}.{signature}")),
        ("the public key as a secret", format!("{symmetric}.{tag}")),
        (
            "another way of signing",
            under(json!({ "alg": "RS512", "kid": "one" }))?,
        ),
        ("no name of a key", under(json!({ "alg": "RS256" }))?),
        ("two signatures", format!("{good}.{signature}")),
        ("padding", format!("{good}==")),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("no words", "eyJ.eyJ.eyJ".to_owned()),
        ("too long", format!("{good}{}", "A".repeat(8_192))),
        ("a scheme before it", format!("Bearer {good}")),
    ];
    for (what, assertion) in &cases {
        let answer = who(owner, assertion).await?;
        ensure!(is_nobody(&answer), "{what}: {answer:?}");
    }
    let still = who(owner, &good).await?;
    ensure!(still.status == 200, "{still:?}");
    show(format_args!(
        "{} assertions that do not count: {}",
        cases.len(),
        cases.map(|(what, _)| what).join("; ")
    ));
    Ok(())
}

/// Anybody can name a key that does not exist: the team's server must not pay for it.
async fn unknown_keys_are_not_fetched_each_time(
    team: &Team,
    owner: &Visitor,
    before: usize,
) -> anyhow::Result<()> {
    let claims = team.claims("owner@example.com")?;
    for number in 0..30 {
        let header = json!({ "alg": "RS256", "kid": format!("none-{number}") });
        let answer = who(owner, &team.two.sign_under(&header, &claims)?).await?;
        ensure!(is_nobody(&answer), "{answer:?}");
    }
    let more = team.fetched() - before;
    show(format_args!("30 unknown keys: keys fetched {more} times"));
    // Once a minute at most, and all this may have taken longer than one.
    ensure!(more <= 2, "keys were fetched {more} times");
    Ok(())
}

async fn roles_and_origins_count_as_with_a_session(
    team: &Team,
    owner: &Visitor,
) -> anyhow::Result<()> {
    let looks = team.vouch("cy@example.com")?;
    let owns = team.vouch("owner@example.com")?;
    let users = "/api/users";
    for (method, path) in [
        (Method::GET, users),
        (Method::POST, users),
        (Method::DELETE, "/api/demo"),
    ] {
        let body = (method == Method::POST).then(|| json!({}));
        let refused = ask(owner, method.clone(), path, body, &looks).await?;
        ensure!(
            refused.status == 403 && refused.code() == "owner_only",
            "{method} {path}: {refused:?}"
        );
    }
    let mut page = owner.clone();
    page.cookie = None;
    let body = || Some("{}".to_owned());
    let with = [(HEADER, &*owns)];
    let own = page.ask(Method::POST, users, body(), &with).await?;
    ensure!(own.status == 422, "{own:?}");
    for origin in [Some("https://evil.example"), Some("null"), None] {
        page.origin = origin.map(str::to_owned);
        let write = page.ask(Method::POST, users, body(), &with).await?;
        let socket = [&SOCKET[..], &with].concat();
        let watch = page.ask(Method::GET, "/api/live", None, &socket).await?;
        for answer in [write, watch] {
            ensure!(
                answer.status == 403 && answer.code() == "forbidden_origin",
                "{origin:?}: {answer:?}"
            );
        }
    }
    Ok(())
}

async fn there_is_no_password(team: &Team, owner: &Visitor) -> anyhow::Result<()> {
    let looks = team.vouch("cy@example.com")?;
    let form = json!({ "current": "x", "password": "a password of my own" });
    let change = ask(owner, Method::PUT, "/api/password", Some(form), &looks).await?;
    ensure!(
        change.status == 409 && change.code() == "no_password",
        "{change:?}"
    );
    let mut browser = owner.clone();
    browser.cookie = None;
    for password in ["", "x", "cy"] {
        let form = json!({ "email": "cy@example.com", "password": password });
        let session = browser.post("/api/session", &form).await?;
        ensure!(session.code() == "wrong_password", "{session:?}");
    }
    Ok(())
}

async fn a_session_counts_before_an_assertion(team: &Team, owner: &Visitor) -> anyhow::Result<()> {
    let looks = team.vouch("cy@example.com")?;
    let both = owner
        .ask(Method::GET, "/api/session", None, &[(HEADER, &looks)])
        .await?;
    ensure!(both.json()["email"] == "owner@example.com", "{both:?}");
    Ok(())
}

/// The team still vouches for them; the owner does not. Until the owner says otherwise.
async fn whoever_is_removed_stays_out(
    team: &Team,
    owner: &Visitor,
    id: &str,
) -> anyhow::Result<()> {
    let assertion = team.vouch("cy@example.com")?;
    let removed = owner.delete(&format!("/api/users/{id}")).await?;
    ensure!(removed.status == 204, "{removed:?}");
    for _ in 0..2 {
        let answer = who(owner, &assertion).await?;
        ensure!(is_nobody(&answer), "removed, and in: {answer:?}");
    }
    let form = json!({ "email": "cy@example.com", "name": "Cy", "role": "owner" });
    let added = owner.post("/api/users", &form).await?;
    ensure!(added.status == 201, "{added:?}");
    let back = who(owner, &assertion).await?;
    ensure!(back.json()["role"] == "owner", "{back:?}");
    Ok(())
}
