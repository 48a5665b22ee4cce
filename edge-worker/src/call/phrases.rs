//! Phrases already spoken, so that what she says in every call is heard at once and without asking the voice.
//!
//! Which lines are worth keeping is known when a call begins: what she says by herself, and the short openings of her answers. The
//! memory is that of the isolate, shared by all its calls; it holds sound of known lines and nothing that was said to anybody in particular.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use voice_core::conversation::{Config, Piece};
use voice_core::sentence::OPENINGS;
use voice_core::spoken::spoken;

/// How many phrases are kept: the twenty-odd lines of several businesses, in both formats.
const MOST_PHRASES: usize = 256;

/// How much sound is kept. A second is 48 KB for a browser, so a business's lines are about 2 MB; an isolate has 128 MB, of which
/// every call wants its part.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The longest phrase: 20 s for a browser. A greeting that asks for consent takes 10.
const LONGEST: usize = 20 * 48_000;

/// What makes two phrases the same sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) voice: String,
    pub(super) format: &'static str,
    /// As it is said.
    pub(super) text: String,
}

/// The lines of a call that are worth keeping.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    known: Vec<String>,
    /// Those that are needed when a provider has failed, as they are said.
    for_trouble: Vec<String>,
}

impl Lines {
    /// What she says by herself in such a call, and the openings.
    pub(super) fn of(config: &Config) -> Self {
        let own = [
            &config.greeting,
            &config.apology,
            &config.prompt,
            &config.goodbye,
            &config.transferring,
            &config.unable,
            &config.deaf,
            &config.script.offer,
            &config.script.noted,
            &config.script.lost,
        ];
        let lines = own.into_iter().chain(&config.fillers).map(String::as_str);
        let lines = lines.chain(OPENINGS).map(|line| bare(line).to_owned());
        let for_trouble = [&config.apology, &config.deaf, &config.script.offer];
        let for_trouble = for_trouble.map(|line| spoken(line));
        Self {
            known: lines.filter(|line| !line.is_empty()).collect(),
            for_trouble: for_trouble
                .into_iter()
                .filter(|line| !line.is_empty())
                .collect(),
        }
    }

    /// The lines that are needed when a provider has failed, as they are said.
    pub(super) fn for_trouble(&self) -> impl Iterator<Item = &str> {
        self.for_trouble.iter().map(String::as_str)
    }

    /// Whether this piece is one of the lines, however it is written or ends.
    pub(super) fn have(&self, piece: &Piece) -> bool {
        let is_one = |text: &str| self.known.iter().any(|line| line == bare(text));
        is_one(&piece.text) || is_one(&piece.spoken)
    }
}

/// A line without the marks at its end: an opening may be followed by a comma.
fn bare(line: &str) -> &str {
    line.trim().trim_end_matches(['.', ',', '!', ';', ':', '…'])
}

/// A phrase while it is being spoken for the first time. It is kept when it is complete, and dropped with the piece that it
/// belongs to.
#[derive(Debug)]
pub(super) struct Recording {
    key: Key,
    sound: Vec<u8>,
    is_too_long: bool,
}

impl Recording {
    pub(super) const fn new(key: Key) -> Self {
        Self {
            key,
            sound: Vec::new(),
            is_too_long: false,
        }
    }

    pub(super) fn hear(&mut self, sound: &[u8]) {
        if self.sound.len().saturating_add(sound.len()) > LONGEST {
            self.is_too_long = true;
            self.sound = Vec::new();
        } else if !self.is_too_long {
            self.sound.extend_from_slice(sound);
        }
    }

    /// Keeps the whole phrase as `shape` makes it.
    pub(super) fn keep(self, shape: impl FnOnce(&[u8]) -> Vec<u8>) {
        let sound = shape(&self.sound);
        SPOKEN.with_borrow_mut(|spoken| spoken.keep(self.key, &sound));
    }
}

thread_local! {
    static SPOKEN: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

/// The sound of a phrase that was spoken before.
pub(super) fn find(key: &Key) -> Option<Rc<[u8]>> {
    SPOKEN.with_borrow_mut(|spoken| spoken.find(key))
}

/// The phrases, those used last at the end.
struct Memory {
    phrases: VecDeque<(Key, Rc<[u8]>)>,
    bytes: usize,
}

impl Memory {
    const fn new() -> Self {
        Self {
            phrases: VecDeque::new(),
            bytes: 0,
        }
    }

    fn find(&mut self, key: &Key) -> Option<Rc<[u8]>> {
        let at = self.phrases.iter().position(|(known, _)| known == key)?;
        let found = self.phrases.remove(at)?;
        let sound = found.1.clone();
        self.phrases.push_back(found);
        Some(sound)
    }

    fn keep(&mut self, key: Key, sound: &[u8]) {
        // A voice that gave nothing may do better next time.
        if sound.is_empty() || self.find(&key).is_some() {
            return;
        }
        self.bytes = self.bytes.saturating_add(sound.len());
        self.phrases.push_back((key, sound.into()));
        while self.phrases.len() > MOST_PHRASES || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.phrases.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use voice_core::audio::SampleRate;

    use super::*;

    fn key(text: &str) -> Key {
        Key {
            voice: "a-voice".to_owned(),
            format: "mulaw/8000",
            text: text.to_owned(),
        }
    }

    fn piece(text: &str, spoken: &str) -> Piece {
        Piece {
            index: 0,
            text: text.to_owned(),
            spoken: spoken.to_owned(),
        }
    }

    #[test]
    fn the_lines_are_hers_and_the_openings() {
        let config = Config::new("We open at 9.", "", SampleRate::VOICE);
        let lines = Lines::of(&config);
        for text in [
            "We open at 9.",
            &config.goodbye,
            &config.apology,
            &config.fillers[0],
            "Of course.",
            "Of course,",
            "Sure!",
        ] {
            assert!(lines.have(&piece(text, "as it is said")), "{text}");
            assert!(lines.have(&piece("as it is written", text)), "{text}");
        }
        for text in ["", ".", "We open at 10.", "Of course not.", "Sure we do."] {
            assert!(!lines.have(&piece(text, text)), "{text}");
        }
    }

    #[test]
    fn a_call_without_a_greeting_does_not_know_the_empty_line() {
        let lines = Lines::of(&Config::new("", "", SampleRate::VOICE));
        assert!(!lines.have(&piece("", "")));
    }

    #[test]
    fn a_phrase_is_found_by_voice_format_and_words() {
        let mut memory = Memory::new();
        memory.keep(key("Sure."), &[1, 2]);
        memory.keep(key("Sure."), &[3, 4]);
        assert_eq!(memory.find(&key("Sure.")).as_deref(), Some(&[1, 2][..]));
        assert_eq!(memory.bytes, 2);
        assert_eq!(memory.find(&key("Sure,")), None);
        let other = |change: fn(&mut Key)| {
            let mut key = key("Sure.");
            change(&mut key);
            key
        };
        assert_eq!(
            memory.find(&other(|key| key.voice = "another".to_owned())),
            None
        );
        assert_eq!(
            memory.find(&other(|key| key.format = "linear16/24000")),
            None
        );
        memory.keep(key("Silence."), &[]);
        assert_eq!(memory.find(&key("Silence.")), None);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut memory = Memory::new();
        for number in 0..MOST_PHRASES {
            memory.keep(key(&number.to_string()), &[0; 8]);
        }
        memory.find(&key("0"));
        memory.keep(key("one more"), &[0; 8]);
        assert!(memory.find(&key("0")).is_some());
        assert!(memory.find(&key("1")).is_none());
        assert_eq!(memory.bytes, 8 * MOST_PHRASES);
        // Sound is bounded too.
        for number in 0..9 {
            memory.keep(key(&format!("long {number}")), &vec![0; 1024 * 1024]);
        }
        assert!(memory.bytes <= MOST_BYTES);
        assert!(memory.find(&key("long 8")).is_some() && memory.find(&key("long 0")).is_none());
        let sum: usize = memory.phrases.iter().map(|(_, sound)| sound.len()).sum();
        assert_eq!(memory.bytes, sum);
    }

    #[test]
    fn a_recording_keeps_all_or_nothing() {
        let mut short = Recording::new(key("short"));
        short.hear(&[1, 2]);
        short.hear(&[3]);
        short.keep(<[u8]>::to_vec);
        assert_eq!(find(&key("short")).as_deref(), Some(&[1, 2, 3][..]));
        let mut long = Recording::new(key("long"));
        long.hear(&vec![0; LONGEST]);
        long.hear(&[1]);
        long.hear(&[1]);
        long.keep(<[u8]>::to_vec);
        assert_eq!(find(&key("long")), None);
    }
}
