//! The terminal: its width, its echo, and the one that the process belongs to.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use rpassword::ConfigBuilder;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Width of the terminal that standard output is, in columns.
pub fn columns() -> Option<u16> {
    tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col)
}

/// Columns and rows of the terminal that standard output is.
pub fn size() -> Option<(u16, u16)> {
    tcgetwinsize(io::stdout()).ok().map(|size| (size.ws_col, size.ws_row))
}

/// The terminal that the process belongs to, to read from and to write to.
pub fn own() -> io::Result<(File, File)> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    Ok((terminal.try_clone()?, terminal))
}

/// Standard input without the library's buffer.
pub fn unbuffered_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Has rpassword read a line from `terminal`, whose settings are ours.
pub fn line_of(terminal: File) -> ConfigBuilder {
    ConfigBuilder::new().input_reader(terminal)
}

/// A terminal and its settings before the question; they come back on drop.
pub struct EchoOff {
    terminal: File,
    before: Termios,
}

impl EchoOff {
    /// `None` if the input is no terminal or does not let itself be set.
    pub fn begin(input: &File) -> Option<Self> {
        if !input.is_terminal() {
            return None;
        }
        let terminal = input.try_clone().ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
