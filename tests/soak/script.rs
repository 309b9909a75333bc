//! A script that is put together from fragments.

use std::fmt::Write as _;

use crate::dice::Dice;
use crate::fragments::{CONFLICTS, ENDS, FRAGMENTS, QUIET, RUNS_NOTHING};

/// The entries of a TASK.
pub struct Script {
    pub entries: Vec<String>,
    /// Whether the job has sections, too.
    pub has_sections: bool,
    /// Whether bash is told to run nothing more before the script ends.
    pub runs_nothing: bool,
}

impl Script {
    /// The script of this seed.
    pub fn new(seed: u64) -> Script {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.roll(2);
        let mut flags = 0;
        let mut script = Script { entries: Vec::new(), has_sections: dice.roll(2) == 0, runs_nothing: false };
        let mut number = 0;
        for _ in 0..=dice.roll(3) {
            let mut entry = String::new();
            for _ in 0..=dice.roll(4) {
                let fragment = &FRAGMENTS[dice.roll(FRAGMENTS.len())];
                let Some(together) = together(flags, fragment.flags()) else { continue };
                flags = together;
                number += 1;
                entry.push_str(&fragment.text.replace("{N}", &number.to_string()));
                entry.push('\n');
                if dice.roll(2) == 0 {
                    let _ = writeln!(entry, "echo after {number}, status $?");
                }
            }
            if entry.is_empty() {
                entry.push_str("echo nothing\n");
            }
            script.entries.push(entry);
        }
        if dice.roll(3) == 0 {
            let end = &ENDS[dice.roll(ENDS.len())];
            let last = dice.roll(script.entries.len());
            if let Some(together) = together(flags, end.flags()) {
                flags = together;
                script.entries[last].push_str(end.text);
                script.entries[last].push('\n');
            }
            // An EXIT trap that the entry has set hides why the shell ends.
            script.runs_nothing = flags & RUNS_NOTHING != 0 && !script.entries[last].contains("' EXIT");
        }
        script.has_sections &= flags & QUIET == 0;
        script
    }

    /// Whether several of its processes may write at the same time.
    pub fn writes_at_once(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| [">(", " & ", " &\n", "coproc"].iter().any(|part| entry.contains(part)))
    }

    /// What bash alone runs. An entry whose last status is not 0 ends a TASK, even where the script has turned `set -e` off.
    pub fn text(&self) -> String {
        let goes_on = self.entries.iter().any(|entry| entry.lines().any(|line| line == "set +e"));
        self.entries.join(if goes_on { "last=$?; ((last == 0)) || exit \"$last\"\n" } else { "" })
    }

    /// The entries, for people.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let _ = write!(shown, "-- entry {}\n{entry}", number + 1);
        }
        let _ = write!(shown, "-- {}", if self.has_sections { "with sections" } else { "without sections" });
        shown
    }
}

/// The flags of both; `None` if they do not go together.
fn together(flags: u16, more: u16) -> Option<u16> {
    let all = flags | more;
    CONFLICTS.iter().all(|&conflict| all & conflict != conflict).then_some(all)
}
