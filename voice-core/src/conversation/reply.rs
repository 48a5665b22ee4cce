//! One reply on its way to the caller: its pieces, the sound made of them, and how much was heard.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::SampleRate;
use crate::barge_in::Hers;
use crate::sentence::SentenceChunker;
use crate::spoken::spoken;

/// Sound as the voice gave it, at the rate the driver asked for. The core counts samples and never looks inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub bytes: Vec<u8>,
    pub samples: u32,
}

impl Sound {
    /// What comes after the first so many samples.
    fn after(self, samples: u64) -> Self {
        let skipped = u32::try_from(samples).unwrap_or(u32::MAX).min(self.samples);
        let each = self.bytes.len().checked_div(self.samples as usize);
        let at = each.unwrap_or(0).saturating_mul(skipped as usize);
        Self {
            bytes: self.bytes.get(at..).unwrap_or_default().to_vec(),
            samples: self.samples.saturating_sub(skipped),
        }
    }
}

/// A stretch of text for the voice. Pieces of a turn are spoken in the order of their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub index: u32,
    /// As it is written in captions and records.
    pub text: String,
    /// As it is said aloud.
    pub spoken: String,
}

impl Piece {
    pub(super) fn new(index: u32, text: String) -> Self {
        let spoken = spoken(&text);
        Self {
            index,
            text,
            spoken,
        }
    }
}

/// The most a reply may hold. A model that rambles this long has gone wrong; nobody listens for five minutes.
const MAX_PIECES: usize = 60;
const MAX_SOUND: Duration = Duration::from_secs(300);

/// The voice is given more once less than this is left to play. It covers a slow voice three times over, and what is not
/// given need not be paid for when the caller interrupts.
const IN_HAND: Duration = Duration::from_secs(3);

/// Sentences that wait are given together up to this many characters: some ten seconds of speech, in which a word is still found by its length. Deepgram's socket takes 20 pieces a
/// minute, so pieces must last longer than three seconds on the whole.
const TOGETHER: usize = 160;

/// So near the end of a question, a yes is the answer to it: the last word or two.
const QUESTION_END: Duration = Duration::from_millis(1_200);

/// Words of hers that may come back as an echo: those of the last few seconds.
const ECHO_WORDS: usize = 14;

/// How long a character takes to say, to estimate the length of a piece whose sound is not complete: about 15 characters
/// a second, the usual pace of the approved voice.
const CHARACTER: Duration = Duration::from_millis(65);

#[derive(Debug)]
pub(super) struct Reply {
    chunker: SentenceChunker,
    /// Text that is not given to the voice yet.
    waiting: VecDeque<String>,
    pieces: Vec<Spoken>,
    /// How many of the pieces, from the first, only fill a wait.
    fillers: usize,
    /// Which piece the voice is at.
    voicing: usize,
    outbox: VecDeque<Released>,
    /// What has left and may not have arrived, if that is of interest; the first sample of it.
    under_way: Option<VecDeque<Sound>>,
    under_way_from: u64,
    received: u64,
    sent: u64,
    played: u64,
    text_complete: bool,
    rate: SampleRate,
}

/// What leaves for the handset, in its order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Released {
    /// All sound of this piece has left.
    PieceEnd(u32),
    Sound(Sound),
}

#[derive(Debug)]
struct Spoken {
    text: String,
    samples: u64,
    complete: bool,
}

impl Reply {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self {
            chunker: SentenceChunker::default(),
            waiting: VecDeque::new(),
            pieces: Vec::new(),
            fillers: 0,
            voicing: 0,
            outbox: VecDeque::new(),
            under_way: None,
            under_way_from: 0,
            received: 0,
            sent: 0,
            played: 0,
            text_complete: false,
            rate,
        }
    }

    /// Keeps what is sent until it is played, so that it can be sent again.
    pub(super) fn keeping(mut self, keeps: bool) -> Self {
        self.under_way = keeps.then(VecDeque::new);
        self
    }

    /// Takes a word of the model.
    pub(super) fn take_token(&mut self, token: &str) {
        if !self.text_complete {
            for text in self.chunker.push(token) {
                self.add_text(text);
            }
        }
    }

    /// The model has finished.
    pub(super) fn finish_text(&mut self) {
        self.end_sentence();
        self.text_complete = true;
    }

    /// The model has more to say later, and this is a sentence.
    pub(super) fn end_sentence(&mut self) {
        if !self.text_complete
            && let Some(last) = self.chunker.finish()
        {
            self.add_text(last);
        }
    }

    /// Adds text as it stands, such as the greeting.
    pub(super) fn add_text(&mut self, text: String) {
        if self.pieces.len().saturating_add(self.waiting.len()) < MAX_PIECES {
            self.waiting.push_back(text);
        }
    }

    /// Fills the wait for an answer of which there is nothing yet.
    pub(super) fn fill(&mut self, text: String) -> Option<Piece> {
        if self.has_words() || self.awaits_voice() {
            return None;
        }
        self.fillers = self.fillers.saturating_add(1);
        self.add_piece(text)
    }

    /// How often the wait for an answer was filled.
    pub(super) const fn fillers(&self) -> usize {
        self.fillers
    }

    /// Whether the last of it is the end of a sentence.
    pub(super) fn ends_a_sentence(&self) -> bool {
        let given = self.pieces.last().map(|piece| &piece.text);
        let last = self.waiting.back().or(given);
        last.is_some_and(|text| text.trim_end().ends_with(['.', '!', '?']))
    }

    /// The answer as far as the model has written it.
    pub(super) fn text_so_far(&self) -> String {
        let pieces = self.pieces.iter().skip(self.fillers);
        let pieces = pieces.map(|piece| piece.text.as_str());
        let waiting = self.waiting.iter().map(String::as_str);
        let pending = self.chunker.pending();
        let pending = (!pending.is_empty()).then_some(pending.as_str());
        let parts: Vec<&str> = pieces.chain(waiting).chain(pending).collect();
        parts.join(" ")
    }

    /// The next text for the voice: at once as long as there is too little to play, later ones together.
    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        let is_first = self.pieces.len() == self.fillers;
        if !is_first && self.in_hand() >= self.rate.samples_in(IN_HAND) {
            return None;
        }
        let mut text = self.waiting.pop_front()?;
        while !is_first
            && let Some(next) = self.waiting.pop_front_if(|next| {
                text.chars().count().saturating_add(next.chars().count()) < TOGETHER
            })
        {
            text.push(' ');
            text.push_str(&next);
        }
        self.add_piece(text)
    }

    fn add_piece(&mut self, text: String) -> Option<Piece> {
        let index = u32::try_from(self.pieces.len()).ok()?;
        self.pieces.push(Spoken {
            text: text.clone(),
            samples: 0,
            complete: false,
        });
        Some(Piece::new(index, text))
    }

    /// Samples that are still to be heard of what the voice was given, by its length where that is not known.
    fn in_hand(&self) -> u64 {
        let lengths = self.pieces.iter().map(|piece| self.length(piece));
        lengths
            .fold(0_u64, u64::saturating_add)
            .saturating_sub(self.played)
    }

    fn length(&self, piece: &Spoken) -> u64 {
        if piece.complete {
            piece.samples
        } else {
            piece.samples.max(self.estimate(&piece.text))
        }
    }

    /// Takes sound of the piece being voiced. With the first sound of a piece comes its text and where it begins.
    pub(super) fn take_sound(&mut self, sound: Sound) -> Option<(String, u64)> {
        let samples = u64::from(sound.samples);
        if samples == 0 || self.received.saturating_add(samples) > self.rate.samples_in(MAX_SOUND) {
            return None;
        }
        let from = self.received;
        self.received = self.received.saturating_add(samples);
        self.outbox.push_back(Released::Sound(sound));
        let piece = self.pieces.get_mut(self.voicing)?;
        let first = piece.samples == 0;
        piece.samples = piece.samples.saturating_add(samples);
        first.then(|| (piece.text.clone(), from))
    }

    /// The voice has given all sound of the piece it was at.
    pub(super) fn piece_done(&mut self) {
        self.end_piece();
        if let Some(piece) = self.pieces.get_mut(self.voicing) {
            piece.complete = true;
            self.voicing = self.voicing.saturating_add(1);
        }
    }

    /// The piece at hand gets no more sound.
    fn end_piece(&mut self) {
        let sounded = self
            .pieces
            .get(self.voicing)
            .is_some_and(|piece| piece.samples > 0);
        if let (true, Ok(index)) = (sounded, u32::try_from(self.voicing)) {
            self.outbox.push_back(Released::PieceEnd(index));
        }
    }

    /// Gives up on everything that has no sound yet.
    pub(super) fn abandon_rest(&mut self) {
        self.finish_text();
        self.end_piece();
        // What was not given to the voice is unheard like the rest.
        while let Some(text) = self.waiting.pop_front() {
            self.add_piece(text);
        }
        self.voicing = self.pieces.len();
    }

    /// The next sound to send, as long as no more than `lead` is on its way or waiting at the handset. The end of a piece
    /// follows its sound at once.
    pub(super) fn release(&mut self, lead: Duration) -> Option<Released> {
        let full = self.sent.saturating_sub(self.played) >= self.rate.samples_in(lead);
        let next = self
            .outbox
            .pop_front_if(|next| !full || matches!(next, Released::PieceEnd(_)))?;
        if let Released::Sound(sound) = &next {
            self.sent = self.sent.saturating_add(u64::from(sound.samples));
            if let Some(under_way) = &mut self.under_way {
                under_way.push_back(sound.clone());
            }
        }
        Some(next)
    }

    /// Only so many samples have arrived: what was sent after them is to be sent again.
    pub(super) fn rewind(&mut self, arrived: u64) {
        let Some(under_way) = &mut self.under_way else {
            return;
        };
        let mut missing = VecDeque::new();
        let mut from = self.under_way_from;
        for sound in under_way.drain(..) {
            let to = from.saturating_add(u64::from(sound.samples));
            if to > arrived {
                missing.push_back(Released::Sound(sound.after(arrived.saturating_sub(from))));
            }
            from = to;
        }
        self.sent = arrived.max(self.under_way_from).min(self.sent);
        self.under_way_from = self.sent;
        missing.append(&mut self.outbox);
        self.outbox = missing;
    }

    /// The handset's word on how much has been heard. It only grows, and never beyond what was sent. Tells whether it grew.
    pub(super) fn set_played(&mut self, samples: u64) -> bool {
        let before = self.played;
        self.played = before.max(samples.min(self.sent));
        if let Some(under_way) = &mut self.under_way {
            while let Some(arrived) = under_way.pop_front_if(|sound| {
                self.under_way_from.saturating_add(u64::from(sound.samples)) <= self.played
            }) {
                let samples = u64::from(arrived.samples);
                self.under_way_from = self.under_way_from.saturating_add(samples);
            }
        }
        self.played > before
    }

    /// Nothing is left to play for now.
    pub(super) fn is_dry(&self) -> bool {
        self.outbox.is_empty() && self.played >= self.sent
    }

    pub(super) const fn has_sound(&self) -> bool {
        self.received > 0
    }

    pub(super) const fn text_is_complete(&self) -> bool {
        self.text_complete
    }

    /// Whether there is anything of the answer itself.
    pub(super) fn has_words(&self) -> bool {
        self.has_pieces() || !self.waiting.is_empty()
    }

    /// How much of the answer itself there is.
    pub(super) fn length_in_pieces(&self) -> usize {
        let given = self.pieces.len().saturating_sub(self.fillers);
        given.saturating_add(self.waiting.len())
    }

    /// Whether the voice was given any of the answer itself.
    pub(super) const fn has_pieces(&self) -> bool {
        self.pieces.len() > self.fillers
    }

    pub(super) const fn awaits_voice(&self) -> bool {
        self.voicing < self.pieces.len()
    }

    /// Nothing will be said at all.
    pub(super) fn is_empty(&self) -> bool {
        self.text_complete && self.pieces.is_empty() && self.waiting.is_empty()
    }

    /// Everything that can be said has been heard.
    pub(super) fn is_over(&self) -> bool {
        self.text_complete
            && !self.awaits_voice()
            && self.waiting.is_empty()
            && self.outbox.is_empty()
            && self.played >= self.sent
    }

    /// What she is saying while the caller is heard.
    pub(super) fn hers(&self, echo: bool) -> Hers {
        let ends = self.text_complete && !self.awaits_voice() && self.waiting.is_empty();
        let left = self.received.saturating_sub(self.played);
        let asks = ends
            && left <= self.rate.samples_in(QUESTION_END)
            && self
                .pieces
                .last()
                .is_some_and(|piece| piece.text.trim_end().ends_with('?'));
        let lately = if echo {
            let (heard, unheard) = self.split();
            // The word that is playing counts as unheard.
            let playing = unheard.split_whitespace().take(2);
            let mut words: Vec<&str> = heard.split_whitespace().chain(playing).collect();
            words
                .split_off(words.len().saturating_sub(ECHO_WORDS))
                .join(" ")
        } else {
            String::new()
        };
        Hers {
            lately,
            asks,
            brief: false,
        }
    }

    /// What was heard, to the last word that had been played whole, and what was not.
    pub(super) fn split(&self) -> (String, String) {
        let (mut heard, mut unheard) = (Vec::new(), Vec::new());
        let mut start = 0_u64;
        for piece in &self.pieces {
            let length = self.length(piece);
            let played = self.played.saturating_sub(start);
            start = start.saturating_add(length);
            if piece.samples > 0 && played >= length {
                heard.push(piece.text.as_str());
                continue;
            }
            let (before, after) = cut(&piece.text, played, length);
            heard.extend((!before.is_empty()).then_some(before));
            unheard.extend((!after.is_empty()).then_some(after));
        }
        unheard.extend(self.waiting.iter().map(String::as_str));
        (heard.join(" "), unheard.join(" "))
    }

    /// Whether some of it was not heard.
    pub(super) fn has_unheard(&self) -> bool {
        !self.split().1.is_empty()
    }

    fn estimate(&self, text: &str) -> u64 {
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.rate.samples_in(CHARACTER.saturating_mul(characters))
    }
}

/// Splits a text before the word that was playing when `played` of `length` samples had sounded, taking every
/// character as equally long.
fn cut(text: &str, played: u64, length: u64) -> (&str, &str) {
    let bytes = text.len() as u64;
    let reached = played
        .saturating_mul(bytes)
        .checked_div(length)
        .unwrap_or(0)
        .min(bytes);
    let reached = usize::try_from(reached).unwrap_or(text.len());
    let ends = text
        .char_indices()
        .filter(|(_, c)| c.is_whitespace())
        .map(|(at, _)| at);
    let end = ends.take_while(|at| *at <= reached).last().unwrap_or(0);
    let (before, after) = text.split_at_checked(end).unwrap_or((text, ""));
    (before.trim_end(), after.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u32 = 24_000;

    fn sound(samples: u32) -> Sound {
        Sound {
            bytes: Vec::new(),
            samples,
        }
    }

    #[test]
    fn what_was_heard_ends_at_the_last_whole_word() {
        let mut reply = Reply::new(SampleRate::VOICE);
        reply.add_text("One two.".to_owned());
        reply.add_text("Three four five six.".to_owned());
        while reply.next_piece().is_some() {}
        reply.take_sound(sound(SECOND));
        reply.piece_done();
        reply.take_sound(sound(2 * SECOND));
        reply.piece_done();
        while reply.release(Duration::from_secs(10)).is_some() {}
        for (played, heard, unheard) in [
            (0, "", "One two. Three four five six."),
            (SECOND / 2, "One", "two. Three four five six."),
            (SECOND, "One two.", "Three four five six."),
            (2 * SECOND, "One two. Three four", "five six."),
            (3 * SECOND, "One two. Three four five six.", ""),
        ] {
            reply.set_played(u64::from(played));
            assert_eq!(
                reply.split(),
                (heard.to_owned(), unheard.to_owned()),
                "{played}"
            );
        }
    }

    #[test]
    fn a_piece_still_being_voiced_is_not_taken_as_heard_whole() {
        let mut reply = Reply::new(SampleRate::VOICE);
        reply.add_text("A rather long sentence that takes a while to say.".to_owned());
        reply.next_piece();
        reply.take_sound(sound(SECOND / 2));
        assert!(reply.release(Duration::from_secs(1)).is_some());
        reply.set_played(u64::from(SECOND));
        let (heard, unheard) = reply.split();
        assert_eq!(heard, "A");
        assert!(unheard.starts_with("rather long"), "{unheard}");
    }

    #[test]
    fn no_more_than_the_lead_is_under_way() {
        let mut reply = Reply::new(SampleRate::VOICE);
        reply.add_text("Hello.".to_owned());
        reply.next_piece();
        for _ in 0..10 {
            reply.take_sound(sound(2_400));
        }
        let lead = Duration::from_millis(300);
        let mut count = || std::iter::from_fn(|| reply.release(lead)).count();
        assert_eq!(count(), 3);
        assert_eq!(count(), 0);
        reply.set_played(2_400);
        assert_eq!(std::iter::from_fn(|| reply.release(lead)).count(), 1);
    }

    #[test]
    fn what_has_not_arrived_is_sent_again_and_nothing_twice() {
        let samples = |reply: &mut Reply| -> Vec<u8> {
            std::iter::from_fn(|| reply.release(Duration::from_secs(10)))
                .filter_map(|released| match released {
                    Released::Sound(sound) => Some(sound.bytes),
                    Released::PieceEnd(_) => None,
                })
                .flatten()
                .collect()
        };
        let all: Vec<u8> = (0..40).collect();
        for (played, arrived) in [(0, 0), (5, 10), (10, 10), (12, 17), (20, 20), (7, 3)] {
            let mut reply = Reply::new(SampleRate::VOICE).keeping(true);
            reply.add_text("Hello.".to_owned());
            reply.next_piece();
            for bytes in all.chunks(20) {
                reply.take_sound(Sound {
                    bytes: bytes.to_vec(),
                    samples: 10,
                });
            }
            assert_eq!(samples(&mut reply), all);
            reply.set_played(played);
            reply.rewind(arrived);
            // What is known to have been played has arrived.
            let from = 2 * arrived.max(played / 10 * 10) as usize;
            assert_eq!(samples(&mut reply), &all[from..], "{played}, {arrived}");
            assert!(reply.set_played(20) || played == 20);
            reply.rewind(20);
            assert!(samples(&mut reply).is_empty());
        }
    }
}
