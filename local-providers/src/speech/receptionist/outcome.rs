//! What came of a tool, as the worker tells it.

use serde::Deserialize;

use super::spoken::{Date, Time};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Outcome {
    ok: Option<bool>,
    error: Option<String>,
    pub(crate) why: Option<String>,
    /// The argument that could not be used.
    pub(crate) field: Option<String>,
    date: Option<String>,
    slots: Option<Vec<String>>,
    next: Option<Next>,
    pub(crate) say: String,
}

/// Free times of another day, or of the same after a refusal.
#[derive(Clone, Debug, Deserialize)]
struct Next {
    date: String,
    slots: Vec<String>,
}

impl Outcome {
    /// A result that is none of ours says nothing, which is a failure.
    pub(crate) fn of(result: &str) -> Self {
        serde_json::from_str(result).unwrap_or_else(|_unreadable| Self {
            ok: Some(false),
            ..Self::default()
        })
    }

    pub(crate) fn is_done(&self) -> bool {
        self.ok.unwrap_or_else(|| self.error.is_none())
    }

    /// Nobody waited for it: whether it was done is not told.
    pub(crate) fn is_unknown(&self) -> bool {
        self.error.as_deref() == Some("not known yet")
    }

    pub(crate) fn is_because(&self, why: &str) -> bool {
        self.why.as_deref() == Some(why)
    }

    /// The times that are free, and their day if it is told: those that were asked for, or else the next ones.
    pub(crate) fn free(&self) -> Option<(Option<Date>, Vec<Time>)> {
        let asked = self.slots.as_ref().map(|slots| (&self.date, slots));
        let asked = asked.map(|(date, slots)| (date.as_deref(), slots));
        let next = self
            .next
            .as_ref()
            .map(|next| (Some(next.date.as_str()), &next.slots));
        let (date, slots) = [asked, next]
            .into_iter()
            .flatten()
            .find(|(_, slots)| !slots.is_empty())?;
        let times = slots.iter().filter_map(|slot| Time::parse(slot)).collect();
        Some((date.and_then(Date::parse), times))
    }

    /// Its reason, as she says it.
    pub(crate) fn regret(&self) -> String {
        match self.why.as_deref() {
            None | Some("failed") => return "I'm sorry, that did not work.".to_owned(),
            Some("phone_missing") => {
                return "I'm sorry, without that number I cannot change it.".to_owned();
            }
            Some(_) => {}
        }
        let mut letters = self.say.chars();
        let Some(first) = letters.next() else {
            return "I'm sorry, that did not work.".to_owned();
        };
        let say = format!("{}{}", first.to_lowercase(), letters.as_str());
        let lead = if say.starts_with("closed ") || say.starts_with("open ") {
            "we are "
        } else {
            ""
        };
        format!("I'm sorry, {lead}{say}")
    }

    /// Of `Moved: cleaning on Friday, November 27 at 3 pm for Ada Lovelace.` what it is about.
    pub(crate) fn subject(&self) -> Option<&str> {
        let (_, told) = self.say.split_once(": ")?;
        told.rsplit_once(" for ").map(|(subject, _)| subject)
    }

    /// Of `Ask which one: … or ….` the appointments.
    pub(crate) fn several(&self) -> &str {
        let said = self.say.trim_end_matches('.');
        ["Ask which one: ", "There is none then, but there is "]
            .iter()
            .find_map(|lead| said.strip_prefix(lead))
            .unwrap_or(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_worker_tells() {
        let free = Outcome::of(
            r#"{"ok":true,"date":"2026-11-24","slots":["09:00","14:30"],"say":"Free."}"#,
        );
        assert!(free.is_done());
        let (date, times) = free.free().expect("free times");
        assert_eq!(
            date.map(|date| date.to_string()).as_deref(),
            Some("2026-11-24")
        );
        assert_eq!(times.len(), 2);

        let closed = Outcome::of(
            r#"{"ok":true,"why":"closed_day","slots":[],"next":{"date":"2026-11-30","slots":["09:00"]},"say":"Closed on Saturday, November 28."}"#,
        );
        assert!(closed.is_because("closed_day"));
        assert_eq!(
            closed.regret(),
            "I'm sorry, we are closed on Saturday, November 28."
        );
        assert_eq!(closed.free().map(|(_, times)| times.len()), Some(1));

        assert!(!Outcome::of("the calendar is down").is_done());
        assert!(!Outcome::of(r#"{"error":"down"}"#).is_done());
        assert!(Outcome::of(r#"{"ok":false,"error":"not known yet"}"#).is_unknown());
    }
}
