//! The settings: who may save them, what is refused by which field, and what a save changes at once.

mod fields;

use anyhow::{Context, ensure};
use front_desk::Weekday;
use front_desk::zone::plus_days;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tests::dashboard::Answer;
use tests::figures::show;

use crate::{Office, ahead};

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_saved_whole_by_an_owner_or_not_at_all() -> anyhow::Result<()> {
    let office = Office::open("{}").await?;
    a_business_with_everything(&office).await?;
    fields::every_field_is_refused_by_its_name(&office).await?;
    versions(&office).await?;
    retention(&office).await?;
    a_viewer_looks_on(&office).await?;
    hours_hold_at_once(&office).await
}

/// What the settings are, as a form to send back.
async fn form(office: &Office) -> anyhow::Result<Value> {
    let shown = office.get("/api/settings").await?;
    Ok(json!({ "version": shown["version"], "business": shown["business"] }))
}

/// Hours on every day, and a day that differs: nothing is left out.
async fn a_business_with_everything(office: &Office) -> anyhow::Result<()> {
    let saved = office
        .save(|business| {
            for day in ["saturday", "sunday"] {
                business["hours"][day] = json!([{ "from": "10:00", "to": "12:00" }, { "from": "13:00", "to": "24:00" }]);
            }
            business["hours"]["exceptions"] = json!([
                { "date": "2030-12-24", "open": [{ "from": "09:00", "to": "12:00" }], "reason": "Christmas Eve" }
            ]);
        })
        .await?;
    ensure!(
        saved.status == 200 && saved.json()["version"] == 2,
        "{}",
        saved.text
    );
    let shown = office.get("/api/settings").await?;
    ensure!(shown == saved.json(), "{shown}");
    Ok(())
}

fn ensure_stale(answer: &Answer) -> anyhow::Result<()> {
    ensure!(
        answer.status == 409 && answer.code() == "stale",
        "{}",
        answer.text
    );
    Ok(())
}

async fn versions(office: &Office) -> anyhow::Result<()> {
    let loaded = form(office).await?;
    let version = loaded["version"].as_i64().context("no version")?;
    let with = |version: Value| json!({ "version": version, "business": loaded["business"] });
    for version in [
        json!(null),
        json!("2"),
        json!(-1),
        json!(2.5),
        json!([2]),
        json!(i64::MAX),
    ] {
        let answer = office.owner.put("/api/settings", &with(version)).await?;
        ensure!(
            answer.status == 422 && answer.fields() == ["version"],
            "{}",
            answer.text
        );
    }
    for other in [0, version - 1, version + 1, 1 << 50] {
        ensure_stale(
            &office
                .owner
                .put("/api/settings", &with(json!(other)))
                .await?,
        )?;
    }
    // Two pages have loaded the same; the first to save has saved.
    let mut first = loaded.clone();
    first["business"]["agent"]["tone"] = json!("first");
    let mut second = loaded.clone();
    second["business"]["agent"]["tone"] = json!("second");
    second["business"]["services"] = json!([]);
    let saved = office.owner.put("/api/settings", &first).await?;
    ensure!(
        saved.status == 200 && saved.json()["version"] == version + 1,
        "{}",
        saved.text
    );
    ensure_stale(&office.owner.put("/api/settings", &second).await?)?;
    let now = form(office).await?;
    ensure!(now["business"] == first["business"], "{now}");

    // Twenty at once.
    let forms: Vec<Value> = (0..20)
        .map(|n| {
            let mut form = now.clone();
            form["business"]["agent"]["tone"] = json!(format!("page {n}"));
            form["business"]["services"][0]["price"] = json!(n);
            form
        })
        .collect();
    let answers = try_join_all(
        forms
            .iter()
            .map(|form| office.owner.put("/api/settings", form)),
    )
    .await?;
    let saved: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    show(format_args!(
        "of {} saves at once {} are saved",
        answers.len(),
        saved.len()
    ));
    ensure!(saved.len() == 1, "{} were saved", saved.len());
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        ensure_stale(answer)?;
    }
    ensure!(
        office.get("/api/settings").await? == saved[0].json(),
        "a mixture was saved"
    );
    let audited = office
        .number("SELECT count(*) FROM audit WHERE action = 'settings.save' AND subject = ?1")
        .await?;
    ensure!(
        audited == version + 1,
        "{audited} saves in the audit, version {}",
        version + 2
    );
    Ok(())
}

async fn retention(office: &Office) -> anyhow::Result<()> {
    let put = async |days: Value| {
        let mut form = form(office).await?;
        form["retention_days"] = days;
        office.owner.put("/api/settings", &form).await
    };
    for days in [
        json!(0),
        json!(3_651),
        json!(-1),
        json!(1.5),
        json!("30"),
        json!(4_294_967_297_u64),
        json!([]),
    ] {
        let answer = put(days.clone()).await?;
        ensure!(
            answer.status == 422 && answer.fields() == ["retention_days"],
            "{days}: {}",
            answer.text
        );
    }
    for days in [json!(1), json!(3_650), json!(null), json!(365)] {
        let answer = put(days.clone()).await?;
        ensure!(
            answer.status == 200 && answer.json()["retention_days"] == days,
            "{}",
            answer.text
        );
        // What is not spoken of stays.
        let saved = office.save(|_| ()).await?;
        ensure!(saved.json()["retention_days"] == days, "{}", saved.text);
        ensure!(
            office.get("/api/settings").await?["retention_days"] == days,
            "{days}"
        );
    }
    // What is refused is refused as a whole, and what is stale, too.
    let stale =
        json!({ "version": 1, "business": form(office).await?["business"], "retention_days": 7 });
    ensure_stale(&office.owner.put("/api/settings", &stale).await?)?;
    ensure!(
        office.get("/api/settings").await?["retention_days"] == 365,
        "a stale form was saved"
    );
    Ok(())
}

async fn a_viewer_looks_on(office: &Office) -> anyhow::Result<()> {
    let viewer = office.owner.viewer().await?;
    let shown = viewer.get("/api/settings").await?;
    ensure!(
        shown.status == 200 && shown.json() == office.get("/api/settings").await?,
        "{}",
        shown.text
    );
    let form = form(office).await?;
    let answer = viewer.put("/api/settings", &form).await?;
    ensure!(
        answer.status == 403 && answer.code() == "owner_only",
        "{}",
        answer.text
    );
    ensure!(
        self::form(office).await? == form,
        "a viewer changed something"
    );
    Ok(())
}

/// What was saved holds for whoever asks next.
async fn hours_hold_at_once(office: &Office) -> anyhow::Result<()> {
    let day = ahead(Weekday::Wednesday)?;
    let ask = async |time: &str| office.ask_for("check-up", (day, time), "Ann Lee").await;
    let refused = async |time: &str, field: &str| {
        let answer = ask(time).await?;
        ensure!(
            answer.status == 422 && answer.fields() == [field],
            "{time}: {}",
            answer.text
        );
        anyhow::Ok(())
    };
    let taken = async |time: &str| {
        let answer = ask(time).await?;
        ensure!(answer.status == 201, "{time}: {}", answer.text);
        anyhow::Ok(())
    };
    let open = |hours: Value| {
        office.save(move |business| {
            business["hours"]["wednesday"] = hours;
            business["hours"]["exceptions"] = json!([]);
        })
    };
    taken("15:00").await?;
    open(json!([{ "from": "09:00", "to": "12:00" }, { "from": "14:00", "to": "15:00" }])).await?;
    for time in [
        "08:30", "11:31", "12:00", "13:59", "14:45", "15:30", "23:59",
    ] {
        refused(time, "time").await?;
    }
    taken("11:30").await?;
    taken("14:30").await?;
    open(json!([])).await?;
    refused("10:00", "day").await?;
    open(json!([{ "from": "00:00", "to": "24:00" }])).await?;
    taken("23:30").await?;
    refused("23:31", "time").await?;
    // A day that differs, and the same weekday a week later.
    let saved = office
        .save(|business| {
            business["hours"]["exceptions"] = json!([{ "date": day, "open": [], "reason": "Away" }])
        })
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    refused("10:00", "day").await?;
    office
        .book("check-up", (plus_days(day, 7), "10:00"), "Ann Lee")
        .await?;
    // The staff may, if they say so.
    let form = json!({ "service": "check-up", "day": day, "time": "10:00", "name": "Ann Lee", "outside_hours": true });
    let answer = office.owner.post("/api/bookings", &form).await?;
    ensure!(answer.status == 201, "{}", answer.text);
    // A service that is not offered any more, and one whose length changed.
    let saved = office
        .save(|business| {
            business["hours"]["exceptions"] = json!([]);
            business["services"] =
                json!([{ "id": "cleaning", "name": "cleaning", "minutes": 120, "price": 1 }]);
        })
        .await?;
    ensure!(saved.status == 200, "{}", saved.text);
    refused("16:00", "service").await?;
    let next = plus_days(day, 7);
    let long = office.book("cleaning", (next, "12:00"), "Ann Lee").await?;
    ensure!(
        long["ends"]["time"] == "14:00" && long["price"]["minor"] == 1,
        "{long}"
    );
    let answer = office
        .ask_for("cleaning", (next, "13:59"), "Ben Orr")
        .await?;
    ensure!(answer.code() == "taken", "{}", answer.text);
    Ok(())
}
