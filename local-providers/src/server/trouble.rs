//! What goes wrong on one connection: which of the script's faults are meant for it, and when each of them is due.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, sleep_until};

use crate::log::{Exchange, Service};
use crate::script::{Cue, Fault, FaultRule};
use crate::valve::Valve;

/// What goes wrong on one connection.
pub(crate) struct Trouble {
    pub(crate) service: Service,
    pub(crate) valve: Valve,
    /// Those that come before an answer.
    early: Vec<Fault>,
    planned: Vec<Planned>,
    strikes: broadcast::Receiver<(Service, Fault)>,
}

/// A fault that comes to the open connection.
struct Planned {
    fault: Fault,
    cue: Cue,
    /// What it waits for counts from here on.
    from: Instant,
    until: Option<Instant>,
    counted: usize,
    due: Option<Instant>,
}

impl Planned {
    /// One more of what it may be waiting for. `wanted` tells how many it needs, if it waits for that.
    fn count(&mut self, now: Instant, wanted: impl Fn(&Cue) -> Option<usize>) {
        let Some(wanted) = wanted(&self.cue).filter(|_| self.due.is_none() && now >= self.from)
        else {
            return;
        };
        self.counted += 1;
        if self.counted >= wanted {
            self.plan(now);
        }
    }

    /// It comes, `after_ms` after this.
    fn plan(&mut self, at: Instant) {
        let after_ms = self.fault.when().map_or(0, |when| when.after_ms);
        let due = at + Duration::from_millis(after_ms);
        self.due = Some(due).filter(|due| self.until.is_none_or(|until| *due < until));
    }
}

impl Trouble {
    /// What `rules`, given at `given`, have in store for a connection that is opened now.
    pub(super) fn new(
        service: Service,
        ordinal: u64,
        (rules, given): (Arc<[FaultRule]>, Instant),
        valve: &Valve,
        strikes: broadcast::Receiver<(Service, Fault)>,
    ) -> Self {
        let opened = Instant::now();
        let mut trouble = Self {
            service,
            valve: valve.clone(),
            early: Vec::new(),
            planned: Vec::new(),
            strikes,
        };
        for rule in rules.iter().filter(|rule| rule.strikes(service, ordinal)) {
            let from = given + Duration::from_millis(rule.from_ms.unwrap_or(0));
            let until = rule.until_ms.map(|ms| given + Duration::from_millis(ms));
            let is_over = until.is_some_and(|until| until <= opened);
            match rule.fault.when() {
                _ if is_over => {}
                None if from <= opened => trouble.early.push(rule.fault.clone()),
                None => {}
                Some(when) => {
                    let cue = when.cue();
                    let from = from.max(opened);
                    let at_once = !matches!(
                        cue,
                        Cue::Messages { count: 1.., .. } | Cue::Sounds(1..) | Cue::Tokens(1..)
                    );
                    let mut planned = Planned {
                        fault: rule.fault.clone(),
                        cue,
                        from,
                        until,
                        counted: 0,
                        due: None,
                    };
                    if at_once {
                        planned.plan(from);
                    }
                    trouble.planned.push(planned);
                }
            }
        }
        trouble
    }

    /// How the request is refused, if it is.
    pub(crate) fn refusal(&self) -> Option<&Fault> {
        self.early
            .iter()
            .find(|fault| matches!(fault, Fault::Refuse { .. }))
    }

    pub(crate) fn delay(&self) -> Duration {
        let delays = self.early.iter().filter_map(|fault| match fault {
            Fault::Delay { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        });
        delays.sum()
    }

    /// What passes before an answer. A connection that gets none stays here until it is lost.
    pub(crate) async fn before_answer(&self, exchange: &mut Exchange) {
        // A voice over a socket is late with its sound instead.
        if self.service != Service::Speak {
            sleep(self.delay()).await;
        }
        for fault in &self.early {
            match fault {
                Fault::Drop => self.lose(exchange, "drop").await,
                Fault::Hang => {
                    exchange.ending(json!({ "by": "client", "fault": "hang" }));
                    std::future::pending().await
                }
                _ => {}
            }
        }
    }

    /// Loses the connection, and with it whoever waits here.
    pub(crate) async fn lose(&self, exchange: &mut Exchange, fault: &str) {
        exchange.ending(json!({ "by": "fault", "fault": fault }));
        self.valve.shut();
        std::future::pending().await
    }

    /// A token of an answer is out.
    pub(crate) fn on_token(&mut self) {
        self.count(|cue| match cue {
            Cue::Tokens(count) => Some(*count),
            _ => None,
        });
    }

    /// A piece of sound is out.
    pub(crate) fn on_sound(&mut self) {
        self.count(|cue| match cue {
            Cue::Sounds(count) => Some(*count),
            _ => None,
        });
    }

    /// A message has come in.
    pub(crate) fn on_message(&mut self, received: &str) {
        self.count(|cue| match cue {
            Cue::Messages { kind, count } => kind
                .as_ref()
                .is_none_or(|kind| kind == received)
                .then_some(*count),
            _ => None,
        });
    }

    fn count(&mut self, wanted: impl Fn(&Cue) -> Option<usize>) {
        let now = Instant::now();
        for planned in &mut self.planned {
            planned.count(now, &wanted);
        }
    }

    /// What goes wrong now, if anything does.
    pub(crate) fn due(&mut self) -> Option<Fault> {
        let (due, index) = self.soonest()?;
        (due <= Instant::now()).then(|| self.planned.remove(index).fault)
    }

    /// The same for a fault of one kind.
    pub(crate) fn due_if(&mut self, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let now = Instant::now();
        let is_due = |planned: &Planned| planned.due.is_some_and(|due| due <= now);
        let fits = |planned: &Planned| is_due(planned) && fits(&planned.fault);
        let index = self.planned.iter().position(fits)?;
        Some(self.planned.remove(index).fault)
    }

    fn soonest(&self) -> Option<(Instant, usize)> {
        let planned = self.planned.iter().enumerate();
        planned
            .filter_map(|(index, planned)| Some((planned.due?, index)))
            .min()
    }

    /// The next thing that goes wrong with time or by [`crate::Providers::strike`]; pends when nothing will. It is one that
    /// befalls an open connection.
    pub(crate) async fn next(&mut self) -> Fault {
        loop {
            if let Some(fault) = self.due() {
                return fault;
            }
            let soonest = self.soonest();
            let due = soonest.map_or_else(Instant::now, |(due, _)| due);
            tokio::select! {
                () = sleep_until(due), if soonest.is_some() => {}
                struck = self.strikes.recv() => match struck {
                    Ok((service, fault)) if service == self.service && fault.when().is_some() => return fault,
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }
}
