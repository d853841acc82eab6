//! moskit-findings(7): every finding by its id.

use super::reference::{self, FIRST};
use crate::diagnose::catalogue::{Entry, findings};

pub const NAME: &str = "findings";

/// The page.
pub fn page() -> String {
    let mut roff = reference::head(NAME, "7", "what moskit finds, by id");
    reference::paragraphs(
        &mut roff,
        "DESCRIPTION",
        &[
            "moskit names each thing that it finds by an id, in brackets behind the sentence and as id in JSON. Sentences may be worded anew in any version; from \
         1.0 on an id keeps its meaning. Each id stands here with what is wrong, what it follows from, what to do next, and the verbs that report it. pub, sub and rr \
         report errors only. An id may be a note or a warning where nothing fails.",
            FIRST,
        ],
    );
    let mut area = "";
    for entry in findings() {
        let own = entry.id.split('.').next().unwrap_or_default();
        if own != area {
            area = own;
            roff.control("SH", [area]);
        }
        reference::row(&mut roff, entry.id, &text(&entry));
    }
    reference::see_also(&mut roff, "moskit-check(1), moskit-certgen(1), moskit-json(5)");
    roff.to_roff()
}

fn text(entry: &Entry) -> String {
    let evidence = if entry.evidence.is_empty() { String::new() } else { format!(" Evidence: {}", entry.evidence) };
    format!("{}{evidence} Next step: {} Reported by: {}.", entry.meaning, entry.next, entry.by)
}
