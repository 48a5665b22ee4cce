//! The functions the worklet's script calls, and the only file that needs leave to write `unsafe`: exporting a name is unsafe
//! because two of the same name would clash. Nothing here dereferences a pointer.
//!
//! The script reads and writes the buffers between calls, never during one: the worklet has one thread, and with no imports
//! no call can return to it half way.

#![expect(unsafe_code, reason = "exported names are `#[unsafe(no_mangle)]`")]

use std::cell::RefCell;
use std::ptr;

use crate::engine::Engine;

thread_local! {
    static ENGINE: RefCell<Option<Box<Engine>>> = const { RefCell::new(None) };
}

fn with<T>(fallback: T, act: impl FnOnce(&mut Engine) -> T) -> T {
    ENGINE.with(|engine| match engine.try_borrow_mut() {
        Ok(mut engine) => engine.as_deref_mut().map_or(fallback, act),
        Err(_) => fallback,
    })
}

/// Takes all memory there will be. Call it first; calling it again forgets everything.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn start(rate: f32) {
    ENGINE.with(|engine| {
        if let Ok(mut engine) = engine.try_borrow_mut() {
            *engine = Some(Box::new(Engine::new(rate)));
        }
    });
}

/// 128 samples of the microphone, written before `process`.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn input() -> *mut f32 {
    with(ptr::null_mut(), |engine| engine.input.as_mut_ptr())
}

/// 128 samples of her voice, read after `process`.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const f32 {
    with(ptr::null(), |engine| engine.output.as_ptr())
}

/// Room for the longest voice frame, written before `receive`.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn voice() -> *mut u8 {
    with(ptr::null_mut(), |engine| engine.voice.as_mut_ptr())
}

/// How many bytes that room has.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn voice_capacity() -> usize {
    with(0, |engine| engine.voice.len())
}

/// The numbers of an event, read after `next_event`.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn event() -> *const f64 {
    with(ptr::null(), |engine| engine.record.as_ptr())
}

/// How many numbers those are.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn event_length() -> usize {
    with(0, |engine| engine.record.len())
}

/// One quantum of `samples`, at most 128, at `now` milliseconds of the context's clock.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn process(samples: usize, now: f64) {
    with((), |engine| engine.process(samples, now));
}

/// Where a finished microphone frame lies, or null; ask after each `process`.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn microphone_frame() -> *const u8 {
    with(ptr::null(), |engine| {
        engine.uplink.take().map_or(ptr::null(), <[u8]>::as_ptr)
    })
}

/// How many bytes it has.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn microphone_frame_length() -> usize {
    crate::uplink::UPLINK_FRAME
}

/// A voice frame of `length` bytes has been written.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn receive(length: usize) {
    with((), |engine| engine.receive(length));
}

/// A control message of the page: 1 flush a turn, 2 resume a turn, 3 mute (1) or unmute (0), 4 the call is open, 5 counters.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn control(what: u32, argument: u32) {
    with((), |engine| engine.control(what, argument));
}

/// Moves the next event to `event`: 1, or 0 when there is none.
// SAFETY: the name is not defined elsewhere in this module.
#[unsafe(no_mangle)]
extern "C" fn next_event() -> u32 {
    with(0, |engine| u32::from(engine.next_event()))
}
