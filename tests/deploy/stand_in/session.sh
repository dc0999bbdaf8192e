#!/bin/sh
# STAND-IN. What sshd runs for each command that comes in (ForceCommand): the command, in the stand-in device's
# surroundings. Usage: session.sh FOLDER, which holds home/, etc/, usr/, launcher, release, and may hold
#   cut   "N before": the connection is cut before the Nth command from now
#         "N middle": ... after it has read 300,000 bytes and run to its end with those
#   log   grows by a line for each command
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
STAND_IN=$1 HOME=$1/home PATH=$1/bin:$here/bin:$PATH EDET_DEVICE_ROOT=$1 EDET_LAUNCHER=$(cat "$1/launcher")
export STAND_IN HOME PATH EDET_DEVICE_ROOT EDET_LAUNCHER
cd "$HOME"
echo x >>"$STAND_IN/log"

# The process of sshd that holds this connection, above the shell that it started for this command.
cut_off() {
  process=$PPID
  while ! grep -q '^sshd' "/proc/$process/comm"; do
    process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status")
  done
  kill -9 "$process"
  exit 1
}

if [ -f "$STAND_IN/cut" ]; then
  read -r count how <"$STAND_IN/cut"
  echo "$((count - 1)) $how" >"$STAND_IN/cut"
  if [ "$count" -eq 1 ]; then
    rm "$STAND_IN/cut"
    [ "$how" != middle ] || head -c 300000 | sh -c "$SSH_ORIGINAL_COMMAND" >/dev/null 2>&1 || true
    cut_off
  fi
fi
exec sh -c "$SSH_ORIGINAL_COMMAND"
