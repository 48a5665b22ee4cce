//! Who answers in the simulated world.

use voice_core::conversation::Config;
use voice_core::tools::Offer;

use super::Door;

/// A receptionist who can put callers through.
pub(crate) fn config(door: Door) -> Config {
    Config {
        can_transfer: true,
        offers: vec![look_up()],
        echo: door == Door::Browser,
        ..Config::new(
            "Hello, Willow Lane Dental.",
            "You are a receptionist.",
            door.rate(),
        )
    }
}

fn look_up() -> Offer {
    Offer {
        name: "look_up".to_owned(),
        description: "Looks something up.".to_owned(),
        parameters: "{}".to_owned(),
    }
}
