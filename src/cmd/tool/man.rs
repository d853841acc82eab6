//! `moskit man`: the man pages, generated from the applet table. The committed pages in `man/` are
//! compared with these by a test.

use std::io::Write;

use clap_mangen::Man;
use roff::{Roff, bold, roman};

use super::{findings_page, folder, json_page, record_page};
use crate::cmd::applet::{Applet, Invocation, Manual, Section, find, introduction, moskit_command};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "man",
    mosquitto_name: None,
    as_mosquitto: Some,
    about: "Print a man page",
    command,
    run,
    manual: Manual {
        description: &[
            "moskit man prints a manual page in the format of man(1). The pages are generated from the same tables that read the options.",
        ],
        examples: &[
            ("moskit man sub | man -l -", "Read the page of sub"),
            ("moskit man > moskit.1", "Keep the page of moskit itself"),
            ("moskit man --out man", "Write all pages into the folder man"),
        ],
        exit_status: &[
            ("0", "Done."),
            ("1", "A file or the folder could not be written."),
            ("3", "Usage; there is no such page."),
        ],
        see_also: &["moskit(1)", "moskit-completions(1)"],
        ..Manual::EMPTY
    },
};

/// Name, section of the manual, and text of a page that belongs to no verb.
type Reference = (&'static str, u8, fn() -> String);

const PAGES: &[Reference] = &[
    (record_page::NAME, 5, record_page::page),
    (json_page::NAME, 5, json_page::page),
    (findings_page::NAME, 7, findings_page::page),
];

/// The pages that belong to no verb, by their names.
pub const OTHER_PAGES: [&str; 3] = [record_page::NAME, json_page::NAME, findings_page::NAME];

fn command() -> clap::Command {
    clap::Command::new("man")
        .arg(
            clap::Arg::new("verb")
                .value_name("PAGE")
                .num_args(0..=2)
                .help("A verb, a verb and its action, or the name of another page: record, json, findings. Without it, the page of moskit itself"),
        )
        .arg(folder::folder_option("verb", "Write every page into DIR instead. DIR is made if it does not exist; files of the same names are replaced"))
}

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let matches = APPLET.parse(invocation, term)?;
    if let Some(folder) = matches.get_one::<std::path::PathBuf>("out") {
        return folder::write_all(folder, &pages(invocation.applets));
    }
    let mut words = matches.get_many::<String>("verb").into_iter().flatten().map(String::as_str);
    // Pages are named with the program in front: moskit-findings(7).
    let first = words.next().map(|name| name.strip_prefix("moskit-").unwrap_or(name));
    let page = match (first, words.next()) {
        (None, _) | (Some("moskit"), None) => overview(invocation.applets),
        (Some(name), action) => match PAGES.iter().find(|(page, ..)| *page == name) {
            Some((.., page)) if action.is_none() => page(),
            _ => verb_page(invocation.applets, name, action)?,
        },
    };
    term.write(page.as_bytes());
    Ok(Exit::OK)
}

/// The page of a verb, or of its action: `certgen`, `certgen init`, or as the page is called, `certgen-init`.
fn verb_page(applets: &'static [Applet], verb: &str, action: Option<&str>) -> Result<String, Failure> {
    let (verb, action) = match verb.split_once('-') {
        Some((verb, rest)) if action.is_none() => (verb, Some(rest)),
        _ => (verb, action),
    };
    let applet = find(applets, verb)?;
    let Some(action) = action else { return Ok(page(applet)) };
    action_pages(applet).into_iter().find(|(found, _)| found == action).map(|(_, page)| page).ok_or_else(|| {
        Failure::new(Exit::USAGE, format!("moskit {verb} has no action `{action}`"))
            .hint(format!("moskit {verb} --help lists the actions"))
    })
}

/// Every page as `(file name, text)`.
pub fn pages(applets: &[Applet]) -> Vec<(String, String)> {
    let mut pages = vec![("moskit.1".to_owned(), overview(applets))];
    for applet in applets {
        pages.push((format!("moskit-{}.1", applet.name), page(applet)));
        let actions = action_pages(applet).into_iter();
        pages.extend(actions.map(|(action, text)| (format!("moskit-{}-{action}.1", applet.name), text)));
    }
    pages.extend(PAGES.iter().map(|(name, section, page)| (format!("moskit-{name}.{section}"), page())));
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
        see_also: &["moskit-record(5)", "moskit-json(5)", "moskit-findings(7)", "mqtt(7)"],
        ..Manual::EMPTY
    };
    let mut command = moskit_command(applets);
    command.build();
    render(command, "moskit", &manual)
}

fn page(applet: &Applet) -> String {
    render(built(applet), &format!("moskit-{}", applet.name), &applet.manual)
}

/// The verb's options, with what holds for all actions among the options of each.
fn built(applet: &Applet) -> clap::Command {
    let name = format!("moskit-{}", applet.name);
    let mut command = applet.clap_command().name(name).bin_name(format!("moskit {}", applet.name));
    command.build();
    command
}

/// The pages of a verb's actions, by the action's name.
fn action_pages(applet: &Applet) -> Vec<(String, String)> {
    let command = built(applet);
    let page = |action: &clap::Command| {
        let name = format!("moskit-{}-{}", applet.name, action.get_name());
        let line = format!("moskit {} {}", applet.name, action.get_name());
        let is_its_own = |(example, _): &&(&'static str, &'static str)| {
            example.strip_prefix(line.as_str()).is_some_and(|rest| rest.starts_with(' '))
        };
        let manual = Manual {
            sections: || Vec::new(),
            exit_status: applet.manual.exit_status,
            environment: applet.manual.environment,
            ..Manual::EMPTY
        };
        let examples: Vec<_> = applet.manual.examples.iter().filter(is_its_own).copied().collect();
        let text = render_with(action.clone().name(name.clone()), &name, &manual, &examples);
        (action.get_name().to_owned(), text + &see_also(&format!("moskit-{}(1)", applet.name)))
    };
    shown_actions(&command).map(page).collect()
}

fn shown_actions(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|action| !action.is_hide_set() && action.get_name() != "help")
}

fn see_also(pages: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([roman(pages)]);
    roff.to_roff()
}

fn render(command: clap::Command, name: &str, manual: &Manual) -> String {
    render_with(command, name, manual, manual.examples)
}

fn render_with(
    mut command: clap::Command,
    name: &str,
    manual: &Manual,
    examples: &[(&'static str, &'static str)],
) -> String {
    let synopsis = synopsis(&mut command);
    let actions = actions(&command, name);
    let description = description(&command, manual);
    let man = Man::new(command)
        .title(name.to_uppercase())
        .source(concat!("moskit ", env!("CARGO_PKG_VERSION")))
        .manual("moskit");
    let mut text = Vec::new();
    let written = man
        .render_title(&mut text)
        .and_then(|()| man.render_name_section(&mut text))
        .and_then(|()| text.write_all(&synopsis))
        .and_then(|()| text.write_all(&description))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| text.write_all(&actions))
        .and_then(|()| own_sections(&(manual.sections)()).to_writer(&mut text))
        .and_then(|()| sections(manual, examples).to_writer(&mut text));
    written.expect("writing to memory cannot fail");
    String::from_utf8(text).expect("roff of UTF-8 text is UTF-8")
}

/// The paragraphs of the verb; of an action, what its help begins with.
fn description(command: &clap::Command, manual: &Manual) -> Vec<u8> {
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    let about = command.get_long_about().or_else(|| command.get_about()).map(|text| format!("{text}."));
    let paragraphs = manual.description.iter().map(|paragraph| (*paragraph).to_owned());
    for (index, paragraph) in paragraphs.chain(about.filter(|_| manual.description.is_empty())).enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(paragraph)]);
    }
    roff.to_roff().into_bytes()
}

/// What a verb's actions are. Each has a page of its own, but those of an action, which stand in its page with their
/// options.
fn actions(command: &clap::Command, name: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let is_inside = name.matches('-').count() > 1;
    for action in shown_actions(command) {
        let about = action.get_about().map(ToString::to_string).unwrap_or_default();
        let mut roff = Roff::new();
        if text.is_empty() {
            roff.control("SH", [if name == "moskit" { "VERBS" } else { "ACTIONS" }]);
        }
        if is_inside {
            let heading = format!("{} {}", command.get_bin_name().unwrap_or_default(), action.get_name());
            roff.control("SS", [heading.as_str()]).text([roman(format!("{about}."))]).control("PP", []);
        } else {
            let page = format!("{name}-{}(1)", action.get_name());
            roff.control("TP", []).text([bold(page)]).text([roman(format!("{about}."))]);
        }
        text.extend(roff.to_roff().into_bytes());
        if is_inside {
            text.extend(usage(action));
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

fn sections(manual: &Manual, examples: &[(&'static str, &'static str)]) -> Roff {
    let mut roff = Roff::new();
    let environment = manual.environment.concat();
    let tagged = [("EXIT STATUS", manual.exit_status), ("ENVIRONMENT", &environment), ("FILES", manual.files)];
    for (title, rows) in tagged {
        if !rows.is_empty() {
            roff.control("SH", [title]);
        }
        for (tag, meaning) in rows {
            roff.control("TP", []).text([bold(*tag)]).text([roman(*meaning)]);
        }
    }
    if !examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
    }
    for (line, what) in examples {
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
