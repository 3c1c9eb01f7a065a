# Stops one private server when its owner says so or is gone, however it went.
#
# Standard input is a pipe whose other end only the owner holds: a line "keep" means stop and keep the folder, any
# other line or the end of file (the owner ended, crashed, was killed) means stop and remove it. Fast shutdown first,
# then immediate, then SIGKILL. Exit code 0: the shutdown was clean; 3: it was not.
#
#   $1  the folder of the run; the data directory is $1/data, the owner's lock $1.lock
trap '' INT TERM HUP

read -r order || order=remove

folder=$1

# The postmaster's process id, while it runs. The file outlives a postmaster that was killed, and its number may by
# then belong to somebody else: where there is a /proc, the process must be at home in the data directory.
postmaster() {
    pid=
    read -r pid 2>/dev/null <"$folder/data/postmaster.pid" || return 1
    case $pid in '' | *[!0-9]*) return 1 ;; esac
    kill -0 "$pid" 2>/dev/null || return 1
    [ ! -e /proc/self/cwd ] || [ "/proc/$pid/cwd" -ef "$folder/data" ]
}

# Sends the signal $1 and waits until the postmaster is gone, for at most $2 naps.
stop_with() {
    postmaster || return 0
    kill -s "$1" "$pid"
    naps=$2
    while postmaster; do
        [ "$naps" -gt 0 ] || return 1
        naps=$((naps - 1))
        sleep 0.02
    done
}

clean=0
stop_with INT 500 || {
    clean=3
    stop_with QUIT 250 || stop_with KILL 250
}
[ "$order" = keep ] || rm -rf "$folder" "$folder.lock"
exit "$clean"
