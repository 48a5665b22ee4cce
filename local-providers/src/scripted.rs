//! The test emulator's backends: what is heard, said and answered comes from the [script](crate::script), after
//! fixed latencies.

pub(crate) mod energy;
pub(crate) mod model;
pub(crate) mod pilot;
pub(crate) mod recogniser;
pub(crate) mod voice;
