//! What callers left for the business, and whether somebody has seen to it.

use worker::Method;

use super::query;
use super::show::Show;
use super::types::Messages;
use super::whose::{Whose, json};
use super::{Answer, Ask, Guard, Route, now};
use crate::store::message::{self, Message};

pub(in crate::routes) const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/api/messages", Guard::Viewer, |ask| {
        Box::pin(list(ask))
    }),
    Route::new(
        Method::Post,
        "/api/messages/{id}/done",
        Guard::Owner,
        |ask| Box::pin(mark(ask, true)),
    ),
    Route::new(
        Method::Post,
        "/api/messages/{id}/undone",
        Guard::Owner,
        |ask| Box::pin(mark(ask, false)),
    ),
];

/// `state`, `cursor`, `limit`.
async fn list(ask: Ask) -> Answer {
    let mut form = query::fields(&ask)?;
    let which = form.optional("state", state).unwrap_or_default();
    let cursor = form.optional("cursor", query::cursor);
    let limit = form.optional("limit", query::limit).unwrap_or(query::ROWS);
    form.finish(Some(()))?;
    let whose = Whose::of(&ask).await?;
    let only_waiting = which == Which::Waiting;
    let page = message::list(&whose.db, whose.id(), only_waiting, cursor.as_ref(), limit).await?;
    let show = Show(whose.business());
    let rows = page.rows.into_iter().filter(|row| which.has(row));
    json(&Messages {
        site: show.site(&whose.site),
        messages: rows.map(|row| show.message(row)).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

/// Which messages are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    All,
    /// Those that somebody has seen to. They are few beside the others of a page, which may have fewer rows for it.
    Done,
    Waiting,
}

impl Which {
    fn has(self, message: &Message) -> bool {
        match self {
            Self::All => true,
            Self::Done => message.done_at.is_some(),
            Self::Waiting => message.done_at.is_none(),
        }
    }
}

async fn mark(ask: Ask, done: bool) -> Answer {
    let whose = Whose::of(&ask).await?;
    let (id, at) = (ask.parameter("id"), done.then(now));
    let message = message::mark(&whose.db, whose.id(), id, at).await?;
    let action = if done {
        "message.done"
    } else {
        "message.undone"
    };
    whose.note(&ask, action, id).await?;
    json(&Show(whose.business()).message(message))
}

fn state(text: &str) -> Result<Which, &'static str> {
    match text {
        "all" => Ok(Which::All),
        "done" => Ok(Which::Done),
        "waiting" => Ok(Which::Waiting),
        _ => Err("must be all, done or waiting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_a_word() {
        assert_eq!(state("waiting"), Ok(Which::Waiting));
        assert!(state("Waiting").is_err() && state("").is_err());
    }
}
