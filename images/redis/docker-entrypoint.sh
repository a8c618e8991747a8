#!/bin/sh
# Runs Redis, as user redis when started by root. Options or a configuration file alone mean redis-server.
set -e

case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis {} +
  exec gosu redis "$0" "$@"
fi

# Dumps are nobody else's to read.
if [ "$(umask)" = 0022 ]; then
  umask 0077
fi

# Protected mode keeps out everybody who comes over the network; in a container, nobody comes otherwise.
# It goes first among the options, so that one given by the user still decides.
if [ "$1" = redis-server ]; then
  shift
  case "${1:-}" in
    -v | --version | -h | --help | --test-memory | --check-system) set -- redis-server "$@" ;;
    '' | --*) set -- redis-server --protected-mode no "$@" ;;
    *)
      file=$1
      shift
      set -- redis-server "$file" --protected-mode no "$@"
      ;;
  esac
fi

exec "$@"
