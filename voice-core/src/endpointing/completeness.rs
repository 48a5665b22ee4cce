//! Whether a text reads as finished.
//!
//! Recognisers put a full stop behind whatever they were given, so a full stop proves nothing; a question mark nearly does. What
//! tells is the last word, and what is being dictated.

use super::dictation::{self, Progress, Wanted};
use crate::barge_in::normalise;

/// How a text reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing is likely to follow: a question, a yes, a goodbye.
    Finished,
    /// A whole sentence, or a number with all its digits, to which more may be added.
    Statement,
    /// It stops in the middle.
    Unfinished,
    /// It stops in the middle of a number, an address, a spelled name or a date.
    Dictating,
}

/// Judges what the caller has said so far, given what she had asked for.
#[must_use]
pub fn completeness(text: &str, wanted: Option<Wanted>) -> Completeness {
    let text = text.trim_end();
    let words = normalise(text);
    match dictation::progress(&words, text, wanted) {
        // A digit that was misheard as two must not cut off the last.
        Progress::Complete => return Completeness::Statement,
        Progress::UnderWay => return Completeness::Dictating,
        Progress::None => {}
    }
    if text.ends_with(['-', '–', '—', '…']) || text.ends_with("..") {
        return Completeness::Unfinished;
    }
    let last = words.rsplit(' ').next().unwrap_or_default();
    let asks = text.ends_with('?');
    let is_one_word = !words.contains(' ');
    // "What is that for?", but not "Do you have anything on?": a recogniser writes a question mark behind either.
    let asks_what = asks
        && last != "to"
        && words
            .split(' ')
            .take(2)
            .any(|word| QUESTION_WORDS.contains(&word) || word.starts_with("what'"));
    let asks_whom = asks && words.split(' ').any(|word| matches!(word, "who" | "whom"));
    let wants_another = WANT_ANOTHER.contains(&last)
        || FILLERS.iter().any(|filler| ends_with(&words, filler))
        || (PREPOSITIONS.contains(&last) && !asks_what && !asks_whom)
        || (QUESTION_WORDS.contains(&last) && !asks && !is_one_word)
        || (matches!(last, "no" | "wait" | "sorry") && !is_one_word && !is_short_answer(&words))
        || (GREETINGS.contains(&words.as_str()) && !asks);
    if wants_another {
        Completeness::Unfinished
    } else if is_question(&words) {
        // Whatever mark a recogniser writes behind it.
        Completeness::Finished
    } else if text.ends_with(',') {
        // It sounded as if more were to come, which is a hint and no more.
        Completeness::Statement
    } else if is_bare_answer(text, &words)
        || is_long_sentence(text)
        || asks
        || text.ends_with('!')
        || closes(&words)
        || QUESTION_WORDS.contains(&last)
    {
        Completeness::Finished
    } else {
        Completeness::Statement
    }
}

/// Whether it is a word or two that sounded like the end: a name, a day.
fn is_bare_answer(text: &str, words: &str) -> bool {
    let first = words.split(' ').next().unwrap_or_default();
    text.ends_with('.')
        && words.split(' ').count() <= 2
        && !LEAD_INS.contains(&first)
        && !PREPOSITIONS.contains(&first)
        && !matches!(first, "the" | "oh")
}

/// Whether it sounded like the end and has all that a sentence needs: who breaks off after so many words does not do it after a whole
/// sentence.
fn is_long_sentence(text: &str) -> bool {
    let last = text.strip_suffix('.').map(|text| {
        let ends = text
            .rfind(['.', '?', '!'])
            .map_or(0, |at| at.saturating_add(1));
        normalise(text.get(ends..).unwrap_or_default())
    });
    last.is_some_and(|words| words.split(' ').count() >= LONG_SENTENCE)
}

/// Whether the words have the form of a question, and are enough for one.
fn is_question(words: &str) -> bool {
    let mut rest = words.split(' ').skip_while(|word| LEAD_INS.contains(word));
    let (first, second) = (rest.next().unwrap_or_default(), rest.next());
    let inverted =
        AUXILIARIES.contains(&first) && second.is_some_and(|word| SUBJECTS.contains(&word));
    let asks = QUESTION_WORDS.contains(&first) || first == "which" || inverted;
    asks && rest.count() >= 2
}

/// Whether the words are, or end with, what people say last.
fn closes(words: &str) -> bool {
    words.starts_with("please ")
        || LAST_WORDS.iter().any(|last| ends_with(words, last))
        || is_short_answer(words)
}

/// Nothing but a yes, a no or the like, one or several.
fn is_short_answer(words: &str) -> bool {
    let mut rest = words;
    while !rest.is_empty() {
        let longest = SHORT_ANSWERS
            .iter()
            .filter_map(|answer| {
                let tail = rest.strip_prefix(answer)?;
                (tail.is_empty() || tail.starts_with(' ')).then_some(tail)
            })
            .min_by_key(|tail| tail.len());
        let Some(tail) = longest else {
            return false;
        };
        rest = tail.trim_start();
    }
    !words.is_empty()
}

fn ends_with(words: &str, phrase: &str) -> bool {
    words
        .strip_suffix(phrase)
        .is_some_and(|before| before.is_empty() || before.ends_with(' '))
}

const LONG_SENTENCE: usize = 8;

/// Words that want another one: articles, conjunctions, possessives, pronouns as subjects, verbs that want an object.
const WANT_ANOTHER: [&str; 91] = [
    "a",
    "actually",
    "although",
    "am",
    "an",
    "and",
    "another",
    "are",
    "basically",
    "be",
    "because",
    "between",
    "book",
    "but",
    "called",
    "can",
    "could",
    "did",
    "do",
    "does",
    "during",
    "every",
    "get",
    "had",
    "has",
    "have",
    "her",
    "he",
    "he'd",
    "he's",
    "his",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "if",
    "into",
    "is",
    "it's",
    "its",
    "let",
    "let's",
    "make",
    "maybe",
    "mr",
    "mrs",
    "ms",
    "my",
    "name's",
    "need",
    "needs",
    "next",
    "number's",
    "or",
    "our",
    "probably",
    "schedule",
    "she",
    "she's",
    "should",
    "since",
    "some",
    "spelled",
    "spelt",
    "than",
    "that's",
    "the",
    "their",
    "there's",
    "these",
    "they",
    "they're",
    "those",
    "though",
    "till",
    "until",
    "very",
    "want",
    "wants",
    "was",
    "we",
    "we'd",
    "we're",
    "we've",
    "were",
    "whether",
    "while",
    "whose",
    "will",
    "your",
];

/// Words that want another one, except at the end of a question ("What is that for?").
const PREPOSITIONS: [&str; 17] = [
    "about", "around", "as", "at", "by", "for", "from", "in", "like", "of", "on", "so", "to",
    "with", "without", "would", "which",
];

const QUESTION_WORDS: [&str; 6] = ["how", "what", "when", "where", "who", "why"];

/// What people say while they look for the next words, or before them.
const FILLERS: [&str; 29] = [
    "ah",
    "eh",
    "em",
    "er",
    "erm",
    "hm",
    "hmm",
    "huh",
    "i mean",
    "is that",
    "just a moment",
    "just a second",
    "let me check",
    "let me see",
    "let me think",
    "let's see",
    "my number",
    "my numbers",
    "my email",
    "the number",
    "one moment",
    "one second",
    "sorry",
    "uh",
    "um",
    "umm",
    "wait a second",
    "well",
    "you know",
];

/// Callers greet, and then say what they want.
const GREETINGS: [&str; 7] = [
    "good afternoon",
    "good evening",
    "good morning",
    "hello",
    "hello there",
    "hey",
    "hi",
];

/// What ends a sentence for good.
const LAST_WORDS: [&str; 21] = [
    "bye",
    "goodbye",
    "good bye",
    "please",
    "thank you",
    "thank you very much",
    "thanks",
    "that is all",
    "that's all",
    "that's it",
    "nothing else",
    "have a nice day",
    "that's right",
    "never mind",
    "is fine",
    "be fine",
    "be great",
    "be perfect",
    "be good",
    "i'm good",
    "go ahead",
];

/// Said before a question begins.
const LEAD_INS: [&str; 10] = [
    "and", "but", "hello", "hey", "hi", "okay", "so", "sorry", "well", "yes",
];

const AUXILIARIES: [&str; 18] = [
    "am", "are", "can", "could", "did", "do", "does", "has", "have", "is", "may", "must", "should",
    "was", "were", "will", "would", "can't",
];

const SUBJECTS: [&str; 15] = [
    "anybody", "anyone", "he", "i", "it", "my", "she", "that", "the", "there", "they", "this",
    "we", "you", "your",
];

/// What a caller answers in a word or two.
const SHORT_ANSWERS: [&str; 35] = [
    "absolutely",
    "all right",
    "alright",
    "correct",
    "definitely",
    "exactly",
    "fine",
    "good",
    "great",
    "i do",
    "i don't",
    "no",
    "nope",
    "not really",
    "nothing",
    "of course",
    "oh",
    "ok",
    "okay",
    "perfect",
    "right",
    "sounds good",
    "sure",
    "that works",
    "that's fine",
    "that's correct",
    "wait",
    "stop",
    "yeah",
    "yep",
    "yes",
    "yes i do",
    "yes it is",
    "no it isn't",
    "that would be great",
];

#[cfg(test)]
mod tests {
    use super::Completeness::{Dictating, Finished, Statement, Unfinished};
    use super::*;

    #[test]
    fn a_text_reads_as_a_listener_would_take_it() {
        for (text, expected) in [
            ("What are your opening hours?", Finished),
            ("What is that for?", Finished),
            ("Who do I talk to?", Finished),
            ("When?", Finished),
            ("When", Finished),
            ("Yes.", Finished),
            ("Okay, great.", Finished),
            ("No thanks.", Finished),
            ("I'd like an appointment, please.", Finished),
            ("That's all, thank you.", Finished),
            ("Wait!", Finished),
            ("I'd like to book an appointment.", Statement),
            (
                "I need to cancel my appointment for tomorrow morning.",
                Finished,
            ),
            ("On Monday morning.", Statement),
            ("My name is John Smith.", Statement),
            ("what are your hours", Finished),
            ("Do you take new patients,", Finished),
            ("Which dentists work on Fridays,", Finished),
            ("Have a look at my tooth.", Statement),
            ("Please call me back this afternoon.", Finished),
            ("Next Tuesday would be perfect.", Finished),
            ("I'd like to come on Monday and", Unfinished),
            ("I'd like to come on Monday, and.", Unfinished),
            ("I want to", Unfinished),
            ("I'd like to book.", Unfinished),
            ("So, um.", Unfinished),
            ("Well", Unfinished),
            ("On Monday,", Statement),
            ("Yes,", Statement),
            ("I was thinking...", Unfinished),
            ("Do you have?", Unfinished),
            ("I wanted to know when", Unfinished),
            ("Do you have anything on?", Unfinished),
            ("What does it cost to?", Unfinished),
            ("Is it possible to?", Unfinished),
            ("Next week, no.", Unfinished),
            ("Friday, wait.", Unfinished),
            ("Oh no.", Finished),
            ("Hello.", Unfinished),
            ("Hello?", Finished),
            ("Anna Smith.", Finished),
            ("Tomorrow morning.", Finished),
            ("Tomorrow morning,", Statement),
            ("The fifth.", Statement),
            ("The thing is that.", Unfinished),
            ("Hi, this is Anna, my numbers.", Unfinished),
            ("Hmm, let me see.", Unfinished),
            ("I spoke to somebody called.", Unfinished),
            ("It hurts when I, you know.", Unfinished),
            ("My number is 555", Dictating),
            ("My number is 555 123 4567.", Statement),
        ] {
            assert_eq!(completeness(text, None), expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_asked_for_is_waited_for() {
        for (text, wanted, expected) in [
            ("five five five", Wanted::Telephone, Dictating),
            (
                "five five five one two three four five six seven",
                Wanted::Telephone,
                Statement,
            ),
            ("Sure, it's", Wanted::Telephone, Dictating),
            ("I don't have one.", Wanted::Telephone, Statement),
            ("jane dot doe at", Wanted::Email, Dictating),
            ("jane.doe@example.com", Wanted::Email, Statement),
        ] {
            assert_eq!(completeness(text, Some(wanted)), expected, "{text:?}");
        }
    }
}
