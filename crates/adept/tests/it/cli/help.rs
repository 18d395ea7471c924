//! Help: every flag of every command can come from the environment, and help says from where.

use std::collections::BTreeMap;

use clap::{ArgAction, Command, CommandFactory};

use super::adept;

/// Every command that does something, with the words that lead to it.
fn leaves(command: &Command, path: Vec<String>) -> Vec<(Vec<String>, Command)> {
    if !command.has_subcommands() {
        return vec![(path, command.clone())];
    }
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    below
        .flat_map(|command| {
            let mut path = path.clone();
            path.push(command.get_name().to_owned());
            leaves(command, path)
        })
        .collect()
}

fn program() -> Command {
    let mut program = adept::cli::Cli::command();
    program.build();
    program
}

#[test]
fn every_flag_of_every_command_has_an_environment_variable_that_its_help_shows() {
    let commands = leaves(&program(), Vec::new());
    assert!(commands.len() >= 14, "{}", commands.len());
    for (path, mut command) in commands {
        let help = command.render_long_help().to_string();
        for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
            if matches!(argument.get_action(), ArgAction::Help | ArgAction::Version) {
                continue;
            }
            let name = argument.get_id();
            let env = argument.get_env().unwrap_or_else(|| panic!("{path:?} --{name} has no variable"));
            let env = env.to_str().unwrap();
            assert!(env.starts_with("ADEPT_"), "{path:?} --{name}: {env}");
            assert!(help.contains(&format!("[env: {env}")), "{path:?} --{name}: help does not show {env}");
            assert!(argument.get_help().is_some(), "{path:?} --{name} is not described");
        }
    }
}

#[test]
fn one_variable_means_one_flag() {
    let mut flags: BTreeMap<String, String> = BTreeMap::new();
    for (path, command) in leaves(&program(), Vec::new()) {
        for argument in command.get_arguments() {
            let Some(env) = argument.get_env() else { continue };
            let flag = argument.get_long().unwrap().to_owned();
            let known = flags.entry(env.to_str().unwrap().to_owned()).or_insert_with(|| flag.clone());
            assert_eq!(*known, flag, "{path:?}: {env:?} means two flags");
        }
    }
}

#[test]
fn help_names_the_commands_and_exit_codes_and_never_a_databases_password() {
    let help = adept(&["--help"]);
    help.is(0, "");
    for word in
        ["serve", "client", "setting", "keys", "token", "simulator", "doctor", "migrate", "Exit codes"]
    {
        assert!(help.out.contains(word), "{word}");
    }
    let mut command = super::command(&["serve", "--help"]);
    command.env("ADEPT_DATABASE_URL", "postgres://adept:wishbone@localhost/adept");
    let help = super::ended(command);
    assert!(help.out.contains("[env: ADEPT_DATABASE_URL]"));
    assert!(!help.out.contains("wishbone"));
}

#[test]
fn wrong_usage_ends_with_two() {
    for arguments in [
        &["nothing"][..],
        &["serve", "--nothing"],
        &["serve", "--sync-interval", "soon"],
        &["serve", "--tls-cert", "a.pem"],
        &["serve", "--metrics-listen", "nowhere"],
        &["serve", "--database-url", "mysql://localhost/a"],
        &["serve", "--log", "loud=="],
        &["client", "add", "a"],
        &["client", "add", "a", "--permission", "User.Read"],
        &["client", "add", " ", "--permission", "DeviceManagementApps.Read.All"],
        &["setting", "remove"],
    ] {
        adept(arguments).is(2, "");
    }
}
