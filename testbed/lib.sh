# Processes and one-time steps. A process is ours only if the record in $run says so and the kernel agrees (same boot,
# same pid, same start time): nothing else is ever signalled.

started_at=${EPOCHREALTIME/./}
say() { printf '%6.1fs  %s\n' "$((${EPOCHREALTIME/./} - started_at))e-6" "$*"; }

# take_lock: one up.sh or down.sh at a time. One-time steps inherit the lock, so that a step orphaned by a killed up.sh
# ends before the next run begins; services do not.
take_lock() {
  exec 9>"$state/lock"
  flock -n 9 && return 0
  say 'another up or down is at work here: waiting for it to end'
  flock -w 900 9 || { echo "testbed: $state/lock is still held after 15 minutes (fuser $state/lock names the holder)" >&2; exit 1; }
}

# clean COMMAND...: runs it without the caller's environment (proxies, PYTHON*, OS_* would all be obeyed).
clean() { env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME="$home" no_proxy='*' "$@"; }

# start_time PID: when it started, in clock ticks since boot. Empty for what is gone or a zombie.
start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -ra fields <<<"${stat##*) }" # the name in brackets may hold blanks; the state comes right after it
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

# record NAME: sets pid and fingerprint from the record. Fails if there is none of this boot.
record() {
  local boot
  [ -s "$run/$1.process" ] || return 1
  read -r boot pid recorded_start fingerprint <"$run/$1.process"
  [ "$boot" = "$(</proc/sys/kernel/random/boot_id)" ]
}

# running NAME: is the recorded process alive?
running() {
  local pid recorded_start fingerprint
  record "$1" && [ "$(start_time "$pid")" = "$recorded_start" ]
}

# start NAME PORT CONFIG-FOLDER COMMAND...: a background process with its own session, log and record. Left alone if it
# runs with the same command and configuration; replaced if it runs with others. The folder is under $etc. '-' stands for
# no port, no folder.
start() {
  local name=$1 port=$2 folder=$3 pid recorded_start fingerprint wanted
  shift 3
  log=$logs/$name.log
  wanted=$({
    printf '%s\n' "$@"
    if [ "$folder" != - ]; then cat "$etc/$folder"/*; fi
  } | sha256sum | cut -c1-16)
  if running "$name" && record "$name" && [ "$fingerprint" = "$wanted" ]; then return 0; fi
  stop "$name"
  if [ "$port" != - ] && port_open "$port"; then
    log=
    echo "testbed: another program listens on port $port, which $name needs. KILN_TESTBED_PORT_BASE moves the test bed." >&2
    return 1
  fi
  if [ -e "$log" ]; then mv "$log" "$log.old"; fi
  (cd "$home" && exec setsid env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME="$home" no_proxy='*' "$@") \
    >"$log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$(</proc/sys/kernel/random/boot_id) $pid $(start_time $pid) $wanted" >"$run/$name.process"
  news=yes
}

# group_lives PID: has its process group a member that still runs? (Zombies do not: in a container PID 1 may be slow.)
group_lives() { pgrep -g "$1" -r D,I,R,S,T,t >/dev/null; }

# stop NAME [SECONDS]: ends the process and its group, by force after so long (20). Also what a dead leader left behind.
stop() {
  local name=$1 deadline=$((SECONDS + ${2:-20})) pid recorded_start fingerprint now
  if record "$name"; then
    # A process group keeps its number from being given away. So a pid that means another process now, means that
    # nothing of the group is left.
    now=$(start_time "$pid")
    if [ -z "$now" ] || [ "$now" = "$recorded_start" ]; then
      kill -TERM -- "-$pid" 2>/dev/null || true
      while group_lives "$pid" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
      kill -KILL -- "-$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$run/$name.process"
}

# await NAME COMMAND...: until COMMAND succeeds. Fails when the process dies or two minutes pass.
await() {
  local name=$1 deadline=$((SECONDS + 120))
  shift
  log=$logs/$name.log
  until "$@" >/dev/null 2>&1; do
    running "$name" || { echo "$name ended by itself" >&2; return 1; }
    [ "$SECONDS" -lt "$deadline" ] || { echo "$name runs but did not answer in two minutes ($*)" >&2; return 1; }
    sleep 0.1
  done
}

# port_open PORT, http_answers PORT PATH: for await.
port_open() { (: <>"/dev/tcp/$ip/$1") 2>/dev/null; }
http_answers() { clean curl -s -o /dev/null --max-time 5 "http://$ip:$1$2"; }

# once STEP COMMAND...: a step whose result is kept. The stamp is written last: a step killed half way is done again,
# so COMMAND must begin by clearing away what is half done.
once() {
  local step=$1
  shift
  if [ -e "$stamps/$step" ]; then return 0; fi
  log=$logs/$step.once.log # a service of that name has its own, and may be writing to it
  "$@" >"$log" 2>&1
  : >"$stamps/$step"
  news=yes
}

# after SERVICE...: blocks until those are up; ends the caller quietly when another service failed.
after() {
  local service
  for service in "$@"; do
    until [ -e "$round/up.$service" ]; do
      if [ -e "$round/failed" ] || [ ! -d "$round" ]; then exit 75; fi
      sleep 0.05
    done
  done
}
