//! A calendar feed as a calendar program reads it: parsed by ical.js, which is none of ours.

use anyhow::ensure;
use serde::Deserialize;
use serde_json::json;

use crate::node;

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Calendar {
    /// `X-WR-CALNAME`: what programs call it.
    pub name: String,
    /// The names of its own properties, in order.
    pub properties: Vec<String>,
    /// The kinds of what is in it besides events.
    pub others: Vec<String>,
    pub events: Vec<Event>,
}

/// A `VEVENT`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    pub uid: String,
    pub summary: String,
    pub description: String,
    /// UTC, in milliseconds since 1970.
    pub starts_at: i64,
    pub ends_at: i64,
    /// `CONFIRMED`, `CANCELLED`.
    pub status: String,
    pub sequence: u32,
    /// The names of all its properties, in order.
    pub properties: Vec<String>,
    /// Kinds of what is in it, such as an alarm.
    pub others: Vec<String>,
}

/// Reads a feed of one calendar. An error if it is none.
pub async fn calendar(text: &str) -> anyhow::Result<Calendar> {
    ensure!(
        text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"),
        "no calendar: {text:.200}"
    );
    Ok(serde_json::from_value(node::run(READER, text).await?)?)
}

/// The events of a feed, in its order.
pub async fn events(text: &str) -> anyhow::Result<Vec<Event>> {
    Ok(calendar(text).await?.events)
}

/// What clocks in a zone show at some instants, by a database of zones that is none of ours: `2026-11-24 09:30`.
pub async fn wall_clock(zone: &str, instants: &[i64]) -> anyhow::Result<Vec<String>> {
    let input = json!({ "zone": zone, "instants": instants });
    Ok(serde_json::from_value(
        node::run(CLOCK, &input.to_string()).await?,
    )?)
}

/// Instants go through the parser's own time zones; the properties' names come from what was parsed, so that one that was smuggled in
/// shows.
const READER: &str = "
import ICAL from 'ical.js';
let text = '';
process.stdin.setEncoding('utf8');
for await (const part of process.stdin) text += part;
// An unknown property is a text (RFC 5545, 3.8.8.2).
ICAL.design.icalendar.property['x-wr-calname'] = { defaultType: 'text' };
const parsed = ICAL.parse(text);
if (parsed[0] !== 'vcalendar') throw new Error('not one calendar');
const root = new ICAL.Component(parsed);
const names = (component) => component.getAllProperties().map((property) => property.name);
const kinds = (component) => component.getAllSubcomponents().map((inner) => inner.name);
const event = (component) => {
    const value = (name) => component.getFirstPropertyValue(name);
    return {
        uid: value('uid'),
        summary: value('summary'),
        description: value('description'),
        starts_at: value('dtstart').toJSDate().getTime(),
        ends_at: value('dtend').toJSDate().getTime(),
        status: value('status'),
        sequence: value('sequence'),
        properties: names(component),
        others: kinds(component),
    };
};
process.stdout.write(JSON.stringify({
    name: root.getFirstPropertyValue('x-wr-calname'),
    properties: names(root),
    others: kinds(root).filter((kind) => kind !== 'vevent'),
    events: root.getAllSubcomponents('vevent').map(event),
}));
";

/// ICU has a database of its own.
const CLOCK: &str = "
import { readFileSync } from 'node:fs';
const { zone, instants } = JSON.parse(readFileSync(0, 'utf8'));
const fields = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' };
const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields });
const shown = instants.map((instant) => {
    const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
    return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
});
process.stdout.write(JSON.stringify(shown));
";

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(lines: &[&str]) -> String {
        let whole = [
            &["BEGIN:VCALENDAR", "VERSION:2.0", "X-WR-CALNAME:a\\, b"],
            lines,
            &["END:VCALENDAR", ""],
        ];
        whole.concat().join("\r\n")
    }

    #[tokio::test]
    async fn a_feed_is_read() -> anyhow::Result<()> {
        let event = [
            "BEGIN:VEVENT",
            "UID:1@x",
            "SUMMARY:cut\\; Ann",
            "  Lee",
            "DESCRIPTION:one\\ntwo",
            "DTSTART:20261124T150000Z",
            "DTEND:20261124T154500Z",
            "STATUS:CONFIRMED",
            "SEQUENCE:2",
            "END:VEVENT",
        ];
        let calendar = calendar(&feed(&event)).await?;
        assert_eq!(calendar.name, "a, b");
        assert_eq!(calendar.properties, ["version", "x-wr-calname"]);
        assert_eq!(calendar.events.len(), 1);
        let event = &calendar.events[0];
        assert_eq!(
            (event.summary.as_str(), event.description.as_str()),
            ("cut; Ann Lee", "one\ntwo")
        );
        assert_eq!(
            (event.starts_at, event.ends_at, event.sequence),
            (1_795_532_400_000, 1_795_535_100_000, 2)
        );
        Ok(())
    }

    #[tokio::test]
    async fn clocks_change() -> anyhow::Result<()> {
        let noon = 1_795_608_000_000;
        let shown = wall_clock("America/New_York", &[noon, noon + 150 * 86_400_000]).await?;
        assert_eq!(shown, ["2026-11-25 07:00", "2027-04-24 08:00"]);
        Ok(())
    }

    #[tokio::test]
    async fn what_is_no_feed_is_refused() {
        for lines in [
            &["nothing"][..],
            &["BEGIN:VEVENT"],
            &["BEGIN:VEVENT", "UID:1", "END:VEVENT"],
        ] {
            assert!(calendar(&feed(lines)).await.is_err(), "{lines:?}");
        }
        assert!(calendar(&feed(&[]).repeat(2)).await.is_err());
        assert!(calendar("").await.is_err());
    }
}
