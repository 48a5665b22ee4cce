//! What the far buffer holds, how much of it has been heard, and what may be sent into it.
//!
//! The far end tells little, so it is modelled. Its buffer ends at `E`; each frame sent moves that to `max(E, now) + frame`, and what has
//! been heard is what was sent less `E − now`. This is the state in which a `clear` *sent now* will find the buffer when it
//! arrives: the way there delays sound and `clear` alike, so no latency has to be known.
//!
//! Marks keep the clock honest. One that comes back is a floor: all before it has been heard. One that is overdue is a ceiling: the
//! clock runs on only a little ([`ROUND_TRIP`]) beyond it. The last sample of all that was sent counts as heard when its mark is
//! back, so that a reply is not taken as over while the network still holds its end. A mark that never comes back
//! is given up ([`GIVE_UP`]), so nothing waits for ever.
//!
//! A `clear` makes the far end return every mark it still holds, which says nothing about what was heard. So a mark's name carries a
//! generation, raised at each `clear`, and older ones are ignored.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Config, Output};
use crate::time::Timestamp;
use crate::turn::{ForTurn, TurnId};

/// How far the clock may run beyond a mark that is not back: the longest round trip of a media stream between continents,
/// with the far end's own buffering. Less would hold the clock back on an ordinary call; more would count sound as heard that
/// a stalled network still holds.
pub(super) const ROUND_TRIP: Duration = Duration::from_millis(500);

/// When a mark is given up, after the moment its sound should have been over: twice the round trip. She is silent until
/// then at the end of a reply, and nobody waits much longer for the next word.
const GIVE_UP: Duration = Duration::from_secs(1);

/// How much sound is gathered before the first frame goes to an empty far buffer: three frames. A voice gives its first sound in smaller
/// pieces than it makes it, and the next piece must not come a moment after the first has been played.
const GATHERED: Duration = Duration::from_millis(60);

/// How long it may take to gather: one frame, which nobody hears. A slower voice is played as it comes.
const GATHERING: Duration = Duration::from_millis(20);

/// Marks waited for at a time. A reply has at most sixty pieces.
const MARKS: usize = 64;

/// All positions are counted in samples over the whole call, in the order in which they were let in.
#[derive(Debug)]
pub(super) struct Playout {
    /// Samples a second.
    rate: u64,
    lead: u64,
    frame: u64,
    round_trip: u64,
    give_up: u64,
    gathered: u64,
    gathering: u64,
    /// What waits here: the sound from `begin` on. It is kept until it has been heard, and two frames longer.
    sound: VecDeque<u8>,
    begin: u64,
    /// Heard, as booked. It never goes back.
    heard: u64,
    /// Sent. A pause takes it back to what was heard.
    sent: u64,
    /// The highest position that a mark has vouched for.
    vouched: u64,
    /// When the far buffer will be empty, on the clock counted in samples.
    empty_at: u64,
    turns: VecDeque<Stretch>,
    /// In the order of their positions; those that were sent come first.
    marks: VecDeque<Mark>,
    generation: u32,
    paused: bool,
    /// What was sent has been thrown away there, so sending begins again a little before what was heard.
    rewind: bool,
    /// The turn whose sound was sent last, if nothing has been cleared since.
    flowing: Option<TurnId>,
    /// Until when sound is being gathered for an empty far buffer.
    gathers_until: Option<u64>,
    gaps: u32,
    strange_marks: u32,
}

/// Where the sound of a turn begins.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    turn: TurnId,
    from: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    turn: TurnId,
    piece: u32,
    at: u64,
    sent: bool,
}

impl Playout {
    pub(super) fn new(config: &Config) -> Self {
        let rate = config.handset.rate;
        Self {
            rate: rate.hertz().into(),
            lead: rate.samples_in(config.lead),
            frame: u64::from(config.frame).max(1),
            round_trip: rate.samples_in(ROUND_TRIP),
            give_up: rate.samples_in(GIVE_UP),
            gathered: rate.samples_in(GATHERED),
            gathering: rate.samples_in(GATHERING),
            sound: VecDeque::new(),
            begin: 0,
            heard: 0,
            sent: 0,
            vouched: 0,
            empty_at: 0,
            turns: VecDeque::new(),
            marks: VecDeque::with_capacity(MARKS),
            generation: 0,
            paused: false,
            rewind: false,
            flowing: None,
            gathers_until: None,
            gaps: 0,
            strange_marks: 0,
        }
    }

    /// Lets in sound of a turn.
    pub(super) fn enqueue(&mut self, turn: TurnId, bytes: &[u8]) {
        if self.turns.back().is_none_or(|newest| newest.turn != turn) {
            let from = self.end();
            self.turns.push_back(Stretch { turn, from });
        }
        self.sound.extend(bytes);
    }

    /// All sound of this piece is in.
    pub(super) fn piece_ended(&mut self, piece: ForTurn<u32>) {
        let (turn, piece) = piece.into_parts();
        let has_sound = self.turns.back().is_some_and(|newest| newest.turn == turn);
        if has_sound && self.marks.len() < MARKS {
            self.marks.push_back(Mark {
                turn,
                piece,
                at: self.end(),
                sent: false,
            });
        }
    }

    /// Reckons what has been heard by now; gives how much that is since the last time.
    pub(super) fn advance(&mut self, now: Timestamp) -> u64 {
        if self.paused {
            return 0;
        }
        let now = self.samples_at(now);
        while let Some(oldest) = self.awaited() {
            if now < self.clock_reaches(oldest.at).saturating_add(self.give_up) {
                break;
            }
            self.marks.pop_front();
        }
        let by_the_clock = self.sent.saturating_sub(self.empty_at.saturating_sub(now));
        let sure_of_the_end =
            self.vouched >= self.sent || now >= self.empty_at.saturating_add(self.give_up);
        let mut ceiling = if sure_of_the_end {
            self.sent
        } else {
            self.sent.saturating_sub(1)
        };
        if let Some(oldest) = self.awaited() {
            ceiling = ceiling.min(oldest.at.saturating_add(self.round_trip));
        }
        let heard = by_the_clock.min(ceiling).max(self.vouched.min(self.sent));
        let more = heard.saturating_sub(self.heard);
        self.heard = self.heard.saturating_add(more);
        self.forget();
        more
    }

    /// A mark came back.
    pub(super) fn mark_returned(&mut self, now: Timestamp, name: &str) {
        let Some((turn, piece, generation)) = parse(name) else {
            self.strange_marks = self.strange_marks.saturating_add(1);
            return;
        };
        if generation < self.generation {
            return;
        }
        let known = self.marks.iter().position(|mark| {
            generation == self.generation && mark.sent && (mark.turn, mark.piece) == (turn, piece)
        });
        let Some(mark) = known.and_then(|index| self.marks.drain(..=index).next_back()) else {
            self.strange_marks = self.strange_marks.saturating_add(1);
            return;
        };
        self.vouched = self.vouched.max(mark.at);
        // Where the clock was behind, the far buffer is emptier than it seemed.
        let early = self
            .clock_reaches(mark.at)
            .saturating_sub(self.samples_at(now));
        self.empty_at = self.empty_at.saturating_sub(early);
    }

    /// Throws away the oldest `samples` that were not heard; tells whether the far buffer must be cleared for it.
    pub(super) fn discard(&mut self, now: Timestamp, samples: u64) -> bool {
        let clear = self.clear(now);
        self.heard = self.heard.saturating_add(samples).min(self.end());
        self.sent = self.heard;
        self.rewind = false;
        self.gathers_until = None;
        let kept = self.end().saturating_sub(self.heard);
        let gone = self.sound.len() as u64;
        self.drop_oldest(gone.saturating_sub(kept));
        self.forget();
        let heard = self.heard;
        self.marks.retain(|mark| mark.at > heard);
        clear
    }

    /// Stops sending and goes back to what was heard; tells whether the far buffer must be cleared for it.
    pub(super) fn pause(&mut self, now: Timestamp) -> bool {
        self.paused = true;
        self.gathers_until = None;
        let clear = self.clear(now);
        self.rewind |= clear;
        clear
    }

    /// Sends again, from one to two frames before what was heard and at a frame's beginning: a `clear` that overtakes the
    /// jitter of the sound before it finds a little less played than was reckoned, and a syllable said twice for 40 ms is less than one
    /// with a hole in it.
    pub(super) fn resume(&mut self) {
        self.paused = false;
        if std::mem::take(&mut self.rewind) {
            let from = self
                .stretch_at(self.heard)
                .map_or(self.begin, |stretch| stretch.from);
            let into = self.heard.saturating_sub(from);
            let frames = into
                .saturating_sub(self.frame)
                .checked_div(self.frame)
                .unwrap_or(0);
            let back = from.saturating_add(frames.saturating_mul(self.frame));
            self.sent = back.max(self.begin);
        }
    }

    /// Sends frames until the lead is under way, and each mark behind its piece.
    pub(super) fn send(&mut self, now: Timestamp, outputs: &mut VecDeque<Output>) {
        if self.paused {
            return;
        }
        let now = self.samples_at(now);
        loop {
            let (sent, generation) = (self.sent, self.generation);
            for mark in self.marks.iter_mut() {
                if !mark.sent && mark.at <= sent {
                    mark.sent = true;
                    outputs.push_back(Output::Mark(mark.name(generation)));
                }
            }
            if sent >= self.end()
                || self.empty_at.saturating_sub(now) >= self.lead
                || self.still_gathers(now)
            {
                return;
            }
            self.gathers_until = None;
            outputs.push_back(Output::Frame(self.next_frame(now)));
        }
    }

    /// Whether the far buffer is empty and there is not yet enough to fill it without a gap.
    fn still_gathers(&mut self, now: u64) -> bool {
        let waiting = self.end().saturating_sub(self.sent);
        let sent = self.sent;
        let is_piece_whole = self.marks.iter().any(|mark| mark.at > sent);
        if self.empty_at > now || waiting >= self.gathered || is_piece_whole {
            return false;
        }
        let until = now.saturating_add(self.gathering);
        now < *self.gathers_until.get_or_insert(until)
    }

    /// When something must be sent or booked though no fact arrives.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let due = if self.paused || self.heard >= self.end() {
            return None;
        } else if let Some(until) = self.gathers_until {
            until
        } else if self.sent < self.end() {
            // Half of the lead is still there, so that a late timer does no harm.
            self.empty_at
                .saturating_sub(self.lead.checked_div(2).unwrap_or(0))
        } else if self.samples_at(now) < self.empty_at {
            self.empty_at
        } else {
            let oldest = self.awaited();
            let expected = oldest.map_or(self.empty_at, |oldest| self.clock_reaches(oldest.at));
            expected.saturating_add(self.give_up)
        };
        let millis = due.saturating_mul(1_000).div_ceil(self.rate.max(1));
        Some(Timestamp::from_millis(millis))
    }

    pub(super) const fn gaps(&self) -> u32 {
        self.gaps
    }

    pub(super) const fn strange_marks(&self) -> u32 {
        self.strange_marks
    }

    fn next_frame(&mut self, now: u64) -> Vec<u8> {
        let turn = self.stretch_at(self.sent).map(|stretch| stretch.turn);
        if self.flowing.is_some() && self.flowing == turn && self.empty_at < now {
            self.gaps = self.gaps.saturating_add(1);
        }
        self.flowing = turn;
        let next_turn = self
            .turns
            .iter()
            .find(|stretch| stretch.from > self.sent)
            .map_or_else(|| self.end(), |stretch| stretch.from);
        let length = self.frame.min(next_turn.saturating_sub(self.sent));
        let skipped = usize::try_from(self.sent.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = self
            .sound
            .iter()
            .skip(skipped)
            .take(usize::try_from(length).unwrap_or(usize::MAX))
            .copied()
            .collect();
        self.sent = self.sent.saturating_add(length);
        self.empty_at = self.empty_at.max(now).saturating_add(length);
        bytes
    }

    /// Takes back all that was sent and not heard; tells whether there was any.
    fn clear(&mut self, now: Timestamp) -> bool {
        if self.sent <= self.heard {
            return false;
        }
        self.sent = self.heard;
        self.empty_at = self.samples_at(now);
        self.generation = self.generation.saturating_add(1);
        self.flowing = None;
        for mark in &mut self.marks {
            mark.sent = false;
        }
        true
    }

    /// Lets go of sound that was heard so long ago that no resume needs it.
    fn forget(&mut self) {
        let kept_from = self.heard.saturating_sub(self.frame.saturating_mul(2));
        self.drop_oldest(kept_from.saturating_sub(self.begin));
        while self
            .turns
            .get(1)
            .is_some_and(|second| second.from <= self.begin)
        {
            self.turns.pop_front();
        }
    }

    fn drop_oldest(&mut self, samples: u64) {
        let count = usize::try_from(samples)
            .unwrap_or(usize::MAX)
            .min(self.sound.len());
        self.sound.drain(..count);
        self.begin = self.begin.saturating_add(count as u64);
    }

    /// The oldest mark that is under way.
    fn awaited(&self) -> Option<Mark> {
        self.marks.front().filter(|mark| mark.sent).copied()
    }

    fn stretch_at(&self, position: u64) -> Option<Stretch> {
        self.turns
            .iter()
            .rev()
            .find(|stretch| stretch.from <= position)
            .copied()
    }

    /// When the clock says that all before this position, which was sent, has been heard.
    fn clock_reaches(&self, position: u64) -> u64 {
        self.empty_at
            .saturating_sub(self.sent.saturating_sub(position))
    }

    /// Behind the last sound that is in.
    fn end(&self) -> u64 {
        self.begin.saturating_add(self.sound.len() as u64)
    }

    fn samples_at(&self, now: Timestamp) -> u64 {
        now.as_millis()
            .saturating_mul(self.rate)
            .checked_div(1_000)
            .unwrap_or(0)
    }
}

impl Mark {
    fn name(&self, generation: u32) -> String {
        format!("t{}-p{}-g{generation}", self.turn.number(), self.piece)
    }
}

/// Turn, piece and generation of a mark's name.
fn parse(name: &str) -> Option<(TurnId, u32, u32)> {
    let (turn, rest) = name.strip_prefix('t')?.split_once("-p")?;
    let (piece, generation) = rest.split_once("-g")?;
    Some((
        TurnId::from_wire(number(turn)?),
        number(piece)?,
        number(generation)?,
    ))
}

fn number(digits: &str) -> Option<u32> {
    let written = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| written)
}

#[cfg(test)]
impl Playout {
    /// Samples kept here, those that have been heard included.
    pub(super) fn kept(&self) -> usize {
        self.sound.len()
    }

    pub(super) fn is_all_sent(&self) -> bool {
        self.sent == self.end()
    }

    /// Bytes held, whether used or not.
    pub(super) fn capacity(&self) -> usize {
        self.sound.capacity()
            + size_of::<Stretch>() * self.turns.capacity()
            + size_of::<Mark>() * self.marks.capacity()
    }
}
