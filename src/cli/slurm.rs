//! A sweep as a job array of Slurm: a task a cell.

use std::ffi::OsString;

/// The script. `arguments` are those of this process, the program first; a task runs them with `--shard` in the place of `--slurm`.
pub fn script(arguments: impl Iterator<Item = OsString>, name: &str, cells: usize) -> String {
    let words = arguments.map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.filter(|word| word != "--slurm").map(|word| shell_word(&word)).collect();
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    format!(
        "#!/bin/sh\n\
         #SBATCH --job-name=zowarmup-{name}\n\
         #SBATCH --array=1-{cells}\n\
         # Add what your cluster wants: partition, time, memory, a GPU a task (--gpus-per-task=1).\n\
         #\n\
         # {cells} cells, a task each. Those that share a warm-up wait for the task that runs it. A task that is begun again goes on.\n\
         # Once all are done, the command without --shard prints the table.\n\
         exec {} --jobs 1 --shard \"$SLURM_ARRAY_TASK_ID/{cells}\"\n",
        words.join(" ")
    )
}

/// A word that a shell takes as it is.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_the_command_with_its_shard() {
        let words =
            ["zowarmup", "sweep", "my sweep.toml", "--slurm", "--grid", "zo.lr=0.1,0.2", "--set", "name=\"it's\""];
        let script = script(words.iter().map(OsString::from), "my sweep", 8);
        let last = script.lines().last().unwrap();
        assert_eq!(
            last,
            "exec zowarmup sweep 'my sweep.toml' --grid zo.lr=0.1,0.2 --set 'name=\"it'\\''s\"' --jobs 1 --shard \"$SLURM_ARRAY_TASK_ID/8\""
        );
        assert!(script.starts_with("#!/bin/sh\n#SBATCH --job-name=zowarmup-my-sweep\n#SBATCH --array=1-8\n"));
    }
}
