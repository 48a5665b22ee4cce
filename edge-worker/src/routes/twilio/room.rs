//! Whether there is room for a telephone call. The business's board is asked while the call's object makes itself ready, so that an ordinary call is
//! connected no later; and since asking is the report that it rings, two calls never get the last place.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use worker::{Delay, Env};

use crate::clock::unix_time;
use crate::live_board::{LiveState, Report, Room, tell};
use crate::settings::CallsAtOnce;
use crate::store::record::Door;
use crate::twilio::CallSid;

/// How long a caller waits for the board. It answers from memory in some milliseconds; a call that nobody counts is better than one that nobody takes.
const PATIENCE: Duration = Duration::from_secs(1);

/// A call that asks for room.
pub(super) struct Asked<'a> {
    pub(super) env: &'a Env,
    pub(super) report: Report,
    pub(super) most: CallsAtOnce,
}

/// The first report of a call, before those of its object.
pub(super) fn rings(call: &CallSid, site: &str, caller: Option<String>) -> Report {
    Report {
        call: call.to_string(),
        site: site.to_owned(),
        door: Door::Phone,
        caller,
        started_at: unix_time(),
        turns: 0,
        state: Some(LiveState::Ringing),
        n: 0,
    }
}

impl Asked<'_> {
    /// Whether there is room, which is then taken.
    pub(super) async fn room(&self) -> Room {
        let told = tell(self.env, &self.report, self.most).boxed_local();
        match select(told, Delay::from(PATIENCE)).await {
            Either::Left((room, _)) => room.unwrap_or(Room::Given),
            Either::Right(_) => Room::Given,
        }
    }

    /// The call does not come about, and there is no object to say so.
    pub(super) async fn give_back(&self) {
        let over = Report {
            state: None,
            n: self.report.n.saturating_add(1),
            ..self.report.clone()
        };
        let told = tell(self.env, &over, self.most).boxed_local();
        // The caller hears an apology whether the board has heard or not.
        let _ = select(told, Delay::from(PATIENCE)).await;
    }
}
