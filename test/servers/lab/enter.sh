#!/bin/sh
# Turns fresh namespaces into the lab's machine and runs a command in it: enter.sh LAB-DIR COMMAND…
# Called by test/run.mjs through unshare. Nothing that happens here is seen outside, and all of it ends with the command.
#  - every address of the world is ours (AnyIP), so that a test can be any client and the lab can be the whole internet
#  - /etc, /run, /var/spool, /var/log and /dev are private, so that servers run at their stock places
set -eu
lab=$1
shift

mount -t tmpfs -o mode=0755 postern-lab "$lab"
mkdir -p /var/lib/exim4
for dir in /etc /run /var/spool /var/log /var/lib/postfix /var/lib/dovecot /var/lib/exim4; do
  private=$lab/private$dir
  mkdir -p "$private"
  case $dir in
    /etc) cp -a /etc/. "$private" ;;
    *) [ -d "$dir" ] || continue ;;
  esac
  chown --reference="$dir" "$private"
  chmod --reference="$dir" "$private"
  mount --bind "$private" "$dir"
done
mkdir -p /run/lock
# Programs that are unpacked, not installed, are found here.
mkdir -p "$lab/programs"
mount --bind "$lab/programs" /usr/local/sbin

dev=$lab/dev
mkdir -p "$dev/shm" "$dev/pts"
for node in null zero full random urandom tty; do
  : > "$dev/$node"
  mount --bind "/dev/$node" "$dev/$node"
done
mount --bind /dev/shm "$dev/shm"
mount --bind /dev/pts "$dev/pts"
ln -s pts/ptmx "$dev/ptmx"
ln -s /proc/self/fd "$dev/fd"
for number in 0/stdin 1/stdout 2/stderr; do ln -s "/proc/self/fd/${number%/*}" "$dev/${number#*/}"; done
mount --rbind "$dev" /dev

hostname mx.lab.test
printf '127.0.0.1 localhost\n::1 localhost\n127.0.0.1 mx.lab.test mx\n' > /etc/hosts
# The lab's DNS answers at once when it is given time; where there is none, asking fails at once too.
printf 'nameserver 127.0.0.1\noptions timeout:20 attempts:3\n' > /etc/resolv.conf

ip link set lo up
ip route add local 0.0.0.0/0 dev lo
if [ -e /proc/sys/net/ipv6/ip_nonlocal_bind ]; then
  ip -6 route add local ::/0 dev lo
  echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
fi

"$@"
