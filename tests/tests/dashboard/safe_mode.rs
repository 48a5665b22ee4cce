//! Safe Mode: an owner switches it, everybody sees it, and it outlasts the worker.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::dashboard::{PASSWORD, Visitor};

use crate::Office;
use crate::live::Page;

const PATH: &str = "/api/safe-mode";

#[tokio::test(flavor = "multi_thread")]
async fn safe_mode_is_an_owners_to_switch_and_everybodys_to_see() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    let viewer = office.owner.viewer().await?;
    let off = off();
    ensure!(office.get(PATH).await? == off);
    who_may_and_what(&office, &viewer).await?;
    ensure!(office.get(PATH).await? == off, "something was switched");

    let (mut page, first) = watch(&office, &viewer).await?;
    ensure!(first["safe_mode"] == off, "{first}");
    let zoe = another_owner(&office, "Zoë 名前").await?;
    let on = switch(&zoe, true).await?;
    let since = on["since"].as_i64().context("since when?")?;
    let expected = json!({
        "on": true, "since": since, "cause": "owner", "by": "Zoë 名前", "until": null,
        "causes": [{ "cause": "owner", "since": since, "until": null }],
    });
    ensure!(on == expected, "{on}");
    ensure!(page.event().await? == event(&on), "{:?}", page.last());
    ensure!(viewer.get(PATH).await?.json() == on);
    // Whoever does it again changes nothing.
    ensure!(switch(&office.owner, true).await? == on);

    let office = office.rewritten(&[]).await?;
    ensure!(office.get(PATH).await? == on, "a new worker forgot it");
    let (mut page, first) = watch(&office, &office.owner).await?;
    ensure!(first["safe_mode"] == on, "{first}");
    limits_are_another_matter(&office, &on).await?;

    ensure!(switch(&office.owner, false).await? == off);
    ensure!(page.event().await? == event(&off), "{:?}", page.last());
    ensure!(switch(&office.owner, false).await? == off);
    let query = "SELECT action, user_id FROM audit WHERE subject = ?1 AND action LIKE 'safe_mode.%' ORDER BY id";
    let audited = office.rows(query).await?;
    let actions: Vec<&Value> = audited.iter().map(|line| &line["action"]).collect();
    ensure!(
        actions
            == [
                "safe_mode.on",
                "safe_mode.on",
                "safe_mode.off",
                "safe_mode.off"
            ],
        "{audited:?}"
    );
    ensure!(audited[0]["user_id"] != audited[1]["user_id"]);
    Ok(())
}

fn off() -> Value {
    json!({ "on": false, "since": null, "cause": null, "by": null, "until": null, "causes": [] })
}

/// The frame that tells pages of a mode.
fn event(mode: &Value) -> Value {
    let mut event = mode.clone();
    event["type"] = json!("safe_mode");
    event
}

async fn switch(visitor: &Visitor, on: bool) -> anyhow::Result<Value> {
    let answer = visitor.put(PATH, &json!({ "on": on })).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    Ok(answer.json())
}

/// A page that watches, and its first frame.
async fn watch(office: &Office, visitor: &Visitor) -> anyhow::Result<(Page, Value)> {
    let opened = Page::open(office, visitor).await?;
    let mut page = opened.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let first = page.event().await?;
    Ok((page, first))
}

async fn another_owner(office: &Office, name: &str) -> anyhow::Result<Visitor> {
    let form =
        json!({ "name": name, "email": "zoe@example.com", "role": "owner", "password": PASSWORD });
    let made = office.owner.post("/api/users", &form).await?;
    ensure!(made.status == 201, "{}", made.text);
    let mut zoe = office.owner.clone();
    // Another browser: signing in ends the session of the one that does.
    zoe.cookie = None;
    zoe.sign_in("zoe@example.com").await?;
    Ok(zoe)
}

async fn who_may_and_what(office: &Office, viewer: &Visitor) -> anyhow::Result<()> {
    let seen = viewer.get(PATH).await?;
    ensure!(seen.status == 200, "{}", seen.text);
    for on in [true, false] {
        let refused = viewer.put(PATH, &json!({ "on": on })).await?;
        ensure!(
            refused.status == 403 && refused.code() == "owner_only",
            "{}",
            refused.text
        );
    }
    let mut elsewhere = office.owner.clone();
    elsewhere.origin = Some("https://evil.example".to_owned());
    let refused = elsewhere.put(PATH, &json!({ "on": true })).await?;
    ensure!(refused.code() == "forbidden_origin", "{}", refused.text);
    for body in [
        json!({}),
        json!({ "on": null }),
        json!({ "on": "true" }),
        json!({ "on": 1 }),
    ] {
        let refused = office.owner.put(PATH, &body).await?;
        ensure!(
            refused.status == 422 && refused.fields() == ["on"],
            "{body}: {}",
            refused.text
        );
    }
    let refused = office.owner.put(PATH, &json!([true])).await?;
    ensure!(refused.status == 400, "{}", refused.text);
    let nobodys = format!("{PATH}?site=nobody");
    for answer in [
        office.owner.get(&nobodys).await?,
        office.owner.put(&nobodys, &json!({ "on": true })).await?,
    ] {
        ensure!(answer.status == 404, "{}", answer.text);
    }
    Ok(())
}

/// They are saved with the settings, and nothing that an owner switched depends on them.
async fn limits_are_another_matter(office: &Office, on: &Value) -> anyhow::Result<()> {
    for limits in [
        json!({ "minutes_a_day": 1, "tokens_a_day": 1_000_000_000 }),
        json!({ "minutes_a_day": 100_000, "tokens_a_day": null }),
        json!({ "minutes_a_day": null, "tokens_a_day": null }),
    ] {
        let saved = office
            .save(|business| business["limits"] = limits.clone())
            .await?;
        ensure!(saved.status == 200, "{}", saved.text);
        let shown = office.get("/api/settings").await?;
        ensure!(shown["business"]["limits"] == limits, "{shown}");
        ensure!(office.get(PATH).await? == *on);
    }
    Ok(())
}
