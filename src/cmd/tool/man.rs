//! `moskit man`: the man pages, generated from the applet table. The committed pages in `man/` are
//! compared with these by a test.

use std::io::Write;

use clap_mangen::Man;
use roff::{Roff, bold, roman};

use super::{folder, record_page};
use crate::cmd::applet::{Applet, Invocation, Manual, Section, find, introduction, moskit_command};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "man",
    mosquitto_name: None,
    about: "Print a man page",
    command,
    run,
    manual: Manual {
        examples: &[
            ("moskit man sub | man -l -", "Read the page of sub"),
            ("moskit man > moskit.1", "Keep the page of moskit itself"),
            ("moskit man --out man", "Write all pages into the folder man"),
        ],
        see_also: &["moskit(1)", "moskit-completions(1)"],
        ..Manual::EMPTY
    },
};

fn command() -> clap::Command {
    clap::Command::new("man")
        .arg(
            clap::Arg::new("verb")
                .value_name("VERB")
                .help("The verb, or record for moskit-record(5); without it, the page of moskit itself"),
        )
        .arg(folder::folder_option("verb", "Write every page into DIR instead, replacing those that are there"))
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    if let Some(folder) = matches.get_one::<std::path::PathBuf>("out") {
        return folder::write_all(folder, &pages(invocation.applets));
    }
    let page = match matches.get_one::<String>("verb").map(String::as_str) {
        None => overview(invocation.applets),
        Some(record_page::NAME) => record_page::page(),
        Some(verb) => page(find(invocation.applets, verb)?),
    };
    term.write(page.as_bytes());
    Ok(Exit::OK)
}

/// Every page as `(file name, text)`.
pub fn pages(applets: &[Applet]) -> Vec<(String, String)> {
    let mut pages = vec![("moskit.1".to_owned(), overview(applets))];
    pages.extend(applets.iter().map(|applet| (format!("moskit-{}.1", applet.name), page(applet))));
    pages.push((format!("moskit-{}.5", record_page::NAME), record_page::page()));
    pages
}

fn overview(applets: &[Applet]) -> String {
    let manual = Manual {
        exit_status: &[
            ("0", "Done."),
            ("1", "Failed, or the answer is no."),
            ("2", "Damaged or critical."),
            ("3", "Usage, or the answer cannot be known."),
        ],
        ..Manual::EMPTY
    };
    let mut command = moskit_command(applets);
    command.build();
    render(command, "moskit", &manual)
}

fn page(applet: &Applet) -> String {
    let name = format!("moskit-{}", applet.name);
    let mut command =
        (applet.command)().name(name.clone()).bin_name(format!("moskit {}", applet.name)).about(applet.about);
    // What holds for all actions stands among the options of each.
    command.build();
    render(command, &name, &applet.manual)
}

fn render(mut command: clap::Command, name: &str, manual: &Manual) -> String {
    let synopsis = synopsis(&mut command);
    let verb = name.strip_prefix("moskit-").unwrap_or_default();
    let actions = actions(&command, verb);
    let man = Man::new(command)
        .title(name.to_uppercase())
        .source(concat!("moskit ", env!("CARGO_PKG_VERSION")))
        .manual("moskit");
    let mut text = Vec::new();
    let written = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| text.write_all(&synopsis))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| text.write_all(&actions))
        .and_then(|()| own_sections(&(manual.sections)()).to_writer(&mut text))
        .and_then(|()| sections(manual).to_writer(&mut text));
    written.expect("writing to memory cannot fail");
    String::from_utf8(text).expect("roff of UTF-8 text is UTF-8")
}

/// What a verb's actions are and take. They have no pages of their own; `moskit`'s own verbs (no `verb`) do, and
/// are only named.
fn actions(command: &clap::Command, verb: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for action in command.get_subcommands().filter(|action| !action.is_hide_set() && action.get_name() != "help") {
        let heading = match verb {
            "" => format!("moskit-{}(1)", action.get_name()),
            verb => format!("{verb} {}", action.get_name()),
        };
        let about = action.get_about().map(ToString::to_string).unwrap_or_default();
        let mut roff = Roff::new();
        if text.is_empty() {
            roff.control("SH", [if verb.is_empty() { "VERBS" } else { "ACTIONS" }]);
        }
        if verb.is_empty() {
            roff.control("TP", []).text([roman(heading)]).text([roman(about)]);
        } else {
            roff.control("SS", [heading.as_str()]).text([roman(format!("{about}."))]).control("PP", []);
        }
        text.extend(roff.to_roff().into_bytes());
        if !verb.is_empty() {
            text.extend(usage(action));
            let within = actions(action, &format!("{verb} {}", action.get_name()));
            text.extend(without_headings(&within));
        }
    }
    text
}

/// An action's synopsis and options, without the headings that stand for the whole page.
fn usage(action: &clap::Command) -> Vec<u8> {
    let mut text = synopsis(&mut action.clone());
    Man::new(action.clone()).render_options_section(&mut text).expect("writing to memory cannot fail");
    without_headings(&text).collect()
}

/// The usage as `--help` has it; clap_mangen's own names every option and none of their values.
fn synopsis(command: &mut clap::Command) -> Vec<u8> {
    let usage = command.render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for (index, line) in usage.trim_start_matches("Usage:").lines().enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        roff.text([roman(line.trim())]);
    }
    roff.to_roff().into_bytes()
}

fn own_sections(sections: &[Section]) -> Roff {
    let mut roff = Roff::new();
    for section in sections {
        roff.control("SH", [section.title]).text([roman(section.text)]);
        for (tag, meaning) in &section.rows {
            roff.control("TP", []).text([bold(tag)]).text([roman(meaning)]);
        }
    }
    roff
}

fn without_headings(roff: &[u8]) -> impl Iterator<Item = u8> {
    roff.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b".SH ")).flatten().copied()
}

fn sections(manual: &Manual) -> Roff {
    let mut roff = Roff::new();
    let tagged = [("EXIT STATUS", manual.exit_status), ("ENVIRONMENT", manual.environment), ("FILES", manual.files)];
    for (title, rows) in tagged {
        if !rows.is_empty() {
            roff.control("SH", [title]);
        }
        for (tag, meaning) in rows {
            roff.control("TP", []).text([bold(*tag)]).text([roman(*meaning)]);
        }
    }
    if !manual.examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
    }
    for (line, what) in manual.examples {
        roff.control("PP", []).text([roman(introduction(what))]);
        roff.control("RS", ["4"]).control("nf", []).text([bold(*line)]).control("fi", []).control("RE", []);
    }
    if !manual.differences.is_empty() {
        roff.control("SH", ["DIFFERENCES"]);
    }
    for difference in manual.differences {
        roff.control("IP", ["\\(bu", "2"]).text([roman(*difference)]);
    }
    if !manual.see_also.is_empty() {
        roff.control("SH", ["SEE ALSO"]).text([roman(manual.see_also.join(", "))]);
    }
    roff
}
