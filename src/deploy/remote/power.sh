# Sets the power mode and the clocks of the device for a measured run, and sets them back. $1: the bundle's folder; $2:
# "set" or "restore"; for "set" $3: the mode's number or name, or empty, and $4: "max" or empty. What there was before is
# kept in $1/.power until it is set back. Answers with lines KEY=VALUE; "refused" tells why something was not done.
# shellcheck shell=sh
root=${EDET_DEVICE_ROOT-}
keep=$1/.power
say() { printf '%s=%s\n' "$1" "$2"; }
query() { nvpmodel -q </dev/null 2>/dev/null || sudo -n nvpmodel -q </dev/null 2>/dev/null; }
mode_number() { query | sed -n 's/^\([0-9][0-9]*\)$/\1/p' | sed -n '$p'; }
mode_name() { query | sed -n 's/^NV Power Mode: *//p' | sed -n '1p'; }
last() { printf '%s\n' "$1" | sed '/^$/d' | sed -n '$p'; }

# Some modes need the device to start anew, and nvpmodel asks whether it may: no.
set_mode() {
  answer=$(printf 'NO\n' | timeout 60 sudo -n nvpmodel -m "$1" 2>&1) && [ "$(mode_number)" = "$1" ] && return
  case $answer in
    *[Rr]eboot*|*REBOOT*) say refused "power mode $1 needs the device to be started anew, which is left to you: sudo nvpmodel -m $1" ;;
    *) say refused "the power mode cannot be set ($(last "$answer")): sudo nvpmodel -m $1" ;;
  esac
  return 1
}
clocks() { timeout 60 sudo -n jetson_clocks "$@" </dev/null 2>&1; }

set_all() {
  say before "$(mode_name)"
  if [ -n "$3" ]; then
    number=$3
    case $3 in
      *[!0-9]*) number=$(sed -n "s/^< *POWER_MODEL  *ID=\([0-9]*\)  *NAME=$3 *>.*/\1/p" "$root/etc/nvpmodel.conf" 2>/dev/null | sed -n '1p') ;;
    esac
    before=$(mode_number)
    if [ -z "$before" ]; then
      say refused "nvpmodel does not tell the power mode: it is left as it is"
    elif [ -z "$number" ]; then
      say refused "the device has no power mode $3; it has: $(sed -n 's/^< *POWER_MODEL  *ID=\([0-9]*\)  *NAME=\([^ >]*\).*/\1 \2,/p' "$root/etc/nvpmodel.conf" 2>/dev/null | tr '\n' ' ')"
    elif [ "$before" != "$number" ]; then
      mkdir -p "$keep" || exit 5
      # What an earlier run could not set back stays what is to be set back.
      if [ -e "$keep/mode" ]; then
        set_mode "$number"
      else
        echo "$before" >"$keep/mode" || exit 5
        set_mode "$number" || rm -f "$keep/mode"
      fi
    fi
  fi
  if [ "$4" = max ]; then
    mkdir -p "$keep" || exit 5
    if [ ! -e "$keep/clocks" ] && answer=$(clocks --store "$keep/clocks") && [ -e "$keep/clocks" ]; then
      answer=$(clocks) || { say refused "the clocks cannot be set ($(last "$answer")): sudo jetson_clocks" && rm -f "$keep/clocks"; }
    elif [ ! -e "$keep/clocks" ]; then
      say refused "the clocks cannot be stored ($(last "${answer-}")): sudo jetson_clocks"
    fi
    [ ! -e "$keep/clocks" ] || say clocks max
  fi
  rmdir "$keep" 2>/dev/null
  say mode "$(mode_name)"
}

restore_all() {
  if [ -e "$keep/mode" ] && { [ "$(mode_number)" = "$(cat "$keep/mode")" ] || set_mode "$(cat "$keep/mode")"; }; then
    rm -f "$keep/mode"
  fi
  # After the mode: they are those of the mode that there was.
  if [ -e "$keep/clocks" ]; then
    if answer=$(clocks --restore "$keep/clocks"); then
      rm -f "$keep/clocks"
      say clocks restored
    else
      say refused "the clocks cannot be set back ($(last "$answer")): sudo jetson_clocks --restore $keep/clocks"
    fi
  fi
  rmdir "$keep" 2>/dev/null
  say mode "$(mode_name)"
}

case $2 in
  set) set_all "$@" ;;
  restore) restore_all ;;
esac
exit 0
