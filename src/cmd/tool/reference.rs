//! What the pages that belong to no verb are made of.

use roff::{Roff, bold, roman};

/// Since when there are the fields and ids that a page lists.
pub const FIRST: &str = "All that is listed exists since version 0.1.0, where nothing else is said.";

pub fn head(name: &str, section: &str, about: &str) -> Roff {
    let mut roff = Roff::new();
    let title = format!("MOSKIT-{}", name.to_uppercase());
    roff.control("TH", [title.as_str(), section, "", concat!("moskit ", env!("CARGO_PKG_VERSION")), "moskit"]);
    roff.control("SH", ["NAME"]).text([roman(format!("moskit-{name} - {about}"))]);
    roff
}

pub fn paragraphs(roff: &mut Roff, title: &str, paragraphs: &[&str]) {
    roff.control("SH", [title]);
    for (index, paragraph) in paragraphs.iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
}

pub fn section(roff: &mut Roff, title: &str, text: &str, rows: &[(String, String)]) {
    paragraphs(roff, title, &[text]);
    for (tag, meaning) in rows {
        row(roff, tag, meaning);
    }
}

pub fn row(roff: &mut Roff, tag: &str, meaning: &str) {
    roff.control("TP", []).text([bold(tag)]).text([roman(meaning)]);
}

pub fn see_also(roff: &mut Roff, pages: &str) {
    roff.control("SH", ["SEE ALSO"]).text([roman(pages)]);
}
