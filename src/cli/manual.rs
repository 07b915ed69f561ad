//! `zowarmup completions` and `zowarmup man`: what shells and `man` know of the commands, made from their definitions.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::ForceArgs;
use super::error::Error;
use super::outfile::{OutFile, write_all};
use super::{Cli, output};

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
    /// Write to this file in place of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder of the pages, zowarmup.1 and one a command; made where there is none
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Output files.
    #[command(flatten)]
    pub force: ForceArgs,
}

/// Prints a shell's completions.
pub fn completions(args: &CompletionsArgs) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zowarmup", &mut script);
    match &args.out {
        None => output::raw_bytes(&script)?,
        Some(path) => OutFile::new(path, args.force.force, &[])?.write(&script)?,
    }
    Ok(0)
}

/// Writes a page for the program and one for each command; nothing where one of them exists and may not be replaced.
pub fn man(args: &ManArgs) -> Result<u8, Error> {
    let pages = pages().map_err(Error::Output)?;
    let count = pages.len();
    write_all(pages.into_iter().map(|(name, page)| (args.dir.join(name), page)), args.force.force, &[])?;
    output::raw(&format!("{count} pages in {}\n", args.dir.display()))?;
    Ok(0)
}

/// File names and contents.
fn pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let program = Cli::command().disable_help_subcommand(true);
    let mut pages = vec![("zowarmup.1".to_owned(), page(program.clone())?)];
    add("zowarmup", program, &mut pages)?;
    Ok(pages)
}

/// The pages of a command's commands, and of theirs.
fn add(name: &str, mut command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    // Makes global options those of each command.
    command.build();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("{name}-{}", sub.get_name());
        pages.push((format!("{name}.1"), page(sub.clone().display_name(&name))?));
        add(&name, sub.clone(), pages)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).manual("zowarmup").source(concat!("zowarmup ", env!("CARGO_PKG_VERSION"))).render(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_option_has_its_page() {
        let pages = pages().unwrap();
        let command = Cli::command();
        for sub in command.get_subcommands() {
            let name = format!("zowarmup-{}.1", sub.get_name());
            let (_, page) = pages.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{name}"));
            // roff writes a hyphen as `\-`.
            let text = String::from_utf8(page.clone()).unwrap().replace("\\-", "-");
            let options = sub.get_arguments().filter_map(|arg| arg.get_long());
            options.for_each(|option| assert!(text.contains(&format!("--{option}")), "{name}: {option}"));
            assert!(text.contains("--quiet"), "{name} has the global options");
        }
        let text = String::from_utf8(pages[0].1.clone()).unwrap();
        assert!(pages[0].0 == "zowarmup.1" && text.contains(".TH zowarmup 1"), "{text}");
    }
}
