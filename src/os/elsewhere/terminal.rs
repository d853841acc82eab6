//! The console. rpassword turns its echo off and on.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::windows::io::AsHandle;

use rpassword::ConfigBuilder;

/// Width of the console that standard output is, in columns.
pub fn columns() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

/// Columns and rows of the console that standard output is.
pub fn size() -> Option<(u16, u16)> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, height)| (width.0, height.0))
}

/// The console of the process, to read from and to write to.
pub fn own() -> io::Result<(File, File)> {
    let open = |name| File::options().read(true).write(true).open(name);
    Ok((open("CONIN$")?, open("CONOUT$")?))
}

/// Standard input without the library's buffer.
pub fn unbuffered_input() -> io::Result<File> {
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

/// Has rpassword read a line from the console, whose echo it turns off only when it opens it itself.
pub fn line_of(_terminal: File) -> ConfigBuilder {
    ConfigBuilder::new()
}

/// What is typed is not shown while rpassword reads it.
pub struct EchoOff;

impl EchoOff {
    /// `None` if the input is no console.
    pub fn begin(input: &File) -> Option<Self> {
        input.is_terminal().then_some(Self)
    }
}
