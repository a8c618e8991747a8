#!/usr/bin/env bash
# Makes a database on an empty data directory, as the official image's variables say, then runs MySQL.
set -o errexit -o nounset -o pipefail
shopt -s nullglob

# Set a variable from the file that <name>_FILE names, or to a default.
variable() {
  local name=$1 file_name=$1_FILE default=${2:-}
  if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
    echo "error: both $name and $file_name are set" >&2
    exit 1
  fi
  if [[ -n ${!file_name:-} ]]; then
    export "$name=$(< "${!file_name}")"
  else
    export "$name=${!name:-$default}"
  fi
  unset "$file_name"
}

# Print what the server would take for a setting, given its command.
setting() {
  "${@:2}" --verbose --help 2> /dev/null | awk -v name="$1" '$1 == name && /^[^ ]/ { sub(/^[^ ]+ +/, ""); print; exit }'
}

# The password reaches the client in a file that nobody else sees.
sql() {
  mysql --defaults-extra-file=<(printf '[client]\npassword="%s"\n' "$password") --protocol=socket --socket="$socket" \
    --user=root --comments "$@"
}

# Like the official image, this takes names and passwords into the statements as they are.
make_users() {
  sql --database=mysql <<< "ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
  password=$MYSQL_ROOT_PASSWORD
  if [[ -n $MYSQL_ROOT_HOST && $MYSQL_ROOT_HOST != localhost ]]; then
    sql --database=mysql <<< "CREATE USER 'root'@'$MYSQL_ROOT_HOST' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
      GRANT ALL ON *.* TO 'root'@'$MYSQL_ROOT_HOST' WITH GRANT OPTION;"
  fi
  if [[ -n $MYSQL_DATABASE ]]; then
    sql --database=mysql <<< "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
  fi
  if [[ -n $MYSQL_USER && -n $MYSQL_PASSWORD ]]; then
    sql --database=mysql <<< "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';"
    if [[ -n $MYSQL_DATABASE ]]; then
      sql --database=mysql <<< "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
    fi
  fi
}

run_scripts() {
  local file database=()
  if [[ -n $MYSQL_DATABASE ]]; then
    database=(--database="$MYSQL_DATABASE")
  fi
  for file in /docker-entrypoint-initdb.d/*; do
    echo "running $file"
    case "$file" in
      *.sh)
        if [[ -x $file ]]; then
          "$file"
        else
          # shellcheck source=/dev/null
          . "$file"
        fi
        ;;
      *.sql) sql "${database[@]}" < "$file" ;;
      *.sql.gz) gunzip --stdout "$file" | sql "${database[@]}" ;;
    esac
  done
}

set_up() {
  if [[ -z $MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD$MYSQL_RANDOM_ROOT_PASSWORD ]]; then
    echo "error: one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD has to be set" >&2
    exit 1
  fi
  if [[ $MYSQL_USER == root ]]; then
    echo "error: MYSQL_USER cannot be root" >&2
    exit 1
  fi
  "$@" --initialize-insecure --default-time-zone=SYSTEM
  # Nobody outside reaches it before it is complete.
  "$@" --daemonize --skip-networking --default-time-zone=SYSTEM --socket="$socket"
  password=
  if [[ -z ${MYSQL_INITDB_SKIP_TZINFO:-} ]]; then
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2> /dev/null | sql --database=mysql
  fi
  if [[ -n $MYSQL_RANDOM_ROOT_PASSWORD ]]; then
    MYSQL_ROOT_PASSWORD=$(openssl rand -base64 24)
    echo "GENERATED ROOT PASSWORD: $MYSQL_ROOT_PASSWORD"
  fi
  make_users
  run_scripts
  mysqladmin --defaults-extra-file=<(printf '[client]\npassword="%s"\n' "$password") --user=root --socket="$socket" \
    shutdown
}

main() {
  if [[ ${1:-} == -* ]]; then
    set -- mysqld "$@"
  fi
  if [[ ${1:-} != mysqld || " $* " =~ \ (-\?|--help|--print-defaults|-V|--version)\  ]]; then
    exec "$@"
  fi

  local errors
  if ! errors=$("$@" --verbose --help 2>&1 > /dev/null); then
    echo "error: mysqld does not take its settings: $errors" >&2
    exit 1
  fi
  data=$(setting datadir "$@")
  socket=$(setting socket "$@")
  mkdir -p "$data" "${socket%/*}"
  if [[ $(id -u) == 0 ]]; then
    find "$data" "${socket%/*}" \! -user mysql -exec chown mysql {} +
    exec gosu mysql "${BASH_SOURCE[0]}" "$@"
  fi

  if [[ ! -d $data/mysql ]]; then
    variable MYSQL_ROOT_HOST %
    variable MYSQL_ROOT_PASSWORD
    variable MYSQL_ALLOW_EMPTY_PASSWORD
    variable MYSQL_RANDOM_ROOT_PASSWORD
    variable MYSQL_DATABASE
    variable MYSQL_USER
    variable MYSQL_PASSWORD
    set_up "$@"
  fi
  unset MYSQL_ROOT_PASSWORD MYSQL_PASSWORD
  exec "$@"
}

main "$@"
