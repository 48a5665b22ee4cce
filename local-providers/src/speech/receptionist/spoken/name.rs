//! A person's name, out of a line that gives one.

use super::{Words, capitalised};

impl Words {
    /// A name it gives: after "my name is" and the like, or, where one was asked for, the line's own.
    pub(crate) fn name(&self, asked: bool) -> Option<String> {
        let small: Vec<String> = self
            .written
            .iter()
            .map(|word| word.to_lowercase())
            .collect();
        let led = LEADS.iter().find_map(|lead| {
            let lead: Vec<&str> = lead.split(' ').collect();
            let at = small
                .windows(lead.len())
                .position(|window| window.iter().zip(&lead).all(|(a, b)| a == b))?;
            Some((
                at + lead.len(),
                lead.contains(&"i'm") || lead.contains(&"am"),
            ))
        });
        // "I'm looking for …" is no name even where one was asked for.
        let (first, capitals_needed) = match led {
            Some((first, is_weak)) => (
                first,
                is_weak || !(asked || self.contain_any(&["name is", "name's"])),
            ),
            None if asked => (0, false),
            None => return None,
        };
        let name: Vec<&String> = self
            .written
            .iter()
            .skip(first)
            .skip_while(|word| FILLERS.contains(&word.to_lowercase().as_str()))
            .take_while(|word| is_of_name(word))
            .take(3)
            .collect();
        let capitals = name.iter().all(|word| word.starts_with(char::is_uppercase));
        (!name.is_empty() && (capitals || !capitals_needed)).then(|| {
            let words: Vec<String> = name.iter().map(|word| capitalised(word)).collect();
            words.join(" ")
        })
    }

    /// Whether it says outright that a name follows: whatever else is in such a line may be a part of it, as in "it's Jane Park".
    pub(crate) fn leads_to_name(&self) -> bool {
        self.contain_any(&["name is", "name's", "it's", "this is"])
    }
}

fn is_of_name(word: &str) -> bool {
    let small = word.to_lowercase();
    // Spelled, as people do after their name.
    let is_spelled = word.len() > 2 && word.split('-').all(|part| part.chars().count() == 1);
    let letters = word
        .chars()
        .all(|character| character.is_alphabetic() || "'-.".contains(character));
    letters
        && !is_spelled
        && !COMMON.contains(&small.as_str())
        // "I've", "that'll", "we're".
        && !["'ve", "'ll", "'re", "'d"].iter().any(|end| small.ends_with(end))
}

const LEADS: [&str; 10] = [
    "my name is",
    "my name's",
    "the name is",
    "the name's",
    "name is",
    "this is",
    "it's under",
    "i am",
    "i'm",
    "it's",
];

const FILLERS: [&str; 17] = [
    "it's", "its", "um", "uh", "er", "erm", "yes", "yeah", "sure", "okay", "ok", "oh", "well",
    "so", "the", "name's", "under",
];

/// Words that are nobody's name and end one.
const COMMON: &[&str] = &[
    "a",
    "about",
    "actually",
    "after",
    "afternoon",
    "again",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "anything",
    "appointment",
    "are",
    "as",
    "at",
    "available",
    "be",
    "book",
    "booking",
    "but",
    "by",
    "call",
    "calling",
    "can",
    "cancel",
    "change",
    "cleaning",
    "come",
    "could",
    "day",
    "did",
    "do",
    "does",
    "don't",
    "eight",
    "eleven",
    "evening",
    "fine",
    "first",
    "five",
    "for",
    "four",
    "friday",
    "from",
    "get",
    "good",
    "great",
    "half",
    "have",
    "hello",
    "help",
    "here",
    "hey",
    "hi",
    "hoping",
    "how",
    "i",
    "i'm",
    "if",
    "in",
    "interested",
    "is",
    "just",
    "know",
    "later",
    "like",
    "looking",
    "me",
    "moment",
    "monday",
    "morning",
    "move",
    "my",
    "need",
    "nine",
    "no",
    "noon",
    "nope",
    "not",
    "now",
    "number",
    "of",
    "on",
    "one",
    "or",
    "pardon",
    "perfect",
    "please",
    "quarter",
    "repeat",
    "right",
    "saturday",
    "second",
    "seven",
    "six",
    "sorry",
    "speaking",
    "spelled",
    "spelt",
    "sunday",
    "ten",
    "thank",
    "thanks",
    "that",
    "that's",
    "the",
    "there",
    "third",
    "this",
    "three",
    "thursday",
    "time",
    "to",
    "today",
    "tomorrow",
    "trying",
    "tuesday",
    "twelve",
    "two",
    "wait",
    "want",
    "was",
    "wednesday",
    "what",
    "when",
    "where",
    "who",
    "why",
    "with",
    "wrong",
    "you",
    "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        for (line, asked, expected) in [
            ("My name is Sam Okafor", false, Some("Sam Okafor")),
            ("my name is sam okafor", false, Some("Sam Okafor")),
            ("It's Anna Lee.", true, Some("Anna Lee")),
            ("it's anna lee", true, Some("Anna Lee")),
            (
                "Yes, it's Ada Lovelace, L-O-V-E.",
                true,
                Some("Ada Lovelace"),
            ),
            ("anna", true, Some("Anna")),
            ("Um, Grace Hopper, please.", true, Some("Grace Hopper")),
            ("Mrs. O'Neil-Smith here.", true, Some("Mrs O'Neil-Smith")),
            ("This is John and I need help", false, Some("John")),
            ("It's under Lovelace.", true, Some("Lovelace")),
            ("It's Jane Park", true, Some("Jane Park")),
            ("I'm looking for a dentist", false, None),
            ("I'm interested in whitening", true, None),
            ("I would like a cleaning", false, None),
            ("It's Tuesday that I want", false, None),
            ("Sorry, what was that?", true, None),
            ("No.", true, None),
        ] {
            assert_eq!(Words::of(line).name(asked).as_deref(), expected, "{line}");
        }
    }
}
