//! `moskit qshape`: who has messages waiting, and since when.

mod count;
mod explain;
mod list;
mod options;
mod purge;
mod refresh;
mod render;
mod report;
mod sentences;
mod sources;
mod table;

use crate::cmd::applet::{Applet, Invocation, Manual};
use crate::cmd::connect;
use crate::cmd::output::NO_COLOR;
use crate::term::{Exit, Failure, Term};
use options::{TableOptions, Verb};
use sources::Sources;

pub const APPLET: Applet = Applet {
    name: "qshape",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Show who has messages waiting, and since when",
    command: options::command,
    run,
    manual: Manual {
        description: &[
            "moskit qshape shows how many messages wait for each client of a broker, and for how many minutes, as Postfix's qshape does for mail. It reads the files of Mosquitto and moskit broker, the HTTP APIs of other brokers, and lists in NDJSON.",
            "Three usual calls: qshape FILE shows the table; qshape list CLIENT FILE shows the messages of one client; qshape explain CLIENT FILE says what its queue means and what to do.",
        ],
        sections: Vec::new,
        exit_status: &[
            ("0", "Done."),
            ("1", "A source could not be read, or --fail-over found too many."),
            ("2", "A source is damaged; what could be read was shown."),
            ("3", "Usage; with --fail-over or --older also: the ages are not known well enough to say."),
        ],
        environment: &[
            &[("MOSKIT_API_KEY", "For APIs, USER:PASSWORD or a token, unless --api-key-file is given.")],
            connect::environment::MANUAL,
            &[NO_COLOR],
        ],
        files: &[
            ("/var/lib/mosquitto/mosquitto.db", "Read when no SOURCE is given."),
            ("/var/lib/mosquitto/mosquitto.sqlite3", "The same, for a broker with persist-sqlite."),
        ],
        examples: &[
            ("moskit qshape", "The table of this machine's Mosquitto"),
            ("moskit qshape --by topic -p mosquitto.db", "Where the backlog comes from, with sums of topic prefixes"),
            ("moskit qshape --ledger looks.json mosquitto.db", "Ages for Mosquitto 2.0: run it every few minutes"),
            ("moskit qshape --api-key-file key emqx+http://broker:18083", "The same table from EMQX"),
            ("moskit qshape list gateway-7 --payload", "What waits for one client, message by message"),
            ("moskit qshape explain gateway-7", "What the shape of its queue means, and what to do"),
            ("moskit qshape purge gateway-7 -h broker --dry-run", "What the end of its session would remove"),
            ("moskit qshape --fail-over 2h=100 mosquitto.db", "For cron: fail if more than 100 are older than 2 hours"),
        ],
        differences: &[
            "Postfix's qshape ignores a width of 80 and below; here -w is honoured, down to a name column of 18.",
            "Rows of equal total come in the order of their names, not in a random one.",
            "Widths are display columns, not bytes.",
            "Messages of unknown age stand in a last column `?`, which is only there if it is needed.",
        ],
        see_also: &["moskit(1)", "moskit-broker(1)", "moskit-sub(1)"],
    },
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    let args = options::read(&matches)?;
    match &args.verb {
        Some(Verb::List(list)) => return list::run(list, invocation, term),
        Some(Verb::Explain(args)) => {
            let explained = explain::explain(args, invocation, term)?;
            render::explained(&explained, term);
            return Ok(if explained.damaged { Exit::DAMAGED } else { Exit::OK });
        }
        Some(Verb::Purge(purge)) => return purge::run(purge, invocation, term),
        None => {}
    }
    term.set_quiet(args.output.quiet.quiet);
    let screen = render::screen(term);
    let options = TableOptions::new(&args, screen.columns, screen.is_terminal)?;
    let sources = Sources::new(&args.from, invocation, term)?;
    table::run(&options, &sources, term)
}
