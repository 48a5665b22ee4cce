//! Every field of the settings with what cannot be in it.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::figures::show;

use super::form;
use crate::Office;

/// Where a value is, what cannot be there, and the field that is named.
type Bad = (&'static str, Value, &'static str);

fn bad_values() -> Vec<Bad> {
    let mut all: Vec<Bad> = vec![
        ("/id", json!("another"), "id"),
        ("/id", json!(null), "id"),
        ("/id", json!("Demo Dental"), "id"),
        ("/id", json!("../x"), "id"),
        ("/name", json!(""), "name"),
        ("/name", json!(7), "name"),
        ("/name", json!(null), "name"),
        ("/kind", json!(["a"]), "kind"),
        ("/kind", json!("é".repeat(81)), "kind"),
        ("/zone", json!("Mars/Olympus"), "zone"),
        ("/zone", json!(""), "zone"),
        ("/zone", json!(-5), "zone"),
        ("/zone", json!("../etc/passwd"), "zone"),
        ("/country", json!("USA"), "country"),
        ("/country", json!("U1"), "country"),
        ("/country", json!(null), "country"),
        ("/currency", json!("$"), "currency"),
        ("/currency", json!("EURO"), "currency"),
        ("/currency", json!(840), "currency"),
        ("/services", json!("none"), "services"),
        ("/services", json!(null), "services"),
        ("/services/0", json!(null), "services[0]"),
        ("/services/0/id", json!("Check Up"), "services[0].id"),
        ("/services/0/id", json!("a".repeat(65)), "services[0].id"),
        ("/services/1/id", json!("check-up"), "services[1].id"),
        ("/services/0/name", json!(""), "services[0].name"),
        ("/services/0/name", json!("cut, colour"), "services[0].name"),
        ("/services/1/name", json!("Check-ups"), "services[1].name"),
        ("/services/0/minutes", json!(0), "services[0].minutes"),
        ("/services/0/minutes", json!(4), "services[0].minutes"),
        ("/services/0/minutes", json!(721), "services[0].minutes"),
        ("/services/0/minutes", json!(-30), "services[0].minutes"),
        ("/services/0/minutes", json!(65_566), "services[0].minutes"),
        ("/services/0/minutes", json!("30"), "services[0].minutes"),
        ("/services/0/minutes", json!(30.5), "services[0].minutes"),
        ("/services/0/price", json!(-1), "services[0].price"),
        ("/services/0/price", json!(100_000_001), "services[0].price"),
        ("/services/0/price", json!(1e30), "services[0].price"),
        ("/services/0/price", json!(u64::MAX), "services[0].price"),
        ("/services/0/price", json!("60.50"), "services[0].price"),
        ("/hours", json!(null), "hours"),
        ("/hours", json!([]), "hours"),
        ("/hours/exceptions", json!({}), "hours.exceptions"),
        (
            "/hours/exceptions/0",
            json!("2030-12-24"),
            "hours.exceptions[0]",
        ),
        (
            "/hours/exceptions/0/date",
            json!("24.12.2030"),
            "hours.exceptions[0].date",
        ),
        (
            "/hours/exceptions/0/date",
            json!("2030-02-30"),
            "hours.exceptions[0].date",
        ),
        (
            "/hours/exceptions/0/date",
            json!("-000001-12-24"),
            "hours.exceptions[0].date",
        ),
        (
            "/hours/exceptions/0/date",
            json!("2030-12-24T10:00"),
            "hours.exceptions[0].date",
        ),
        (
            "/hours/exceptions/0/date",
            json!(null),
            "hours.exceptions[0].date",
        ),
        (
            "/hours/exceptions/0/open",
            json!("all day"),
            "hours.exceptions[0].open",
        ),
        (
            "/hours/exceptions/0/open/0/from",
            json!("9"),
            "hours.exceptions[0].open[0].from",
        ),
        (
            "/hours/exceptions/0/open/0/to",
            json!("24:01"),
            "hours.exceptions[0].open[0].to",
        ),
        (
            "/hours/exceptions/0/open/0/to",
            json!("09:00"),
            "hours.exceptions[0].open[0].to",
        ),
        (
            "/hours/exceptions/0/reason",
            json!("x".repeat(81)),
            "hours.exceptions[0].reason",
        ),
        ("/policies", json!(null), "policies"),
        (
            "/policies/lead_minutes",
            json!(40_321),
            "policies.lead_minutes",
        ),
        ("/policies/lead_minutes", json!(-1), "policies.lead_minutes"),
        ("/policies/horizon_days", json!(0), "policies.horizon_days"),
        (
            "/policies/horizon_days",
            json!(366),
            "policies.horizon_days",
        ),
        ("/policies/step_minutes", json!(4), "policies.step_minutes"),
        (
            "/policies/step_minutes",
            json!(241),
            "policies.step_minutes",
        ),
        (
            "/policies/step_minutes",
            json!(null),
            "policies.step_minutes",
        ),
        ("/agent", json!("Voxanne"), "agent"),
        ("/agent/name", json!(" "), "agent.name"),
        ("/agent/greeting", json!(""), "agent.greeting"),
        ("/agent/greeting", json!("x".repeat(401)), "agent.greeting"),
        (
            "/agent/greeting_protected",
            json!("yes"),
            "agent.greeting_protected",
        ),
        (
            "/agent/greeting_protected",
            json!(1),
            "agent.greeting_protected",
        ),
        ("/agent/tone", json!("x".repeat(201)), "agent.tone"),
        ("/agent/notes", json!("x".repeat(4_001)), "agent.notes"),
        ("/agent/notes", json!(false), "agent.notes"),
        (
            "/agent/transfer_number",
            json!("0143"),
            "agent.transfer_number",
        ),
        (
            "/agent/transfer_number",
            json!("call me"),
            "agent.transfer_number",
        ),
        (
            "/agent/transfer_number",
            json!("+1 202 555 0143 0143 0143"),
            "agent.transfer_number",
        ),
        ("/limits", json!(60), "limits"),
        ("/limits/minutes_a_day", json!(0), "limits.minutes_a_day"),
        (
            "/limits/minutes_a_day",
            json!(100_001),
            "limits.minutes_a_day",
        ),
        ("/limits/minutes_a_day", json!(-60), "limits.minutes_a_day"),
        ("/limits/minutes_a_day", json!("60"), "limits.minutes_a_day"),
        ("/limits/minutes_a_day", json!(1.5), "limits.minutes_a_day"),
        ("/limits/tokens_a_day", json!(0), "limits.tokens_a_day"),
        (
            "/limits/tokens_a_day",
            json!(1_000_000_001),
            "limits.tokens_a_day",
        ),
        (
            "/limits/tokens_a_day",
            json!(u64::MAX),
            "limits.tokens_a_day",
        ),
        ("/limits/tokens_a_day", json!(true), "limits.tokens_a_day"),
        ("/extra", json!(1), "extra"),
        ("/services/0/extra", json!(1), "services[0].extra"),
        ("/hours/extra", json!(1), "hours.extra"),
        ("/hours/monday/0/extra", json!(1), "hours.monday[0].extra"),
        ("/policies/extra", json!(1), "policies.extra"),
        ("/agent/extra", json!(1), "agent.extra"),
        ("/limits/extra", json!(1), "limits.extra"),
    ];
    for (from, to, day) in [
        (
            "/hours/monday/0/from",
            "/hours/monday/0/to",
            "hours.monday[0]",
        ),
        (
            "/hours/tuesday/0/from",
            "/hours/tuesday/0/to",
            "hours.tuesday[0]",
        ),
        (
            "/hours/wednesday/0/from",
            "/hours/wednesday/0/to",
            "hours.wednesday[0]",
        ),
        (
            "/hours/thursday/0/from",
            "/hours/thursday/0/to",
            "hours.thursday[0]",
        ),
        (
            "/hours/friday/0/from",
            "/hours/friday/0/to",
            "hours.friday[0]",
        ),
        (
            "/hours/saturday/0/from",
            "/hours/saturday/0/to",
            "hours.saturday[0]",
        ),
        (
            "/hours/sunday/0/from",
            "/hours/sunday/0/to",
            "hours.sunday[0]",
        ),
    ] {
        let field = |name: &str| -> &'static str { format!("{day}.{name}").leak() };
        all.push((from, json!("25:00"), field("from")));
        all.push((from, json!(null), field("from")));
        all.push((to, json!("noon"), field("to")));
        all.push((to, json!("08:00"), field("to")));
    }
    // The second of a day begins before the first is over.
    all.push((
        "/hours/sunday/1/from",
        json!("11:00"),
        "hours.sunday[1].from",
    ));
    all
}

/// The places of all values of a document; of a list, those of its first.
fn places(value: &Value, at: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                places(first, &format!("{at}/0"), all);
            }
        }
        _ => {
            all.insert(at.to_owned());
        }
    }
}

pub(super) async fn every_field_is_refused_by_its_name(office: &Office) -> anyhow::Result<()> {
    let good = form(office).await?;
    let table = bad_values();
    let mut fields = BTreeSet::new();
    places(&good["business"], "", &mut fields);
    let tried: BTreeSet<String> = table
        .iter()
        .map(|(place, ..)| (*place).to_owned())
        .collect();
    let forgotten: Vec<&String> = fields.difference(&tried).collect();
    ensure!(
        forgotten.is_empty(),
        "no bad value is tried for {forgotten:?}"
    );
    for (place, value, field) in &table {
        let mut form = good.clone();
        let (object, name) = place.rsplit_once('/').context("no place")?;
        let object = form["business"]
            .pointer_mut(object)
            .context("no such place")?;
        match (object, name.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items[index] = value.clone(),
            (object, _) => object[name] = value.clone(),
        }
        let answer = office.owner.put("/api/settings", &form).await?;
        let named = [format!("business.{field}")];
        ensure!(
            answer.status == 422 && answer.code() == "invalid" && answer.fields() == named,
            "{place} {value:.60}: {}",
            answer.text
        );
        let why = answer.json()["errors"][0]["why"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let value: String = value.to_string().chars().take(40).collect();
        show(format_args!("{field} {value}: {why}"));
    }
    let mut form = good.clone();
    form["business"]["name"] = json!("");
    form["business"]["agent"]["tone"] = json!(1);
    form["business"]["services"][2]["price"] = json!(-1);
    let answer = office.owner.put("/api/settings", &form).await?;
    let told: BTreeSet<String> = answer.fields().into_iter().collect();
    let all = [
        "business.agent.tone",
        "business.name",
        "business.services[2].price",
    ];
    ensure!(told == all.map(str::to_owned).into(), "{}", answer.text);
    ensure!(
        super::form(office).await? == good,
        "a refused form changed something"
    );
    Ok(())
}
