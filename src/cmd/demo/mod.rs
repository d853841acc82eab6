//! `moskit demo`: the whole story in one command. Every step is a command that a user would type, run
//! for real, with its real output, and what must hold after it is asserted.

mod options;
mod render;
mod scene;
mod steps;

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::cmd::output::NO_COLOR;
use crate::term::{Exit, Failure, Term};

use scene::Scene;

pub const APPLET: Applet = Applet {
    name: "demo",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Show the whole story: certificates, passwords, a broker, messages, a queue, a diagnosis",
    command: options::command,
    run,
    manual: Manual {
        description: &[
            "moskit demo runs moskit's other verbs one after the other, on a broker of its own, and shows each command and its output. It needs nothing else: no broker, no network, no files.",
            "Without options it pauses between the steps on a terminal and removes everything at the end.",
        ],
        environment: &[&[NO_COLOR]],
        exit_status: &[
            ("0", "Every step did what it should."),
            ("1", "A step failed, or a file or folder cannot be written."),
            ("3", "Usage; the folder of --keep is not empty."),
        ],
        examples: &[
            ("moskit demo --fast", "All of it, without pauses"),
            ("moskit demo --keep /tmp/lab", "Keep certificates, passwords and configuration to play with"),
            ("moskit demo --fast > story.txt", "Keep what it shows"),
        ],
        see_also: &["moskit-certgen(1)", "moskit-passwd(1)", "moskit-broker(1)", "moskit-check(1)", "moskit-qshape(1)"],
        ..Manual::EMPTY
    },
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    let options = options::read(&matches);
    // Off a terminal nobody reads along.
    let pauses = !options.is_fast && term.out_is_terminal();
    let mut scene = Scene::new(options.keep.as_deref(), pauses)?;
    steps::play(&mut scene, term)?;
    Ok(Exit::OK)
}
