//! The invariants of ARCHITECTURE.md that are seen in the sources. The number in a test's name is the invariant's.

use std::collections::BTreeSet;

use crate::crates::with_dependencies;
use crate::{FILES, File, conclude, file, settings_of_wrangler, sources};

/// The crates of the product: what runs at the edge and in a visitor's browser.
const PRODUCT: [&str; 5] = [
    "client-wasm",
    "client-wasm/audio-thread",
    "edge-worker",
    "front-desk",
    "voice-core",
];

#[test]
fn invariant_1_the_core_reads_no_clock_opens_nothing_and_cannot_fail() {
    let mut complaints = Vec::new();
    let allowed = [
        "std::borrow",
        "std::cmp",
        "std::collections",
        "std::fmt",
        "std::iter",
        "std::mem",
        "std::ops",
        "std::time::Duration",
    ];
    for file in sources("voice-core") {
        let code = file.code();
        for forbidden in [
            "async ",
            ".await;",
            ".await?",
            ".await)",
            "Instant",
            "SystemTime",
            "thread_local!",
            "static mut",
            "unsafe",
            "rand::",
            "print!",
            "println!",
            "dbg!",
        ] {
            // A crate's name may end another word.
            let found = if forbidden.ends_with("::") {
                has_word(&code, forbidden)
            } else {
                code.contains(forbidden)
            };
            if found {
                complaints.push(format!("{}: {forbidden}", file.path));
            }
        }
        for forbidden in [
            ".unwrap()",
            ".expect(",
            "panic!",
            "unreachable!",
            "unimplemented!",
            " assert!",
            " assert_eq!",
        ] {
            if code.contains(forbidden) {
                complaints.push(format!("{} can fail: {forbidden}", file.path));
            }
        }
        for (at, _) in code.match_indices("std::") {
            let path = &code[at..];
            if !allowed.iter().any(|allowed| path.starts_with(allowed)) {
                let shown: String = path.chars().take(30).collect();
                complaints.push(format!("{} reaches into the world: {shown:?}", file.path));
            }
        }
    }
    let crates = with_dependencies("voice-core");
    let world = [
        "async-std",
        "chrono",
        "fastrand",
        "futures",
        "futures-util",
        "getrandom",
        "gloo-net",
        "hyper",
        "jiff",
        "js-sys",
        "libc",
        "log",
        "mio",
        "parking_lot",
        "rand",
        "rand_core",
        "reqwest",
        "rustix",
        "socket2",
        "time",
        "tokio",
        "tracing",
        "tungstenite",
        "uuid",
        "wasm-bindgen",
        "wasm-bindgen-futures",
        "web-sys",
        "web-time",
        "worker",
    ];
    complaints.extend(
        world
            .iter()
            .filter(|name| crates.contains(*name))
            .map(|name| format!("voice-core depends on {name}")),
    );
    conclude(&complaints);
}

/// Where bytes or JSON of a wire are read and written, and whose they are.
const LAYOUTS: [(&str, &str); 21] = [
    (
        "client-wasm/audio-thread/src/playback.rs",
        "samples of a frame that `wire` has parsed",
    ),
    (
        "client-wasm/audio-thread/src/uplink.rs",
        "samples and sequence of a frame that `wire` has made",
    ),
    ("client-wasm/src/call.rs", "writes messages of `wire`"),
    (
        "client-wasm/src/ticket.rs",
        "the answer to a request for a ticket",
    ),
    (
        "edge-worker/src/call.rs",
        "the request from the worker to its own object",
    ),
    (
        "edge-worker/src/call/browser.rs",
        "writes messages of `wire`",
    ),
    (
        "edge-worker/src/auth/access.rs",
        "the assertion of Cloudflare Access",
    ),
    (
        "edge-worker/src/call/desk.rs",
        "the digits of a booking's id",
    ),
    ("edge-worker/src/call/record.rs", "the object's own storage"),
    (
        "edge-worker/src/call/record/delivery.rs",
        "the object's own storage",
    ),
    (
        "voice-core/src/conversation/script.rs",
        "the arguments of the one tool that is called without a model",
    ),
    (
        "edge-worker/src/internal.rs",
        "what the worker asks of its own objects",
    ),
    (
        "edge-worker/src/live_board.rs",
        "what a board tells, is told and keeps",
    ),
    ("edge-worker/src/routes/ask.rs", "the bodies of requests"),
    ("edge-worker/src/problem.rs", "errors of the HTTP border"),
    ("edge-worker/src/routes.rs", "whether the worker can serve"),
    (
        "edge-worker/src/routes/session.rs",
        "the request for a ticket",
    ),
    (
        "edge-worker/src/seal.rs",
        "what is sealed, which is a wire of its own",
    ),
    ("edge-worker/src/ticket.rs", "the digits of a call's id"),
    ("edge-worker/src/warden.rs", "what a warden keeps"),
    (
        "voice-core/src/audio/trim.rs",
        "samples, which every vendor sends alike",
    ),
];

#[test]
fn invariant_5_only_the_wire_and_the_provider_files_know_a_byte_layout() {
    let marks = [
        "from_le_bytes",
        "to_le_bytes",
        "from_be_bytes",
        "to_be_bytes",
        "from_ne_bytes",
        "to_ne_bytes",
        "serde_json::",
        "JSON::parse",
    ];
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    for file in PRODUCT.iter().flat_map(|name| sources(name)) {
        let borders = [
            "client-wasm/src/wire.rs",
            "edge-worker/src/providers/",
            "edge-worker/src/routes/api/",
            "edge-worker/src/store/",
            "edge-worker/src/twilio/",
            "front-desk/src/tool",
            "voice-core/src/wire.rs",
            "voice-core/src/wire/",
        ];
        let is_border = borders.iter().any(|border| file.path.starts_with(border));
        let code = file.code();
        for mark in marks
            .iter()
            .filter(|mark| !is_border && code.contains(**mark))
        {
            match LAYOUTS.iter().find(|(path, _)| *path == file.path) {
                Some((path, _)) => {
                    used.insert(*path);
                }
                None => complaints.push(format!("{} knows a layout: {mark}", file.path)),
            }
        }
    }
    for (path, _) in LAYOUTS.iter().filter(|(path, _)| !used.contains(path)) {
        complaints.push(format!("{path} is on the list and knows no layout"));
    }
    // In the core, a `Result` says that input was refused. The scenarios are read by tests, not in a call.
    let may_refuse = [
        "voice-core/src/simulation/scenario.rs",
        "voice-core/src/wire",
    ];
    let silent = |file: &&File| !may_refuse.iter().any(|path| file.path.starts_with(path));
    for file in sources("voice-core").filter(silent) {
        if file.code().contains("Result<") {
            complaints.push(format!("{} refuses input", file.path));
        }
    }
    conclude(&complaints);
}

/// A vendor's own files, and the names that are its own.
const OF_VENDORS: [(&str, &[&str]); 6] = [
    (
        "edge-worker/src/providers/deepgram",
        &["deepgram", "nova", "aura"],
    ),
    (
        "edge-worker/src/providers/groq",
        &["groq", "gpt-oss", "openai"],
    ),
    ("edge-worker/src/routes/twilio.rs", &["twilio"]),
    ("edge-worker/src/routes/twilio/", &["twilio"]),
    ("edge-worker/src/twilio.rs", &["twilio"]),
    ("edge-worker/src/twilio/", &["twilio"]),
];

/// Who may name a vendor, besides the vendor's own files: whoever chooses it or is told its name.
const NAMES_VENDORS: [(&str, &str); 20] = [
    (
        "edge-worker/src/call.rs",
        "is asked for calls by the telephone company's names for them",
    ),
    (
        "edge-worker/src/call/driver.rs",
        "makes the providers of a call",
    ),
    ("edge-worker/src/call/model.rs", "runs the model's stream"),
    (
        "edge-worker/src/call/model/warming.rs",
        "opens the model's connection",
    ),
    (
        "edge-worker/src/call/caller.rs",
        "a telephone's caller comes with a stream",
    ),
    (
        "edge-worker/src/call/recogniser/losses.rs",
        "chooses the spare recogniser",
    ),
    (
        "edge-worker/src/call/recogniser.rs",
        "runs the recogniser's socket",
    ),
    (
        "edge-worker/src/call/telephone.rs",
        "runs the telephone company's stream",
    ),
    (
        "edge-worker/src/call/telephone/parting.rs",
        "makes the telephone company's requests",
    ),
    ("edge-worker/src/call/voice.rs", "runs the voice's socket"),
    (
        "edge-worker/src/call/voice/rest.rs",
        "runs the voice's REST",
    ),
    (
        "edge-worker/src/call/voice/spare.rs",
        "runs the voice by the binding",
    ),
    ("edge-worker/src/lib.rs", "declares their modules"),
    (
        "edge-worker/src/problem.rs",
        "names the settings that are missing",
    ),
    ("edge-worker/src/providers.rs", "declares their modules"),
    (
        "edge-worker/src/routes.rs",
        "has the telephone company's paths",
    ),
    (
        "edge-worker/src/routes/table.rs",
        "keeps the telephone company's paths from being files",
    ),
    ("edge-worker/src/seal.rs", "derives its keys from theirs"),
    (
        "edge-worker/src/settings.rs",
        "names their keys and addresses",
    ),
    (
        "edge-worker/src/settings/value.rs",
        "knows which models and voices there are",
    ),
];

#[test]
fn invariant_6_a_vendor_is_named_only_where_it_is_chosen_or_spoken_to() {
    let vendors = [
        "deepgram", "nova", "aura", "groq", "gpt-oss", "openai", "twilio",
    ];
    let mut complaints = Vec::new();
    let mut used = BTreeSet::new();
    let pages = FILES.iter().filter(|file| file.path.starts_with("www/"));
    for file in PRODUCT.iter().flat_map(|name| sources(name)).chain(pages) {
        let own: Vec<&str> = OF_VENDORS
            .iter()
            .filter(|(path, _)| file.path.starts_with(path))
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        let code = file.code().to_lowercase();
        for vendor in vendors
            .iter()
            .filter(|vendor| !own.contains(vendor) && has_word(&code, vendor))
        {
            match NAMES_VENDORS.iter().find(|(path, _)| *path == file.path) {
                Some((path, _)) => {
                    used.insert(*path);
                }
                None => complaints.push(format!("{} names {vendor}", file.path)),
            }
        }
    }
    for (path, _) in NAMES_VENDORS
        .iter()
        .filter(|(path, _)| !used.contains(path))
    {
        complaints.push(format!("{path} is on the list and names no vendor"));
    }
    conclude(&complaints);
}

/// Whether `word` begins at a place where no letter precedes it, as in `deepgram_key` but not in `restaurant`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(|before: char| before.is_ascii_alphabetic()))
}

#[test]
fn invariant_7_no_secret_reaches_a_page() {
    let mut complaints = Vec::new();
    // Those that show a key to its vendor, and those that sign or check with one.
    let may_reveal = |path: &str| {
        path.starts_with("edge-worker/src/providers/")
            || [
                "edge-worker/src/seal.rs",
                "edge-worker/src/twilio/rest.rs",
                "edge-worker/src/twilio/signature.rs",
            ]
            .contains(&path)
    };
    for file in sources("edge-worker").filter(|file| !may_reveal(&file.path)) {
        if file.code().contains(".reveal()") {
            complaints.push(format!("{} reveals a secret", file.path));
        }
    }
    let value = file("edge-worker/src/settings/value.rs");
    let can_be_printed = ["Display for Secret", "Serialize for Secret"]
        .iter()
        .any(|way| value.contains(way));
    if !value.contains("#[derive(Clone)]\npub struct Secret(String);") || can_be_printed {
        complaints.push("a secret can do more than be cloned and revealed".to_owned());
    }
    let (public, secret) = settings_of_wrangler();
    for name in secret.iter().filter(|name| public.contains_key(*name)) {
        complaints.push(format!("wrangler.toml is public and sets {name}"));
    }
    for file in FILES
        .iter()
        .filter(|file| file.path.starts_with("www/") || file.path.starts_with("client-wasm/"))
    {
        for name in secret
            .iter()
            .filter(|name| file.text.contains(name.as_str()))
        {
            complaints.push(format!("{} names {name}", file.path));
        }
    }
    conclude(&complaints);
}
