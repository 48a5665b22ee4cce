//! Sessions, passwords and users: what ends a session, what does not, and what an account may be.

use anyhow::{Context, ensure};
use futures_util::future::{join, try_join_all};
use serde_json::{Value, json};
use tests::dashboard::{PASSWORD, Visitor};
use tests::figures::show;

use crate::{Desk, MADE_UP, gives_a_session, is_in, takes_the_session_back, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_one_browsers_and_ends_when_it_should() -> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    let owner = first_owner(&desk).await?;
    for name in ["vi", "bo", "cy"] {
        add(&owner, name, "viewer").await?;
    }
    a_token_that_was_brought_along_is_never_taken_over(&mut desk).await?;
    signing_out_ends_one_session_or_all_of_somebody(&mut desk, &owner).await?;
    a_new_password_ends_every_other_session(&mut desk, &owner).await?;
    of_two_new_passwords_one_counts(&mut desk).await?;
    desk.keep_hashes_secret().await?;
    desk.keep_secret([token(&owner)]);
    desk.close()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_well_formed_and_ends_with_its_sessions() -> anyhow::Result<()> {
    let mut desk = Desk::open().await?;
    let owner = first_owner(&desk).await?;
    every_field_that_is_wrong_is_named(&owner).await?;
    add(&owner, "bo", "viewer").await?;
    desk.keep_hashes_secret().await?;
    whoever_is_removed_is_out(&desk, &owner).await?;
    nobody_comes_in_while_being_removed(&desk, &owner).await?;
    one_owner_stays(&desk, &owner).await?;
    desk.keep_secret([token(&owner)]);
    desk.close()
}

async fn first_owner(desk: &Desk) -> anyhow::Result<Visitor> {
    let mut owner = Visitor::first_owner(&desk.edge).await?;
    owner.heard = Some(desk.heard.clone());
    Ok(owner)
}

/// Adds somebody with everybody's password; gives the id.
async fn add(owner: &Visitor, name: &str, role: &str) -> anyhow::Result<String> {
    let email = format!("{name}@example.com");
    let form = json!({ "email": email, "name": name, "role": role, "password": PASSWORD });
    let added = owner.post("/api/users", &form).await?;
    ensure!(added.status == 201, "{added:?}");
    let id = added.json()["id"].as_str().map(str::to_owned);
    id.context("no id")
}

/// Whether somebody can sign in with a password, from an address where nobody has guessed.
async fn can_sign_in(desk: &Desk, email: &str, password: &str) -> anyhow::Result<bool> {
    let browser = desk.browser("198.51.100.200")?;
    let form = json!({ "email": email, "password": password });
    let answer = browser.post("/api/session", &form).await?;
    ensure!(
        answer.status == 201 || answer.code() == "wrong_password",
        "{email}: {answer:?}"
    );
    Ok(answer.status == 201)
}

/// A thief who has planted a token, made up or of a session of their own, learns nothing from it after somebody has signed in.
async fn a_token_that_was_brought_along_is_never_taken_over(desk: &mut Desk) -> anyhow::Result<()> {
    let thief = desk.signed_in("cy@example.com", "198.51.100.1").await?;
    let mut seen = vec![token(&thief).to_owned()];
    for planted in [Some(MADE_UP.to_owned()), thief.cookie.clone()] {
        let mut victim = desk.browser("198.51.100.2")?;
        victim.cookie.clone_from(&planted);
        let answer = victim.sign_in("vi@example.com").await?;
        gives_a_session(&answer)?;
        ensure!(victim.cookie != planted, "the planted token was taken over");
        seen.push(token(&victim).to_owned());
        let mut with_it = desk.browser("198.51.100.1")?;
        with_it.cookie = planted;
        ensure!(!is_in(&with_it).await?, "the planted token is somebody's");
        let who = victim.get("/api/session").await?.json();
        ensure!(who["email"] == "vi@example.com", "{who}");
        let read = victim.get("/api/session").await?;
        ensure!(read.cookie().is_none(), "reading gives a cookie: {read:?}");

        // The next sign-in of the same browser ends its session, and of no other.
        let other = desk.signed_in("vi@example.com", "198.51.100.3").await?;
        let before = victim.clone();
        victim.sign_in("vi@example.com").await?;
        ensure!(!is_in(&before).await?, "the browser has two sessions");
        ensure!(is_in(&other).await?, "another browser's session ended");
        seen.extend([token(&victim), token(&other)].map(str::to_owned));
    }
    seen.sort_unstable();
    let count = seen.len();
    seen.dedup();
    ensure!(count == seen.len(), "a token was given twice");
    desk.keep_secret(seen.iter().map(String::as_str));
    show(format_args!("{count} sign-ins, as many tokens"));
    Ok(())
}

async fn signing_out_ends_one_session_or_all_of_somebody(
    desk: &mut Desk,
    owner: &Visitor,
) -> anyhow::Result<()> {
    let mut browsers = Vec::new();
    for number in 11..14 {
        let address = format!("198.51.100.{number}");
        browsers.push(desk.signed_in("bo@example.com", &address).await?);
    }
    let out = browsers[0].delete("/api/session").await?;
    ensure!(out.status == 204, "{out:?}");
    takes_the_session_back(&out)?;
    ensure!(!is_in(&browsers[0]).await?, "signed out, and in");
    ensure!(is_in(&browsers[1]).await?, "another browser signed out too");
    let again = browsers[0].delete("/api/session").await?;
    ensure!(again.code() == "sign_in_required", "{again:?}");

    let everywhere = browsers[1].delete("/api/sessions").await?;
    ensure!(everywhere.status == 204, "{everywhere:?}");
    takes_the_session_back(&everywhere)?;
    for browser in &browsers {
        ensure!(!is_in(browser).await?, "signed out everywhere, and in");
    }
    ensure!(is_in(owner).await?, "somebody else signed out too");
    desk.keep_secret(browsers.iter().map(token));
    Ok(())
}

async fn a_new_password_ends_every_other_session(
    desk: &mut Desk,
    owner: &Visitor,
) -> anyhow::Result<()> {
    const NEW: &str = "staple upon staple";
    let email = "vi@example.com";
    let mut browser = desk.signed_in(email, "198.51.100.21").await?;
    let others = [
        desk.signed_in(email, "198.51.100.22").await?,
        desk.signed_in(email, "198.51.100.23").await?,
    ];
    let form = |current: &str, new: &str| json!({ "current": current, "password": new });
    let change = "/api/password";
    let wrong = browser
        .put(change, &form("correct horse batterx", NEW))
        .await?;
    ensure!(
        wrong.status == 401 && wrong.code() == "wrong_password",
        "{wrong:?}"
    );
    for (form, named) in [
        (form(PASSWORD, "short"), &["password"][..]),
        (form(PASSWORD, "Password123"), &["password"]),
        (json!({}), &["current", "password"]),
    ] {
        let refused = browser.put(change, &form).await?;
        ensure!(
            refused.status == 422 && refused.fields() == named,
            "{refused:?}"
        );
    }
    ensure!(
        is_in(&others[0]).await?,
        "nothing changed, and a session ended"
    );

    let before = browser.clone();
    let changed = browser.put(change, &form(PASSWORD, NEW)).await?;
    ensure!(changed.status == 201, "{changed:?}");
    gives_a_session(&changed)?;
    browser.cookie = changed.cookie();
    ensure!(is_in(&browser).await?, "the one who changed it is out");
    for ended in others.iter().chain([&before]) {
        ensure!(!is_in(ended).await?, "a session outlived its password");
    }
    ensure!(is_in(owner).await?, "somebody else's session ended");
    ensure!(!can_sign_in(desk, email, PASSWORD).await?, "the old one");
    ensure!(can_sign_in(desk, email, NEW).await?, "not the new one");
    let all = [&browser, &before, &others[0], &others[1]];
    desk.keep_secret(all.map(token));
    desk.keep_secret([NEW]);
    Ok(())
}

/// Several at once, all with the right password: one is faster, and the others are told that it is not the right one any more.
async fn of_two_new_passwords_one_counts(desk: &mut Desk) -> anyhow::Result<()> {
    let email = "bo@example.com";
    let mut browsers = Vec::new();
    for number in 31..35 {
        let address = format!("198.51.100.{number}");
        browsers.push(desk.signed_in(email, &address).await?);
    }
    let new: Vec<String> = (0..browsers.len())
        .map(|number| format!("a password of my own {number}"))
        .collect();
    let changes = browsers.iter().zip(&new).map(|(browser, new)| async move {
        let form = json!({ "current": PASSWORD, "password": new });
        browser.put("/api/password", &form).await
    });
    let answers = try_join_all(changes).await?;
    let won: Vec<usize> = (0..answers.len())
        .filter(|number| answers[*number].status == 201)
        .collect();
    show(format_args!(
        "{} new passwords at once: {:?}",
        new.len(),
        answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect::<Vec<_>>()
    ));
    ensure!(won.len() == 1, "{answers:#?}");
    for (number, answer) in answers.iter().enumerate() {
        let lost = answer.status == 401 && answer.cookie().is_none();
        ensure!(won == [number] || lost, "{answer:?}");
        ensure!(!is_in(&browsers[number]).await?, "an old session lives");
    }
    let sessions =
        "SELECT count(*) AS n FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ?1";
    let sessions = desk.row(sessions, email).await?;
    ensure!(sessions["n"] == 1, "{sessions}");
    ensure!(
        can_sign_in(desk, email, &new[won[0]]).await?,
        "not the one that won"
    );
    desk.keep_secret(new.iter().map(String::as_str));
    desk.keep_secret(browsers.iter().map(token));
    Ok(())
}

/// Each wrong value in a form that is right otherwise names its field and no other.
async fn every_field_that_is_wrong_is_named(owner: &Visitor) -> anyhow::Result<()> {
    let good = json!({ "email": "new@example.com", "name": "New", "role": "viewer", "password": PASSWORD });
    let long_email = format!("{}@example.com", "a".repeat(243));
    let wrong: [(&str, Vec<Value>); 4] = [
        (
            "email",
            vec![
                json!(""),
                json!("nobody"),
                json!("a@b"),
                json!("@example.com"),
                json!("a b@example.com"),
                json!("a@example..com"),
                json!("a@-example.com"),
                json!("a@example.com, b@example.com"),
                json!("a@example.com\r\nBcc: b@example.com"),
                json!("a\u{0}@example.com"),
                json!("<script>@example.com"),
                // A letter that only looks like an o, and a domain that would be shown as another.
                json!("\u{43e}wner@example.com"),
                json!("owner@ex\u{e4}mple.com"),
                json!(long_email),
                json!(7),
                json!(["a@example.com"]),
                Value::Null,
            ],
        ),
        (
            "name",
            vec![
                json!(""),
                json!("  "),
                json!("n".repeat(81)),
                json!("two\nlines"),
                json!("\u{202e}renwo"),
                json!("a\u{0}b"),
                json!({}),
                Value::Null,
            ],
        ),
        (
            "role",
            vec![
                json!("king"),
                json!("Owner"),
                json!(""),
                json!(true),
                Value::Null,
            ],
        ),
        (
            "password",
            vec![
                json!(""),
                json!("ninechars"),
                json!("Password123"),
                json!("qwertyuiop"),
                json!("aaaaaaaaaaaa"),
                json!("p".repeat(64).repeat(2) + "q"),
                json!(1_234_567_890),
                Value::Null,
            ],
        ),
    ];
    let mut tried = 0;
    for (field, values) in &wrong {
        for value in values {
            let mut form = good.clone();
            form[*field] = value.clone();
            let answer = owner.post("/api/users", &form).await?;
            ensure!(
                answer.status == 422 && answer.fields() == [*field],
                "{field} {value}: {answer:?}"
            );
            tried += 1;
        }
    }
    let answer = owner.post("/api/users", &json!({})).await?;
    ensure!(
        answer.fields() == ["email", "name", "role", "password"],
        "{answer:?}"
    );
    let mut long = good.clone();
    long["name"] = json!("n".repeat(1 << 20));
    let answer = owner.post("/api/users", &long).await?;
    ensure!(answer.status == 413, "a megabyte: {}", answer.status);
    let users = owner.get("/api/users").await?.json();
    ensure!(
        users["users"]
            .as_array()
            .is_some_and(|users| users.len() == 1),
        "{users}"
    );
    show(format_args!(
        "{tried} values that no account may have, each named"
    ));
    Ok(())
}

async fn whoever_is_removed_is_out(desk: &Desk, owner: &Visitor) -> anyhow::Result<()> {
    let email = "bo@example.com";
    let browsers = [
        desk.signed_in(email, "198.51.100.41").await?,
        desk.signed_in(email, "198.51.100.42").await?,
    ];
    let shout =
        json!({ "email": "BO@example.com", "name": "Bo", "role": "owner", "password": PASSWORD });
    let taken = owner.post("/api/users", &shout).await?;
    ensure!(
        taken.status == 409 && taken.code() == "email_taken",
        "{taken:?}"
    );
    let id = browsers[0].get("/api/session").await?.json()["id"]
        .as_str()
        .context("no id")?
        .to_owned();
    let path = format!("/api/users/{id}");
    let removed = owner.delete(&path).await?;
    ensure!(removed.status == 204, "{removed:?}");
    for browser in &browsers {
        ensure!(!is_in(browser).await?, "removed, and in");
    }
    ensure!(
        !can_sign_in(desk, email, PASSWORD).await?,
        "removed, and in"
    );
    ensure!(owner.delete(&path).await?.status == 404, "removed twice");
    ensure!(owner.delete("/api/users/none").await?.status == 404, "none");

    // Whoever is given an account again gets nothing of the old one back.
    let form =
        json!({ "email": email, "name": "Bo", "role": "viewer", "password": "another one for Bo" });
    let added = owner.post("/api/users", &form).await?;
    ensure!(added.status == 201, "{added:?}");
    for browser in &browsers {
        ensure!(!is_in(browser).await?, "an old session is back");
    }
    ensure!(
        !can_sign_in(desk, email, PASSWORD).await?,
        "the old password"
    );
    ensure!(
        can_sign_in(desk, email, "another one for Bo").await?,
        "the new password"
    );
    Ok(())
}

/// Signing in while being removed leaves no session behind, whichever is faster.
async fn nobody_comes_in_while_being_removed(desk: &Desk, owner: &Visitor) -> anyhow::Result<()> {
    let id = add(owner, "dee", "owner").await?;
    let path = format!("/api/users/{id}");
    let browsers: Vec<Visitor> = (51..55)
        .map(|number| desk.browser(&format!("198.51.100.{number}")))
        .collect::<Result<_, _>>()?;
    let form = json!({ "email": "dee@example.com", "password": PASSWORD });
    let sign_ins = try_join_all(
        browsers
            .iter()
            .map(|browser| browser.post("/api/session", &form)),
    );
    let (answers, removed) = join(sign_ins, owner.delete(&path)).await;
    ensure!(removed?.status == 204, "not removed");
    let mut statuses = Vec::new();
    for (browser, answer) in browsers.iter().zip(answers?) {
        let mut browser = browser.clone();
        browser.cookie = answer.cookie();
        statuses.push(answer.status.as_u16());
        ensure!(!is_in(&browser).await?, "removed, and in: {answer:?}");
    }
    show(format_args!(
        "signing in while being removed: {statuses:?}, and nobody is in"
    ));
    Ok(())
}

async fn one_owner_stays(desk: &Desk, owner: &Visitor) -> anyhow::Result<()> {
    let own = owner.get("/api/session").await?.json();
    let own = format!("/api/users/{}", own["id"].as_str().context("no id")?);
    let last = owner.delete(&own).await?;
    ensure!(
        last.status == 409 && last.code() == "last_owner",
        "{last:?}"
    );
    ensure!(is_in(owner).await?, "the last owner is out");

    // Two who remove each other.
    let others = format!("/api/users/{}", add(owner, "eve", "owner").await?);
    let other = desk.signed_in("eve@example.com", "198.51.100.61").await?;
    let (one, two) = join(owner.delete(&others), other.delete(&own)).await;
    let statuses = [one?.status.as_u16(), two?.status.as_u16()];
    let left = [is_in(owner).await?, is_in(&other).await?];
    show(format_args!(
        "two owners remove each other: {statuses:?}, in: {left:?}"
    ));
    ensure!(left[0] != left[1], "{statuses:?}, in: {left:?}");
    let owners =
        "SELECT count(*) AS n FROM users WHERE role = 'owner' AND disabled_at IS NULL AND ?1 = ''";
    let owners = desk.row(owners, "").await?;
    ensure!(owners["n"] == 1, "{owners}");
    Ok(())
}
