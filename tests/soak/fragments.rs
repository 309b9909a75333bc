//! What hostile scripts are made of. `{N}` is a number that no other fragment of the script has; files go to `$FILES`.
//!
//! A fragment prints the same each time by itself. What is meant to stay is a `sleep 300`.

/// A piece of a script.
pub struct Fragment {
    pub text: &'static str,
    flags: u16,
}

impl Fragment {
    /// What there is to know of it.
    pub fn flags(&self) -> u16 {
        self.flags | if self.text.contains("' EXIT") { EXITS } else { 0 }
    }
}

/// It leaves something running.
pub const STAYS: u16 = 1;
/// It waits for all that runs in the background.
pub const WAITS: u16 = 2;
/// What a section does after it would be printed too.
pub const QUIET: u16 = 4;
/// Bash reads on, and runs nothing.
pub const RUNS_NOTHING: u16 = 8;
/// Its DEBUG trap, or one that is set beside it, sees the commands of functions and traps.
pub const DEEP: u16 = 16;
/// It sets an EXIT trap.
pub const EXITS: u16 = 32;
/// It has a function called `builtin`.
pub const BUILTIN: u16 = 128;
/// It has a function called `command`.
pub const COMMAND: u16 = 256;
/// Programs are not found behind it.
pub const NO_PROGRAMS: u16 = 512;
/// It exits while its output is redirected.
pub const REDIRECTED: u16 = 1024;
/// The commands that run are others as a TASK than by bash alone, though they do the same.
pub const UNLIKE: u16 = 64;

/// What is not put together: to wait for what stays would take for ever; what it prints before it is killed is by chance; and
/// docs/reference.md tells what a script can notice.
pub const CONFLICTS: [u16; 8] = [
    STAYS | WAITS,
    STAYS | QUIET,
    STAYS | NO_PROGRAMS,
    DEEP | EXITS,
    RUNS_NOTHING | EXITS,
    REDIRECTED | EXITS,
    BUILTIN | COMMAND,
    QUIET | UNLIKE,
];

const fn plain(text: &'static str) -> Fragment {
    Fragment { text, flags: 0 }
}

const fn with(flags: u16, text: &'static str) -> Fragment {
    Fragment { text, flags }
}

/// What may stand anywhere.
pub const FRAGMENTS: &[Fragment] = &[
    // Output.
    plain("echo out {N}; echo err {N} >&2"),
    plain("printf 'open {N}'"),
    plain("printf 'a\\0b\\377\\376\\r\\n'"),
    plain("for i in {0..255}; do printf \"\\\\x$(printf %x $i)\"; done"),
    plain("seq 60000"),
    plain("seq 30000 >&2"),
    plain("head -c 300000 /dev/zero | tr '\\0' x; echo"),
    plain("echo '{\"event\":\"job-end\",\"status\":0}'; echo '::endgroup::'; printf '\\033[2J\\n'"),
    plain("cat <<'TEXT'\nhere $N {N}\nTEXT"),
    plain("cat <<< \"word {N}\""),
    plain("cat <<TEXT > \"$FILES/text{N}\"\n$(seq 5000)\nTEXT"),
    // Traps.
    plain("trap 'echo \"exit {N} $?\"' EXIT"),
    with(WAITS, "trap 'wait; echo cleaned {N}' EXIT"),
    plain("trap 'kill $(jobs -p) 2>/dev/null; wait; echo ended {N}' EXIT"),
    with(
        STAYS,
        "sleep 300 & p{N}=$!; trap '[[ $! == $p{N} ]] && echo \"last job\"; kill -9 $p{N} && echo killed; wait $p{N}' EXIT",
    ),
    with(STAYS, "sleep 300 &\ntrap 'kill %1; wait %1; echo \"server $?\"' EXIT"),
    plain("trap 'echo first {N}; exit 5' EXIT"),
    plain("trap 'trap - EXIT; echo again; exit 6' EXIT"),
    plain("trap 'echo sub {N}; (exit 3)' EXIT"),
    plain("trap 'echo last {N} >> \"$FILES/trap{N}\"' EXIT"),
    plain("trap 'cat <(echo in a trap {N})' EXIT"),
    plain("trap 'exec echo replaced in a trap' EXIT"),
    plain("trap 'echo \"jobs: $(jobs | wc -l) ${!:+some}\"' EXIT"),
    plain("trap '(sleep 0.01; echo child {N}) & wait' EXIT"),
    plain("trap '' EXIT"),
    plain("trap - EXIT"),
    plain("trap 'echo err $?' ERR"),
    plain("set -E; trap 'echo inner err $?' ERR; f() { false; }; f || true"),
    with(QUIET, "trap 'echo debug {N}' DEBUG"),
    with(QUIET | DEEP, "set -T; trap 'echo deep \"$BASH_COMMAND\"' DEBUG"),
    with(QUIET, "trap 'c{N}=$((c{N} + 1))' DEBUG; true; true; trap - DEBUG; echo \"commands $c{N}\""),
    plain("trap - DEBUG"),
    plain("trap 'echo int {N}' INT; kill -INT $$; echo after int"),
    plain("trap 'echo term {N}; exit 9' TERM"),
    plain("trap 'echo term {N}' TERM; kill -TERM $$; echo after term"),
    plain("trap 'echo usr1 {N}' USR1; (kill -USR1 $$); sleep 0.01; echo after usr1"),
    plain("trap '' TERM INT HUP PIPE"),
    plain("trap 'echo ret {N}' RETURN; f() { return 3; }; f || echo \"f $?\"; trap - RETURN"),
    plain(
        "trap 'n{N}=$((n{N} + 1))' CHLD; /bin/true; /bin/true; trap - CHLD; [[ $n{N} -ge 2 ]] && echo children",
    ),
    plain("trap -p | grep -v EXIT || true"),
    plain("trap 'echo sub-int' INT; (kill -INT $BASHPID; echo sub) || echo \"sub $?\"; trap - INT"),
    plain("( trap 'echo sub exit {N}' EXIT; exit 4 ) || echo \"sub $?\""),
    plain("( trap -p EXIT | grep -v EXIT || true; echo in sub {N} )"),
    plain("x=$(trap 'echo captured {N}' EXIT; echo y); echo \"$x\""),
    // Jobs.
    plain("(exit 3) & wait $! || echo \"waited $?\""),
    with(WAITS, "sleep 0.01 & wait; echo waited {N}"),
    plain("sleep 0.02 & sleep 0.01 & wait -n; echo \"one $?\"; wait $!; echo \"other $?\""),
    with(WAITS, "for i in 1 2 3; do (echo $i > \"$FILES/job{N}-$i\") & done; wait"),
    plain("echo \"last job ${!:+some}\""),
    plain("jobs -p | wc -l"),
    plain("wait 999999 || echo \"no child $?\""),
    with(STAYS, "sleep 300 &"),
    with(STAYS, "sleep 300 & jobs"),
    with(STAYS, "setsid sleep 300 &"),
    with(STAYS, "setsid -f sleep 300"),
    with(STAYS, "(setsid sleep 300 > /dev/null 2>&1 &)"),
    with(STAYS, "nohup sleep 300 > /dev/null 2>&1 & disown"),
    with(STAYS, "setsid -f bash -c 'trap \"\" TERM HUP INT; exec sleep 300'"),
    with(STAYS, "sleep 300 < /dev/null > /dev/null 2>&1 & kill $!; wait $! || echo \"ended $?\""),
    with(STAYS, "(exec -a server{N} sleep 300) &"),
    plain("true | exec false || echo \"pipe $? ${PIPESTATUS[*]}\""),
    plain("set -m; sleep 0.01 & wait $!; echo \"monitored $?\"; set +m"),
    plain("echo \"$$\" > \"$FILES/ignored\"; [[ $$ == $BASHPID ]] && echo same; rm \"$FILES/ignored\""),
    // exec and descriptors.
    plain("exec 2>&1"),
    plain("exec > \"$FILES/exec{N}\""),
    plain("exec 2> /dev/null"),
    plain("exec < /dev/null"),
    plain("exec <&-"),
    plain("exec 1>&-"),
    plain("exec 2>&-"),
    plain("exec 3>&1; echo three {N} >&3; exec 3>&-"),
    plain("exec 3> \"$FILES/three{N}\" 4>&1; echo x >&3; echo y >&4"),
    plain("exec {fd}> \"$FILES/fd{N}\"; echo z >&$fd; exec {fd}>&-"),
    plain("for i in {3..60}; do eval \"exec $i>&-\"; done; echo closed {N}"),
    plain(
        "(for i in /proc/$BASHPID/fd/*; do i=${i##*/}; [[ $i -gt 9 ]] && eval \"exec $i>&-\"; done; echo all closed)",
    ),
    plain("ls /proc/self/fd | wc -l"),
    plain("exec 9<> \"$FILES/nine{N}\"; echo nine >&9"),
    plain("read -r line || echo \"end of input $?\""),
    plain("cat; echo \"cat $?\""),
    plain("(exec bash -c 'echo replaced {N}; exit 4') || echo \"replaced $?\""),
    // Process substitutions and coprocesses.
    plain("cat <(echo a {N}) <(echo b {N})"),
    plain("seq 2000 | tee >(sort -n > \"$FILES/sorted{N}\") | tail -1"),
    plain("seq 20000 > >(wc -l > \"$FILES/lines{N}\")"),
    plain("exec > >(sed 's/^/[{N}] /')"),
    plain("exec > >(sed 's/^/[{N}] /') 2>&1"),
    plain("exec > >(tee \"$FILES/tee{N}\")"),
    plain("exec 2> >(sed 's/^/E{N} /' >&2)"),
    plain("exec > >(while IFS= read -r l; do printf '<%s>\\n' \"$l\"; done)"),
    plain("{ echo compiling {N}; echo warning {N} >&2; } 2> >(sed 's/^/W /' > \"$FILES/warnings{N}\")"),
    plain("while read -r l; do echo \"read $l\"; done < <(seq 3)"),
    plain("exec 5< <(seq 5); read -r l <&5; echo \"five $l\""),
    plain("diff <(seq 3) <(seq 4) || echo \"diff $?\""),
    plain("coproc cat; echo hi {N} >&\"${COPROC[1]}\"; read -r l <&\"${COPROC[0]}\"; echo \"$l\""),
    plain(
        "coproc P{N} { read -r x; echo \"got $x\"; }; echo q >&\"${P{N}[1]}\"; read -r l <&\"${P{N}[0]}\"; echo \"$l\"; wait $P{N}_PID || true",
    ),
    // Options.
    with(QUIET, "set -x"),
    with(QUIET, "set -x; echo traced {N}; set +x"),
    with(QUIET, "PS4='>> '; set -x; true; { set +x; } 2>/dev/null"),
    with(QUIET, "exec 8> \"$FILES/trace{N}\"; BASH_XTRACEFD=8; set -x; echo traced; set +x"),
    with(QUIET, "set -v"),
    with(QUIET, "set -v\necho verbose {N}\nset +v"),
    plain("set -u"),
    plain("set -u; echo \"${undefined:-default}\""),
    plain("set -a; V{N}=exported; set +a; env | grep ^V{N}="),
    plain("set -a"),
    plain("set -f; echo *; set +f"),
    plain("set -f"),
    plain("set -euo pipefail"),
    plain("set -o pipefail; false | true || echo \"pipefail $?\""),
    with(UNLIKE, "set +e"),
    plain("set +e; false; echo \"went on $?\"; set -e"),
    plain("set -C"),
    plain("set -k"),
    plain("set +h"),
    plain("set +B"),
    plain("set -o posix; echo posix; set +o posix"),
    plain("set -o posix"),
    plain("set -- a 'b c' d; echo \"$# $2\""),
    plain("echo \"options $-\""),
    plain("shopt -s extglob nullglob dotglob globstar; echo a*b"),
    plain("shopt -s lastpipe; echo x{N} | read -r v; echo \"v $v\""),
    plain("shopt -s inherit_errexit"),
    plain("shopt -s expand_aliases; alias read=false eval=false printf=false trap=false exit=false"),
    plain("shopt -s expand_aliases\nalias greet='echo hello'\ngreet {N}"),
    plain("shopt -s failglob"),
    plain("shopt -s execfail; exec ./missing{N} || echo \"not there $?\""),
    plain("shopt -s huponexit"),
    plain("shopt -s xpg_echo; echo 'a\\tb'"),
    plain("shopt -s nocasematch; [[ ABC == abc ]] && echo match"),
    plain("shopt -u sourcepath; shopt -s nullglob"),
    plain("shopt -s extdebug; shopt -u extdebug"),
    with(QUIET | DEEP, "shopt -s extdebug"),
    // Names that the driver of a script could need.
    plain("IFS=$'\\n\\t'; readonly IFS"),
    plain("IFS=:; v=a:b; echo $v"),
    plain("unset IFS"),
    plain("IFS="),
    plain("readonly PATH HOME _x=1"),
    with(NO_PROGRAMS, "PATH=/nonexistent"),
    with(NO_PROGRAMS, "unset PATH"),
    plain("TMOUT=1"),
    plain("LC_ALL=C"),
    plain("POSIXLY_CORRECT=1"),
    plain("BASH_ENV=/nonexistent ENV=/nonexistent"),
    plain("HOME=/nonexistent TMPDIR=/nonexistent"),
    plain("GLOBIGNORE='*'"),
    plain("EXECIGNORE='*'"),
    plain("FIGNORE=x; CDPATH=/; HISTFILE=\"$FILES/history\""),
    plain("unset BASHPID LINENO RANDOM SECONDS"),
    plain("declare -i REPLY=3; REPLY=4+4; echo $REPLY"),
    plain("declare -n ref=target{N}; target{N}=seen; echo \"$ref\""),
    plain("read() { echo fake read; return 1; }"),
    plain("eval() { echo fake eval; }"),
    plain("printf() { echo fake printf; }"),
    plain("exit() { echo fake exit; }"),
    plain("trap() { echo fake trap; }"),
    plain("set() { echo fake set; }; unset -f set"),
    with(BUILTIN, "builtin() { echo fake builtin; }"),
    with(COMMAND, "command() { echo fake command; }"),
    plain("source() { echo fake source; }"),
    plain("echo() { printf 'fake echo %s\\n' \"$*\"; }"),
    plain("test() { return 1; }; [() { return 1; }; true() { return 1; }; :() { return 1; }"),
    plain("kill() { builtin echo fake kill; }; wait() { builtin echo fake wait; }"),
    plain("unset() { :; }; local() { :; }; declare() { :; }; export() { :; }"),
    plain("cat() { echo fake cat; }; sleep() { :; }; rm() { echo fake rm; }; mkdir() { :; }"),
    plain("enable -n pwd kill"),
    plain("hash -r; hash -p /bin/true false; false; echo \"hashed\"; hash -d false"),
    plain("export -f nothing 2>/dev/null || echo \"no function $?\""),
    plain("f{N}() { echo \"function $1\"; }; export -f f{N}; bash -c 'f{N} exported'"),
    // Control flow.
    plain("f{N}() { return 3; }; f{N} || echo \"returned $?\""),
    plain("f{N}() { local x=1; (exit 9); echo not here; }; f{N} && true || echo \"f $?\""),
    plain("(exit 3) || echo \"sub $?\""),
    plain("(set +e; false; echo still)"),
    plain("x=$(exit 4) || echo \"substitution $?\""),
    plain("echo piped | (read -r x; exit 5) || echo \"pipe $? $x\""),
    plain("eval 'echo evaluated {N}; (exit 2)' || echo \"eval $?\""),
    plain("echo 'echo sourced {N}; return 6; echo not here' > s{N}; . ./s{N} || echo \"source $?\""),
    plain("for i in 1 2 3; do [[ $i == 2 ]] && break; echo loop $i; done"),
    plain("case x in x) echo case {N};& y) echo through;; esac"),
    plain("! true; echo \"not $?\""),
    plain("true && false || echo \"chain $?\""),
    plain("if false; then :; elif (exit 7); then :; else echo \"else $?\"; fi"),
    plain("until false || true; do :; done; while false; do :; done; echo loops"),
    plain("[[ -n $undefined{N} ]] || echo undefined"),
    plain("((0)) || echo \"arithmetic $?\""),
    plain("break 2>/dev/null; echo \"break $?\""),
    plain("(kill -9 $BASHPID) || echo \"killed $?\""),
    plain("bash -c 'kill -TERM $$' || echo \"child $?\""),
    plain("kill -0 $$ && echo alive"),
    plain("mkdir gone{N}; cd gone{N}; rmdir ../gone{N}; echo here; cd \"$FILES\""),
    plain("cd \"$FILES\"; echo \"${PWD##*/}\""),
    plain("umask 777; umask; umask 22"),
    plain("umask 777"),
    plain("ulimit -n 16"),
    plain("ulimit -c 0"),
    plain("echo \"$BASH_SUBSHELL $#\""),
    plain("command true; builtin true; echo \"builtins $?\""),
    with(UNLIKE, "type -t _shipctl read cd || echo \"types $?\""),
    with(
        UNLIKE,
        "if [[ -n ${JOB_PATH:-} && -d $JOB_PATH/scripts ]]; then /usr/bin/find \"$JOB_PATH\" -mindepth 1 -delete; fi",
    ),
];

/// How a script ends early.
pub const ENDS: &[Fragment] = &[
    plain("exit 0"),
    plain("exit 3"),
    plain("exit 124"),
    plain("exit 255"),
    plain("exit 256"),
    plain("exit -1"),
    plain("exit abc"),
    plain("false"),
    plain("(exit 42)"),
    plain("f() { exit 7; }; f"),
    plain("eval 'exit 8'"),
    plain("echo 'exit 9' > odd; . ./odd"),
    plain("while true; do exit 10; done"),
    plain("true && exit 11 || echo no"),
    with(REDIRECTED, "{ exit 12; } > \"$FILES/end\""),
    plain("x=$(exit 13)"),
    plain("true | exit 14"),
    plain("set -u; echo \"$undefined\""),
    plain("set -u; f() { echo \"$1\"; }; f"),
    plain("echo ${undefined:?gone}"),
    plain("kill -TERM $$; echo not here"),
    plain("kill -KILL $$"),
    plain("kill -INT $$; sleep 0.01"),
    plain("kill -HUP $$; sleep 0.01"),
    plain("kill -USR1 $$; sleep 0.01"),
    plain("kill -PIPE $$; sleep 0.01"),
    plain("kill -TERM 0; sleep 0.01"),
    plain("(kill -KILL $$); sleep 1"),
    plain("exec true"),
    plain("exec false"),
    plain("exec sh -c 'echo other shell; exit 15'"),
    plain("exec bash -c 'kill -9 $$'"),
    plain("exec ./missing"),
    plain("exec /"),
    plain("./missing"),
    plain("missing_command"),
    plain("trap 'exit 16' ERR; false"),
    plain("trap 'exit 17' TERM; kill $$; sleep 1"),
    plain("trap 'echo bye; exit 18' EXIT; exit 19"),
    plain("readonly r=1; r=2"),
    plain("coproc cat; exit 20"),
    with(STAYS, "sleep 300 & exit 21"),
    with(STAYS, "setsid -f sleep 300; sleep 300 & trap 'kill -9 $(jobs -p)' EXIT; exit 22"),
    with(STAYS, "sleep 300 & trap 'kill $(jobs -p); wait' EXIT; exit 23"),
    with(RUNS_NOTHING, "set -n"),
    with(QUIET, "ulimit -f 0; echo full > \"$FILES/full\""),
    plain("trap 'kill -9 $$' EXIT"),
    plain("trap 'kill $$; sleep 0.01' EXIT; exit 3"),
];
