//! Text to phonemes by espeak-ng, loaded at run time: it is under another licence than this crate, and comes with the
//! system.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, anyhow, bail};
use libloading::{Library, Symbol};

/// The library keeps one state for the process, so there is one of these.
pub(crate) struct Espeak {
    library: Library,
}

type Initialize = unsafe extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int;
type SetVoiceByName = unsafe extern "C" fn(*const c_char) -> c_int;
type TextToPhonemes = unsafe extern "C" fn(*mut *const c_void, c_int, c_int) -> *const c_char;

impl Espeak {
    /// The process's phonemizer for American English.
    pub(crate) fn shared() -> anyhow::Result<&'static Mutex<Self>> {
        static SHARED: OnceLock<Result<Mutex<Espeak>, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            Self::load()
                .map(Mutex::new)
                .map_err(|error| format!("{error:#}"))
        });
        shared.as_ref().map_err(|error| anyhow!("{error}"))
    }

    #[expect(
        unsafe_code,
        reason = "a C library: the signatures are those of its header, speak_lib.h of 1.51"
    )]
    fn load() -> anyhow::Result<Self> {
        // SAFETY: the library's initialisers have no requirements; each symbol is used with its C signature, and the
        // strings passed outlive the calls.
        unsafe {
            let library = Library::new(LIBRARY).with_context(|| {
                format!("cannot load {LIBRARY}: install the Debian package libespeak-ng1")
            })?;
            let initialize: Symbol<'_, Initialize> = library.get(b"espeak_Initialize\0")?;
            if initialize(
                AUDIO_OUTPUT_SYNCHRONOUS,
                0,
                std::ptr::null(),
                INITIALIZE_DONT_EXIT,
            ) < 0
            {
                bail!(
                    "espeak-ng does not start: its data (Debian package espeak-ng-data) is missing"
                );
            }
            let set_voice: Symbol<'_, SetVoiceByName> = library.get(b"espeak_SetVoiceByName\0")?;
            if set_voice(VOICE.as_ptr()) != 0 {
                bail!("espeak-ng has no voice en-us");
            }
            Ok(Self { library })
        }
    }

    /// The IPA phonemes of a text without clause punctuation, which espeak-ng would drop.
    #[expect(unsafe_code, reason = "a C library: see load")]
    pub(crate) fn phonemes(&mut self, text: &str) -> anyhow::Result<String> {
        let text = CString::new(text.replace('\0', " "))?;
        let mut rest: *const c_void = text.as_ptr().cast();
        let mut phonemes = String::new();
        // SAFETY: `rest` points into `text`, which outlives the loop; the library moves it to the next clause, or to null
        // at the end; what it returns is a terminated string of its own, copied before the next call. `&mut self`
        // keeps other threads out.
        unsafe {
            let convert: Symbol<'_, TextToPhonemes> =
                self.library.get(b"espeak_TextToPhonemes\0")?;
            while !rest.is_null() {
                let clause = convert(&raw mut rest, CHARACTERS_UTF8, PHONEMES_IPA);
                if clause.is_null() {
                    break;
                }
                phonemes.push_str(&CStr::from_ptr(clause).to_string_lossy());
            }
        }
        Ok(without_language_marks(&phonemes))
    }
}

/// A word of another language is wrapped in `(fr)…(en-us)`, which is not to be spoken.
fn without_language_marks(phonemes: &str) -> String {
    let mut inside = false;
    let kept = phonemes.chars().filter(|&character| {
        let mark = inside || character == '(';
        inside = mark && character != ')';
        !mark
    });
    kept.collect()
}

const LIBRARY: &str = "libespeak-ng.so.1";
const VOICE: &CStr = c"en-us";

// From speak_lib.h.
const AUDIO_OUTPUT_SYNCHRONOUS: c_int = 2;
const INITIALIZE_DONT_EXIT: c_int = 0x8000;
const CHARACTERS_UTF8: c_int = 1;
const PHONEMES_IPA: c_int = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_marks_are_not_spoken() {
        assert_eq!(
            without_language_marks("ə (fr)kafˈe(en-us) plˈiːz"),
            "ə kafˈe plˈiːz"
        );
    }
}
