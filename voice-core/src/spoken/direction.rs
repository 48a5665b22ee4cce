//! Stage directions: what a model writes about how it speaks, as if it played a part. "(laughs)" is none of the caller's business;
//! "(closed on Sundays)" is.
//!
//! Only text that is set apart by asterisks, underscores, brackets or parentheses is asked about. It is a direction if it says nothing but one of:
//! - an act that a voice performs ("smiles warmly", "clearing throat"): one of a few verbs, and how it is done; "smiles for life" has a word too many;
//! - a sound or its absence ("laughter", "pause", "beat");
//! - a manner: an adverb of tone ("softly", "warmly, with a smile"), or "in a … tone", "with a … laugh".
//!
//! A digit in it makes it information. Emphasis on a single word is a direction only at the beginning of a sentence: "we love *smiles*" is
//! none.

use super::cursor::is_one_of;

pub(super) fn is_direction(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let information = text.chars().any(|c| c.is_ascii_digit());
    if information || words.len() > LONGEST {
        return false;
    }
    match words.as_slice() {
        [] => false,
        ["clears" | "clearing", "throat" | "her" | "his" | "my", ..]
        | ["takes" | "taking", "a", "breath" | "deep" | "moment", ..]
        | [
            "checks" | "checking" | "consults" | "looks" | "looking",
            "at" | "for" | "her" | "his" | "in" | "my" | "the" | "through" | "up",
            ..,
        ]
        | ["thinks" | "thinking"]
        | ["short" | "long" | "brief" | "slight", "pause" | "silence"]
        | ["typing" | "keyboard", "sounds" | "noises"] => true,
        ["in" | "with", "a" | "an", .., last] => is_one_of(last, &MANNERS),
        [only] if is_one_of(only, &SOUNDS) => true,
        [first, how @ ..] if is_one_of(first, &ACTS) => how.iter().all(|word| {
            word.ends_with("ly")
                || is_one_of(word, &HOW)
                || is_one_of(word, &MANNERS)
                || is_one_of(word, &ACTS)
        }),
        [first, ..] if is_one_of(first, &TONES) => words.iter().all(|word| {
            is_one_of(word, &TONES) || is_one_of(word, &MANNERS) || is_one_of(word, &JOINTS)
        }),
        _ => false,
    }
}

/// Longer ones say something else.
const LONGEST: usize = 8;

const ACTS: [&str; 42] = [
    "beaming",
    "beams",
    "blinks",
    "breathes",
    "chuckles",
    "chuckling",
    "coughing",
    "coughs",
    "exhales",
    "gasping",
    "gasps",
    "giggles",
    "giggling",
    "grinning",
    "grins",
    "hesitates",
    "humming",
    "hums",
    "inhales",
    "laughing",
    "laughs",
    "nodding",
    "nods",
    "pauses",
    "pausing",
    "shrugging",
    "shrugs",
    "sighing",
    "sighs",
    "smiles",
    "smiling",
    "smirks",
    "sniffs",
    "sobs",
    "typing",
    "whispering",
    "whispers",
    "winking",
    "winks",
    "yawning",
    "yawns",
    "waves",
];

const SOUNDS: [&str; 12] = [
    "beat", "breath", "chuckle", "cough", "gasp", "giggle", "laugh", "laughter", "pause", "sigh",
    "silence", "smile",
];

const TONES: [&str; 24] = [
    "apologetically",
    "brightly",
    "calmly",
    "cheerful",
    "cheerfully",
    "cheerily",
    "empathetically",
    "enthusiastically",
    "excitedly",
    "friendly",
    "gently",
    "happily",
    "kindly",
    "politely",
    "professionally",
    "quietly",
    "reassuringly",
    "sincerely",
    "smilingly",
    "softly",
    "sweetly",
    "sympathetically",
    "upbeat",
    "warmly",
];

const MANNERS: [&str; 10] = [
    "chuckle", "grin", "laugh", "manner", "sigh", "smile", "tone", "voice", "whisper", "wink",
];

/// What may be said about an act.
const HOW: [&str; 29] = [
    "a", "again", "along", "and", "at", "back", "bit", "breath", "computer", "deep", "for", "head",
    "her", "herself", "himself", "his", "in", "into", "keyboard", "little", "loud", "moment", "on",
    "out", "sound", "the", "then", "to", "with",
];

const JOINTS: [&str; 6] = ["a", "and", "but", "in", "very", "with"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions() {
        for text in [
            "smiles",
            "Smiles warmly",
            "laughs",
            "pause",
            "short pause",
            "beat",
            "clears throat",
            "in a warm tone",
            "in a calm, friendly voice",
            "with a smile",
            "softly",
            "warmly, with a smile",
            "takes a deep breath",
            "checks the calendar",
            "typing sounds",
            "laughter",
            "pauses for a moment",
            "laughs and shrugs",
        ] {
            assert!(is_direction(text), "{text:?} is a direction");
        }
    }

    #[test]
    fn information() {
        for text in [
            "",
            "555",
            "closed on Sundays",
            "optional",
            "usually",
            "in a week",
            "with a parent",
            "very",
            "checks",
            "checks and cards",
            "free parking",
            "a smile makeover",
            "friendly staff",
            "in a moment",
            "pauses 5 minutes",
            "pause the plan for a month",
            "quietly located behind the main road",
            "please",
            "smiles for life",
        ] {
            assert!(!is_direction(text), "{text:?} is information");
        }
    }
}
