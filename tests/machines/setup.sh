#!/usr/bin/env bash
# What the tests of this directory run jobs on: Slurm with two nodes and two sshd, all on loopback, from Debian's packages, in a
# directory beside the build. Once they are there:
#
#   cargo test --test machines -- --include-ignored
#
# `setup.sh stop` ends what was started. Where they cannot be had or do not work, it says why and ends with status 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/shared/packages.sh

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
place=$target/machines
mkdir -p "$place"

stop() {
    local pid name
    while read -r pid name; do
        # The number may be another's by now.
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] && kill "$pid" || true
    done < <(cat "$place/pids" 2>/dev/null)
    rm -f "$place/pids" "$place/env"
}

give_up() {
    stop
    echo "Slurm and sshd cannot be set up here: $*"
    exit 3
}

stop
[ "${1:-}" = stop ] && exit

[ "$(id -u)" = 0 ] || give_up "slurmd has to be started by root"
install_packages "$place/apt.log" slurmctld slurmd slurm-client munge openssh-server openssh-client

# A port that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Starts a program that stays, and takes down which one that is.
begin() {
    local name
    name=$(basename "$1")
    setsid "$@" >"$place/$name.out" 2>&1 </dev/null &
    echo "$! $name" >>"$place/pids"
}

rm -rf "$place"/{state,n1,n2,m1,m2,log}
mkdir -p "$place"/{state,n1,n2,log,m1/tmp,m1/shm,m2/tmp,m2/shm,n/tmp,n/shm} /run/sshd
# Where jobs have their workspaces on the other side, and where shipctl is found there.
printf '#!/bin/sh\necho "export TMPDIR=%s/n/tmp"\necho "export SHIPCTL_SHM=%s/n/shm"\n' "$place" "$place" >"$place/prolog"
chmod +x "$place/prolog"
path=$target/debug:/usr/local/bin:/usr/bin:/bin

[ -s "$place/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$place/munge.key")
begin munged --foreground --force --num-threads=2 --key-file="$place/munge.key" --socket="$place/munge.socket" \
    --pid-file="$place/munge.pid" --log-file="$place/munge.log" --seed-file="$place/munge.seed"
host=$(hostname -s)
cat >"$place/slurm.conf" <<END
ClusterName=shipctl
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$place/munge.socket
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/%n
SlurmctldPidFile=$place/ctl.pid
SlurmdPidFile=$place/%n.pid
SlurmctldLogFile=$place/log/ctl
SlurmdLogFile=$place/log/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$place/prolog
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout=10
KillWait=5
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$place/slurm.conf
for _ in $(seq 50); do [ -S "$place/munge.socket" ] && break; sleep 0.1; done
[ -S "$place/munge.socket" ] || give_up "$(tail -n 1 "$place/munged.out")"
begin slurmctld -D -f "$SLURM_CONF"
for node in n1 n2; do begin slurmd -D -N "$node" -f "$SLURM_CONF"; done

for machine in m1 m2; do
    for key in "$machine.host" user; do
        [ -f "$place/$key" ] || ssh-keygen -q -t ed25519 -N '' -f "$place/$key"
    done
    port=$(free_port)
    cat >"$place/$machine.sshd" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $place/$machine.host
AuthorizedKeysFile $place/user.pub
PasswordAuthentication no
UsePAM no
StrictModes no
PermitRootLogin yes
SetEnv PATH=$path TMPDIR=$place/$machine/tmp SHIPCTL_SHM=$place/$machine/shm MACHINE=$machine
END
    begin /usr/sbin/sshd -D -e -f "$place/$machine.sshd"
    cat >"$place/$machine.ssh" <<END
Host $machine
  HostName 127.0.0.1
  Port $port
  IdentityFile $place/user
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
END
done
cat "$place/m1.ssh" "$place/m2.ssh" >"$place/ssh.conf"

for _ in $(seq 100); do
    [ "$(sinfo -h -o %D -t idle 2>/dev/null)" = 2 ] && break
    sleep 0.2
done
[ "$(sinfo -h -o %D -t idle 2>/dev/null)" = 2 ] || give_up "$(tail -qn 1 "$place"/log/* | tail -n 1)"
for machine in m1 m2; do
    for _ in $(seq 50); do
        ssh -F "$place/ssh.conf" "$machine" true 2>"$place/ssh.log" && break
        sleep 0.1
    done
    ssh -F "$place/ssh.conf" "$machine" true 2>"$place/ssh.log" || give_up "$(tail -n 1 "$place/ssh.log")"
done
srun -Q -n2 -N2 --export=NONE /bin/true || give_up "srun fails"
printf '%s\n' "SLURM_CONF=$SLURM_CONF" "SSH_CONF=$place/ssh.conf" >"$place/env"
echo "machines: $(srun --version), $(ssh -V 2>&1)"
