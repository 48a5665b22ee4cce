//! A caller who wants to be forgotten.

use anyhow::ensure;
use front_desk::Weekday;
use serde_json::{Value, json};
use tests::figures::show;

use super::{NAME, NUMBER};
use crate::{Office, ahead};

/// Where in the database a text is, wherever a text can be.
fn traces(text: &str) -> String {
    let counts = [
        ("calls", "id || ifnull(caller, '') || ifnull(name, '')"),
        ("turns", "caller_text || agent_heard || agent_unheard"),
        ("tool_runs", "arguments || ifnull(result, '')"),
        (
            "bookings",
            "id || request_key || name || ifnull(phone, '') || note",
        ),
        (
            "messages",
            "id || request_key || name || ifnull(phone, '') || text",
        ),
        ("audit", "subject || detail"),
    ]
    .map(|(table, columns)| {
        format!("(SELECT count(*) FROM {table} WHERE instr({columns}, '{text}'))")
    });
    format!("SELECT {} WHERE ?1 = ?1", counts.join(" + "))
}

pub(super) async fn a_caller_is_forgotten(office: &Office) -> anyhow::Result<()> {
    // The staff booked for the same caller, and for somebody else.
    let day = ahead(Weekday::Friday)?;
    for (time, phone, name) in [
        ("10:00", NUMBER, NAME),
        ("11:00", "+12025550177", "Ann Lee"),
    ] {
        let form = json!({ "service": "check-up", "day": day, "time": time, "name": name, "phone": phone, "note": format!("{name} is afraid") });
        let booked = office.owner.post("/api/bookings", &form).await?;
        ensure!(booked.status == 201, "{}", booked.text);
    }
    let call = office
        .get(&format!("/api/calls?number={}", NUMBER.replace('+', "%2B")))
        .await?["calls"][0]
        .clone();
    let call = format!("/api/calls/{}", call["id"].as_str().unwrap_or_default());
    ensure!(office.owner.get(&call).await?.status == 200, "no call");
    let digits = NUMBER.trim_start_matches('+');
    let left = [
        office.number(&traces(digits)).await?,
        office.number(&traces(NAME)).await?,
    ];
    ensure!(left.iter().all(|left| *left > 2), "{left:?}");
    let before = office.get("/api/metrics").await?;

    let viewer = office.owner.viewer().await?;
    let path = format!("/api/callers/{NUMBER}");
    let refused = viewer.delete(&path).await?;
    ensure!(
        refused.status == 403 && refused.code() == "owner_only",
        "{}",
        refused.text
    );
    let stranger = office.owner.delete("/api/callers/+12025550100").await?;
    let nothing = json!({ "calls": 0, "messages": 0, "bookings": 0 });
    ensure!(
        stranger.status == 200 && stranger.json() == nothing,
        "{}",
        stranger.text
    );

    let erased = office.owner.delete(&path).await?;
    show(format_args!("of {NUMBER}: {}", erased.text));
    ensure!(
        erased.json() == json!({ "calls": 1, "messages": 1, "bookings": 2 }),
        "{}",
        erased.text
    );
    let left = [
        office.number(&traces(digits)).await?,
        office.number(&traces(NAME)).await?,
    ];
    ensure!(left == [0, 0], "still there: {left:?}");
    ensure!(
        office.owner.get(&call).await?.status == 404,
        "the call is still there"
    );
    let orphans = office
        .number("SELECT (SELECT count(*) FROM turns WHERE call_id NOT IN (SELECT id FROM calls)) \
             + (SELECT count(*) FROM tool_runs WHERE call_id NOT IN (SELECT id FROM calls)) WHERE ?1 = ?1")
        .await?;
    ensure!(orphans == 0, "{orphans} turns and tool runs of no call");

    let list = office
        .get(&format!("/api/bookings?from={0}&to={0}", day))
        .await?;
    let bookings = crate::bookings(&list);
    let of = |id: usize| {
        (
            &bookings[id]["name"],
            &bookings[id]["phone"],
            &bookings[id]["note"],
            &bookings[id]["status"],
        )
    };
    ensure!(
        of(0) == (&json!(""), &Value::Null, &json!(""), &json!("cancelled")),
        "{}",
        bookings[0]
    );
    ensure!(
        of(1)
            == (
                &json!("Ann Lee"),
                &json!("+12025550177"),
                &json!("Ann Lee is afraid"),
                &json!("booked")
            ),
        "{}",
        bookings[1]
    );
    // There is nobody left for whom it could be restored.
    let id = bookings[0]["id"].as_str().unwrap_or_default();
    let restored = office
        .owner
        .post(&format!("/api/bookings/{id}/restore"), &json!({}))
        .await?;
    ensure!(restored.json()["status"] != "booked", "{}", restored.text);
    let events = office.feed().await?.events;
    ensure!(
        !events.is_empty()
            && events
                .iter()
                .all(|event| !event.summary.contains(NAME) && !event.description.contains(digits)),
        "{events:?}"
    );

    figures_stay(office, &before).await?;
    let audited = office
        .rows("SELECT count(*) AS times, max(length(subject)) AS told FROM audit WHERE action = 'caller.erase' AND ?1 = ?1")
        .await?;
    // One in the list's own test, one of a stranger, this one.
    ensure!(audited == [json!({ "times": 3, "told": 0 })], "{audited:?}");
    let again = office.owner.delete(&path).await?;
    ensure!(again.json() == nothing, "{}", again.text);
    Ok(())
}

/// All but what was cancelled.
async fn figures_stay(office: &Office, before: &Value) -> anyhow::Result<()> {
    let after = office.get("/api/metrics").await?;
    let mut expected = before["current"].clone();
    let less = |value: &Value, by: i64| json!(value.as_i64().unwrap_or_default() - by);
    expected["bookings"] = less(&expected["bookings"], 1);
    expected["staff_bookings"] = less(&expected["staff_bookings"], 1);
    for (field, price) in [("revenue", 9_000), ("staff_revenue", 6_000)] {
        let minor = expected[field]["minor"].as_i64().unwrap_or_default() - price;
        ensure!(minor % 100 == 0, "{minor}");
        expected[field] =
            json!({ "minor": minor, "amount": (minor / 100).to_string(), "currency": "USD" });
    }
    ensure!(
        after["current"] == expected,
        "{} instead of {expected}",
        after["current"]
    );
    show(format_args!(
        "the figures stay: {} calls, {} turns",
        expected["calls"], expected["turns"]
    ));
    Ok(())
}
